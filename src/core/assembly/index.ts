/** What the core exports: few functions, and the memory that the host brings. */
import { State } from './generated/state.generated';
import { registerOperations } from './generated/dispatch.generated';
import { forgetBlocks } from './blocks';
import { flushAll, flushSpace, modeChanged } from './context';
import { instructionAt } from './decode';
import { eventsChanged, raiseInterrupt, raiseNmi } from './events';
import { setFactMask } from './facts';
import { clearFault } from './fault';
import { getFlags, setFlags } from './flags';
import { DEVICE_AT, MAXPHYADDR } from './layout';
import { setRam, touch } from './physical';
import { run, runTurn } from './run';
import { requestStop } from './stop';
import { time } from './time';
import { forgetData } from './tlb';
import * as W from './walk';

export { surveyEntry } from './vmx/entry';
export { surveyRows } from './vmx/checks/reject';
import { configureProcessors, select } from './processors';
export { configureProcessors, select };
export { broadcast, initializeFirst, setExternalLine } from './apic-message';
export { run, runTurn, raiseInterrupt, raiseNmi, setFactMask, instructionAt };
export { getFlags, setFlags };

/** Once after instantiation: declares `ram` bytes and builds the operation table. */
export function configure(ram: u64): void {
  setRam(ram);
  registerOperations();
  configureProcessors(1, 0);
  reload();
}
/** After the host replaced the state (reset, restore): drops everything derived from it. */
export function reload(): void {
  forgetBlocks();
  clearFault();
  store<u32>(State.DELIVERING, 0);
  store<u64>(State.SLICE_END, load<u64>(State.INSTRUCTIONS));
  store<u64>(State.LEFT, 0);
  flushAll();
  modeChanged();
  eventsChanged();
}
/** After the host changed registers: mode, events and address space follow. */
export function changed(): void {
  flushSpace();
  eventsChanged();
}
/** Before the host writes RAM page `address`: forgets its decoded code and marks it dirty. */
export function touchPage(address: u64): void { touch(address & ~<u64>0xfff, 0x1000); }
/** The devices' next deadline, in units of time. */
export function setDeviceDeadline(at: u64): void { store<u64>(DEVICE_AT, at); }
/** The running processor's time; exact while it accesses a device. */
export function currentTime(): u64 { return time(); }
/** The host took a snapshot: the next write to each page makes it dirty again. */
export function pagesCleaned(): void { forgetData(); }
/** After the host changed the lists of watches. */
export function watchesChanged(): void {
  forgetBlocks();
  forgetData();
}
export function stop(code: u32): void { requestStop(code); }

// The debugger's walks: the same walker, nothing committed.
export function walkRequest(cr0: u64, cr3: u64, cr4: u64, efer: u64, eptp: u64, pdptes: usize): void { W.request(cr0, cr3, cr4, efer, eptp, pdptes); }
export function walkLinear(address: u64, access: u32): bool { return W.walk(address, access); }
export function walkGuestPhysical(address: u64, access: u32): bool { return W.walkGuestPhysical(address, access); }
export function walkSteps(): u32 { return W.stepCount(); }
export function walkOutcome(): u32 { return W.outcome; }
export function walkCode(): u64 { return W.code; }
export function walkGuestAddress(): u64 { return W.guestPhysical; }
export function walkHostAddress(): u64 { return W.hostPhysical; }
