/** Devices by themselves: corners that guests seldom touch. The oracle tests hold the same against QEMU. */
import assert from 'node:assert/strict';
import { Bus } from '../../../src/devices/bus';
import { Hpet } from '../../../src/devices/hpet';
import { KeyboardController } from '../../../src/devices/keyboard';
import { Pic } from '../../../src/devices/pic';
import { PIT_HERTZ, Pit } from '../../../src/devices/pit';
import { Rtc } from '../../../src/devices/rtc';
import { Uart } from '../../../src/devices/uart';
import { ACPI_BASE, acpiTables } from '../../../src/machine/acpi-tables';

const ignore = (): void => undefined;
/** A clock that the test sets, in nanoseconds. */
const clock = { time: 0, now: () => clock.time };
beforeEach(() => void (clock.time = 0));

describe('the 8259', () => {
  it('keeps a level that asks through initialization, but no edge', () => {
    const pic = new Pic(ignore);
    const [first, levels] = [pic.part(0), pic.part(4)];
    levels.write(0, 1, 0x20);
    pic.line(5)(true);
    pic.line(3)(true);
    const irr = (): number => (first.write(0, 1, 0x0a), first.read(0, 1));
    assert.equal(irr(), 0x28);
    first.write(0, 1, 0x11);
    for (const word of [0x20, 4, 1, 0]) first.write(1, 1, word);
    assert.equal(irr(), 0x20);
  });
  it('takes a line that is high for a request when it becomes a level', () => {
    const pic = new Pic(ignore);
    const [first, levels] = [pic.part(0), pic.part(4)];
    pic.line(5)(true);
    first.write(0, 1, 0x11);
    for (const word of [0x20, 4, 1, 0]) first.write(1, 1, word);
    assert.equal(first.read(0, 1), 0);
    levels.write(0, 1, 0x20);
    assert.equal(first.read(0, 1), 0x20);
  });
});

describe('the 8254', () => {
  const ticks = (count: number): void => void (clock.time += Math.ceil((count * 1e9) / PIT_HERTZ));
  const output = (pit: Pit): boolean => (pit.gate.read(0, 1) & 0x20) !== 0;
  function channel2(mode: number, count: number): Pit {
    const pit = new Pit(clock, ignore, () => false);
    pit.counters.reset();
    pit.counters.write(3, 1, 0xb0 | (mode << 1));
    pit.counters.write(2, 1, count & 0xff);
    pit.counters.write(2, 1, count >> 8);
    return pit;
  }
  const latched = (pit: Pit): number => {
    pit.counters.write(3, 1, 0x80);
    return pit.counters.read(2, 1) | (pit.counters.read(2, 1) << 8);
  };
  it('tells modes 6 and 7 as they were written', () => {
    for (const mode of [6, 7]) {
      const pit = channel2(mode, 100);
      pit.counters.write(3, 1, 0xe8);
      assert.equal(pit.counters.read(2, 1) & 0x3f, 0x30 | (mode << 1));
    }
  });
  it('stops in mode 0 while the gate is low, and goes on from there', () => {
    const pit = channel2(0, 1000);
    ticks(500);
    assert.equal(latched(pit), 1000);
    pit.gate.write(0, 1, 1);
    ticks(300);
    pit.gate.write(0, 1, 0);
    ticks(5000);
    assert.equal(latched(pit), 700);
    pit.gate.write(0, 1, 1);
    ticks(699);
    assert.equal(output(pit), false);
    ticks(1);
    assert.equal(output(pit), true);
  });
  it('waits in mode 1 for the gate, and starts again with it', () => {
    const pit = channel2(1, 1000);
    ticks(2000);
    assert.equal(output(pit), true);
    pit.gate.write(0, 1, 1);
    assert.equal(output(pit), false);
    ticks(900);
    pit.gate.write(0, 1, 0);
    pit.gate.write(0, 1, 1);
    ticks(900);
    assert.equal(output(pit), false);
    ticks(100);
    assert.equal(output(pit), true);
  });
  it('counts an odd square wave by two, the first half one tick longer', () => {
    const pit = channel2(3, 7);
    pit.gate.write(0, 1, 1);
    const seen: [number, boolean][] = [];
    for (let n = 0; n < 8; n++) {
      seen.push([latched(pit), output(pit)]);
      ticks(1);
    }
    const [high, low] = [true, false];
    assert.deepEqual(seen.slice(0, 7), [[6, high], [4, high], [2, high], [0, high], [6, low], [4, low], [2, low]]); // prettier-ignore
  });
  it('wraps at 10,000 when it counts in decimal', () => {
    const pit = new Pit(clock, ignore, () => false);
    pit.counters.reset();
    pit.gate.write(0, 1, 1);
    pit.counters.write(3, 1, 0xb1);
    pit.counters.write(2, 1, 5);
    pit.counters.write(2, 1, 0);
    ticks(6);
    assert.equal(latched(pit), 0x9999);
  });
});

describe('the real-time clock', () => {
  it('takes the parts of a date in any order while SET holds it', () => {
    const rtc = new Rtc(clock, ignore, () => false, 16 << 20);
    rtc.reset();
    const write = (register: number, value: number): void => (rtc.write(0, 1, register), rtc.write(1, 1, value));
    const read = (register: number): number => (rtc.write(0, 1, register), rtc.read(1));
    write(11, 0x82);
    clock.time += 5e9;
    assert.equal(read(0), 0);
    for (const [register, value] of [[8, 2], [7, 0x31], [8, 3], [9, 0x24], [4, 0x23], [2, 0x59], [0, 0x58]] as const) write(register, value); // prettier-ignore
    write(11, 2);
    const date = (): string => [9, 8, 7, 4, 2, 0].map(register => read(register).toString(16)).join(' ');
    assert.equal(date(), '24 3 31 23 59 58');
    clock.time += 2e9;
    assert.equal(date(), '24 4 1 0 0 0');
  });
});

describe('the HPET', () => {
  it('interrupts behind the end of its counter', () => {
    const edges: boolean[] = [];
    const lines = Array.from({ length: 24 }, (_, n) => (level: boolean) => void (n === 16 && edges.push(level)));
    const hpet = new Hpet(clock, lines, [ignore, ignore]);
    hpet.reset();
    const write = (at: number, value: number): void => hpet.write(at, 4, value >>> 0);
    write(0xf0, -100);
    write(0xf4, -1);
    write(0x100, (16 << 9) | 4);
    write(0x108, 50);
    write(0x10c, 0);
    write(0x10, 1);
    edges.length = 0;
    clock.time = 1200;
    hpet.advance(clock.time);
    assert.equal(edges.length, 0);
    assert.equal(hpet.deadline, 1500);
    clock.time = 1500;
    hpet.advance(clock.time);
    assert.deepEqual(edges, [true, false]);
  });
  it('gives parts of a register, but takes only whole ones', () => {
    const hpet = new Hpet(clock, [], [ignore, ignore]);
    hpet.reset();
    assert.equal(hpet.read(3) & 0xff, 0x80);
    hpet.write(0x10, 1, 1);
    assert.equal(hpet.read(0x10), 0);
  });
});

describe('the UART', () => {
  it('loses characters in loop-back when nobody reads: the newest of a FIFO, else the oldest', () => {
    const uart = new Uart(ignore, ignore);
    uart.write(4, 1, 0xf0);
    assert.equal(uart.read(4, 1), 0x10);
    uart.write(2, 1, 1);
    for (let n = 0; n < 20; n++) uart.write(0, 1, n);
    assert.equal(uart.read(5, 1), 0x63);
    assert.equal(uart.read(5, 1), 0x61);
    assert.deepEqual(Array.from({ length: 17 }, () => uart.read(0, 1)), [...Array(16).keys(), 0]); // prettier-ignore
    uart.write(0, 1, 1);
    uart.write(2, 1, 0);
    assert.equal(uart.read(5, 1), 0x60);
    uart.write(0, 1, 5);
    uart.write(0, 1, 6);
    assert.equal(uart.read(5, 1), 0x63);
    assert.equal(uart.read(0, 1), 6);
  });
});

describe('the keyboard controller', () => {
  it('remembers switches in its configuration, answers an echo, and does not grow without bound', () => {
    const keyboard = new KeyboardController(ignore, ignore);
    keyboard.data.reset();
    const command = (value: number): void => keyboard.status.write(0, 1, value);
    const answer = (): number => keyboard.data.read(0, 1);
    for (const [value, configuration] of [[0xad, 0x51], [0xa7, 0x71], [0xae, 0x61], [0xa8, 0x41]] as const) {
      command(value);
      command(0x20);
      assert.equal(answer(), configuration);
    } // prettier-ignore
    keyboard.data.write(0, 1, 0xee);
    assert.equal(answer(), 0xee);
    for (let n = 0; n < 1000; n++) keyboard.data.write(0, 1, 0xff);
    let waiting = 0;
    while (keyboard.status.read(0, 1) & 1) waiting += Number(answer() > 0);
    assert.ok(waiting <= 16, `${waiting} bytes waited`);
  });
});

describe('the bus', () => {
  it('gives byte-wide devices wide accesses as bytes', () => {
    const bus = new Bus();
    const written: [number, number][] = [];
    const device = {
      name: 'two bytes', byteWide: true as const, read: (offset: number) => 0x11 * (offset + 1),
      write: (offset: number, _size: number, value: number) => void written.push([offset, value]),
      reset: ignore, save: () => null, load: ignore,
    }; // prettier-ignore
    bus.map(device, 0x10, 2);
    assert.equal(bus.read(0x10, 4), 0xffff2211);
    bus.write(0x10, 4, 0x44332211);
    assert.deepEqual(written, [[0, 0x11], [1, 0x22]]); // prettier-ignore
  });
});

describe('the ACPI tables', () => {
  it('have a DSDT whose package ends with the table', () => {
    const tables = acpiTables(1);
    const at = Buffer.from(tables).indexOf('DSDT');
    const length = new DataView(tables.buffer).getUint32(at + 4, true);
    assert.ok(at > 0 && ACPI_BASE > 0);
    // Header, NameOp, name, PackageOp, and the package's own length, which counts itself.
    const package_ = at + 36 + 6;
    assert.equal(package_ + tables[package_], at + length);
  });
});
