/**
 * Flags that the manual leaves undefined ("Flags Affected" of each instruction, SDM 2), by operation. What is not here is
 * defined by all its operands, and compared.
 */
const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;

/** `count`: masked shift count; `width`: of the operand, in bits. */
type Rule = (count: number, width: number) => number;
const always =
  (flags: number): Rule =>
  () =>
    flags;

/** "The OF flag is affected only for 1-bit shifts; the AF flag is undefined; CF is undefined for counts >= the size." */
const shift: Rule = (count, width) => (count === 0 ? 0 : AF | (count === 1 ? 0 : OF) | (count >= width ? CF : 0));
/** As SHL and SHR, but CF holds the sign for any larger count. */
const arithmeticShift: Rule = count => (count === 0 ? 0 : AF | (count === 1 ? 0 : OF));
/** "The OF flag is affected when the count is 1, otherwise undefined" (not for a count of 0). */
const rotate: Rule = count => (count === 0 || count === 1 ? 0 : OF);
/** "If the count is greater than the operand size, the flags are undefined." */
const doubleShift: Rule = (count, width) =>
  count === 0 ? 0 : count > width ? CF | PF | AF | ZF | SF | OF : AF | (count === 1 ? 0 : OF);

const rules: Record<string, Rule> = {
  and: always(AF),
  or: always(AF),
  xor: always(AF),
  test: always(AF),
  rol: rotate,
  ror: rotate,
  rcl: rotate,
  rcr: rotate,
  shl: shift,
  shr: shift,
  sar: arithmeticShift,
  shld: doubleShift,
  shrd: doubleShift,
  mul: always(SF | ZF | AF | PF),
  imul: always(SF | ZF | AF | PF),
  div: always(CF | OF | SF | ZF | AF | PF),
  idiv: always(CF | OF | SF | ZF | AF | PF),
  andn: always(AF | PF),
  blsr: always(AF | PF),
  blsmsk: always(AF | PF),
  blsi: always(AF | PF),
  bzhi: always(AF | PF),
  bextr: always(AF | PF | SF),
  bt: always(OF | SF | AF | PF),
  bts: always(OF | SF | AF | PF),
  btr: always(OF | SF | AF | PF),
  btc: always(OF | SF | AF | PF),
  bsf: always(CF | OF | SF | AF | PF),
  bsr: always(CF | OF | SF | AF | PF),
  lzcnt: always(OF | SF | PF | AF),
  tzcnt: always(OF | SF | PF | AF),
};

export function undefinedFlags(operation: string, count: number, width: number): number {
  return rules[operation]?.(count, width) ?? 0;
}
