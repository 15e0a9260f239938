/**
 * Around an x87 instruction: what lets it run, the environment of its arithmetic, and what its exceptions do (SDM 1 8.4 to
 * 8.7). The immediate of a record says which of a family it is (opcodes-x87.ts).
 *
 * An unmasked exception is only noted here; the next waiting instruction raises #MF. With CR0.NE clear the processor would
 * signal FERR# and leave the rest to an external interrupt controller: here it goes on, as with IGNNE# asserted.
 */
import { State } from '../generated/state.generated';
import { offset } from '../address';
import { CR0_EM, CR0_NE, CR0_TS } from '../context';
import { Vector, fault } from '../fault';
import { DE, EXCEPTIONS, IE, PE, R, ZE, flags, high80, raise, roundedUp, setEnvironment, setIndefinite, significandOf, unpack80 } from '../float/number';
import { immediate, isMemory, pcOf } from '../record';
import { BUSY, C1, ES_BIT, STACK_FAULT, isEmpty, setEmpty, setTop, setValid, stAt, top } from './stack';

/** Parts of the immediate. */
@inline export function parameter(p: usize): u32 { return <u32>immediate(p) & 0xff; }
@inline export function index(p: usize): u32 { return (<u32>immediate(p) >> 8) & 7; }
@inline export function format(p: usize): u32 { return (<u32>immediate(p) >> 12) & 15; }
@inline export function pops(p: usize): u32 { return (<u32>immediate(p) >> 16) & 3; }
@inline export function toSti(p: usize): bool { return ((<u32>immediate(p) >> 20) & 1) != 0; }
@inline function opcodeOf(p: usize): u16 { return <u16>(immediate(p) >> 32); }

/** Instructions that do not wait for pending exceptions: false with #NM noted (SDM 3A 2.5, table 2-2). */
export function ready(): bool {
  if (!(load<u64>(State.CR0) & (CR0_EM | CR0_TS))) return true;
  fault(Vector.NM);
  return false;
}
/** Whether an unmasked exception is pending that the next waiting instruction reports. */
@inline export function pending(): bool { return (load<u16>(State.FSW) & ES_BIT) != 0 && (load<u64>(State.CR0) & CR0_NE) != 0; }
/** All others: false with #NM or #MF noted. */
export function waiting(): bool {
  if (!ready()) return false;
  if (!pending()) return true;
  fault(Vector.MF);
  return false;
}

/** Begins an instruction that is not a control instruction: pointers, C1, rounding and masks. */
export function start(p: usize): void {
  startKeepingC1(p);
  store<u16>(State.FSW, load<u16>(State.FSW) & ~C1);
}
/** Likewise for FCMOVcc, which says nothing of C1 but after a stack underflow. */
export function startKeepingC1(p: usize): void {
  store<u64>(State.FIP, pcOf(p));
  if (isMemory(p)) store<u64>(State.FDP, offset(p));
  const control = <u32>load<u16>(State.FCW);
  setEnvironment((control >> 10) & 3, control & EXCEPTIONS, false, false, true);
}
/** Precision in bits that the control word asks of basic arithmetic (SDM 1 8.1.5.2). */
export function precision(): u32 {
  const control = (load<u16>(State.FCW) >> 8) & 3;
  return control == 0 ? 24 : control == 2 ? 53 : 64;
}

@inline function masked(exceptions: u32): bool { return (exceptions & ~<u32>load<u16>(State.FCW) & EXCEPTIONS) == 0; }
/** Exceptions before the computation: with one of them unmasked there is no result. */
export const EARLY: u32 = IE | DE | ZE;

/** Notes the exceptions met. False: one of `fatal` is not masked, the destination stays as it is. */
export function settle(p: usize, fatal: u32): bool {
  const unmasked = flags & ~<u32>load<u16>(State.FCW) & EXCEPTIONS;
  let noted = flags;
  if (unmasked & EARLY) noted &= EARLY;
  let status = load<u16>(State.FSW) | <u16>noted;
  if (roundedUp && noted & PE) status |= C1;
  if (unmasked) {
    status |= ES_BIT | BUSY;
    store<u16>(State.FOP, opcodeOf(p) & 0x7ff);
  }
  store<u16>(State.FSW, status);
  return !(unmasked & fatal);
}

/** Stack underflow: an operand is empty. Stack overflow: a register to be pushed is not (SDM 1 8.5.1.1). */
export function underflow(): void {
  raise(IE);
  store<u16>(State.FSW, (load<u16>(State.FSW) & ~C1) | STACK_FAULT);
}
export function overflow(): void {
  raise(IE);
  store<u16>(State.FSW, load<u16>(State.FSW) | STACK_FAULT | C1);
}
/** Whether ST(i) is empty, which is then noted as a stack underflow. */
export function missing(i: u32): bool {
  if (!isEmpty(i)) return false;
  underflow();
  return true;
}

@inline export function unpackSt(n: usize, i: u32): void { const at = stAt(i); unpack80(n, load<u64>(at), <u32>load<u16>(at, 8)); }
/** Stores a rounded number in ST(i), which becomes valid. */
export function storeSt(i: u32, n: usize): void {
  const at = stAt(i);
  store<u64>(at, significandOf(n));
  store<u16>(at, <u16>high80(n), 8);
  setValid(i);
}
export function copySt(i: u32, significand: u64, high: u32): void {
  const at = stAt(i);
  store<u64>(at, significand);
  store<u16>(at, <u16>high, 8);
  setValid(i);
}
export function pop(times: u32): void {
  for (let n: u32 = 0; n < times; n++) {
    setEmpty(0);
    setTop(top() + 1);
  }
}
/** Makes room for a value on top of the stack: TOP is decremented. */
export function push(): void { setTop(top() - 1); }
/** Whether nothing may be pushed: noted as a stack overflow. */
export function full(): bool {
  if (isEmpty(7)) return false;
  overflow();
  return true;
}
/** The masked response to a stack fault: the indefinite QNaN. */
export function indefiniteSt(i: u32): void {
  setIndefinite(R);
  storeSt(i, R);
}
/** Pushes R, or after an overflow the indefinite; nothing when an invalid operation is unmasked. A denormal is loaded even so. */
export function pushResult(p: usize, overflowed: bool): void {
  if (!settle(p, IE)) return;
  push();
  if (overflowed) indefiniteSt(0); else storeSt(0, R);
}
@inline export function invalidMasked(): bool { return masked(IE); }
