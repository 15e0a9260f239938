/**
 * Addition to division, square root, minimum and maximum of SSE to SSE3 (SDM 2). Lanes are computed into a scratch register;
 * the destination changes when none of them met an unmasked exception.
 */
import { A, B, Kind, R, kindOf, pack32, pack64, unpack32, unpack64 } from '../float/number';
import * as F from '../float/arithmetic';
import { finish32, finish64 } from '../float/round';
import { RECORD } from '../record';
import { begin, end } from './environment';
import { Operation, native32, native32x4, native64, native64x2, sure } from './native';
import { xmmBytes, xmmDst, xmmSource } from './operands';

/** What the lanes become, until all are known. */
const RESULT: usize = memory.data(16, 16);

/** Further operations of the lanes, after those of native.ts. */
const MIN: u32 = 5;
const MAX: u32 = 6;

function soft(operation: u32): void {
  switch (operation) {
    case Operation.Add: F.add(R, A, B, 0); return;
    case Operation.Subtract: F.add(R, A, B, 1); return;
    case Operation.Multiply: F.multiplyNumbers(R, A, B); return;
    case Operation.Divide: F.divideNumbers(R, A, B); return;
    default: F.squareRoot(R, B);
  }
}
/** MIN and MAX give the second operand unless the first is truly less or greater: also for NaNs and zeros (SDM 2). */
@inline function picksFirst(operation: u32): bool { return F.compare(A, B, true) == <u32>(operation == MIN ? F.Relation.Less : F.Relation.Greater); }

function soft64(operation: u32, a: u64, b: u64): u64 {
  unpack64(A, a);
  unpack64(B, b);
  if (operation >= MIN) {
    const first = picksFirst(operation);
    // What DAZ made a zero is given as a zero.
    return kindOf(first ? A : B) == Kind.Zero ? (first ? a : b) & 0x8000000000000000 : first ? a : b;
  }
  soft(operation);
  finish64(R);
  return pack64(R);
}
function soft32(operation: u32, a: u32, b: u32): u32 {
  unpack32(A, a);
  unpack32(B, b);
  if (operation >= MIN) {
    const first = picksFirst(operation);
    return kindOf(first ? A : B) == Kind.Zero ? (first ? a : b) & 0x80000000 : first ? a : b;
  }
  soft(operation);
  finish32(R);
  return pack32(R);
}
export function lane64(operation: u32, a: u64, b: u64): u64 {
  if (operation < MIN) {
    const r = native64(operation, a, b);
    if (sure) return r;
  }
  return soft64(operation, a, b);
}
export function lane32(operation: u32, a: u32, b: u32): u32 {
  if (operation < MIN) {
    const r = native32(operation, a, b);
    if (sure) return r;
  }
  return soft32(operation, a, b);
}

@inline function give(p: usize): usize {
  if (!end()) return 0;
  v128.store(xmmDst(p), v128.load(RESULT));
  return p + RECORD;
}
function packed32(p: usize, operation: u32): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  if (native32x4(operation, v128.load(d), v128.load(s), d)) return p + RECORD;
  begin();
  for (let n: usize = 0; n < 16; n += 4) store<u32>(RESULT + n, lane32(operation, load<u32>(operation == Operation.SquareRoot ? s + n : d + n), load<u32>(s + n)));
  return give(p);
}
function packed64(p: usize, operation: u32): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  if (native64x2(operation, v128.load(d), v128.load(s), d)) return p + RECORD;
  begin();
  for (let n: usize = 0; n < 16; n += 8) store<u64>(RESULT + n, lane64(operation, load<u64>(operation == Operation.SquareRoot ? s + n : d + n), load<u64>(s + n)));
  return give(p);
}
function scalar32(p: usize, operation: u32): usize {
  const s = xmmBytes(p, 4);
  if (!s) return 0;
  const d = xmmDst(p), b = load<u32>(s), a = operation == Operation.SquareRoot ? b : load<u32>(d);
  if (operation < MIN) {
    const r = native32(operation, a, b);
    if (sure) { store<u32>(d, r); return p + RECORD; }
  }
  begin();
  const r = soft32(operation, a, b);
  if (!end()) return 0;
  store<u32>(d, r);
  return p + RECORD;
}
function scalar64(p: usize, operation: u32): usize {
  const s = xmmBytes(p, 8);
  if (!s) return 0;
  const d = xmmDst(p), b = load<u64>(s), a = operation == Operation.SquareRoot ? b : load<u64>(d);
  if (operation < MIN) {
    const r = native64(operation, a, b);
    if (sure) { store<u64>(d, r); return p + RECORD; }
  }
  begin();
  const r = soft64(operation, a, b);
  if (!end()) return 0;
  store<u64>(d, r);
  return p + RECORD;
}

export function addps(p: usize): usize { return packed32(p, Operation.Add); }
export function addpd(p: usize): usize { return packed64(p, Operation.Add); }
export function addss(p: usize): usize { return scalar32(p, Operation.Add); }
export function addsd(p: usize): usize { return scalar64(p, Operation.Add); }
export function mulps(p: usize): usize { return packed32(p, Operation.Multiply); }
export function mulpd(p: usize): usize { return packed64(p, Operation.Multiply); }
export function mulss(p: usize): usize { return scalar32(p, Operation.Multiply); }
export function mulsd(p: usize): usize { return scalar64(p, Operation.Multiply); }
export function subps(p: usize): usize { return packed32(p, Operation.Subtract); }
export function subpd(p: usize): usize { return packed64(p, Operation.Subtract); }
export function subss(p: usize): usize { return scalar32(p, Operation.Subtract); }
export function subsd(p: usize): usize { return scalar64(p, Operation.Subtract); }
export function divps(p: usize): usize { return packed32(p, Operation.Divide); }
export function divpd(p: usize): usize { return packed64(p, Operation.Divide); }
export function divss(p: usize): usize { return scalar32(p, Operation.Divide); }
export function divsd(p: usize): usize { return scalar64(p, Operation.Divide); }
export function sqrtps(p: usize): usize { return packed32(p, Operation.SquareRoot); }
export function sqrtpd(p: usize): usize { return packed64(p, Operation.SquareRoot); }
export function sqrtss(p: usize): usize { return scalar32(p, Operation.SquareRoot); }
export function sqrtsd(p: usize): usize { return scalar64(p, Operation.SquareRoot); }
export function minps(p: usize): usize { return packed32(p, MIN); }
export function minpd(p: usize): usize { return packed64(p, MIN); }
export function minss(p: usize): usize { return scalar32(p, MIN); }
export function minsd(p: usize): usize { return scalar64(p, MIN); }
export function maxps(p: usize): usize { return packed32(p, MAX); }
export function maxpd(p: usize): usize { return packed64(p, MAX); }
export function maxss(p: usize): usize { return scalar32(p, MAX); }
export function maxsd(p: usize): usize { return scalar64(p, MAX); }

/** Neighbours of the destination, then of the source. */
function horizontal32(p: usize, operation: u32): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  store<u32>(RESULT, lane32(operation, load<u32>(d), load<u32>(d, 4)));
  store<u32>(RESULT, lane32(operation, load<u32>(d, 8), load<u32>(d, 12)), 4);
  store<u32>(RESULT, lane32(operation, load<u32>(s), load<u32>(s, 4)), 8);
  store<u32>(RESULT, lane32(operation, load<u32>(s, 8), load<u32>(s, 12)), 12);
  return give(p);
}
function horizontal64(p: usize, operation: u32): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  store<u64>(RESULT, lane64(operation, load<u64>(d), load<u64>(d, 8)));
  store<u64>(RESULT, lane64(operation, load<u64>(s), load<u64>(s, 8)), 8);
  return give(p);
}
export function haddps(p: usize): usize { return horizontal32(p, Operation.Add); }
export function haddpd(p: usize): usize { return horizontal64(p, Operation.Add); }
export function hsubps(p: usize): usize { return horizontal32(p, Operation.Subtract); }
export function hsubpd(p: usize): usize { return horizontal64(p, Operation.Subtract); }
/** Even lanes are subtracted, odd ones added. */
export function addsubps(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  for (let n: usize = 0; n < 16; n += 4) store<u32>(RESULT + n, lane32(n & 4 ? Operation.Add : Operation.Subtract, load<u32>(d + n), load<u32>(s + n)));
  return give(p);
}
export function addsubpd(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  store<u64>(RESULT, lane64(Operation.Subtract, load<u64>(d), load<u64>(s)));
  store<u64>(RESULT, lane64(Operation.Add, load<u64>(d, 8), load<u64>(s, 8)), 8);
  return give(p);
}
