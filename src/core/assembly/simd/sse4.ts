/** Blends, widening moves, PTEST and the other integer instructions of SSE4.1 (SDM 2). */
import { State } from '../generated/state.generated';
import { CF, ZF, setArithmeticFlags } from '../flags';
import { RECORD } from '../record';
import { xmmDst, xmmSource } from './operands';

/** The mask of the variable blends is XMM0. */
@inline function mask(): v128 { return v128.load(State.XMM0); }
export function pblendvb(a: v128, b: v128): v128 { return v128.bitselect(b, a, i8x16.shr_s(mask(), 7)); }
export function blendvps(a: v128, b: v128): v128 { return v128.bitselect(b, a, i32x4.shr_s(mask(), 31)); }
export function blendvpd(a: v128, b: v128): v128 { return v128.bitselect(b, a, i64x2.shr_s(mask(), 63)); }
/** All ones where bit n of the immediate is set, in lane n. */
@inline function lanes16(n: u32): v128 {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return i16x8.eq(v128.and(i16x8.splat(<i16>n), bits), bits);
}
export function pblendw(a: v128, b: v128, n: u32): v128 { return v128.bitselect(b, a, lanes16(n)); }
export function blendps(a: v128, b: v128, n: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return v128.bitselect(b, a, i32x4.eq(v128.and(i32x4.splat(<i32>n), bits), bits));
}
export function blendpd(a: v128, b: v128, n: u32): v128 {
  const bits = i64x2(1, 2);
  return v128.bitselect(b, a, i64x2.eq(v128.and(i64x2.splat(<i64>n), bits), bits));
}

export function ptest(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const a = v128.load(xmmDst(p)), b = v128.load(s);
  setArithmeticFlags((v128.any_true(v128.and(a, b)) ? 0 : ZF) | (v128.any_true(v128.andnot(b, a)) ? 0 : CF));
  return p + RECORD;
}

@inline export function pmovsxbw(a: v128): v128 { return i16x8.extend_low_i8x16_s(a); }
@inline export function pmovsxwd(a: v128): v128 { return i32x4.extend_low_i16x8_s(a); }
@inline export function pmovsxdq(a: v128): v128 { return i64x2.extend_low_i32x4_s(a); }
@inline export function pmovsxbd(a: v128): v128 { return pmovsxwd(pmovsxbw(a)); }
@inline export function pmovsxwq(a: v128): v128 { return pmovsxdq(pmovsxwd(a)); }
@inline export function pmovsxbq(a: v128): v128 { return pmovsxdq(pmovsxbd(a)); }
@inline export function pmovzxbw(a: v128): v128 { return i16x8.extend_low_i8x16_u(a); }
@inline export function pmovzxwd(a: v128): v128 { return i32x4.extend_low_i16x8_u(a); }
@inline export function pmovzxdq(a: v128): v128 { return i64x2.extend_low_i32x4_u(a); }
@inline export function pmovzxbd(a: v128): v128 { return pmovzxwd(pmovzxbw(a)); }
@inline export function pmovzxwq(a: v128): v128 { return pmovzxdq(pmovzxwd(a)); }
@inline export function pmovzxbq(a: v128): v128 { return pmovzxdq(pmovzxbd(a)); }

const SCRATCH: usize = memory.data(48, 16);
/** The least word and where it is first. */
export function phminposuw(a: v128): v128 {
  v128.store(SCRATCH, a);
  let least: u32 = 0xffff, at: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    const word = <u32>load<u16>(SCRATCH + (<usize>n << 1));
    if (word < least) { least = word; at = n; }
  }
  return i32x4(<i32>(least | (at << 16)), 0, 0, 0);
}
/** Eight sums of absolute differences of four bytes: a moving window of the destination against one group of the source. */
export function mpsadbw(a: v128, b: v128, n: u32): v128 {
  v128.store(SCRATCH, a);
  v128.store(SCRATCH, b, 16);
  const from = SCRATCH + (<usize>(n >> 2 & 1) << 2), group = SCRATCH + 16 + (<usize>(n & 3) << 2);
  for (let k: usize = 0; k < 8; k++) {
    let sum: i32 = 0;
    for (let m: usize = 0; m < 4; m++) sum += abs<i32>(<i32>load<u8>(from + k + m) - <i32>load<u8>(group + m));
    store<u16>(SCRATCH + 32 + (k << 1), <u16>sum);
  }
  return v128.load(SCRATCH, 32);
}
