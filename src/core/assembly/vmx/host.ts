/** Loading host state at VM exit and at a VM-entry failure (SDM 3C 27.5). */
import { State } from '../generated/state.generated';
import { Exit, Pin } from '../generated/controls.generated';
import { Vmcs } from '../generated/fields.generated';
import { setFlags } from '../flags';
import { CR0_KEPT, NEVER } from './guest';
import { loadHostPdptes } from './pdpte';

const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const CR4_PCIDE: u64 = 1 << 17;
const EFER_LME_LMA: u64 = 0x500;
const NMI_BLOCKING: u32 = 8;
/** Access rights: accessed execute/read code of DPL 0, G; L or D is added. */
const CODE: u32 = 0x809b;
/** Accessed read/write data of DPL 0, B and G. */
const DATA: u32 = 0xc093;
const BUSY_TSS: u32 = 0x8b;
const UNUSABLE: u32 = 0x10000;

/** Segment `n` gets `selector`; SDM 3C 27.5.2: a null selector makes a data segment unusable. */
@inline function setDataSegment(n: u32, selector: u16, base: u64): void {
  const at = <usize>State.ES_BASE + (<usize>n << 5);
  store<u64>(at, base);
  store<u32>(at, 0xffffffff, State.ES_LIMIT - State.ES_BASE);
  store<u32>(at, selector ? DATA : DATA | UNUSABLE, State.ES_ACCESS - State.ES_BASE);
  store<u16>(at, selector, State.ES_SELECTOR - State.ES_BASE);
}

/** Loads everything of the host-state area; false if the host's PDPTEs are corrupt, which is VMX abort 2. */
export function loadHost(vmcs: usize): bool {
  const exit = load<u32>(vmcs, Vmcs.EXIT_CONTROLS);
  const wide = (exit & Exit.HOST_ADDRESS_SPACE_SIZE) != 0;
  const cr0 = (load<u64>(State.CR0) & CR0_KEPT) | (load<u64>(vmcs, Vmcs.HOST_CR0) & ~CR0_KEPT);
  let cr4 = load<u64>(vmcs, Vmcs.HOST_CR4);
  cr4 = wide ? cr4 | CR4_PAE : cr4 & ~CR4_PCIDE;

  store<u64>(State.CR0, cr0);
  store<u64>(State.CR3, load<u64>(vmcs, Vmcs.HOST_CR3));
  store<u64>(State.CR4, cr4);
  store<u64>(State.DR7, 0x400);
  store<u64>(State.IA32_DEBUGCTL, 0);
  store<u64>(State.IA32_SYSENTER_CS, <u64>load<u32>(vmcs, Vmcs.HOST_IA32_SYSENTER_CS));
  store<u64>(State.IA32_SYSENTER_ESP, load<u64>(vmcs, Vmcs.HOST_IA32_SYSENTER_ESP));
  store<u64>(State.IA32_SYSENTER_EIP, load<u64>(vmcs, Vmcs.HOST_IA32_SYSENTER_EIP));
  if (exit & Exit.LOAD_EFER) store<u64>(State.IA32_EFER, load<u64>(vmcs, Vmcs.HOST_IA32_EFER));
  else store<u64>(State.IA32_EFER, (load<u64>(State.IA32_EFER) & ~EFER_LME_LMA) | (wide ? EFER_LME_LMA : 0));
  if (exit & Exit.LOAD_PAT) store<u64>(State.IA32_PAT, load<u64>(vmcs, Vmcs.HOST_IA32_PAT));

  setDataSegment(0, load<u16>(vmcs, Vmcs.HOST_ES_SELECTOR), 0);
  setDataSegment(2, load<u16>(vmcs, Vmcs.HOST_SS_SELECTOR), 0);
  setDataSegment(3, load<u16>(vmcs, Vmcs.HOST_DS_SELECTOR), 0);
  setDataSegment(4, load<u16>(vmcs, Vmcs.HOST_FS_SELECTOR), load<u64>(vmcs, Vmcs.HOST_FS_BASE));
  setDataSegment(5, load<u16>(vmcs, Vmcs.HOST_GS_SELECTOR), load<u64>(vmcs, Vmcs.HOST_GS_BASE));
  store<u64>(State.CS_BASE, 0);
  store<u32>(State.CS_LIMIT, 0xffffffff);
  store<u32>(State.CS_ACCESS, wide ? CODE | 0x2000 : CODE | 0x4000);
  store<u16>(State.CS_SELECTOR, load<u16>(vmcs, Vmcs.HOST_CS_SELECTOR));
  store<u64>(State.TR_BASE, load<u64>(vmcs, Vmcs.HOST_TR_BASE));
  store<u32>(State.TR_LIMIT, 0x67);
  store<u32>(State.TR_ACCESS, BUSY_TSS);
  store<u16>(State.TR_SELECTOR, load<u16>(vmcs, Vmcs.HOST_TR_SELECTOR));
  store<u16>(State.LDTR_SELECTOR, 0);
  store<u32>(State.LDTR_ACCESS, UNUSABLE);
  store<u64>(State.GDTR_BASE, load<u64>(vmcs, Vmcs.HOST_GDTR_BASE));
  store<u32>(State.GDTR_LIMIT, 0xffff);
  store<u64>(State.IDTR_BASE, load<u64>(vmcs, Vmcs.HOST_IDTR_BASE));
  store<u32>(State.IDTR_LIMIT, 0xffff);

  store<u64>(State.RSP, load<u64>(vmcs, Vmcs.HOST_RSP));
  store<u64>(State.RIP, load<u64>(vmcs, Vmcs.HOST_RIP));
  setFlags(2);
  store<u32>(State.CPL, 0);
  store<u32>(State.ACTIVITY, 0);
  // With virtual NMIs, bit 3 was the guest's; the processor's own blocking ended with the VM entry (SDM 3C 26.7.1).
  const blocking = load<u32>(State.PIN_CONTROLS) & Pin.VIRTUAL_NMIS ? 0 : load<u32>(State.BLOCKING);
  store<u32>(State.BLOCKING, blocking & NMI_BLOCKING);
  store<u64>(State.PENDING_DEBUG, 0);
  return wide || (cr4 & CR4_PAE) == 0 || (cr0 & CR0_PG) == 0 || loadHostPdptes(load<u64>(State.CR3));
}

/** Forgets the guest's controls: none of them has a meaning in root operation. */
export function leaveNonRoot(): void {
  store<u32>(State.VMX_OPERATION, 1);
  store<u32>(State.PIN_CONTROLS, 0);
  store<u32>(State.PRIMARY_CONTROLS, 0);
  store<u32>(State.SECONDARY_CONTROLS, 0);
  store<u32>(State.EXIT_CONTROLS, 0);
  store<u32>(State.ENTRY_CONTROLS, 0);
  store<u32>(State.EXCEPTION_BITMAP, 0);
  store<u64>(State.EPTP, 0);
  store<u32>(State.VPID, 0);
  store<u64>(State.TSC_OFFSET, 0);
  store<u64>(State.PREEMPTION_AT, NEVER);
  store<u64>(State.CR0_MASK, 0);
  store<u64>(State.CR4_MASK, 0);
}
