/**
 * What happens between instructions: traps, interrupts, activity states, and the exits that they cause
 * (priority: SDM 3A table 6-2, SDM 3C 25.2 and 26.7).
 */
import { State } from './generated/state.generated';
import { breakpointsChanged } from './breakpoints';
import { modeChanged, nonRoot } from './context';
import { deliverEvent, deliverFault } from './deliver';
import { Vector } from './fault';
import { AC, IF, RF, TF, flag } from './flags';
import { FactCode, observed, tell } from './facts';
import { Event, StopCode, clearEvent, raiseEvent, requestStop } from './stop';
import { NO_VECTOR, acknowledgesInterrupt, exitExternalInterrupt, exitInterruptWindow, exitNmi, exitNmiWindow, exitPreemptionTimer } from './vmx/exit';
import { exceptionExits, externalInterruptExits, interruptWindowExits, nmiExits, nmiWindowExits, virtualNmis } from './vmx/intercept';

export const NO_INTERRUPT: u32 = 0xffffffff;
/** Interruption types, SDM 3C table 24-16. */
export const enum EventType { External = 0, Nmi = 2, HardwareException = 3, Software = 4, Privileged = 5, SoftwareException = 6 }
export const VALID: u32 = 0x80000000;
export const HAS_ERROR: u32 = 0x800;

/** After TF, IF, RF or AC changed. */
export function flagsChanged(): void {
  if (flag(RF)) raiseEvent(Event.Resume);
  if (flag(TF)) raiseEvent(Event.Trap); else clearEvent(Event.Trap);
  if (flag(AC) != lastAc) { lastAc = flag(AC); modeChanged(); }
}
let lastAc: bool = false;

/** Presents a maskable interrupt of the interrupt controller. */
export function raiseInterrupt(vector: u32): void {
  store<u32>(State.PENDING_INTERRUPT, vector);
  if (vector == NO_INTERRUPT) clearEvent(Event.Interrupt); else raiseEvent(Event.Interrupt);
}
export function raiseNmi(): void {
  store<u32>(State.PENDING_NMI, 1);
  raiseEvent(Event.Nmi);
}
export function wake(): void {
  store<u32>(State.ACTIVITY, 0);
  clearEvent(Event.Inactive);
}
/** HLT and its kin: 1 HLT, 2 shutdown, 3 wait-for-SIPI. */
export function sleep(activity: u32): void {
  store<u32>(State.ACTIVITY, activity);
  raiseEvent(Event.Inactive);
}

/** Recomputes State.EVENTS after the whole state was replaced (reset, restore, VM entry and exit). */
export function eventsChanged(): void {
  store<u32>(State.EVENTS, load<u32>(State.EVENTS) & Event.Stop);
  if (load<u32>(State.PENDING_INTERRUPT) != NO_INTERRUPT) raiseEvent(Event.Interrupt);
  if (load<u32>(State.PENDING_NMI)) raiseEvent(Event.Nmi);
  if (load<u32>(State.ACTIVITY)) raiseEvent(Event.Inactive);
  if (load<u32>(State.BLOCKING) & 3) raiseEvent(Event.Shadow);
  if (flag(TF)) raiseEvent(Event.Trap);
  if (flag(RF)) raiseEvent(Event.Resume);
  if (load<u64>(State.PENDING_DEBUG)) raiseEvent(Event.PendingDebug);
  breakpointsChanged();
  if (nonRoot() && (interruptWindowExits() || nmiWindowExits())) raiseEvent(Event.Window);
}

/** Acts on what is due before the next instruction. True: the state changed, look again. */
export function service(): bool {
  // STI and MOV-SS blocking end with the instruction after the one that began it.
  if (load<u32>(State.BLOCKING) & 3) {
    if (load<u64>(State.INSTRUCTIONS) > load<u64>(State.SHADOW_AT)) {
      store<u32>(State.BLOCKING, load<u32>(State.BLOCKING) & ~3);
      clearEvent(Event.Shadow);
    }
  } else clearEvent(Event.Shadow);
  const blocking = load<u32>(State.BLOCKING), activity = load<u32>(State.ACTIVITY);
  if (nonRoot() && load<u64>(State.INSTRUCTIONS) >= load<u64>(State.PREEMPTION_AT)) { exitPreemptionTimer(); return true; }
  if (load<u64>(State.PENDING_DEBUG) && !(blocking & 2)) return debugTrap();
  // With virtual NMIs, bit 3 is the guest's and holds back no physical NMI (SDM 3C 25.3).
  if (load<u32>(State.PENDING_NMI) && activity != 3 && (virtualNmis() || !(blocking & 8)) && !(blocking & 3)) {
    store<u32>(State.PENDING_NMI, 0);
    clearEvent(Event.Nmi);
    if (nmiExits()) { exitNmi(); return true; }
    wake();
    store<u32>(State.BLOCKING, load<u32>(State.BLOCKING) | 8);
    deliverEvent(VALID | (EventType.Nmi << 8) | Vector.NMI, 0, 0);
    return true;
  }
  if (load<u32>(State.EVENTS) & Event.Window && activity < 2) {
    if (nmiWindowExits() && virtualNmis() && !(blocking & 11)) { exitNmiWindow(); return true; }
    if (interruptWindowExits() && flag(IF) && !(blocking & 3)) { exitInterruptWindow(); return true; }
  }
  const vector = load<u32>(State.PENDING_INTERRUPT);
  if (vector != NO_INTERRUPT && activity < 2) {
    if (externalInterruptExits()) {
      if (!(blocking & 3)) {
        const taken = acknowledgesInterrupt();
        if (taken) raiseInterrupt(NO_INTERRUPT);
        exitExternalInterrupt(taken ? vector : NO_VECTOR);
        return true;
      }
    } else if (flag(IF) && !(blocking & 3)) {
      raiseInterrupt(NO_INTERRUPT);
      wake();
      deliverEvent(VALID | (EventType.External << 8) | vector, 0, 0);
      return true;
    }
  }
  return false;
}

/** Delivers the pending debug exception: DR6 takes its conditions (SDM 3B 17.2.3). */
function debugTrap(): bool {
  const pending = load<u64>(State.PENDING_DEBUG);
  store<u64>(State.PENDING_DEBUG, 0);
  clearEvent(Event.PendingDebug);
  wake();
  raiseDebug(pending & 0x600f);
  return true;
}
/** A debug exception with the DR6 conditions `bits`: an exit, or delivery with DR6 updated. */
export function raiseDebug(bits: u64): void {
  store<u64>(State.FAULT_QUALIFICATION, bits);
  if (!exceptionExits(Vector.DB, 0)) store<u64>(State.DR6, (load<u64>(State.DR6) & ~<u64>0xf) | bits);
  store<u32>(State.FAULT, Vector.DB);
  store<u32>(State.FAULT_HAS_ERROR, 0);
  deliverFault();
}

/** The processor sleeps and nothing is due: halt or shutdown. */
export function idle(): void {
  const activity = load<u32>(State.ACTIVITY);
  if (activity == 1 && nonRoot() && load<u64>(State.PREEMPTION_AT) != u64.MAX_VALUE) {
    // Time passes although nothing retires: the timer is what ends the wait (SDM 3C 25.5.1).
    const left = load<u64>(State.PREEMPTION_AT) - load<u64>(State.INSTRUCTIONS);
    store<u64>(State.TSC_BASE, load<u64>(State.TSC_BASE) + left);
    store<u64>(State.PREEMPTION_AT, load<u64>(State.INSTRUCTIONS));
    return;
  }
  if (activity == 1 && observed(FactCode.Halt)) tell(FactCode.Halt);
  requestStop(activity == 1 ? StopCode.Halt : StopCode.Shutdown);
}
