/** Unpacking, packing and shuffles (SDM 2). Functions of values, but where an immediate selects. */

@inline export function punpcklbw(a: v128, b: v128): v128 { return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
@inline export function punpcklwd(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
@inline export function punpckldq(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 0, 4, 1, 5); }
@inline export function punpcklqdq(a: v128, b: v128): v128 { return v128.shuffle<i64>(a, b, 0, 2); }
@inline export function punpckhbw(a: v128, b: v128): v128 { return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
@inline export function punpckhwd(a: v128, b: v128): v128 { return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
@inline export function punpckhdq(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 2, 6, 3, 7); }
@inline export function punpckhqdq(a: v128, b: v128): v128 { return v128.shuffle<i64>(a, b, 1, 3); }
@inline export function unpcklps(a: v128, b: v128): v128 { return punpckldq(a, b); }
@inline export function unpckhps(a: v128, b: v128): v128 { return punpckhdq(a, b); }
@inline export function unpcklpd(a: v128, b: v128): v128 { return punpcklqdq(a, b); }
@inline export function unpckhpd(a: v128, b: v128): v128 { return punpckhqdq(a, b); }

@inline export function packsswb(a: v128, b: v128): v128 { return i8x16.narrow_i16x8_s(a, b); }
@inline export function packuswb(a: v128, b: v128): v128 { return i8x16.narrow_i16x8_u(a, b); }
@inline export function packssdw(a: v128, b: v128): v128 { return i16x8.narrow_i32x4_s(a, b); }
@inline export function packusdw(a: v128, b: v128): v128 { return i16x8.narrow_i32x4_u(a, b); }

@inline export function movsldup(a: v128): v128 { return v128.shuffle<i32>(a, a, 0, 0, 2, 2); }
@inline export function movshdup(a: v128): v128 { return v128.shuffle<i32>(a, a, 1, 1, 3, 3); }
@inline export function movddup(a: v128): v128 { return v128.shuffle<i64>(a, a, 0, 0); }

/** Bit 7 of a selector clears the byte; bits 6:4 mean nothing. */
export function pshufb(a: v128, b: v128): v128 { return i8x16.swizzle(a, v128.and(b, i8x16.splat(<i8>0x8f))); }
export function pshufb8(a: v128, b: v128): v128 { return i8x16.swizzle(a, v128.and(b, i8x16.splat(<i8>0x87))); }

/** Byte selectors of doubleword `n`. */
@inline function dword(n: u32): i32 { return <i32>((n & 3) * 0x04040404 + 0x03020100); }
/** Byte selectors of two words of the quadword that begins at byte `base`. */
@inline function words(first: u32, second: u32, base: u32): i32 {
  return <i32>(((first & 3) * 0x0202 + 0x0100 + base * 0x0101) | (((second & 3) * 0x0202 + 0x0100 + base * 0x0101) << 16));
}
export function pshufd(a: v128, order: u32): v128 {
  return i8x16.swizzle(a, i32x4(dword(order), dword(order >> 2), dword(order >> 4), dword(order >> 6)));
}
export function pshuflw(a: v128, order: u32): v128 {
  return i8x16.swizzle(a, i32x4(words(order, order >> 2, 0), words(order >> 4, order >> 6, 0), 0x0b0a0908, 0x0f0e0d0c));
}
export function pshufw(a: v128, order: u32): v128 { return pshuflw(a, order); }
export function pshufhw(a: v128, order: u32): v128 {
  return i8x16.swizzle(a, i32x4(0x03020100, 0x07060504, words(order, order >> 2, 8), words(order >> 4, order >> 6, 8)));
}
export function shufps(a: v128, b: v128, order: u32): v128 {
  const low = i8x16.swizzle(a, i32x4(dword(order), dword(order >> 2), -1, -1));
  const high = i8x16.swizzle(b, i32x4(-1, -1, dword(order >> 4), dword(order >> 6)));
  return v128.or(low, high);
}
export function shufpd(a: v128, b: v128, order: u32): v128 {
  const low = order & 1 ? i64x2.extract_lane(a, 1) : i64x2.extract_lane(a, 0);
  const high = order & 2 ? i64x2.extract_lane(b, 1) : i64x2.extract_lane(b, 0);
  return i64x2(low, high);
}

/** Two operands side by side, and zeros: scratch within one instruction. */
const PAIR: usize = memory.data(64, 16);
/** 16 bytes of d:s from byte `count` on. */
export function palignr(d: v128, s: v128, count: u32): v128 {
  v128.store(PAIR, s);
  v128.store(PAIR, d, 16);
  v128.store(PAIR, i64x2.splat(0), 32);
  return v128.load(PAIR + min<u32>(count, 32));
}
export function palignr8(d: v128, s: v128, count: u32): v128 {
  v128.store(PAIR, i64x2(i64x2.extract_lane(s, 0), i64x2.extract_lane(d, 0)));
  v128.store(PAIR, i64x2.splat(0), 16);
  return v128.load(PAIR + min<u32>(count, 16));
}
