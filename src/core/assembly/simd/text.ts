/** The string comparisons of SSE4.2: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM 1 12.10, SDM 2 4.1). */
import { State } from '../generated/state.generated';
import { CF, OF, SF, ZF, setArithmeticFlags } from '../flags';
import { RECORD, immediate, operandSizeOf, setRegister } from '../record';
import { xmmBytes, xmmDst } from './operands';

/** The operands' addresses and lengths, in elements of the format. */
let first: usize = 0;
let second: usize = 0;
let firstLength: i32 = 0;
let secondLength: i32 = 0;
/** Bits 1:0 of the immediate: words instead of bytes; signed. */
let words: bool = false;
let signed: bool = false;
let count: i32 = 0;

function element(at: usize, n: i32): i32 {
  if (words) return signed ? <i32>load<i16>(at + (<usize>n << 1)) : <i32>load<u16>(at + (<usize>n << 1));
  return signed ? <i32>load<i8>(at + n) : <i32>load<u8>(at + n);
}
/** Bits 3:2. */
const enum Aggregation { EqualAny = 0, Ranges = 1, EqualEach = 2, EqualOrdered = 3 }

/** Result bit `n` before polarity: element n of the second operand, by the aggregation. */
function matches(n: i32, aggregation: u32): bool {
  switch (aggregation) {
    case Aggregation.EqualAny:
      if (n >= secondLength) return false;
      for (let k = 0; k < firstLength; k++) if (element(first, k) == element(second, n)) return true;
      return false;
    case Aggregation.Ranges: {
      if (n >= secondLength) return false;
      const e = element(second, n);
      for (let k = 0; k + 1 < firstLength; k += 2) if (e >= element(first, k) && e <= element(first, k + 1)) return true;
      return false;
    }
    case Aggregation.EqualEach:
      if (n >= firstLength || n >= secondLength) return n >= firstLength && n >= secondLength;
      return element(first, n) == element(second, n);
    default:
      // The first operand as a substring that begins at n; it may go on beyond the register's end.
      for (let k = 0; k < firstLength && n + k < count; k++)
        if (n + k >= secondLength || element(first, k) != element(second, n + k)) return false;
      return true;
  }
}

/** Compares, sets the flags and answers IntRes2. */
function compareStrings(n: u32): u32 {
  const aggregation = (n >> 2) & 3;
  let bits: u32 = 0;
  for (let k = 0; k < count; k++) if (matches(k, aggregation)) bits |= 1 << k;
  // Bits 5:4: positive, negative, masked positive, masked negative.
  if (n & 0x10) bits ^= n & 0x20 ? ((<u32>1 << secondLength) - 1) : ((<u32>1 << count) - 1);
  setArithmeticFlags((bits ? CF : 0) | (secondLength < count ? ZF : 0) | (firstLength < count ? SF : 0) | (bits & 1 ? OF : 0));
  return bits;
}
function prepare(p: usize, n: u32): bool {
  second = xmmBytes(p, 16);
  if (!second) return false;
  first = xmmDst(p);
  words = (n & 1) != 0;
  signed = (n & 2) != 0;
  count = words ? 8 : 16;
  return true;
}
/** Lengths in EAX and EDX, or RAX and RDX with REX.W: absolute values, saturated. */
function explicitLength(p: usize, register: usize): i32 {
  const value = operandSizeOf(p) == 8 ? load<i64>(register) : <i64>load<i32>(register);
  const size = value < 0 ? 0 - <u64>value : <u64>value;
  return size > <u64>count ? count : <i32>size;
}
/** Elements before the first zero. */
function implicitLength(at: usize): i32 {
  let n = 0;
  while (n < count && element(at, n)) n++;
  return n;
}
function prepareExplicit(p: usize): bool {
  if (!prepare(p, <u32>immediate(p))) return false;
  firstLength = explicitLength(p, State.RAX);
  secondLength = explicitLength(p, State.RDX);
  return true;
}
function prepareImplicit(p: usize): bool {
  if (!prepare(p, <u32>immediate(p))) return false;
  firstLength = implicitLength(first);
  secondLength = implicitLength(second);
  return true;
}
/** ECX is the least or (bit 6) the most significant match, or the number of elements. */
function giveIndex(p: usize): usize {
  const n = <u32>immediate(p), bits = compareStrings(n);
  setRegister<u32>(State.RCX, !bits ? <u32>count : n & 0x40 ? 31 - clz<u32>(bits) : ctz<u32>(bits));
  return p + RECORD;
}
/** XMM0 is the bits, or (bit 6) a mask of elements. */
function giveMask(p: usize): usize {
  const n = <u32>immediate(p), bits = compareStrings(n);
  if (!(n & 0x40)) { store<u64>(State.XMM0, <u64>bits); store<u64>(State.XMM0, 0, 8); return p + RECORD; }
  for (let k = 0; k < count; k++) {
    const on = (bits >> k) & 1;
    if (words) store<u16>(<usize>State.XMM0 + (<usize>k << 1), on ? 0xffff : 0); else store<u8>(<usize>State.XMM0 + <usize>k, on ? 0xff : 0);
  }
  return p + RECORD;
}
export function pcmpestri(p: usize): usize { return prepareExplicit(p) ? giveIndex(p) : 0; }
export function pcmpestrm(p: usize): usize { return prepareExplicit(p) ? giveMask(p) : 0; }
export function pcmpistri(p: usize): usize { return prepareImplicit(p) ? giveIndex(p) : 0; }
export function pcmpistrm(p: usize): usize { return prepareImplicit(p) ? giveMask(p) : 0; }
