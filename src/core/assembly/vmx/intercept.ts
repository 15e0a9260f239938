/**
 * Which instructions exit (SDM 3C 25.1.3). The copies of the controls in the state are 0 outside non-root operation, so
 * these predicates are false there and need no guard. A handler asks after its own #UD and #GP(0) checks, which come first
 * (SDM 3C 25.1.1), and then exits with the functions of exit.ts.
 */
import { State } from '../generated/state.generated';
import { Pin, Primary, Secondary } from '../generated/controls.generated';
import { Vmcs } from '../generated/fields.generated';
import { readPhysical } from '../physical';
import { exitOnPort } from './exit';
import { stringInformation } from './information';
import { currentVmcs } from './region';

@inline export function nonRootOperation(): bool { return load<u32>(State.VMX_OPERATION) == 2; }
@inline function primary(mask: u32): bool { return (load<u32>(State.PRIMARY_CONTROLS) & mask) != 0; }
@inline function secondary(mask: u32): bool { return (load<u32>(State.SECONDARY_CONTROLS) & mask) != 0; }
@inline function pin(mask: u32): bool { return (load<u32>(State.PIN_CONTROLS) & mask) != 0; }

@inline export function hltExits(): bool { return primary(Primary.HLT_EXITING); }
@inline export function invlpgExits(): bool { return primary(Primary.INVLPG_EXITING); }
@inline export function rdpmcExits(): bool { return primary(Primary.RDPMC_EXITING); }
@inline export function rdtscExits(): bool { return primary(Primary.RDTSC_EXITING); }
@inline export function mwaitExits(): bool { return primary(Primary.MWAIT_EXITING); }
@inline export function monitorExits(): bool { return primary(Primary.MONITOR_EXITING); }
@inline export function rdrandExits(): bool { return secondary(Secondary.RDRAND_EXITING); }
@inline export function rdseedExits(): bool { return secondary(Secondary.RDSEED_EXITING); }
@inline export function pauseExits(): bool { return primary(Primary.PAUSE_EXITING); }
@inline export function movDrExits(): bool { return primary(Primary.MOV_DR_EXITING); }
@inline export function wbinvdExits(): bool { return secondary(Secondary.WBINVD_EXITING); }
@inline export function descriptorTableExits(): bool { return secondary(Secondary.DESCRIPTOR_TABLE_EXITING); }
/** RDTSCP is #UD in non-root operation unless enabled (SDM 3C 25.3). */
@inline export function rdtscpUndefined(): bool { return nonRootOperation() && !secondary(Secondary.ENABLE_RDTSCP); }
/** So is INVPCID. */
@inline export function invpcidUndefined(): bool { return nonRootOperation() && !secondary(Secondary.ENABLE_INVPCID); }

@inline export function externalInterruptExits(): bool { return pin(Pin.EXTERNAL_INTERRUPT_EXITING); }
@inline export function nmiExits(): bool { return pin(Pin.NMI_EXITING); }
/** With virtual NMIs, bit 3 of State.BLOCKING is the guest's virtual blocking and holds back no physical NMI. */
@inline export function virtualNmis(): bool { return pin(Pin.VIRTUAL_NMIS); }
/** Whether IRET ends blocking by NMI: not when NMIs exit and are not virtual (SDM 3C 25.3). */
@inline export function iretUnblocksNmis(): bool { return !nmiExits() || virtualNmis(); }
@inline export function interruptWindowExits(): bool { return primary(Primary.INTERRUPT_WINDOW_EXITING); }
@inline export function nmiWindowExits(): bool { return primary(Primary.NMI_WINDOW_EXITING); }

/** Whether an I/O instruction on `port`, `size` bytes wide, exits (SDM 3C 25.1.3). */
export function ioExits(port: u32, size: u32): bool {
  if (!primary(Primary.USE_IO_BITMAPS)) return primary(Primary.UNCONDITIONAL_IO_EXITING);
  if (port + size > 0x10000) return true; // The access wraps around the port space.
  for (let n: u32 = 0; n < size; n++) if (ioBit(port + n)) return true;
  return false;
}
function ioBit(port: u32): bool {
  const vmcs = currentVmcs();
  const bitmap = port < 0x8000 ? load<u64>(vmcs, Vmcs.IO_BITMAP_A) : load<u64>(vmcs, Vmcs.IO_BITMAP_B);
  const at = port & 0x7fff;
  return ((readPhysical<u8>(bitmap + <u64>(at >> 3)) >> <u8>(at & 7)) & 1) != 0;
}

/** Whether RDMSR (or WRMSR, with `write`) of MSR `index` exits: always without bitmaps (SDM 3C 24.6.9). */
export function msrExits(index: u32, write: bool): bool {
  if (!nonRootOperation()) return false;
  if (!primary(Primary.USE_MSR_BITMAPS)) return true;
  const low = index & 0x1fff;
  if (index != low && index != (0xc0000000 | low)) return true;
  // Read low, read high, write low, write high: 1 KByte each.
  const byte = (write ? 0x800 : 0) + (index == low ? 0 : 0x400) + (low >> 3);
  const bitmaps = load<u64>(currentVmcs(), Vmcs.MSR_BITMAPS);
  return ((readPhysical<u8>(bitmaps + <u64>byte) >> <u8>(low & 7)) & 1) != 0;
}

/** Whether the exception bitmap makes exception `vector` exit; page faults are filtered (SDM 3C 25.2). */
@inline export function exceptionExits(vector: u32, error: u32): bool {
  if (!nonRootOperation()) return false;
  const selected = ((load<u32>(State.EXCEPTION_BITMAP) >> vector) & 1) != 0;
  return vector == 14 ? pageFaultExits(selected, error) : selected;
}
function pageFaultExits(selected: bool, error: u32): bool {
  const vmcs = currentVmcs();
  return ((error & load<u32>(vmcs, Vmcs.PAGE_FAULT_MASK)) == load<u32>(vmcs, Vmcs.PAGE_FAULT_MATCH)) == selected;
}

/** Qualification of an I/O instruction (SDM 3C table 27-5). */
@inline function ioQualification(port: u32, size: u32, input: bool, string: bool, repeat: bool, immediate: bool): u64 {
  return <u64>((size - 1) | (<u32>input << 3) | (<u32>string << 4) | (<u32>repeat << 5) | (<u32>immediate << 6) | (port << 16));
}
/** Exit of the IN or OUT at `p`; `immediate` if the instruction encodes the port. */
export function exitOnIo(p: usize, port: u32, size: u32, input: bool, immediate: bool): usize {
  return exitOnPort(p, ioQualification(port, size, input, false, false, immediate), 0, 0);
}
/** Exit of the INS or OUTS at `p`, whose memory operand has linear address `linear`. */
export function exitOnStringIo(p: usize, port: u32, size: u32, input: bool, repeat: bool, linear: u64): usize {
  return exitOnPort(p, ioQualification(port, size, input, true, repeat, false), linear, stringInformation(p, !input));
}
