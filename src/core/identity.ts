/** What makes a processor the model that was launched: CPUID's leaves and the state fields that follow from its features. */
import { IDENTITY, IDENTITY_LEAVES, IDENTITY_LEAVES_MAX, LEAF_BYTES } from './layout';
import type { Processor } from './processor';
import { CR4_ALWAYS, controlsWithout, featureNumber, features, type CpuidRegister } from './tables/features';
import { allowed1, controlWords } from './tables/controls';
import type { Cpu } from './tables/models';

/** One answer of CPUID. Bits that depend on the processor's state (OSXSAVE, APIC identifier ...) are added when it runs. */
export interface CpuidLeaf extends Record<CpuidRegister, number> {
  leaf: number;
  subleaf: number;
}

/** Physical-address width in bits (assembly/layout.ts MAXPHYADDR). */
const PHYSICAL_BITS = 39;
const LINEAR_BITS = 48;
/** Of the time-stamp counter and the core: one instruction a nanosecond. */
const MEGAHERTZ = 1000;
const LINE_BYTES = 64;
/** CPUID.7:EBX: the selectors of the x87 pointers are stored as zeros. */
const FCS_FDS_DEPRECATED = 1 << 13;
/** What XCR0 may enable: x87 and SSE state (SDM 1 13.3). */
const XCR0_STATES = 3;
/** Legacy region and header of the XSAVE area: no state lies beyond them (SDM 1 13.4). */
const XSAVE_BYTES = 512 + 64;

/** Caches of leaf 4: type (1 data, 2 instruction, 3 unified), level, sets, ways. */
const caches: readonly { type: number; level: number; sets: number; ways: number }[] = [
  { type: 1, level: 1, sets: 64, ways: 8 },
  { type: 2, level: 1, sets: 64, ways: 8 },
  { type: 3, level: 2, sets: 1024, ways: 16 },
  { type: 3, level: 3, sets: 8192, ways: 16 },
];
/** Encoding of 16 ways in CPUID.80000006. */
const WAYS_16 = 8;

function leaf(number: number, subleaf: number, eax: number, ebx: number, ecx: number, edx: number): CpuidLeaf {
  return { leaf: number, subleaf, eax, ebx, ecx, edx };
}
/** Four characters as a register holds them. */
function word(text: string, at: number): number {
  return [0, 1, 2, 3].reduce((value, n) => value | ((text.charCodeAt(at + n) || 0) << (8 * n)), 0);
}

/** CPUID's leaves for `cpu` in a machine of `processors` logical processors, one thread a core, all in one package. */
export function cpuidLeaves({ model, features: selected }: Cpu, processors = 1): CpuidLeaf[] {
  const idBits = Math.ceil(Math.log2(processors));
  const brand = (n: number): CpuidLeaf => {
    const part = (m: number): number => word(model.brand, n * 16 + m * 4);
    return leaf(0x80000002 + n, 0, part(0), part(1), part(2), part(3));
  };
  const size64 = selected.has('LM');
  const cacheLeaf = ({ type, level, sets, ways }: (typeof caches)[number], n: number): CpuidLeaf => {
    const sharing = level === 3 ? processors - 1 : 0;
    return leaf(
      4,
      n,
      type | (level << 5) | (1 << 8) | (sharing << 14) | ((processors - 1) << 26),
      (LINE_BYTES - 1) | ((ways - 1) << 22),
      sets - 1,
      level === 3 ? 2 : 0,
    );
  };
  const vendor = 'GenuineIntel';
  const rows = [
    leaf(0, 0, model.leaves, word(vendor, 0), word(vendor, 8), word(vendor, 4)),
    leaf(
      1,
      0,
      model.signature,
      (processors << 16) | (selected.has('CLFSH') ? (LINE_BYTES / 8) << 8 : 0),
      0,
      processors > 1 ? 1 << 28 : 0,
    ),
    // Descriptors of the TLBs; 0xFF refers to leaf 4 for the caches (SDM 2A table 3-12).
    leaf(2, 0, 0x76036301, 0x00f0b6ff, 0, 0x00c30000),
    ...caches.map(cacheLeaf),
    // Monitor lines of 64 bytes; interrupts as break events; no sub-states worth waiting in.
    leaf(
      5,
      0,
      selected.has('MONITOR') ? LINE_BYTES : 0,
      selected.has('MONITOR') ? LINE_BYTES : 0,
      selected.has('MONITOR') ? 3 : 0,
      0,
    ),
    // Sensors there are none; the APIC timer always runs.
    leaf(6, 0, 4, 0, 0, 0),
    leaf(7, 0, 0, FCS_FDS_DEPRECATED, 0, 0),
    leaf(0xb, 0, 0, 1, 0x100, 0),
    leaf(0xb, 1, idBits, processors, 0x201, 0),
    ...(selected.has('XSAVE')
      ? [
          leaf(0xd, 0, XCR0_STATES, XSAVE_BYTES, XSAVE_BYTES, 0),
          // Size of the area of XSAVES: both states lie in its fixed part.
          leaf(0xd, 1, 0, selected.has('XSAVES') ? XSAVE_BYTES : 0, 0, 0),
        ]
      : []),
    // TSC = core crystal.
    leaf(0x15, 0, 1, 1, MEGAHERTZ * 1_000_000, 0),
    leaf(0x16, 0, MEGAHERTZ, MEGAHERTZ, 100, 0),
    leaf(0x80000000, 0, 0x80000008, 0, 0, 0),
    leaf(0x80000001, 0, 0, 0, 0, 0),
    brand(0),
    brand(1),
    brand(2),
    leaf(0x80000006, 0, 0, 0, (1024 << 16) | (WAYS_16 << 12) | LINE_BYTES, 0),
    leaf(0x80000007, 0, 0, 0, 0, 0),
    leaf(0x80000008, 0, PHYSICAL_BITS | ((size64 ? LINEAR_BITS : 32) << 8), 0, 0, 0),
  ].filter(row => row.leaf >= 0x80000000 || row.leaf <= model.leaves);
  for (const { name, cpuid } of features) {
    if (!cpuid || !selected.has(name)) continue;
    const row = rows.find(r => r.leaf === cpuid.leaf && r.subleaf === cpuid.subleaf);
    if (row) row[cpuid.register] |= 1 << cpuid.bit;
  }
  return rows;
}

const total = (cpu: Cpu, of: (row: (typeof features)[number]) => bigint | undefined): bigint =>
  features.filter(row => cpu.features.has(row.name)).reduce((mask, row) => mask | (of(row) ?? 0n), 0n);

/** Makes the processor `cpu`: once, before its state is reset. All logical processors of a machine share it. */
export function identify(processor: Processor, cpu: Cpu, processors = 1): void {
  const words = [0n, 0n];
  for (const name of cpu.features) {
    const number = featureNumber(name);
    words[number >> 6] |= 1n << BigInt(number & 63);
  }
  const { view } = processor;
  // In the order of assembly/layout.ts.
  const masks = [...words, total(cpu, row => row.cr4) | CR4_ALWAYS, total(cpu, row => row.efer)];
  masks.forEach((mask, n) => view.setBigUint64(IDENTITY + n * 8, mask, true));
  const controls = controlWords.map(word => allowed1(word) & ~controlsWithout(cpu.features, word.name));
  controls.forEach((mask, n) => view.setUint32(IDENTITY + masks.length * 8 + n * 4, mask >>> 0, true));
  const rows = cpuidLeaves(cpu, processors);
  if (rows.length > IDENTITY_LEAVES_MAX)
    throw new Error(`CPUID has ${rows.length} leaves, room for ${IDENTITY_LEAVES_MAX}`);
  view.setUint32(IDENTITY_LEAVES, rows.length, true);
  rows.forEach((row, n) => {
    const at = IDENTITY_LEAVES + 8 + n * LEAF_BYTES;
    [row.leaf, row.subleaf, row.eax, row.ebx, row.ecx, row.edx].forEach((value, m) =>
      view.setUint32(at + m * 4, value >>> 0, true),
    );
  });
}
