/** Scripts for PCI configuration, UART, 8042, fw_cfg and the Multiboot information. */
import type { Script } from './script';

const ADDRESS = 0xcf8;
const DATA = 0xcfc;
const COM1 = 0x3f8;
const number = (value: string): number => parseInt(value, 16);

const place = (device: number, f: number, register: number, bus = 0): number =>
  (0x80000000 | (bus << 16) | (device << 11) | (f << 8) | register) >>> 0;

export const portCases: Record<string, (s: Script) => void> = {
  'PCI: the host bridge in all widths': s => {
    s.out(ADDRESS, place(0, 0, 0), 4).in(ADDRESS, 4);
    s.in(DATA, 4);
    for (const n of [0, 2]) s.in(DATA + n, 2);
    for (const n of [0, 1, 2, 3]) s.in(DATA + n, 1);
    for (const register of [8, 0x0c]) {
      s.out(ADDRESS, place(0, 0, register), 4);
      s.in(DATA + 2, 2);
      s.in(DATA + 3, 1);
    }
    s.out(ADDRESS, 0, 4).in(DATA, 4);
    for (const absent of [place(5, 0, 0), place(0, 3, 0), place(0, 0, 0, 7)]) {
      s.out(ADDRESS, absent, 4);
      for (const size of [1, 2, 4] as const) s.in(DATA, size);
      s.out(DATA, 0, 4).in(DATA, 4);
    }
    // The vendor cannot be written.
    s.out(ADDRESS, place(0, 0, 0), 4)
      .out(DATA, 0, 4)
      .in(DATA, 4);
    // No base address registers.
    for (let register = 0x10; register < 0x28; register += 4)
      s.out(ADDRESS, place(0, 0, register), 4)
        .out(DATA, 0xffffffff, 4)
        .in(DATA, 4);
    s.out(ADDRESS, place(0, 0, 0), 1).in(ADDRESS, 4);
  },
  'UART: registers': s => {
    for (const n of [1, 2, 3, 4, 5, 6, 7]) s.in(COM1 + n).loosely(() => true);
    s.out(COM1 + 1, 0)
      .out(COM1 + 2, 0)
      .in(COM1 + 2);
    for (const value of [0xff, 0x5a, 0]) {
      s.out(COM1 + 7, value).in(COM1 + 7);
      s.out(COM1 + 3, value | 0x80).in(COM1 + 3);
      s.out(COM1, value).out(COM1 + 1, value ^ 0xff);
      s.in(COM1);
      s.in(COM1 + 1);
      s.out(COM1 + 3, value & 0x7f).in(COM1 + 3);
      s.out(COM1 + 1, value & 0xf0).in(COM1 + 1);
      s.out(COM1 + 4, value & 0xef).in(COM1 + 4);
    }
    s.out(COM1 + 3, 0x83)
      .out(COM1, 1)
      .out(COM1 + 1, 0)
      .out(COM1 + 3, 3);
    s.out(COM1 + 4, 0).in(COM1 + 6);
    s.in(COM1 + 5);
  },
  'UART: loop-back': s => {
    s.out(COM1 + 1, 0)
      .out(COM1 + 2, 0)
      .out(COM1 + 3, 3)
      .out(COM1 + 4, 0x10);
    for (const value of [0x10, 0x11, 0x12, 0x14, 0x18, 0x1f]) {
      s.out(COM1 + 4, value);
      s.in(COM1 + 6).loosely(() => true);
      s.in(COM1 + 6);
    }
    s.in(COM1 + 5);
    s.out(COM1, 0x41);
    s.delay(2000);
    s.in(COM1 + 5);
    s.in(COM1);
    s.in(COM1 + 5);
    // Received-data interrupts show in IIR.
    s.out(COM1 + 1, 1).in(COM1 + 2);
    s.out(COM1, 0x42);
    s.delay(2000);
    s.in(COM1 + 2);
    s.in(COM1);
    s.in(COM1 + 2);
    s.out(COM1 + 1, 2).in(COM1 + 2);
    s.in(COM1 + 2);
    s.out(COM1 + 1, 0).in(COM1 + 2);
  },
  'UART: FIFO and overrun': s => {
    s.out(COM1 + 1, 0)
      .out(COM1 + 3, 3)
      .out(COM1 + 4, 0x10)
      .out(COM1 + 2, 0x87)
      .in(COM1 + 2);
    for (let n = 0; n < 20; n++) s.out(COM1, 0x30 + n).delay(1000);
    s.in(COM1 + 5);
    s.in(COM1 + 5);
    for (let n = 0; n < 18; n++) {
      s.in(COM1);
      s.in(COM1 + 5);
    }
    s.out(COM1, 0x55)
      .delay(1000)
      .in(COM1 + 5);
    s.out(COM1 + 2, 3).in(COM1 + 5);
    s.out(COM1, 0x56)
      .delay(1000)
      .out(COM1 + 2, 0)
      .in(COM1 + 5);
    // Without FIFO the newest character wins.
    s.out(COM1, 0x57).delay(1000).out(COM1, 0x58).delay(1000);
    s.in(COM1 + 5);
    s.in(COM1);
    s.in(COM1 + 5);
  },
  '8042: self test, configuration, ports': s => {
    s.out(0x64, 0xaa);
    s.await(0x64, 1, 1);
    s.in(0x60);
    s.in(0x64).loosely(value => (number(value) & 5) === 4);
    s.out(0x64, 0xab);
    s.await(0x64, 1, 1);
    s.in(0x60);
    s.out(0x64, 0x60).out(0x60, 0x54).out(0x64, 0x20);
    s.await(0x64, 1, 1);
    s.in(0x60);
    for (const command of [0xad, 0xae, 0xa7, 0xa8]) {
      s.out(0x64, command).out(0x64, 0x20);
      s.await(0x64, 1, 1);
      s.in(0x60);
    }
    s.out(0x64, 0xd2).out(0x60, 0x77);
    s.await(0x64, 1, 1);
    s.in(0x60);
    s.out(0x64, 0x60).out(0x60, 0x44);
    for (const command of [0xf5, 0xf4, 0xed]) {
      s.out(0x60, command);
      s.await(0x64, 1, 1);
      s.in(0x60);
    }
    s.out(0x60, 0);
    s.await(0x64, 1, 1);
    s.in(0x60);
    s.out(0x60, 0xee);
    s.await(0x64, 1, 1);
    s.in(0x60);
    s.out(0x60, 0xf2);
    for (let n = 0; n < 3; n++) {
      s.await(0x64, 1, 1);
      s.in(0x60);
    }
    s.in(0x92).loosely(value => (number(value) & 1) === 0);
  },
  'Multiboot: the information': s => {
    s.bytes(0, 4, true).differs('QEMU names a boot device, of which there is none here', '4d020000');
    s.bytes(4, 8, true).differs(
      "QEMU's firmware takes 1 KiB below 640 KiB and 128 KiB at the end of memory",
      '8002000000fc0000',
    );
    s.bytes(20, 4, true);
    for (const field of [28, 32, 36, 40, 52, 56, 60, 68, 72, 76, 80, 84]) s.bytes(field, 4, true);
  },
  'fw_cfg: items': s => {
    for (const [key, bytes] of [
      [0, 6],
      [3, 8],
      [5, 2],
      [0x0f, 2],
      [0x4000, 4],
    ] as const) {
      s.out(0x510, key, 2);
      s.inBytes(0x511, bytes);
    }
    s.out(0x510, 1, 2);
    s.inBytes(0x511, 4).differs('QEMU offers its DMA interface too (bit 1)', '01000000');
  },
  'byte-wide devices answer wide accesses byte by byte': s => {
    s.out(0x21, 0x5a).out(0xa1, 0xa5);
    s.out(0x20, 0x0b);
    s.in(0x20, 2);
    s.in(0xa0, 2);
    s.out(0x20, 0x330b, 2).in(0x21);
    s.out(0x70, 0x15).in(0x71);
    s.out(COM1 + 7, 0x99)
      .out(COM1 + 3, 3)
      .out(COM1 + 4, 3)
      .in(COM1 + 4);
  },
};
