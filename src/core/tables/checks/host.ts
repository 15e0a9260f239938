/** Checks on the host-state area (SDM 3C 26.2.2 to 26.2.4). The manual allows any order among them. */
import { checkGroup, notAnnounced, type EntryCheck } from './row';

const registers = { section: '26.2.2', failure: 'VMfailValid 8' } as const;
const segments = { section: '26.2.3', failure: 'VMfailValid 8' } as const;
const size = { section: '26.2.4', failure: 'VMfailValid 8' } as const;

export const hostChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 34, ...size },
    {
      name: 'HOST_SIZE',
      fields: 'EXIT_CONTROLS',
      rule: '"host address-space size" is 1 exactly if the processor is in IA-32e mode at the VM entry',
      legal: 'bit 9 of the VM-exit controls equal to IA32_EFER.LMA',
    },
    {
      name: 'GUEST_SIZE_ABOVE_HOST_SIZE',
      fields: 'ENTRY_CONTROLS',
      rule: 'if "host address-space size" is 0, "IA-32e mode guest" is 0',
      legal: 'clear bit 9 of the VM-entry controls',
    },
  ),
  ...checkGroup(
    { group: 35, ...registers },
    {
      name: 'HOST_CR0_FIXED',
      fields: 'HOST_CR0',
      rule: 'host CR0 has no bit that VMX operation forbids: PG, NE and PE are 1, bits 63:32 are 0',
      legal: 'IA32_VMX_CR0_FIXED0 and IA32_VMX_CR0_FIXED1',
      ones: 0x80000021n,
      zeros: 0xffffffff00000000n,
    },
    {
      name: 'HOST_CR4_FIXED',
      fields: 'HOST_CR4',
      rule: 'host CR4 has no bit that VMX operation forbids: VMXE is 1, unknown bits are 0',
      legal: 'IA32_VMX_CR4_FIXED0 and IA32_VMX_CR4_FIXED1',
      ones: 0x2000n,
    },
    {
      name: 'HOST_CR3_WIDTH',
      fields: 'HOST_CR3',
      rule: 'host CR3 has no bit beyond the physical-address width',
      legal: 'an address within the physical-address width',
    },
    {
      name: 'HOST_CR4_PAE',
      fields: 'HOST_CR4',
      rule: 'if "host address-space size" is 1, host CR4.PAE is 1',
      legal: 'set bit 5',
      ones: 0x20n,
    },
  ),
  ...checkGroup(
    { group: 36, ...segments },
    {
      name: 'HOST_SELECTOR_RPL_TI',
      fields:
        'HOST_ES_SELECTOR HOST_CS_SELECTOR HOST_SS_SELECTOR HOST_DS_SELECTOR HOST_FS_SELECTOR HOST_GS_SELECTOR HOST_TR_SELECTOR',
      rule: 'RPL (bits 1:0) and TI (bit 2) of every host selector are 0',
      legal: 'a selector into the GDT with RPL 0',
      zeros: 7n,
    },
    {
      name: 'HOST_CS_TR_NULL',
      fields: 'HOST_CS_SELECTOR HOST_TR_SELECTOR',
      rule: 'the host CS and TR selectors are not 0',
      legal: 'selectors of a code segment and of a TSS',
    },
    {
      name: 'HOST_SS_NULL',
      fields: 'HOST_SS_SELECTOR',
      rule: 'the host SS selector is not 0 if "host address-space size" is 0',
      legal: 'a selector of a data segment',
    },
  ),
  ...checkGroup(
    { group: 37, ...segments },
    {
      name: 'HOST_BASE_CANONICAL',
      fields: 'HOST_FS_BASE HOST_GS_BASE HOST_GDTR_BASE HOST_IDTR_BASE HOST_TR_BASE',
      rule: 'host base addresses are canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'HOST_SYSENTER_CANONICAL',
      fields: 'HOST_IA32_SYSENTER_ESP HOST_IA32_SYSENTER_EIP',
      rule: 'the host IA32_SYSENTER_ESP and IA32_SYSENTER_EIP are canonical',
      legal: 'bits 63:47 all equal',
    },
  ),
  ...checkGroup(
    { group: 38, ...registers },
    {
      name: 'HOST_PAT',
      fields: 'HOST_IA32_PAT',
      rule: 'if "load IA32_PAT" is 1 on VM exit, each byte of the host PAT is a memory type',
      legal: 'bytes 0, 1, 4, 5, 6 or 7',
    },
    {
      name: 'HOST_EFER_RESERVED',
      fields: 'HOST_IA32_EFER',
      rule: 'if "load IA32_EFER" is 1 on VM exit, reserved bits of the host EFER are 0',
      legal: 'only SCE, LME, LMA, NXE',
      zeros: 0xfffffffffffff2fen,
    },
    {
      name: 'HOST_EFER_SIZE',
      fields: 'HOST_IA32_EFER',
      rule: 'LMA and LME of the host EFER equal "host address-space size"',
      legal: 'both 1 for a 64-bit host, both 0 otherwise',
    },
  ),
  ...checkGroup(
    { group: 39, ...size },
    {
      name: 'HOST_RIP_CANONICAL',
      fields: 'HOST_RIP',
      rule: 'host RIP is canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'HOST_RIP_HIGH',
      fields: 'HOST_RIP',
      rule: 'if "host address-space size" is 0, bits 63:32 of host RIP are 0',
      legal: 'an address below 4 GByte',
      zeros: 0xffffffff00000000n,
    },
    {
      name: 'HOST_PCIDE',
      fields: 'HOST_CR4',
      rule: 'if "host address-space size" is 0, host CR4.PCIDE is 0',
      legal: 'clear bit 17',
      zeros: 0x20000n,
    },
  ),
  ...checkGroup(
    { group: 40, ...registers },
    {
      name: 'HOST_PERF_GLOBAL_CTRL',
      fields: 'HOST_IA32_PERF_GLOBAL_CTRL',
      rule: 'reserved bits of the host IA32_PERF_GLOBAL_CTRL are 0',
      legal: 'only counters that exist',
      because: notAnnounced('load IA32_PERF_GLOBAL_CTRL'),
    },
    {
      name: 'HOST_CET',
      fields: 'HOST_IA32_S_CET HOST_SSP HOST_INTERRUPT_SSP_TABLE',
      rule: 'the host CET state is legal',
      legal: 'canonical addresses, reserved bits 0',
      because: notAnnounced('load CET state'),
    },
    {
      name: 'HOST_PKRS',
      fields: 'HOST_IA32_PKRS',
      rule: 'bits 63:32 of the host IA32_PKRS are 0',
      legal: 'bits 63:32 clear',
      because: notAnnounced('load PKRS'),
    },
  ),
];
