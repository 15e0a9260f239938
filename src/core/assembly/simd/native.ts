/**
 * The fast path of SSE arithmetic: the host's own, where its result is provably the architectural one. Operands are zeros
 * or normal, the result is zero by the operands or well inside the normal range, and either MXCSR.PE is set already or the
 * result is shown to be exact. Everything else takes the way of float/.
 */
import { inexactAllowed, nativeRounding } from './environment';

export const enum Operation { Add = 0, Multiply = 1, Subtract = 2, Divide = 3, SquareRoot = 4 }

/** Set by each function here: whether its result counts. */
export let sure: bool = false;

/** Zero, or exponent field 1 to 7FE. */
@inline function plain64(bits: u64): bool { return ((bits >> 52) + 1 & 0x7ff) > 1 || bits << 1 == 0; }
/** Exponent field 2 to 7FE: at 1, tininess after rounding would have to be asked. */
@inline function safe64(bits: u64): bool { return (bits >> 52 & 0x7ff) - 2 < 0x7fd; }
@inline function plain32(bits: u32): bool { return ((bits >> 23) + 1 & 0xff) > 1 || bits << 1 == 0; }
@inline function safe32(bits: u32): bool { return (bits >> 23 & 0xff) - 2 < 0xfd; }
/** Bits of the significand up to the last that is set. */
@inline function used64(bits: u64): u64 { return 53 - min<u64>(52, ctz<u64>(bits | 0x10000000000000)); }

/** Error of x + y rounded to r is zero (Knuth's two-sum; an overflow inside gives NaN, which is not zero). */
@inline function exactSum<T>(x: T, y: T, r: T): bool {
  const v = r - x;
  return (x - (r - v)) + (y - v) == <T>0;
}

export function native64(operation: u32, a: u64, b: u64): u64 {
  sure = false;
  if (!nativeRounding() || !plain64(a) || !plain64(b)) return 0;
  const x = reinterpret<f64>(a), y = reinterpret<f64>(b);
  let r: f64;
  switch (operation) {
    case Operation.Add: r = x + y; break;
    case Operation.Subtract: r = x - y; break;
    case Operation.Multiply: r = x * y; break;
    case Operation.Divide: if (y == 0) return 0; r = x / y; break;
    default: if (a >> 63) return 0; r = Math.sqrt(x);
  }
  const bits = reinterpret<u64>(r);
  if (bits << 1 == 0) sure = operation == Operation.Add || operation == Operation.Subtract || x == 0 || (y == 0 && operation == Operation.Multiply);
  else if (!safe64(bits)) return 0;
  else if (inexactAllowed()) sure = true;
  else switch (operation) {
    case Operation.Add: sure = exactSum<f64>(x, y, r); break;
    case Operation.Subtract: sure = exactSum<f64>(x, -y, r); break;
    case Operation.Multiply: sure = used64(a) + used64(b) <= 53; break;
    case Operation.Divide: sure = used64(bits) + used64(b) <= 53 && r * y == x; break;
    default: sure = used64(bits) * 2 <= 53 && r * r == x;
  }
  return bits;
}
export function native32(operation: u32, a: u32, b: u32): u32 {
  sure = false;
  if (!nativeRounding() || !plain32(a) || !plain32(b)) return 0;
  const x = reinterpret<f32>(a), y = reinterpret<f32>(b);
  let r: f32;
  switch (operation) {
    case Operation.Add: r = x + y; break;
    case Operation.Subtract: r = x - y; break;
    case Operation.Multiply: r = x * y; break;
    case Operation.Divide: if (y == 0) return 0; r = x / y; break;
    default: if (a >> 31) return 0; r = Mathf.sqrt(x);
  }
  const bits = reinterpret<u32>(r);
  if (bits << 1 == 0) sure = operation == Operation.Add || operation == Operation.Subtract || x == 0 || (y == 0 && operation == Operation.Multiply);
  else if (!safe32(bits)) return 0;
  else if (inexactAllowed()) sure = true;
  // Products of two 24-bit significands are exact in 53 bits.
  else switch (operation) {
    case Operation.Add: sure = exactSum<f32>(x, y, r); break;
    case Operation.Subtract: sure = exactSum<f32>(x, -y, r); break;
    case Operation.Multiply: sure = <f64>r == <f64>x * <f64>y; break;
    case Operation.Divide: sure = <f64>r * <f64>y == <f64>x; break;
    default: sure = <f64>r * <f64>r == <f64>x;
  }
  return bits;
}

/** Lanes with lower <= value < upper; for values without sign. */
@inline function within<I>(values: v128, lower: I, upper: I): v128 {
  return v128.and(v128.ge<I>(values, v128.splat<I>(lower)), v128.lt<I>(values, v128.splat<I>(upper)));
}
/**
 * All lanes of `a` and `b` at once, where each of them would be sure: the result is at `to`. False: they must go one by one.
 * `one` is the lowest bit of the exponent field, `infinity` the field full; square roots have no such way.
 */
@inline function packed<F, I>(operation: u32, a: v128, b: v128, to: usize, one: I, infinity: I): bool {
  if (!nativeRounding() || !inexactAllowed() || operation >= <u32>Operation.SquareRoot) return false;
  const magnitude = v128.splat<I>(<I>(infinity | (one - 1))), none = v128.splat<I>(0);
  const absA = v128.and(a, magnitude), absB = v128.and(b, magnitude);
  const zeroA = v128.eq<I>(absA, none), zeroB = v128.eq<I>(absB, none);
  let r: v128, mayVanish: v128;
  let plainB = within<I>(absB, one, infinity);
  switch (operation) {
    case Operation.Add: r = v128.add<F>(a, b); mayVanish = v128.splat<I>(-1); break;
    case Operation.Subtract: r = v128.sub<F>(a, b); mayVanish = v128.splat<I>(-1); break;
    case Operation.Multiply: r = v128.mul<F>(a, b); mayVanish = v128.or(zeroA, zeroB); break;
    default: r = v128.div<F>(a, b); mayVanish = zeroA;
  }
  if (operation != Operation.Divide) plainB = v128.or(plainB, zeroB);
  const absR = v128.and(r, magnitude);
  const sound = v128.or(within<I>(absR, <I>(one + one), infinity), v128.and(v128.eq<I>(absR, none), mayVanish));
  if (!v128.all_true<I>(v128.and(v128.and(v128.or(within<I>(absA, one, infinity), zeroA), plainB), sound))) return false;
  v128.store(to, r);
  return true;
}
export function native32x4(operation: u32, a: v128, b: v128, to: usize): bool { return packed<f32, i32>(operation, a, b, to, 0x00800000, 0x7f800000); }
export function native64x2(operation: u32, a: v128, b: v128, to: usize): bool { return packed<f64, i64>(operation, a, b, to, 0x0010000000000000, 0x7ff0000000000000); }
