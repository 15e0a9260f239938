/** Read-only memory that is reached as a device. */
import type { Device } from './bus';

export class Rom implements Device {
  readonly name = 'ROM';
  private content: Uint8Array = new Uint8Array(0);
  fill(content: Uint8Array): void {
    this.content = content;
  }
  read(offset: number, size: number): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (this.content[offset + n] ?? 0xff);
    return value;
  }
  write(): void {}
  reset(): void {}
  save(): unknown {
    return null;
  }
  load(): void {}
}
