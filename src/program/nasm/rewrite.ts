/** Spellings that NASM allows beside those of the instruction tables. */
import type { MnemonicInfo } from './mnemonics';
import type { Prefixes } from './prefixes';
import type { OperandValue } from './operand';
import { generalRegister, registerNamed, type RegisterClass } from './registers';
import { constant } from './value';

export const isClass = (operand: OperandValue | undefined, registerClass: RegisterClass): boolean =>
  operand?.kind === 'register' && operand.register.class === registerClass;

/** The 16 or 32-bit register with the same number; anything else stays. */
function resized(operand: OperandValue, bits: 16 | 32 | 64): OperandValue {
  if (operand.kind !== 'register' || !/^gpr(16|32|64)$/.test(operand.register.class)) return operand;
  return { ...operand, register: generalRegister(operand.register.index, bits) };
}

/** The 32-bit register whose low part this is. */
function widened(operand: OperandValue): OperandValue {
  if (operand.kind !== 'register' || !/^gpr(8|16)$/.test(operand.register.class)) return operand;
  const high = operand.register.class === 'gpr8' && /^[a-d]h$/.test(operand.register.name);
  return high ? operand : { ...operand, register: generalRegister(operand.register.index, 32) };
}

/** The destination may be called by its 64-bit name, but needs no REX.W. */
const NARROW_FIRST = /^(v?pextrb|vpextrw|vmovmskp[sd]|vpmovmskb|sldt)$/;
/** The operand is a 16-bit selector in any register: no prefix is needed. */
const SELECTOR = /^(lldt|ltr|verr|verw|lmsw|arpl)$/;
/** The second operand is a 16-bit selector. */
const SECOND_SELECTOR = /^(lar|lsl)$/;
/** x87 operations whose result goes to ST(i) and which pop; the operand defaults to ST1. */
const X87_POP = /^f(add|mul|sub|subr|div|divr)p$/;
/** x87 operations between ST0 and ST(i). */
const X87 = /^f(add|mul|subr?|divr?)$/;
/** x87 operations on ST0 and an operand that defaults to ST1. */
const X87_SECOND = /^f(xch|u?comi?p?|comp?|cmov\w+)$/;

/** Instructions with an unwritten XMM0, which may be written as the last operand. */
const XMM0_LAST = /^(blendvp[sd]|pblendvb|sha256rnds2)$/;
/** Insertions of a part of a general register, which may be named in its own size. */
const INSERT = /^v?pinsr[bw]$/;
/** Instructions of two operands of one size: a sized number also gives the size of the memory. */
const SAME_SIZE = /^(mov|add|adc|sub|sbb|and|or|xor|cmp|test)$/;

/** Instructions that work on an address in a register: `loop label, ecx`, `invlpga rax, ecx`. */
const COUNTED = /^loop(n?[ez])?$/;
const ADDRESSED = /^(monitorx?|mwaitx?|invlpga|clzero|vmrun|vmload|vmsave)$/;

/** The address size that such a register gives. */
export function withAddressOperand(
  mnemonic: MnemonicInfo,
  operands: readonly OperandValue[],
  prefixes: Prefixes,
): Prefixes {
  const counted = COUNTED.test(mnemonic.name) && operands.length === 2;
  const register = counted ? operands[1] : operands[0];
  if (!counted && !(ADDRESSED.test(mnemonic.name) && operands.length > 0)) return prefixes;
  if (register.kind !== 'register' || /^mwait/.test(mnemonic.name)) return prefixes;
  return { ...prefixes, addressSize: register.register.bits };
}

/** Operands as the tables want them. */
export function rewriteOperands(
  mnemonic: MnemonicInfo,
  operands: readonly OperandValue[],
  bits: number,
): readonly OperandValue[] {
  const { name } = mnemonic;
  const list = mergeDecorators(operands);
  if (COUNTED.test(name)) return list.slice(0, 1);
  if (ADDRESSED.test(name)) return [];
  if (mnemonic.immediate !== undefined) list.push(number(mnemonic.immediate));
  const [first, second] = list;
  if (name[0] === 'f') return x87(name, list);
  if (list.length === 0) return name === 'aam' || name === 'aad' ? [number(10)] : list;
  if (name === 'imul' && list.length === 2 && second.kind === 'immediate') return [first, first, second];
  if (name === 'mov' && list.length === 2) {
    // A segment register is loaded from 16 bits whatever the register is called: no prefix is needed.
    if (isClass(first, 'segment')) return [first, resized(second, bits === 16 ? 16 : 32)];
    if (isClass(second, 'segment') && isClass(first, 'gpr64')) return [resized(first, 32), second];
  }
  if (SAME_SIZE.test(name) && first.kind === 'memory' && first.size === undefined && second?.kind === 'immediate')
    return [{ ...first, size: second.size }, second];
  if (XMM0_LAST.test(name) && list.length === 3) return list.slice(0, 2);
  if (INSERT.test(name)) {
    const source = list.length - 2;
    return list.map((operand, i) => (i === source ? widened(operand) : operand));
  }
  if (name === 'rdpid' && bits === 64) return list.map(operand => resized(operand, 64));
  if (name === 'xchg' && first.kind === 'register' && second?.kind === 'register') return [second, first];
  if (NARROW_FIRST.test(name) && isClass(first, 'gpr64')) return [resized(first, 32), ...list.slice(1)];
  if (SELECTOR.test(name)) return list.map(operand => resized(operand, bits === 16 ? 16 : 32));
  if (SECOND_SELECTOR.test(name) && first.kind === 'register' && second)
    return [first, resized(second, first.register.bits as 16 | 32 | 64)];
  return list;
}

function number(n: number): OperandValue {
  return { kind: 'immediate', value: constant(BigInt(n)), column: 1, endColumn: 1 };
}

/** `zmm3, {rn-sae}` is `zmm3{rn-sae}`. */
function mergeDecorators(operands: readonly OperandValue[]): OperandValue[] {
  const list: OperandValue[] = [];
  for (const operand of operands) {
    const last = list.pop();
    if (last && operand.decorators?.[0] === 'only')
      list.push({ ...last, decorators: [...(last.decorators ?? []), ...operand.decorators.slice(1)] });
    else list.push(...(last ? [last] : []), operand);
  }
  return list;
}

function x87(name: string, list: OperandValue[]): readonly OperandValue[] {
  const st = (i: number): OperandValue => ({
    kind: 'register',
    register: registerNamed('st' + i)!,
    column: 1,
    endColumn: 1,
  });
  const [first, second] = list;
  if (list.length === 2) {
    const swap = name === 'fxch' && second.kind === 'register' && second.register.index === 0;
    return swap ? [second, first] : list;
  }
  if (list.length === 1 && first.kind !== 'register') return list;
  if (X87_POP.test(name)) return [first ?? st(1), st(0)];
  if (X87_SECOND.test(name)) return [st(0), first ?? st(1)];
  if (X87.test(name) && first) return first.decorators?.includes('to') ? [first, st(0)] : [st(0), first];
  return first || !/^f(free|st|ld)p?$/.test(name) ? list : [st(1)];
}
