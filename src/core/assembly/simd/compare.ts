/** CMPPS and kin, COMISS and UCOMISS and kin (SDM 2). */
import { A, B, unpack32, unpack64 } from '../float/number';
import { Relation, compare } from '../float/arithmetic';
import { CF, PF, ZF, setArithmeticFlags } from '../flags';
import { RECORD, immediate } from '../record';
import { begin, end } from './environment';
import { xmmBytes, xmmDst, xmmSource } from './operands';

/** Predicates 0 to 3 as sets of relations, a bit each: EQ LT LE UNORD; 4 to 7 are their complements (SDM 2, table of CMPPD). */
const SETS: u32 = (1 << Relation.Equal) | (1 << Relation.Less) << 4 | ((1 << Relation.Less) | (1 << Relation.Equal)) << 8 | (1 << Relation.Unordered) << 12;
/** Whether predicate `n` holds for A and B; less-than and less-or-equal signal all NaNs. */
function holds(n: u32): bool {
  const low = n & 3;
  const relation = compare(A, B, low == 1 || low == 2);
  return ((SETS >> (low << 2) >> relation) & 1) != (n >> 2);
}
@inline function compared32(n: u32, a: u32, b: u32): u32 { unpack32(A, a); unpack32(B, b); return holds(n) ? u32.MAX_VALUE : 0; }
@inline function compared64(n: u32, a: u64, b: u64): u64 { unpack64(A, a); unpack64(B, b); return holds(n) ? u64.MAX_VALUE : 0; }

const RESULT: usize = memory.data(16, 16);
@inline function predicate(p: usize): u32 { return <u32>immediate(p) & 7; }
export function cmpps(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  for (let n: usize = 0; n < 16; n += 4) store<u32>(RESULT + n, compared32(predicate(p), load<u32>(d + n), load<u32>(s + n)));
  if (!end()) return 0;
  v128.store(d, v128.load(RESULT));
  return p + RECORD;
}
export function cmppd(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  for (let n: usize = 0; n < 16; n += 8) store<u64>(RESULT + n, compared64(predicate(p), load<u64>(d + n), load<u64>(s + n)));
  if (!end()) return 0;
  v128.store(d, v128.load(RESULT));
  return p + RECORD;
}
export function cmpss(p: usize): usize {
  const s = xmmBytes(p, 4);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  const r = compared32(predicate(p), load<u32>(d), load<u32>(s));
  if (!end()) return 0;
  store<u32>(d, r);
  return p + RECORD;
}
export function cmpsd(p: usize): usize {
  const s = xmmBytes(p, 8);
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  const r = compared64(predicate(p), load<u64>(d), load<u64>(s));
  if (!end()) return 0;
  store<u64>(d, r);
  return p + RECORD;
}

/** ZF, PF and CF of a relation, as COMISS and FCOMI set them; OF, SF and AF are cleared. */
export function relationFlags(relation: u32): u32 {
  return relation == Relation.Unordered ? ZF | PF | CF : relation == Relation.Less ? CF : relation == Relation.Equal ? ZF : 0;
}
@inline function comi<T>(p: usize, signalling: bool): usize {
  const s = xmmBytes(p, sizeof<T>());
  if (!s) return 0;
  const d = xmmDst(p);
  begin();
  if (sizeof<T>() == 4) { unpack32(A, load<u32>(d)); unpack32(B, load<u32>(s)); } else { unpack64(A, load<u64>(d)); unpack64(B, load<u64>(s)); }
  const relation = compare(A, B, signalling);
  if (!end()) return 0;
  setArithmeticFlags(relationFlags(relation));
  return p + RECORD;
}
export function comiss(p: usize): usize { return comi<u32>(p, true); }
export function comisd(p: usize): usize { return comi<u64>(p, true); }
export function ucomiss(p: usize): usize { return comi<u32>(p, false); }
export function ucomisd(p: usize): usize { return comi<u64>(p, false); }
