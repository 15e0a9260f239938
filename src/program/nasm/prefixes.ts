/** Prefixes: those that the source writes, and the order in which NASM puts all of them. */
import { Code, Register, RegisterExt } from 'iced-x86';
import type { Address } from './address';
import type { Encoding } from './encodings';

/** Prefixes that the source asks for. */
export interface Prefixes {
  wait?: boolean;
  /** 0xf0, 0xf2, 0xf3 in the order in which they are written out. */
  group1: number[];
  segment?: Register;
  /** o16, o32, o64. */
  operandSize?: number;
  /** a16, a32, a64. */
  addressSize?: number;
  /** `xacquire` or `xrelease`, which the forms without a ModRM byte do not take. */
  elision?: boolean;
  /** `{vex}` or `{vex3}`. */
  vex?: 2 | 3;
  /** `{evex}`. */
  evex?: boolean;
}

const SEGMENT_BYTE: Partial<Record<Register, number>> = {
  [Register.ES]: 0x26,
  [Register.CS]: 0x2e,
  [Register.SS]: 0x36,
  [Register.DS]: 0x3e,
  [Register.FS]: 0x64,
  [Register.GS]: 0x65,
};

/** Prefixes that stand alone on a line, or before an opcode without operands. */
export function prefixBytes(prefixes: Prefixes, bits: number): number[] {
  const { operandSize, addressSize } = prefixes;
  return [
    ...leadingPrefixes(prefixes),
    ...(operandSize === (bits === 16 ? 32 : 16) ? [0x66] : []),
    ...(addressSize !== undefined && addressSize !== bits ? [0x67] : []),
  ];
}

export function leadingPrefixes(prefixes: Prefixes, memory?: Address): number[] {
  const added: number[] = [];
  if (prefixes.wait) added.push(0x9b);
  added.push(...prefixes.group1);
  const segment = memory?.segment?.register ?? prefixes.segment;
  if (segment !== undefined) added.push(SEGMENT_BYTE[segment]!);
  return added;
}

/** The REX prefix of a 3DNow! instruction, which iced's encoder leaves out. */
export function now3dRex(memory: Address): number[] {
  const high = (register: Register) => register !== Register.None && RegisterExt.number(register) > 7;
  const rex = 0x40 | (high(memory.index) ? 2 : 0) | (high(memory.base) ? 1 : 0);
  return rex === 0x40 ? [] : [rex];
}

/** Encodings that are 64 bits wide anyway, and to which `o64` adds REX.W all the same. */
const TAKES_O64 = new Set([Code.Retnq, Code.Retnq_imm16, Code.Pushq_FS, Code.Pushq_GS, Code.Popq_FS, Code.Popq_GS]);

/** Puts the prefixes in NASM's order and adds those that the source asks for. */
export function arrange(
  raw: Uint8Array,
  encoding: Encoding,
  added: number[],
  prefixes: Prefixes,
  bits: number,
  rex: number[],
): number[] {
  let operandSize = false;
  let addressSize = false;
  const opcode: number[] = [];
  let at = 0;
  let wait = false;
  for (; at < raw.length; at++) {
    const byte = raw[at];
    if (byte === 0x66 && encoding.mandatoryPrefix !== 0x66) operandSize = true;
    else if (byte === 0x67) addressSize = true;
    else if (byte === 0x66 || byte === 0xf2 || byte === 0xf3) opcode.push(byte);
    else if (byte === 0x9b && at === 0 && raw.length > 1) wait = true;
    else break;
  }
  let rest = [...rex, ...raw.subarray(at)];
  if (prefixes.addressSize !== undefined && prefixes.addressSize !== bits) addressSize = true;
  if (encoding.legacy) {
    const wide = !encoding.defaultOperandSize64 || TAKES_O64.has(encoding.code);
    if (prefixes.operandSize === 64 && bits === 64 && wide) {
      if ((rest[0] & 0xf0) === 0x40) rest[0] |= 8;
      else rest = [0x48, ...rest];
    } else if (prefixes.operandSize === 16 && bits !== 16) operandSize = true;
    else if (prefixes.operandSize === 32 && bits === 16) operandSize = true;
  }
  return [
    ...(wait ? [0x9b] : []),
    // `rep xstore`: the prefix belongs to the opcode already.
    ...added.filter(byte => !(opcode.includes(byte) && byte === 0xf3 && encoding.padlock)),
    ...(operandSize ? [0x66] : []),
    ...(addressSize ? [0x67] : []),
    ...opcode,
    ...rest,
  ];
}
