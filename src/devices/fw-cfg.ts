/** The firmware configuration device of QEMU's PC: a selector at port 0x510 and a byte window at 0x511. */
import type { Device } from './bus';

/** Keys of the items (the interface's documentation: "fw_cfg, legacy items"). */
const SIGNATURE = 0x00;
const INTERFACE = 0x01;
const RAM_SIZE = 0x03;
const PROCESSORS = 0x05;
const KERNEL_COMMAND_LINE = 0x09;
const MAX_PROCESSORS = 0x0f;
const DIRECTORY = 0x19;
const FIRST_FILE = 0x20;
/** The traditional interface, without DMA. */
const FEATURES = 1;
const NAME_BYTES = 56;

export interface FirmwareConfiguration {
  memoryBytes: number;
  processors: number;
  commandLine: string;
  /** Named items, in the order of their keys. */
  files: readonly { name: string; data: Uint8Array }[];
}

export class FwCfg implements Device {
  readonly name = 'firmware configuration';
  private items = new Map<number, Uint8Array>();
  private selected = 0;
  private offset = 0;

  /** What the items say; the machine gives it before it starts. */
  configure({ memoryBytes, processors, commandLine, files }: FirmwareConfiguration): void {
    const text = (value: string): Uint8Array => Uint8Array.from(value, c => c.charCodeAt(0) & 0xff);
    this.items = new Map([
      [SIGNATURE, text('QEMU')],
      [INTERFACE, little(FEATURES, 4)],
      [RAM_SIZE, little(memoryBytes, 8)],
      [PROCESSORS, little(processors, 2)],
      [MAX_PROCESSORS, little(processors, 2)],
      [KERNEL_COMMAND_LINE, text(`${commandLine}\0`)],
      [DIRECTORY, directory(files)],
      ...files.map(({ data }, n): [number, Uint8Array] => [FIRST_FILE + n, data]),
    ]);
  }
  read(offset: number, size: number): number {
    if (offset === 0 && size === 2) return this.selected;
    const item = this.items.get(this.selected & 0x3fff);
    return item?.[this.offset++] ?? 0;
  }
  write(offset: number, size: number, value: number): void {
    if (offset !== 0 || size === 1) return; // items cannot be written
    this.selected = value & 0xffff;
    this.offset = 0;
  }
  reset(): void {
    this.selected = 0;
    this.offset = 0;
  }
  save(): unknown {
    return { selected: this.selected, offset: this.offset };
  }
  load(saved: unknown): void {
    Object.assign(this, saved);
  }
}

function little(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) & 0xff);
}
/** The file directory: count, then size, key, reserved and name of each; big-endian. */
function directory(files: FirmwareConfiguration['files']): Uint8Array {
  const bytes = new Uint8Array(4 + files.length * (8 + NAME_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  files.forEach(({ name, data }, n) => {
    const at = 4 + n * (8 + NAME_BYTES);
    view.setUint32(at, data.length);
    view.setUint16(at + 4, FIRST_FILE + n);
    bytes.set(
      Uint8Array.from(name.slice(0, NAME_BYTES - 1), c => c.charCodeAt(0)),
      at + 8,
    );
  });
  return bytes;
}
