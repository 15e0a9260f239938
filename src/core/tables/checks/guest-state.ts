/** Checks on guest non-register state, page-directory-pointer-table entries, and the MSR-load area (SDM 3C 26.3.1.5, 26.3.1.6, 26.4). */
import { checkGroup, notAnnounced, type EntryCheck } from './row';

const state = { section: '26.3.1.5', failure: 'exit 33' } as const;
const SMM = notAnnounced('entry to SMM');

export const guestStateChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 54, ...state },
    {
      name: 'ACTIVITY_SUPPORTED',
      fields: 'GUEST_ACTIVITY_STATE',
      rule: 'the activity state is one that the processor supports',
      legal: '0 active, 1 HLT, 2 shutdown, 3 wait-for-SIPI',
    },
    {
      name: 'HLT_PRIVILEGE',
      fields: 'GUEST_ACTIVITY_STATE',
      rule: 'the activity state is not HLT if DPL of SS is not 0',
      legal: '0 active',
    },
    {
      name: 'ACTIVITY_WITH_BLOCKING',
      fields: 'GUEST_ACTIVITY_STATE',
      rule: 'the activity state is active if there is blocking by STI or by MOV SS',
      legal: '0 active',
    },
    {
      name: 'ACTIVITY_WITH_EVENT',
      fields: 'GUEST_ACTIVITY_STATE',
      rule: 'an event is injected into an inactive processor only if it can wake it: into HLT external interrupts, NMIs, #DB, #MC; into shutdown NMIs and #MC; into wait-for-SIPI nothing',
      legal: '0 active',
    },
    {
      name: 'ACTIVITY_IN_SMM',
      fields: 'GUEST_ACTIVITY_STATE',
      rule: 'an entry to SMM does not leave the processor in wait-for-SIPI',
      legal: '0 to 2',
      because: SMM,
    },
  ),
  ...checkGroup(
    { group: 55, ...state },
    {
      name: 'INTERRUPTIBILITY_RESERVED',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'bits 31:4 of the interruptibility state are 0 (there are no enclaves)',
      legal: 'bits 31:4 clear',
      zeros: 0xfffffff0n,
    },
    {
      name: 'STI_AND_MOV_SS',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'blocking by STI and by MOV SS are not both 1',
      legal: 'at most one of bits 1:0',
    },
    {
      name: 'STI_WITHOUT_IF',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'there is no blocking by STI if RFLAGS.IF is 0',
      legal: 'clear bit 0',
      zeros: 1n,
    },
    {
      name: 'INTERRUPT_WITH_BLOCKING',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'there is no blocking by STI or MOV SS if an external interrupt is injected',
      legal: 'clear bits 1:0, or wait for an interrupt window',
      zeros: 3n,
    },
    {
      name: 'NMI_WITH_MOV_SS',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'there is no blocking by MOV SS if an NMI is injected',
      legal: 'clear bit 1',
      zeros: 2n,
    },
    {
      name: 'SMI_BLOCKING',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'there is no blocking by SMI outside system-management mode',
      legal: 'clear bit 2',
      zeros: 4n,
    },
    {
      name: 'NMI_WITH_NMI_BLOCKING',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'there is no blocking by NMI if "virtual NMIs" is 1 and an NMI is injected',
      legal: 'clear bit 3, or wait for an NMI window',
      zeros: 8n,
    },
    {
      name: 'NMI_WITH_STI',
      fields: 'GUEST_INTERRUPTIBILITY_STATE',
      rule: 'some processors refuse an injected NMI while there is blocking by STI',
      legal: 'clear bit 0',
      qualification: 3,
      because: 'the manual leaves it to the processor, and this one accepts it',
    },
  ),
  ...checkGroup(
    { group: 56, ...state },
    {
      name: 'PENDING_DEBUG_RESERVED',
      fields: 'GUEST_PENDING_DEBUG',
      rule: 'reserved bits of the pending debug exceptions are 0: 11:4, 13, 15 and 63:16',
      legal: 'only B3-B0, enabled breakpoint (12), BS (14)',
      zeros: 0xffffffffffffaff0n,
    },
    {
      name: 'PENDING_DEBUG_BS_MISSING',
      fields: 'GUEST_PENDING_DEBUG',
      rule: 'with blocking by STI or MOV SS, or in HLT, BS is 1 if RFLAGS.TF is 1 and IA32_DEBUGCTL.BTF is 0',
      legal: 'set bit 14',
      ones: 0x4000n,
    },
    {
      name: 'PENDING_DEBUG_BS',
      fields: 'GUEST_PENDING_DEBUG',
      rule: 'with blocking by STI or MOV SS, or in HLT, BS is 0 if RFLAGS.TF is 0 or IA32_DEBUGCTL.BTF is 1',
      legal: 'clear bit 14',
      zeros: 0x4000n,
    },
  ),
  ...checkGroup(
    { group: 57, ...state },
    {
      name: 'LINK_POINTER_ADDRESS',
      fields: 'VMCS_LINK_POINTER',
      rule: 'the VMCS link pointer is all ones, or 4-KByte aligned and within the physical-address width',
      legal: '0xFFFFFFFFFFFFFFFF when VMCS shadowing is not used',
      qualification: 4,
    },
    {
      name: 'LINK_POINTER_REVISION',
      fields: 'VMCS_LINK_POINTER',
      rule: 'the region at the VMCS link pointer begins with the revision identifier, and bit 31 says "shadow" as the controls do',
      legal: '0xFFFFFFFFFFFFFFFF when VMCS shadowing is not used',
      qualification: 4,
    },
    {
      name: 'LINK_POINTER_CURRENT',
      fields: 'VMCS_LINK_POINTER',
      rule: 'the VMCS link pointer is not the current-VMCS pointer',
      legal: '0xFFFFFFFFFFFFFFFF when VMCS shadowing is not used',
      qualification: 4,
    },
  ),
  ...checkGroup(
    { group: 58, section: '26.3.1.6', failure: 'exit 33' },
    {
      name: 'PDPTE_RESERVED',
      fields: 'GUEST_PDPTE0 GUEST_PDPTE1 GUEST_PDPTE2 GUEST_PDPTE3 GUEST_CR3',
      rule: 'with PAE paging, reserved bits of present page-directory-pointer-table entries are 0 (from the VMCS with EPT, from memory at CR3 without)',
      legal: 'bits 2:1, 8:5 and those beyond the physical-address width clear',
      qualification: 2,
    },
  ),
  ...checkGroup(
    { group: 59, section: '26.4', failure: 'exit 34' },
    {
      name: 'MSR_LOAD_FS_GS_BASE',
      fields: 'ENTRY_MSR_LOAD_ADDRESS',
      rule: 'the MSR-load area does not name IA32_FS_BASE or IA32_GS_BASE',
      legal: 'use the FS and GS base fields',
    },
    {
      name: 'MSR_LOAD_X2APIC',
      fields: 'ENTRY_MSR_LOAD_ADDRESS',
      rule: 'the MSR-load area does not name an x2APIC MSR (0x800-0x8FF)',
      legal: 'another MSR',
    },
    {
      name: 'MSR_LOAD_SMM',
      fields: 'ENTRY_MSR_LOAD_ADDRESS',
      rule: 'the MSR-load area does not name an MSR of system-management mode',
      legal: 'another MSR',
    },
    {
      name: 'MSR_LOAD_RESERVED',
      fields: 'ENTRY_MSR_LOAD_ADDRESS',
      rule: 'bits 63:32 of an MSR-load entry are 0',
      legal: 'index in bits 31:0, value in bits 127:64',
    },
    {
      name: 'MSR_LOAD_REFUSED',
      fields: 'ENTRY_MSR_LOAD_ADDRESS',
      rule: 'WRMSR with the entry’s index and value would not fault',
      legal: 'an MSR that exists and a value that it accepts',
    },
  ),
];
