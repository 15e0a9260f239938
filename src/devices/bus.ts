/** The port bus: which device answers where. Devices do not know their own addresses. */

/** A device with registers at offsets 0, 1, ... Sizes and values are in bytes and unsigned. */
export interface Device {
  /** Name for messages and views. */
  readonly name: string;
  /** Registers are one byte wide: a wider access comes as bytes at successive addresses, as on the ISA bus. */
  readonly byteWide?: true;
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
  /** Power-on state. */
  reset(): void;
  /** Everything that a snapshot must keep, as plain data. */
  save(): unknown;
  load(saved: unknown): void;
}

interface Mapping {
  first: number;
  last: number;
  device: Device;
}

export class Bus {
  private readonly mappings: Mapping[] = [];

  /** Lets `device` answer at [first, first + count). Throws when something answers there already. */
  map(device: Device, first: number, count: number): void {
    const last = first + count - 1;
    const other = this.mappings.find(m => m.first <= last && first <= m.last);
    if (other) throw new Error(`${device.name} and ${other.device.name} both claim 0x${first.toString(16)}`);
    this.mappings.push({ first, last, device });
  }
  get devices(): readonly Device[] {
    return [...new Set(this.mappings.map(m => m.device))];
  }
  private at(address: number): Mapping | undefined {
    return this.mappings.find(m => address >= m.first && address <= m.last);
  }
  claims(address: number): boolean {
    return this.at(address) !== undefined;
  }
  /** The value, or undefined when nothing answers. */
  read(address: number, size: number): number | undefined {
    const mapping = this.at(address);
    if (!mapping) return undefined;
    if (!mapping.device.byteWide || size === 1) return mapping.device.read(address - mapping.first, size) >>> 0;
    let value = 0;
    for (let n = 0; n < size; n++) value += ((this.read(address + n, 1) ?? 0xff) & 0xff) * 2 ** (8 * n);
    return value;
  }
  /** False when nothing answers. */
  write(address: number, size: number, value: number): boolean {
    const mapping = this.at(address);
    if (!mapping) return false;
    if (!mapping.device.byteWide || size === 1) mapping.device.write(address - mapping.first, size, value >>> 0);
    else for (let n = 0; n < size; n++) this.write(address + n, 1, (value >>> (8 * n)) & 0xff);
    return true;
  }
}
