/** Conversions between SSE formats and integers (SDM 2: CVT*). */
import { A, R, Rounding, pack32, pack64, setRounding, unpack32, unpack64 } from '../float/number';
import { pass } from '../float/arithmetic';
import { fromInteger, toInteger } from '../float/integer';
import { finish32, finish64 } from '../float/round';
import { RECORD, dstReg, isMemory, operandSizeOf, setRegister } from '../record';
import { begin, end } from './environment';
import * as O from './operands';

const RESULT: usize = memory.data(16, 16);
@inline function give(p: usize): usize {
  if (!end()) return 0;
  v128.store(O.xmmDst(p), v128.load(RESULT));
  return p + RECORD;
}
@inline function clear(): void { v128.store(RESULT, i64x2.splat(0)); }

function widened(bits: u32): u64 { unpack32(A, bits); pass(R, A); return pack64(R); }
function narrowed(bits: u64): u32 { unpack64(A, bits); pass(R, A); finish32(R); return pack32(R); }
function single(value: i64): u32 { fromInteger(R, value); finish32(R); return pack32(R); }
function double(value: i64): u64 { fromInteger(R, value); finish64(R); return pack64(R); }
function integer32(bits: u32, size: u32): i64 { unpack32(A, bits); return toInteger(A, size); }
function integer64(bits: u64, size: u32): i64 { unpack64(A, bits); return toInteger(A, size); }

export function cvtps2pd(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  begin();
  const low = widened(load<u32>(s)), high = widened(load<u32>(s, 4));
  store<u64>(RESULT, low);
  store<u64>(RESULT, high, 8);
  return give(p);
}
export function cvtpd2ps(p: usize): usize {
  const s = O.xmmSource(p);
  if (!s) return 0;
  begin();
  clear();
  store<u32>(RESULT, narrowed(load<u64>(s)));
  store<u32>(RESULT, narrowed(load<u64>(s, 8)), 4);
  return give(p);
}
export function cvtss2sd(p: usize): usize {
  const s = O.xmmBytes(p, 4);
  if (!s) return 0;
  begin();
  const r = widened(load<u32>(s));
  if (!end()) return 0;
  store<u64>(O.xmmDst(p), r);
  return p + RECORD;
}
export function cvtsd2ss(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  begin();
  const r = narrowed(load<u64>(s));
  if (!end()) return 0;
  store<u32>(O.xmmDst(p), r);
  return p + RECORD;
}

export function cvtdq2ps(p: usize): usize {
  const s = O.xmmSource(p);
  if (!s) return 0;
  begin();
  for (let n: usize = 0; n < 16; n += 4) store<u32>(RESULT + n, single(<i64>load<i32>(s + n)));
  return give(p);
}
export function cvtdq2pd(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  const low = double(<i64>load<i32>(s)), high = double(<i64>load<i32>(s, 4));
  store<u64>(O.xmmDst(p), low);
  store<u64>(O.xmmDst(p), high, 8);
  return p + RECORD;
}
function packedIntegers(p: usize, truncate: bool): usize {
  const s = O.xmmSource(p);
  if (!s) return 0;
  begin();
  if (truncate) setRounding(Rounding.Zero);
  for (let n: usize = 0; n < 16; n += 4) store<u32>(RESULT + n, <u32>integer32(load<u32>(s + n), 32));
  return give(p);
}
export function cvtps2dq(p: usize): usize { return packedIntegers(p, false); }
export function cvttps2dq(p: usize): usize { return packedIntegers(p, true); }
function doubleIntegers(p: usize, truncate: bool): usize {
  const s = O.xmmSource(p);
  if (!s) return 0;
  begin();
  if (truncate) setRounding(Rounding.Zero);
  clear();
  store<u32>(RESULT, <u32>integer64(load<u64>(s), 32));
  store<u32>(RESULT, <u32>integer64(load<u64>(s, 8), 32), 4);
  return give(p);
}
export function cvtpd2dq(p: usize): usize { return doubleIntegers(p, false); }
export function cvttpd2dq(p: usize): usize { return doubleIntegers(p, true); }

/** A general-purpose register or memory, 4 or 8 bytes with REX.W. */
let general: i64 = 0;
function readGeneral(p: usize): bool {
  if (!O.sseReady()) return false;
  const wide = operandSizeOf(p) == 8;
  const s = O.generalSource(p, wide ? 8 : 4);
  if (s == O.NONE) return false;
  general = wide ? load<i64>(s) : <i64>load<i32>(s);
  return true;
}
export function cvtsi2ss(p: usize): usize {
  if (!readGeneral(p)) return 0;
  begin();
  const r = single(general);
  if (!end()) return 0;
  store<u32>(O.xmmDst(p), r);
  return p + RECORD;
}
export function cvtsi2sd(p: usize): usize {
  if (!readGeneral(p)) return 0;
  begin();
  const r = double(general);
  if (!end()) return 0;
  store<u64>(O.xmmDst(p), r);
  return p + RECORD;
}
@inline function toGeneral<T>(p: usize, truncate: bool): usize {
  const s = O.xmmBytes(p, sizeof<T>());
  if (!s) return 0;
  begin();
  if (truncate) setRounding(Rounding.Zero);
  const wide = operandSizeOf(p) == 8, size: u32 = wide ? 64 : 32;
  const r = sizeof<T>() == 4 ? integer32(load<u32>(s), size) : integer64(load<u64>(s), size);
  if (!end()) return 0;
  if (wide) store<i64>(dstReg(p), r); else setRegister<u32>(dstReg(p), <u32>r);
  return p + RECORD;
}
export function cvtss2si(p: usize): usize { return toGeneral<u32>(p, false); }
export function cvttss2si(p: usize): usize { return toGeneral<u32>(p, true); }
export function cvtsd2si(p: usize): usize { return toGeneral<u64>(p, false); }
export function cvttsd2si(p: usize): usize { return toGeneral<u64>(p, true); }

/** With a memory operand CVTPI2PD leaves the x87 state alone, and does not wait for its exceptions (SDM 2). */
export function cvtpi2pd(p: usize): usize {
  let s: usize;
  if (isMemory(p)) s = O.xmmBytes(p, 8);
  else s = O.sseReady() ? O.mmxSource(p, 8) : 0;
  if (!s) return 0;
  const low = double(<i64>load<i32>(s)), high = double(<i64>load<i32>(s, 4));
  store<u64>(O.xmmDst(p), low);
  store<u64>(O.xmmDst(p), high, 8);
  return p + RECORD;
}
/** Operand of a conversion between the register files: 0 with a fault noted. The x87 state changes even if the conversion then faults. */
export function cvtpi2ps(p: usize): usize {
  const s = O.sseReady() ? O.mmxSource(p, 8) : 0;
  if (!s) return 0;
  begin();
  const low = single(<i64>load<i32>(s)), high = single(<i64>load<i32>(s, 4));
  if (!end()) return 0;
  store<u32>(O.xmmDst(p), low);
  store<u32>(O.xmmDst(p), high, 4);
  return p + RECORD;
}
function toMmx(p: usize, wide: bool, truncate: bool): usize {
  if (!O.sseReady() || !O.mmxReady()) return 0;
  const s = isMemory(p) ? (wide ? O.alignedRead(p) : O.memoryBytes(p, 8)) : O.xmmSrc(p);
  if (!s) return 0;
  // The transition comes before an exception of the conversion: the operand is there, the registers are MMX registers from now on.
  O.enterMmx();
  begin();
  if (truncate) setRounding(Rounding.Zero);
  const low = wide ? integer64(load<u64>(s), 32) : integer32(load<u32>(s), 32);
  const high = wide ? integer64(load<u64>(s, 8), 32) : integer32(load<u32>(s, 4), 32);
  if (!end()) return 0;
  O.setMmx(O.mmxDst(p), (low & 0xffffffff) | (high << 32));
  return p + RECORD;
}
export function cvtps2pi(p: usize): usize { return toMmx(p, false, false); }
export function cvttps2pi(p: usize): usize { return toMmx(p, false, true); }
export function cvtpd2pi(p: usize): usize { return toMmx(p, true, false); }
export function cvttpd2pi(p: usize): usize { return toMmx(p, true, true); }
