/** Loads and stores of reals, integers and packed BCD, constants, FXCH (SDM 2). */
import { State } from '../generated/state.generated';
import { memReadable, memWritable } from '../address';
import { A, EXCEPTIONS, IE, Kind, OE, PE, R, Rounding, UE, clearFlags, exponentOf, flags, kindOf, masks, pack32, pack64, raise, set, setIndefinite, setRounding, signOf, significandOf, unpack32, unpack64 } from '../float/number';
import { pass } from '../float/arithmetic';
import { fromInteger, toInteger } from '../float/integer';
import { finish32, finish64, finish80, roundToIntegral } from '../float/round';
import { RECORD } from '../record';
import { commitWrite } from '../tlb';
import * as E from './environment';
import { isEmpty, setEmpty, setTop, stAt, top } from './stack';

/** Formats in memory. */
export const enum Format { Real32 = 1, Real64 = 2, Real80 = 3, Integer16 = 4, Integer32 = 5, Integer64 = 6, Decimal = 7 }
const BYTES: usize = memory.data<u8>([0, 4, 8, 10, 2, 4, 8, 10]);
@inline function bytesOf(format: u32): u32 { return <u32>load<u8>(BYTES + format); }

/** FLD, FILD, FBLD. */
export function fload(p: usize): usize {
  if (!E.waiting()) return 0;
  const format = E.format(p), h = memReadable(p, bytesOf(format));
  if (!h) return 0;
  E.start(p);
  if (format == Format.Real80) {
    // The one load that looks at nothing: SNaNs and unsupported encodings included.
    const significand = load<u64>(h), high = <u32>load<u16>(h, 8), overflowed = E.full();
    if (!E.settle(p, E.EARLY)) return p + RECORD;
    E.push();
    if (overflowed) E.indefiniteSt(0); else E.copySt(0, significand, high);
    return p + RECORD;
  }
  const overflowed = E.full();
  if (!overflowed) switch (format) {
    case Format.Real32: unpack32(A, load<u32>(h)); pass(R, A); break;
    case Format.Real64: unpack64(A, load<u64>(h)); pass(R, A); break;
    case Format.Integer16: fromInteger(R, <i64>load<i16>(h)); break;
    case Format.Integer32: fromInteger(R, <i64>load<i32>(h)); break;
    case Format.Integer64: fromInteger(R, load<i64>(h)); break;
    default: fromDecimal(h);
  }
  E.pushResult(p, overflowed);
  return p + RECORD;
}
/** 18 digits, and a sign in the last byte; digits above 9 have no meaning (SDM 2: FBLD). */
function fromDecimal(h: usize): void {
  let value: i64 = 0;
  for (let n = 8; n >= 0; n--) {
    const digits = <i64>load<u8>(h + n);
    value = value * 100 + (digits >> 4) * 10 + (digits & 15);
  }
  fromInteger(R, value);
  store<u32>(R, load<u8>(h, 9) >> 7);
}

/** FLD ST(i). */
export function fldst(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const from = stAt(E.index(p)), significand = load<u64>(from), high = <u32>load<u16>(from, 8);
  // Underflow wins over overflow.
  const bad = E.missing(E.index(p)) || E.full();
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  E.push();
  if (bad) E.indefiniteSt(0); else E.copySt(0, significand, high);
  return p + RECORD;
}

/** FST, FSTP, FIST, FISTP, FBSTP to memory; parameter 1: FISTTP, which truncates. */
export function fstore(p: usize): usize {
  if (!E.waiting()) return 0;
  const format = E.format(p), h = memWritable(p, bytesOf(format));
  if (!h) return 0;
  E.start(p);
  if (E.parameter(p)) setRounding(Rounding.Zero);
  const empty = E.missing(0);
  if (empty) setIndefinite(A); else E.unpackSt(A, 0);
  let word: u64 = 0;
  switch (format) {
    case Format.Real32:
      if (empty) setIndefinite(R); else { passQuietly(); finish32(R); }
      word = <u64>pack32(R);
      break;
    case Format.Real64:
      if (empty) setIndefinite(R); else { passQuietly(); finish64(R); }
      word = pack64(R);
      break;
    case Format.Real80: break;
    case Format.Decimal: toDecimal(); break;
    default: word = <u64>toInteger(A, bytesOf(format) << 3);
  }
  // Nothing is rounded that is not stored.
  if (flags & ~masks & (OE | UE)) clearFlags(PE);
  if (!E.settle(p, IE | OE | UE)) return p + RECORD;
  switch (format) {
    case Format.Real32: case Format.Integer32: store<u32>(h, <u32>word); break;
    case Format.Real64: case Format.Integer64: store<u64>(h, word); break;
    case Format.Integer16: store<u16>(h, <u16>word); break;
    case Format.Decimal: store<u64>(h, decimalLow); store<u16>(h, decimalHigh, 8); break;
    default: {
      const at = stAt(0);
      store<u64>(h, empty ? 0xc000000000000000 : load<u64>(at));
      store<u16>(h, empty ? 0xffff : load<u16>(at, 8), 8);
    }
  }
  commitWrite(h);
  E.pop(E.pops(p));
  return p + RECORD;
}
/** Stores do not report denormal operands (SDM 2: FST). */
function passQuietly(): void {
  pass(R, A);
  clearFlags(EXCEPTIONS & ~IE);
}
let decimalLow: u64 = 0;
let decimalHigh: u16 = 0;
const LARGEST_DECIMAL: u64 = 999999999999999999;
function toDecimal(): void {
  // Below 2^60 everything that can fit does; sign and digits apart.
  const sign = signOf(A);
  let value: u64 = LARGEST_DECIMAL + 1;
  if (kindOf(A) == Kind.Zero) value = 0;
  else if (kindOf(A) == Kind.Finite && exponentOf(A) < 60) {
    pass(R, A);
    clearFlags(EXCEPTIONS & ~IE);
    roundToIntegral(R);
    value = kindOf(R) == Kind.Zero ? 0 : significandOf(R) >> <u64>(63 - exponentOf(R));
  }
  if (value > LARGEST_DECIMAL) {
    clearFlags(EXCEPTIONS & ~IE);
    raise(IE);
    decimalLow = 0xc000000000000000;
    decimalHigh = 0xffff;
    return;
  }
  decimalLow = 0;
  for (let n = 0; n < 16; n++) { decimalLow |= (value % 10) << <u64>(n << 2); value /= 10; }
  decimalHigh = <u16>(value % 10 | ((value / 10) << 4)) | (sign ? 0x8000 : 0);
}

/** FST ST(i), FSTP ST(i). */
export function fstst(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const i = E.index(p), empty = E.missing(0);
  if (!E.settle(p, E.EARLY)) return p + RECORD;
  const from = stAt(0);
  if (empty) E.indefiniteSt(i); else E.copySt(i, load<u64>(from), <u32>load<u16>(from, 8));
  E.pop(E.pops(p));
  return p + RECORD;
}
export function fxch(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const i = E.index(p), noTop = isEmpty(0), noOther = isEmpty(i);
  if (noTop || noOther) {
    E.underflow();
    if (!E.settle(p, E.EARLY)) return p + RECORD;
    if (noTop) E.indefiniteSt(0);
    if (noOther) E.indefiniteSt(i);
  }
  const a = stAt(0), b = stAt(i), value = v128.load(a);
  v128.store(a, v128.load(b));
  v128.store(b, value);
  return p + RECORD;
}

/** FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ: exponent, and 128 bits of the significand. */
const CONSTANTS: usize = memory.data<u64>([
  0, 0x8000000000000000, 0,
  1, 0xd49a784bcd1b8afe, 0x492bf6ff4dafdb4c,
  0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88,
  1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,
  <u64>-2, 0x9a209a84fbcff798, 0x8f8959ac0b7c9178,
  <u64>-1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af,
]);
export function fconstant(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const n = E.parameter(p), overflowed = E.full();
  if (!overflowed) {
    const at = CONSTANTS + <usize>n * 24;
    if (n == 6) fromInteger(R, 0);
    else {
      set(R, 0, Kind.Finite, <i32>load<u64>(at), load<u64>(at, 8), load<u64>(at, 16));
      finish80(R, 64);
      // Rounded by the control word, but silently (SDM 1 8.3.8).
      clearFlags(EXCEPTIONS);
    }
  }
  E.pushResult(p, overflowed);
  return p + RECORD;
}

/** FFREE, and FFREEP which also pops. */
export function ffree(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  setEmpty(E.index(p));
  if (E.pops(p)) E.pop(1);
  return p + RECORD;
}
/** FINCSTP (parameter 1), FDECSTP (7): only TOP moves. */
export function fmovetop(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  setTop(top() + E.parameter(p));
  return p + RECORD;
}
export function fnop(p: usize): usize {
  if (!E.waiting()) return 0;
  store<u64>(State.FIP, load<u64>(p, 24));
  return p + RECORD;
}
