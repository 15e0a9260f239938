/** The port bus: which device answers where. Devices do not know their own addresses. */

/** A device with registers at offsets 0, 1, ... Sizes and values are in bytes and unsigned. */
export interface Device {
  /** Name for messages and views. */
  readonly name: string;
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
    return mapping && mapping.device.read(address - mapping.first, size) >>> 0;
  }
  /** False when nothing answers. */
  write(address: number, size: number, value: number): boolean {
    const mapping = this.at(address);
    mapping?.device.write(address - mapping.first, size, value >>> 0);
    return mapping !== undefined;
  }
}
