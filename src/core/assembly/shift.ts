/** Shifts, rotates and double shifts (SDM 2). A masked count of 0 changes no flag. Undefined AF is cleared. */
import { State } from './generated/state.generated';
import { memModifiable } from './address';
import { CF, OF, arithmeticFlags, carry, lazyArithmeticRight, lazyExtra, lazyLeft, lazyRight, setArithmeticFlags } from './flags';
import { RECORD, dst, immediate, setDst, src } from './record';
import { commitWrite } from './tlb';

@inline function width<T>(): u32 { return sizeof<T>() * 8; }
@inline function masked<T>(count: u32): u32 { return count & (sizeof<T>() == 8 ? 63 : 31); }
@inline function top<T>(value: T): bool { return ((value >> <T>(width<T>() - 1)) & 1) != 0; }

@inline export function shl<T>(a: T, count: u32): T {
  const n = masked<T>(count);
  if (!n) return a;
  // Counts beyond the width shift everything out.
  const before = <T>(<u64>a << <u64>(n - 1)), r = <T>(before << <T>1);
  lazyLeft<T>(before, r);
  return r;
}
@inline export function shr<T>(a: T, count: u32): T {
  const n = masked<T>(count);
  if (!n) return a;
  const before = <T>(<u64>a >> <u64>(n - 1)), r = <T>(before >> <T>1);
  lazyRight<T>(before, r);
  return r;
}
@inline export function sar<T>(a: T, count: u32): T {
  const n = masked<T>(count);
  if (!n) return a;
  const wide = sizeof<T>() == 8 ? <i64>a : sizeof<T>() == 4 ? <i64><i32>a : sizeof<T>() == 2 ? <i64><i16>a : <i64><i8>a;
  const before = wide >> <i64>(n - 1), r = <T>(before >> 1);
  lazyArithmeticRight<T>(<T>before, r);
  return r;
}

/** Rotates change only CF and OF; OF is CF xor the top bit after a left rotate, the two top bits' xor after a right one. */
@inline function rotated(carryOut: u32, over: bool): void {
  setArithmeticFlags((arithmeticFlags() & ~(CF | OF)) | carryOut | (over ? OF : 0));
}
export function rol<T>(a: T, count: u32): T {
  const m = masked<T>(count);
  if (!m) return a;
  const n = m & (width<T>() - 1);
  const r = n ? <T>((a << <T>n) | (a >> <T>(width<T>() - n))) : a;
  const c = <u32>(r & 1);
  rotated(c, <u32>top<T>(r) != c);
  return r;
}
export function ror<T>(a: T, count: u32): T {
  const m = masked<T>(count);
  if (!m) return a;
  const n = m & (width<T>() - 1);
  const r = n ? <T>((a >> <T>n) | (a << <T>(width<T>() - n))) : a;
  rotated(<u32>top<T>(r), top<T>(r) != top<T>(<T>(r << 1)));
  return r;
}
export function rcl<T>(a: T, count: u32): T {
  const n = masked<T>(count) % (width<T>() + 1);
  if (!n) return a;
  let c = <T>carry(), r = a;
  for (let k: u32 = 0; k < n; k++) {
    const out = <T>top<T>(r);
    r = <T>((r << 1) | c);
    c = out;
  }
  rotated(<u32>c, top<T>(r) != <bool>c);
  return r;
}
export function rcr<T>(a: T, count: u32): T {
  const n = masked<T>(count) % (width<T>() + 1);
  if (!n) return a;
  let c = <T>carry(), r = a;
  for (let k: u32 = 0; k < n; k++) {
    const out = <T>(r & 1);
    r = <T>((r >> 1) | (c << <T>(width<T>() - 1)));
    c = out;
  }
  rotated(<u32>c, top<T>(r) != top<T>(<T>(r << 1)));
  return r;
}

/** SHLD/SHRD take their count from the immediate, or from CL when the immediate is 0x100. */
@inline function doubleCount<T>(p: usize): u32 {
  const count = immediate(p) == 0x100 ? <u32>load<u8>(State.RCX) : <u32>immediate(p);
  return masked<T>(count);
}
/** For 16 bits and counts above 16 (undefined in the manual) the operands are taken as one longer chain, as processors do. */
function doubleLeft<T>(a: T, b: T, n: u32): T {
  let r: T, out: u32;
  if (sizeof<T>() == 8) { r = <T>((a << <T>n) | (b >> <T>(64 - n))); out = <u32>((a >> <T>(64 - n)) & 1); }
  else {
    const w = width<T>();
    const chain = w == 16 ? (<u64>a << 32) | (<u64>b << 16) | <u64>a : (<u64>a << 32) | <u64>b;
    const total: u64 = w == 16 ? 48 : 64;
    const shifted = chain << <u64>n;
    r = <T>(shifted >> (total - <u64>w));
    out = <u32>((chain >> (total - <u64>n)) & 1);
  }
  lazyExtra<T>(r, out | (top<T>(<T>(r ^ a)) ? OF : 0));
  return r;
}
function doubleRight<T>(a: T, b: T, n: u32): T {
  let r: T, out: u32;
  if (sizeof<T>() == 8) { r = <T>((a >> <T>n) | (b << <T>(64 - n))); out = <u32>((a >> <T>(n - 1)) & 1); }
  else {
    const w = width<T>();
    const chain = w == 16 ? (<u64>a << 32) | (<u64>b << 16) | <u64>a : (<u64>b << 32) | <u64>a;
    r = <T>(chain >> <u64>n);
    out = <u32>((chain >> <u64>(n - 1)) & 1);
  }
  lazyExtra<T>(r, out | (top<T>(<T>(r ^ a)) ? OF : 0));
  return r;
}
export function shld<T>(p: usize): usize {
  const n = doubleCount<T>(p);
  setDst<T>(p, n ? doubleLeft<T>(dst<T>(p), src<T>(p), n) : dst<T>(p));
  return p + RECORD;
}
export function shrd<T>(p: usize): usize {
  const n = doubleCount<T>(p);
  setDst<T>(p, n ? doubleRight<T>(dst<T>(p), src<T>(p), n) : dst<T>(p));
  return p + RECORD;
}
export function shldm<T>(p: usize): usize {
  const h = memModifiable(p, sizeof<T>());
  if (!h) return 0;
  const n = doubleCount<T>(p);
  if (n) { store<T>(h, doubleLeft<T>(load<T>(h), src<T>(p), n)); commitWrite(h); }
  return p + RECORD;
}
export function shrdm<T>(p: usize): usize {
  const h = memModifiable(p, sizeof<T>());
  if (!h) return 0;
  const n = doubleCount<T>(p);
  if (n) { store<T>(h, doubleRight<T>(load<T>(h), src<T>(p), n)); commitWrite(h); }
  return p + RECORD;
}
