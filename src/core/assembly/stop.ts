/** Leaving the fast loop, and leaving run(). */
import { State } from './generated/state.generated';
import { nextPc } from './record';

/** Why run() returned. */
export const enum StopCode {
  None = 0,
  Limit = 1,
  /** A fact's listener, or the host, asked. */
  Fact = 2,
  /** The next instruction is at a watched address. */
  Code = 3,
  /** A watched datum was touched; details at layout FACT + 0x80. */
  Data = 4,
  /** HLT with nothing that could end it. */
  Halt = 5,
  /** Shutdown: triple fault or VMX abort. */
  Shutdown = 6,
}

/** Events that the outer loop looks at before the next instruction (State.EVENTS). */
export const enum Event {
  Interrupt = 1,
  Nmi = 2,
  /** ACTIVITY is not 0. */
  Inactive = 4,
  /** STI or MOV-SS blocking is in force. */
  Shadow = 8,
  /** RFLAGS.TF is set. */
  Trap = 16,
  /** PENDING_DEBUG holds something. */
  PendingDebug = 32,
  /** DR7 enables a breakpoint. */
  Breakpoints = 64,
  /** Interrupt-window or NMI-window exiting. */
  Window = 128,
  /** requestStop was called. */
  Stop = 256,
  /** The monitor trap flag is on. */
  MonitorTrap = 512,
  /** RFLAGS.RF is set: for one instruction. */
  Resume = 1024,
  /** INIT or start-up IPI. */
  Init = 2048,
}

@inline export function raiseEvent(bits: u32): void { store<u32>(State.EVENTS, load<u32>(State.EVENTS) | bits); }
@inline export function clearEvent(bits: u32): void { store<u32>(State.EVENTS, load<u32>(State.EVENTS) & ~bits); }

/** Ends run() when the current instruction is complete. The first reason wins. */
export function requestStop(code: u32): void {
  if (!load<u32>(State.STOP)) store<u32>(State.STOP, code);
  raiseEvent(Event.Stop);
}

/** What the fast loop reports besides "limit reached" (0). */
export const LEFT: u32 = 1;
export const FAULTED: u32 = 2;
/** A watched address came up; nothing was executed. */
export const WATCHED: u32 = 3;
/** As LEFT, but no instruction completed. */
export const UNCOUNTED: u32 = 4;

/** Whether a watch at `rip` stops at instruction count `now`: not where run() began. */
@inline export function watchStops(now: u64, rip: u64): bool { return now != load<u64>(State.RUN_START) || rip != load<u64>(State.RUN_RIP); }

/** Retired instructions, exact inside operations that are called through the table. */
@inline export function now(): u64 { return load<u64>(State.SLICE_END) - load<u64>(State.LEFT); }
/** Makes State.INSTRUCTIONS exact for the host. */
export function publishTime(): void { store<u64>(State.INSTRUCTIONS, now()); }

/** Set by leave(): the instruction completed, State.RIP is valid. */
export let left: bool = false;
export function takeLeft(): bool { const was = left; left = false; return was; }

/** The instruction at `p` completed, but changed something that the fast loop relies on. Always 0. */
export function leave(p: usize): usize {
  store<u64>(State.RIP, nextPc(p));
  left = true;
  return 0;
}
/** Likewise, with the next RIP given. Always 0. */
export function leaveAt(rip: u64): usize {
  store<u64>(State.RIP, rip);
  left = true;
  return 0;
}
/** The instruction did not complete and faults nothing either (REP goes on, a stop came first): RIP stays. Always 0. */
export function leaveHere(p: usize): usize {
  return leaveAt(load<u64>(p, 24));
}
