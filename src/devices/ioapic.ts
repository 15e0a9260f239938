/** The I/O APIC (82093AA data sheet): 24 pins, each with a redirection entry. */
import { cloned } from './state';
import type { Device } from './bus';
import type { Line } from './clock';

const PINS = 24;
const MASKED = 1 << 16;
const LEVEL = 1 << 15;
const REMOTE_IRR = 1 << 14;
const ACTIVE_LOW = 1 << 13;
const LOGICAL = 1 << 11;
/** Version 0x20: with an EOI register. */
const VERSION = 0x20 | ((PINS - 1) << 16);
const FIXED_OR_LOWEST = 1;

/** An interrupt message: `low` as in a local APIC's interrupt command register. */
export type Message = (low: number, destination: number) => void;

export class IoApic implements Device {
  readonly name = 'I/O APIC';
  private id = 0;
  private select = 0;
  /** Redirection entries: low words, and destinations (bits 63:56). */
  private low = new Array<number>(PINS).fill(MASKED);
  private high = new Array<number>(PINS).fill(0);
  /** Whether each pin is asserted. */
  private asserted = new Array<boolean>(PINS).fill(false);

  constructor(private readonly message: Message) {}

  /** Pin `n`. */
  pin(n: number): Line {
    return level => {
      const was = this.asserted[n];
      this.asserted[n] = level;
      if (level && (!was || this.low[n] & LEVEL)) this.deliver(n);
    };
  }
  /** Whether an interrupt on pin `n` would be delivered. */
  listens(n: number): boolean {
    return !(this.low[n] & MASKED);
  }
  private deliver(n: number): void {
    const entry = this.low[n];
    if (entry & MASKED) return;
    if (entry & LEVEL) {
      if (entry & REMOTE_IRR) return;
      if (((entry >> 8) & 7) <= FIXED_OR_LOWEST) this.low[n] |= REMOTE_IRR;
    }
    this.message((entry & (0x7ff | LOGICAL | LEVEL)) | (1 << 14), this.high[n] >>> 24);
  }
  /** A local APIC ended the level-triggered interrupt `vector`. */
  endOfInterrupt(vector: number): void {
    for (let n = 0; n < PINS; n++) {
      if (!(this.low[n] & LEVEL) || (this.low[n] & 0xff) !== vector || !(this.low[n] & REMOTE_IRR)) continue;
      this.low[n] &= ~REMOTE_IRR;
      if (this.asserted[n]) this.deliver(n);
    }
  }

  reset(): void {
    this.id = 0;
    this.select = 0;
    this.low.fill(MASKED);
    this.high.fill(0);
    this.asserted.fill(false);
  }
  /** Offset 0 selects, 0x10 is the window, 0x40 the EOI register. */
  read(offset: number): number {
    if (offset === 0) return this.select;
    return offset === 0x10 ? this.readRegister() : 0;
  }
  private readRegister(): number {
    if (this.select === 0 || this.select === 2) return this.id << 24;
    if (this.select === 1) return VERSION;
    const n = (this.select - 0x10) >> 1;
    if (n < 0 || n >= PINS) return 0;
    return (this.select & 1 ? this.high[n] : this.low[n]) >>> 0;
  }
  write(offset: number, _size: number, value: number): void {
    if (offset === 0) this.select = value & 0xff;
    else if (offset === 0x10) this.writeRegister(value);
    else if (offset === 0x40) this.endOfInterrupt(value & 0xff);
  }
  private writeRegister(value: number): void {
    if (this.select === 0) this.id = (value >>> 24) & 15;
    const n = (this.select - 0x10) >> 1;
    if (n < 0 || n >= PINS) return;
    if (this.select & 1) {
      this.high[n] = value & 0xff000000;
      return;
    }
    const writable = 0xff | 0x700 | LOGICAL | ACTIVE_LOW | LEVEL | MASKED;
    this.low[n] = (value & writable) | (this.low[n] & REMOTE_IRR & (value & LEVEL ? REMOTE_IRR : 0));
    if (this.asserted[n] && this.low[n] & LEVEL) this.deliver(n);
  }
  save(): unknown {
    const { id, select } = this;
    return { id, select, low: [...this.low], high: [...this.high], asserted: [...this.asserted] };
  }
  load(saved: unknown): void {
    Object.assign(this, cloned(saved));
  }
}
