/** VM-exit instruction information (SDM 3C tables 27-8 to 27-14), built from a decoded instruction. */
import { addressSizeOf, baseReg, displacementOf, dstNumber, indexReg, isMemory, operandSizeOf, scaleOf, segmentOf, srcNumber } from '../record';

const REGISTER: u32 = 1 << 10;
const NO_INDEX: u32 = 1 << 22;
const NO_BASE: u32 = 1 << 27;

/** Scale 1:0, address size 9:7, segment 17:15, index 22:18 and base 27:23 of a memory operand. */
function memoryOperand(p: usize): u32 {
  const index = indexReg(p), base = baseReg(p);
  return scaleOf(p) | (addressSizeOf(p) << 7) | (segmentOf(p) << 15) |
    (index < 16 ? index << 18 : NO_INDEX) | (base < 16 ? base << 23 : NO_BASE);
}

/** VMCLEAR, VMPTRLD, VMPTRST, VMXON: a memory operand only. */
export function memoryInformation(p: usize): u32 { return memoryOperand(p); }

/** INVEPT, INVVPID, INVPCID: memory, and the register that holds the type. */
export function invalidationInformation(p: usize): u32 { return memoryOperand(p) | (dstNumber(p) << 28); }

/** VMREAD and VMWRITE: `operand` is the r/m operand's register number, `field` the other one's. */
export function fieldInformation(p: usize, operand: u32, field: u32): u32 {
  return (isMemory(p) ? memoryOperand(p) : REGISTER | (operand << 3)) | (field << 28);
}

/** Instruction identities of descriptor-table exits, bits 29:28. */
export const enum Identity { SGDT = 0, SIDT = 1, LGDT = 2, LIDT = 3, SLDT = 0, STR = 1, LLDT = 2, LTR = 3 }

/** LGDT, LIDT, SGDT, SIDT: memory, and the operand size (0 16 bits, 1 32 bits) in bit 11. */
export function tableInformation(p: usize, identity: u32): u32 {
  return memoryOperand(p) | (<u32>(operandSizeOf(p) != 2) << 11) | (identity << 28);
}
/** LLDT, LTR, SLDT, STR: memory or a register. */
export function selectorInformation(p: usize, identity: u32): u32 {
  const register = identity >= <u32>Identity.LLDT ? srcNumber(p) : dstNumber(p);
  return (isMemory(p) ? memoryOperand(p) : REGISTER | (register << 3)) | (identity << 28);
}

/** INS and OUTS: address size, and for OUTS the segment (SDM 3C table 27-8). */
export function stringInformation(p: usize, output: bool): u32 {
  return (addressSizeOf(p) << 7) | (output ? segmentOf(p) << 15 : 0);
}

/** Exit qualification of an instruction with a memory operand: its displacement, RIP-relative ones added up. */
export function displacementQualification(p: usize): u64 { return isMemory(p) ? <u64>displacementOf(p) : 0; }
