/** PCI configuration space: functions with their headers, reached by ports 0xCF8 and 0xCFC or by ECAM (PCI 3.0 chapter 6). */
import type { Device } from './bus';

export interface PciIdentity {
  vendor: number;
  device: number;
  /** Class, subclass and programming interface: 24 bits. */
  class: number;
  revision?: number;
  subsystem?: { vendor: number; device: number };
  /** Type 0 header with bit 7 for several functions. */
  multiFunction?: boolean;
}
/** A base address register: `bytes` is a power of two. */
export interface PciBar {
  space: 'memory' | 'io';
  bytes: number;
  device: Device;
}

const CONFIGURATION_BYTES = 256;
const COMMAND = 4;
const BARS = 0x10;
const INTERRUPT_LINE = 0x3c;
/** I/O space, memory space, bus master, SERR, interrupt disable. */
const COMMAND_WRITABLE = 0x0547;

/** One function's configuration space. */
export class PciFunction {
  private bytes = new Uint8Array(CONFIGURATION_BYTES);
  constructor(
    readonly identity: PciIdentity,
    readonly bars: readonly PciBar[] = [],
    /** Called when the address of a BAR or its decoding changed. */
    private readonly moved: () => void = () => undefined,
  ) {
    this.reset();
  }
  reset(): void {
    this.bytes.fill(0);
    const { vendor, device, revision = 0, subsystem, multiFunction } = this.identity;
    const word = (at: number, value: number): void => void this.bytes.set([value & 0xff, value >> 8], at);
    word(0, vendor);
    word(2, device);
    this.bytes.set(
      [revision, this.identity.class & 0xff, (this.identity.class >> 8) & 0xff, this.identity.class >> 16],
      8,
    );
    this.bytes[0x0e] = multiFunction ? 0x80 : 0;
    if (subsystem) {
      word(0x2c, subsystem.vendor);
      word(0x2e, subsystem.device);
    }
    this.bars.forEach(({ space }, n) => (this.bytes[BARS + 4 * n] = space === 'io' ? 1 : 0));
  }
  read(offset: number, size: number): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (this.bytes[offset + n] ?? 0xff);
    return value;
  }
  write(offset: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.writeByte(offset + n, Math.floor(value / 2 ** (8 * n)) & 0xff);
    this.moved();
  }
  private writeByte(at: number, value: number): void {
    const old = this.bytes[at];
    const bar = this.bars[(at - BARS) >> 2];
    if (at >= BARS && bar) {
      // Address bits below the size read as 0: that is how software learns the size.
      const shift = 8 * (at & 3);
      const mask = (~(bar.bytes - 1) >>> shift) & 0xff;
      const fixed = at & 3 ? 0 : bar.space === 'io' ? 1 : 0;
      this.bytes[at] = (value & mask) | fixed;
    } else if (at === COMMAND || at === COMMAND + 1) {
      const mask = (COMMAND_WRITABLE >> (8 * (at - COMMAND))) & 0xff;
      this.bytes[at] = (old & ~mask) | (value & mask);
    } else if (at === INTERRUPT_LINE || (at >= 0x40 && at < 0x100)) this.bytes[at] = value;
  }
  /** Where BAR `n` answers now; undefined: nowhere. */
  base(n: number): number | undefined {
    const { space, bytes } = this.bars[n];
    if (!(this.bytes[COMMAND] & (space === 'io' ? 1 : 2))) return undefined;
    const address = this.read(BARS + 4 * n, 4) - (space === 'io' ? 1 : 0);
    return address && address + bytes <= (space === 'io' ? 0x10000 : 2 ** 32) ? address : undefined;
  }
  /** As firmware does before the program starts. */
  assign(n: number, address: number): void {
    this.write(BARS + 4 * n, 4, address);
    this.write(COMMAND, 1, this.bytes[COMMAND] | (this.bars[n].space === 'io' ? 1 : 2));
  }
  save(): unknown {
    return [...this.bytes];
  }
  load(saved: unknown): void {
    this.bytes = Uint8Array.from(saved as number[]);
  }
}

/** Bus 0 behind the host bridge. */
export class Pci {
  readonly name = 'PCI configuration';
  private address = 0;
  private readonly functions = new Map<number, PciFunction>();

  /** Adds `f` as bus 0, `device`, `number`. */
  add(device: number, number: number, f: PciFunction): void {
    this.functions.set((device << 3) | number, f);
  }
  private at(bus: number, place: number): PciFunction | undefined {
    return bus === 0 ? this.functions.get(place) : undefined;
  }
  private readAt(bus: number, place: number, offset: number, size: number): number {
    const f = this.at(bus, place);
    if (f && offset + size <= CONFIGURATION_BYTES) return f.read(offset, size);
    // Behind the first 256 bytes of a present function there is no extended capability; an absent one floats.
    return f ? 0 : 2 ** (8 * size) - 1;
  }

  /** Port 0xCF8: the address, written and read as four bytes. */
  readonly select: Device = {
    name: this.name,
    read: (_offset, size) => (size === 4 ? this.address : 2 ** (8 * size) - 1),
    write: (_offset, size, value) => {
      if (size === 4) this.address = (value & 0x80fffffc) >>> 0;
    },
    reset: () => {
      this.address = 0;
      for (const f of this.functions.values()) f.reset();
    },
    save: () => ({ address: this.address, functions: [...this.functions].map(([place, f]) => [place, f.save()]) }),
    load: saved => {
      const { address, functions } = saved as { address: number; functions: [number, unknown][] };
      this.address = address;
      for (const [place, state] of functions) this.functions.get(place)?.load(state);
    },
  };
  /** Ports 0xCFC to 0xCFF: what the address selects. */
  readonly data: Device = {
    name: this.name,
    read: (offset, size) =>
      this.address >>> 31
        ? this.readAt(this.bus, this.place, (this.address & 0xfc) + offset, size)
        : 2 ** (8 * size) - 1,
    write: (offset, size, value) => {
      if (this.address >>> 31) this.at(this.bus, this.place)?.write((this.address & 0xfc) + offset, size, value);
    },
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };
  private get bus(): number {
    return (this.address >> 16) & 0xff;
  }
  private get place(): number {
    return (this.address >> 8) & 0xff;
  }
  /** Enhanced configuration access: 4 KiB a function, 1 MiB a bus (PCI Express 7.2.2). */
  readonly ecam: Device = {
    name: 'PCI configuration (ECAM)',
    read: (offset, size) => this.readAt(offset >>> 20, (offset >> 12) & 0xff, offset & 0xfff, size),
    write: (offset, size, value) => {
      if ((offset & 0xfff) + size <= CONFIGURATION_BYTES)
        this.at(offset >>> 20, (offset >> 12) & 0xff)?.write(offset & 0xfff, size, value);
    },
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };
}
