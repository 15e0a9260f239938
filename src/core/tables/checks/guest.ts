/** Checks on guest control registers, debug registers and MSRs, RIP and RFLAGS, and descriptor tables (SDM 3C 26.3.1). */
import { checkGroup, notAnnounced, type EntryCheck } from './row';

const registers = { section: '26.3.1.1', failure: 'exit 33' } as const;

export const guestRegisterChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 41, ...registers },
    {
      name: 'GUEST_CR0_FIXED',
      fields: 'GUEST_CR0',
      rule: 'guest CR0 has no bit that VMX operation forbids: NE is 1, PG and PE too unless "unrestricted guest" is 1, bits 63:32 are 0',
      legal: 'IA32_VMX_CR0_FIXED0 and IA32_VMX_CR0_FIXED1',
      ones: 0x20n,
      zeros: 0xffffffff00000000n,
    },
    {
      name: 'GUEST_CR0_PG_WITHOUT_PE',
      fields: 'GUEST_CR0',
      rule: 'if guest CR0.PG is 1, guest CR0.PE is 1',
      legal: 'set PE (bit 0) or clear PG (bit 31)',
    },
  ),
  ...checkGroup(
    { group: 42, ...registers },
    {
      name: 'GUEST_CR4_FIXED',
      fields: 'GUEST_CR4',
      rule: 'guest CR4 has no bit that VMX operation forbids: VMXE is 1, unknown bits are 0',
      legal: 'IA32_VMX_CR4_FIXED0 and IA32_VMX_CR4_FIXED1',
      ones: 0x2000n,
    },
    {
      name: 'GUEST_IA32E_PG',
      fields: 'GUEST_CR0',
      rule: 'if "IA-32e mode guest" is 1, guest CR0.PG is 1',
      legal: 'set bit 31',
      ones: 0x80000000n,
    },
    {
      name: 'GUEST_IA32E_PAE',
      fields: 'GUEST_CR4',
      rule: 'if "IA-32e mode guest" is 1, guest CR4.PAE is 1',
      legal: 'set bit 5',
      ones: 0x20n,
    },
    {
      name: 'GUEST_PCIDE_WITHOUT_IA32E',
      fields: 'GUEST_CR4',
      rule: 'if "IA-32e mode guest" is 0, guest CR4.PCIDE is 0',
      legal: 'clear bit 17',
      zeros: 0x20000n,
    },
  ),
  ...checkGroup(
    { group: 43, ...registers },
    {
      name: 'GUEST_DEBUGCTL',
      fields: 'GUEST_IA32_DEBUGCTL',
      rule: 'if "load debug controls" is 1, reserved bits of the guest IA32_DEBUGCTL are 0',
      legal:
        'only bits that WRMSR accepts: LBR, BTF, TR, BTS, BTINT, BTS_OFF_OS, BTS_OFF_USR, FREEZE_LBRS, FREEZE_PERFMON',
    },
    {
      name: 'GUEST_CR3_WIDTH',
      fields: 'GUEST_CR3',
      rule: 'guest CR3 has no bit beyond the physical-address width',
      legal: 'an address within the physical-address width',
    },
    {
      name: 'GUEST_DR7_HIGH',
      fields: 'GUEST_DR7',
      rule: 'if "load debug controls" is 1, bits 63:32 of guest DR7 are 0',
      legal: 'bits 63:32 clear',
      zeros: 0xffffffff00000000n,
    },
  ),
  ...checkGroup(
    { group: 44, ...registers },
    {
      name: 'GUEST_SYSENTER_CANONICAL',
      fields: 'GUEST_IA32_SYSENTER_ESP GUEST_IA32_SYSENTER_EIP',
      rule: 'the guest IA32_SYSENTER_ESP and IA32_SYSENTER_EIP are canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'GUEST_PAT',
      fields: 'GUEST_IA32_PAT',
      rule: 'if "load IA32_PAT" is 1 on VM entry, each byte of the guest PAT is a memory type',
      legal: 'bytes 0, 1, 4, 5, 6 or 7',
    },
    {
      name: 'GUEST_EFER_RESERVED',
      fields: 'GUEST_IA32_EFER',
      rule: 'if "load IA32_EFER" is 1 on VM entry, reserved bits of the guest EFER are 0',
      legal: 'only SCE, LME, LMA, NXE',
      zeros: 0xfffffffffffff2fen,
    },
    {
      name: 'GUEST_EFER_LMA',
      fields: 'GUEST_IA32_EFER',
      rule: 'LMA of the guest EFER equals "IA-32e mode guest"',
      legal: 'bit 10 equal to bit 9 of the VM-entry controls',
    },
    {
      name: 'GUEST_EFER_LME',
      fields: 'GUEST_IA32_EFER',
      rule: 'if guest CR0.PG is 1, LME of the guest EFER equals its LMA',
      legal: 'bits 8 and 10 equal',
    },
    {
      name: 'GUEST_PERF_GLOBAL_CTRL',
      fields: 'GUEST_IA32_PERF_GLOBAL_CTRL',
      rule: 'reserved bits of the guest IA32_PERF_GLOBAL_CTRL are 0',
      legal: 'only counters that exist',
      because: notAnnounced('load IA32_PERF_GLOBAL_CTRL'),
    },
    {
      name: 'GUEST_BNDCFGS',
      fields: 'GUEST_IA32_BNDCFGS',
      rule: 'bits 11:2 of the guest IA32_BNDCFGS are 0 and its address is canonical',
      legal: 'bits 11:2 clear',
      because: notAnnounced('load IA32_BNDCFGS'),
    },
    {
      name: 'GUEST_CET',
      fields: 'GUEST_IA32_S_CET GUEST_SSP GUEST_INTERRUPT_SSP_TABLE',
      rule: 'the guest CET state is legal',
      legal: 'canonical addresses, reserved bits 0',
      because: notAnnounced('load CET state'),
    },
  ),
];

export const guestTableChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 52, section: '26.3.1.3', failure: 'exit 33' },
    {
      name: 'GUEST_TABLE_BASE',
      fields: 'GUEST_GDTR_BASE GUEST_IDTR_BASE',
      rule: 'guest GDTR and IDTR bases are canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'GUEST_TABLE_LIMIT',
      fields: 'GUEST_GDTR_LIMIT GUEST_IDTR_LIMIT',
      rule: 'bits 31:16 of the guest GDTR and IDTR limits are 0',
      legal: 'at most 0xFFFF',
      zeros: 0xffff0000n,
    },
  ),
  ...checkGroup(
    { group: 53, section: '26.3.1.4', failure: 'exit 33' },
    {
      name: 'GUEST_RIP_HIGH',
      fields: 'GUEST_RIP',
      rule: 'outside 64-bit mode (IA-32e mode guest with CS.L = 1), bits 63:32 of guest RIP are 0',
      legal: 'an address below 4 GByte',
      zeros: 0xffffffff00000000n,
    },
    {
      name: 'GUEST_RIP_CANONICAL',
      fields: 'GUEST_RIP',
      rule: 'in 64-bit mode, guest RIP is canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'GUEST_RFLAGS_RESERVED',
      fields: 'GUEST_RFLAGS',
      rule: 'reserved bits of guest RFLAGS are 0, bit 1 is 1',
      legal: 'bits 63:22, 15, 5 and 3 clear, bit 1 set',
      ones: 2n,
      zeros: 0xffffffffffc08028n,
    },
    {
      name: 'GUEST_RFLAGS_VM',
      fields: 'GUEST_RFLAGS',
      rule: 'RFLAGS.VM is 0 if "IA-32e mode guest" is 1 or guest CR0.PE is 0',
      legal: 'clear bit 17',
      zeros: 0x20000n,
    },
    {
      name: 'GUEST_RFLAGS_IF',
      fields: 'GUEST_RFLAGS',
      rule: 'RFLAGS.IF is 1 if an external interrupt is injected',
      legal: 'set bit 9, or wait for an interrupt window',
      ones: 0x200n,
    },
  ),
];
