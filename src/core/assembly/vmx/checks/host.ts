/** The host-state area (SDM 3C 26.2.2 to 26.2.4). False: a check failed, VMfailValid(8). */
import { State } from '../../generated/state.generated';
import { Check } from '../../generated/checks.generated';
import { Entry, Exit } from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { EFER_LEGAL } from '../../layout';
import { isCanonical, isCr0, isCr4, isPat } from '../legal';
import { withinWidth } from '../region';
import { reject } from './reject';

const LMA: u64 = 0x400;
const LME_LMA: u64 = 0x500;
const PAE: u64 = 0x20;

/** RPL and TI of a selector must be 0. */
@inline function selectorSound(selector: u16, field: u32): bool {
  return (selector & 7) == 0 || !reject(Check.HOST_SELECTOR_RPL_TI, field, selector);
}
@inline function baseSound(base: u64, field: u32): bool {
  return isCanonical(base) || !reject(Check.HOST_BASE_CANONICAL, field, base);
}

const CR4_PCIDE: u64 = 1 << 17;

export function hostStateSound(vmcs: usize): bool {
  const exit = load<u32>(vmcs, Vmcs.EXIT_CONTROLS), entry = load<u32>(vmcs, Vmcs.ENTRY_CONTROLS);
  const wide = (exit & Exit.HOST_ADDRESS_SPACE_SIZE) != 0;
  const nowWide = (load<u64>(State.IA32_EFER) & LMA) != 0;
  if (wide != nowWide && reject(Check.HOST_SIZE, Field.EXIT_CONTROLS, exit)) return false;
  if (!wide && entry & Entry.IA32E_MODE_GUEST && reject(Check.GUEST_SIZE_ABOVE_HOST_SIZE, Field.ENTRY_CONTROLS, entry)) return false;
  return hostRegistersSound(vmcs, wide) && hostSegmentsSound(vmcs, wide) && hostMsrsSound(vmcs, exit, wide) && hostRipSound(vmcs, wide);
}

function hostRegistersSound(vmcs: usize, wide: bool): bool {
  const cr0 = load<u64>(vmcs, Vmcs.HOST_CR0), cr3 = load<u64>(vmcs, Vmcs.HOST_CR3), cr4 = load<u64>(vmcs, Vmcs.HOST_CR4);
  if (!isCr0(cr0, 0) && reject(Check.HOST_CR0_FIXED, Field.HOST_CR0, cr0)) return false;
  if (!isCr4(cr4) && reject(Check.HOST_CR4_FIXED, Field.HOST_CR4, cr4)) return false;
  if (!withinWidth(cr3) && reject(Check.HOST_CR3_WIDTH, Field.HOST_CR3, cr3)) return false;
  return !(wide && !(cr4 & PAE)) || !reject(Check.HOST_CR4_PAE, Field.HOST_CR4, cr4);
}

function hostSegmentsSound(vmcs: usize, wide: bool): bool {
  const es = load<u16>(vmcs, Vmcs.HOST_ES_SELECTOR), cs = load<u16>(vmcs, Vmcs.HOST_CS_SELECTOR), ss = load<u16>(vmcs, Vmcs.HOST_SS_SELECTOR);
  const ds = load<u16>(vmcs, Vmcs.HOST_DS_SELECTOR), fs = load<u16>(vmcs, Vmcs.HOST_FS_SELECTOR), gs = load<u16>(vmcs, Vmcs.HOST_GS_SELECTOR);
  const tr = load<u16>(vmcs, Vmcs.HOST_TR_SELECTOR);
  if ((es | cs | ss | ds | fs | gs | tr) & 7) {
    if (!selectorSound(es, Field.HOST_ES_SELECTOR) || !selectorSound(cs, Field.HOST_CS_SELECTOR)) return false;
    if (!selectorSound(ss, Field.HOST_SS_SELECTOR) || !selectorSound(ds, Field.HOST_DS_SELECTOR)) return false;
    if (!selectorSound(fs, Field.HOST_FS_SELECTOR) || !selectorSound(gs, Field.HOST_GS_SELECTOR)) return false;
    if (!selectorSound(tr, Field.HOST_TR_SELECTOR)) return false;
  }
  if (!cs && reject(Check.HOST_CS_TR_NULL, Field.HOST_CS_SELECTOR, cs)) return false;
  if (!tr && reject(Check.HOST_CS_TR_NULL, Field.HOST_TR_SELECTOR, tr)) return false;
  if (!wide && !ss && reject(Check.HOST_SS_NULL, Field.HOST_SS_SELECTOR, ss)) return false;
  return (
    baseSound(load<u64>(vmcs, Vmcs.HOST_FS_BASE), Field.HOST_FS_BASE) &&
    baseSound(load<u64>(vmcs, Vmcs.HOST_GS_BASE), Field.HOST_GS_BASE) &&
    baseSound(load<u64>(vmcs, Vmcs.HOST_GDTR_BASE), Field.HOST_GDTR_BASE) &&
    baseSound(load<u64>(vmcs, Vmcs.HOST_IDTR_BASE), Field.HOST_IDTR_BASE) &&
    baseSound(load<u64>(vmcs, Vmcs.HOST_TR_BASE), Field.HOST_TR_BASE)
  );
}

function hostMsrsSound(vmcs: usize, exit: u32, wide: bool): bool {
  const esp = load<u64>(vmcs, Vmcs.HOST_IA32_SYSENTER_ESP), eip = load<u64>(vmcs, Vmcs.HOST_IA32_SYSENTER_EIP);
  if (!isCanonical(esp) && reject(Check.HOST_SYSENTER_CANONICAL, Field.HOST_IA32_SYSENTER_ESP, esp)) return false;
  if (!isCanonical(eip) && reject(Check.HOST_SYSENTER_CANONICAL, Field.HOST_IA32_SYSENTER_EIP, eip)) return false;
  if (exit & Exit.LOAD_PAT) {
    const pat = load<u64>(vmcs, Vmcs.HOST_IA32_PAT);
    if (!isPat(pat) && reject(Check.HOST_PAT, Field.HOST_IA32_PAT, pat)) return false;
  }
  if (!(exit & Exit.LOAD_EFER)) return true;
  const efer = load<u64>(vmcs, Vmcs.HOST_IA32_EFER);
  if (efer & ~load<u64>(EFER_LEGAL) && reject(Check.HOST_EFER_RESERVED, Field.HOST_IA32_EFER, efer)) return false;
  return (efer & LME_LMA) == (wide ? LME_LMA : 0) || !reject(Check.HOST_EFER_SIZE, Field.HOST_IA32_EFER, efer);
}

function hostRipSound(vmcs: usize, wide: bool): bool {
  const rip = load<u64>(vmcs, Vmcs.HOST_RIP);
  if (wide) return isCanonical(rip) || !reject(Check.HOST_RIP_CANONICAL, Field.HOST_RIP, rip);
  if (rip >> 32 && reject(Check.HOST_RIP_HIGH, Field.HOST_RIP, rip)) return false;
  const cr4 = load<u64>(vmcs, Vmcs.HOST_CR4);
  return !(cr4 & CR4_PCIDE) || !reject(Check.HOST_PCIDE, Field.HOST_CR4, cr4);
}
