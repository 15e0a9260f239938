/**
 * VM exits (SDM 3C chapter 27). Each cause records what is its own (length, information, addresses) and then leaves the
 * guest by one way: exit information, guest state, MSR areas, host state. State.RIP is the guest RIP to be saved: that of
 * the instruction that caused the exit, or of the next one for events between instructions. All return 0, as a handler
 * that has left the fast loop does.
 */
import { State } from '../generated/state.generated';
import { Abort, ExitReason } from '../generated/exits.generated';
import { Exit } from '../generated/controls.generated';
import { Vmcs } from '../generated/fields.generated';
import { flushVpid, switchSpace } from '../context';
import { NO_BYTES, instructionAt } from '../decode';
import { eventsChanged } from '../events';
import { FactCode, observed, tell } from '../facts';
import { getFlags } from '../flags';
import { lengthOf, pcOf } from '../record';
import { leaveAt } from '../stop';
import { vmxAbort } from './abort';
import { loadArea, storeArea } from './areas';
import { flagsWithRf, saveGuest } from './guest';
import { leaveNonRoot, loadHost } from './host';
import { displacementQualification } from './information';
import { writableVmcs } from './region';

const VALID: u32 = 0x80000000;
const ERROR_CODE: u32 = 1 << 11;
const NMI_UNBLOCKING: u32 = 1 << 12;
const NMI_BLOCKING: u32 = 8;
const NMI: u32 = 2;
const DOUBLE_FAULT: u32 = 8;
/** Interruption types (SDM 3C table 24-15). */
const TYPE_NMI: u32 = 2;
const TYPE_SOFTWARE_INTERRUPT: u32 = 4;
/** For exitExternalInterrupt: the vector was not taken from the interrupt controller. */
export const NO_VECTOR: u32 = 0xffffffff;

/** Bit 12 of interruption information and qualification: an IRET that removed NMI blocking did not complete (SDM 3C 27.2.3). */
@inline function nmiUnblocking(): u32 {
  return load<u32>(State.IRET_UNBLOCKED) && !(load<u32>(State.DELIVERING) & VALID) ? NMI_UNBLOCKING : 0;
}

/** Exits with interruption information and error code (0: none), the length of an instruction (0: none), and RFLAGS to save. */
function leaveGuest(reason: u32, qualification: u64, length: u32, interruption: u32, error: u32, rflags: u64): usize {
  const vmcs = writableVmcs();
  store<u32>(vmcs, reason, Vmcs.EXIT_REASON);
  store<u64>(vmcs, qualification, Vmcs.EXIT_QUALIFICATION);
  store<u32>(vmcs, interruption, Vmcs.EXIT_INTERRUPTION_INFORMATION);
  store<u32>(vmcs, error, Vmcs.EXIT_INTERRUPTION_ERROR_CODE);
  const delivering = load<u32>(State.DELIVERING);
  if (delivering & VALID) {
    // SDM 3C 27.2.4: the exit came during the delivery of an event.
    store<u32>(vmcs, delivering, Vmcs.IDT_VECTORING_INFORMATION);
    store<u32>(vmcs, load<u32>(State.DELIVERING_ERROR), Vmcs.IDT_VECTORING_ERROR_CODE);
    if (((delivering >> 8) & 7) >= TYPE_SOFTWARE_INTERRUPT) length = load<u32>(State.DELIVERING_LENGTH);
    store<u32>(State.DELIVERING, 0);
  } else store<u32>(vmcs, 0, Vmcs.IDT_VECTORING_INFORMATION);
  store<u32>(vmcs, length, Vmcs.EXIT_INSTRUCTION_LENGTH);
  // SDM 3C 24.8.3: the event, if there was one, has been injected.
  store<u32>(vmcs, load<u32>(vmcs, Vmcs.ENTRY_INTERRUPTION_INFORMATION) & ~VALID, Vmcs.ENTRY_INTERRUPTION_INFORMATION);
  store<u32>(State.IRET_UNBLOCKED, 0);

  saveGuest(vmcs, rflags);
  const stores = load<u32>(vmcs, Vmcs.EXIT_MSR_STORE_COUNT);
  if (stores && !storeArea(load<u64>(vmcs, Vmcs.EXIT_MSR_STORE_ADDRESS), stores)) return vmxAbort(Abort.SAVE_GUEST_MSRS);
  const aborted = enterHost(vmcs);
  if (aborted) return vmxAbort(aborted);
  const left = leaveAt(load<u64>(State.RIP));
  if (observed(FactCode.VmExit)) tell(FactCode.VmExit);
  return left;
}

/** Loads host state and the VM-exit MSR-load area: the end of a VM exit and of a VM-entry failure. 0, or an `Abort`. */
export function enterHost(vmcs: usize): u32 {
  const wasLong = (load<u64>(State.IA32_EFER) & 0x400) != 0;
  const vpid = load<u32>(State.VPID);
  if (wasLong && !(load<u32>(vmcs, Vmcs.EXIT_CONTROLS) & Exit.HOST_ADDRESS_SPACE_SIZE)) return Abort.HOST_NOT_64_BIT;
  const sound = loadHost(vmcs);
  leaveNonRoot();
  // SDM 3C 28.3.3.1: without VPIDs both worlds use VPID 0, and every transition empties it.
  if (vpid) switchSpace(); else flushVpid(0);
  eventsChanged();
  if (!sound) return Abort.HOST_PDPTES;
  const loads = load<u32>(vmcs, Vmcs.EXIT_MSR_LOAD_COUNT);
  if (loads && loadArea(load<u64>(vmcs, Vmcs.EXIT_MSR_LOAD_ADDRESS), loads)) return Abort.LOAD_HOST_MSRS;
  return 0;
}

/** An exit between instructions, or one whose cause has recorded its details already. */
export function vmExit(reason: u32, qualification: u64): usize {
  return leaveGuest(reason, qualification, 0, 0, 0, getFlags());
}

/** The instruction at `p` exits instead of executing (SDM 3C 25.1): RFLAGS.RF is saved as 0. */
export function exitInstruction(p: usize, reason: u32, qualification: u64): usize {
  store<u64>(State.RIP, pcOf(p));
  return leaveGuest(reason, qualification, lengthOf(p), 0, 0, flagsWithRf(false));
}
/** Likewise, with VM-exit instruction information. */
export function exitWithInformation(p: usize, reason: u32, qualification: u64, information: u32): usize {
  store<u32>(writableVmcs(), information, Vmcs.EXIT_INSTRUCTION_INFORMATION);
  return exitInstruction(p, reason, qualification);
}
/** Exit of an instruction whose qualification is its displacement: VMX instructions, descriptor-table instructions, INVPCID. */
export function exitWithOperand(p: usize, reason: u32, information: u32): usize {
  return exitWithInformation(p, reason, displacementQualification(p), information);
}
/** LMSW with a memory operand: its linear address goes to the guest-linear address field (SDM 3C 27.2.1). */
export function exitWithAddress(p: usize, reason: u32, qualification: u64, linear: u64): usize {
  store<u64>(writableVmcs(), linear, Vmcs.GUEST_LINEAR_ADDRESS);
  return exitInstruction(p, reason, qualification);
}
/** I/O instructions; `linear` and `information` matter for INS and OUTS. */
export function exitOnPort(p: usize, qualification: u64, linear: u64, information: u32): usize {
  const vmcs = writableVmcs();
  store<u64>(vmcs, linear, Vmcs.GUEST_LINEAR_ADDRESS);
  store<u32>(vmcs, information, Vmcs.EXIT_INSTRUCTION_INFORMATION);
  return exitInstruction(p, ExitReason.IO, qualification);
}

/**
 * Exit of an exception that the bitmap selects; ask exceptionExits first, and for each fault before it becomes a double
 * fault. `type` is the interruption type (3 hardware, 5 privileged software, 6 software exception), `qualification` the
 * linear address of a page fault or the DR6 bits of a debug exception, `resume` whether the RFLAGS image that the guest's
 * handler would have seen has RF set. CR2 and DR6 stay as they are.
 */
export function exitOnException(vector: u32, error: u32, hasError: bool, type: u32, qualification: u64, resume: bool): usize {
  // SDM 3C 27.2.4: a double fault that exits is not an exit during the delivery of the first fault.
  if (vector == DOUBLE_FAULT) store<u32>(State.DELIVERING, 0);
  const information = VALID | vector | (type << 8) | (hasError ? ERROR_CODE : 0) | (vector == DOUBLE_FAULT ? 0 : nmiUnblocking());
  const length = type >= TYPE_SOFTWARE_INTERRUPT ? load<u32>(State.LENGTH) : 0;
  return leaveGuest(ExitReason.EXCEPTION_NMI, qualification, length, information, error, flagsWithRf(resume));
}

/**
 * EPT violation or misconfiguration, as the walker noted it. The manual leaves the instruction length undefined here
 * (SDM 3C 27.2.5), processors supply it for data accesses, and hypervisors that emulate devices rely on that.
 */
export function exitOnEpt(misconfiguration: bool): usize {
  const vmcs = writableVmcs();
  store<u64>(vmcs, load<u64>(State.FAULT_PHYSICAL), Vmcs.GUEST_PHYSICAL_ADDRESS);
  const qualification = load<u64>(State.FAULT_QUALIFICATION) | <u64>nmiUnblocking();
  if (qualification & 0x80) store<u64>(vmcs, load<u64>(State.FAULT_ADDRESS), Vmcs.GUEST_LINEAR_ADDRESS);
  const rflags = flagsWithRf((load<u32>(State.DELIVERING) & VALID) == 0);
  const instruction = load<u32>(State.DELIVERING) & VALID ? NO_BYTES : instructionAt(load<u64>(State.RIP));
  const length = instruction == NO_BYTES ? 0 : instruction & 0xf;
  if (misconfiguration) return leaveGuest(ExitReason.EPT_MISCONFIG, 0, length, 0, 0, rflags);
  return leaveGuest(ExitReason.EPT_VIOLATION, qualification, length, 0, 0, rflags);
}

/** A fault during the delivery of a double fault. */
export function exitTripleFault(): usize {
  store<u32>(State.DELIVERING, 0);
  return vmExit(ExitReason.TRIPLE_FAULT, 0);
}

/** External interrupt; `vector` was taken from the interrupt controller if acknowledgesInterrupt(), else NO_VECTOR. */
export function exitExternalInterrupt(vector: u32): usize {
  const information = vector == NO_VECTOR ? 0 : VALID | vector;
  return leaveGuest(ExitReason.EXTERNAL_INTERRUPT, 0, 0, information, 0, getFlags());
}
/** Whether an exit takes the vector from the interrupt controller ("acknowledge interrupt on exit"). */
@inline export function acknowledgesInterrupt(): bool {
  return (load<u32>(State.EXIT_CONTROLS) & Exit.ACKNOWLEDGE_INTERRUPT) != 0;
}

/** Non-maskable interrupt; the host then runs with blocking by NMI (SDM 3C 27.5.5). */
export function exitNmi(): usize {
  const information = VALID | (TYPE_NMI << 8) | NMI;
  const left = leaveGuest(ExitReason.EXCEPTION_NMI, 0, 0, information, 0, getFlags());
  store<u32>(State.BLOCKING, load<u32>(State.BLOCKING) | NMI_BLOCKING);
  return left;
}

export function exitInit(): usize { return vmExit(ExitReason.INIT, 0); }
/** Start-up IPI in the wait-for-SIPI state: its vector is the qualification. */
export function exitStartUp(vector: u32): usize { return vmExit(ExitReason.SIPI, <u64>vector); }
export function exitInterruptWindow(): usize { return vmExit(ExitReason.INTERRUPT_WINDOW, 0); }
export function exitNmiWindow(): usize { return vmExit(ExitReason.NMI_WINDOW, 0); }
export function exitPreemptionTimer(): usize { return vmExit(ExitReason.PREEMPTION_TIMER, 0); }

/** Where a task switch came from (SDM 3C table 27-2). */
export const enum TaskSource { Call = 0, Iret = 1, Jump = 2, Gate = 3 }
/** Task switch to TSS `selector`; the instruction's length is in State.LENGTH unless an event brought it about. */
export function exitTaskSwitch(selector: u32, source: u32): usize {
  const length = source == TaskSource.Gate ? 0 : load<u32>(State.LENGTH);
  return leaveGuest(ExitReason.TASK_SWITCH, <u64>(selector | (source << 30)), length, 0, 0, flagsWithRf(false));
}
