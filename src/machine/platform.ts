/** The port bus with the devices of every machine, and what happens where no device is. */
import { Bus } from '../devices/bus';
import { DebugConsole, DebugExit, ShutdownPort } from '../devices/exits';
import { Uart } from '../devices/uart';
import type { FactOf } from './facts';

interface Hooks {
  /** The program ended the machine. */
  exit(status: number, detail: string): void;
  /** Sends a fact; true: stop. */
  access(fact: FactOf<'port'> | FactOf<'device-memory'>): boolean;
  stop(): void;
  now(): bigint;
}

const COM1 = 0x3f8;
const DEBUG_EXIT = 0xf4;
const SHUTDOWN = 0x8900;
const DEBUG_CONSOLE = 0xe9;

export class Platform {
  readonly bus = new Bus();
  readonly uart: Uart;
  private readonly serialListeners = new Set<(bytes: Uint8Array) => void>();
  private readonly unclaimedListeners = new Set<(message: string) => void>();
  /** Ports, and pages of memory, that were reported: twice their number, plus 1 for writes. */
  private readonly unclaimedPorts = new Set<number>();
  private readonly unclaimedPages = new Set<number>();

  constructor(private readonly hooks: Hooks) {
    const output = (byte: number): void => {
      for (const listener of this.serialListeners) listener(Uint8Array.of(byte));
    };
    this.uart = new Uart(output);
    this.bus.map(this.uart, COM1, 8);
    this.bus.map(new DebugConsole(output), DEBUG_CONSOLE, 1);
    this.bus.map(
      new DebugExit(value =>
        this.hooks.exit(
          ((value << 1) | 1) & 0xff,
          `the program wrote 0x${value.toString(16)} to the debug-exit port 0xf4`,
        ),
      ),
      DEBUG_EXIT,
      4,
    );
    this.bus.map(
      new ShutdownPort(() => this.hooks.exit(0, 'the program wrote "Shutdown" to port 0x8900')),
      SHUTDOWN,
      1,
    );
  }
  reset(): void {
    for (const device of this.bus.devices) device.reset();
    this.unclaimedPorts.clear();
    this.unclaimedPages.clear();
  }
  onSerial(listener: (bytes: Uint8Array) => void): () => void {
    this.serialListeners.add(listener);
    return () => this.serialListeners.delete(listener);
  }
  onUnclaimed(listener: (message: string) => void): () => void {
    this.unclaimedListeners.add(listener);
    return () => this.unclaimedListeners.delete(listener);
  }

  /** Where nothing answers, the bus floats: all ones. */
  portRead(port: number, size: number): number {
    const answer = this.bus.read(port, size);
    const value = answer ?? floating(size);
    this.port(port, size, value, false, answer === undefined);
    return value;
  }
  portWrite(port: number, size: number, value: number): void {
    const claimed = this.bus.claims(port);
    // Listeners first: a device may end the machine.
    this.port(port, size, value, true, !claimed);
    this.bus.write(port, size, value);
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
      cpu: 0,
      instruction: this.hooks.now(),
      port,
      size: size as 1 | 2 | 4,
      value,
      write,
      unclaimed,
    } as const;
    if (this.hooks.access(fact)) this.hooks.stop();
  }
  memoryRead(address: bigint, size: number): bigint {
    const value = (1n << BigInt(size * 8)) - 1n;
    this.memory(address, size, value, false);
    return value;
  }
  memoryWrite(address: bigint, size: number, value: bigint): void {
    this.memory(address, size, value, true);
  }
  private memory(physical: bigint, size: number, value: bigint, write: boolean): void {
    // One message a page: a loop over a frame buffer is one omission, not thousands.
    this.report(
      this.unclaimedPages,
      Number(physical >> 12n) * 2 + Number(write),
      () =>
        `physical address ${hex(physical)} was ${write ? 'written' : 'read'}, but this machine has neither RAM nor a device there`,
    );
    const fact = {
      kind: 'device-memory',
      cpu: 0,
      instruction: this.hooks.now(),
      physical,
      size,
      value,
      write,
      unclaimed: true,
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
