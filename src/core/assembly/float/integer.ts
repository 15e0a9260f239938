/** Between unpacked numbers and integers. */
import { IE, Kind, PE, copy, exponentOf, flags, clearFlags, kindOf, raise, set, setZero, signOf, significandOf } from './number';
import { roundToIntegral } from './round';

/** A signed 64-bit integer as a number, exactly. */
export function fromInteger(r: usize, value: i64): void {
  if (!value) { setZero(r, 0); return; }
  const sign: u32 = value < 0 ? 1 : 0, size = sign ? 0 - <u64>value : <u64>value;
  const shift = <u32>clz<u64>(size);
  set(r, sign, Kind.Finite, 63 - <i32>shift, size << shift, 0);
}

const INTEGRAL: usize = memory.data(32, 16);
/** The number at `a` as a signed integer of `bits` bits, rounded; IE and the integer indefinite when it does not fit. */
export function toInteger(a: usize, bits: u32): i64 {
  const indefinite = <i64>(u64.MAX_VALUE << <u64>(bits - 1));
  const kind = kindOf(a);
  if (kind == Kind.Zero) return 0;
  if (kind != Kind.Finite) { raise(IE); return indefinite; }
  const had = flags & PE;
  copy(INTEGRAL, a);
  roundToIntegral(INTEGRAL);
  if (kindOf(INTEGRAL) == Kind.Zero) return 0;
  const exponent = exponentOf(INTEGRAL), sign = signOf(INTEGRAL);
  let fits = exponent < <i32>bits - 1;
  // The most negative integer has no positive counterpart.
  if (!fits && exponent == <i32>bits - 1 && sign) fits = significandOf(INTEGRAL) == 0x8000000000000000;
  if (!fits) {
    if (!had) clearFlags(PE);
    raise(IE);
    return indefinite;
  }
  const size = significandOf(INTEGRAL) >> <u64>(63 - exponent);
  return sign ? 0 - <i64>size : <i64>size;
}
