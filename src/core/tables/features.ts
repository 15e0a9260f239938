/**
 * Processor features: the one list of what a CPU model may have or lack. A row says how CPUID announces the feature, which
 * CR4 bits, EFER bits, MSRs and VMX controls exist only with it, and since which model processors have it. CPUID, the bits
 * that MOV to CR4 and WRMSR to IA32_EFER accept, the MSRs that exist, the VMX capability MSRs, and the decoder's choice
 * between an instruction and #UD all follow from the features that were selected at launch.
 *
 * Only what the processor implements has a row. Names are those of SDM 2A, CPUID, tables 3-8 to 3-11.
 */
import { controlMask, type ControlWordName } from './controls';
import type { ModelName } from './models';

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

export interface Feature {
  /** The manual's name; also the one that users write, in any case. */
  name: string;
  description: string;
  /** Oldest model that has it. */
  since: ModelName;
  /** The bit that announces it; absent for features that only VMX capability MSRs announce. */
  cpuid?: { leaf: number; subleaf: number; register: CpuidRegister; bit: number };
  /** Mask of CR4 bits that are reserved without it. */
  cr4?: bigint;
  /** Mask of IA32_EFER bits that are reserved without it. */
  efer?: bigint;
  /** MSRs that do not exist without it; an MSR of several rows exists with any of them. First and last index each. */
  msrs?: readonly (readonly [number, number])[];
  /** VMX controls whose allowed-1 setting is 0 without it. */
  controls?: readonly { word: ControlWordName; name: string }[];
  /** Features that must be there too: without one of them, this one is off. */
  needs?: readonly string[];
}

type More = Omit<Feature, 'name' | 'description' | 'since' | 'cpuid'>;
type Place = (bit: number, name: string, since: ModelName, description: string, more?: More) => Feature;
const at =
  (leaf: number, subleaf: number, register: CpuidRegister): Place =>
  (bit, name, since, description, more = {}) => ({
    name,
    description,
    since,
    cpuid: { leaf, subleaf, register, bit },
    ...more,
  });
const leaf1C = at(1, 0, 'ecx');
const leaf1D = at(1, 0, 'edx');
const leaf7B = at(7, 0, 'ebx');
const leaf7C = at(7, 0, 'ecx');
const leafD1A = at(0xd, 1, 'eax');
const leaf7D = at(7, 0, 'edx');
const leaf81C = at(0x80000001, 0, 'ecx');
const leaf81D = at(0x80000001, 0, 'edx');
const leaf87D = at(0x80000007, 0, 'edx');
const leaf88B = at(0x80000008, 0, 'ebx');
/** A feature that only VMX capability MSRs announce: it is one control. */
const control = (name: string, since: ModelName, description: string, word: ControlWordName, row: string): Feature => ({
  name,
  description,
  since,
  controls: [{ word, name: row }],
  needs: ['VMX'],
});
const bits = (...numbers: number[]): bigint => numbers.reduce((mask, n) => mask | (1n << BigInt(n)), 0n);
const one = (index: number): readonly [number, number] => [index, index];
const secondary = (name: string): { word: ControlWordName; name: string } => ({ word: 'Secondary', name });

const IA32_EFER = one(0xc0000080);
const IA32_TSC_AUX = one(0xc0000103);

/** Every feature, in the order of CPUID's leaves and bits. */
export const features: readonly Feature[] = [
  leaf1C(0, 'SSE3', 'core2', 'streaming SIMD extensions 3', { needs: ['SSE2'] }),
  leaf1C(3, 'MONITOR', 'core2', 'MONITOR and MWAIT', {
    controls: [
      { word: 'Primary', name: 'MWAIT_EXITING' },
      { word: 'Primary', name: 'MONITOR_EXITING' },
    ],
  }),
  leaf1C(5, 'VMX', 'core2', 'virtual-machine extensions', {
    cr4: bits(13),
    msrs: [one(0x3a), [0x480, 0x491]],
  }),
  leaf1C(9, 'SSSE3', 'core2', 'supplemental streaming SIMD extensions 3', { needs: ['SSE3'] }),
  leaf1C(13, 'CMPXCHG16B', 'core2', 'CMPXCHG16B', { needs: ['LM'] }),
  leaf1C(17, 'PCID', 'westmere', 'process-context identifiers', { cr4: bits(17), needs: ['LM'] }),
  leaf1C(19, 'SSE4.1', 'westmere', 'streaming SIMD extensions 4.1', { needs: ['SSSE3'] }),
  leaf1C(20, 'SSE4.2', 'westmere', 'streaming SIMD extensions 4.2', { needs: ['SSE4.1'] }),
  leaf1C(21, 'X2APIC', 'westmere', 'local APIC by MSRs', { msrs: [[0x800, 0x83f]], needs: ['APIC'] }),
  leaf1C(22, 'MOVBE', 'skylake', 'MOVBE'),
  leaf1C(23, 'POPCNT', 'westmere', 'POPCNT'),
  leaf1C(24, 'TSC_DEADLINE', 'westmere', 'TSC-deadline mode of the APIC timer', {
    msrs: [one(0x6e0)],
    needs: ['APIC', 'TSC'],
  }),
  leaf1C(26, 'XSAVE', 'skylake', 'XSAVE, XRSTOR, XGETBV, XSETBV', { cr4: bits(18), needs: ['FXSR'] }),

  leaf1C(30, 'RDRAND', 'skylake', 'RDRAND', { controls: [secondary('RDRAND_EXITING')] }),

  leaf1D(0, 'FPU', 'pentium3', 'x87 floating-point unit'),
  leaf1D(2, 'DE', 'pentium3', 'debugging extensions: I/O breakpoints, DR4 and DR5 reserved', { cr4: bits(3) }),
  leaf1D(3, 'PSE', 'pentium3', '4-MByte pages', { cr4: bits(4) }),
  leaf1D(4, 'TSC', 'pentium3', 'RDTSC', { cr4: bits(2), msrs: [one(0x10)] }),
  leaf1D(5, 'MSR', 'pentium3', 'RDMSR and WRMSR'),
  leaf1D(6, 'PAE', 'pentium3', 'physical-address extension', { cr4: bits(5) }),
  leaf1D(7, 'MCE', 'pentium3', 'machine-check exception', { cr4: bits(6) }),
  leaf1D(8, 'CX8', 'pentium3', 'CMPXCHG8B'),
  leaf1D(9, 'APIC', 'pentium3', 'local APIC', { msrs: [one(0x1b)] }),
  leaf1D(11, 'SEP', 'pentium3', 'SYSENTER and SYSEXIT', { msrs: [[0x174, 0x176]] }),
  leaf1D(12, 'MTRR', 'pentium3', 'memory-type range registers', {
    msrs: [one(0xfe), [0x200, 0x20f], one(0x250), [0x258, 0x259], [0x268, 0x26f], one(0x2ff)],
  }),
  leaf1D(13, 'PGE', 'pentium3', 'global pages', { cr4: bits(7) }),
  leaf1D(14, 'MCA', 'pentium3', 'machine-check architecture', {
    msrs: [[0x179, 0x17a]],
    needs: ['MCE'],
  }),
  leaf1D(15, 'CMOV', 'pentium3', 'CMOVcc'),
  leaf1D(16, 'PAT', 'pentium3', 'page attribute table', { msrs: [one(0x277)] }),
  leaf1D(17, 'PSE-36', 'pentium3', '36-bit addresses of 4-MByte pages', { needs: ['PSE'] }),
  leaf1D(19, 'CLFSH', 'core2', 'CLFLUSH'),
  leaf1D(23, 'MMX', 'pentium3', 'MMX technology', { needs: ['FPU'] }),
  leaf1D(24, 'FXSR', 'pentium3', 'FXSAVE and FXRSTOR', { cr4: bits(9), needs: ['FPU'] }),
  leaf1D(25, 'SSE', 'pentium3', 'streaming SIMD extensions', { cr4: bits(10), needs: ['FXSR', 'MMX'] }),
  leaf1D(26, 'SSE2', 'core2', 'streaming SIMD extensions 2', { needs: ['SSE'] }),

  leaf7B(0, 'FSGSBASE', 'skylake', 'RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE', { cr4: bits(16), needs: ['LM'] }),
  leaf7B(1, 'TSC_ADJUST', 'skylake', 'IA32_TSC_ADJUST', { msrs: [one(0x3b)], needs: ['TSC'] }),
  leaf7B(3, 'BMI1', 'skylake', 'ANDN, BEXTR, BLSI, BLSMSK, BLSR, TZCNT'),
  leaf7B(7, 'SMEP', 'skylake', 'supervisor-mode execution prevention', { cr4: bits(20) }),
  leaf7B(8, 'BMI2', 'skylake', 'BZHI, MULX, PDEP, PEXT, RORX, SARX, SHLX, SHRX'),
  leaf7B(10, 'INVPCID', 'skylake', 'INVPCID', { controls: [secondary('ENABLE_INVPCID')] }),
  leaf7B(18, 'RDSEED', 'skylake', 'RDSEED', { controls: [secondary('RDSEED_EXITING')] }),
  leaf7B(19, 'ADX', 'skylake', 'ADCX and ADOX'),
  leaf7B(20, 'SMAP', 'skylake', 'supervisor-mode access prevention', { cr4: bits(21) }),
  leaf7B(23, 'CLFLUSHOPT', 'skylake', 'CLFLUSHOPT'),
  leaf7B(24, 'CLWB', 'skylake', 'CLWB'),

  leaf7C(2, 'UMIP', 'full', 'user-mode instruction prevention', { cr4: bits(11) }),
  leaf7C(22, 'RDPID', 'full', 'RDPID', { msrs: [IA32_TSC_AUX] }),
  leaf7C(25, 'CLDEMOTE', 'full', 'CLDEMOTE'),
  leaf7C(27, 'MOVDIRI', 'full', 'MOVDIRI'),
  leaf7D(29, 'ARCH_CAPABILITIES', 'full', 'IA32_ARCH_CAPABILITIES', { msrs: [one(0x10a)] }),

  leafD1A(0, 'XSAVEOPT', 'skylake', 'XSAVEOPT', { needs: ['XSAVE'] }),
  leafD1A(1, 'XSAVEC', 'skylake', 'XSAVEC and the compacted form of XRSTOR', { needs: ['XSAVE'] }),
  leafD1A(2, 'XGETBV1', 'skylake', 'XGETBV of the states in use', { needs: ['XSAVE'] }),
  leafD1A(3, 'XSAVES', 'skylake', 'XSAVES, XRSTORS and IA32_XSS', {
    msrs: [one(0xda0)],
    controls: [secondary('ENABLE_XSAVES_XRSTORS')],
    needs: ['XSAVEC'],
  }),

  leaf81C(0, 'LAHF', 'core2', 'LAHF and SAHF in 64-bit mode', { needs: ['LM'] }),
  leaf81C(5, 'LZCNT', 'skylake', 'LZCNT'),
  leaf81C(8, 'PREFETCHW', 'skylake', 'PREFETCHW'),
  leaf81D(11, 'SYSCALL', 'core2', 'SYSCALL and SYSRET in 64-bit mode', {
    efer: bits(0),
    msrs: [IA32_EFER, [0xc0000081, 0xc0000084]],
    needs: ['LM'],
  }),
  leaf81D(20, 'NX', 'core2', 'execute-disable bit', { efer: bits(11), msrs: [IA32_EFER], needs: ['PAE'] }),
  leaf81D(26, 'PAGE1GB', 'westmere', '1-GByte pages', { needs: ['LM'] }),
  leaf81D(27, 'RDTSCP', 'westmere', 'RDTSCP', {
    msrs: [IA32_TSC_AUX],
    controls: [secondary('ENABLE_RDTSCP')],
    needs: ['TSC'],
  }),
  leaf81D(29, 'LM', 'core2', '64-bit mode', {
    efer: bits(8, 10),
    msrs: [IA32_EFER, [0xc0000100, 0xc0000102]],
    needs: ['PAE'],
  }),
  leaf87D(8, 'INVARIANT_TSC', 'westmere', 'the time-stamp counter runs at one rate', { needs: ['TSC'] }),

  leaf88B(9, 'WBNOINVD', 'full', 'WBNOINVD'),

  control('EPT', 'westmere', 'extended page tables', 'Secondary', 'ENABLE_EPT'),
  control('VPID', 'westmere', 'virtual-processor identifiers', 'Secondary', 'ENABLE_VPID'),
  {
    ...control('UNRESTRICTED_GUEST', 'westmere', 'guests without paging', 'Secondary', 'UNRESTRICTED_GUEST'),
    needs: ['EPT'],
  },
];

/** CR4 bits that exist whatever is selected: PCE, because there are no performance counters. */
export const CR4_ALWAYS = bits(8);

const byName = new Map(features.map((row, number) => [row.name, { row, number }]));

/** The number of a feature: its bit in the state's FEATURES words. Throws for a name that has no row (a slip). */
export function featureNumber(name: string): number {
  const found = byName.get(name);
  if (!found) throw new Error(`No feature ${name} in src/core/tables/features.ts`);
  return found.number;
}

/** The feature that a user means by `name`, in any case; undefined when there is none. */
export function featureNamed(name: string): Feature | undefined {
  return byName.get(name.toUpperCase())?.row;
}

/** Mask of the controls in `word` that the features in `selected` do not allow. */
export function controlsWithout(selected: ReadonlySet<string>, word: ControlWordName): number {
  const rows = features.filter(row => !selected.has(row.name)).flatMap(row => row.controls ?? []);
  return rows.filter(row => row.word === word).reduce((mask, row) => mask | controlMask(word, row.name), 0) >>> 0;
}
