/** Shifts of packed integers (SDM 2): counts beyond the width give zeros, or signs. WebAssembly takes counts modulo the width. */
import { palignr } from './shuffle';

/** The count of the register forms: 64 bits, of which all beyond a byte mean "too many". */
@inline function countOf(b: v128): u32 { const count = <u64>i64x2.extract_lane(b, 0); return count > 255 ? 255 : <u32>count; }

export function psrlwi(a: v128, n: u32): v128 { return n > 15 ? i64x2.splat(0) : i16x8.shr_u(a, <i32>n); }
export function psrldi(a: v128, n: u32): v128 { return n > 31 ? i64x2.splat(0) : i32x4.shr_u(a, <i32>n); }
export function psrlqi(a: v128, n: u32): v128 { return n > 63 ? i64x2.splat(0) : i64x2.shr_u(a, <i32>n); }
export function psllwi(a: v128, n: u32): v128 { return n > 15 ? i64x2.splat(0) : i16x8.shl(a, <i32>n); }
export function pslldi(a: v128, n: u32): v128 { return n > 31 ? i64x2.splat(0) : i32x4.shl(a, <i32>n); }
export function psllqi(a: v128, n: u32): v128 { return n > 63 ? i64x2.splat(0) : i64x2.shl(a, <i32>n); }
export function psrawi(a: v128, n: u32): v128 { return i16x8.shr_s(a, <i32>min<u32>(n, 15)); }
export function psradi(a: v128, n: u32): v128 { return i32x4.shr_s(a, <i32>min<u32>(n, 31)); }
export function psrlw(a: v128, b: v128): v128 { return psrlwi(a, countOf(b)); }
export function psrld(a: v128, b: v128): v128 { return psrldi(a, countOf(b)); }
export function psrlq(a: v128, b: v128): v128 { return psrlqi(a, countOf(b)); }
export function psllw(a: v128, b: v128): v128 { return psllwi(a, countOf(b)); }
export function pslld(a: v128, b: v128): v128 { return pslldi(a, countOf(b)); }
export function psllq(a: v128, b: v128): v128 { return psllqi(a, countOf(b)); }
export function psraw(a: v128, b: v128): v128 { return psrawi(a, countOf(b)); }
export function psrad(a: v128, b: v128): v128 { return psradi(a, countOf(b)); }
/** Shifts of the whole register, by bytes. */
export function psrldqi(a: v128, n: u32): v128 { return palignr(i64x2.splat(0), a, n); }
export function pslldqi(a: v128, n: u32): v128 { return n > 15 ? i64x2.splat(0) : palignr(a, i64x2.splat(0), 16 - n); }
