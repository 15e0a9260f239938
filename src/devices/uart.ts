/** A 16550 UART without interrupts: polled output and input (PC16550D data sheet). */
import type { Device } from './bus';

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
const TRANSMITTER_EMPTY = 0x60;
const NO_INTERRUPT_PENDING = 0x01;
const FIFO_ENABLED = 0xc0;
/** CTS, DSR and DCD asserted: somebody listens. */
const MODEM_READY = 0xb0;

interface Saved {
  registers: number[];
  divisor: number;
  input: number[];
}

export class Uart implements Device {
  readonly name = 'UART 16550';
  private registers = new Array<number>(8).fill(0);
  private divisor = 1;
  private fifo = false;
  private input: number[] = [];

  /** `output` receives every byte as it is written. */
  constructor(private readonly output: (byte: number) => void) {}

  /** Queues bytes for the receiver. */
  receive(bytes: Uint8Array): void {
    this.input.push(...bytes);
  }
  reset(): void {
    this.registers.fill(0);
    this.divisor = 1;
    this.fifo = false;
    this.input = [];
  }
  /** Word accesses are bytes at successive offsets, as on the ISA bus. */
  read(offset: number, size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.readByte((offset + n) & 7) << (8 * n);
    return value;
  }
  write(offset: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.writeByte((offset + n) & 7, (value >>> (8 * n)) & 0xff);
  }
  private get divisorLatch(): boolean {
    return (this.registers[Register.LineControl] & DLAB) !== 0;
  }
  private readByte(offset: number): number {
    switch (offset) {
      case Register.Data:
        return this.divisorLatch ? this.divisor & 0xff : (this.input.shift() ?? 0);
      case Register.InterruptEnable:
        return this.divisorLatch ? this.divisor >> 8 : this.registers[offset];
      case Register.InterruptIdentification:
        return NO_INTERRUPT_PENDING | (this.fifo ? FIFO_ENABLED : 0);
      case Register.LineStatus:
        return TRANSMITTER_EMPTY | (this.input.length ? DATA_READY : 0);
      case Register.ModemStatus:
        return MODEM_READY;
      default:
        return this.registers[offset];
    }
  }
  private writeByte(offset: number, value: number): void {
    switch (offset) {
      case Register.Data:
        if (this.divisorLatch) this.divisor = (this.divisor & 0xff00) | value;
        else if (this.registers[Register.ModemControl] & LOOPBACK) this.input.push(value);
        else this.output(value);
        break;
      case Register.InterruptEnable:
        if (this.divisorLatch) this.divisor = (this.divisor & 0xff) | (value << 8);
        else this.registers[offset] = value & 0xf;
        break;
      case Register.InterruptIdentification:
        this.fifo = (value & 1) !== 0;
        if (value & 2) this.input = [];
        break;
      case Register.LineStatus:
      case Register.ModemStatus:
        break;
      default:
        this.registers[offset] = value;
    }
  }
  save(): Saved {
    return { registers: [...this.registers], divisor: this.divisor, input: [...this.input] };
  }
  load(saved: unknown): void {
    const { registers, divisor, input } = saved as Saved;
    this.registers = [...registers];
    this.divisor = divisor;
    this.input = [...input];
  }
}
