/** Guest descriptor tables, RIP, RFLAGS, non-register state and PDPTEs (SDM 3C 26.3.1.3 to 26.3.1.6). False: VM-entry failure 33. */
import { State } from '../../generated/state.generated';
import { REVISION_IDENTIFIER } from '../../generated/capabilities.generated';
import { Check } from '../../generated/checks.generated';
import { Entry, Pin, Secondary } from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { isCanonical } from '../legal';
import { guestPdpte, isPdpte } from '../pdpte';
import { physicalWord } from '../pointer';
import { isPage } from '../region';
import { secondaryInEffect } from './controls';
import { EXTERNAL_INTERRUPT, HARDWARE_EXCEPTION, NMI, VALID } from './injection';
import { reject } from './reject';

const CS_L: u32 = 0x2000;
const TF: u64 = 0x100, IF: u64 = 0x200, VM: u64 = 0x20000;
/** Bits 63:22, 15, 5 and 3 of RFLAGS. */
const RFLAGS_RESERVED: u64 = 0xffffffffffc08028;
const STI: u32 = 1, MOV_SS: u32 = 2, SMI: u32 = 4, NMI_BLOCKED: u32 = 8;
const HLT: u32 = 1, SHUTDOWN: u32 = 2, WAIT_FOR_SIPI: u32 = 3;
const DB: u32 = 1, MC: u32 = 18;
const BS: u64 = 0x4000, BTF: u64 = 2;
/** Pending debug exceptions: all but B3-B0, enabled breakpoint (12) and BS (14). */
const PENDING_RESERVED: u64 = 0xffffffffffffaff0;

export function guestTablesSound(vmcs: usize): bool {
  const gdt = load<u64>(vmcs, Vmcs.GUEST_GDTR_BASE), idt = load<u64>(vmcs, Vmcs.GUEST_IDTR_BASE);
  const gdtLimit = load<u32>(vmcs, Vmcs.GUEST_GDTR_LIMIT), idtLimit = load<u32>(vmcs, Vmcs.GUEST_IDTR_LIMIT);
  if (!isCanonical(gdt) && reject(Check.GUEST_TABLE_BASE, Field.GUEST_GDTR_BASE, gdt)) return false;
  if (!isCanonical(idt) && reject(Check.GUEST_TABLE_BASE, Field.GUEST_IDTR_BASE, idt)) return false;
  if (gdtLimit >> 16 && reject(Check.GUEST_TABLE_LIMIT, Field.GUEST_GDTR_LIMIT, gdtLimit)) return false;
  return idtLimit >> 16 == 0 || !reject(Check.GUEST_TABLE_LIMIT, Field.GUEST_IDTR_LIMIT, idtLimit);
}

export function guestRipSound(vmcs: usize): bool {
  const rip = load<u64>(vmcs, Vmcs.GUEST_RIP), rflags = load<u64>(vmcs, Vmcs.GUEST_RFLAGS);
  const longMode = (load<u32>(vmcs, Vmcs.ENTRY_CONTROLS) & Entry.IA32E_MODE_GUEST) != 0;
  if (longMode && load<u32>(vmcs, Vmcs.GUEST_CS_ACCESS_RIGHTS) & CS_L) {
    if (!isCanonical(rip) && reject(Check.GUEST_RIP_CANONICAL, Field.GUEST_RIP, rip)) return false;
  } else if (rip >> 32 && reject(Check.GUEST_RIP_HIGH, Field.GUEST_RIP, rip)) return false;
  if ((rflags & RFLAGS_RESERVED || !(rflags & 2)) && reject(Check.GUEST_RFLAGS_RESERVED, Field.GUEST_RFLAGS, rflags)) return false;
  if (rflags & VM && (longMode || !(load<u64>(vmcs, Vmcs.GUEST_CR0) & 1)) && reject(Check.GUEST_RFLAGS_VM, Field.GUEST_RFLAGS, rflags)) return false;
  return !(injectedType(vmcs) == EXTERNAL_INTERRUPT && !(rflags & IF)) || !reject(Check.GUEST_RFLAGS_IF, Field.GUEST_RFLAGS, rflags);
}

const NO_EVENT: u32 = 8;
/** Type of the event to be injected. */
@inline function injectedType(vmcs: usize): u32 {
  const event = load<u32>(vmcs, Vmcs.ENTRY_INTERRUPTION_INFORMATION);
  return event & VALID ? (event >> 8) & 7 : NO_EVENT;
}

export function guestActivitySound(vmcs: usize): bool {
  const activity = load<u32>(vmcs, Vmcs.GUEST_ACTIVITY_STATE);
  if (activity == 0) return true;
  const blocking = load<u32>(vmcs, Vmcs.GUEST_INTERRUPTIBILITY_STATE), dpl = (load<u32>(vmcs, Vmcs.GUEST_SS_ACCESS_RIGHTS) >> 5) & 3;
  if (activity > WAIT_FOR_SIPI && reject(Check.ACTIVITY_SUPPORTED, Field.GUEST_ACTIVITY_STATE, activity)) return false;
  if (activity == HLT && dpl && reject(Check.HLT_PRIVILEGE, Field.GUEST_ACTIVITY_STATE, activity)) return false;
  if (blocking & (STI | MOV_SS) && reject(Check.ACTIVITY_WITH_BLOCKING, Field.GUEST_ACTIVITY_STATE, activity)) return false;
  return wakes(vmcs, activity) || !reject(Check.ACTIVITY_WITH_EVENT, Field.GUEST_ACTIVITY_STATE, activity);
}
/** Whether the event to be injected, if any, can end the inactive state. */
function wakes(vmcs: usize, activity: u32): bool {
  const type = injectedType(vmcs), vector = load<u32>(vmcs, Vmcs.ENTRY_INTERRUPTION_INFORMATION) & 0xff;
  if (type == NO_EVENT) return true;
  if (activity == HLT) return type == EXTERNAL_INTERRUPT || type == NMI || (type == HARDWARE_EXCEPTION && (vector == DB || vector == MC));
  if (activity == SHUTDOWN) return type == NMI || (type == HARDWARE_EXCEPTION && vector == MC);
  return false;
}

export function guestInterruptibilitySound(vmcs: usize): bool {
  const blocking = load<u32>(vmcs, Vmcs.GUEST_INTERRUPTIBILITY_STATE);
  if (blocking == 0) return true;
  const type = injectedType(vmcs), field = Field.GUEST_INTERRUPTIBILITY_STATE;
  if (blocking & 0xfffffff0 && reject(Check.INTERRUPTIBILITY_RESERVED, field, blocking)) return false;
  if ((blocking & (STI | MOV_SS)) == (STI | MOV_SS) && reject(Check.STI_AND_MOV_SS, field, blocking)) return false;
  if (blocking & STI && !(load<u64>(vmcs, Vmcs.GUEST_RFLAGS) & IF) && reject(Check.STI_WITHOUT_IF, field, blocking)) return false;
  if (type == EXTERNAL_INTERRUPT && blocking & (STI | MOV_SS) && reject(Check.INTERRUPT_WITH_BLOCKING, field, blocking)) return false;
  if (type == NMI && blocking & MOV_SS && reject(Check.NMI_WITH_MOV_SS, field, blocking)) return false;
  if (blocking & SMI && reject(Check.SMI_BLOCKING, field, blocking)) return false;
  const virtual = load<u32>(vmcs, Vmcs.PIN_CONTROLS) & Pin.VIRTUAL_NMIS;
  return !(type == NMI && virtual && blocking & NMI_BLOCKED) || !reject(Check.NMI_WITH_NMI_BLOCKING, field, blocking);
}

export function pendingDebugSound(vmcs: usize): bool {
  const pending = load<u64>(vmcs, Vmcs.GUEST_PENDING_DEBUG);
  if (pending & PENDING_RESERVED && reject(Check.PENDING_DEBUG_RESERVED, Field.GUEST_PENDING_DEBUG, pending)) return false;
  const blocked = load<u32>(vmcs, Vmcs.GUEST_INTERRUPTIBILITY_STATE) & (STI | MOV_SS);
  if (!blocked && load<u32>(vmcs, Vmcs.GUEST_ACTIVITY_STATE) != HLT) return true;
  const step = load<u64>(vmcs, Vmcs.GUEST_RFLAGS) & TF && !(load<u64>(vmcs, Vmcs.GUEST_IA32_DEBUGCTL) & BTF);
  if (step) return (pending & BS) != 0 || !reject(Check.PENDING_DEBUG_BS_MISSING, Field.GUEST_PENDING_DEBUG, pending);
  return (pending & BS) == 0 || !reject(Check.PENDING_DEBUG_BS, Field.GUEST_PENDING_DEBUG, pending);
}

export function linkPointerSound(vmcs: usize): bool {
  const link = load<u64>(vmcs, Vmcs.VMCS_LINK_POINTER);
  if (link == u64.MAX_VALUE) return true;
  if (!isPage(link)) return !reject(Check.LINK_POINTER_ADDRESS, Field.VMCS_LINK_POINTER, link);
  // Bit 31 says "shadow" and must equal "VMCS shadowing", which is not announced.
  if (physicalWord(link) != REVISION_IDENTIFIER && reject(Check.LINK_POINTER_REVISION, Field.VMCS_LINK_POINTER, link)) return false;
  return link != load<u64>(State.CURRENT_VMCS) || !reject(Check.LINK_POINTER_CURRENT, Field.VMCS_LINK_POINTER, link);
}

const PG: u64 = 0x80000000, PAE: u64 = 0x20;
export function guestPdptesSound(vmcs: usize): bool {
  if (load<u32>(vmcs, Vmcs.ENTRY_CONTROLS) & Entry.IA32E_MODE_GUEST) return true;
  if (!(load<u64>(vmcs, Vmcs.GUEST_CR0) & PG) || !(load<u64>(vmcs, Vmcs.GUEST_CR4) & PAE)) return true;
  const ept = (secondaryInEffect(vmcs) & Secondary.ENABLE_EPT) != 0;
  for (let n: u32 = 0; n < 4; n++) {
    const entry = guestPdpte(vmcs, n, ept);
    if (!isPdpte(entry) && reject(Check.PDPTE_RESERVED, ept ? Field.GUEST_PDPTE0 + 2 * n : Field.GUEST_CR3, entry)) return false;
  }
  return true;
}
