/** Ports by which a program ends the machine, and the debug console. */
import type { Device } from './bus';

/** QEMU's isa-debug-exit: a write of `v` ends the machine with status (v << 1) | 1. */
export class DebugExit implements Device {
  readonly name = 'debug exit';
  constructor(private readonly ended: (value: number) => void) {}
  read(): number {
    return 0;
  }
  write(_offset: number, _size: number, value: number): void {
    this.ended(value);
  }
  reset(): void {}
  save(): unknown {
    return null;
  }
  load(): void {}
}

/** Bochs's shutdown port: the word "Shutdown", byte by byte, powers the machine off. */
export class ShutdownPort implements Device {
  readonly name = 'shutdown port';
  private static readonly word = 'Shutdown';
  private seen = 0;
  constructor(private readonly ended: () => void) {}
  read(): number {
    return 0;
  }
  write(_offset: number, _size: number, value: number): void {
    const character = String.fromCharCode(value & 0xff);
    const word = ShutdownPort.word;
    this.seen = character === word[this.seen] ? this.seen + 1 : character === word[0] ? 1 : 0;
    if (this.seen === word.length) this.ended();
  }
  reset(): void {
    this.seen = 0;
  }
  save(): unknown {
    return this.seen;
  }
  load(saved: unknown): void {
    this.seen = saved as number;
  }
}

/** Port 0x80: firmware and kernels write codes of their progress, or use it to wait. */
export class PostCode implements Device {
  readonly name = 'power-on self-test code';
  readonly byteWide = true;
  private code = 0;
  read(): number {
    return this.code;
  }
  write(_offset: number, _size: number, value: number): void {
    this.code = value & 0xff;
  }
  reset(): void {
    this.code = 0;
  }
  save(): unknown {
    return this.code;
  }
  load(saved: unknown): void {
    this.code = saved as number;
  }
}

/** The port by which this machine's firmware asks to start the program anew. */
export class FirmwarePort implements Device {
  readonly name = 'firmware';
  constructor(private readonly asked: () => void) {}
  read(): number {
    return 0;
  }
  write(_offset: number, _size: number, value: number): void {
    if (value === START_ANEW) this.asked();
  }
  reset(): void {}
  save(): unknown {
    return null;
  }
  load(): void {}
}
/** What the ROM writes. */
export const START_ANEW = 0x52;

/** Port 0xE9 of Bochs and QEMU: a byte written is printed; a read answers 0xE9. */
export class DebugConsole implements Device {
  readonly name = 'debug console';
  constructor(private readonly output: (byte: number) => void) {}
  read(): number {
    return 0xe9;
  }
  write(_offset: number, _size: number, value: number): void {
    this.output(value & 0xff);
  }
  reset(): void {}
  save(): unknown {
    return null;
  }
  load(): void {}
}
