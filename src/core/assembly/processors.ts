/**
 * Several logical processors: one runs, with its state at address 0, the others wait in parked copies. They take turns of
 * a fixed quantum of time, in the order of their numbers, so that every run is the same.
 */
import { State } from './generated/state.generated';
import { resetApic } from './apic';
import { switchSpace } from './context';
import { acChanged, wakesAt } from './events';
import { getFlags } from './flags';
import { DEVICE_AT, IDLE_TURNS, LOADED, OTHERS, PARKED, PROCESSORS, QUANTUM, SCHEDULED, STATE_BYTES, TURN_END } from './layout';
import { Event, StopCode } from './stop';
import { passIdle } from './time';

const APIC_BSP: u64 = 1 << 8;
const WAIT_FOR_SIPI: u32 = 3;

@inline export function processorCount(): u32 { return load<u32>(PROCESSORS); }
@inline function parked(n: u32): usize { return PARKED + <usize>n * STATE_BYTES; }
/** Address of the state of processor `n`. */
@inline export function stateOf(n: u32): usize { return n == load<u32>(LOADED) ? 0 : parked(n); }

/** Instructions that all processors retired. */
@inline export function retired(): u64 { return load<u64>(OTHERS) + load<u64>(State.INSTRUCTIONS); }

/** Brings the state of processor `n` to address 0. */
export function select(n: u32): void {
  const loaded = load<u32>(LOADED);
  if (n == loaded) return;
  getFlags();
  const total = retired();
  memory.copy(parked(loaded), 0, STATE_BYTES);
  memory.copy(0, parked(n), STATE_BYTES);
  store<u32>(LOADED, n);
  store<u64>(OTHERS, total - load<u64>(State.INSTRUCTIONS));
  acChanged();
  switchSpace();
}

/** Makes `count` processors, with turns of `quantum` time, of the reset state that is loaded. All but the first wait for a start-up IPI. */
export function configureProcessors(count: u32, quantum: u64): void {
  store<u32>(PROCESSORS, count);
  store<u32>(LOADED, 0);
  store<u32>(SCHEDULED, 0);
  store<u64>(OTHERS, 0);
  store<u64>(QUANTUM, quantum);
  store<u64>(TURN_END, count == 1 ? u64.MAX_VALUE : quantum);
  store<u64>(DEVICE_AT, u64.MAX_VALUE);
  store<u32>(IDLE_TURNS, 0);
  resetApic(0);
  for (let n: u32 = 1; n < count; n++) {
    const c = parked(n);
    memory.copy(c, 0, STATE_BYTES);
    store<u32>(c, n, State.PROCESSOR);
    store<u64>(c, load<u64>(c, State.RANDOM) ^ (<u64>n << 32), State.RANDOM);
    store<u64>(c, load<u64>(c, State.IA32_APIC_BASE) & ~APIC_BSP, State.IA32_APIC_BASE);
    store<u32>(c, WAIT_FOR_SIPI, State.ACTIVITY);
    store<u32>(c, Event.Inactive, State.EVENTS);
    resetApic(c);
  }
}

/** Whether the processor at `c`, which is parked, would only sleep until `end`. */
function sleepsUntil(c: usize, end: u64): bool {
  return load<u32>(c, State.ACTIVITY) != 0 && load<u32>(c, State.EVENTS) == Event.Inactive && wakesAt(c) >= end;
}
/** The next processor's turn. Those that sleep are passed over, except for the last one. */
export function nextTurn(): void {
  let next = load<u32>(SCHEDULED);
  for (let skipped: u32 = 1; ; skipped++) {
    if (++next == processorCount()) {
      next = 0;
      store<u64>(TURN_END, load<u64>(TURN_END) + load<u64>(QUANTUM));
    }
    const c = stateOf(next), end = load<u64>(TURN_END);
    if (skipped == processorCount() || !c || !sleepsUntil(c, end)) break;
    passIdle(c, end - load<u64>(c, State.INSTRUCTIONS) - load<u64>(c, State.IDLE));
    store<u32>(IDLE_TURNS, load<u32>(IDLE_TURNS) + 1);
  }
  store<u32>(SCHEDULED, next);
  select(next);
  store<u32>(State.STOP, StopCode.None);
  store<u32>(State.EVENTS, load<u32>(State.EVENTS) & ~Event.Stop);
  // Watches stop wherever they are met: this is not where run() began.
  store<u64>(State.RUN_START, u64.MAX_VALUE);
}
