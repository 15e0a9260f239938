/**
 * Addition, multiplication, division and square root of unpacked numbers, exact but for a sticky bit: the caller rounds
 * (round.ts). The order of checks is that of exception priorities (SDM 1 4.9.2): NaNs, other invalid operations and
 * division by zero, denormal operands.
 */
import {
  DE, IE, Kind, Rounding, ZE, exponentOf, isDenormal, isNaN_, kindOf, lowOf, raise, rounding, set, setIndefinite, setInfinity, setZero,
  signOf, significandOf, x87,
} from './number';
import { divide, multiply, rest, restHigh, root } from './wide';

export function invalid(r: usize): void { raise(IE); setIndefinite(r); }
const QUIET_BIT: u64 = 0x4000000000000000;
function quiet(r: usize, from: usize): void { set(r, signOf(from), Kind.Quiet, 0, significandOf(from) | QUIET_BIT, 0); }

/** The NaN that an operation with two operands gives, one of which is a NaN (SDM 1 table 4-7). `a` is the destination. */
export function nanOf(r: usize, a: usize, b: usize): void {
  const ka = kindOf(a), kb = kindOf(b);
  if (ka == Kind.Unsupported || kb == Kind.Unsupported) { invalid(r); return; }
  if (ka == Kind.Signalling || kb == Kind.Signalling) raise(IE);
  if (!x87) { quiet(r, ka >= <u32>Kind.Quiet ? a : b); return; }
  if (ka < <u32>Kind.Quiet) { quiet(r, b); return; }
  if (kb < <u32>Kind.Quiet) { quiet(r, a); return; }
  if (ka != kb) { quiet(r, ka == Kind.Quiet ? a : b); return; }
  // Two of a kind: the larger significand; if they are equal, the positive one.
  const sa = significandOf(a), sb = significandOf(b);
  quiet(r, sa > sb || (sa == sb && !signOf(a)) ? a : b);
}
/** Likewise for one operand. */
export function nanOfOne(r: usize, a: usize): void {
  if (kindOf(a) == Kind.Unsupported) { invalid(r); return; }
  if (kindOf(a) == Kind.Signalling) raise(IE);
  quiet(r, a);
}
@inline export function noteDenormals(a: usize, b: usize): void { if (isDenormal(a) || isDenormal(b)) raise(DE); }

/** a + b, or a - b. */
export function add(r: usize, a: usize, b: usize, subtract: u32): void {
  const ka = kindOf(a), kb = kindOf(b);
  if (isNaN_(a) || isNaN_(b)) { nanOf(r, a, b); return; }
  const sa = signOf(a), sb = signOf(b) ^ subtract;
  if (ka == Kind.Infinity && kb == Kind.Infinity && sa != sb) { invalid(r); return; }
  noteDenormals(a, b);
  if (ka == Kind.Infinity) { setInfinity(r, sa); return; }
  if (kb == Kind.Infinity) { setInfinity(r, sb); return; }
  if (ka == Kind.Zero && kb == Kind.Zero) { setZero(r, sa == sb ? sa : zeroSign()); return; }
  if (kb == Kind.Zero) { set(r, sa, Kind.Finite, exponentOf(a), significandOf(a), 0); return; }
  if (ka == Kind.Zero) { set(r, sb, Kind.Finite, exponentOf(b), significandOf(b), 0); return; }
  const swap = exponentOf(a) < exponentOf(b) || (exponentOf(a) == exponentOf(b) && significandOf(a) < significandOf(b));
  const big = swap ? b : a, small = swap ? a : b;
  let sign = swap ? sb : sa, exponent = exponentOf(big);
  let high = significandOf(big), low: u64 = 0;
  const distance = <u32>(exponent - exponentOf(small)), other = significandOf(small);
  let sh: u64, sl: u64;
  if (distance == 0) { sh = other; sl = 0; }
  else if (distance < 64) { sh = other >> distance; sl = other << (64 - distance); }
  else { sh = 0; sl = distance == 64 ? other : distance < 128 ? (other >> (distance - 64)) | (other << (128 - distance) ? 1 : 0) : 1; }
  if (sa == sb) {
    low = sl;
    const sum = high + sh;
    if (sum < high) {
      low = (low >> 1) | (low & 1) | (sum << 63);
      high = (sum >> 1) | 0x8000000000000000;
      exponent++;
    } else high = sum;
  } else {
    high -= sh + (sl ? 1 : 0);
    low = 0 - sl;
    if (!(high | low)) { setZero(r, zeroSign()); return; }
    if (!high) { high = low; low = 0; exponent -= 64; }
    const shift = <u32>clz<u64>(high);
    if (shift) {
      high = (high << shift) | (low >> (64 - shift));
      low <<= shift;
      exponent -= shift;
    }
  }
  set(r, sign, Kind.Finite, exponent, high, low);
}
/** Sign of an exact zero difference (SDM 1 4.8.3.1). */
@inline function zeroSign(): u32 { return rounding == Rounding.Down ? 1 : 0; }

export function multiplyNumbers(r: usize, a: usize, b: usize): void {
  const ka = kindOf(a), kb = kindOf(b);
  if (isNaN_(a) || isNaN_(b)) { nanOf(r, a, b); return; }
  const sign = signOf(a) ^ signOf(b);
  if ((ka == Kind.Infinity && kb == Kind.Zero) || (ka == Kind.Zero && kb == Kind.Infinity)) { invalid(r); return; }
  noteDenormals(a, b);
  if (ka == Kind.Infinity || kb == Kind.Infinity) { setInfinity(r, sign); return; }
  if (ka == Kind.Zero || kb == Kind.Zero) { setZero(r, sign); return; }
  let high = multiply(significandOf(a), significandOf(b)), low = rest;
  let exponent = exponentOf(a) + exponentOf(b) + 1;
  if (!(high >> 63)) { high = (high << 1) | (low >> 63); low <<= 1; exponent--; }
  set(r, sign, Kind.Finite, exponent, high, low);
}

export function divideNumbers(r: usize, a: usize, b: usize): void {
  const ka = kindOf(a), kb = kindOf(b);
  if (isNaN_(a) || isNaN_(b)) { nanOf(r, a, b); return; }
  const sign = signOf(a) ^ signOf(b);
  if ((ka == Kind.Infinity && kb == Kind.Infinity) || (ka == Kind.Zero && kb == Kind.Zero)) { invalid(r); return; }
  if (kb == Kind.Zero && ka == Kind.Finite) { raise(ZE); setInfinity(r, sign); return; }
  noteDenormals(a, b);
  if (ka == Kind.Infinity) { setInfinity(r, sign); return; }
  if (kb == Kind.Infinity || ka == Kind.Zero) { setZero(r, sign); return; }
  const n = significandOf(a), d = significandOf(b);
  const more = n >= d;
  const q = more ? divide(n >> 1, n << 63, d) : divide(n, 0, d);
  set(r, sign, Kind.Finite, exponentOf(a) - exponentOf(b) - (more ? 0 : 1), q, fractionOf(rest, d));
}
/** rest / d as a fraction below the last bit, as far as rounding cares. */
@inline function fractionOf(r: u64, d: u64): u64 {
  if (!r) return 0;
  const other = d - r;
  return r > other ? 0x8000000000000001 : r == other ? 0x8000000000000000 : 1;
}

export function squareRoot(r: usize, a: usize): void {
  const kind = kindOf(a);
  if (isNaN_(a)) { nanOfOne(r, a); return; }
  if (kind == Kind.Zero) { setZero(r, signOf(a)); return; }
  if (signOf(a)) { invalid(r); return; }
  noteDenormals(a, a);
  if (kind == Kind.Infinity) { setInfinity(r, 0); return; }
  const exponent = exponentOf(a), n = significandOf(a);
  // An odd exponent doubles the radicand, so that the root has 64 bits either way.
  const q = exponent & 1 ? root(n, 0) : root(n >> 1, n << 63);
  const remainder = restHigh | rest;
  // (q + 1/2)^2 = q^2 + q + 1/4: a remainder beyond q is more than half, it cannot be exactly half.
  const low: u64 = !remainder ? 0 : restHigh || rest > q ? 0x8000000000000001 : 1;
  set(r, 0, Kind.Finite, exponent >> 1, q, low);
}

export const enum Relation { Less = 0, Equal = 1, Greater = 2, Unordered = 3 }
/** How a compares with b. IE for SNaNs, and for all NaNs with `signalling`; DE. */
export function compare(a: usize, b: usize, signalling: bool): u32 {
  if (isNaN_(a) || isNaN_(b)) {
    if (signalling || kindOf(a) > <u32>Kind.Quiet || kindOf(b) > <u32>Kind.Quiet) raise(IE);
    return Relation.Unordered;
  }
  noteDenormals(a, b);
  const za = kindOf(a) == Kind.Zero, zb = kindOf(b) == Kind.Zero;
  if (za && zb) return Relation.Equal;
  const sa = signOf(a), sb = signOf(b);
  if (za) return sb ? Relation.Greater : Relation.Less;
  if (zb) return sa ? Relation.Less : Relation.Greater;
  if (sa != sb) return sa ? Relation.Less : Relation.Greater;
  const order = magnitude(a, b);
  return order == 0 ? Relation.Equal : order < 0 != (sa != 0) ? Relation.Less : Relation.Greater;
}
/** -1, 0 or 1 as |a| is below, equal to or above |b|: neither is zero or NaN. */
function magnitude(a: usize, b: usize): i32 {
  const ia = kindOf(a) == Kind.Infinity, ib = kindOf(b) == Kind.Infinity;
  if (ia || ib) return <i32>ia - <i32>ib;
  if (exponentOf(a) != exponentOf(b)) return exponentOf(a) < exponentOf(b) ? -1 : 1;
  const x = significandOf(a), y = significandOf(b);
  return x < y ? -1 : x > y ? 1 : 0;
}
/** The number itself, quieted: for conversions. */
export function pass(r: usize, a: usize): void {
  if (isNaN_(a)) { nanOfOne(r, a); return; }
  if (isDenormal(a)) raise(DE);
  set(r, signOf(a), kindOf(a), exponentOf(a), significandOf(a), lowOf(a));
}
