/** Packed integer arithmetic (SDM 2). Functions of values; MMX forms have zeros in the upper half and ignore what it becomes. */

@inline export function paddb(a: v128, b: v128): v128 { return i8x16.add(a, b); }
@inline export function paddw(a: v128, b: v128): v128 { return i16x8.add(a, b); }
@inline export function paddd(a: v128, b: v128): v128 { return i32x4.add(a, b); }
@inline export function paddq(a: v128, b: v128): v128 { return i64x2.add(a, b); }
@inline export function psubb(a: v128, b: v128): v128 { return i8x16.sub(a, b); }
@inline export function psubw(a: v128, b: v128): v128 { return i16x8.sub(a, b); }
@inline export function psubd(a: v128, b: v128): v128 { return i32x4.sub(a, b); }
@inline export function psubq(a: v128, b: v128): v128 { return i64x2.sub(a, b); }
@inline export function paddsb(a: v128, b: v128): v128 { return i8x16.add_sat_s(a, b); }
@inline export function paddsw(a: v128, b: v128): v128 { return i16x8.add_sat_s(a, b); }
@inline export function paddusb(a: v128, b: v128): v128 { return i8x16.add_sat_u(a, b); }
@inline export function paddusw(a: v128, b: v128): v128 { return i16x8.add_sat_u(a, b); }
@inline export function psubsb(a: v128, b: v128): v128 { return i8x16.sub_sat_s(a, b); }
@inline export function psubsw(a: v128, b: v128): v128 { return i16x8.sub_sat_s(a, b); }
@inline export function psubusb(a: v128, b: v128): v128 { return i8x16.sub_sat_u(a, b); }
@inline export function psubusw(a: v128, b: v128): v128 { return i16x8.sub_sat_u(a, b); }

@inline export function pand(a: v128, b: v128): v128 { return v128.and(a, b); }
@inline export function pandn(a: v128, b: v128): v128 { return v128.andnot(b, a); }
@inline export function por(a: v128, b: v128): v128 { return v128.or(a, b); }
@inline export function pxor(a: v128, b: v128): v128 { return v128.xor(a, b); }
@inline export function andps(a: v128, b: v128): v128 { return v128.and(a, b); }
@inline export function andnps(a: v128, b: v128): v128 { return v128.andnot(b, a); }
@inline export function orps(a: v128, b: v128): v128 { return v128.or(a, b); }
@inline export function xorps(a: v128, b: v128): v128 { return v128.xor(a, b); }

@inline export function pcmpeqb(a: v128, b: v128): v128 { return i8x16.eq(a, b); }
@inline export function pcmpeqw(a: v128, b: v128): v128 { return i16x8.eq(a, b); }
@inline export function pcmpeqd(a: v128, b: v128): v128 { return i32x4.eq(a, b); }
@inline export function pcmpeqq(a: v128, b: v128): v128 { return i64x2.eq(a, b); }
@inline export function pcmpgtb(a: v128, b: v128): v128 { return i8x16.gt_s(a, b); }
@inline export function pcmpgtw(a: v128, b: v128): v128 { return i16x8.gt_s(a, b); }
@inline export function pcmpgtd(a: v128, b: v128): v128 { return i32x4.gt_s(a, b); }
@inline export function pcmpgtq(a: v128, b: v128): v128 { return i64x2.gt_s(a, b); }

@inline export function pminub(a: v128, b: v128): v128 { return i8x16.min_u(a, b); }
@inline export function pminuw(a: v128, b: v128): v128 { return i16x8.min_u(a, b); }
@inline export function pminud(a: v128, b: v128): v128 { return i32x4.min_u(a, b); }
@inline export function pminsb(a: v128, b: v128): v128 { return i8x16.min_s(a, b); }
@inline export function pminsw(a: v128, b: v128): v128 { return i16x8.min_s(a, b); }
@inline export function pminsd(a: v128, b: v128): v128 { return i32x4.min_s(a, b); }
@inline export function pmaxub(a: v128, b: v128): v128 { return i8x16.max_u(a, b); }
@inline export function pmaxuw(a: v128, b: v128): v128 { return i16x8.max_u(a, b); }
@inline export function pmaxud(a: v128, b: v128): v128 { return i32x4.max_u(a, b); }
@inline export function pmaxsb(a: v128, b: v128): v128 { return i8x16.max_s(a, b); }
@inline export function pmaxsw(a: v128, b: v128): v128 { return i16x8.max_s(a, b); }
@inline export function pmaxsd(a: v128, b: v128): v128 { return i32x4.max_s(a, b); }
@inline export function pavgb(a: v128, b: v128): v128 { return i8x16.avgr_u(a, b); }
@inline export function pavgw(a: v128, b: v128): v128 { return i16x8.avgr_u(a, b); }
@inline export function pabsb(a: v128): v128 { return i8x16.abs(a); }
@inline export function pabsw(a: v128): v128 { return i16x8.abs(a); }
@inline export function pabsd(a: v128): v128 { return i32x4.abs(a); }

@inline export function pmullw(a: v128, b: v128): v128 { return i16x8.mul(a, b); }
@inline export function pmulld(a: v128, b: v128): v128 { return i32x4.mul(a, b); }
@inline export function pmaddwd(a: v128, b: v128): v128 { return i32x4.dot_i16x8_s(a, b); }
/** The upper words of eight doublewords. */
@inline function highWords(low: v128, high: v128): v128 { return v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15); }
export function pmulhw(a: v128, b: v128): v128 { return highWords(i32x4.extmul_low_i16x8_s(a, b), i32x4.extmul_high_i16x8_s(a, b)); }
export function pmulhuw(a: v128, b: v128): v128 { return highWords(i32x4.extmul_low_i16x8_u(a, b), i32x4.extmul_high_i16x8_u(a, b)); }
/** Bits 30:15 of the product, rounded. -1 * -1 gives 8000, which WebAssembly's q15mulr would saturate. */
export function pmulhrsw(a: v128, b: v128): v128 {
  const half = i32x4.splat(0x4000);
  const low = i32x4.shl(i32x4.add(i32x4.extmul_low_i16x8_s(a, b), half), 1);
  const high = i32x4.shl(i32x4.add(i32x4.extmul_high_i16x8_s(a, b), half), 1);
  return highWords(low, high);
}
export function pmuludq(a: v128, b: v128): v128 {
  const low = i64x2.splat(0xffffffff);
  return i64x2.mul(v128.and(a, low), v128.and(b, low));
}
export function pmuldq(a: v128, b: v128): v128 {
  return i64x2.mul(i64x2.shr_s(i64x2.shl(a, 32), 32), i64x2.shr_s(i64x2.shl(b, 32), 32));
}
/** Unsigned bytes of the destination times signed bytes of the source, in pairs. */
export function pmaddubsw(a: v128, b: v128): v128 {
  const even = i16x8.mul(v128.and(a, i16x8.splat(0xff)), i16x8.shr_s(i16x8.shl(b, 8), 8));
  const odd = i16x8.mul(i16x8.shr_u(a, 8), i16x8.shr_s(b, 8));
  return i16x8.add_sat_s(even, odd);
}
export function psadbw(a: v128, b: v128): v128 {
  const difference = v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
  const fours = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(difference));
  return v128.and(i64x2.add(fours, i64x2.shr_u(fours, 32)), i64x2.splat(0xffffffff));
}

@inline function evenWords(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 0, 2, 4, 6, 8, 10, 12, 14); }
@inline function oddWords(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 1, 3, 5, 7, 9, 11, 13, 15); }
@inline function evenDwords(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 0, 2, 4, 6); }
@inline function oddDwords(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 1, 3, 5, 7); }
export function phaddw(a: v128, b: v128): v128 { return i16x8.add(evenWords(a, b), oddWords(a, b)); }
export function phaddsw(a: v128, b: v128): v128 { return i16x8.add_sat_s(evenWords(a, b), oddWords(a, b)); }
export function phsubw(a: v128, b: v128): v128 { return i16x8.sub(evenWords(a, b), oddWords(a, b)); }
export function phsubsw(a: v128, b: v128): v128 { return i16x8.sub_sat_s(evenWords(a, b), oddWords(a, b)); }
export function phaddd(a: v128, b: v128): v128 { return i32x4.add(evenDwords(a, b), oddDwords(a, b)); }
export function phsubd(a: v128, b: v128): v128 { return i32x4.sub(evenDwords(a, b), oddDwords(a, b)); }

/** a, -a or 0 as the sign of b: (a ^ negative) - negative, where b is not 0. */
export function psignb(a: v128, b: v128): v128 {
  const zero = i8x16.splat(0), negative = i8x16.lt_s(b, zero);
  return v128.andnot(i8x16.sub(v128.xor(a, negative), negative), i8x16.eq(b, zero));
}
export function psignw(a: v128, b: v128): v128 {
  const zero = i16x8.splat(0), negative = i16x8.lt_s(b, zero);
  return v128.andnot(i16x8.sub(v128.xor(a, negative), negative), i16x8.eq(b, zero));
}
export function psignd(a: v128, b: v128): v128 {
  const zero = i32x4.splat(0), negative = i32x4.lt_s(b, zero);
  return v128.andnot(i32x4.sub(v128.xor(a, negative), negative), i32x4.eq(b, zero));
}
