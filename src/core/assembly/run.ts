/** run(): the outer loop around the fast one. Stepping is run(1): one code path. */
import { State } from './generated/state.generated';
import { dispatch } from './generated/dispatch.generated';
import { nonRoot } from './context';
import { deliverFault, takeDelivered } from './deliver';
import { idle, raiseDebug, service } from './events';
import { RF, TF, flag } from './flags';
import { Event, FAULTED, LEFT, StopCode, UNCOUNTED, WATCHED, clearEvent, raiseEvent } from './stop';

/** Events that make every instruction a slice of its own. */
const STEPPING: u32 = Event.Shadow | Event.Trap | Event.Breakpoints | Event.PendingDebug | Event.Resume;

/** Retires at most `limit` instructions and says why it stopped (StopCode). */
export function run(limit: u64): u32 {
  store<u32>(State.STOP, StopCode.None);
  clearEvent(Event.Stop);
  const start = load<u64>(State.INSTRUCTIONS);
  store<u64>(State.RUN_START, start);
  store<u64>(State.RUN_RIP, load<u64>(State.RIP));
  const end = start + limit;
  store<u64>(State.LIMIT, end);
  while (true) {
    const now = load<u64>(State.INSTRUCTIONS);
    if (load<u32>(State.STOP)) return load<u32>(State.STOP);
    if (now >= end) return StopCode.Limit;
    let until = end;
    if (nonRoot()) {
      const timer = load<u64>(State.PREEMPTION_AT);
      if (timer <= now) raiseEvent(Event.Window);
      else if (timer < until) until = timer;
    }
    const events = load<u32>(State.EVENTS);
    if (events) {
      if (service()) continue;
      if (load<u32>(State.ACTIVITY)) { idle(); continue; }
      if (load<u32>(State.EVENTS) & STEPPING) { stepOne(); continue; }
    }
    const rc = dispatch(until - now);
    if (rc == FAULTED) deliverFault();
    else if (rc == WATCHED) return StopCode.Code;
  }
}

/** One instruction with what surrounds it: instruction breakpoints before, single-step and data breakpoints after. */
function stepOne(): void {
  const breakpoints = load<u64>(State.DR7) & 0xff;
  if (breakpoints && !flag(RF)) {
    const hit = instructionBreakpoint();
    if (hit) { raiseDebug(hit); return; }
  }
  const trap = flag(TF), was = load<u64>(State.INSTRUCTIONS);
  const operation = load<u32>(State.VMX_OPERATION);
  store<u32>(State.RFLAGS, load<u32>(State.RFLAGS) & ~RF);
  clearEvent(Event.Resume);
  takeDelivered();
  const pending = load<u64>(State.PENDING_DEBUG);
  const rc = dispatch(1);
  if (rc == FAULTED) {
    // Data breakpoints are traps: of an instruction that did not complete they are not reported.
    if (breakpoints) store<u64>(State.PENDING_DEBUG, pending);
    deliverFault();
    return;
  }
  if (rc == WATCHED) { store<u32>(State.STOP, StopCode.Code); return; }
  // A VM entry or exit, or a delivery, has its own rules for pending debug exceptions; TF was the old context's.
  if (trap && load<u64>(State.INSTRUCTIONS) != was && operation == load<u32>(State.VMX_OPERATION) && !takeDelivered()) {
    store<u64>(State.PENDING_DEBUG, load<u64>(State.PENDING_DEBUG) | 0x4000);
    raiseEvent(Event.PendingDebug);
  }
}
/** DR6 bits of the enabled execution breakpoints at the next instruction (SDM 3B 17.2.4). */
function instructionBreakpoint(): u64 {
  const dr7 = load<u64>(State.DR7), at = load<u64>(State.RIP) + (load<u32>(State.MODE) & 2 ? 0 : load<u64>(State.CS_BASE));
  let hit: u64 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    const enabled = (dr7 >> <u64>(n * 2)) & 3, kind = (dr7 >> <u64>(16 + n * 4)) & 15;
    if (enabled && !kind && load<u64>(<usize>State.DR0 + (<usize>n << 3)) == at) hit |= <u64>1 << <u64>n;
  }
  return hit;
}
