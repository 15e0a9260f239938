/** Guest control registers, debug registers and MSRs (SDM 3C 26.3.1.1). False: a check failed, VM-entry failure 33. */
import { Check } from '../../generated/checks.generated';
import { Entry, Secondary } from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { EFER_LEGAL } from '../../layout';
import { CR0_PAGED_PROTECTED, DEBUGCTL_BITS, isCanonical, isCr0, isCr4, isPat } from '../legal';
import { withinWidth } from '../region';
import { secondaryInEffect } from './controls';
import { reject } from './reject';

const PE: u64 = 1;
const PG: u64 = 0x80000000;
const PAE: u64 = 0x20;
const PCIDE: u64 = 0x20000;
const LME: u64 = 0x100;
const LMA: u64 = 0x400;

export function guestRegistersSound(vmcs: usize): bool {
  const entry = load<u32>(vmcs, Vmcs.ENTRY_CONTROLS);
  const cr0 = load<u64>(vmcs, Vmcs.GUEST_CR0), cr3 = load<u64>(vmcs, Vmcs.GUEST_CR3), cr4 = load<u64>(vmcs, Vmcs.GUEST_CR4);
  const waived = secondaryInEffect(vmcs) & Secondary.UNRESTRICTED_GUEST ? CR0_PAGED_PROTECTED : 0;
  if (!isCr0(cr0, waived) && reject(Check.GUEST_CR0_FIXED, Field.GUEST_CR0, cr0)) return false;
  if (cr0 & PG && !(cr0 & PE) && reject(Check.GUEST_CR0_PG_WITHOUT_PE, Field.GUEST_CR0, cr0)) return false;
  if (!isCr4(cr4) && reject(Check.GUEST_CR4_FIXED, Field.GUEST_CR4, cr4)) return false;
  if (entry & Entry.IA32E_MODE_GUEST) {
    if (!(cr0 & PG) && reject(Check.GUEST_IA32E_PG, Field.GUEST_CR0, cr0)) return false;
    if (!(cr4 & PAE) && reject(Check.GUEST_IA32E_PAE, Field.GUEST_CR4, cr4)) return false;
  } else if (cr4 & PCIDE && reject(Check.GUEST_PCIDE_WITHOUT_IA32E, Field.GUEST_CR4, cr4)) return false;

  if (entry & Entry.LOAD_DEBUG_CONTROLS) {
    const debugctl = load<u64>(vmcs, Vmcs.GUEST_IA32_DEBUGCTL), dr7 = load<u64>(vmcs, Vmcs.GUEST_DR7);
    if (debugctl & ~DEBUGCTL_BITS && reject(Check.GUEST_DEBUGCTL, Field.GUEST_IA32_DEBUGCTL, debugctl)) return false;
    if (!withinWidth(cr3) && reject(Check.GUEST_CR3_WIDTH, Field.GUEST_CR3, cr3)) return false;
    if (dr7 >> 32 && reject(Check.GUEST_DR7_HIGH, Field.GUEST_DR7, dr7)) return false;
  } else if (!withinWidth(cr3) && reject(Check.GUEST_CR3_WIDTH, Field.GUEST_CR3, cr3)) return false;
  return guestMsrsSound(vmcs, entry, (cr0 & PG) != 0);
}

function guestMsrsSound(vmcs: usize, entry: u32, paging: bool): bool {
  const esp = load<u64>(vmcs, Vmcs.GUEST_IA32_SYSENTER_ESP), eip = load<u64>(vmcs, Vmcs.GUEST_IA32_SYSENTER_EIP);
  if (!isCanonical(esp) && reject(Check.GUEST_SYSENTER_CANONICAL, Field.GUEST_IA32_SYSENTER_ESP, esp)) return false;
  if (!isCanonical(eip) && reject(Check.GUEST_SYSENTER_CANONICAL, Field.GUEST_IA32_SYSENTER_EIP, eip)) return false;
  if (entry & Entry.LOAD_PAT) {
    const pat = load<u64>(vmcs, Vmcs.GUEST_IA32_PAT);
    if (!isPat(pat) && reject(Check.GUEST_PAT, Field.GUEST_IA32_PAT, pat)) return false;
  }
  if (!(entry & Entry.LOAD_EFER)) return true;
  const efer = load<u64>(vmcs, Vmcs.GUEST_IA32_EFER);
  const active = (efer & LMA) != 0;
  if (efer & ~load<u64>(EFER_LEGAL) && reject(Check.GUEST_EFER_RESERVED, Field.GUEST_IA32_EFER, efer)) return false;
  if (active != ((entry & Entry.IA32E_MODE_GUEST) != 0) && reject(Check.GUEST_EFER_LMA, Field.GUEST_IA32_EFER, efer)) return false;
  return !(paging && active != ((efer & LME) != 0)) || !reject(Check.GUEST_EFER_LME, Field.GUEST_IA32_EFER, efer);
}
