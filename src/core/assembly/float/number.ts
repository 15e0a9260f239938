/**
 * Unpacked floating-point numbers, and the environment that arithmetic on them has: the one base of SSE and x87.
 *
 * A number is 32 bytes of scratch within one instruction: value = (-1)^sign * significand * 2^(exponent - 63), with bit 63
 * of the significand set; `low` continues it below, its last bit sticky. Unpacking normalizes denormals and marks them.
 *
 *   0 u32 sign   4 u32 kind   8 i32 exponent   12 u32 denormal   16 u64 significand   24 u64 low
 */

export const enum Kind {
  Zero = 0,
  Finite = 1,
  Infinity = 2,
  /** NaNs keep their fraction at the top of the significand. */
  Quiet = 3,
  Signalling = 4,
  /** An encoding of the 80-bit format that no longer is a number (SDM 1 8.2.2). */
  Unsupported = 5,
}
/** Exception flags, as in MXCSR and the x87 status word. */
export const IE: u32 = 1;
export const DE: u32 = 2;
export const ZE: u32 = 4;
export const OE: u32 = 8;
export const UE: u32 = 16;
export const PE: u32 = 32;
export const EXCEPTIONS: u32 = 63;

export const enum Rounding { Nearest = 0, Down = 1, Up = 2, Zero = 3 }

const BYTES: i32 = 32;
export const A: usize = memory.data(BYTES, 16);
export const B: usize = memory.data(BYTES, 16);
/** Where results go. */
export const R: usize = memory.data(BYTES, 16);

@inline export function signOf(n: usize): u32 { return load<u32>(n); }
@inline export function kindOf(n: usize): u32 { return load<u32>(n, 4); }
@inline export function exponentOf(n: usize): i32 { return load<i32>(n, 8); }
@inline export function isDenormal(n: usize): bool { return load<u32>(n, 12) != 0; }
@inline export function significandOf(n: usize): u64 { return load<u64>(n, 16); }
@inline export function lowOf(n: usize): u64 { return load<u64>(n, 24); }
@inline export function isNaN_(n: usize): bool { return kindOf(n) >= <u32>Kind.Quiet; }

/** Rounding mode, masks (a bit set: masked), FTZ, DAZ, and whether the x87 rules of NaNs and unmasked results apply. */
export let rounding: u32 = 0;
export let masks: u32 = 0;
export let flush: bool = false;
export let zeroDenormals: bool = false;
export let x87: bool = false;
/** Exceptions that the operation met. */
export let flags: u32 = 0;
/** Whether the last rounding went away from zero (C1 of the x87). */
export let roundedUp: bool = false;

export function setEnvironment(mode: u32, masked: u32, ftz: bool, daz: bool, fpu: bool): void {
  rounding = mode;
  masks = masked;
  flush = ftz && (masked & UE) != 0;
  zeroDenormals = daz;
  x87 = fpu;
  flags = 0;
  roundedUp = false;
}
export function setRounding(mode: u32): void { rounding = mode; }
@inline export function raise(exceptions: u32): void { flags |= exceptions; }
export function clearFlags(exceptions: u32): void { flags &= ~exceptions; }
export function setRoundedUp(up: bool): void { roundedUp = up; }

export function set(n: usize, sign: u32, kind: u32, exponent: i32, significand: u64, low: u64): void {
  store<u32>(n, sign);
  store<u32>(n, kind, 4);
  store<i32>(n, exponent, 8);
  store<u32>(n, 0, 12);
  store<u64>(n, significand, 16);
  store<u64>(n, low, 24);
}
export function setZero(n: usize, sign: u32): void { set(n, sign, Kind.Zero, 0, 0, 0); }
export function setInfinity(n: usize, sign: u32): void { set(n, sign, Kind.Infinity, 0, 0x8000000000000000, 0); }
/** The real indefinite QNaN (SDM 1 4.8.3.7). */
export function setIndefinite(n: usize): void { set(n, 1, Kind.Quiet, 0, 0xc000000000000000, 0); }
export function copy(to: usize, from: usize): void { memory.copy(to, from, BYTES); }
export function setSign(n: usize, sign: u32): void { store<u32>(n, sign); }
export function setExponent(n: usize, exponent: i32): void { store<i32>(n, exponent, 8); }

function denormal(n: usize, sign: u32, minimum: i32, significand: u64): void {
  if (zeroDenormals) { setZero(n, sign); return; }
  const shift = clz<u64>(significand);
  set(n, sign, Kind.Finite, minimum - <i32>shift, significand << shift, 0);
  store<u32>(n, 1, 12);
}
/** A number of a format with a hidden bit: `fraction` at the top of 63 bits, biased exponent. */
@inline function unpack(n: usize, sign: u32, biased: i32, bias: i32, largest: i32, fraction: u64): void {
  if (biased == largest) {
    if (!fraction) setInfinity(n, sign);
    else set(n, sign, fraction >> 62 ? Kind.Quiet : Kind.Signalling, 0, fraction | 0x8000000000000000, 0);
  } else if (biased) set(n, sign, Kind.Finite, biased - bias, fraction | 0x8000000000000000, 0);
  else if (fraction) denormal(n, sign, 1 - bias, fraction);
  else setZero(n, sign);
}
export function unpack32(n: usize, bits: u32): void { unpack(n, bits >> 31, <i32>((bits >> 23) & 0xff), 127, 0xff, <u64>(bits & 0x7fffff) << 40); }
export function unpack64(n: usize, bits: u64): void { unpack(n, <u32>(bits >> 63), <i32>((bits >> 52) & 0x7ff), 1023, 0x7ff, (bits & 0xfffffffffffff) << 11); }
/** Double extended: the integer bit is explicit; without it a number with an exponent is unsupported. */
export function unpack80(n: usize, significand: u64, high: u32): void {
  const sign = (high >> 15) & 1, biased = <i32>(high & 0x7fff);
  if (biased == 0) {
    if (!significand) setZero(n, sign);
    else if (significand >> 63) { set(n, sign, Kind.Finite, -16382, significand, 0); store<u32>(n, 1, 12); } // pseudo-denormal
    else denormal(n, sign, -16382, significand);
  } else if (!(significand >> 63)) set(n, sign, Kind.Unsupported, 0, significand, 0);
  else if (biased == 0x7fff) {
    if (significand << 1 == 0) setInfinity(n, sign);
    else set(n, sign, (significand >> 62) & 1 ? Kind.Quiet : Kind.Signalling, 0, significand, 0);
  } else set(n, sign, Kind.Finite, biased - 16383, significand, 0);
}

export function pack32(n: usize): u32 {
  const sign = signOf(n) << 31, significand = significandOf(n);
  switch (kindOf(n)) {
    case Kind.Zero: return sign;
    case Kind.Finite: return sign | (significand >> 63 ? <u32>(exponentOf(n) + 127) << 23 : 0) | (<u32>(significand >> 40) & 0x7fffff);
    case Kind.Infinity: return sign | 0x7f800000;
    default: return sign | 0x7fc00000 | (<u32>(significand >> 40) & 0x7fffff);
  }
}
export function pack64(n: usize): u64 {
  const sign = <u64>signOf(n) << 63, significand = significandOf(n);
  switch (kindOf(n)) {
    case Kind.Zero: return sign;
    case Kind.Finite: return sign | (significand >> 63 ? <u64>(exponentOf(n) + 1023) << 52 : 0) | ((significand >> 11) & 0xfffffffffffff);
    case Kind.Infinity: return sign | 0x7ff0000000000000;
    default: return sign | 0x7ff8000000000000 | ((significand >> 11) & 0xfffffffffffff);
  }
}
/** Sign and exponent of the 80-bit format; the significand is significandOf(n), quieted by what made the result. */
export function high80(n: usize): u32 {
  const sign = signOf(n) << 15;
  switch (kindOf(n)) {
    case Kind.Zero: return sign;
    case Kind.Finite: return sign | (significandOf(n) >> 63 ? <u32>(exponentOf(n) + 16383) : 0);
    default: return sign | 0x7fff;
  }
}
