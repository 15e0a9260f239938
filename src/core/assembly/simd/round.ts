/** ROUNDPS and kin, and the dot products DPPS and DPPD of SSE4.1 (SDM 2). */
import { A, Kind, PE, R, clearFlags, copy, kindOf, pack32, pack64, setRounding, setSign, signOf, unpack32, unpack64 } from '../float/number';
import { nanOfOne } from '../float/arithmetic';
import { roundToIntegral } from '../float/round';
import { RECORD, immediate } from '../record';
import { lane32, lane64 } from './arithmetic';
import { begin, end } from './environment';
import { Operation } from './native';
import { xmmBytes, xmmDst, xmmSource } from './operands';

const RESULT: usize = memory.data(32, 16);

/** Bit 2 of the immediate takes MXCSR.RC instead of bits 1:0; bit 3 suppresses the precision exception. */
function beginRounding(n: u32): void {
  begin();
  if (!(n & 4)) setRounding(n & 3);
}
@inline function endRounding(n: u32): bool {
  if (n & 8) clearFlags(PE);
  return end();
}
/** Rounds A to R; zeros and results of zero keep their sign. */
function integral(): void {
  if (kindOf(A) >= <u32>Kind.Quiet) { nanOfOne(R, A); return; }
  const sign = signOf(A);
  copy(R, A);
  roundToIntegral(R);
  setSign(R, sign);
}
function rounded32(bits: u32): u32 { unpack32(A, bits); integral(); return pack32(R); }
function rounded64(bits: u64): u64 { unpack64(A, bits); integral(); return pack64(R); }

export function roundps(p: usize): usize {
  const s = xmmSource(p), n = <u32>immediate(p);
  if (!s) return 0;
  beginRounding(n);
  for (let k: usize = 0; k < 16; k += 4) store<u32>(RESULT + k, rounded32(load<u32>(s + k)));
  if (!endRounding(n)) return 0;
  v128.store(xmmDst(p), v128.load(RESULT));
  return p + RECORD;
}
export function roundpd(p: usize): usize {
  const s = xmmSource(p), n = <u32>immediate(p);
  if (!s) return 0;
  beginRounding(n);
  for (let k: usize = 0; k < 16; k += 8) store<u64>(RESULT + k, rounded64(load<u64>(s + k)));
  if (!endRounding(n)) return 0;
  v128.store(xmmDst(p), v128.load(RESULT));
  return p + RECORD;
}
export function roundss(p: usize): usize {
  const s = xmmBytes(p, 4), n = <u32>immediate(p);
  if (!s) return 0;
  beginRounding(n);
  const r = rounded32(load<u32>(s));
  if (!endRounding(n)) return 0;
  store<u32>(xmmDst(p), r);
  return p + RECORD;
}
export function roundsd(p: usize): usize {
  const s = xmmBytes(p, 8), n = <u32>immediate(p);
  if (!s) return 0;
  beginRounding(n);
  const r = rounded64(load<u64>(s));
  if (!endRounding(n)) return 0;
  store<u64>(xmmDst(p), r);
  return p + RECORD;
}

/**
 * Products of the lanes that bits 7:4 select (others are +0), then their sum in pairs, to the lanes of bits 3:0. An
 * unmasked exception of the products ends it before the sums: their flags must not appear.
 */
export function dpps(p: usize): usize {
  const s = xmmSource(p), n = <u32>immediate(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  for (let k: u32 = 0; k < 4; k++) {
    const at = <usize>k << 2;
    store<u32>(RESULT + at, (n >> (4 + k)) & 1 ? lane32(Operation.Multiply, load<u32>(d + at), load<u32>(s + at)) : 0);
  }
  if (!end()) return 0;
  const low = lane32(Operation.Add, load<u32>(RESULT), load<u32>(RESULT, 4));
  const high = lane32(Operation.Add, load<u32>(RESULT, 8), load<u32>(RESULT, 12));
  if (!end()) return 0;
  const sum = lane32(Operation.Add, low, high);
  if (!end()) return 0;
  for (let k: u32 = 0; k < 4; k++) store<u32>(d + (<usize>k << 2), (n >> k) & 1 ? sum : 0);
  return p + RECORD;
}
export function dppd(p: usize): usize {
  const s = xmmSource(p), n = <u32>immediate(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  const low = (n >> 4) & 1 ? lane64(Operation.Multiply, load<u64>(d), load<u64>(s)) : 0;
  const high = (n >> 5) & 1 ? lane64(Operation.Multiply, load<u64>(d, 8), load<u64>(s, 8)) : 0;
  if (!end()) return 0;
  const sum = lane64(Operation.Add, low, high);
  if (!end()) return 0;
  store<u64>(d, n & 1 ? sum : 0);
  store<u64>(d, n & 2 ? sum : 0, 8);
  return p + RECORD;
}
