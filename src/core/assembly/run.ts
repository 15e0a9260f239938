/** run(): the outer loop around the fast one. Stepping is run(1): one code path. */
import { State } from './generated/state.generated';
import { dispatch } from './generated/dispatch.generated';
import { longCode, nonRoot } from './context';
import { instructionAt } from './decode';
import { deliverFault, takeDelivered } from './deliver';
import { timerExpired } from './apic-timer';
import { deadHalt, idle, raiseDebug, service, wakesAt } from './events';
import { FAULT_DEVICE, clearFault } from './fault';
import { DEVICE_AT, IDLE_TURNS, QUANTUM, SCHEDULED, TURN_END } from './layout';
import { nextTurn, processorCount, retired, select, stateOf } from './processors';
import { devicesDue, passIdle } from './time';
import { allowDevices } from './tlb';
import { RF, TF, flag } from './flags';
import { Event, FAULTED, LEFT, StopCode, UNCOUNTED, WATCHED, clearEvent, raiseEvent } from './stop';

/** Events that make every instruction a slice of its own. */
const STEPPING: u32 = Event.Shadow | Event.Trap | Event.Breakpoints | Event.PendingDebug | Event.Resume;

/** Times that devices acted since run() was called; so many end it. */
let deviceActs: u32 = 0;
const DEVICE_ACTS: u32 = 20000;
/** Not a StopCode: the processor's turn is over. */
const TURN_OVER: u32 = 0xffffffff;

/**
 * Retires at most `limit` instructions, of all processors together, and says why it stopped (StopCode). StopCode.Limit may
 * come early while the processors sleep.
 */
export function run(limit: u64): u32 { return runTurns(limit, false); }
/** As `run`, but at the latest to the end of the running processor's turn. */
export function runTurn(limit: u64): u32 { return runTurns(limit, true); }
function runTurns(limit: u64, one: bool): u32 {
  select(load<u32>(SCHEDULED));
  store<u32>(State.STOP, StopCode.None);
  clearEvent(Event.Stop);
  store<u64>(State.RUN_START, load<u64>(State.INSTRUCTIONS));
  store<u64>(State.RUN_RIP, load<u64>(State.RIP));
  const end = retired() + limit;
  deviceActs = 0;
  while (true) {
    const code = turn(end - retired());
    if (code != TURN_OVER) return code;
    nextTurn();
    if (load<u32>(IDLE_TURNS) >= processorCount() && !leap()) {
      deadHalt();
      return load<u32>(State.STOP);
    }
    if (one) return StopCode.Limit;
  }
}

/** Runs the scheduled processor until its turn is over; retires at most `limit` instructions. */
function turn(limit: u64): u32 {
  const start = load<u64>(State.INSTRUCTIONS), end = start + limit;
  while (true) {
    const now = load<u64>(State.INSTRUCTIONS), slept = load<u64>(State.IDLE), time = now + slept;
    if (load<u32>(State.STOP)) return load<u32>(State.STOP);
    if (now >= end) return StopCode.Limit;
    if (time >= load<u64>(TURN_END)) {
      store<u32>(IDLE_TURNS, now == start && load<u32>(State.ACTIVITY) ? load<u32>(IDLE_TURNS) + 1 : 0);
      return TURN_OVER;
    }
    if (time >= load<u64>(DEVICE_AT)) {
      // A machine that only sleeps retires nothing, however long: its host wants to hear from it.
      if (++deviceActs > DEVICE_ACTS) return StopCode.Limit;
      devicesDue(time);
      continue;
    }
    if (time >= load<u64>(State.APIC_TIMER_AT)) { timerExpired(); continue; }
    let until = min<u64>(load<u64>(TURN_END), min<u64>(load<u64>(DEVICE_AT), load<u64>(State.APIC_TIMER_AT)));
    until = until == u64.MAX_VALUE ? end : min<u64>(end, until - slept);
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
    allowDevices(false);
    let rc = dispatch(until - now);
    allowDevices(true);
    if (rc == FAULTED && load<u32>(State.FAULT) == FAULT_DEVICE) {
      // The instruction met a device. By itself it may: an interrupt that it causes, or a deadline, then comes exactly after it.
      clearFault();
      if (load<u64>(State.INSTRUCTIONS) >= until) continue;
      rc = dispatch(1);
    }
    if (rc == FAULTED) deliverFault();
    else if (rc == WATCHED) return StopCode.Code;
  }
}

/** All processors sleep: goes to when the first one wakes, or a device acts. False: that is never. */
function leap(): bool {
  let at = u64.MAX_VALUE;
  for (let n: u32 = 0; n < processorCount(); n++) at = min<u64>(at, wakesAt(stateOf(n)));
  if (at == u64.MAX_VALUE) return false;
  store<u32>(IDLE_TURNS, 0);
  // Whole turns, so that all processors stand at the same time again.
  const from = load<u64>(State.INSTRUCTIONS) + load<u64>(State.IDLE);
  const turns = at > from ? (at - from) / load<u64>(QUANTUM) : 0;
  if (!turns) return true;
  const units = turns * load<u64>(QUANTUM);
  for (let n: u32 = 0; n < processorCount(); n++) passIdle(stateOf(n), units);
  store<u64>(TURN_END, load<u64>(TURN_END) + units);
  return true;
}

const MOV_SS: u32 = 2;
/** IA32_DEBUGCTL: single-step on branches. */
const BTF: u64 = 2;

/** One instruction with what surrounds it: instruction breakpoints before, single-step and data breakpoints after. */
function stepOne(): void {
  const breakpoints = load<u64>(State.DR7) & 0xff;
  // The instruction after MOV SS or POP SS meets no breakpoint (SDM 3A 6.8.3).
  if (breakpoints && !flag(RF) && !(load<u32>(State.BLOCKING) & MOV_SS)) {
    const hit = instructionBreakpoint();
    if (hit) { raiseDebug(hit); return; }
  }
  const trap = flag(TF), was = load<u64>(State.INSTRUCTIONS), rip = load<u64>(State.RIP);
  const branches = trap && load<u64>(State.IA32_DEBUGCTL) & BTF;
  const next = branches ? rip + (instructionAt(rip) & 15) : 0;
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
  // With BTF the trap follows taken branches only (SDM 3B 17.4.3); a REP that goes on is none.
  const steps = trap && !(branches && (load<u64>(State.RIP) == next || load<u64>(State.RIP) == rip));
  if (steps && load<u64>(State.INSTRUCTIONS) != was && operation == load<u32>(State.VMX_OPERATION) && !takeDelivered()) {
    store<u64>(State.PENDING_DEBUG, load<u64>(State.PENDING_DEBUG) | 0x4000);
    raiseEvent(Event.PendingDebug);
  }
}
/** DR6 bits of the enabled execution breakpoints at the next instruction (SDM 3B 17.2.4). */
function instructionBreakpoint(): u64 {
  const dr7 = load<u64>(State.DR7), rip = load<u64>(State.RIP);
  const at = longCode() ? rip : (rip + load<u64>(State.CS_BASE)) & 0xffffffff;
  let hit: u64 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    const enabled = (dr7 >> <u64>(n * 2)) & 3, kind = (dr7 >> <u64>(16 + n * 4)) & 15;
    if (enabled && !kind && load<u64>(<usize>State.DR0 + (<usize>n << 3)) == at) hit |= <u64>1 << <u64>n;
  }
  return hit;
}
