/**
 * VMX capability MSRs (SDM 3D appendix A), derived from what the tables announce. Software that reads them and sets only
 * what they allow runs here and on processors with the same values.
 */
import { allowed1, controlWord, controlWords, mustBeOne, type ControlWordName } from './controls';
import { CR4_ALWAYS, features } from './features';
import { vmcsFields } from './fields';
import { REGION_BYTES } from './layout';

/** VMCS revision identifier: ours, so that a region of another processor is refused (31 bits). */
export const REVISION_IDENTIFIER = 0x52530001;
/** The VMX-preemption timer counts down when this bit of the TSC changes (SDM 3C 25.5.1). */
export const PREEMPTION_TIMER_SHIFT = 5;
/** CR3-target values that may be in use. */
export const CR3_TARGETS = 4;
/** Recommended maximum entries of an MSR area, 512 × (1 + MISC[27:25]) (SDM 3D A.6). */
export const MSR_AREA_ENTRIES = 512;

/** CR0 bits that must be 1 in VMX operation: PG, NE, PE (SDM 3C 23.8). Unrestricted guests may clear PG and PE. */
export const CR0_FIXED0 = 0x80000021n;
export const CR0_FIXED1 = 0xffffffffn;
/** CR4 bits that must be 1 in VMX operation: VMXE. */
export const CR4_FIXED0 = 0x2000n;
/** CR4 bits that a processor with all features knows: the same as what MOV to CR4 accepts. */
export const CR4_FIXED1 = features.reduce((mask, row) => mask | (row.cr4 ?? 0n), CR4_ALWAYS);

/** IA32_VMX_EPT_VPID_CAP (SDM 3D A.10). */
export const eptVpidCapability = [
  { bit: 0, name: 'EXECUTE_ONLY', description: 'execute-only translations' },
  { bit: 6, name: 'WALK_4', description: 'page-walk length 4' },
  { bit: 8, name: 'UC', description: 'uncacheable paging-structure memory type' },
  { bit: 14, name: 'WB', description: 'write-back paging-structure memory type' },
  { bit: 16, name: 'PAGE_2M', description: '2-MByte pages' },
  { bit: 17, name: 'PAGE_1G', description: '1-GByte pages' },
  { bit: 20, name: 'INVEPT', description: 'INVEPT' },
  { bit: 21, name: 'ACCESSED_DIRTY', description: 'accessed and dirty flags for EPT' },
  { bit: 25, name: 'INVEPT_SINGLE', description: 'single-context INVEPT' },
  { bit: 26, name: 'INVEPT_ALL', description: 'all-context INVEPT' },
  { bit: 32, name: 'INVVPID', description: 'INVVPID' },
  { bit: 40, name: 'INVVPID_ADDRESS', description: 'individual-address INVVPID' },
  { bit: 41, name: 'INVVPID_SINGLE', description: 'single-context INVVPID' },
  { bit: 42, name: 'INVVPID_ALL', description: 'all-context INVVPID' },
  { bit: 43, name: 'INVVPID_SINGLE_RETAINING_GLOBALS', description: 'single-context-retaining-globals INVVPID' },
] as const;

export interface Capability {
  msr: number;
  name: string;
  description: string;
  value: bigint;
}

const allowed = (name: ControlWordName, zeros: number): bigint =>
  (BigInt(allowed1(controlWord(name))) << 32n) | BigInt(zeros);

const basic =
  BigInt(REVISION_IDENTIFIER) |
  (BigInt(REGION_BYTES) << 32n) |
  (6n << 50n) | // VMCS accessed as write-back memory
  (1n << 54n) | // instruction information for INS and OUTS
  (1n << 55n); // TRUE capability MSRs

const misc =
  BigInt(PREEMPTION_TIMER_SHIFT) |
  (1n << 5n) | // VM exits store EFER.LMA in "IA-32e mode guest"
  (1n << 6n) | // activity state HLT
  (1n << 7n) | // activity state shutdown
  (1n << 8n) | // activity state wait-for-SIPI
  (BigInt(CR3_TARGETS) << 16n) |
  (1n << 30n); // software events may be injected with instruction length 0

const highestIndex = Math.max(...vmcsFields.filter(field => field.supported).map(field => field.index));

const named: Capability[] = [
  { msr: 0x480, name: 'IA32_VMX_BASIC', description: 'basic VMX information', value: basic },
  { msr: 0x485, name: 'IA32_VMX_MISC', description: 'miscellaneous data', value: misc },
  { msr: 0x486, name: 'IA32_VMX_CR0_FIXED0', description: 'CR0 bits fixed to 1', value: CR0_FIXED0 },
  { msr: 0x487, name: 'IA32_VMX_CR0_FIXED1', description: 'CR0 bits that may be 1', value: CR0_FIXED1 },
  { msr: 0x488, name: 'IA32_VMX_CR4_FIXED0', description: 'CR4 bits fixed to 1', value: CR4_FIXED0 },
  { msr: 0x489, name: 'IA32_VMX_CR4_FIXED1', description: 'CR4 bits that may be 1', value: CR4_FIXED1 },
  {
    msr: 0x48a,
    name: 'IA32_VMX_VMCS_ENUM',
    description: 'highest index of a VMCS field, in bits 9:1',
    value: BigInt(highestIndex << 1),
  },
  {
    msr: 0x48c,
    name: 'IA32_VMX_EPT_VPID_CAP',
    description: 'EPT and VPID capabilities',
    value: eptVpidCapability.reduce((mask, row) => mask | (1n << BigInt(row.bit)), 0n),
  },
];

const msrNames: Record<ControlWordName, string> = {
  Pin: 'PINBASED_CTLS',
  Primary: 'PROCBASED_CTLS',
  Secondary: 'PROCBASED_CTLS2',
  Exit: 'EXIT_CTLS',
  Entry: 'ENTRY_CTLS',
};

/** All VMX capability MSRs that exist, by index. Others in 0x480-0x493 do not: reading them is a #GP. */
export const capabilities: readonly Capability[] = [
  ...named,
  ...controlWords.flatMap((word): Capability[] => {
    const name = msrNames[word.name];
    const plain = { msr: word.msr, name: `IA32_VMX_${name}`, description: `allowed ${word.title}` };
    const rows: Capability[] = [{ ...plain, value: allowed(word.name, word.default1) }];
    if (word.trueMsr)
      rows.push({
        msr: word.trueMsr,
        name: `IA32_VMX_TRUE_${name}`,
        description: `allowed ${word.title}, all that may be 0`,
        value: allowed(word.name, mustBeOne(word)),
      });
    return rows;
  }),
].sort((a, b) => a.msr - b.msr);
