/** Instructions on single flags (SDM 2). */
import { State } from './generated/state.generated';
import { ioAllowed } from './address';
import { CF, DF, IF, arithmeticFlags, setArithmeticFlags } from './flags';
import { Vector, faultCode } from './fault';
import { RECORD } from './record';
import { leave, now, raiseEvent, Event } from './stop';

export function clc(p: usize): usize { setArithmeticFlags(arithmeticFlags() & ~CF); return p + RECORD; }
export function stc(p: usize): usize { setArithmeticFlags(arithmeticFlags() | CF); return p + RECORD; }
export function cmc(p: usize): usize { setArithmeticFlags(arithmeticFlags() ^ CF); return p + RECORD; }
export function cld(p: usize): usize { store<u32>(State.RFLAGS, load<u32>(State.RFLAGS) & ~DF); return p + RECORD; }
export function std(p: usize): usize { store<u32>(State.RFLAGS, load<u32>(State.RFLAGS) | DF); return p + RECORD; }
export function cli(p: usize): usize {
  if (!ioAllowed()) return faultCode(Vector.GP, 0);
  store<u32>(State.RFLAGS, load<u32>(State.RFLAGS) & ~IF);
  return p + RECORD;
}
/** Interrupts stay blocked for one more instruction when IF was clear (SDM 3A 6.8.3). */
export function sti(p: usize): usize {
  if (!ioAllowed()) return faultCode(Vector.GP, 0);
  const flags = load<u32>(State.RFLAGS);
  if (flags & IF) return p + RECORD;
  store<u32>(State.RFLAGS, flags | IF);
  blockInterrupts(1);
  return leave(p);
}
/** VM entry loaded blocking by STI or MOV SS: it lasts over the guest's first instruction. */
export function resumeBlocking(): void { if (load<u32>(State.BLOCKING) & 3) store<u64>(State.SHADOW_AT, now() + 1); }
/** STI (1) or MOV-SS (2) blocking over the next instruction. */
export function blockInterrupts(kind: u32): void {
  store<u32>(State.BLOCKING, (load<u32>(State.BLOCKING) & ~3) | kind);
  store<u64>(State.SHADOW_AT, now() + 1);
  raiseEvent(Event.Shadow);
}
