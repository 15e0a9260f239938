/** The pair of 8259A interrupt controllers of a PC (Intel 8259A data sheet), with the edge/level registers of PCI chip sets. */
import type { Device } from './bus';
import type { Line } from './clock';

const CASCADE = 2;

/** One 8259A. */
class Chip {
  irr = 0;
  isr = 0;
  imr = 0;
  /** Levels of the input lines. */
  lines = 0;
  /** Edge/level register: 1 is level-triggered. */
  level = 0;
  base = 0;
  /** Next initialization word expected: 0 none, 2 to 4. */
  private expects = 0;
  private fourth = false;
  private single = false;
  private autoEnd = false;
  private readIsr = false;
  private polls = false;
  private specialMask = false;
  /** Line of the lowest priority. */
  private lowest = 7;
  private rotateOnAutoEnd = false;
  private fullyNested = false;

  /** `first`: the other chip's request comes in at line 2. */
  constructor(private readonly first: boolean) {}

  reset(): void {
    Object.assign(this, {
      irr: 0, isr: 0, imr: 0, lines: 0, level: 0, base: 0, expects: 0, fourth: false, single: false, autoEnd: false,
      readIsr: false, polls: false, specialMask: false, lowest: 7, rotateOnAutoEnd: false, fullyNested: false,
    }); // prettier-ignore
  }

  setLine(n: number, level: boolean): void {
    const bit = 1 << n;
    if (level) {
      if (this.level & bit || !(this.lines & bit)) this.irr |= bit;
      this.lines |= bit;
    } else {
      this.lines &= ~bit;
      // An edge stays latched, as in the chip sets that followed the 8259; a level, and the other chip's request, do not.
      if (this.level & bit || this.isCascade(n)) this.irr &= ~bit;
    }
  }

  /** The edge/level register: a line that is high becomes a request when it is made a level. */
  setLevels(level: number): void {
    const was = this.level;
    this.level = level;
    this.irr = (this.irr & ~(level & ~was)) | (this.lines & level);
  }
  private isCascade(n: number): boolean {
    return this.first && n === CASCADE;
  }
  /** The line that would interrupt now, or -1. */
  request(): number {
    const waiting = this.irr & ~this.imr;
    for (let n = 1; n <= 8; n++) {
      const line = (this.lowest + n) & 7;
      const bit = 1 << line;
      if (waiting & bit && !(this.fullyNested && line === CASCADE ? false : this.isr & bit)) return line;
      // What is in service holds back all below it.
      if (this.isr & bit && !(this.specialMask && this.imr & bit))
        return this.fullyNested && line === CASCADE && waiting & bit ? line : -1;
    }
    return -1;
  }
  /** INTA for `line`. */
  accept(line: number): void {
    const bit = 1 << line;
    if (!(this.level & bit)) this.irr &= ~bit;
    if (!this.autoEnd) this.isr |= bit;
    else if (this.rotateOnAutoEnd) this.lowest = line;
  }
  /** The vector of the request, or of the spurious interrupt when it is gone. */
  acknowledge(): number {
    const line = this.request();
    if (line >= 0) this.accept(line);
    return this.base + (line < 0 ? 7 : line);
  }

  read(offset: number): number {
    if (this.polls) {
      this.polls = false;
      const line = this.request();
      if (line < 0) return 0;
      this.accept(line);
      return 0x80 | line;
    }
    if (offset) return this.imr;
    return this.readIsr ? this.isr : this.irr;
  }
  write(offset: number, value: number): void {
    if (offset) this.writeMask(value);
    else if (value & 0x10) this.beginInitialization(value);
    else if (value & 0x08) this.writeControl(value);
    else this.command(value);
  }
  /** ICW1. */
  private beginInitialization(value: number): void {
    const { lines, level } = this;
    this.reset();
    Object.assign(this, { lines, level, expects: 2, fourth: (value & 1) !== 0, single: (value & 2) !== 0 });
    // The edge detectors start anew; a level goes on to ask.
    this.irr = lines & level;
  }
  /** ICW2 to ICW4, else OCW1. */
  private writeMask(value: number): void {
    switch (this.expects) {
      case 2:
        this.base = value & 0xf8;
        this.expects = this.single ? (this.fourth ? 4 : 0) : 3;
        break;
      case 3:
        this.expects = this.fourth ? 4 : 0;
        break;
      case 4:
        this.autoEnd = (value & 2) !== 0;
        this.fullyNested = (value & 0x10) !== 0;
        this.expects = 0;
        break;
      default:
        this.imr = value;
    }
  }
  /** OCW3. */
  private writeControl(value: number): void {
    this.polls = (value & 4) !== 0;
    if (value & 2) this.readIsr = (value & 1) !== 0;
    if (value & 0x40) this.specialMask = (value & 0x20) !== 0;
  }
  /** OCW2. */
  private command(value: number): void {
    const line = value & 7;
    switch (value >> 5) {
      case 1: // non-specific EOI
      case 5: {
        const ended = this.highestInService();
        if (ended < 0) break;
        this.isr &= ~(1 << ended);
        if (value & 0x80) this.lowest = ended;
        break;
      }
      case 3: // specific EOI
      case 7:
        this.isr &= ~(1 << line);
        if (value & 0x80) this.lowest = line;
        break;
      case 4:
        this.rotateOnAutoEnd = true;
        break;
      case 0:
        this.rotateOnAutoEnd = false;
        break;
      case 6:
        this.lowest = line;
        break;
    }
  }
  private highestInService(): number {
    for (let n = 1; n <= 8; n++) {
      const line = (this.lowest + n) & 7;
      const bit = 1 << line;
      if (this.isr & bit && !(this.specialMask && this.imr & bit)) return line;
    }
    return -1;
  }
}

/** Both chips, the second at line 2 of the first. Offsets: 0 and 1 the first, 2 and 3 the second, 4 and 5 the edge/level registers. */
export class Pic {
  readonly name = 'interrupt controllers 8259';
  private readonly first = new Chip(true);
  private readonly second = new Chip(false);
  private raised = false;

  /** `intr`: the processor's INTR. */
  constructor(private readonly intr: Line) {}

  /** The bus part at port 0x20 (0), 0xa0 (2) or 0x4d0 (4). */
  part(first: 0 | 2 | 4): Device {
    return {
      name: this.name,
      byteWide: true,
      read: offset => this.read(first + offset),
      write: (offset, _size, value) => this.write(first + offset, value & 0xff),
      reset: () => this.reset(),
      save: () => (first === 0 ? [{ ...this.first }, { ...this.second }, this.raised] : null),
      load: saved => {
        if (first !== 0) return;
        const [a, b, raised] = saved as [object, object, boolean];
        Object.assign(this.first, a);
        Object.assign(this.second, b);
        this.raised = raised;
      },
    };
  }
  private reset(): void {
    this.first.reset();
    this.second.reset();
    this.update();
  }
  /** ISA line `n`, 0 to 15. */
  line(n: number): Line {
    return level => {
      if (n === CASCADE) return;
      (n < 8 ? this.first : this.second).setLine(n & 7, level);
      this.update();
    };
  }
  /** Whether an interrupt on ISA line `n` could reach the processor's INTR. */
  listens(n: number): boolean {
    if (n < 8) return !(this.first.imr & (1 << n)) && this.first.base > 0;
    return !(this.second.imr & (1 << (n & 7))) && !(this.first.imr & (1 << CASCADE)) && this.second.base > 0;
  }
  /** INTA cycles: the vector. */
  acknowledge(): number {
    const line = this.first.request();
    let vector: number;
    if (line === CASCADE) {
      this.first.accept(CASCADE);
      vector = this.second.acknowledge();
    } else vector = this.first.acknowledge();
    this.update();
    return vector;
  }
  private update(): void {
    this.first.setLine(CASCADE, this.second.request() >= 0);
    const request = this.first.request() >= 0;
    if (request !== this.raised) this.intr((this.raised = request));
  }
  private read(offset: number): number {
    if (offset >= 4) return (offset & 1 ? this.second : this.first).level;
    const value = (offset < 2 ? this.first : this.second).read(offset & 1);
    this.update();
    return value;
  }
  private write(offset: number, value: number): void {
    // Lines 0, 1, 2, 8 and 13 are edges for ever.
    if (offset === 4) this.first.setLevels(value & 0xf8);
    else if (offset === 5) this.second.setLevels(value & 0xde);
    else (offset < 2 ? this.first : this.second).write(offset & 1, value);
    this.update();
  }
}
