/** Scripts for the 8254, the real-time clock, the HPET and the ACPI timer. Times are compared loosely. */
import { Handler, type Script } from './script';

const COUNTERS = 0x40;
const CONTROL = 0x43;
const GATE = 0x61;
const HPET = 0xfed00000;
const LOCAL_SVR = 0xfee000f0;
const IO_APIC = 0xfec00000;
const number = (value: string): number => parseInt(value, 16);
const between = (least: number, most: number) => (value: string) => number(value) >= least && number(value) <= most;

/** Channel 2 in `mode`, access both bytes. */
function count(s: Script, mode: number, value: number): void {
  s.out(CONTROL, 0xb0 | (mode << 1))
    .out(COUNTERS + 2, value & 0xff)
    .out(COUNTERS + 2, value >> 8);
}
const clock = (s: Script, register: number): ReturnType<Script['in']> => s.out(0x70, register).in(0x71);
const setClock = (s: Script, register: number, value: number): Script => s.out(0x70, register).out(0x71, value);
function entry(s: Script, pin: number, low: number): void {
  s.store(IO_APIC, 0x11 + 2 * pin).store(IO_APIC + 0x10, 0);
  s.store(IO_APIC, 0x10 + 2 * pin).store(IO_APIC + 0x10, low);
}
/** 8259s with vectors 0x40 and 0x48, whose handlers end their interrupts. */
function interrupts(s: Script, first: number, second: number): void {
  s.out(0x20, 0x11).out(0x21, 0x40).out(0x21, 4).out(0x21, 1).out(0x21, first);
  s.out(0xa0, 0x11).out(0xa1, 0x48).out(0xa1, 2).out(0xa1, 1).out(0xa1, second);
  for (let n = 0; n < 16; n++) s.handler(0x40 + n, Handler.endFirst | (n > 7 ? Handler.endSecond : 0));
}

export const timerCases: Record<string, (s: Script) => void> = {
  '8254: status of every mode and access': s => {
    s.out(GATE, 1);
    for (const access of [1, 2, 3])
      for (const mode of [0, 2, 3, 4])
        for (const bcd of [0, 1]) {
          s.out(CONTROL, 0x80 | (access << 4) | (mode << 1) | bcd).out(COUNTERS + 2, 0x99);
          if (access === 3) s.out(COUNTERS + 2, 0x99);
          s.out(CONTROL, 0xe8);
          s.in(COUNTERS + 2).loosely(value => (number(value) & 0x3f) === ((access << 4) | (mode << 1) | bcd));
        }
  },
  '8254: modes 6 and 7 are 2 and 3': s => {
    for (const mode of [6, 7]) {
      count(s, mode, 0x8000);
      s.out(CONTROL, 0xe8);
      s.in(COUNTERS + 2).loosely(value => (number(value) & 0x3f) === (0x30 | (mode << 1)));
    }
  },
  '8254: latches hold until they are read, status before count': s => {
    s.out(GATE, 1);
    count(s, 0, 0xf000);
    s.out(CONTROL, 0x80);
    s.delay(2000);
    s.out(CONTROL, 0x80);
    s.in(COUNTERS + 2);
    s.in(COUNTERS + 2).loosely(between(0xee, 0xf0));
    s.out(CONTROL, 0xc8);
    s.delay(3000);
    s.out(CONTROL, 0xc8);
    s.in(COUNTERS + 2).loosely(value => (number(value) & 0xbf) === 0x30);
    s.in(COUNTERS + 2).loosely(() => true);
    s.in(COUNTERS + 2).loosely(between(0, 0xef));
    s.in(COUNTERS + 2).loosely(() => true);
    s.in(COUNTERS + 2).loosely(between(0, 0xef));
  },
  '8254: the gate and the output of channel 2': s => {
    s.out(GATE, 0);
    s.in(GATE).loosely(value => (number(value) & 0xf) === 0);
    s.out(GATE, 1);
    count(s, 0, 5000);
    s.in(GATE).loosely(value => (number(value) & 0x2f) === 1);
    s.await(GATE, 0x20, 0x20);
    s.in(GATE).loosely(value => (number(value) & 0x2f) === 0x21);
    count(s, 0, 0xffff);
    s.in(GATE).loosely(value => (number(value) & 0x2f) === 1);
    count(s, 3, 2000);
    s.await(GATE, 0x20, 0x20);
    s.await(GATE, 0x20, 0);
    s.await(GATE, 0x20, 0x20);
    // Mode 1 is started by the gate.
    s.out(GATE, 0);
    count(s, 1, 10000);
    s.out(GATE, 1);
    s.in(GATE).differs('the output falls with the trigger (82C54 data sheet, mode 1); QEMU has it high', /^[01]1$/);
    s.await(GATE, 0x20, 0x20);
  },
  '8254: interrupts of channel 0': s => {
    interrupts(s, 0xfe, 0xff);
    s.out(CONTROL, 0x30).out(COUNTERS, 0xff).out(COUNTERS, 0x10);
    s.window(10000);
    s.window(10000);
    s.out(CONTROL, 0x34).out(COUNTERS, 0).out(COUNTERS, 0x80);
    s.window(140000).loosely(value => /^(40 ){3,6}\.$/.test(value));
    s.out(CONTROL, 0x30);
    s.window().loosely(() => true);
    s.window(60000);
    s.out(0x21, 0xff);
  },
  'clock: date in both notations, 12 and 24 hours': s => {
    for (const b of [0x82, 0x86, 0x80, 0x84]) {
      setClock(s, 11, b);
      clock(s, 11);
      setClock(s, 4, b & 2 ? (b & 4 ? 15 : 0x15) : b & 4 ? 0x83 : 0x83);
      setClock(s, 7, b & 4 ? 28 : 0x28);
      setClock(s, 8, b & 4 ? 2 : 2);
      setClock(s, 9, b & 4 ? 24 : 0x24);
      setClock(s, 2, b & 4 ? 58 : 0x58);
      setClock(s, 0, b & 4 ? 1 : 1);
      setClock(s, 0x32, b & 4 ? 20 : 0x20);
      for (const register of [0, 2, 4, 7, 8, 9, 0x32]) clock(s, register);
      setClock(s, 11, b & 7);
      for (const register of [0, 2, 4, 7, 8, 9, 0x32]) clock(s, register);
      for (const other of [0x82, 0x86, 0x80, 0x84]) {
        setClock(s, 11, other & 7);
        for (const register of [2, 4, 7, 8, 9]) clock(s, register);
      }
    }
  },
  'clock: parts of a date in any order': s => {
    setClock(s, 11, 0x86);
    for (const [register, value] of [
      [0x32, 20],
      [8, 2],
      [7, 31],
      [8, 3],
      [9, 23],
      [4, 23],
      [2, 59],
      [0, 58],
    ] as const)
      setClock(s, register, value);
    for (const register of [0, 2, 4, 7, 8, 9]) clock(s, register);
    setClock(s, 11, 6);
    for (const register of [2, 4, 7, 8, 9]) clock(s, register);
    s.delay(2100000);
    for (const register of [2, 4, 7, 8, 9]) clock(s, register);
  },
  'clock: registers A to D and memory': s => {
    for (const register of [10, 11, 13, 15]) clock(s, register).loosely(value => register !== 15 || value.length === 2);
    setClock(s, 10, 0xff);
    clock(s, 10).loosely(value => (number(value) & 0x7f) === 0x7f);
    setClock(s, 10, 0x26);
    setClock(s, 13, 0xff);
    clock(s, 13);
    for (const register of [15, 0x20, 0x40, 0x7f]) {
      setClock(s, register, 0xa5);
      clock(s, register);
    }
    s.out(0x70, 0xc0).out(0x71, 0x77);
    clock(s, 0x40);
    for (const register of [0x15, 0x16, 0x17, 0x18, 0x30, 0x31, 0x34, 0x35]) clock(s, register);
    s.in(0x70).loosely(() => true);
  },
  'clock: periodic, update and alarm': s => {
    interrupts(s, 0xfb, 0xfe);
    s.out(0x70, 12)
      .in(0x71)
      .loosely(() => true);
    setClock(s, 10, 0x2a);
    setClock(s, 11, 0x42);
    s.window(20000);
    s.window(20000);
    clock(s, 12).loosely(value => (number(value) & 0xc0) === 0xc0);
    s.window(10000).loosely(value => value === '48 .' || value === '.');
    setClock(s, 11, 0x12);
    clock(s, 12).loosely(() => true);
    s.window(1100000);
    clock(s, 12).loosely(value => (number(value) & 0x90) === 0x90);
    for (const register of [1, 3, 5]) setClock(s, register, 0xc0);
    setClock(s, 11, 0x22);
    clock(s, 12).loosely(() => true);
    s.window(1100000);
    clock(s, 12).loosely(value => (number(value) & 0xa0) === 0xa0);
    clock(s, 12).loosely(value => (number(value) & 0x80) === 0);
    setClock(s, 11, 2);
    s.out(0x21, 0xff).out(0xa1, 0xff);
  },
  'HPET: registers': s => {
    for (const register of [0, 4, 0x10, 0x14, 0x20, 0x24]) s.load(HPET + register);
    for (const value of [0, 0xfffffffc]) {
      s.store(HPET + 0x10, value);
      s.load(HPET + 0x10);
    }
    s.store(HPET + 0xf0, 0x12345678).store(HPET + 0xf4, 0x9abcdef0);
    s.load(HPET + 0xf0);
    s.load(HPET + 0xf4);
    for (const n of [0, 1, 2]) {
      const timer = HPET + 0x100 + 0x20 * n;
      s.store(timer, 0);
      const configuration = s.load(timer);
      if (n) configuration.differs("here only timer 0 is periodic, as in Intel's chip sets", '00000020');
      s.load(timer + 4).differs("here comparators reach pins 16 to 23, QEMU's pin 2 only", '00ff0000');
      s.store(timer + 8, 0x11111111).store(timer + 12, 0x22222222);
      s.load(timer + 8);
      s.load(timer + 12);
    }
    s.store(HPET + 0xf0, 0)
      .store(HPET + 0xf4, 0)
      .store(HPET + 0x10, 1);
    s.delay(1000);
    s.load(HPET + 0xf0).loosely(between(100000, 100000000));
    s.store(HPET + 0x10, 0);
  },
  'HPET: one-shot and periodic by legacy routing': s => {
    s.store(LOCAL_SVR, 0x1ff);
    for (let vector = 0x40; vector < 0x50; vector++) s.handler(vector, Handler.endLocal);
    entry(s, 2, 0x42);
    entry(s, 8, 0x48);
    s.store(HPET + 0x10, 0)
      .store(HPET + 0xf0, 0)
      .store(HPET + 0xf4, 0);
    s.store(HPET + 0x100, 0x104)
      .store(HPET + 0x108, 500000)
      .store(HPET + 0x10c, 0);
    s.store(HPET + 0x120, 0x104)
      .store(HPET + 0x128, 1500000)
      .store(HPET + 0x12c, 0);
    s.store(HPET + 0x10, 3);
    s.window(30000);
    s.window(10000);
    s.store(HPET + 0x10, 0)
      .store(HPET + 0xf0, 0)
      .store(HPET + 0xf4, 0);
    s.store(HPET + 0x120, 0);
    s.store(HPET + 0x100, 0x14c)
      .store(HPET + 0x108, 2000000)
      .store(HPET + 0x108, 2000000);
    s.store(HPET + 0x10, 3);
    s.window(110000).loosely(value => /^(42 ){3,6}\.$/.test(value));
    s.store(HPET + 0x10, 0);
  },
  'ACPI: the timer and the events': s => {
    s.in(0x608, 4).loosely(() => true);
    s.in(0x600, 2).loosely(value => (number(value) & 0xfffe) === 0);
    s.in(0x602, 2);
    s.out(0x602, 0xffff, 2)
      .in(0x602, 2)
      .loosely(value => (number(value) & 1) === 1);
    s.out(0x602, 0, 2).in(0x602, 2);
    s.in(0x604, 2).loosely(value => (number(value) & 0xfffe) === 0);
  },
};
