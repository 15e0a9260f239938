/** FPREM and FPREM1: partial remainders (SDM 2). */
import { State } from '../generated/state.generated';
import { A, B, Kind, R, copy, exponentOf, kindOf, set, setZero, signOf, significandOf } from '../float/number';
import * as F from '../float/arithmetic';
import { finish80 } from '../float/round';
import { RECORD } from '../record';
import { setCodes } from './arithmetic';
import * as E from './environment';
import { C0, C1, C2, C3 } from './stack';

/** Low bits of the quotient, and the remainder, of `divideSteps`. */
let quotient: u64 = 0;
let remainder: u64 = 0;
/** significand * 2^bits / divisor, by shifting and subtracting: both have bit 63 set. */
function divideSteps(significand: u64, divisor: u64, bits: i32): void {
  let q: u64 = 0, r = significand, carry: u64 = 0;
  for (let n = bits; ; n--) {
    if (carry || r >= divisor) { r -= divisor; q = (q << 1) | 1; } else q <<= 1;
    if (!n) break;
    carry = r >> 63;
    r <<= 1;
  }
  quotient = q;
  remainder = r;
}

/** R = A - B * q; C2 stays set when more steps are needed. */
function reduce(nearest: bool): u16 {
  const ka = kindOf(A), kb = kindOf(B), sign = signOf(A);
  if (ka >= <u32>Kind.Quiet || kb >= <u32>Kind.Quiet) { F.nanOf(R, A, B); return 0; }
  if (ka == Kind.Infinity || kb == Kind.Zero) { F.invalid(R); return 0; }
  F.noteDenormals(A, B);
  if (ka == Kind.Zero || kb == Kind.Infinity) { copy(R, A); return 0; }
  const distance = exponentOf(A) - exponentOf(B), divisor = significandOf(B);
  if (distance >= 64) {
    // As many steps as make the rest a multiple of 32: what processors do ("a number between 32 and 63", SDM 2).
    const steps = (distance & 31) | 32;
    divideSteps(significandOf(A), divisor, steps);
    give(sign, remainder, exponentOf(B) + distance - steps);
    return C2;
  }
  if (distance < -1 || (distance < 0 && !nearest)) { copy(R, A); return 0; }
  let q: u64 = 0, r = significandOf(A), exponent = exponentOf(B);
  if (distance < 0) exponent = exponentOf(A); // |A| < |B|: the quotient is 0 or, to nearest, 1
  else { divideSteps(r, divisor, distance); q = quotient; r = remainder; }
  let flip = false;
  if (nearest) {
    // Twice the remainder against the divisor; below B's exponent the remainder counts half.
    const below = distance < 0;
    const other = divisor - r; // of the remainder in B's scale
    if (below) {
      // r stands for r / 2 in B's scale: 2 * (r / 2) against divisor.
      if (r > divisor) { q = 1; flip = true; r = (divisor - (r >> 1) << 1) - (r & 1); }
    } else if (r > other || (r == other && q & 1)) { q++; flip = true; r = other; }
  }
  give(flip ? sign ^ 1 : sign, r, exponent);
  if (!r) setZero(R, sign);
  return (q & 1 ? C1 : 0) | (q & 2 ? C3 : 0) | (q & 4 ? C0 : 0);
}
function give(sign: u32, significand: u64, exponent: i32): void {
  if (!significand) { setZero(R, sign); return; }
  const shift = <i32>clz<u64>(significand);
  set(R, sign, Kind.Finite, exponent - shift, significand << <u64>shift, 0);
}

function partial(p: usize, nearest: bool): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  // Without a quotient C0 and C3 keep what they had.
  let codes: u16 = load<u16>(State.FSW) & (C0 | C3);
  const present = !(E.missing(0) || E.missing(1));
  if (present) {
    E.unpackSt(A, 0);
    E.unpackSt(B, 1);
    const quotientCodes = reduce(nearest);
    if (kindOf(R) < <u32>Kind.Quiet) codes = quotientCodes;
    finish80(R, 64);
  }
  const done = E.settle(p, E.EARLY);
  setCodes(done ? codes : load<u16>(State.FSW) & (C0 | C1 | C3));
  if (!done) return p + RECORD;
  if (present) E.storeSt(0, R); else E.indefiniteSt(0);
  return p + RECORD;
}
export function fprem(p: usize): usize { return partial(p, false); }
export function fprem1(p: usize): usize { return partial(p, true); }
