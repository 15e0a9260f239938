/** What firmware leaves behind: its ROM, ACPI tables, interrupt vectors, and the devices as it sets them up. */
import type { Processor } from '../core';
import { START_ANEW } from '../devices/exits';
import { ACPI_BASE, acpiTables } from './acpi-tables';
import { FIRMWARE_PORT } from './platform';

/** The ROM area below 1 MiB, which the memory map reserves. */
export const ROM_BASE = 0xf0000;
export const ROM_BYTES = 0x10000;
const ROM_SEGMENT = 0xf000;
const RESET_VECTOR = 0xfff0;

/** Routines by their offset in the ROM; the offsets are those of the IBM PC where it had them. */
const START = 0xe05b;
const NO_DISK = 0xe3fe;
const END_FIRST = 0xe9e0;
const END_BOTH = 0xe9f0;
const TELETYPE = 0xf065;
const MEMORY_SIZE = 0xf841;
const NO_SERVICE = 0xf859;
const TIMER = 0xfea5;
const RETURN = 0xff53;

// prettier-ignore
const routines: readonly (readonly [number, readonly number[]])[] = [
  // After INIT, CMOS register 0x0F says why: codes 5 and 10 mean "go on at the far pointer in 0x467", others start anew.
  // mov al,0x8f / out 0x70,al / in al,0x71 / cmp al,10 / je go / cmp al,5 / je go / mov al,START_ANEW / out port,al
  // wait: hlt / jmp wait / go: xor ax,ax / mov ds,ax / jmp far [0x467]
  [START, [0xb0, 0x8f, 0xe6, 0x70, 0xe4, 0x71, 0x3c, 10, 0x74, 11, 0x3c, 5, 0x74, 7, 0xb0, START_ANEW, 0xe6, FIRMWARE_PORT,
    0xf4, 0xeb, 0xfd, 0x31, 0xc0, 0x8e, 0xd8, 0xff, 0x2e, 0x67, 0x04]],
  [RESET_VECTOR, [0xea, START & 0xff, START >> 8, ROM_SEGMENT & 0xff, ROM_SEGMENT >> 8]],
  // INT 0x13: mov ah,1 / stc / retf 2
  [NO_DISK, [0xb4, 0x01, 0xf9, 0xca, 0x02, 0x00]],
  // Interrupts of the first 8259, and of the second: push ax / mov al,0x20 / (out 0xa0,al) / out 0x20,al / pop ax / iret
  [END_FIRST, [0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf]],
  [END_BOTH, [0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf]],
  // INT 0x10: AH = 0x0E prints AL on the debug console: cmp ah,0x0e / jne $+4 / out 0xe9,al / iret
  [TELETYPE, [0x80, 0xfc, 0x0e, 0x75, 0x02, 0xe6, 0xe9, 0xcf]],
  // INT 0x12: KiB below 1 MiB: mov ax,640 / iret
  [MEMORY_SIZE, [0xb8, 640 & 0xff, 640 >> 8, 0xcf]],
  // INT 0x15: mov ah,0x86 / stc / retf 2
  [NO_SERVICE, [0xb4, 0x86, 0xf9, 0xca, 0x02, 0x00]],
  // Timer: push ds / push ax / xor ax,ax / mov ds,ax / inc dword [0x46c] / mov al,0x20 / out 0x20,al / pop ax / pop ds / iret
  [TIMER, [0x1e, 0x50, 0x31, 0xc0, 0x8e, 0xd8, 0x66, 0xff, 0x06, 0x6c, 0x04, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0x1f, 0xcf]],
  [RETURN, [0xcf]],
];

/** The 64 KiB at 0xF0000, which appear below 4 GiB too. */
export function firmwareRom(processors: number): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES);
  rom.set(acpiTables(processors), ACPI_BASE - ROM_BASE);
  for (const [offset, bytes] of routines) rom.set(bytes, offset);
  return rom;
}

/** The interrupt vectors of real-address mode and the BIOS data area: 0x500 bytes at address 0. */
export function firmwareData(): Uint8Array {
  const data = new Uint8Array(0x500);
  const view = new DataView(data.buffer);
  const vector = (n: number, offset: number): void => view.setUint32(n * 4, offset | (ROM_SEGMENT << 16), true);
  for (let n = 0; n < 256; n++) vector(n, RETURN);
  for (let n = 9; n < 16; n++) vector(n, END_FIRST);
  for (let n = 0x70; n < 0x78; n++) vector(n, END_BOTH);
  vector(8, TIMER);
  vector(0x10, TELETYPE);
  vector(0x12, MEMORY_SIZE);
  vector(0x13, NO_DISK);
  vector(0x15, NO_SERVICE);
  view.setUint16(0x413, 640, true);
  return data;
}

/** Virtual wire mode (MultiProcessor Specification 3.6.2.2): the 8259 by LINT0, NMI by LINT1. */
export function setUpLocalApic(processor: Processor): void {
  processor.set('APIC_SVR', 0x1ffn);
  processor.set('APIC_LVT_LINT0', 0x700n);
  processor.set('APIC_LVT_LINT1', 0x400n);
}
