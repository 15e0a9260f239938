/**
 * Sine, cosine, arc tangent, logarithm and exponential as series on 128-bit numbers (long.ts). Arguments have been reduced
 * to where the series converge by at least two bits a term; they end when a term no longer touches the sum.
 */
import { copy, exponentOf } from './number';
import { divideBySmall, isZero, longAdd, longDivide, longMultiply, negate, setLong } from './long';

const TERM: usize = memory.data(32, 16);
const SQUARE: usize = memory.data(32, 16);
const PART: usize = memory.data(32, 16);
const SUM: usize = memory.data(32, 16);
const ONE: usize = memory.data(32, 16);
/** Bits below the sum at which a term stops to matter. */
const NEGLIGIBLE: i32 = 126;

@inline function matters(): bool { return !isZero(TERM) && exponentOf(TERM) > exponentOf(SUM) - NEGLIGIBLE; }

/** x - x^3/3! + ... for |x| <= pi/4. */
export function sine(r: usize, x: usize): void {
  longMultiply(SQUARE, x, x);
  copy(SUM, x);
  copy(TERM, x);
  for (let n: u32 = 2; matters(); n += 2) {
    longMultiply(PART, TERM, SQUARE);
    divideBySmall(TERM, PART, n * (n + 1));
    negate(TERM);
    longAdd(SUM, SUM, TERM);
  }
  copy(r, SUM);
}
/** 1 - x^2/2! + ... for |x| <= pi/4. */
export function cosine(r: usize, x: usize): void {
  longMultiply(SQUARE, x, x);
  setLong(SUM, 0, 0, 0x8000000000000000, 0);
  copy(TERM, SUM);
  for (let n: u32 = 1; matters(); n += 2) {
    longMultiply(PART, TERM, SQUARE);
    divideBySmall(TERM, PART, n * (n + 1));
    negate(TERM);
    longAdd(SUM, SUM, TERM);
  }
  copy(r, SUM);
}
/** x + x^2/2! + x^3/3! + ...: e^x - 1 for |x| < 0.7. */
export function exponentialMinusOne(r: usize, x: usize): void {
  copy(SUM, x);
  copy(TERM, x);
  for (let n: u32 = 2; matters(); n++) {
    longMultiply(PART, TERM, x);
    divideBySmall(TERM, PART, n);
    longAdd(SUM, SUM, TERM);
  }
  copy(r, SUM);
}
/** x -+ x^3/3 + x^5/5 ...: arc tangent, or with `hyperbolic` its hyperbolic sibling, for |x| < 0.42. */
export function arcTangent(r: usize, x: usize, hyperbolic: bool): void {
  longMultiply(SQUARE, x, x);
  copy(SUM, x);
  copy(TERM, x);
  for (let n: u32 = 3; matters(); n += 2) {
    longMultiply(TERM, TERM, SQUARE);
    if (!hyperbolic) negate(TERM);
    divideBySmall(PART, TERM, n);
    longAdd(SUM, SUM, PART);
  }
  copy(r, SUM);
}

/** Constants to 128 bits: exponent, high, low. */
const PI_4_HIGH: u64 = 0xc90fdaa22168c234, PI_4_LOW: u64 = 0xc4c6628b80dc1cd1;
export function setPi(n: usize, exponent: i32): void { setLong(n, 0, exponent, PI_4_HIGH, PI_4_LOW); }
export function setLn2(n: usize): void { setLong(n, 0, -1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af); }
export function setLog2e(n: usize): void { setLong(n, 0, 0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88); }

/** tan(pi/8) = 0.41: above it the arc tangent is pi/4 less that of (1 - t) / (1 + t). */
const REDUCE_AT: u64 = 0xd413cccfe7799211;
const T: usize = memory.data(32, 16);
const U: usize = memory.data(32, 16);
/** Arc tangent of t for 0 < t <= 1. */
export function arcTangentOfUnit(r: usize, t: usize): void {
  const exponent = exponentOf(t);
  if (exponent < -2 || (exponent == -2 && load<u64>(t, 16) <= REDUCE_AT)) { arcTangent(r, t, false); return; }
  setLong(ONE, 0, 0, 0x8000000000000000, 0);
  longAdd(U, ONE, t);
  copy(T, t);
  negate(T);
  longAdd(T, ONE, T);
  longDivide(T, T, U);
  arcTangent(T, T, false);
  negate(T);
  setPi(U, -1);
  longAdd(r, U, T);
}
/** log2 of 1 + x by atanh(x / (2 + x)): for 1 + x between sqrt(1/2) and sqrt(2). */
export function logarithmOfOnePlus(r: usize, x: usize): void {
  if (isZero(x)) { setLong(r, 0, 0, 0, 0); return; }
  setLong(U, 0, 1, 0x8000000000000000, 0);
  longAdd(U, U, x);
  longDivide(T, x, U);
  arcTangent(T, T, true);
  setLog2e(U);
  longMultiply(r, T, U);
  store<i32>(r, exponentOf(r) + 1, 8);
}
