/** The MC146818 real-time clock with its CMOS memory, at ports 0x70 and 0x71. */
import type { Device } from './bus';
import type { Clock, Line, Timed } from './clock';

const enum Register {
  Seconds = 0, SecondsAlarm = 1, Minutes = 2, MinutesAlarm = 3, Hours = 4, HoursAlarm = 5,
  Weekday = 6, Day = 7, Month = 8, Year = 9, A = 10, B = 11, C = 12, D = 13, ShutdownStatus = 15, Century = 0x32,
} // prettier-ignore
/** The registers of the date, as they are put together: a day needs its month. */
const WRITTEN = [
  Register.Century, Register.Year, Register.Month, Register.Day, Register.Hours, Register.Minutes, Register.Seconds,
] as const; // prettier-ignore
const isDate = (register: number): boolean =>
  (register < Register.A && !(register & 1 && register < Register.Weekday)) || register === Register.Century;
const PERIODIC = 0x40;
const ALARM = 0x20;
const UPDATE = 0x10;
const SET = 0x80;
const BINARY = 4;
const HOURS_24 = 2;
const SECOND = 1e9;
/** Update in progress is seen this long before a second begins (MC146818 data sheet: 244 microseconds). */
const UPDATE_LEAD = 244000;
/** The date at power-on: every run of a machine is the same, so it has a fixed one. */
export const POWER_ON = Date.UTC(2026, 0, 1);

export class Rtc implements Device, Timed {
  readonly name = 'real-time clock';
  private memory = new Uint8Array(128);
  private index = 0;
  /** Milliseconds to add to machine time since a program set the clock. */
  private shift = 0;
  private told = 0;
  private raised = false;
  /** With SET (register B) the clock stands: its registers are memory until SET goes. */
  private standing: number[] | undefined;
  readonly byteWide = true;

  constructor(
    private readonly clock: Clock,
    private readonly line: Line,
    private readonly listens: () => boolean,
    private readonly memoryBytes: number,
  ) {}

  reset(): void {
    this.memory.fill(0);
    this.memory[Register.A] = 0x26;
    this.memory[Register.B] = HOURS_24;
    this.memory[Register.D] = SET;
    const word = (at: number, value: number): void => void this.memory.set([value & 0xff, value >> 8], at);
    word(0x15, 640);
    const kib = Math.min(0xffff, (this.memoryBytes >> 10) - 1024);
    word(0x17, kib);
    word(0x30, kib);
    word(0x34, Math.min(0xffff, Math.max(0, Math.floor((this.memoryBytes - 0x1000000) / 0x10000))));
    this.index = 0;
    this.shift = 0;
    this.told = 0;
    this.raised = false;
    this.standing = undefined;
    this.line(false);
  }
  /** What INIT does to the line's owner: nothing; the shutdown code for firmware is here. */
  get shutdownCode(): number {
    return this.memory[Register.ShutdownStatus];
  }

  private periodNanoseconds(): number {
    const rate = this.memory[Register.A] & 15;
    if (!rate) return Infinity;
    // Rates 1 and 2 are those of 8 and 9 (data sheet, table 5).
    return (SECOND / 32768) * 2 ** ((rate <= 2 ? rate + 7 : rate) - 1);
  }
  private nextOf(period: number): number {
    return period === Infinity ? Infinity : (Math.floor(this.told / period) + 1) * period;
  }
  get deadline(): number {
    const b = this.memory[Register.B];
    if (!this.listens() || !(b & (PERIODIC | ALARM | UPDATE))) return Infinity;
    const periodic = b & PERIODIC ? this.nextOf(this.periodNanoseconds()) : Infinity;
    const second = b & (ALARM | UPDATE) ? this.nextOf(SECOND) : Infinity;
    return Math.ceil(Math.min(periodic, second));
  }
  advance(now: number): void {
    let flags = 0;
    if (this.nextOf(this.periodNanoseconds()) <= now) flags |= PERIODIC;
    if (!(this.memory[Register.B] & SET))
      for (let second = this.nextOf(SECOND), n = 0; second <= now && n < 60; second += SECOND, n++) {
        flags |= UPDATE;
        if (this.alarmAt(this.dateAt(second))) flags |= ALARM;
      }
    this.told = now;
    this.memory[Register.C] |= flags;
    this.update();
  }
  private update(): void {
    const request = (this.memory[Register.B] & this.memory[Register.C] & (PERIODIC | ALARM | UPDATE)) !== 0;
    if (request) this.memory[Register.C] |= SET;
    if (request !== this.raised) this.line((this.raised = request));
  }
  private alarmAt(date: Date): boolean {
    const matches = (register: number, value: number): boolean =>
      (this.memory[register] & 0xc0) === 0xc0 || this.memory[register] === value;
    return (
      matches(Register.SecondsAlarm, this.encode(date.getUTCSeconds())) &&
      matches(Register.MinutesAlarm, this.encode(date.getUTCMinutes())) &&
      matches(Register.HoursAlarm, this.encodeHours(date.getUTCHours()))
    );
  }

  private dateAt(now: number): Date {
    return new Date(POWER_ON + this.shift + Math.floor(now / 1e6));
  }
  private encode(value: number): number {
    return this.memory[Register.B] & BINARY ? value : parseInt(String(value), 16);
  }
  private decode(value: number): number {
    return this.memory[Register.B] & BINARY ? value : (value >> 4) * 10 + (value & 15);
  }
  private encodeHours(hours: number): number {
    if (this.memory[Register.B] & HOURS_24) return this.encode(hours);
    return this.encode(hours % 12 || 12) | (hours >= 12 ? 0x80 : 0);
  }
  private decodeHours(value: number): number {
    if (this.memory[Register.B] & HOURS_24) return this.decode(value);
    return (this.decode(value & 0x7f) % 12) + (value & 0x80 ? 12 : 0);
  }

  read(offset: number): number {
    if (offset === 0) return 0xff;
    if (this.standing && isDate(this.index)) return this.standing[this.index];
    return this.readRegister(this.clock.now());
  }
  private readRegister(now: number): number {
    const date = this.dateAt(now);
    switch (this.index) {
      case Register.Seconds: return this.encode(date.getUTCSeconds());
      case Register.Minutes: return this.encode(date.getUTCMinutes());
      case Register.Hours: return this.encodeHours(date.getUTCHours());
      case Register.Weekday: return this.encode(date.getUTCDay() + 1);
      case Register.Day: return this.encode(date.getUTCDate());
      case Register.Month: return this.encode(date.getUTCMonth() + 1);
      case Register.Year: return this.encode(date.getUTCFullYear() % 100);
      case Register.Century: return this.encode(Math.floor(date.getUTCFullYear() / 100));
      case Register.A: return this.memory[Register.A] | (SECOND - (now % SECOND) <= UPDATE_LEAD && !(this.memory[Register.B] & SET) ? 0x80 : 0);
      case Register.C: {
        const flags = this.memory[Register.C];
        this.memory[Register.C] = 0;
        this.update();
        return flags;
      }
      default: return this.memory[this.index];
    }
  } // prettier-ignore
  write(offset: number, _size: number, value: number): void {
    value &= 0xff;
    if (offset === 0) {
      this.index = value & 0x7f;
      return;
    }
    switch (this.index) {
      case Register.C:
      case Register.D:
        return;
      case Register.A:
        this.memory[Register.A] = value & 0x7f;
        return;
      case Register.B:
        this.writeB(value);
        return;
      default:
        if (!isDate(this.index)) this.memory[this.index] = value;
        else if (this.standing) this.standing[this.index] = value;
        else this.setDate(this.index, value);
    }
  }
  private writeB(value: number): void {
    if (value & SET) {
      this.standing ??= this.dateRegisters();
      // SET clears the update-ended enable (data sheet, register B).
      value &= ~UPDATE;
    }
    this.memory[Register.B] = value;
    if (!(value & SET) && this.standing) {
      const date = this.standing;
      this.standing = undefined;
      // The day last, when its month is known: meanwhile the first, which every month has.
      this.setDate(Register.Day, this.encode(1));
      for (const register of WRITTEN) this.setDate(register, date[register]);
    }
    this.update();
  }
  /** The date in its registers, as they read. */
  private dateRegisters(): number[] {
    const { index } = this;
    const now = this.clock.now();
    const values: number[] = [];
    for (const register of [...WRITTEN, Register.Weekday]) {
      this.index = register;
      values[register] = this.readRegister(now);
    }
    this.index = index;
    return values;
  }
  /** A part of the date was written: the clock goes on from there. */
  private setDate(register: number, value: number): void {
    const now = this.clock.now();
    const date = this.dateAt(now);
    const before = date.getTime();
    switch (register) {
      case Register.Seconds: date.setUTCSeconds(this.decode(value)); break;
      case Register.Minutes: date.setUTCMinutes(this.decode(value)); break;
      case Register.Hours: date.setUTCHours(this.decodeHours(value)); break;
      case Register.Day: date.setUTCDate(this.decode(value)); break;
      case Register.Month: date.setUTCMonth(this.decode(value) - 1); break;
      case Register.Year: date.setUTCFullYear(Math.floor(date.getUTCFullYear() / 100) * 100 + this.decode(value)); break;
      case Register.Century: date.setUTCFullYear(this.decode(value) * 100 + (date.getUTCFullYear() % 100)); break;
    }
    this.shift += date.getTime() - before;
  } // prettier-ignore

  save(): unknown {
    const { index, shift, told, raised, standing } = this;
    return { memory: [...this.memory], index, shift, told, raised, standing: standing && [...standing] };
  }
  load(saved: unknown): void {
    const { memory, standing, ...rest } = saved as { memory: number[]; standing: number[] | undefined };
    Object.assign(this, rest);
    this.standing = standing && [...standing];
    this.memory = Uint8Array.from(memory);
  }
}
