/** The high-precision event timer (IA-PC HPET specification 1.0a): a counter of 100 MHz and three comparators. */
import { cloned } from './state';
import type { Device } from './bus';
import type { Clock, Line, Timed } from './clock';

const TIMERS = 3;
/** Nanoseconds a tick. */
const PERIOD = 10;
const PERIOD_FEMTOSECONDS = PERIOD * 1e6;
/** Revision 1, three timers, 64-bit counter, legacy replacement, vendor. */
const CAPABILITIES = 0x8086a201;
const ENABLE = 1;
const LEGACY = 2;
const LEVEL = 1 << 1;
const INTERRUPT = 1 << 2;
const PERIODIC = 1 << 3;
const PERIODIC_CAPABLE = 1 << 4;
const WIDE_CAPABLE = 1 << 5;
const SET_VALUE = 1 << 6;
const NARROW = 1 << 8;
const WRITABLE = LEVEL | INTERRUPT | PERIODIC | SET_VALUE | NARROW | (31 << 9);
/** I/O APIC pins that a comparator may be routed to: 16 to 23. */
const ROUTES = 0x00ff0000;
const WORD = 2n ** 64n - 1n;

interface Comparator {
  configuration: number;
  comparator: bigint;
  period: bigint;
}

/** `old` with its high or low half replaced. */
const merged = (old: bigint, high: boolean, half: number): bigint =>
  high ? (old & 0xffffffffn) | (BigInt(half) << 32n) : (old & ~0xffffffffn & WORD) | BigInt(half);

export class Hpet implements Device, Timed {
  readonly name = 'HPET';
  private configuration = 0;
  private status = 0;
  /** Counter value at `since`, or the counter while it stands. */
  private base = 0n;
  private since = 0;
  private told = 0n;
  /** When the low half of a comparator was written with SET_VALUE. */
  private setAt = -1;
  private timers: Comparator[] = [];

  /** `lines`: the pins of the I/O APIC; `legacy`: ISA lines 0 and 8. */
  constructor(
    private readonly clock: Clock,
    private readonly lines: readonly Line[],
    private readonly legacy: readonly [Line, Line],
  ) {}

  reset(): void {
    this.configuration = 0;
    this.status = 0;
    this.base = 0n;
    this.since = 0;
    this.told = 0n;
    this.timers = Array.from({ length: TIMERS }, (_, n) => ({
      configuration: WIDE_CAPABLE | (n === 0 ? PERIODIC_CAPABLE : 0),
      comparator: WORD,
      period: 0n,
    }));
  }
  private counterAt(now: number): bigint {
    if (!(this.configuration & ENABLE)) return this.base;
    return (this.base + BigInt(Math.floor((now - this.since) / PERIOD))) & WORD;
  }
  /** Ticks from `counter` until timer `t` fires; undefined: never. */
  private ahead(t: Comparator, counter: bigint): bigint | undefined {
    const mask = t.configuration & NARROW ? 0xffffffffn : WORD;
    const left = (t.comparator - counter) & mask;
    return left === 0n ? mask + 1n : left;
  }
  get deadline(): number {
    if (!(this.configuration & ENABLE)) return Infinity;
    let next = Infinity;
    for (const t of this.timers) {
      if (!(t.configuration & INTERRUPT)) continue;
      const left = Number(this.ahead(t, this.told)!);
      next = Math.min(next, this.since + (Number((this.told - this.base) & WORD) + left) * PERIOD);
    }
    return next > Number.MAX_SAFE_INTEGER ? Infinity : next;
  }
  advance(now: number): void {
    if (!(this.configuration & ENABLE)) return;
    const counter = this.counterAt(now);
    const passed = (counter - this.told) & WORD;
    this.timers.forEach((t, n) => {
      const left = this.ahead(t, this.told)!;
      if (left > passed) return;
      if (t.configuration & PERIODIC && t.period > 0n) {
        const periods = (passed - left) / t.period + 1n;
        t.comparator = (t.comparator + periods * t.period) & (t.configuration & NARROW ? 0xffffffffn : WORD);
      }
      this.fire(t, n);
    });
    this.told = counter;
  }
  private fire(t: Comparator, n: number): void {
    if (t.configuration & LEVEL) this.status |= 1 << n;
    if (!(t.configuration & INTERRUPT)) return;
    const line = this.lineOf(t, n);
    line(true);
    if (!(t.configuration & LEVEL)) line(false);
  }
  private lineOf(t: Comparator, n: number): Line {
    if (this.configuration & LEGACY && n < 2) return this.legacy[n];
    return this.lines[(t.configuration >> 9) & 31] ?? (() => undefined);
  }

  /** Accesses of 4 bytes; wider ones come in halves. Parts of a register can be read, but not written (2.3.1). */
  read(offset: number): number {
    return this.readRegister(offset & ~3) >>> (8 * (offset & 3));
  }
  private readRegister(offset: number): number {
    const now = this.clock.now();
    const high = (offset & 4) !== 0;
    const half = (value: bigint): number => Number(high ? value >> 32n : value & 0xffffffffn);
    switch (offset & ~7) {
      case 0:
        return high ? PERIOD_FEMTOSECONDS : CAPABILITIES;
      case 0x10:
        return high ? 0 : this.configuration;
      case 0x20:
        return high ? 0 : this.status;
      case 0xf0:
        return half(this.counterAt(now));
    }
    const t = this.timers[(offset - 0x100) >> 5];
    if (!t) return 0;
    if ((offset & 0x18) === 0) return high ? ROUTES : t.configuration;
    return (offset & 0x18) === 8 ? half(t.comparator) : 0;
  }
  write(offset: number, size: number, value: number): void {
    if (size !== 4 || offset & 3) return;
    const now = this.clock.now();
    this.advance(now);
    const high = (offset & 4) !== 0;
    switch (offset & ~7) {
      case 0x10:
        if (!high) this.configure(value & 3, now);
        return;
      case 0x20:
        if (!high) this.acknowledge(value);
        return;
      case 0xf0:
        if (!(this.configuration & ENABLE)) this.base = this.told = merged(this.base, high, value);
        return;
    }
    const n = (offset - 0x100) >> 5;
    const t = this.timers[n];
    if (!t) return;
    if ((offset & 0x18) === 0) {
      if (!high) this.writeConfiguration(t, n, value);
    } else if ((offset & 0x18) === 8) {
      this.writeComparator(t, high, value, now);
    }
  }
  /**
   * In periodic mode a write sets the period, and with SET_VALUE the comparator too (2.3.9.2.2); the low half uses
   * SET_VALUE up, except for the high half of the same access.
   */
  private writeComparator(t: Comparator, high: boolean, value: number, now: number): void {
    const periodic = (t.configuration & PERIODIC) !== 0;
    const sets = (t.configuration & SET_VALUE) !== 0 || (high && this.setAt === now);
    if (!periodic || sets) t.comparator = merged(t.comparator, high, value);
    if (t.configuration & NARROW) t.comparator &= 0xffffffffn;
    if (periodic) t.period = merged(t.period, high, value);
    if (!high) this.setAt = sets ? now : -1;
    t.configuration &= ~SET_VALUE;
  }
  private writeConfiguration(t: Comparator, n: number, value: number): void {
    const old = t.configuration;
    const fixed = ~WRITABLE & ~(n === 0 ? 0 : PERIODIC);
    t.configuration = (old & fixed) | (value & WRITABLE & (n === 0 ? -1 : ~PERIODIC));
    if (t.configuration & NARROW) t.comparator &= 0xffffffffn;
    if (!(t.configuration & INTERRUPT) || !(t.configuration & LEVEL)) this.lineOf(t, n)(false);
  }
  /** Legacy replacement: ISA lines 0 and 8 are this device's, not the 8254's and the clock's. */
  get replacesLegacy(): boolean {
    return (this.configuration & (ENABLE | LEGACY)) === (ENABLE | LEGACY);
  }
  private configure(value: number, now: number): void {
    if (value & ENABLE && !(this.configuration & ENABLE)) {
      this.since = now;
      this.told = this.base;
    } else if (!(value & ENABLE)) this.base = this.counterAt(now);
    const replaced = this.replacesLegacy;
    this.configuration = value;
    if (replaced !== this.replacesLegacy) for (const line of this.legacy) line(false);
  }
  /** Writing 1 clears: the line of a level-triggered timer falls. */
  private acknowledge(value: number): void {
    this.timers.forEach((t, n) => {
      if (!(value & this.status & (1 << n))) return;
      this.lineOf(t, n)(false);
    });
    this.status &= ~value;
  }
  save(): unknown {
    const { configuration, status, base, since, told, setAt, timers } = this;
    return cloned({ configuration, status, base, since, told, setAt, timers });
  }
  load(saved: unknown): void {
    Object.assign(this, cloned(saved));
  }
}
