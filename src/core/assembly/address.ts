/** Effective addresses and segment checks of memory operands. */
import { State } from './generated/state.generated';
import { protectedMode, longCode } from './context';
import { Vector, faultCode } from './fault';
import * as R from './record';
import { BAD_ADDRESS, SEGMENT_SS, modifiable, readable, writable } from './tlb';

export const ES: u32 = 0;
export const CS: u32 = 1;
export const SS: u32 = 2;
export const DS: u32 = 3;
export const FS: u32 = 4;
export const GS: u32 = 5;

/** Base, scaled index and displacement; a product, because shifts by a variable cost processors more. */
@inline function effective(p: usize): u64 {
  return load<u64>(<usize>load<u8>(p, R.R_BASE)) + load<u64>(<usize>load<u8>(p, R.R_INDEX)) * <u64>load<u8>(p, R.R_SCALE) + load<u64>(p, R.R_DISPLACEMENT);
}
/** Offset within the segment, wrapped to the address size. */
@inline export function offset(p: usize): u64 {
  // Shifts count modulo 64: OTHER_ADDRESS does not matter.
  const shift = <u64>load<u8>(p, R.R_SHIFT);
  return (effective(p) << shift) >> shift;
}

/** Linear address of the memory operand; BAD_ADDRESS after a segment fault was noted. */
@inline export function linear(p: usize, bytes: u32, write: bool): u64 {
  const kind = <u32>load<u8>(p, R.R_SHIFT);
  if (kind == 0) return effective(p);
  if (kind == 32) return effective(p) & 0xffffffff;
  return otherLinear(p, bytes, write);
}
function otherLinear(p: usize, bytes: u32, write: bool): u64 {
  if (load<u8>(p, R.R_FLAGS) & R.F_CHECK) return segmented(<u32>load<u8>(p, R.R_SEGMENT), offset(p), bytes, write);
  return offset(p) + load<u64>(<usize>load<u32>(p, R.R_SEGMENT_BASE));
}
export function linearAddress(p: usize, bytes: u32): u64 { return linear(p, bytes, false); }

/** Base + offset of an access through segment `n` in a mode with limits (SDM 3A 5.3-5.5). */
export function segmented(n: u32, at: u64, bytes: u32, write: bool): u64 {
  const access = R.segmentAccess(n), limit = <u64>R.segmentLimit(n), last = at + <u64>(bytes - 1);
  let ok = true;
  if (protectedMode()) {
    if (access & 0x10000) ok = false;
    else if (access & 8) ok = !write && (access & 2) != 0; // code: readable only
    else if (write && !(access & 2)) ok = false;
  }
  if (ok) {
    if ((access & 0xc) == 4) ok = at > limit && last <= (access & 0x4000 ? 0xffffffff : 0xffff); // expand-down data
    else ok = last <= limit;
  }
  if (ok) return (R.segmentBase(n) + at) & 0xffffffff;
  faultCode(n == SEGMENT_SS ? Vector.SS : Vector.GP, 0);
  return BAD_ADDRESS;
}

/** Linear address of `at` in segment `n` for string and other implicit operands. */
@inline export function implicitLinear(n: u32, at: u64, bytes: u32, write: bool): u64 {
  if (longCode()) return n >= FS ? R.segmentBase(n) + at : at;
  return segmented(n, at, bytes, write);
}

@inline export function memReadable(p: usize, bytes: u32): usize { return readable(linear(p, bytes, false), bytes, <u32>load<u8>(p, R.R_SEGMENT)); }
@inline export function memWritable(p: usize, bytes: u32): usize { return writable(linear(p, bytes, true), bytes, <u32>load<u8>(p, R.R_SEGMENT)); }
@inline export function memModifiable(p: usize, bytes: u32): usize { return modifiable(linear(p, bytes, true), bytes, <u32>load<u8>(p, R.R_SEGMENT)); }

/** Mask of general registers used as addresses: RCX, RSI and RDI of string and loop instructions. */
@inline export function addressMask(p: usize): u64 {
  const size = R.addressSizeOf(p);
  return size == 2 ? u64.MAX_VALUE : size == 1 ? 0xffffffff : 0xffff;
}
/** Writes the part of the register at `at` that the address size covers. */
@inline export function setAddressRegister(p: usize, at: usize, value: u64): void {
  const size = R.addressSizeOf(p);
  if (size == 2) store<u64>(at, value);
  else if (size == 1) store<u64>(at, value & 0xffffffff);
  else store<u16>(at, <u16>value);
}
/** Port or memory checks need it: whether code runs at a privilege that I/O instructions and CLI/STI demand. */
@inline export function ioAllowed(): bool { return load<u32>(State.CPL) <= ((load<u32>(State.RFLAGS) >> 12) & 3); }
