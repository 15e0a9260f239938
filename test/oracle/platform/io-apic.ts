/** Scripts for the I/O APIC: its pins are lines of the test device. */
import type { Random } from '../../random';
import { Handler, type Expectation, type Script } from './script';

const BASE = 0xfec00000;
const WINDOW = BASE + 0x10;
const END = BASE + 0x40;
const LOCAL_END = 0xfee000b0;
const LOCAL_SVR = 0xfee000f0;
const LINES = 0x2000;
const LEVEL = 1 << 15;
const MASKED = 1 << 16;
/** What can be written of an entry's low word. */
const BITS = 0x1afff;

const write = (s: Script, register: number, value: number): Script => s.store(BASE, register).store(WINDOW, value);
function read(s: Script, register: number): ReturnType<Script['load']> {
  s.store(BASE, register);
  return s.load(WINDOW);
}
const entry = (s: Script, pin: number, low: number, high = 0): Script =>
  write(write(s, 0x11 + 2 * pin, high), 0x10 + 2 * pin, low);
const look = (s: Script, pin: number): void => {
  read(s, 0x10 + 2 * pin);
  for (const register of [0xfee00120, 0xfee00220, 0xfee001a0]) s.load(register);
};
const line = (s: Script, n: number, level: number): Script => s.out(LINES + n, level);

export const ioApicCases: Record<string, (s: Script) => void> = {
  registers: s => {
    for (const register of [0, 1, 2]) read(s, register);
    write(s, 0, 0xffffffff);
    for (const register of [0, 1, 2]) read(s, register);
    write(s, 0, 0);
    for (let pin = 0; pin < 24; pin++)
      for (const value of [0xffffffff, 0x5a5a5a5a, 0x10000]) {
        const low = (value | MASKED) >>> 0;
        entry(s, pin, low, value);
        stored(read(s, 0x10 + 2 * pin), low, low & BITS, 0x5000);
        stored(read(s, 0x11 + 2 * pin), value, value & 0xff000000);
      }
    for (const register of [3, 9, 0x40, 0x7f, 0xff]) {
      write(s, register, 0xffffffff);
      read(s, register);
      s.load(BASE);
    }
  },
  edges: s => {
    s.store(LOCAL_SVR, 0x1ff);
    entry(s, 5, 0x45);
    for (const level of [1, 0, 1, 0]) {
      line(s, 5, level);
      s.window();
      look(s, 5);
      s.store(LOCAL_END, 0);
    }
    line(s, 5, 1);
    s.window();
    s.store(LOCAL_END, 0);
    line(s, 5, 1);
    s.window().differs('a line that is high already has no edge; QEMU sends for each time it is told', '.');
    s.store(LOCAL_END, 0);
    line(s, 5, 0);
    // An edge on a masked pin is lost.
    entry(s, 5, 0x45 | MASKED);
    line(s, 5, 1);
    entry(s, 5, 0x45);
    s.window();
    look(s, 5);
    line(s, 5, 0);
    line(s, 5, 1);
    s.window();
    look(s, 5);
  },
  levels: s => {
    s.store(LOCAL_SVR, 0x1ff);
    entry(s, 11, 0x4b | LEVEL);
    line(s, 11, 1);
    look(s, 11);
    s.window();
    look(s, 11);
    // As long as the line is high, each end begins anew.
    s.store(LOCAL_END, 0);
    look(s, 11);
    s.window();
    line(s, 11, 0);
    look(s, 11);
    s.store(LOCAL_END, 0);
    look(s, 11);
    s.window();
    s.handler(0x4b, Handler.endLocal | Handler.lowers, 11);
    line(s, 11, 1);
    s.window();
    look(s, 11);
    // Masked: the level waits.
    entry(s, 11, 0x4b | LEVEL | MASKED);
    line(s, 11, 1);
    s.window();
    entry(s, 11, 0x4b | LEVEL);
    s.window();
    look(s, 11);
    // The register for ends.
    s.handler(0x4b, 0);
    line(s, 11, 1);
    s.window();
    line(s, 11, 0);
    s.store(END, 0x4c);
    look(s, 11);
    s.store(END, 0x4b);
    look(s, 11);
    s.store(LOCAL_END, 0);
    look(s, 11);
    // From level to edge: remote IRR goes.
    line(s, 11, 1);
    s.window();
    entry(s, 11, 0x4b);
    read(s, 0x10 + 22);
    s.store(LOCAL_END, 0);
    s.window().differs('QEMU takes the level that was there for an edge', '.');
  },
};

const digits = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
/** QEMU keeps reserved bits, but not `status`, which nobody writes. */
function stored(line: Expectation, wrote: number, right: number, status = 0): void {
  if ((wrote & ~status) >>> 0 !== right >>> 0) line.differs('reserved bits read as 0 (82093AA 3.2.4)', digits(right));
}

/**
 * Several pins at random; the vectors are different ones. Half of the pins are levels for good, and a line that is an edge
 * only toggles: what QEMU makes of a line that is raised twice, the scripts above show.
 */
export function randomIoApic(s: Script, random: Random, count: number): void {
  s.store(LOCAL_SVR, 0x1ff);
  const pins = [1, 3, 5, 6, 7, 10, 11, 12, 14, 15];
  const isLevel = (pin: number): boolean => pin % 2 === 1;
  const high = new Map<number, number>();
  s.out(0x43, 0x30).delay(60000).out(0x4d0, 0).out(0x4d1, 0);
  for (const pin of pins) entry(s, pin, (0x40 + pin) | (isLevel(pin) ? LEVEL : 0));
  for (let n = 0; n < count; n++) {
    const pin = random.pick(pins);
    switch (random.below(7)) {
      case 0:
      case 1:
        high.set(pin, isLevel(pin) ? random.below(2) : 1 - (high.get(pin) ?? 0));
        line(s, pin, high.get(pin)!);
        break;
      case 2:
        entry(s, pin, (0x40 + pin) | (isLevel(pin) ? LEVEL : 0) | random.pick([0, 0, MASKED]));
        break;
      case 3:
        s.store(LOCAL_END, 0);
        break;
      case 4:
        s.handler(
          0x40 + pin,
          isLevel(pin) ? random.pick([0, Handler.endLocal | Handler.lowers]) : Handler.endLocal,
          pin,
        );
        break;
      case 5:
        s.window();
        break;
      default:
        look(s, pin);
    }
  }
}
