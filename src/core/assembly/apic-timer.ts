/** The timer of the local APIC (SDM 3A 10.5.4). Its clock ticks once for each unit of the processor's time. */
import { State } from './generated/state.generated';
import { localInterrupt } from './apic';
import { time } from './time';

const NEVER: u64 = u64.MAX_VALUE;
/** APIC_TIMER_START of a one-shot count that came to its end: only a new initial count starts it again. */
const STOPPED: u64 = u64.MAX_VALUE;
const enum TimerMode { OneShot = 0, Periodic = 1, Deadline = 2 }
@inline function modeOf(lvt: u32): u32 { return (lvt >> 17) & 3; }
@inline function mode(): u32 { return modeOf(load<u32>(State.APIC_LVT_TIMER)); }

/** Divide configuration: 2, 4 ... 128, 1 (SDM 3A figure 10-10). */
function divisor(): u64 {
  const bits = load<u32>(State.APIC_TIMER_DIVIDE), code = (bits & 3) | ((bits >> 1) & 4);
  return code == 7 ? 1 : <u64>2 << <u64>code;
}
@inline function period(): u64 { return <u64>load<u32>(State.APIC_TIMER_INITIAL) * divisor(); }

/** The current count: ticks that are left. */
export function timerCount(): u32 {
  const initial = load<u32>(State.APIC_TIMER_INITIAL);
  if (!initial || mode() == TimerMode.Deadline || load<u64>(State.APIC_TIMER_START) == STOPPED) return 0;
  const passed = (time() - load<u64>(State.APIC_TIMER_START)) / divisor();
  if (mode() == TimerMode.Periodic) return initial - <u32>(passed % <u64>initial);
  return passed >= initial ? 0 : initial - <u32>passed;
}
export function setTimerInitial(value: u32): void {
  // SDM 3A 10.5.4.1: ignored in TSC-deadline mode.
  if (mode() == TimerMode.Deadline) return;
  store<u32>(State.APIC_TIMER_INITIAL, value);
  store<u64>(State.APIC_TIMER_START, time());
  rearmTimer();
}
/** The count goes on from where it is, at the new speed. */
export function setTimerDivide(value: u32): void {
  const passed = <u64>(load<u32>(State.APIC_TIMER_INITIAL) - timerCount());
  store<u32>(State.APIC_TIMER_DIVIDE, value);
  if (load<u64>(State.APIC_TIMER_START) != STOPPED) store<u64>(State.APIC_TIMER_START, time() - passed * divisor());
  rearmTimer();
}
/**
 * Going to TSC-deadline mode or away from it disarms the timer (SDM 3A 10.5.4.1). Between the other modes the count goes on:
 * a one-shot count that was periodic began with its last period.
 */
export function timerModeChanged(old: u32): void {
  if (modeOf(old) == TimerMode.Deadline || mode() == TimerMode.Deadline) {
    store<u32>(State.APIC_TIMER_INITIAL, 0);
    store<u64>(State.IA32_TSC_DEADLINE, 0);
  } else if (modeOf(old) == TimerMode.Periodic && load<u32>(State.APIC_TIMER_INITIAL)) {
    const start = load<u64>(State.APIC_TIMER_START);
    store<u64>(State.APIC_TIMER_START, start + ((time() - start) / period()) * period());
  }
  rearmTimer();
}
/** WRMSR of IA32_TSC_DEADLINE: 0 disarms; in other modes it has no effect. */
export function setDeadline(value: u64): void {
  if (mode() != TimerMode.Deadline) return;
  store<u64>(State.IA32_TSC_DEADLINE, value);
  rearmTimer();
}
/** Computes when the timer expires; also after the time-stamp counter was written. */
export function rearmTimer(): void {
  let at = NEVER;
  if (mode() == TimerMode.Deadline) {
    const deadline = load<u64>(State.IA32_TSC_DEADLINE);
    // TSC = retired instructions + TSC_BASE, time = retired instructions + IDLE.
    const ahead = deadline - (time() - load<u64>(State.IDLE) + load<u64>(State.TSC_BASE));
    if (deadline) at = <i64>ahead <= 0 ? time() : time() + ahead;
  } else if (load<u32>(State.APIC_TIMER_INITIAL) && load<u64>(State.APIC_TIMER_START) != STOPPED) {
    const start = load<u64>(State.APIC_TIMER_START);
    if (mode() == TimerMode.Periodic) at = start + ((time() - start) / period() + 1) * period();
    else if (start + period() > time()) at = start + period();
  }
  store<u64>(State.APIC_TIMER_AT, at);
}
/** State.APIC_TIMER_AT has come. */
export function timerExpired(): void {
  if (mode() == TimerMode.Deadline) store<u64>(State.IA32_TSC_DEADLINE, 0);
  if (mode() == TimerMode.OneShot) store<u64>(State.APIC_TIMER_START, STOPPED);
  store<u64>(State.APIC_TIMER_AT, NEVER);
  if (mode() == TimerMode.Periodic) rearmTimer();
  localInterrupt(0, 0);
}
