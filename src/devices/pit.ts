/** The 8254 interval timer with port 0x61 (Intel 8254 data sheet). Channel 0 drives ISA line 0; channel 2 has a gate and the speaker. */
import type { Device } from './bus';
import { ticksIn, timeOfTick, type Clock, type Line, type Timed } from './clock';

export const PIT_HERTZ = 1193182;

class Channel {
  mode = 3;
  bcd = false;
  /** 1 low byte, 2 high byte, 3 both. */
  access = 3;
  /** The count as written; 0 stands for 65,536. */
  reload = 0;
  /** The count in use: in modes 1 and 5 a new one waits for the gate. */
  loaded = 0;
  /** Tick at which counting began. */
  start = 0;
  /** Tick at which the gate stopped counting. */
  stopped: number | undefined;
  gate = true;
  /** A count was written since the mode was set. */
  armed = false;
  /** Counting began. */
  running = false;
  latched: number | undefined;
  latchedStatus: number | undefined;
  readHigh = false;
  writeHigh = false;
  low = 0;

  /** Modes 6 and 7 are 2 and 3; the status tells them as they were written. */
  private get kind(): number {
    return this.mode > 5 ? this.mode - 4 : this.mode;
  }
  /** Modes 1 and 5: the gate's rise starts the count, its level does not matter. */
  private get triggered(): boolean {
    return this.kind === 1 || this.kind === 5;
  }
  private get range(): number {
    return this.bcd ? 10000 : 65536;
  }
  private get period(): number {
    return (this.bcd ? fromBcd(this.loaded) : this.loaded) || this.range;
  }
  private passed(tick: number): number {
    return (this.stopped ?? tick) - this.start;
  }
  /** A count was written. */
  write(count: number, tick: number): void {
    this.reload = count;
    this.armed = true;
    if (this.triggered) return;
    this.begin(tick);
    if (!this.gate) this.stopped = tick;
  }
  private begin(tick: number): void {
    this.loaded = this.reload;
    this.start = tick;
    this.stopped = undefined;
    this.running = true;
  }
  /** The gate's effect by mode: data sheet, "gate pin operations summary". */
  setGate(level: boolean, tick: number): void {
    if (level === this.gate) return;
    this.gate = level;
    if (this.triggered) {
      if (level && this.armed) this.begin(tick);
      return;
    }
    if (!level) {
      this.stopped = tick;
      return;
    }
    if (this.kind === 2 || this.kind === 3) this.start = tick;
    else if (this.stopped !== undefined) this.start += tick - this.stopped;
    this.stopped = undefined;
  }
  /** The counter at `tick`. */
  count(tick: number): number {
    if (!this.running) return this.reload;
    const passed = this.passed(tick);
    const n = this.period;
    let left: number;
    if (this.kind === 2) left = n - (passed % n);
    else if (this.kind === 3) left = this.squareWave(passed % n, n);
    else left = (((n - passed) % this.range) + this.range) % this.range;
    return this.bcd ? toBcd(left % 10000) : left & 0xffff;
  }
  /** Mode 3 counts by two, twice a period; with an odd count the first half is one tick longer. */
  private squareWave(phase: number, n: number): number {
    const half = Math.ceil(n / 2);
    return (n & ~1) - 2 * (phase < half ? phase : phase - half);
  }
  output(tick: number): boolean {
    if (!this.running) return this.mode !== 0;
    const passed = this.passed(tick);
    const n = this.period;
    switch (this.kind) {
      case 0:
      case 1:
        return passed >= n;
      case 2:
        return !this.gate || passed % n !== n - 1;
      case 3:
        return !this.gate || passed % n < Math.ceil(n / 2);
      default:
        return passed !== n;
    }
  }
  /** First tick after `tick` at which the output rises. */
  nextRise(tick: number): number {
    if (!this.running || !this.gate) return Infinity;
    const n = this.period;
    if (this.kind === 2 || this.kind === 3) return this.start + (Math.floor((tick - this.start) / n) + 1) * n;
    const end = this.start + n + (this.kind >= 4 ? 1 : 0);
    return end > tick ? end : Infinity;
  }
}
const fromBcd = (value: number): number =>
  (value & 15) + 10 * ((value >> 4) & 15) + 100 * ((value >> 8) & 15) + 1000 * ((value >> 12) & 15);
const toBcd = (value: number): number => parseInt(String(value), 16);

export class Pit implements Timed {
  readonly name = 'interval timer 8254';
  private channels = [new Channel(), new Channel(), new Channel()];
  /** Port 0x61 bits 1:0: speaker data and gate of channel 2. */
  private speaker = 0;
  /** Tick of the last rising edge of channel 0 that was told. */
  private told = 0;

  /** `listens`: whether an edge on line 0 would be noticed. */
  constructor(
    private readonly clock: Clock,
    private readonly line: Line,
    private readonly listens: () => boolean,
  ) {}

  private tick(): number {
    return ticksIn(this.clock.now(), PIT_HERTZ);
  }
  get deadline(): number {
    return this.listens() ? timeOfTick(this.channels[0].nextRise(this.told), PIT_HERTZ) : Infinity;
  }
  advance(now: number): void {
    const tick = ticksIn(now, PIT_HERTZ);
    if (this.channels[0].nextRise(this.told) <= tick) {
      this.line(false);
      this.line(true);
    }
    this.told = tick;
  }

  /** Ports 0x40 to 0x43. */
  readonly counters: Device = {
    name: this.name,
    byteWide: true,
    read: offset => (offset === 3 ? 0xff : this.readCounter(this.channels[offset])),
    write: (offset, _size, value) =>
      offset === 3 ? this.control(value & 0xff) : this.writeCounter(offset, value & 0xff),
    reset: () => this.reset(),
    save: () => ({ channels: this.channels.map(c => ({ ...c })), speaker: this.speaker, told: this.told }),
    load: saved => {
      const { channels, speaker, told } = saved as { channels: Channel[]; speaker: number; told: number };
      this.channels = channels.map(c => Object.assign(new Channel(), c));
      this.speaker = speaker;
      this.told = told;
    },
  };
  /** Port 0x61. */
  readonly gate: Device = {
    name: 'system control port B',
    byteWide: true,
    read: () => {
      const tick = this.tick();
      // Bit 4 toggles with the memory refresh, every 15 microseconds.
      const refresh = Math.floor(this.clock.now() / 15085) & 1;
      return this.speaker | (refresh << 4) | (this.channels[2].output(tick) ? 0x20 : 0);
    },
    write: (_offset, _size, value) => {
      this.channels[2].setGate((value & 1) !== 0, this.tick());
      this.speaker = value & 3;
    },
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };

  private reset(): void {
    this.channels = [new Channel(), new Channel(), new Channel()];
    this.channels[2].gate = false;
    this.speaker = 0;
    this.told = 0;
    // As firmware leaves it: 18.2 Hz on line 0, whose output is high now.
    Object.assign(this.channels[0], { mode: 3, armed: true, running: true });
    this.line(true);
  }
  private control(value: number): void {
    const which = value >> 6;
    if (which === 3) return this.readBack(value);
    const c = this.channels[which];
    if (!(value & 0x30)) {
      c.latched ??= c.count(this.tick());
      return;
    }
    c.access = (value >> 4) & 3;
    Object.assign(c, { mode: (value >> 1) & 7, bcd: (value & 1) !== 0, running: false, armed: false, reload: 0 });
    Object.assign(c, { latched: undefined, latchedStatus: undefined, readHigh: false, writeHigh: false });
    if (which === 0) this.line(c.mode !== 0);
  }
  private readBack(value: number): void {
    this.channels.forEach((c, n) => {
      if (!(value & (2 << n))) return;
      const tick = this.tick();
      if (!(value & 0x20)) c.latched ??= c.count(tick);
      if (!(value & 0x10))
        c.latchedStatus ??=
          (c.output(tick) ? 0x80 : 0) | (c.running ? 0 : 0x40) | (c.access << 4) | (c.mode << 1) | Number(c.bcd);
    });
  }
  private readCounter(c: Channel): number {
    if (c.latchedStatus !== undefined) {
      const status = c.latchedStatus;
      c.latchedStatus = undefined;
      return status;
    }
    const count = c.latched ?? c.count(this.tick());
    const high = c.access === 2 || (c.access === 3 && c.readHigh);
    if (c.access === 3) c.readHigh = !c.readHigh;
    if (c.access !== 3 || high) c.latched = undefined;
    return high ? count >> 8 : count & 0xff;
  }
  private writeCounter(n: number, value: number): void {
    const c = this.channels[n];
    if (c.access === 3 && !c.writeHigh) {
      c.low = value;
      c.writeHigh = true;
      return;
    }
    c.writeHigh = false;
    const tick = this.tick();
    c.write(c.access === 1 ? value : c.access === 2 ? value << 8 : (value << 8) | c.low, tick);
    if (n === 0) {
      this.told = tick;
      this.line(c.mode !== 0);
    }
  }
}
