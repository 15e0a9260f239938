/** The devices of every machine, where they answer and how their interrupts are wired; and what happens where no device is. */
import { PowerManagement, ResetControl } from '../devices/acpi';
import { Bus, type Device } from '../devices/bus';
import type { Clock, Line, Timed } from '../devices/clock';
import { DebugConsole, DebugExit, FirmwarePort, PostCode, ShutdownPort } from '../devices/exits';
import { FwCfg } from '../devices/fw-cfg';
import { Hpet } from '../devices/hpet';
import { IoApic, type Message } from '../devices/ioapic';
import { KeyboardController } from '../devices/keyboard';
import { Pci, PciFunction } from '../devices/pci';
import { Pic } from '../devices/pic';
import { Pit } from '../devices/pit';
import { Rom } from '../devices/rom';
import { Rtc } from '../devices/rtc';
import { TestDevice } from '../devices/test-device';
import { Uart } from '../devices/uart';
import type { FactOf } from './facts';

/** `firmware`: the ROM found nothing to resume after INIT; `hard`: the whole machine. */
export type Reset = 'init' | 'firmware' | 'hard';

interface Hooks extends Clock {
  /** The program ended the machine. */
  exit(status: number, detail: string): void;
  /** Sends a fact; true: stop. */
  access(fact: FactOf<'port'> | FactOf<'device-memory'>): boolean;
  stop(): void;
  /** Retired instructions. */
  instructions(): bigint;
  cpu(): number;
  /** The 8259's INTR. */
  intr: Line;
  /** Sends an interrupt message to the local APICs. */
  message: Message;
  /** Devices have a new deadline, in nanoseconds. */
  deadline(at: number): void;
  /** A reset line: `init` only that of the first processor, `firmware` and `hard` those that start the program anew. */
  reset(kind: Reset): void;
}

const COM1 = 0x3f8;
const DEBUG_EXIT = 0xf4;
const SHUTDOWN = 0x8900;
const DEBUG_CONSOLE = 0xe9;
const UART_LINE = 4;
const RTC_LINE = 8;
export const SCI_LINE = 9;
export const PM_BASE = 0x600;
export const RESET_PORT = 0xcf9;
/** The port that chip sets use to call firmware (APM control). */
export const FIRMWARE_PORT = 0xb2;
const POST_CODE = 0x80;
const FW_CFG = 0x510;
export const IO_APIC_BASE = 0xfec00000;
export const HPET_BASE = 0xfed00000;
export const ECAM_BASE = 0xe0000000;
export const ECAM_BUSES = 256;
const TEST_MEMORY = 0xff000000;
const PINS = 24;
const ISA_LINES = 16;

export class Platform implements Timed {
  readonly bus = new Bus();
  readonly memory = new Bus();
  readonly uart: Uart;
  readonly firmware = new FwCfg();
  readonly rom = new Rom();
  readonly ioApic: IoApic;
  readonly pic: Pic;
  readonly rtc: Rtc;
  private readonly hpet: Hpet;
  /** Time for devices never goes back: of several processors, the next one's turn begins where the last one's began. */
  private readonly clock: Clock = { now: () => (this.latest = Math.max(this.latest, this.hooks.now())) };
  private latest = 0;
  private readonly timed: readonly Timed[];
  private readonly serialListeners = new Set<(bytes: Uint8Array) => void>();
  private readonly unclaimedListeners = new Set<(message: string) => void>();
  /** Ports, and pages of memory, that were reported: twice their number, plus 1 for writes. */
  private readonly unclaimedPorts = new Set<number>();
  private readonly unclaimedPages = new Set<number>();

  constructor(
    private readonly hooks: Hooks,
    memoryBytes: number,
  ) {
    this.pic = new Pic(hooks.intr);
    this.ioApic = new IoApic(hooks.message);
    const output = (byte: number): void => {
      for (const listener of this.serialListeners) listener(Uint8Array.of(byte));
    };
    this.uart = new Uart(output, this.isaLine(UART_LINE));
    const pit = new Pit(this.clock, this.legacyLine(0), () => this.listens(0));
    this.rtc = new Rtc(this.clock, this.legacyLine(RTC_LINE), () => this.listens(RTC_LINE), memoryBytes);
    const pins = Array.from({ length: PINS }, (_, n) => this.ioApic.pin(n));
    this.hpet = new Hpet(this.clock, pins, [this.isaLine(0), this.isaLine(RTC_LINE)]);
    const power = new PowerManagement(this.clock, this.isaLine(SCI_LINE), () =>
      hooks.exit(0, 'the program powered the machine off'),
    );
    this.timed = [pit, this.rtc, this.hpet, power];

    const { bus, memory } = this;
    bus.map(this.pic.part(0), 0x20, 2);
    bus.map(this.pic.part(2), 0xa0, 2);
    bus.map(this.pic.part(4), 0x4d0, 2);
    bus.map(pit.counters, 0x40, 4);
    bus.map(pit.gate, 0x61, 1);
    bus.map(this.rtc, 0x70, 2);
    bus.map(power, PM_BASE, 12);
    bus.map(this.firmware, FW_CFG, 2);
    bus.map(this.uart, COM1, 8);
    bus.map(new DebugConsole(output), DEBUG_CONSOLE, 1);
    bus.map(new PostCode(), POST_CODE, 1);
    this.mapResets(bus);
    this.mapExits(bus);
    this.mapPci(bus, memory);
    // As QEMU wires it: lines 0 to 15 are those of the ISA bus.
    const test = new TestDevice(pins.map((pin, n) => (n < ISA_LINES ? this.isaLine(n) : pin)));
    bus.map(test.port, 0xe0, 4);
    bus.map(test.flush, 0xe4, 4);
    bus.map(test.interrupts, 0x2000, PINS);
    memory.map(test.window, TEST_MEMORY, 0x10000);
    memory.map(this.rom, 0xffff0000, 0x10000);
    memory.map(this.ioApic, IO_APIC_BASE, 0x1000);
    memory.map(this.hpet, HPET_BASE, 0x400);
  }
  private mapResets(bus: Bus): void {
    const keyboard = new KeyboardController(() => this.hooks.reset('init'), this.isaLine(1));
    bus.map(keyboard.data, 0x60, 1);
    bus.map(keyboard.status, 0x64, 1);
    bus.map(keyboard.portA, 0x92, 1);
    bus.map(new FirmwarePort(() => this.hooks.reset('firmware')), FIRMWARE_PORT, 1);
    bus.map(new ResetControl(hard => this.hooks.reset(hard ? 'hard' : 'init')), RESET_PORT, 1);
  }
  private mapExits(bus: Bus): void {
    const exit = new DebugExit(value =>
      this.hooks.exit(
        ((value << 1) | 1) & 0xff,
        `the program wrote 0x${value.toString(16)} to the debug-exit port 0xf4`,
      ),
    );
    bus.map(exit, DEBUG_EXIT, 4);
    bus.map(new ShutdownPort(() => this.hooks.exit(0, 'the program wrote "Shutdown" to port 0x8900')), SHUTDOWN, 1);
  }
  private mapPci(bus: Bus, memory: Bus): void {
    const pci = new Pci();
    // The bridges of a PC with the Q35 chip set: what operating systems expect on bus 0.
    pci.add(0, 0, new PciFunction({ vendor: 0x8086, device: 0x29c0, class: 0x060000 }));
    pci.add(31, 0, new PciFunction({ vendor: 0x8086, device: 0x2918, class: 0x060100, multiFunction: true }));
    // Four bytes wide, but 0xCF9 is the reset register's.
    bus.map(pci.select, 0xcf8, 1);
    bus.map(pci.data, 0xcfc, 4);
    memory.map(pci.ecam, ECAM_BASE, ECAM_BUSES << 20);
  }

  /** ISA line `n`, at both interrupt controllers; line 0 is pin 2 of the I/O APIC (the MADT says so). */
  private isaLine(n: number): Line {
    const first = this.pic.line(n);
    const second = this.ioApic.pin(n === 0 ? 2 : n);
    return level => {
      first(level);
      second(level);
    };
  }
  /** A line that the HPET may take over. */
  private legacyLine(n: number): Line {
    const line = this.isaLine(n);
    return level => {
      if (!this.hpet.replacesLegacy) line(level);
    };
  }
  private listens(n: number): boolean {
    return this.pic.listens(n) || this.ioApic.listens(n === 0 ? 2 : n);
  }

  get devices(): readonly Device[] {
    return [...this.bus.devices, ...this.memory.devices];
  }
  reset(): void {
    this.latest = 0;
    for (const device of this.devices) device.reset();
    this.unclaimedPorts.clear();
    this.unclaimedPages.clear();
    this.changed();
  }
  /** Everything that a snapshot must keep, device by device. */
  save(): unknown[] {
    return [this.latest, ...this.devices.map(device => device.save())];
  }
  load(saved: readonly unknown[]): void {
    const [latest, ...devices] = saved;
    this.latest = latest as number;
    this.devices.forEach((device, n) => device.load(devices[n]));
    this.changed();
  }
  onSerial(listener: (bytes: Uint8Array) => void): () => void {
    this.serialListeners.add(listener);
    return () => this.serialListeners.delete(listener);
  }
  onUnclaimed(listener: (message: string) => void): () => void {
    this.unclaimedListeners.add(listener);
    return () => this.unclaimedListeners.delete(listener);
  }
  /** The 8259s as firmware leaves them: vectors 8 and 0x70, the timer on, or (`silent`) all masked. */
  setUpPic(silent: boolean): void {
    const initialize = (port: number, vector: number, cascade: number, mask: number): void => {
      this.bus.write(port, 1, 0x11);
      for (const word of [vector, cascade, 1, mask]) this.bus.write(port + 1, 1, word);
    };
    initialize(0x20, 0x08, 4, silent ? 0xff : 0xfa);
    initialize(0xa0, 0x70, 2, 0xff);
    this.changed();
  }
  /** Whether input for COM1 would raise an interrupt that a controller lets through. */
  get awaitsInput(): boolean {
    return this.uart.awaitsInput && this.listens(UART_LINE);
  }
  /** Input for COM1. */
  receive(bytes: Uint8Array): void {
    this.uart.receive(bytes);
    this.changed();
  }

  get deadline(): number {
    let at = Infinity;
    for (const device of this.timed) at = Math.min(at, device.deadline);
    return at;
  }
  /** Everything that is due acts. */
  advanceToNow(): void {
    this.advance(this.clock.now());
  }
  advance(now: number): void {
    for (const device of this.timed) device.advance(now);
  }
  /** A device was touched: others may see it sooner or later than they thought. */
  private changed(): void {
    this.hooks.deadline(this.deadline);
  }

  /** Where nothing answers, the bus floats: all ones. */
  portRead(port: number, size: number): number {
    this.advance(this.clock.now());
    const answer = this.bus.read(port, size);
    const value = answer ?? floating(size);
    if (answer !== undefined) this.changed();
    this.port(port, size, value, false, answer === undefined);
    return value;
  }
  portWrite(port: number, size: number, value: number): void {
    const claimed = this.bus.claims(port);
    // Listeners first: a device may end the machine.
    this.port(port, size, value, true, !claimed);
    if (!claimed) return;
    this.advance(this.clock.now());
    this.bus.write(port, size, value);
    this.changed();
  }
  private port(port: number, size: number, value: number, write: boolean, unclaimed: boolean): void {
    if (unclaimed)
      this.report(
        this.unclaimedPorts,
        port * 2 + Number(write),
        () => `port ${hex(port)} was ${write ? 'written' : 'read'}, but this machine has no device there`,
      );
    const fact = {
      kind: 'port',
      cpu: this.hooks.cpu(),
      instruction: this.hooks.instructions(),
      port,
      size: size as 1 | 2 | 4,
      value,
      write,
      unclaimed,
    } as const;
    if (this.hooks.access(fact)) this.hooks.stop();
  }

  memoryRead(address: bigint, size: number): bigint {
    const at = Number(address);
    const claimed = this.memory.claims(at);
    let value = (1n << BigInt(size * 8)) - 1n;
    if (claimed) {
      this.advance(this.clock.now());
      const low = Math.min(size, 4);
      value = BigInt.asUintN(8 * low, BigInt(this.memory.read(at, low)!));
      if (size > 4) value |= BigInt(this.memory.read(at + 4, size - 4) ?? 0) << 32n;
      this.changed();
    }
    this.deviceMemory(address, size, value, false, !claimed);
    return value;
  }
  memoryWrite(address: bigint, size: number, value: bigint): void {
    const at = Number(address);
    const claimed = this.memory.claims(at);
    this.deviceMemory(address, size, value, true, !claimed);
    if (!claimed) return;
    this.advance(this.clock.now());
    this.memory.write(at, Math.min(size, 4), Number(value & 0xffffffffn));
    if (size > 4) this.memory.write(at + 4, size - 4, Number(value >> 32n));
    this.changed();
  }
  private deviceMemory(physical: bigint, size: number, value: bigint, write: boolean, unclaimed: boolean): void {
    // One message a page: a loop over a frame buffer is one omission, not thousands.
    if (unclaimed)
      this.report(
        this.unclaimedPages,
        Number(physical >> 12n) * 2 + Number(write),
        () =>
          `physical address ${hex(physical)} was ${write ? 'written' : 'read'}, but this machine has neither RAM nor a device there`,
      );
    const fact = {
      kind: 'device-memory',
      cpu: this.hooks.cpu(),
      instruction: this.hooks.instructions(),
      physical,
      size,
      value,
      write,
      unclaimed,
    } as const;
    if (this.hooks.access(fact)) this.hooks.stop();
  }
  private report(reported: Set<number>, place: number, message: () => string): void {
    if (reported.has(place)) return;
    reported.add(place);
    for (const listener of this.unclaimedListeners) listener(message());
  }
}
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const floating = (size: number): number => (size === 4 ? 0xffffffff : 2 ** (size * 8) - 1);
