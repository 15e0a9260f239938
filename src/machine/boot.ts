/** Start states: what firmware or a loader leaves behind for a program's first instruction. */
import { stateSchema, type Processor } from '../core';
import type { Program, StartState } from '../program/program';
import { ROM_BASE, firmwareData, firmwareRom, setUpLocalApic } from './firmware';
import { BootError, free, leaveMultibootInformation, type BootOptions } from './multiboot';
import type { Platform } from './platform';

export { BootError, type BootModule, type BootOptions } from './multiboot';

/** Where the `long` start state keeps its tables, unless the program lies there: then below the end of RAM. */
export const TABLES = 0x1000;
/** PML4, PDPT, four page directories (4 GiB), and a page with the GDT. */
const TABLES_BYTES = 7 * 0x1000;
/** Stack of the `long` and `protected` start states: grows down from here. */
export const STACK_TOP = 0x80000;
const CODE64 = 0xa09b;
const CODE32 = 0xc09b;
const DATA32 = 0xc093;
const CODE16 = 0x9b;
const DATA16 = 0x93;
const TSS32 = 0x8b;
const LDT = 0x82;

/** What the machine adds: how many processors there are, and the devices that firmware sets up. */
export interface Board {
  processors: number;
  platform: Platform;
}
/** The ROM begins with the ACPI root pointer. */
const RSDP_BYTES = 36;

/** Copies the program to RAM, which is zero, and puts the processor, which is in its reset state, at its first instruction. */
export function boot(processor: Processor, program: Program, options: BootOptions, board: Board): void {
  const { processors, platform } = board;
  const rom = firmwareRom(processors);
  platform.rom.fill(rom);
  const leave = (address: number, bytes: Uint8Array): void => {
    if (free(program, address, bytes.length)) processor.store(address, bytes);
  };
  leave(ROM_BASE, rom);
  leave(0, firmwareData());
  if (processor.get('IA32_APIC_BASE')) setUpLocalApic(processor);
  platform.setUpPic(program.start !== 'multiboot' && program.start !== 'boot-sector');
  platform.firmware.configure({
    memoryBytes: processor.ram.length,
    processors,
    commandLine: options.commandLine ?? '',
    files: [],
  });
  place(processor, program);
  const start: Record<StartState, () => void> = {
    long: () => startLong(processor, program),
    protected: () => startProtected(processor, program.entry),
    real: () => startReal(processor, program.entry, 0),
    'boot-sector': () => startReal(processor, program.entry, 0x80n),
    multiboot: () => {
      const { magic, information } = leaveMultibootInformation(
        processor,
        program,
        options,
        rom.subarray(0, RSDP_BYTES),
      );
      startProtected(processor, program.entry);
      processor.set('RAX', BigInt(magic));
      processor.set('RBX', BigInt(information));
    },
  };
  start[program.start]();
}

/**
 * The state after INIT (SDM 3A table 9-1): registers as after power-on, but TSC, MSRs, XCR0, x87 and SSE state stay.
 * `signature` is CPUID's, in EDX. The first processor goes to the reset vector, the others wait for a start-up IPI.
 */
export function initialize(processor: Processor, signature: number): void {
  const set = (name: string, value: bigint): void => processor.set(name, value);
  for (const field of stateSchema) if (['general', 'tables', 'debug'].includes(field.group)) set(field.name, 0n);
  const keptCacheBits = 0x60000000n;
  set('CR0', (processor.get('CR0') & keptCacheBits) | 0x10n);
  for (const name of ['CR2', 'CR3', 'CR4', 'IA32_EFER', 'CPL', 'BLOCKING', 'PENDING_DEBUG', 'PENDING_NMI'])
    set(name, 0n);
  set('RFLAGS', 2n);
  initialSegments(processor);
  set('DR6', 0xffff0ff0n);
  set('DR7', 0x400n);
  set('RDX', BigInt(signature));
  set('RIP', 0xfff0n);
  segment(processor, 'CS', 0xf000, 0xffff0000, 0xffff, CODE16);
  set('ACTIVITY', processor.get('IA32_APIC_BASE') & BSP ? 0n : WAIT_FOR_SIPI);
}
const BSP = 0x100n;
const WAIT_FOR_SIPI = 3n;

/** The state after INIT/power-on that all start states share (SDM 3A table 9-1, with what firmware adds). */
export function reset(processor: Processor): void {
  const end = 0x1000;
  new Uint8Array(processor.memory.buffer, 0, end).fill(0);
  const set = (name: string, value: bigint): void => processor.set(name, value);
  set('RFLAGS', 2n);
  set('CR0', 0x10n);
  set('DR6', 0xffff0ff0n);
  set('DR7', 0x400n);
  set('XCR0', 1n);
  // The x87 and SSE state of a power-up (SDM 3A table 9-1): all tags say zero.
  set('FCW', 0x40n);
  set('FTW', 0xffn);
  set('MXCSR', 0x1f80n);
  set('IA32_PAT', 0x0007040600070406n);
  set('IA32_APIC_BASE', 0xfee00900n);
  // Firmware enables VMXON outside SMX and locks the register.
  set('IA32_FEATURE_CONTROL', 5n);
  set('IA32_MISC_ENABLE', 0x40001n);
  set('IA32_MTRR_DEF_TYPE', 0xc06n);
  set('IA32_BIOS_SIGN_ID', 0n);
  set('CURRENT_VMCS', 0xffffffffffffffffn);
  set('VMXON_POINTER', 0xffffffffffffffffn);
  set('PENDING_INTERRUPT', 0xffffffffn);
  set('PREEMPTION_AT', 0xffffffffffffffffn);
  set('FAULT', 0xffffffffn);
  initialSegments(processor);
}
function initialSegments(processor: Processor): void {
  for (const name of ['ES', 'SS', 'DS', 'FS', 'GS']) segment(processor, name, 0, 0, 0xffff, DATA16);
  segment(processor, 'CS', 0, 0, 0xffff, CODE16);
  segment(processor, 'LDTR', 0, 0, 0xffff, LDT);
  segment(processor, 'TR', 0, 0, 0xffff, TSS32);
  processor.set('GDTR_LIMIT', 0xffffn);
  processor.set('IDTR_LIMIT', 0xffffn);
}

function segment(p: Processor, name: string, selector: number, base: number, limit: number, access: number): void {
  p.set(`${name}_SELECTOR`, BigInt(selector));
  p.set(`${name}_BASE`, BigInt(base));
  p.set(`${name}_LIMIT`, BigInt(limit));
  p.set(`${name}_ACCESS`, BigInt(access));
}

function place(processor: Processor, program: Program): void {
  for (const { address, data, memoryBytes } of program.segments) {
    const end = address + memoryBytes;
    if (end > processor.ram.length)
      throw new BootError(
        `${program.path}: the image needs memory up to ${hex(end)}, but the machine has ${hex(processor.ram.length)} bytes. Give it more with "memory" (--memory).`,
      );
    processor.store(address, data);
  }
}
const hex = (value: number): string => `0x${value.toString(16)}`;

function startLong(processor: Processor, program: Program): void {
  const tables = free(program, TABLES, TABLES_BYTES) ? TABLES : processor.ram.length - TABLES_BYTES;
  if (!free(program, tables, TABLES_BYTES))
    throw new BootError(
      `${program.path}: no room for the page tables of the 64-bit start state; leave ${hex(TABLES)}-${hex(TABLES + TABLES_BYTES)} free.`,
    );
  const content = new Uint8Array(TABLES_BYTES);
  const view = new DataView(content.buffer);
  const PRESENT_WRITE = 3n;
  const PAGE_2M = 0x83n;
  view.setBigUint64(0, BigInt(tables + 0x1000) | PRESENT_WRITE, true);
  for (let n = 0; n < 4; n++) {
    const directory = 0x2000 + n * 0x1000;
    view.setBigUint64(0x1000 + n * 8, BigInt(tables + directory) | PRESENT_WRITE, true);
    for (let m = 0; m < 512; m++) view.setBigUint64(directory + m * 8, (BigInt(n * 512 + m) << 21n) | PAGE_2M, true);
  }
  // Null, 64-bit code (8), data (0x10).
  const descriptors = [0n, 0x00af9b000000ffffn, 0x00cf93000000ffffn];
  descriptors.forEach((entry, n) => view.setBigUint64(0x6000 + n * 8, entry, true));
  processor.store(tables, content);
  const gdt = tables + 0x6000;
  processor.set('GDTR_BASE', BigInt(gdt));
  processor.set('GDTR_LIMIT', 23n);
  processor.set('IDTR_LIMIT', 0n);
  segment(processor, 'CS', 8, 0, 0xffffffff, CODE64);
  for (const name of ['DS', 'ES', 'SS', 'FS', 'GS']) segment(processor, name, 0x10, 0, 0xffffffff, DATA32);
  processor.set('CR3', BigInt(tables));
  processor.set('CR4', 0x20n);
  processor.set('CR0', 0x80000031n);
  processor.set('IA32_EFER', 0xd00n);
  processor.set('RSP', BigInt(STACK_TOP));
  processor.set('RIP', BigInt(program.entry));
}

function startProtected(processor: Processor, entry: number): void {
  segment(processor, 'CS', 8, 0, 0xffffffff, CODE32);
  for (const name of ['DS', 'ES', 'SS', 'FS', 'GS']) segment(processor, name, 0x10, 0, 0xffffffff, DATA32);
  processor.set('CR0', 0x11n);
  processor.set('IDTR_LIMIT', 0n);
  processor.set('GDTR_LIMIT', 0n);
  processor.set('RSP', BigInt(STACK_TOP));
  processor.set('RIP', BigInt(entry));
}

function startReal(processor: Processor, entry: number, drive: bigint | number): void {
  if (entry > 0xffff) {
    segment(processor, 'CS', entry >> 4, entry & ~15, 0xffff, CODE16);
    processor.set('RIP', BigInt(entry & 15));
  } else processor.set('RIP', BigInt(entry));
  processor.set('RSP', 0x7c00n);
  processor.set('RDX', BigInt(drive));
  processor.set('IDTR_LIMIT', 0x3ffn);
}
