/** ACPI fixed hardware: PM1 event and control registers, the power-management timer, and the reset register (ACPI 6.4, 4.8). */
import type { Device } from './bus';
import { ticksIn, timeOfTick, type Clock, type Line, type Timed } from './clock';

export const PM_TIMER_HERTZ = 3579545;
/** The SLP_TYPx value of S5 that the DSDT names. */
export const SLEEP_TYPE_S5 = 5;
const SLEEP_ENABLE = 1 << 13;
const SCI_ENABLE = 1;
const TIMER_STATUS = 1;
/** The timer has 32 bits (TMR_VAL_EXT) and sets its status when bit 31 changes. */
const HALF = 2 ** 31;

/** Offsets: 0 PM1 status, 2 PM1 enable, 4 PM1 control, 8 PM timer. */
export class PowerManagement implements Device, Timed {
  readonly name = 'ACPI power management';
  private status = 0;
  private enable = 0;
  private control = SCI_ENABLE;
  private told = 0;

  /** `sci`: the system control interrupt; `off`: the program powered the machine off. */
  constructor(
    private readonly clock: Clock,
    private readonly sci: Line,
    private readonly off: () => void,
  ) {}

  reset(): void {
    this.status = 0;
    this.enable = 0;
    this.control = SCI_ENABLE;
    this.told = 0;
    this.sci(false);
  }
  private nextCarry(): number {
    return timeOfTick((Math.floor(ticksIn(this.told, PM_TIMER_HERTZ) / HALF) + 1) * HALF, PM_TIMER_HERTZ);
  }
  get deadline(): number {
    return this.enable & TIMER_STATUS && this.control & SCI_ENABLE ? this.nextCarry() : Infinity;
  }
  advance(now: number): void {
    if (this.nextCarry() <= now) this.status |= TIMER_STATUS;
    this.told = now;
    this.update();
  }
  private update(): void {
    this.sci((this.control & SCI_ENABLE) !== 0 && (this.status & this.enable) !== 0);
  }
  private word(offset: number): number {
    switch (offset & ~1) {
      case 0: return this.status;
      case 2: return this.enable;
      case 4: return this.control;
      case 8: return ticksIn(this.clock.now(), PM_TIMER_HERTZ) & 0xffff;
      case 10: return Math.floor(ticksIn(this.clock.now(), PM_TIMER_HERTZ) / 0x10000) & 0xffff;
      default: return 0;
    }
  } // prettier-ignore
  read(offset: number, size: number): number {
    const value = (this.word(offset) | (this.word((offset & ~1) + 2) << 16)) >>> (8 * (offset & 1));
    return size === 4 ? value : value & (size === 2 ? 0xffff : 0xff);
  }
  write(offset: number, size: number, value: number): void {
    if (size === 4) {
      this.write(offset, 2, value & 0xffff);
      this.write(offset + 2, 2, value >>> 16);
      return;
    }
    const shift = 8 * (offset & 1);
    const mask = size === 1 ? 0xff << shift : 0xffff;
    const bits = (value << shift) & mask;
    switch (offset & ~1) {
      case 0:
        this.status &= ~bits;
        break;
      case 2:
        this.enable = (this.enable & ~mask) | bits;
        break;
      case 4:
        this.control = ((this.control & ~mask) | bits) & ~SLEEP_ENABLE;
        if (bits & SLEEP_ENABLE) this.off();
        break;
    }
    this.update();
  }
  save(): unknown {
    const { status, enable, control, told } = this;
    return { status, enable, control, told };
  }
  load(saved: unknown): void {
    Object.assign(this, saved);
  }
}

/** The reset control register of PCI chip sets, port 0xCF9. */
export class ResetControl implements Device {
  readonly name = 'reset control';
  private value = 0;
  constructor(private readonly restart: (hard: boolean) => void) {}
  read(): number {
    return this.value;
  }
  write(_offset: number, _size: number, value: number): void {
    const rising = (value & ~this.value & 4) !== 0;
    this.value = value & 0xa;
    if (rising) this.restart((value & 2) !== 0);
  }
  reset(): void {
    this.value = 0;
  }
  save(): unknown {
    return this.value;
  }
  load(saved: unknown): void {
    this.value = saved as number;
  }
}
