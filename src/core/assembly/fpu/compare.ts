/** FCOM, FUCOM, FTST, FCOMI and kin, FXAM, FCMOVcc (SDM 2). */
import { condition, setArithmeticFlags } from '../flags';
import { A, B, IE, Kind, flags, isDenormal, kindOf, masks, setZero } from '../float/number';
import { Relation, compare } from '../float/arithmetic';
import { RECORD } from '../record';
import { relationFlags } from '../simd/compare';
import { operand, setCodes, unpackOperands } from './arithmetic';
import * as E from './environment';
import { C0, C1, C2, C3, isEmpty, stAt } from './stack';

/** Condition codes of a relation (SDM 1 table 8-6). */
function codesOf(relation: u32): u16 {
  return relation == Relation.Unordered ? C3 | C2 | C0 : relation == Relation.Less ? C0 : relation == Relation.Equal ? C3 : 0;
}
/** FCOM (parameter 0) and FUCOM (1: only SNaNs are invalid), with 0 to 2 pops. */
export function fcompare(p: usize): usize {
  if (!E.waiting()) return 0;
  const h = operand(p);
  if (!h) return 0;
  E.start(p);
  const relation = unpackOperands(p, h) ? compare(A, B, E.parameter(p) == 0) : <u32>Relation.Unordered;
  // An unmasked invalid operation sets no codes; after an unmasked denormal operand only the pops are left out.
  const done = E.settle(p, E.EARLY);
  if (done || !(flags & ~masks & IE)) setCodes(codesOf(relation));
  if (done) E.pop(E.pops(p));
  return p + RECORD;
}
export function ftst(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  let relation: u32 = Relation.Unordered;
  if (!E.missing(0)) {
    E.unpackSt(A, 0);
    setZero(B, 0);
    relation = compare(A, B, true);
  }
  if (E.settle(p, E.EARLY) || !(flags & ~masks & IE)) setCodes(codesOf(relation));
  return p + RECORD;
}
/** FCOMI and FUCOMI: the result is in ZF, PF and CF. */
export function fcomi(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const relation = unpackOperands(p, 1) ? compare(A, B, E.parameter(p) == 0) : <u32>Relation.Unordered;
  const done = E.settle(p, E.EARLY);
  if (done || !(flags & ~masks & IE)) setArithmeticFlags(relationFlags(relation));
  if (done) E.pop(E.pops(p));
  return p + RECORD;
}
/** Class and sign of ST(0), empty or not (SDM 2, table of FXAM). */
export function fxam(p: usize): usize {
  if (!E.waiting()) return 0;
  E.start(p);
  const sign: u16 = load<u16>(stAt(0), 8) & 0x8000 ? C1 : 0;
  E.unpackSt(A, 0);
  let codes: u16;
  if (isEmpty(0)) codes = C3 | C0;
  else switch (kindOf(A)) {
    case Kind.Zero: codes = C3; break;
    case Kind.Infinity: codes = C2 | C0; break;
    case Kind.Quiet: case Kind.Signalling: codes = C0; break;
    case Kind.Unsupported: codes = 0; break;
    default: codes = isDenormal(A) ? C3 | C2 : C2;
  }
  setCodes(codes | sign);
  return p + RECORD;
}
/** FCMOVcc: the parameter is a condition code of Jcc. */
export function fcmov(p: usize): usize {
  if (!E.waiting()) return 0;
  E.startKeepingC1(p);
  const i = E.index(p);
  if (E.missing(0) || E.missing(i)) {
    if (E.settle(p, E.EARLY)) E.indefiniteSt(0);
    return p + RECORD;
  }
  if (condition(E.parameter(p))) {
    const from = stAt(i);
    E.copySt(0, load<u64>(from), <u32>load<u16>(from, 8));
  }
  return p + RECORD;
}
