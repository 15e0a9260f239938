/**
 * Time: what a processor retired, plus what passed while it slept. One unit is a nanosecond of the machine's time, a tick
 * of the time-stamp counter and of the local APIC timer.
 */
import { State } from './generated/state.generated';
import { DEVICE_AT } from './layout';
import { tick } from './host';
import { now } from './stop';

/** The running processor's time, exact inside operations. */
@inline export function time(): u64 { return now() + load<u64>(State.IDLE); }

/** The processor whose state is at `c` slept for `units`: everything that is counted in retired instructions moves along. */
export function passIdle(c: usize, units: u64): void {
  store<u64>(c, load<u64>(c, State.IDLE) + units, State.IDLE);
  store<u64>(c, load<u64>(c, State.TSC_BASE) + units, State.TSC_BASE);
  const preemption = load<u64>(c, State.PREEMPTION_AT);
  if (preemption != u64.MAX_VALUE) {
    const now = load<u64>(c, State.INSTRUCTIONS), ahead = preemption - now;
    store<u64>(c, now + (units >= ahead ? 0 : ahead - units), State.PREEMPTION_AT);
  }
}
/** The devices' deadline has come: they act, and name the next one. */
export function devicesDue(at: u64): void {
  const next = tick();
  store<u64>(DEVICE_AT, next > at ? next : at + 1);
}
