/**
 * What happens between instructions: traps, interrupts, activity states, and the exits that they cause
 * (priority: SDM 3A table 6-2, SDM 3C 25.2 and 26.7).
 */
import { State } from './generated/state.generated';
import { LVT_MASKED, acknowledgeInterrupt, initApic, interruptsChanged } from './apic';
import { rearmTimer } from './apic-timer';
import { breakpointsChanged } from './breakpoints';
import { flushSpace, modeChanged, nonRoot } from './context';
import { deliverEvent, deliverFault } from './deliver';
import { Vector } from './fault';
import { AC, IF, RF, TF, flag } from './flags';
import { FactCode, observed, tell } from './facts';
import { initialize } from './host';
import { DEVICE_AT, TURN_END } from './layout';
import { Event, StopCode, clearEvent, raiseEvent, requestStop } from './stop';
import { passIdle } from './time';
import { NO_VECTOR, acknowledgesInterrupt, exitExternalInterrupt, exitInit, exitInterruptWindow, exitStartUp, exitNmi, exitNmiWindow, exitPreemptionTimer } from './vmx/exit';
import { exceptionExits, externalInterruptExits, interruptWindowExits, nmiExits, nmiWindowExits, virtualNmis } from './vmx/intercept';

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
/** What modeChanged last saw. */
let lastAc: bool = false;
/** Another processor's state was loaded; modeChanged follows. */
export function acChanged(): void { lastAc = flag(AC); }

/** Presents a maskable interrupt past all interrupt controllers; NO_INTERRUPT (apic.ts) takes it back. */
export function raiseInterrupt(vector: u32): void {
  store<u32>(State.PENDING_INTERRUPT, vector);
  interruptsChanged(0);
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
  interruptsChanged(0);
  if (load<u32>(State.PENDING_INIT) | load<u32>(State.PENDING_STARTUP)) raiseEvent(Event.Init);
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
  if (load<u32>(State.EVENTS) & Event.Init && initOrStartUp()) return true;
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
  if (load<u32>(State.EVENTS) & Event.Interrupt && activity < 2 && !(blocking & 3)) {
    if (externalInterruptExits()) {
      exitExternalInterrupt(acknowledgesInterrupt() ? acknowledgeInterrupt() : NO_VECTOR);
      return true;
    }
    if (flag(IF)) {
      wake();
      deliverEvent(VALID | (EventType.External << 8) | acknowledgeInterrupt(), 0, 0);
      return true;
    }
  }
  return false;
}

/** INIT and start-up IPIs (SDM 3A 8.4.3, SDM 3C 25.2). True: the state changed. */
function initOrStartUp(): bool {
  if (load<u32>(State.PENDING_INIT)) {
    // SDM 3C 23.8: blocked in VMX root operation.
    if (load<u32>(State.VMX_OPERATION) == 1) return false;
    store<u32>(State.PENDING_INIT, 0);
    if (nonRoot()) { exitInit(); return true; }
    if (!load<u32>(State.PENDING_STARTUP)) clearEvent(Event.Init);
    initialize();
    initApic();
    rearmTimer();
    flushSpace();
    eventsChanged();
    return true;
  }
  clearEvent(Event.Init);
  const startUp = load<u32>(State.PENDING_STARTUP), vector = startUp & 0xff;
  store<u32>(State.PENDING_STARTUP, 0);
  if (!startUp || load<u32>(State.ACTIVITY) != 3) return false;
  if (nonRoot()) { exitStartUp(vector); return true; }
  store<u16>(State.CS_SELECTOR, <u16>(vector << 8));
  store<u64>(State.CS_BASE, <u64>vector << 12);
  store<u64>(State.RIP, 0);
  wake();
  modeChanged();
  return true;
}

/** Delivers the pending debug exception: DR6 takes its conditions (SDM 3B 17.2.3). */
function debugTrap(): bool {
  const pending = load<u64>(State.PENDING_DEBUG);
  store<u64>(State.PENDING_DEBUG, 0);
  clearEvent(Event.PendingDebug);
  wake();
  raiseDebug(pending & 0xe00f);
  return true;
}
/** A debug exception with the DR6 conditions `bits`: an exit, or delivery with DR6 updated. */
export function raiseDebug(bits: u64): void {
  store<u64>(State.FAULT_QUALIFICATION, bits);
  if (!exceptionExits(Vector.DB, 0)) {
    store<u64>(State.DR6, (load<u64>(State.DR6) & ~<u64>0xf) | bits);
    // SDM 3B 17.4.3: a debug exception ends single-stepping on branches.
    store<u64>(State.IA32_DEBUGCTL, load<u64>(State.IA32_DEBUGCTL) & ~<u64>2);
  }
  store<u32>(State.FAULT, Vector.DB);
  store<u32>(State.FAULT_HAS_ERROR, 0);
  deliverFault();
}

/** Whether a maskable interrupt would wake the processor whose state is at `c`. */
@inline function interruptible(c: usize): bool {
  return (load<u32>(c, State.RFLAGS) & IF) != 0 || (load<u32>(c, State.VMX_OPERATION) == 2 && (load<u32>(c, State.PIN_CONTROLS) & 1) != 0);
}
/**
 * When the sleeping processor at `c` has to look again at the latest, in time; u64.MAX_VALUE: never. Only what can wake it
 * counts: timers and devices do not while interrupts are off, and nothing wakes wait-for-SIPI but another processor.
 */
export function wakesAt(c: usize): u64 {
  const activity = load<u32>(c, State.ACTIVITY);
  if (activity != 1) return activity ? u64.MAX_VALUE : 0;
  let at = u64.MAX_VALUE;
  if (interruptible(c)) {
    at = load<u64>(DEVICE_AT);
    if (!(load<u32>(c, State.APIC_LVT_TIMER) & LVT_MASKED)) at = min<u64>(at, load<u64>(c, State.APIC_TIMER_AT));
  }
  // SDM 3C 25.5.1: the VMX-preemption timer counts on, and its exit ends the wait.
  const preemption = load<u64>(c, State.PREEMPTION_AT);
  if (load<u32>(c, State.VMX_OPERATION) == 2 && preemption != u64.MAX_VALUE) at = min<u64>(at, preemption + load<u64>(c, State.IDLE));
  return at;
}
/** The processor sleeps and nothing is due: time passes until something is, at most to the end of its turn. */
export function idle(): void {
  if (load<u32>(State.ACTIVITY) == 2) { requestStop(StopCode.Shutdown); return; }
  const at = min<u64>(wakesAt(0), load<u64>(TURN_END));
  if (at == u64.MAX_VALUE) { deadHalt(); return; }
  passIdle(0, at - load<u64>(State.INSTRUCTIONS) - load<u64>(State.IDLE));
}
/** Nothing inside the machine will ever wake a processor. */
export function deadHalt(): void {
  if (observed(FactCode.Halt)) tell(FactCode.Halt);
  requestStop(StopCode.Halt);
}
