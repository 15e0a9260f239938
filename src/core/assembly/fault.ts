/** Faults by return code: an instruction notes its fault here and returns 0; the run loop delivers it. */
import { State } from './generated/state.generated';

/** SDM 3A table 6-1. */
export const enum Vector {
  DE = 0, DB = 1, NMI = 2, BP = 3, OF = 4, BR = 5, UD = 6, NM = 7, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14,
  MF = 16, AC = 17, MC = 18, XM = 19,
}

export const FAULT_NONE: u32 = 0xffffffff;
/** Not exceptions but VM exits that the walker asks for (State.FAULT_QUALIFICATION and FAULT_PHYSICAL are set). */
export const FAULT_EPT_VIOLATION: u32 = 0x100;
export const FAULT_EPT_MISCONFIGURATION: u32 = 0x101;
/** Not an exception: the instruction met a device in the fast loop, and runs again by itself (run.ts). */
export const FAULT_DEVICE: u32 = 0x102;

/** Notes an exception without error code; always 0, for `return fault(...)`. */
export function fault(vector: u32): usize {
  store<u32>(State.FAULT, vector);
  store<u32>(State.FAULT_HAS_ERROR, 0);
  store<u32>(State.FAULT_ERROR, 0);
  return 0;
}

/** Notes an exception with error code; always 0. */
export function faultCode(vector: u32, error: u32): usize {
  store<u32>(State.FAULT, vector);
  store<u32>(State.FAULT_HAS_ERROR, 1);
  store<u32>(State.FAULT_ERROR, error);
  return 0;
}

/** Notes a page fault at linear address `address`; always 0. */
export function pageFault(address: u64, error: u32): usize {
  store<u64>(State.FAULT_ADDRESS, address);
  return faultCode(Vector.PF, error);
}

@inline export function faulted(): bool { return load<u32>(State.FAULT) != FAULT_NONE; }
@inline export function clearFault(): void { store<u32>(State.FAULT, FAULT_NONE); }
