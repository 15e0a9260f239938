/**
 * Numbers with 128 bits of significand, for the series of transcendental functions: the numbers of number.ts, whose `low`
 * half counts in full. Results are truncated; their error is a few units of the last of the 128 bits. Zero is significand 0.
 */
import { copy, exponentOf, lowOf, signOf, significandOf } from './number';
import { multiply, rest } from './wide';

const SIGN: usize = 0, EXPONENT: usize = 8, HIGH: usize = 16, LOW: usize = 24;

export function setLong(n: usize, sign: u32, exponent: i32, high: u64, low: u64): void {
  store<u32>(n, sign, SIGN);
  store<u32>(n, high ? 1 : 0, 4);
  store<i32>(n, exponent, EXPONENT);
  store<u32>(n, 0, 12);
  store<u64>(n, high, HIGH);
  store<u64>(n, low, LOW);
}
/** Sets `n` to high:low * 2^(exponent - 127), normalized. */
export function normalize(n: usize, sign: u32, exponent: i32, high: u64, low: u64): void {
  if (!high) {
    if (!low) { setLong(n, 0, 0, 0, 0); return; }
    high = low;
    low = 0;
    exponent -= 64;
  }
  const shift = <u64>clz<u64>(high);
  if (shift) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  setLong(n, sign, exponent - <i32>shift, high, low);
}
@inline export function isZero(n: usize): bool { return load<u64>(n, HIGH) == 0; }
export function negate(n: usize): void { store<u32>(n, signOf(n) ^ 1, SIGN); }
/** Times 2^by. */
export function scaleBy(n: usize, by: i32): void { store<i32>(n, exponentOf(n) + by, EXPONENT); }

export function longMultiply(r: usize, a: usize, b: usize): void {
  if (isZero(a) || isZero(b)) { setLong(r, 0, 0, 0, 0); return; }
  const ah = significandOf(a), al = lowOf(a), bh = significandOf(b), bl = lowOf(b);
  const sign = signOf(a) ^ signOf(b), exponent = exponentOf(a) + exponentOf(b) + 1;
  let high = multiply(ah, bh), low = rest;
  const first = multiply(ah, bl), second = multiply(al, bh);
  low += first;
  if (low < first) high++;
  low += second;
  if (low < second) high++;
  normalize(r, sign, exponent, high, low);
}

export function longAdd(r: usize, a: usize, b: usize): void {
  if (isZero(a)) { copy(r, b); return; }
  if (isZero(b)) { copy(r, a); return; }
  const swap = exponentOf(a) < exponentOf(b) || (exponentOf(a) == exponentOf(b) && (significandOf(a) < significandOf(b) || (significandOf(a) == significandOf(b) && lowOf(a) < lowOf(b))));
  const big = swap ? b : a, small = swap ? a : b;
  const sign = signOf(big), exponent = exponentOf(big), distance = <u64>(exponent - exponentOf(small));
  let high = significandOf(big), low = lowOf(big), sh = significandOf(small), sl = lowOf(small);
  if (distance >= 128) { sh = 0; sl = 0; }
  else if (distance >= 64) { sl = sh >> (distance - 64); sh = 0; }
  else if (distance) { sl = (sl >> distance) | (sh << (64 - distance)); sh >>= distance; }
  if (sign == signOf(small)) {
    low += sl;
    const carry: u64 = low < sl ? 1 : 0;
    const sum = high + sh, first: u64 = sum < sh ? 1 : 0;
    high = sum + carry;
    if (first || high < carry) {
      setLong(r, sign, exponent + 1, (high >> 1) | 0x8000000000000000, (low >> 1) | (high << 63));
      return;
    }
  } else {
    high -= sh + (low < sl ? 1 : 0);
    low -= sl;
  }
  normalize(r, sign, exponent, high, low);
}

/** a / b, bit by bit. */
export function longDivide(r: usize, a: usize, b: usize): void {
  if (isZero(a)) { setLong(r, 0, 0, 0, 0); return; }
  const sign = signOf(a) ^ signOf(b), exponent = exponentOf(a) - exponentOf(b);
  const dh = significandOf(b), dl = lowOf(b);
  let rh = significandOf(a), rl = lowOf(a), carry: u64 = 0, qh: u64 = 0, ql: u64 = 0;
  for (let n = 0; n < 128; n++) {
    qh = (qh << 1) | (ql >> 63);
    ql <<= 1;
    if (carry || rh > dh || (rh == dh && rl >= dl)) {
      rh -= dh + (rl < dl ? 1 : 0);
      rl -= dl;
      ql |= 1;
    }
    carry = rh >> 63;
    rh = (rh << 1) | (rl >> 63);
    rl <<= 1;
  }
  normalize(r, sign, exponent, qh, ql);
}
/** a / n for a small integer. */
export function divideBySmall(r: usize, a: usize, n: u32): void {
  const d = <u64>n;
  let high = significandOf(a), low = lowOf(a);
  const qh = high / d;
  let r1 = high % d;
  // Remainders are below 2^32, so that 32 bits at a time suffice.
  const m = (r1 << 32) | (low >> 32), q1 = m / d;
  r1 = m % d;
  const k = (r1 << 32) | (low & 0xffffffff), q2 = k / d;
  r1 = k % d;
  // What is left refines the bits that normalizing shifts in.
  high = qh;
  low = (q1 << 32) | q2;
  const shift = <u64>clz<u64>(high), more = shift ? ((r1 << 32) / d) << 32 : 0;
  if (shift && shift < 64) {
    high = (high << shift) | (low >> (64 - shift));
    low = (low << shift) | (more >> (64 - shift));
    setLong(r, signOf(a), exponentOf(a) - <i32>shift, high, low);
  } else normalize(r, signOf(a), exponentOf(a), high, low);
}
