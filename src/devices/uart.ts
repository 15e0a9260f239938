/** A 16550 UART (PC16550D data sheet). Bytes go out at once; those that come in wait until the program takes them. */
import { cloned } from './state';
import type { Device } from './bus';
import type { Line } from './clock';

const enum Register {
  /** RBR on read, THR on write; divisor low with DLAB. */
  Data = 0,
  /** IER; divisor high with DLAB. */
  InterruptEnable = 1,
  /** IIR on read, FCR on write. */
  InterruptIdentification = 2,
  LineControl = 3,
  ModemControl = 4,
  LineStatus = 5,
  ModemStatus = 6,
  Scratch = 7,
}
const DLAB = 0x80;
const LOOPBACK = 0x10;
const DATA_READY = 0x01;
const OVERRUN = 0x02;
const TRANSMITTER_EMPTY = 0x60;
const NO_INTERRUPT_PENDING = 0x01;
/** IER bits, and what IIR answers for their causes. */
const RECEIVED = 0x01;
const TRANSMITTED = 0x02;
const ID_RECEIVED = 0x04;
const ID_TIMEOUT = 0x0c;
const ID_TRANSMITTED = 0x02;
/** Line status, the highest cause. */
const LINE_STATUS = 0x04;
const ID_LINE_STATUS = 0x06;
/** MCR: OUT2 gates the interrupt line of a PC. */
const OUT2 = 8;
const FIFO_ENABLED = 0xc0;
const FIFO_BYTES = 16;
const MODEM_CONTROL_BITS = 0x1f;
/** CTS, DSR and DCD asserted: somebody listens. */
const MODEM_READY = 0xb0;

interface Saved {
  registers: number[];
  divisor: number;
  input: number[];
  fifo: boolean;
  transmitted: boolean;
  overrun: boolean;
  trigger: number;
}

export class Uart implements Device {
  readonly name = 'UART 16550';
  private registers = new Array<number>(8).fill(0);
  private divisor = 1;
  private fifo = false;
  private input: number[] = [];
  /** The transmitter became empty and the program has not been told. */
  private transmitted = false;
  /** In loop-back a character was lost (input from outside waits instead). */
  private overrun = false;
  /** Bytes at which a received-data interrupt comes; fewer count as a time-out. */
  private trigger = 1;

  /** `output` receives every byte as it is written; `line` is the interrupt. */
  constructor(
    private readonly output: (byte: number) => void,
    private readonly line: Line,
  ) {}

  /** Whether input would raise an interrupt: a sleeping program waits for it. */
  get awaitsInput(): boolean {
    return (
      (this.registers[Register.InterruptEnable] & RECEIVED) !== 0 &&
      (this.registers[Register.ModemControl] & OUT2) !== 0
    );
  }
  private identification(): number {
    const enabled = this.registers[Register.InterruptEnable];
    if (enabled & LINE_STATUS && this.overrun) return ID_LINE_STATUS;
    if (enabled & RECEIVED && this.input.length)
      return !this.fifo || this.input.length >= this.trigger ? ID_RECEIVED : ID_TIMEOUT;
    if (enabled & TRANSMITTED && this.transmitted) return ID_TRANSMITTED;
    return NO_INTERRUPT_PENDING;
  }
  private update(): void {
    this.line((this.registers[Register.ModemControl] & OUT2) !== 0 && this.identification() !== NO_INTERRUPT_PENDING);
  }

  /** Queues bytes for the receiver. */
  receive(bytes: Uint8Array): void {
    this.input.push(...bytes);
    this.update();
  }
  reset(): void {
    this.registers.fill(0);
    this.divisor = 1;
    this.fifo = false;
    this.input = [];
    this.transmitted = false;
    this.overrun = false;
    this.trigger = 1;
    this.line(false);
  }
  /** Word accesses are bytes at successive offsets, as on the ISA bus. */
  read(offset: number, size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.readByte((offset + n) & 7) << (8 * n);
    this.update();
    return value;
  }
  write(offset: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.writeByte((offset + n) & 7, (value >>> (8 * n)) & 0xff);
    this.update();
  }
  private get divisorLatch(): boolean {
    return (this.registers[Register.LineControl] & DLAB) !== 0;
  }
  private readByte(offset: number): number {
    switch (offset) {
      case Register.Data:
        return this.divisorLatch ? this.divisor & 0xff : this.take();
      case Register.InterruptEnable:
        return this.divisorLatch ? this.divisor >> 8 : this.registers[offset];
      case Register.InterruptIdentification:
        return this.identify() | (this.fifo ? FIFO_ENABLED : 0);
      case Register.LineStatus:
        return this.lineStatus();
      case Register.ModemStatus:
        return this.modemStatus();
      default:
        return this.registers[offset];
    }
  }
  /** The next byte received. The line falls: what waits behind it comes as a new interrupt, as at a terminal's pace. */
  private take(): number {
    this.line(false);
    return this.input.shift() ?? 0;
  }
  /** Reading it forgets errors. */
  private lineStatus(): number {
    const overrun = this.overrun;
    this.overrun = false;
    return TRANSMITTER_EMPTY | (this.input.length ? DATA_READY : 0) | (overrun ? OVERRUN : 0);
  }
  /** Reading the identification answers a transmitter interrupt. */
  private identify(): number {
    const identification = this.identification();
    if (identification === ID_TRANSMITTED) this.transmitted = false;
    return identification;
  }
  /** Modem lines: a terminal that is always there; in loop-back the outputs (data sheet, 8.6.7). */
  private modemStatus(): number {
    const control = this.registers[Register.ModemControl];
    if (!(control & LOOPBACK)) return MODEM_READY;
    return ((control & 2) << 3) | ((control & 1) << 5) | ((control & 4) << 4) | ((control & 8) << 4);
  }
  private send(value: number): void {
    if (this.registers[Register.ModemControl] & LOOPBACK) this.loop(value);
    else this.output(value);
    this.transmitted = true;
  }
  /** A character comes back. A full FIFO keeps what it has, the single register takes the new one (data sheet, 8.6.3). */
  private loop(value: number): void {
    if (this.input.length >= (this.fifo ? FIFO_BYTES : 1)) {
      this.overrun = true;
      if (!this.fifo) this.input = [value];
    } else this.input.push(value);
  }
  private writeByte(offset: number, value: number): void {
    switch (offset) {
      case Register.Data:
        if (this.divisorLatch) this.divisor = (this.divisor & 0xff00) | value;
        else this.send(value);
        break;
      case Register.InterruptEnable:
        if (this.divisorLatch) this.divisor = (this.divisor & 0xff) | (value << 8);
        else {
          if (value & ~this.registers[offset] & TRANSMITTED) this.transmitted = true;
          this.registers[offset] = value & 0xf;
        }
        break;
      case Register.InterruptIdentification:
        // Going from one mode to the other empties the FIFOs too.
        if (value & 2 || this.fifo !== ((value & 1) !== 0)) this.input = [];
        this.fifo = (value & 1) !== 0;
        this.trigger = [1, 4, 8, 14][value >> 6];
        break;
      case Register.LineStatus:
      case Register.ModemStatus:
        break;
      case Register.ModemControl:
        this.registers[offset] = value & MODEM_CONTROL_BITS;
        break;
      default:
        this.registers[offset] = value;
    }
  }
  save(): Saved {
    const { registers, divisor, input, fifo, transmitted, overrun, trigger } = this;
    return { registers: [...registers], divisor, input: [...input], fifo, transmitted, overrun, trigger };
  }
  load(saved: unknown): void {
    Object.assign(this, cloned(saved as Saved));
  }
}
