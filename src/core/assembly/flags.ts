/**
 * Lazy flags. An arithmetic instruction leaves its result and one operand, both shifted to the top of 64 bits, and how
 * the flags follow from them; CF, ZF, SF and OF then need no width. PF and AF use the shift kept in LAZY_KIND.
 */
import { State } from './generated/state.generated';

export const CF: u32 = 1;
export const PF: u32 = 4;
export const AF: u32 = 0x10;
export const ZF: u32 = 0x40;
export const SF: u32 = 0x80;
export const TF: u32 = 0x100;
export const IF: u32 = 0x200;
export const DF: u32 = 0x400;
export const OF: u32 = 0x800;
export const IOPL: u32 = 0x3000;
export const NT: u32 = 0x4000;
export const RF: u32 = 0x10000;
export const VM: u32 = 0x20000;
export const AC: u32 = 0x40000;
export const VIF: u32 = 0x80000;
export const VIP: u32 = 0x100000;
export const ID: u32 = 0x200000;
/** CF PF AF ZF SF OF. */
export const ARITHMETIC: u32 = 0x8d5;
/** All flags that exist; bit 1 always reads 1. */
export const FLAGS_MASK: u64 = 0x3f7fd5;

/** How the arithmetic flags are found. */
const enum Kind {
  /** In State.RFLAGS. */
  Stored = 0,
  Add = 1,
  Subtract = 2,
  /** CF, OF and AF are clear. */
  Logic = 3,
  /** CF, OF and AF are in LAZY_EXTRA; ZF, SF and PF follow from the result. */
  Extra = 4,
  /** CF is in LAZY_EXTRA; the rest follows from the result. */
  Increment = 5,
  Decrement = 6,
  /** Shifts: the operand was shifted by one bit less. OF is as for a shift by 1; AF is clear. */
  Left = 7,
  Right = 8,
  /** OF is clear. */
  ArithmeticRight = 9,
}

@inline function shift<T>(): u64 { return <u64>(64 - sizeof<T>() * 8); }
@inline function top<T>(value: T): u64 { return sizeof<T>() == 8 ? <u64>value : <u64>value << shift<T>(); }
@inline function note<T>(kind: u32, result: T): void {
  store<u64>(State.LAZY_RESULT, top<T>(result));
  store<u32>(State.LAZY_KIND, kind | (<u32>shift<T>() << 8));
}

@inline export function lazyAdd<T>(operand: T, result: T): void {
  store<u64>(State.LAZY_OPERAND, top<T>(operand));
  note<T>(Kind.Add, result);
}
@inline export function lazySubtract<T>(operand: T, result: T): void {
  store<u64>(State.LAZY_OPERAND, top<T>(operand));
  note<T>(Kind.Subtract, result);
}
@inline export function lazyLogic<T>(result: T): void { note<T>(Kind.Logic, result); }
/** `extra` holds CF, AF and OF in their places. */
@inline export function lazyExtra<T>(result: T, extra: u32): void {
  store<u32>(State.LAZY_EXTRA, extra);
  note<T>(Kind.Extra, result);
}

/** INC and DEC keep CF. */
@inline function keepCarry(): void {
  const kind = load<u32>(State.LAZY_KIND) & 0xff;
  if (kind < <u32>Kind.Extra || kind > <u32>Kind.Decrement) store<u32>(State.LAZY_EXTRA, carry() ? CF : 0);
}
@inline export function lazyIncrement<T>(result: T): void { keepCarry(); note<T>(Kind.Increment, result); }
@inline export function lazyDecrement<T>(result: T): void { keepCarry(); note<T>(Kind.Decrement, result); }
/** `before`: the operand shifted by one bit less than all. */
@inline export function lazyLeft<T>(before: T, result: T): void {
  store<u64>(State.LAZY_OPERAND, top<T>(before));
  note<T>(Kind.Left, result);
}
@inline export function lazyRight<T>(before: T, result: T): void {
  store<u64>(State.LAZY_OPERAND, top<T>(before));
  note<T>(Kind.Right, result);
}
@inline export function lazyArithmeticRight<T>(before: T, result: T): void {
  store<u64>(State.LAZY_OPERAND, top<T>(before));
  note<T>(Kind.ArithmeticRight, result);
}

@inline export function carry(): bool {
  const kind = load<u32>(State.LAZY_KIND) & 0xff;
  if (kind == Kind.Subtract) return load<u64>(State.LAZY_OPERAND) < load<u64>(State.LAZY_RESULT);
  if (kind == Kind.Logic) return false;
  return otherCarry();
}
function otherCarry(): bool {
  const kind = load<u32>(State.LAZY_KIND);
  switch (kind & 0xff) {
    case Kind.Add: return load<u64>(State.LAZY_RESULT) < load<u64>(State.LAZY_OPERAND);
    case Kind.Extra: case Kind.Increment: case Kind.Decrement: return (load<u32>(State.LAZY_EXTRA) & CF) != 0;
    case Kind.Left: return load<i64>(State.LAZY_OPERAND) < 0;
    case Kind.Right: case Kind.ArithmeticRight: return ((load<u64>(State.LAZY_OPERAND) >> <u64>(kind >> 8)) & 1) != 0;
    default: return (load<u32>(State.RFLAGS) & CF) != 0;
  }
}
@inline export function zero(): bool {
  if (load<u32>(State.LAZY_KIND) & 0xff) return load<u64>(State.LAZY_RESULT) == 0;
  return (load<u32>(State.RFLAGS) & ZF) != 0;
}
@inline export function sign(): bool {
  if (load<u32>(State.LAZY_KIND) & 0xff) return load<i64>(State.LAZY_RESULT) < 0;
  return (load<u32>(State.RFLAGS) & SF) != 0;
}
@inline export function overflow(): bool {
  const kind = load<u32>(State.LAZY_KIND) & 0xff;
  const r = load<u64>(State.LAZY_RESULT), a = load<u64>(State.LAZY_OPERAND);
  if (kind == Kind.Subtract) return <i64>((a ^ (a - r)) & (a ^ r)) < 0;
  if (kind == Kind.Logic) return false;
  return otherOverflow();
}
function otherOverflow(): bool {
  const kind = load<u32>(State.LAZY_KIND);
  const r = load<u64>(State.LAZY_RESULT), a = load<u64>(State.LAZY_OPERAND);
  switch (kind & 0xff) {
    case Kind.Add: return <i64>((a ^ r) & ((r - a) ^ r)) < 0;
    case Kind.Extra: return (load<u32>(State.LAZY_EXTRA) & OF) != 0;
    case Kind.Increment: return r == <u64>i64.MIN_VALUE;
    case Kind.Decrement: return r == (<u64>i64.MAX_VALUE & (u64.MAX_VALUE << <u64>(kind >> 8)));
    case Kind.Left: return <i64>(a ^ r) < 0;
    case Kind.Right: return <i64>a < 0;
    case Kind.ArithmeticRight: return false;
    default: return (load<u32>(State.RFLAGS) & OF) != 0;
  }
}
/** SF != OF: signed less-than, the commonest use after a subtraction. */
@inline export function less(): bool {
  const kind = load<u32>(State.LAZY_KIND) & 0xff;
  if (kind == Kind.Subtract) {
    const a = load<u64>(State.LAZY_OPERAND);
    return <i64>a < <i64>(a - load<u64>(State.LAZY_RESULT));
  }
  if (kind == Kind.Logic) return load<i64>(State.LAZY_RESULT) < 0;
  return sign() != overflow();
}
export function parity(): bool {
  const kind = load<u32>(State.LAZY_KIND);
  if (kind & 0xff) return (popcnt<u32>(<u32>(load<u64>(State.LAZY_RESULT) >> <u64>(kind >> 8)) & 0xff) & 1) == 0;
  return (load<u32>(State.RFLAGS) & PF) != 0;
}
function adjust(): bool {
  const kind = load<u32>(State.LAZY_KIND), s = <u64>(kind >> 8);
  const r = load<u64>(State.LAZY_RESULT) >> s, a = load<u64>(State.LAZY_OPERAND) >> s;
  switch (kind & 0xff) {
    case Kind.Add: return ((a ^ (r - a) ^ r) & 0x10) != 0;
    case Kind.Subtract: return ((a ^ (a - r) ^ r) & 0x10) != 0;
    case Kind.Extra: return (load<u32>(State.LAZY_EXTRA) & AF) != 0;
    case Kind.Increment: return (r & 15) == 0;
    case Kind.Decrement: return (r & 15) == 15;
    case Kind.Logic: case Kind.Left: case Kind.Right: case Kind.ArithmeticRight: return false;
    default: return (load<u32>(State.RFLAGS) & AF) != 0;
  }
}

/** CF PF AF ZF SF OF, in their places. */
export function arithmeticFlags(): u32 {
  if (!(load<u32>(State.LAZY_KIND) & 0xff)) return load<u32>(State.RFLAGS) & ARITHMETIC;
  return (carry() ? CF : 0) | (parity() ? PF : 0) | (adjust() ? AF : 0) | (zero() ? ZF : 0) | (sign() ? SF : 0) | (overflow() ? OF : 0);
}
/** Replaces CF PF AF ZF SF OF. */
export function setArithmeticFlags(value: u32): void {
  store<u32>(State.RFLAGS, (load<u32>(State.RFLAGS) & ~ARITHMETIC) | (value & ARITHMETIC));
  store<u32>(State.LAZY_KIND, Kind.Stored);
}
/** The complete RFLAGS. */
export function getFlags(): u64 {
  const flags = (load<u64>(State.RFLAGS) & ~<u64>ARITHMETIC) | <u64>arithmeticFlags() | 2;
  store<u64>(State.RFLAGS, flags);
  store<u32>(State.LAZY_KIND, Kind.Stored);
  return flags;
}
/** Loads the complete RFLAGS; call `eventsChanged` when TF, IF or RF may have changed. */
export function setFlags(value: u64): void {
  store<u64>(State.RFLAGS, (value & FLAGS_MASK) | 2);
  store<u32>(State.LAZY_KIND, Kind.Stored);
}
/** A flag outside the arithmetic ones. */
@inline export function flag(mask: u32): bool { return (load<u32>(State.RFLAGS) & mask) != 0; }

/** Condition code 0-15 of Jcc, SETcc and CMOVcc (SDM 1 appendix B). */
@inline export function condition(code: u32): bool {
  switch (code >> 1) {
    case 0: return overflow() != <bool>(code & 1);
    case 1: return carry() != <bool>(code & 1);
    case 2: return zero() != <bool>(code & 1);
    case 3: return (carry() || zero()) != <bool>(code & 1);
    case 4: return sign() != <bool>(code & 1);
    case 5: return parity() != <bool>(code & 1);
    case 6: return less() != <bool>(code & 1);
    default: return (zero() || less()) != <bool>(code & 1);
  }
}
