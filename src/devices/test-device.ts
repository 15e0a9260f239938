/** The test device that kvm-unit-tests expect: a port that remembers, interrupt lines at will, and a page of device memory. */
import type { Device } from './bus';
import type { Line } from './clock';

const MEMORY_BYTES = 0x10000;

export class TestDevice {
  readonly name = 'test device';
  private value = 0;
  private memory = new Uint8Array(MEMORY_BYTES);

  /** `lines`: the pins of the I/O APIC. */
  constructor(private readonly lines: readonly Line[]) {}

  /** Port 0xE0, 4 bytes: what was written is read again. */
  readonly port: Device = {
    name: this.name,
    read: (_offset, size) => (size === 4 ? this.value : this.value & (2 ** (8 * size) - 1)),
    write: (_offset, size, value) => {
      const mask = 2 ** (8 * size) - 1;
      this.value = ((this.value & ~mask) | (value & mask)) >>> 0;
    },
    reset: () => {
      this.value = 0;
      this.memory.fill(0);
    },
    save: () => ({ value: this.value, memory: this.memory.slice() }),
    load: saved => {
      const { value, memory } = saved as { value: number; memory: Uint8Array };
      this.value = value;
      this.memory = memory.slice();
    },
  };
  /** Port 0xE4: a virtual machine would unmap a page here. */
  readonly flush: Device = stateless('test device: flush', () => undefined);
  /** Ports 0x2000 to 0x2017: the level of interrupt line n. */
  readonly interrupts: Device = stateless('test device: interrupts', (offset, value) =>
    this.lines[offset]?.(value !== 0),
  );
  /** 64 KiB of memory that is a device's. */
  readonly window: Device = {
    name: 'test device: memory',
    read: (offset, size) => {
      let value = 0;
      for (let n = size - 1; n >= 0; n--) value = value * 256 + this.memory[(offset + n) % MEMORY_BYTES];
      return value;
    },
    write: (offset, size, value) => {
      for (let n = 0; n < size; n++) this.memory[(offset + n) % MEMORY_BYTES] = (value >>> (8 * n)) & 0xff;
    },
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };
}

function stateless(name: string, write: (offset: number, value: number) => void): Device {
  return {
    name,
    read: () => 0,
    write: (offset, _size, value) => write(offset, value),
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };
}
