/**
 * The legacy region of FXSAVE and XSAVE (SDM 1 10.5.1, 13.4.1), built and read in scratch: what goes to memory and what
 * comes from it is moved in pieces of 16 bytes, which cross no page, after all pages have been translated.
 *
 *   0 FCW  2 FSW  4 FTW  6 FOP  8 FIP  16 FDP  24 MXCSR  28 MXCSR_MASK  32 ST0-7, 16 bytes each  160 XMM0-15
 */
import { State } from '../generated/state.generated';
import { linear } from '../address';
import { longCode } from '../context';
import { Vector, faultCode } from '../fault';
import { R_SEGMENT, operandSizeOf } from '../record';
import { MXCSR_MASK } from '../simd/environment';
import { commitWrite, readable, writable } from '../tlb';
import { setControlWord, stAt, summarize } from './stack';

export const LEGACY_BYTES: u32 = 512;
export const HEADER_BYTES: u32 = 64;
/** Image in scratch: legacy region and XSAVE header. */
export const AREA: usize = memory.data(576, 16);
const MXCSR_AT: usize = 24;
const ST_AT: usize = 32;
const XMM_AT: usize = 160;

/** Parts of the area, as ranges of pieces: [first, end). */
export const X87_FIRST: u32 = 0, ST_FIRST: u32 = 2, ST_END: u32 = 10, XMM_FIRST: u32 = 10, HEADER_FIRST: u32 = 32, HEADER_END: u32 = 36;
/** XMM registers that exist in the current mode, as a range of pieces. */
@inline export function xmmEnd(): u32 { return XMM_FIRST + (longCode() ? 16 : 8); }

/** Linear address of the area that the instruction names. */
let at: u64 = 0;
let segment: u32 = 0;

/** Notes where the area lies: `bytes` bytes, aligned to `alignment`. False: a fault is noted. */
export function locate(p: usize, bytes: u32, alignment: u32, write: bool): bool {
  at = linear(p, bytes, write);
  segment = <u32>load<u8>(p, R_SEGMENT);
  if (!(at & (alignment - 1))) return true;
  faultCode(Vector.GP, 0);
  return false;
}
/** Whether the pages of pieces [first, end) can be written; false with a fault noted. */
export function canStore(first: u32, end: u32): bool {
  return writable(at + (first << 4), 16, segment) != 0 && writable(at + (end - 1 << 4), 16, segment) != 0;
}
export function storePieces(first: u32, end: u32): void {
  for (let n = first; n < end; n++) {
    const h = writable(at + (n << 4), 16, segment);
    v128.store(h, v128.load(AREA + (<usize>n << 4)));
    commitWrite(h);
  }
}
/** Bytes 24-31 only: MXCSR and its mask. */
export function storeMxcsr(): void {
  const h = writable(at + MXCSR_AT, 8, segment);
  store<u64>(h, load<u64>(AREA, MXCSR_AT));
  commitWrite(h);
}
/** Bytes 0-23: the x87 registers before MXCSR. */
export function storeControl(): void {
  const h = writable(at, 16, segment);
  v128.store(h, v128.load(AREA));
  commitWrite(h);
  const g = writable(at + 16, 8, segment);
  store<u64>(g, load<u64>(AREA, 16));
  commitWrite(g);
}
/** Reads pieces [first, end) into AREA; false with a fault noted. */
export function loadPieces(first: u32, end: u32): bool {
  for (let n = first; n < end; n++) {
    const h = readable(at + (n << 4), 16, segment);
    if (!h) return false;
    v128.store(AREA + (<usize>n << 4), v128.load(h));
  }
  return true;
}

/** x87 state into the image: 64-bit pointers with REX.W, else 32-bit offsets and selectors. */
export function putX87(p: usize): void {
  store<u16>(AREA, load<u16>(State.FCW));
  store<u16>(AREA, load<u16>(State.FSW), 2);
  store<u16>(AREA, <u16>load<u8>(State.FTW), 4);
  store<u16>(AREA, load<u16>(State.FOP), 6);
  if (operandSizeOf(p) == 8) {
    store<u64>(AREA, load<u64>(State.FIP), 8);
    store<u64>(AREA, load<u64>(State.FDP), 16);
  } else {
    store<u64>(AREA, <u64>load<u32>(State.FIP) | (<u64>load<u16>(State.FCS) << 32), 8);
    store<u64>(AREA, <u64>load<u32>(State.FDP) | (<u64>load<u16>(State.FDS) << 32), 16);
  }
  for (let n: u32 = 0; n < 8; n++) {
    const r = stAt(n), a = AREA + ST_AT + (<usize>n << 4);
    store<u64>(a, load<u64>(r));
    store<u64>(a, <u64>load<u16>(r, 8), 8);
  }
}
export function putMxcsr(): void {
  store<u32>(AREA, load<u32>(State.MXCSR), MXCSR_AT);
  store<u32>(AREA, MXCSR_MASK, MXCSR_AT + 4);
}
export function putXmm(): void { memory.copy(AREA + XMM_AT, State.XMM0, 256); }

export function takeX87(p: usize): void {
  store<u16>(State.FSW, load<u16>(AREA, 2));
  setControlWord(load<u16>(AREA));
  summarize();
  store<u8>(State.FTW, load<u8>(AREA, 4));
  store<u16>(State.FOP, load<u16>(AREA, 6) & 0x7ff);
  const wide = operandSizeOf(p) == 8;
  store<u64>(State.FIP, wide ? load<u64>(AREA, 8) : <u64>load<u32>(AREA, 8));
  store<u64>(State.FDP, wide ? load<u64>(AREA, 16) : <u64>load<u32>(AREA, 16));
  for (let n: u32 = 0; n < 8; n++) {
    const r = stAt(n), a = AREA + ST_AT + (<usize>n << 4);
    store<u64>(r, load<u64>(a));
    store<u16>(r, load<u16>(a, 8), 8);
  }
}
@inline export function mxcsrLegal(): bool { return (load<u32>(AREA, MXCSR_AT) & ~MXCSR_MASK) == 0; }
export function takeMxcsr(): void { store<u32>(State.MXCSR, load<u32>(AREA, MXCSR_AT)); }
/** Outside 64-bit mode XMM8-15 stay as they are. */
export function takeXmm(): void { memory.copy(State.XMM0, AREA + XMM_AT, longCode() ? 256 : 128); }
