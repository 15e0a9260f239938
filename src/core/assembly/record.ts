/**
 * A decoded instruction: 64 bytes in the arena. Blocks are runs of records behind a header of the same size.
 *
 *  0 u16 op          8 i64 displacement   32 u64 next RIP           48 u32 taken link   52 u32 its generation
 *  2 u8  dst        16 u64 immediate      40 u32 -> segment base    56 u32 fall link    60 u32 its generation
 *  3 u8  src        24 u64 RIP            44 u8 length  45 u8 segment  46 u8 flags  47 u8 operand bytes
 *  4 u8  base, 5 index, 6 scale (1, 2, 4, 8), 7 address shift (64 - address bits), with OTHER_ADDRESS in bit 7
 *
 * dst, src, base and index are byte addresses in the state, so that AH is 1 and no table stands between.
 */
import { State } from './generated/state.generated';

export const RECORD: usize = 64;
export const R_OP: usize = 0;
export const R_DST: usize = 2;
export const R_SRC: usize = 3;
export const R_BASE: usize = 4;
export const R_INDEX: usize = 5;
export const R_SCALE: usize = 6;
export const R_SHIFT: usize = 7;
/** The memory operand's linear address is more than its offset: the segment has a base, or must be checked. */
export const OTHER_ADDRESS: u8 = 0x80;
export const R_DISPLACEMENT: usize = 8;
export const R_IMMEDIATE: usize = 16;
export const R_RIP: usize = 24;
export const R_NEXT: usize = 32;
export const R_SEGMENT_BASE: usize = 40;
export const R_LENGTH: usize = 44;
export const R_SEGMENT: usize = 45;
export const R_FLAGS: usize = 46;
export const R_SIZE: usize = 47;
export const R_TAKEN: usize = 48;
export const R_TAKEN_GENERATION: usize = 52;
export const R_FALL: usize = 56;
export const R_FALL_GENERATION: usize = 60;

/** Record flags. */
export const F_MEMORY: u8 = 1;
/** Segment limits and rights must be checked for the memory operand (not all segments are flat). */
export const F_CHECK: u8 = 2;
export const F_REPE: u8 = 4;
export const F_REPNE: u8 = 8;
export const F_REP: u8 = 12;
export const F_LOCK: u8 = 16;
/** Address size: 0 = 16, 1 = 32, 2 = 64, at bit 5. */
export const F_ADDRESS_SHIFT: u8 = 5;
/** The register operand of an 8-bit form or ModRM.reg. */

/** Header of a block, before its first record. */
export const B_PHYSICAL: usize = 0;
export const B_RIP: usize = 8;
export const B_KEY: usize = 16;
export const B_COUNT: usize = 20;
export const B_NEXT_ADDRESS: usize = 24;
export const B_NEXT_PAGE: usize = 28;
export const B_CS_BASE: usize = 32;
export const B_CS_LIMIT: usize = 40;
/** Bytes of code that the block was decoded from. */
export const B_BYTES: usize = 44;

@inline export function pcOf(p: usize): u64 { return load<u64>(p, R_RIP); }
@inline export function nextPc(p: usize): u64 { return load<u64>(p, R_NEXT); }
@inline export function lengthOf(p: usize): u32 { return <u32>load<u8>(p, R_LENGTH); }
@inline export function immediate(p: usize): u64 { return load<u64>(p, R_IMMEDIATE); }
@inline export function isMemory(p: usize): bool { return (load<u8>(p, R_FLAGS) & F_MEMORY) != 0; }
@inline export function dstReg(p: usize): usize { return <usize>load<u8>(p, R_DST); }
@inline export function srcReg(p: usize): usize { return <usize>load<u8>(p, R_SRC); }
/** Number 0-15 of the general-purpose register in the dst or src place. */
@inline export function dstNumber(p: usize): u32 { return <u32>load<u8>(p, R_DST) >> 3; }
@inline export function srcNumber(p: usize): u32 { return <u32>load<u8>(p, R_SRC) >> 3; }
/** Number of the base or index register; 16 when there is none. */
@inline export function baseReg(p: usize): u32 { return <u32>load<u8>(p, R_BASE) >> 3; }
@inline export function indexReg(p: usize): u32 { return <u32>load<u8>(p, R_INDEX) >> 3; }
@inline export function scaleOf(p: usize): u32 { return ctz<u32>(load<u8>(p, R_SCALE)); }
@inline export function segmentOf(p: usize): u32 { return <u32>load<u8>(p, R_SEGMENT); }
@inline export function displacementOf(p: usize): i64 { return load<i64>(p, R_DISPLACEMENT); }
/** 0 = 16, 1 = 32, 2 = 64 bits, as in the VM-exit instruction information. */
@inline export function addressSizeOf(p: usize): u32 { return <u32>(load<u8>(p, R_FLAGS) >> F_ADDRESS_SHIFT) & 3; }
/** Operand size in bytes. */
@inline export function operandSizeOf(p: usize): u32 { return <u32>load<u8>(p, R_SIZE); }

@inline export function dst<T>(p: usize): T { return load<T>(dstReg(p)); }
@inline export function src<T>(p: usize): T { return load<T>(srcReg(p)); }
/** Writes a register; a 32-bit write clears the upper half (SDM 1 3.4.1.1). */
@inline export function setRegister<T>(at: usize, value: T): void {
  if (sizeof<T>() == 4) store<u64>(at, <u64><u32>value); else store<T>(at, value);
}
@inline export function setDst<T>(p: usize, value: T): void { setRegister<T>(dstReg(p), value); }
@inline export function setSrc<T>(p: usize, value: T): void { setRegister<T>(srcReg(p), value); }

/** Segment parts by segment number (ES CS SS DS FS GS LDTR TR). */
@inline export function segmentBase(n: u32): u64 { return load<u64>(<usize>State.ES_BASE + (<usize>n << 5)); }
@inline export function segmentLimit(n: u32): u32 { return load<u32>(<usize>State.ES_LIMIT + (<usize>n << 5)); }
@inline export function segmentAccess(n: u32): u32 { return load<u32>(<usize>State.ES_ACCESS + (<usize>n << 5)); }
@inline export function segmentSelector(n: u32): u32 { return <u32>load<u16>(<usize>State.ES_SELECTOR + (<usize>n << 5)); }
