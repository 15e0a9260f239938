/** What firmware leaves behind: its ROM, ACPI tables, and the devices as it sets them up. */
import type { Processor } from '../core';
import { ACPI_BASE, acpiTables } from './acpi-tables';

/** The ROM area below 1 MiB, which the memory map reserves. */
export const ROM_BASE = 0xf0000;
export const ROM_BYTES = 0x10000;
const CODE = 0xe05b;
const RESET_VECTOR = 0xfff0;

/**
 * The ROM: after INIT, firmware asks CMOS register 0x0F why; codes 5 and 10 mean "go on at the far pointer in 0x467".
 * Bytes at F000:E05B, with the jump to them at the reset vector:
 *   mov al,0x8f / out 0x70,al / in al,0x71 / cmp al,10 / je go / cmp al,5 / je go / hlt / jmp $-1
 *   go: xor ax,ax / mov ds,ax / jmp far [0x467]
 */
const PROGRAM = [
  0xb0, 0x8f, 0xe6, 0x70, 0xe4, 0x71, 0x3c, 0x0a, 0x74, 0x07, 0x3c, 0x05, 0x74, 0x03, 0xf4, 0xeb, 0xfd, 0x31, 0xc0, 0x8e,
  0xd8, 0xff, 0x2e, 0x67, 0x04,
]; // prettier-ignore
/** CMOS shutdown codes that the ROM honours; with others the machine starts anew. */
export const RESUMING_SHUTDOWN_CODES = [5, 10];

/** The 64 KiB at 0xF0000, which appear below 4 GiB too. */
export function firmwareRom(processors: number): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES);
  rom.set(acpiTables(processors).bytes, ACPI_BASE - ROM_BASE);
  rom.set(PROGRAM, CODE);
  rom.set([0xea, CODE & 0xff, CODE >> 8, 0x00, 0xf0], RESET_VECTOR);
  return rom;
}

/** Virtual wire mode (MultiProcessor Specification 3.6.2.2): the 8259 by LINT0, NMI by LINT1. */
export function setUpLocalApic(processor: Processor): void {
  processor.set('APIC_SVR', 0x1ffn);
  processor.set('APIC_LVT_LINT0', 0x700n);
  processor.set('APIC_LVT_LINT1', 0x400n);
}
