/** The 8042 keyboard controller with a keyboard that nobody types on, and system control port A (0x92). */
import { cloned } from './state';
import type { Device } from './bus';
import type { Line } from './clock';

const OUTPUT_FULL = 1;
const SYSTEM = 4;
const COMMAND = 8;
const UNLOCKED = 0x10;
const SELF_TEST_PASSED = 0x55;
const ACKNOWLEDGE = 0xfa;
const KEYBOARD_PASSED = 0xaa;
/** MF2 keyboard; the second byte is 0x41 when the controller translates scan codes. */
const IDENTIFICATION = 0xab;
const MF2 = 0x83;
const MF2_TRANSLATED = 0x41;
/** The controller's commands that set and clear bits of its configuration. */
const SWITCHES = new Map([
  [0xa7, { bit: 0x20, on: true }],
  [0xa8, { bit: 0x20, on: false }],
  [0xad, { bit: 0x10, on: true }],
  [0xae, { bit: 0x10, on: false }],
]);
const TRANSLATES = 0x40;
const ECHO = 0xee;
/** Bytes that wait, at most: the rest is lost, as in a keyboard's own buffer. */
const BUFFER_BYTES = 16;
const A20 = 2;
const INTERRUPT = 1;

export class KeyboardController {
  readonly name = 'keyboard controller 8042';
  private output: number[] = [];
  private command = 0;
  private configuration = 0x41;
  private outputPort = 0xdf;
  private lastWasCommand = false;
  /** Bit 0 of port 0x92, which INIT does not clear: so firmware tells INIT from a hard reset. */
  private fastReset = 0;

  /** `restart`: the processor's reset line is pulsed; `irq`: ISA line 1. */
  constructor(
    private readonly restart: () => void,
    private readonly irq: Line,
  ) {}

  /** Port 0x60. */
  readonly data: Device = {
    name: this.name,
    byteWide: true,
    read: () => {
      const value = this.output.shift() ?? 0;
      this.update();
      return value;
    },
    write: (_offset, _size, value) => this.writeData(value & 0xff),
    reset: () => this.reset(),
    save: () => {
      const { output, command, configuration, outputPort, lastWasCommand, fastReset } = this;
      return { output: [...output], command, configuration, outputPort, lastWasCommand, fastReset };
    },
    load: saved => void Object.assign(this, cloned(saved)),
  };
  /** Port 0x64. */
  readonly status: Device = {
    name: this.name,
    byteWide: true,
    read: () => (this.output.length ? OUTPUT_FULL : 0) | SYSTEM | UNLOCKED | (this.lastWasCommand ? COMMAND : 0),
    write: (_offset, _size, value) => this.writeCommand(value & 0xff),
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };
  /** Port 0x92: bit 0 resets, bit 1 is the A20 gate, which is open for good: the bit only remembers. */
  readonly portA: Device = {
    name: 'system control port A',
    byteWide: true,
    read: () => (this.outputPort & A20) | this.fastReset,
    write: (_offset, _size, value) => {
      this.outputPort = (this.outputPort & ~A20) | (value & A20);
      const rising = (value & ~this.fastReset & 1) !== 0;
      this.fastReset = value & 1;
      if (rising) this.restart();
    },
    reset: () => undefined,
    save: () => null,
    load: () => undefined,
  };

  private reset(): void {
    this.output = [];
    this.command = 0;
    this.configuration = 0x41;
    this.outputPort = 0xdf;
    this.lastWasCommand = false;
    this.fastReset = 0;
    this.irq(false);
  }
  private answer(...bytes: number[]): void {
    if (this.output.length + bytes.length <= BUFFER_BYTES) this.output.push(...bytes);
    this.update();
  }
  private update(): void {
    this.irq(this.output.length > 0 && (this.configuration & INTERRUPT) !== 0);
  }
  private writeCommand(value: number): void {
    this.lastWasCommand = true;
    this.command = 0;
    const change = SWITCHES.get(value);
    if (change) {
      this.configuration = change.on ? this.configuration | change.bit : this.configuration & ~change.bit;
      return;
    }
    switch (value) {
      case 0x20:
        return this.answer(this.configuration);
      case 0xaa:
        return this.answer(SELF_TEST_PASSED);
      case 0xa9:
      case 0xab:
        return this.answer(0);
      case 0xd0:
        return this.answer(this.outputPort);
      case 0x60:
      case 0xd1:
      case 0xd2:
      case 0xd3:
      case 0xd4:
        this.command = value;
        return;
    }
    // Pulses of the output port's low bits: bit 0 is the reset line, active low.
    if (value >= 0xf0 && !(value & 1)) this.restart();
  }
  private writeData(value: number): void {
    this.lastWasCommand = false;
    const command = this.command;
    this.command = 0;
    switch (command) {
      case 0x60:
        this.configuration = value;
        return this.update();
      case 0xd1:
        this.outputPort = value;
        if (!(value & 1)) this.restart();
        return;
      case 0xd2:
        return this.answer(value);
      case 0xd3:
      case 0xd4:
        return; // there is no auxiliary device
    }
    if (value === 0xff) return this.answer(ACKNOWLEDGE, KEYBOARD_PASSED);
    if (value === 0xf2)
      return this.answer(ACKNOWLEDGE, IDENTIFICATION, this.configuration & TRANSLATES ? MF2_TRANSLATED : MF2);
    if (value === ECHO) return this.answer(ECHO);
    this.answer(ACKNOWLEDGE);
  }
}
