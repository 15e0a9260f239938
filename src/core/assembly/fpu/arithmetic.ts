/** FADD to FDIVR with register, real and integer operands, FSQRT, FABS, FCHS, FRNDINT, FSCALE, FXTRACT (SDM 2). */
import { State } from '../generated/state.generated';
import { memReadable } from '../address';
import { A, B, DE, Kind, R, ZE, copy, exponentOf, isDenormal, kindOf, raise, set, setInfinity, setZero, signOf, significandOf, unpack32, unpack64 } from '../float/number';
import * as F from '../float/arithmetic';
import { fromInteger } from '../float/integer';
import { finish80, roundToIntegral } from '../float/round';
import { RECORD } from '../record';
import * as E from './environment';
import { stAt } from './stack';

/** Formats of memory operands; 0 is ST(i). */
export const enum Source { Register = 0, Real32 = 1, Real64 = 2, Integer32 = 3, Integer16 = 4 }

/** Address of the memory operand; 0 with a fault noted. A register operand gives 1. */
@inline export function operand(p: usize): usize {
  switch (E.format(p)) {
    case Source.Register: return 1;
    case Source.Real64: return memReadable(p, 8);
    case Source.Integer16: return memReadable(p, 2);
    default: return memReadable(p, 4);
  }
}
/** Unpacks ST(0) into A and the other operand into B. False: one is empty, which is noted. */
export function unpackOperands(p: usize, h: usize): bool {
  const kind = E.format(p);
  if (E.missing(0) || (kind == Source.Register && E.missing(E.index(p)))) return false;
  E.unpackSt(A, 0);
  switch (kind) {
    case Source.Register: E.unpackSt(B, E.index(p)); break;
    case Source.Real32: unpack32(B, load<u32>(h)); break;
    case Source.Real64: unpack64(B, load<u64>(h)); break;
    case Source.Integer32: fromInteger(B, <i64>load<i32>(h)); break;
    default: fromInteger(B, <i64>load<i16>(h));
  }
  return true;
}

/** The operation is ModRM.reg: 0 ADD, 1 MUL, 4 SUB, 5 SUBR, 6 DIV, 7 DIVR. */
export function farithmetic(p: usize): usize {
  if (!E.waiting()) return 0;
  const h = operand(p);
  if (!h) return 0;
  E.start(p);
  const to: u32 = E.toSti(p) ? E.index(p) : 0;
  const present = unpackOperands(p, h);
  if (present) {
    switch (E.parameter(p)) {
      case 0: F.add(R, A, B, 0); break;
      case 1: F.multiplyNumbers(R, A, B); break;
      case 4: F.add(R, A, B, 1); break;
      case 5: F.add(R, B, A, 1); break;
      case 6: F.divideNumbers(R, A, B); break;
      default: F.divideNumbers(R, B, A);
    }
    finish80(R, E.precision());
  }
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present) E.storeSt(to, R); else E.indefiniteSt(to);
  E.pop(E.pops(p));
  return p + RECORD;
}

/** R, made from ST(0) alone, takes its place. */
function replace(p: usize, present: bool): usize {
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present) E.storeSt(0, R); else E.indefiniteSt(0);
  return p + RECORD;
}
export function fsqrt(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !E.missing(0);
  if (present) {
    E.unpackSt(A, 0);
    F.squareRoot(R, A);
    finish80(R, E.precision());
  }
  return replace(p, present);
}
export function frndint(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !E.missing(0);
  if (present) {
    E.unpackSt(A, 0);
    const sign = signOf(A);
    F.pass(R, A);
    roundToIntegral(R);
    if (kindOf(R) == Kind.Zero) setZero(R, sign);
  }
  return replace(p, present);
}
/** FABS and FCHS look at the sign bit only. */
function changeSign(p: usize, keep: u16, flip: u16): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  if (E.missing(0)) return replace(p, false);
  E.settle(p, 0);
  const at = stAt(0);
  store<u16>(at, (load<u16>(at, 8) & keep) ^ flip, 8);
  return p + RECORD;
}
export function fabs(p: usize): usize { return changeSign(p, 0x7fff, 0); }
export function fchs(p: usize): usize { return changeSign(p, 0xffff, 0x8000); }

/** Exponents that any scale beyond them exceeds, in either direction. */
const FAR: i32 = 0x10000;
/** A finite number, truncated, as an exponent. */
function scaleOf(n: usize): i32 {
  const exponent = exponentOf(n);
  if (exponent < 0) return 0;
  const size = exponent > 16 ? FAR : <i32>(significandOf(n) >> <u64>(63 - exponent));
  return signOf(n) ? -size : size;
}
export function fscale(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !(E.missing(0) || E.missing(1));
  if (present) {
    E.unpackSt(A, 0);
    E.unpackSt(B, 1);
    scale();
    finish80(R, 64);
  }
  return replace(p, present);
}
function scale(): void {
  const ka = kindOf(A), kb = kindOf(B), sign = signOf(A);
  if (ka >= <u32>Kind.Quiet || kb >= <u32>Kind.Quiet) { F.nanOf(R, A, B); return; }
  if (kb == Kind.Infinity) {
    // 0 * 2^+inf and inf * 2^-inf are invalid (SDM 2, table of FSCALE).
    if (signOf(B) ? ka == Kind.Infinity : ka == Kind.Zero) { F.invalid(R); return; }
    F.noteDenormals(A, B);
    if (signOf(B)) setZero(R, sign); else setInfinity(R, sign);
    return;
  }
  F.noteDenormals(A, B);
  if (ka != Kind.Finite) { copy(R, A); return; }
  const by = kb == Kind.Finite ? scaleOf(B) : 0;
  set(R, sign, Kind.Finite, exponentOf(A) + by, significandOf(A), 0);
}

/** ST(0) becomes its unbiased exponent, then its significand is pushed. */
export function fxtract(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const present = !E.missing(0);
  const overflowed = present && E.full();
  if (present && !overflowed) {
    E.unpackSt(A, 0);
    const kind = kindOf(A), sign = signOf(A);
    if (kind >= <u32>Kind.Quiet) { F.nanOfOne(R, A); copy(B, R); }
    else if (kind == Kind.Infinity) { setInfinity(B, 0); setInfinity(R, sign); }
    else if (kind == Kind.Zero) { raise(ZE); setInfinity(B, 1); setZero(R, sign); }
    else {
      if (isDenormal(A)) raise(DE);
      fromInteger(B, <i64>exponentOf(A));
      set(R, sign, Kind.Finite, 0, significandOf(A), 0);
    }
  }
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  if (present && !overflowed) {
    E.storeSt(0, B);
    E.push();
    E.storeSt(0, R);
  } else {
    E.indefiniteSt(0);
    E.push();
    E.indefiniteSt(0);
  }
  return p + RECORD;
}

/** Q2, Q1 and Q0 of a quotient in C0, C3 and C1; C2 clear: the reduction is complete. */
export const CODES: u16 = 0x4700;
export function setCodes(codes: u16): void { store<u16>(State.FSW, (load<u16>(State.FSW) & ~CODES) | codes); }
