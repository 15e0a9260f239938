/**
 * String instructions (SDM 2). One operation retires up to CHUNK iterations of a REP; what remains is another operation at
 * the same RIP, so that a long REP can be interrupted, and is found in the same state whatever slices it ran in.
 */
import { State } from './generated/state.generated';
import { ES, addressMask, implicitLinear, setAddressRegister } from './address';
import { cmp } from './alu';
import { DF, flag, zero, TF } from './flags';
import { F_REP, F_REPE, F_REPNE, RECORD, R_FLAGS, segmentOf } from './record';
import { leaveHere } from './stop';
import { commitWrite, readable, writable } from './tlb';

const CHUNK: u64 = 4096;

@inline function direction<T>(): u64 { return flag(DF) ? 0 - <u64>sizeof<T>() : <u64>sizeof<T>(); }
@inline function advance(p: usize, register: usize, step: u64, mask: u64): void {
  setAddressRegister(p, register, (load<u64>(register) + step) & mask);
}
@inline function source<T>(p: usize, mask: u64): usize {
  const segment = segmentOf(p);
  return readable(implicitLinear(segment, load<u64>(State.RSI) & mask, sizeof<T>(), false), sizeof<T>(), segment);
}
@inline function destinationReadable<T>(mask: u64): usize {
  return readable(implicitLinear(ES, load<u64>(State.RDI) & mask, sizeof<T>(), false), sizeof<T>(), ES);
}
@inline function destination<T>(mask: u64): usize {
  return writable(implicitLinear(ES, load<u64>(State.RDI) & mask, sizeof<T>(), true), sizeof<T>(), ES);
}

/** Iterations of this operation: 0 when REP has nothing to do. */
@inline export function iterations(p: usize, mask: u64): u64 {
  if (!(load<u8>(p, R_FLAGS) & F_REP)) return 1;
  const count = load<u64>(State.RCX) & mask;
  return flag(TF) ? min<u64>(count, 1) : min<u64>(count, CHUNK);
}
/** Counts one iteration off RCX. */
@inline export function countOff(p: usize, mask: u64): void {
  if (load<u8>(p, R_FLAGS) & F_REP) setAddressRegister(p, State.RCX, (load<u64>(State.RCX) - 1) & mask);
}
/** After the chunk: the next record, or this instruction again while RCX is not used up. */
@inline export function finish(p: usize, mask: u64): usize {
  if (load<u8>(p, R_FLAGS) & F_REP && (load<u64>(State.RCX) & mask) != 0) return leaveHere(p);
  return p + RECORD;
}

export function movs<T>(p: usize): usize {
  const mask = addressMask(p), step = direction<T>();
  for (let n = iterations(p, mask); n; n--) {
    const from = source<T>(p, mask);
    if (!from) return 0;
    const value = load<T>(from);
    const to = destination<T>(mask);
    if (!to) return 0;
    store<T>(to, value);
    commitWrite(to);
    advance(p, State.RSI, step, mask);
    advance(p, State.RDI, step, mask);
    countOff(p, mask);
  }
  return finish(p, mask);
}
export function stos<T>(p: usize): usize {
  const mask = addressMask(p), step = direction<T>(), value = load<T>(State.RAX);
  for (let n = iterations(p, mask); n; n--) {
    const to = destination<T>(mask);
    if (!to) return 0;
    store<T>(to, value);
    commitWrite(to);
    advance(p, State.RDI, step, mask);
    countOff(p, mask);
  }
  return finish(p, mask);
}
export function lods<T>(p: usize): usize {
  const mask = addressMask(p), step = direction<T>();
  for (let n = iterations(p, mask); n; n--) {
    const from = source<T>(p, mask);
    if (!from) return 0;
    const value = load<T>(from);
    if (sizeof<T>() == 4) store<u64>(State.RAX, <u64>value); else store<T>(State.RAX, value);
    advance(p, State.RSI, step, mask);
    countOff(p, mask);
  }
  return finish(p, mask);
}
/** REPE and REPNE end when ZF says so, and then are complete. */
@inline function ends(p: usize): bool {
  const rep = load<u8>(p, R_FLAGS) & F_REP;
  return (rep == F_REPE && !zero()) || (rep == F_REPNE && zero());
}
export function scas<T>(p: usize): usize {
  const mask = addressMask(p), step = direction<T>();
  for (let n = iterations(p, mask); n; n--) {
    const at = destinationReadable<T>(mask);
    if (!at) return 0;
    cmp<T>(load<T>(State.RAX), load<T>(at));
    advance(p, State.RDI, step, mask);
    countOff(p, mask);
    if (ends(p)) return p + RECORD;
  }
  return finish(p, mask);
}
export function cmps<T>(p: usize): usize {
  const mask = addressMask(p), step = direction<T>();
  for (let n = iterations(p, mask); n; n--) {
    const from = source<T>(p, mask);
    if (!from) return 0;
    const a = load<T>(from);
    const at = destinationReadable<T>(mask);
    if (!at) return 0;
    cmp<T>(a, load<T>(at));
    advance(p, State.RSI, step, mask);
    advance(p, State.RDI, step, mask);
    countOff(p, mask);
    if (ends(p)) return p + RECORD;
  }
  return finish(p, mask);
}
