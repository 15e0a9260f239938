/** Rounding to a format (SDM 1 4.8.4, 4.9.1): overflow, underflow with tininess found after rounding, and precision. */
import {
  Kind, OE, PE, Rounding, UE, exponentOf, flush, kindOf, lowOf, masks, raise, rounding, set, setInfinity, setRoundedUp, setZero, signOf,
  significandOf, x87,
} from './number';

/** Precision in bits, and exponents of the smallest and largest normal numbers, of the three formats. */
export const P32: u32 = 24;
export const P64: u32 = 53;
export const P80: u32 = 64;
/** Added to the exponent of an unmasked x87 underflow, taken from that of an overflow (SDM 1 8.5.4). */
const BIAS_ADJUST: i32 = 24576;

let inexact: bool = false;
let carried: bool = false;
let up: bool = false;

/** `significand` and what continues it, without its `drop` lowest bits, rounded; a carry out of bit 63 leaves 2^63. */
function roundBits(sign: u32, significand: u64, low: u64, drop: u32): u64 {
  const mask: u64 = drop ? ((<u64>1 << drop) - 1) : 0;
  let kept = significand & ~mask;
  const half = drop ? ((significand >> (drop - 1)) & 1) != 0 : (low >> 63) != 0;
  const sticky = drop ? (significand & (mask >> 1)) != 0 || low != 0 : low << 1 != 0;
  inexact = half || sticky;
  switch (rounding) {
    case Rounding.Nearest: up = half && (sticky || ((kept >> drop) & 1) != 0); break;
    case Rounding.Down: up = inexact && sign != 0; break;
    case Rounding.Up: up = inexact && !sign; break;
    default: up = false;
  }
  carried = false;
  if (up) {
    const was = kept;
    kept += <u64>1 << drop;
    if (kept < was) { kept = 0x8000000000000000; carried = true; }
  }
  return kept;
}

/** Rounds the finite number at `r` to `precision` bits and exponents from `minimum` to `maximum`, and raises what that raises. */
export function finish(r: usize, precision: u32, minimum: i32, maximum: i32): void {
  if (kindOf(r) != Kind.Finite) return;
  const sign = signOf(r), drop = 64 - precision;
  let exponent = exponentOf(r), significand = significandOf(r), low = lowOf(r);
  if (exponent < minimum) {
    let tiny = true;
    if (exponent == minimum - 1) {
      roundBits(sign, significand, low, drop);
      tiny = !carried;
    }
    if (tiny && !(masks & UE)) {
      raise(UE);
      if (x87 && maximum == 16383) exponent += BIAS_ADJUST; else minimum = exponent; // SSE and stores to memory give no result
    } else if (tiny && flush) {
      raise(UE | PE);
      setZero(r, sign);
      return;
    } else {
      const shift = <u32>(minimum - exponent);
      if (shift < 64) {
        low = (significand << (64 - shift)) | (low >> shift) | (low << (64 - shift) ? 1 : 0);
        significand >>= shift;
      } else {
        // Nothing but a sticky bit is left when even the first bit lies below `low`.
        const far = shift - 64;
        const lost = far != 0 && far < 64 ? (significand << (64 - far)) | low : low;
        low = far < 64 ? (significand >> far) | (lost ? 1 : 0) : 1;
        significand = 0;
      }
      significand = roundBits(sign, significand, low, drop);
      setRoundedUp(up);
      if (inexact) raise(tiny ? UE | PE : PE);
      if (significand) set(r, sign, Kind.Finite, minimum, significand, 0); else setZero(r, sign);
      return;
    }
  }
  significand = roundBits(sign, significand, low, drop);
  if (carried) exponent++;
  setRoundedUp(up);
  if (exponent < minimum) {
    // Even the adjusted exponent is too small: FSCALE only (SDM 1 8.5.5).
    raise(PE);
    setRoundedUp(false);
    setZero(r, sign);
    return;
  }
  if (exponent > maximum) {
    raise(OE);
    if (!(masks & OE)) {
      if (inexact) raise(PE);
      if (x87 && maximum == 16383) exponent -= BIAS_ADJUST;
      if (x87 && exponent > maximum && maximum == 16383) {
        raise(PE);
        setRoundedUp(true);
        setInfinity(r, sign);
        return;
      }
    } else {
      raise(PE);
      const infinite = rounding == Rounding.Nearest || (rounding == Rounding.Down && sign != 0) || (rounding == Rounding.Up && !sign);
      setRoundedUp(infinite);
      if (infinite) setInfinity(r, sign);
      else set(r, sign, Kind.Finite, maximum, u64.MAX_VALUE << drop, 0);
      return;
    }
  } else if (inexact) raise(PE);
  set(r, sign, Kind.Finite, exponent, significand, 0);
}
@inline export function finish32(r: usize): void { finish(r, P32, -126, 127); }
@inline export function finish64(r: usize): void { finish(r, P64, -1022, 1023); }
/** Double extended, with the precision that the x87 control word asks for. */
@inline export function finish80(r: usize, precision: u32): void { finish(r, precision, -16382, 16383); }

/** Rounds the finite number at `r` to an integral value in place; raises PE when it was none. */
export function roundToIntegral(r: usize): void {
  if (kindOf(r) != Kind.Finite) return;
  const sign = signOf(r), exponent = exponentOf(r);
  if (exponent >= 63) return;
  if (exponent < -1) {
    // Below one half: 0 or 1 by direction alone.
    roundBits(sign, 0, 1, 0);
    const one = up;
    raise(PE);
    setRoundedUp(up);
    if (one) set(r, sign, Kind.Finite, 0, 0x8000000000000000, 0); else setZero(r, sign);
    return;
  }
  if (exponent == -1) {
    roundBits(sign, 0, significandOf(r), 0);
    raise(PE);
    setRoundedUp(up);
    if (up) set(r, sign, Kind.Finite, 0, 0x8000000000000000, 0); else setZero(r, sign);
    return;
  }
  const significand = roundBits(sign, significandOf(r), lowOf(r), <u32>(63 - exponent));
  if (inexact) raise(PE);
  setRoundedUp(up);
  set(r, sign, Kind.Finite, carried ? exponent + 1 : exponent, significand, 0);
}
