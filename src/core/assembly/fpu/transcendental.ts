/**
 * FSIN FCOS FSINCOS FPTAN FPATAN F2XM1 FYL2X FYL2XP1 (SDM 1 8.3.6 to 8.3.10). Results come from series on 128 bits and are
 * rounded once: they are within half a unit of the last place but for cases too close to call. As in the processors that
 * the manual describes, trigonometric arguments are reduced by a pi of 66 bits (SDM 1 8.3.8).
 */
import { State } from '../generated/state.generated';
import { A, B, DE, Kind, PE, R, ZE, copy, exponentOf, isDenormal, kindOf, raise, set, setInfinity, setZero, signOf, significandOf } from '../float/number';
import * as F from '../float/arithmetic';
import * as L from '../float/long';
import * as T from '../float/series';
import { finish80 } from '../float/round';
import { RECORD } from '../record';
import * as E from './environment';
import { C2 } from './stack';

const X: usize = memory.data(32, 16);
const Y: usize = memory.data(32, 16);
const SINE: usize = memory.data(32, 16);
const COSINE: usize = memory.data(32, 16);

/** A finite number of the stack as a long one. */
function widen(to: usize, n: usize): void { L.setLong(to, signOf(n), exponentOf(n), significandOf(n), 0); }
/** Rounds the irrational value at `n` to R. */
function irrational(n: usize): void {
  set(R, signOf(n), Kind.Finite, exponentOf(n), significandOf(n), load<u64>(n, 24) | 1);
  finish80(R, 64);
}
/** Likewise for a value just below (in magnitude) what the series gave in 128 bits: x - x^3/6 of a small x. */
function justBelow(n: usize): void {
  if (load<u64>(n, 24)) { irrational(n); return; }
  const significand = significandOf(n);
  // 0.111...1 of the next lower exponent if the significand is a power of two.
  if (significand << 1) set(R, signOf(n), Kind.Finite, exponentOf(n), significand - 1, u64.MAX_VALUE);
  else set(R, signOf(n), Kind.Finite, exponentOf(n) - 1, u64.MAX_VALUE, u64.MAX_VALUE);
  finish80(R, 64);
}

/** pi/2 in 66 bits, as a remainder of 128 bits has it: bit 127 is 2^0. */
const HALF_PI_HIGH: u64 = 0xc90fdaa22168c234, HALF_PI_LOW: u64 = 0xc000000000000000;
/** |A| modulo pi/2 into X, between -pi/4 and pi/4; the number of quarter turns, modulo 4. */
function reduce(): u32 {
  let high = significandOf(A), low: u64 = 0, carry: u64 = 0, quarters: u32 = 0;
  let exponent = exponentOf(A);
  if (exponent < 0) {
    if (exponent < -1 || high <= HALF_PI_HIGH) { L.setLong(X, 0, exponent, high, 0); return 0; } // up to pi/4
    low = high << 63;
    high >>= 1;
    exponent = 0;
  }
  for (let n = exponent; ; n--) {
    quarters <<= 1;
    if (carry || high > HALF_PI_HIGH || (high == HALF_PI_HIGH && low >= HALF_PI_LOW)) {
      high -= HALF_PI_HIGH + (low < HALF_PI_LOW ? 1 : 0);
      low -= HALF_PI_LOW;
      quarters |= 1;
    }
    if (!n) break;
    carry = high >> 63;
    high = (high << 1) | (low >> 63);
    low <<= 1;
  }
  // Beyond pi/4: what is missing to the next quarter, negative.
  const half = HALF_PI_HIGH >> 1;
  if (high > half || (high == half && low > (HALF_PI_LOW >> 1))) {
    const missing = HALF_PI_HIGH - high - (HALF_PI_LOW < low ? 1 : 0);
    L.normalize(X, 1, 0, missing, HALF_PI_LOW - low);
    quarters++;
  } else L.normalize(X, 0, 0, high, low);
  return quarters & 3;
}
/** sin and cos of A, finite and not zero, to SINE and COSINE. */
function circle(): void {
  const quarters = reduce();
  if (quarters & 1) {
    T.cosine(SINE, X);
    T.sine(COSINE, X);
    L.negate(COSINE);
  } else {
    T.sine(SINE, X);
    T.cosine(COSINE, X);
  }
  if (quarters & 2) { L.negate(SINE); L.negate(COSINE); }
  if (signOf(A)) L.negate(SINE);
}
function giveSine(): void { if (L.isZero(SINE)) setZero(R, signOf(A)); else justBelow(SINE); }
function giveCosine(): void { if (L.isZero(COSINE)) setZero(R, 0); else justBelow(COSINE); }

/** Whether A is a number whose sine is to be computed. NaNs, infinities and zeros leave their result in R. */
function ordinary(): bool {
  const kind = kindOf(A);
  if (kind >= <u32>Kind.Quiet) F.nanOfOne(R, A);
  else if (kind == Kind.Infinity) F.invalid(R);
  else if (kind == Kind.Zero) setZero(R, signOf(A));
  else {
    if (isDenormal(A)) raise(DE);
    return true;
  }
  return false;
}
/** Arguments from 2^63 on are refused: C2 is set, nothing else changes. */
@inline function outOfRange(): bool { return kindOf(A) == Kind.Finite && exponentOf(A) >= 63; }
function refuse(p: usize): usize {
  E.settle(p, 0);
  store<u16>(State.FSW, load<u16>(State.FSW) | C2);
  return p + RECORD;
}
@inline function accept(): void { store<u16>(State.FSW, load<u16>(State.FSW) & ~C2); }

function sineOrCosine(p: usize, cosine: bool): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !E.missing(0);
  if (present) {
    E.unpackSt(A, 0);
    if (outOfRange()) return refuse(p);
    if (ordinary()) {
      circle();
      if (cosine) giveCosine(); else giveSine();
    } else if (cosine && kindOf(A) == Kind.Zero) set(R, 0, Kind.Finite, 0, 0x8000000000000000, 0);
  }
  accept();
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present) E.storeSt(0, R); else E.indefiniteSt(0);
  return p + RECORD;
}
export function fsin(p: usize): usize { return sineOrCosine(p, false); }
export function fcos(p: usize): usize { return sineOrCosine(p, true); }

/** Two results: `first` replaces ST(0), then R is pushed. */
const FIRST: usize = memory.data(32, 16);
function givePair(p: usize, good: bool): usize {
  accept();
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (good) { E.storeSt(0, FIRST); E.push(); E.storeSt(0, R); }
  else { E.indefiniteSt(0); E.push(); E.indefiniteSt(0); }
  return p + RECORD;
}
export function fsincos(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const good = !(E.missing(0) || E.full());
  if (good) {
    E.unpackSt(A, 0);
    if (outOfRange()) return refuse(p);
    if (ordinary()) {
      circle();
      giveSine();
      copy(FIRST, R);
      giveCosine();
    } else {
      copy(FIRST, R);
      if (kindOf(A) == Kind.Zero) set(R, 0, Kind.Finite, 0, 0x8000000000000000, 0);
    }
  }
  return givePair(p, good);
}
/** The tangent, then 1 for compatibility with the 8087. */
export function fptan(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const good = !(E.missing(0) || E.full());
  if (good) {
    E.unpackSt(A, 0);
    if (outOfRange()) return refuse(p);
    if (ordinary()) {
      circle();
      L.longDivide(X, SINE, COSINE);
      irrational(X);
    }
    copy(FIRST, R);
    if (kindOf(A) < <u32>Kind.Infinity) set(R, 0, Kind.Finite, 0, 0x8000000000000000, 0);
  }
  return givePair(p, good);
}

/** R, made from ST(0) and ST(1), goes to ST(1), and ST(0) is popped. */
function giveAndPop(p: usize, present: bool): usize {
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present) E.storeSt(1, R); else E.indefiniteSt(1);
  E.pop(1);
  return p + RECORD;
}
function operands(): bool {
  if (E.missing(0) || E.missing(1)) return false;
  E.unpackSt(A, 0);
  E.unpackSt(B, 1);
  return true;
}

/** A multiple of pi/4 with the sign of `sign`. */
function multipleOfPi(quarters: u32, sign: u32): void {
  if (quarters == 3) {
    T.setPi(X, 1);
    T.setPi(Y, -1);
    L.negate(Y);
    L.longAdd(X, X, Y);
  } else T.setPi(X, quarters == 1 ? -1 : quarters == 2 ? 0 : 1);
  if (sign) L.negate(X);
  irrational(X);
}
/** Arc tangent of ST(1) / ST(0), in all quadrants (SDM 2, table of FPATAN). A is x, B is y. */
function arcTangent(): void {
  const kx = kindOf(A), ky = kindOf(B), sign = signOf(B), left = signOf(A) != 0;
  if (kx >= <u32>Kind.Quiet || ky >= <u32>Kind.Quiet) { F.nanOf(R, A, B); return; }
  F.noteDenormals(A, B);
  if (ky == Kind.Infinity) { multipleOfPi(kx != Kind.Infinity ? 2 : left ? 3 : 1, sign); return; }
  if (ky == Kind.Zero || kx == Kind.Infinity) {
    if (left) multipleOfPi(4, sign); else setZero(R, sign);
    return;
  }
  if (kx == Kind.Zero) { multipleOfPi(2, sign); return; }
  const steep = exponentOf(B) > exponentOf(A) || (exponentOf(B) == exponentOf(A) && significandOf(B) > significandOf(A));
  widen(X, A);
  widen(Y, B);
  L.setLong(X, 0, exponentOf(A), significandOf(A), 0);
  L.setLong(Y, 0, exponentOf(B), significandOf(B), 0);
  if (steep) L.longDivide(X, X, Y); else L.longDivide(X, Y, X);
  const quotientExact = exponentOf(X) < -64;
  T.arcTangentOfUnit(X, X);
  if (steep) {
    // pi/2 -+ the arc tangent of the inverse.
    if (!left) L.negate(X);
    T.setPi(Y, 0);
    L.longAdd(X, Y, X);
  } else if (left) {
    L.negate(X);
    T.setPi(Y, 1);
    L.longAdd(X, Y, X);
  }
  if (sign) L.negate(X);
  if (quotientExact && !steep && !left) justBelow(X); else irrational(X);
}
export function fpatan(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = operands();
  if (present) arcTangent();
  return giveAndPop(p, present);
}

/** 2^ST(0) - 1 for -1 <= ST(0) <= 1; beyond, where the manual defines nothing, the argument itself. */
export function f2xm1(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !E.missing(0);
  if (present) {
    E.unpackSt(A, 0);
    const kind = kindOf(A), sign = signOf(A);
    if (kind >= <u32>Kind.Quiet) F.nanOfOne(R, A);
    else if (kind == Kind.Infinity) { if (sign) set(R, 1, Kind.Finite, 0, 0x8000000000000000, 0); else setInfinity(R, 0); }
    else if (kind == Kind.Zero || exponentOf(A) > 0) copy(R, A);
    else if (exponentOf(A) == 0) {
      if (significandOf(A) << 1) copy(R, A); // beyond 1
      else set(R, sign, Kind.Finite, sign ? -1 : 0, 0x8000000000000000, 0);
      raise(PE);
    } else {
      if (isDenormal(A)) raise(DE);
      widen(X, A);
      T.setLn2(Y);
      L.longMultiply(X, X, Y);
      T.exponentialMinusOne(X, X);
      irrational(X);
    }
  }
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present) E.storeSt(0, R); else E.indefiniteSt(0);
  return p + RECORD;
}

/** Y * log2, the logarithm (not zero) in X: rounded. */
function timesLogarithm(exact: bool): void {
  widen(Y, B);
  L.longMultiply(X, X, Y);
  set(R, signOf(X), Kind.Finite, exponentOf(X), significandOf(X), exact ? load<u64>(X, 24) : load<u64>(X, 24) | 1);
  finish80(R, 64);
  raise(PE); // processors say so of exact results too
}
/** What ST(1) * log2 is when one of the two is zero or infinite; `sign`: of the logarithm, which is 0, 1 for ordinary or 2 for infinite. */
function special(size: u32, logSign: u32): bool {
  const ky = kindOf(B), sign = signOf(B) ^ logSign;
  if ((size == 2 && ky == Kind.Zero) || (size == 0 && ky == Kind.Infinity)) F.invalid(R);
  else if (size == 2 || ky == Kind.Infinity) setInfinity(R, sign);
  else if (size == 0 || ky == Kind.Zero) setZero(R, sign);
  else return false;
  return true;
}
/** sqrt(2): significands above count as halves, so that the logarithm of the rest is small. */
const SQRT2: u64 = 0xb504f333f9de6484;
function logarithm(): void {
  const kx = kindOf(A), ky = kindOf(B);
  if (kx >= <u32>Kind.Quiet || ky >= <u32>Kind.Quiet) { F.nanOf(R, A, B); return; }
  if (kx != Kind.Zero && signOf(A)) { F.invalid(R); return; }
  if (kx == Kind.Zero) {
    if (ky == Kind.Zero) { F.invalid(R); return; }
    if (ky == Kind.Finite) raise(ZE);
    else F.noteDenormals(A, B);
    setInfinity(R, signOf(B) ^ 1);
    return;
  }
  const exponent = exponentOf(A), significand = significandOf(A);
  const one = kx == Kind.Finite && exponent == 0 && significand << 1 == 0;
  const size: u32 = kx == Kind.Infinity ? 2 : one ? 0 : 1;
  if ((size == 2 && ky == Kind.Zero) || (size == 0 && ky == Kind.Infinity)) { F.invalid(R); return; }
  F.noteDenormals(A, B);
  if (special(size, size == 1 && exponent < 0 ? 1 : 0)) return;
  if (significand << 1 == 0) {
    // A power of two: exact.
    const value = <u64>(exponent < 0 ? -exponent : exponent), shift = <u64>clz<u64>(value);
    L.setLong(X, exponent < 0 ? 1 : 0, 63 - <i32>shift, value << shift, 0);
    timesLogarithm(true);
    return;
  }
  wholeLogarithm(exponent, significand, 0);
  timesLogarithm(false);
}
/** log2 of significand:low * 2^(exponent - 127), which is no power of two, to X. */
function wholeLogarithm(exponent: i32, significand: u64, low: u64): void {
  const high = significand > SQRT2;
  // 1 + X is the significand, or half of it: X is exact.
  if (high) L.normalize(X, 1, -1, 0 - significand - (low ? 1 : 0), 0 - low);
  else L.normalize(X, 0, 0, significand - 0x8000000000000000, low);
  T.logarithmOfOnePlus(X, X);
  const whole = high ? exponent + 1 : exponent;
  if (!whole) return;
  const value = <u64>(whole < 0 ? -whole : whole), shift = <u64>clz<u64>(value);
  L.setLong(Y, whole < 0 ? 1 : 0, 63 - <i32>shift, value << shift, 0);
  L.longAdd(X, Y, X);
}
export function fyl2x(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = operands();
  if (present) logarithm();
  return giveAndPop(p, present);
}
function logarithmPlusOne(): void {
  const kx = kindOf(A), ky = kindOf(B), sign = signOf(A);
  if (kx >= <u32>Kind.Quiet || ky >= <u32>Kind.Quiet) { F.nanOf(R, A, B); return; }
  const size: u32 = kx == Kind.Infinity ? 2 : kx == Kind.Zero ? 0 : 1;
  if (size == 2 && sign) { F.invalid(R); return; }
  if ((size == 2 && ky == Kind.Zero) || (size == 0 && ky == Kind.Infinity)) { F.invalid(R); return; }
  // From -1 on there is no logarithm; the manual defines results up to sqrt(2) - 1 in magnitude only.
  if (kx == Kind.Finite && sign && exponentOf(A) >= 0) { F.invalid(R); return; }
  F.noteDenormals(A, B);
  if (special(size, sign)) return;
  widen(X, A);
  if (exponentOf(A) >= -2) {
    // Too far from 0 for the series: 1 + x as a number of its own.
    L.setLong(Y, 0, 0, 0x8000000000000000, 0);
    L.longAdd(X, X, Y);
    wholeLogarithm(exponentOf(X), significandOf(X), load<u64>(X, 24));
  } else T.logarithmOfOnePlus(X, X);
  timesLogarithm(false);
}
export function fyl2xp1(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = operands();
  if (present) logarithmPlusOne();
  return giveAndPop(p, present);
}
