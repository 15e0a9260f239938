/**
 * VM entry (SDM 3C chapter 26): VMLAUNCH and VMRESUME check controls, host state and guest state, load the guest, and
 * inject an event. A failing check is explained by its row of the check table in State.ENTRY_CHECK.
 */
import { State } from '../generated/state.generated';
import { Check } from '../generated/checks.generated';
import { ENTRY_FAILURE, ExitReason, InstructionError } from '../generated/exits.generated';
import { Primary, Secondary } from '../generated/controls.generated';
import { Field, Vmcs } from '../generated/fields.generated';
import { flushVpid, switchSpace } from '../context';
import { deliverEvent } from '../deliver';
import { eventsChanged } from '../events';
import { resumeBlocking } from '../flagops';
import { FactCode, observed, tell } from '../facts';
import { pcOf } from '../record';
import { leave, leaveAt } from '../stop';
import { vmxAbort } from './abort';
import { loadArea, refusedEntry } from './areas';
import { entryControlsSound, executionControlsSound, exitControlsSound, secondaryInEffect } from './checks/controls';
import { guestRegistersSound } from './checks/guest-registers';
import { guestSegmentsSound } from './checks/guest-segments';
import {
  guestActivitySound, guestInterruptibilitySound, guestPdptesSound, guestRipSound, guestTablesSound, linkPointerSound, pendingDebugSound,
} from './checks/guest-state';
import { hostStateSound } from './checks/host';
import { NMI, VALID } from './checks/injection';
import { beginSurvey, endSurvey, reject } from './checks/reject';
import { enterHost, exitInstruction } from './exit';
import { nonRootOperation, undefinedHere, unprivileged } from './gate';
import { loadGuest, startTimer } from './guest';
import { vmFailInvalid, vmFailValid, vmSucceed } from './outcome';
import { currentVmcs, hasCurrentVmcs, writableVmcs } from './region';

const CLEAR: u32 = 0;
const LAUNCHED: u32 = 1;
const MOV_SS_BLOCKING: u32 = 2;
const NMI_BLOCKING: u32 = 8;
/** Exit qualifications of exit 33 (SDM 3C 26.8). */
const QUALIFICATION_PDPTE: u64 = 2;
const QUALIFICATION_LINK_POINTER: u64 = 4;

export function vmlaunch(p: usize): usize { return vmEntry(p, true); }
export function vmresume(p: usize): usize { return vmEntry(p, false); }

function vmEntry(p: usize, launch: bool): usize {
  if (undefinedHere()) return 0;
  if (nonRootOperation()) return exitInstruction(p, launch ? ExitReason.VMLAUNCH : ExitReason.VMRESUME, 0);
  if (unprivileged()) return 0;
  store<u64>(State.ENTRY_RIP, pcOf(p));
  store<u32>(State.ENTRY_CHECK, 0);
  store<u32>(State.ENTRY_LAUNCH, launch ? 1 : 0);
  if (!hasCurrentVmcs()) {
    reject(Check.NO_CURRENT_VMCS, 0, 0);
    vmFailInvalid();
    return failed(leave(p));
  }
  const vmcs = currentVmcs();
  const error = firstError(vmcs, launch);
  if (error) {
    vmFailValid(error);
    return failed(leave(p));
  }
  return enterGuest(vmcs, launch);
}

/** Tells that the VM entry failed; passes on `left`. */
function failed(left: usize): usize {
  if (observed(FactCode.EntryFailure)) tell(FactCode.EntryFailure);
  return left;
}

/** The VM-instruction error of the first failing check before guest state matters; 0 when all pass. */
function firstError(vmcs: usize, launch: bool): u32 {
  const state = load<u32>(vmcs, Vmcs.LAUNCH_STATE);
  if (load<u32>(State.BLOCKING) & MOV_SS_BLOCKING && reject(Check.MOV_SS_BLOCKING, 0, load<u32>(State.BLOCKING))) return InstructionError.BLOCKED_BY_MOV_SS;
  if (launch && state != CLEAR && reject(Check.LAUNCH_STATE_CLEAR, 0, state)) return InstructionError.VMLAUNCH_NOT_CLEAR;
  if (!launch && state != LAUNCHED && reject(Check.LAUNCH_STATE_LAUNCHED, 0, state)) return InstructionError.VMRESUME_NOT_LAUNCHED;
  if (!executionControlsSound(vmcs) || !exitControlsSound(vmcs) || !entryControlsSound(vmcs)) return InstructionError.ENTRY_CONTROLS;
  return hostStateSound(vmcs) ? 0 : InstructionError.ENTRY_HOST_STATE;
}

const GUEST_SOUND: u64 = u64.MAX_VALUE;
/** Exit qualification of the first failing check of guest state (SDM 3C 26.3.1); GUEST_SOUND when all pass. */
function firstGuestFailure(vmcs: usize): u64 {
  if (!guestRegistersSound(vmcs) || !guestSegmentsSound(vmcs) || !guestTablesSound(vmcs) || !guestRipSound(vmcs)) return 0;
  if (!guestActivitySound(vmcs) || !guestInterruptibilitySound(vmcs) || !pendingDebugSound(vmcs)) return 0;
  if (!linkPointerSound(vmcs)) return QUALIFICATION_LINK_POINTER;
  return guestPdptesSound(vmcs) ? GUEST_SOUND : QUALIFICATION_PDPTE;
}

/** Collects every failing check of the current VMCS as if it were launched or resumed now; the number of rows found. */
export function surveyEntry(launch: bool): u32 {
  beginSurvey();
  if (hasCurrentVmcs()) {
    firstError(currentVmcs(), launch);
    firstGuestFailure(currentVmcs());
  } else reject(Check.NO_CURRENT_VMCS, 0, 0);
  return endSurvey();
}

function enterGuest(vmcs: usize, launch: bool): usize {
  // After a failure, blocking by NMI is what it was before (SDM 3C 26.8).
  const nmiBlocking = load<u32>(State.BLOCKING) & NMI_BLOCKING;
  const qualification = firstGuestFailure(vmcs);
  if (qualification != GUEST_SOUND) return entryFailure(ExitReason.ENTRY_FAIL_GUEST_STATE, qualification, nmiBlocking);
  vmSucceed();
  useControls(vmcs);
  loadGuest(vmcs);
  store<u32>(State.VMX_OPERATION, 2);
  // SDM 3C 28.3.3.1: without VPIDs both worlds use VPID 0, and every transition empties it.
  if (load<u32>(State.VPID)) switchSpace(); else flushVpid(0);

  const loads = load<u32>(vmcs, Vmcs.ENTRY_MSR_LOAD_COUNT);
  if (loads) {
    const check = loadArea(load<u64>(vmcs, Vmcs.ENTRY_MSR_LOAD_ADDRESS), loads);
    if (check && reject(check, Field.ENTRY_MSR_LOAD_ADDRESS, refusedEntry)) return entryFailure(ExitReason.ENTRY_FAIL_MSR_LOAD, refusedEntry, nmiBlocking);
  }
  if (launch) store<u32>(writableVmcs(), LAUNCHED, Vmcs.LAUNCH_STATE);
  startTimer(vmcs);
  resumeBlocking();
  eventsChanged();
  const left = leaveAt(load<u64>(State.RIP));
  if (observed(FactCode.VmEntry)) tell(FactCode.VmEntry);
  const event = load<u32>(vmcs, Vmcs.ENTRY_INTERRUPTION_INFORMATION);
  return event & VALID ? inject(vmcs, event) : left;
}

/** Copies the controls to where the processor consults them in non-root operation. */
function useControls(vmcs: usize): void {
  const primary = load<u32>(vmcs, Vmcs.PRIMARY_CONTROLS), secondary = secondaryInEffect(vmcs);
  store<u32>(State.PIN_CONTROLS, load<u32>(vmcs, Vmcs.PIN_CONTROLS));
  store<u32>(State.PRIMARY_CONTROLS, primary);
  store<u32>(State.SECONDARY_CONTROLS, secondary);
  store<u32>(State.EXIT_CONTROLS, load<u32>(vmcs, Vmcs.EXIT_CONTROLS));
  store<u32>(State.ENTRY_CONTROLS, load<u32>(vmcs, Vmcs.ENTRY_CONTROLS));
  store<u32>(State.EXCEPTION_BITMAP, load<u32>(vmcs, Vmcs.EXCEPTION_BITMAP));
  store<u64>(State.EPTP, secondary & Secondary.ENABLE_EPT ? load<u64>(vmcs, Vmcs.EPTP) : 0);
  store<u32>(State.VPID, secondary & Secondary.ENABLE_VPID ? <u32>load<u16>(vmcs, Vmcs.VPID) : 0);
  store<u64>(State.TSC_OFFSET, primary & Primary.USE_TSC_OFFSETTING ? load<u64>(vmcs, Vmcs.TSC_OFFSET) : 0);
  store<u64>(State.CR0_MASK, load<u64>(vmcs, Vmcs.CR0_MASK));
  store<u64>(State.CR0_SHADOW, load<u64>(vmcs, Vmcs.CR0_SHADOW));
  store<u64>(State.CR4_MASK, load<u64>(vmcs, Vmcs.CR4_MASK));
  store<u64>(State.CR4_SHADOW, load<u64>(vmcs, Vmcs.CR4_SHADOW));
}

/** VM-entry failure during or after the loading of guest state: like an exit, but the guest is not saved (SDM 3C 26.8). */
function entryFailure(reason: u32, qualification: u64, nmiBlocking: u32): usize {
  const vmcs = writableVmcs();
  store<u32>(vmcs, reason | ENTRY_FAILURE, Vmcs.EXIT_REASON);
  store<u64>(vmcs, qualification, Vmcs.EXIT_QUALIFICATION);
  const aborted = enterHost(vmcs);
  if (aborted) return vmxAbort(aborted);
  store<u32>(State.BLOCKING, nmiBlocking);
  return failed(leaveAt(load<u64>(State.RIP)));
}

const SOFTWARE_INTERRUPT: u32 = 4;
/** Vectored-event injection (SDM 3C 26.6.1), through the guest's IDT. The processor is in the guest already. */
function inject(vmcs: usize, event: u32): usize {
  const type = (event >> 8) & 7;
  // SDM 3C 26.7.3: an injected event other than a software interrupt or exception leaves no pending debug exceptions.
  if (type < SOFTWARE_INTERRUPT) store<u64>(State.PENDING_DEBUG, 0);
  if (type == NMI) store<u32>(State.BLOCKING, load<u32>(State.BLOCKING) | NMI_BLOCKING);
  store<u32>(State.ACTIVITY, 0);
  deliverEvent(event, load<u32>(vmcs, Vmcs.ENTRY_EXCEPTION_ERROR_CODE), load<u32>(vmcs, Vmcs.ENTRY_INSTRUCTION_LENGTH));
  return leaveAt(load<u64>(State.RIP));
}
