/**
 * A machine: one processor, RAM, a port bus with its devices. It runs in slices, tells facts to whoever listens, and lets
 * a debugger look without side effects. It knows nothing of breakpoints or editors.
 */
import {
  CODE_WATCHES,
  CODE_WATCHES_MAX,
  DATA_WATCHES,
  DATA_WATCHES_MAX,
  FACT,
  LOADED,
  OTHERS,
  PAGES,
  PAGE_RAM,
  SCHEDULED,
  Processor,
  StopCode,
  TURN_END,
} from '../core';
import { identify } from '../core/identity';
import { defaultCpu, type Cpu } from '../core/tables/models';
import { readVmcsField, readVmcsHeader } from '../core/vmcs';
import type { Program } from '../program/program';
import { BootError, boot, initialize, reset, type BootOptions } from './boot';
import { contextOf, codeSizeOf, type ContextName } from './contexts';
import { FactSource } from './fact-source';
import type { Fact, FactKind, FactListener, Stop } from './facts';
import { Platform, type Reset } from './platform';
import { readRegister, registerNames, writeRegister } from './registers';
import { capture, restore, type Snapshot } from './snapshot';
import type { AddressContext, WalkAccess, WalkRecord, WalkSpace } from './walk';
import { walkFrom } from './walker';

export interface MachineOptions {
  /** The bytes of dist/core.wasm. */
  core: Uint8Array;
  /** RAM in bytes: 1 MiB to 3 GiB; rounded up to 64 KiB. */
  memoryBytes: number;
  /** Of the generator behind RDRAND and RDSEED: machines with the same seed draw the same numbers. */
  seed?: number;
  /** The model and its features; everything that the processor implements when absent. */
  cpu?: Cpu;
  /** Logical processors: 1 (the default) to 64. */
  processors?: number;
  /** What a reset by the program does: ends the machine (the default), or starts the program anew with RAM as it is. */
  onReset?: 'stop' | 'restart';
}

export interface DataWatch {
  id: number;
  space: 'linear' | 'guest-physical' | 'host-physical';
  address: bigint;
  /** Bytes. */
  length: number;
  access: 'read' | 'write' | 'readWrite';
}

/** A VMCS in guest memory, at host-physical `address`. */
export interface VmcsView {
  address: bigint;
  revision: number;
  launchState: 'clear' | 'launched';
  read(encoding: number): bigint;
}

/** As many as the core has room for (assembly/layout.ts). */
export const MAX_PROCESSORS = 64;
/** Length of a turn of one of several processors, in units of time: short enough for spin locks, long enough for speed. */
const QUANTUM = 2000n;
/** More than any turn has. */
const LONGEST_TURN = 1n << 40n;
/** Turns of other processors before `step` comes back to its caller. */
const STEP_TURNS = 1000;
/** A device's deadline for the core; never is all ones. */
const deadlineOf = (at: number): bigint => (at === Infinity ? 0xffffffffffffffffn : BigInt(Math.ceil(at)));

const MIB = 1 << 20;
const DEFAULT_SEED = 1;
const PAGE = 0x1000;
const SPACES = { linear: 0, 'guest-physical': 1, 'host-physical': 2 } as const;
const ACCESSES = { read: 1, write: 2, readWrite: 3 } as const;

export class Machine {
  private processor!: Processor;
  private platform!: Platform;
  private readonly facts: FactSource;
  private cpu = defaultCpu;
  private seed = DEFAULT_SEED;
  private fresh = true;
  private readonly onReset: 'stop' | 'restart';
  /** A reset is due: RAM stays, and the program is loaded again. */
  private restarting: Reset | undefined;
  private loaded: { program: Program; options: BootOptions } | undefined;
  private running = false;
  private exited: { status: number; detail: string } | undefined;

  private constructor(
    /** Logical processors. */
    readonly cpus: number,
    onReset: 'stop' | 'restart',
  ) {
    this.onReset = onReset;
    this.facts = new FactSource(() => this.processor);
  }
  private makePlatform(memoryBytes: number): Platform {
    const core = (): Processor['core'] => this.processor.core;
    const stop = (): void => core().stop(StopCode.Fact);
    return new Platform(
      {
        exit: (status, detail) => {
          this.exited ??= { status, detail };
          stop();
        },
        access: fact => this.facts.send(fact),
        stop,
        instructions: () => this.instructions,
        now: () => Number(core().currentTime()),
        cpu: () => this.currentCpu,
        intr: level => core().setExternalLine(Number(level)),
        message: (low, destination) => void core().broadcast(low, destination, 0),
        deadline: at => core().setDeviceDeadline(deadlineOf(at)),
        reset: kind => this.resetLine(kind),
      },
      memoryBytes,
    );
  }
  /** A device pulls a reset line. The machine starts anew between instructions, or ends, as `onReset` says. */
  private resetLine(kind: Reset): void {
    if (kind === 'init') {
      this.processor.core.initializeFirst();
      return;
    }
    if (this.onReset === 'restart') this.restarting = kind;
    else this.exited ??= { status: 0, detail: 'the program reset the machine' };
    this.processor.core.stop(StopCode.Fact);
  }
  /** Throws RangeError for a memory size that no machine can have. */
  static async create(options: MachineOptions): Promise<Machine> {
    const { memoryBytes, processors = 1 } = options;
    if (!(memoryBytes >= MIB && memoryBytes <= 3072 * MIB))
      throw new RangeError(`A machine has between 1 MiB and 3 GiB of memory, not ${memoryBytes} bytes.`);
    if (!(Number.isInteger(processors) && processors >= 1 && processors <= MAX_PROCESSORS))
      throw new RangeError(`A machine has 1 to ${MAX_PROCESSORS} processors, not ${processors}.`);
    const machine = new Machine(processors, options.onReset ?? 'stop');
    const ram = Math.ceil(memoryBytes / 0x10000) * 0x10000;
    machine.processor = await Processor.create(options.core, ram, {
      portRead: (port, size) => machine.platform.portRead(port, size),
      portWrite: (port, size, value) => machine.platform.portWrite(port, size, value),
      memoryRead: (address, size) => machine.platform.memoryRead(address, size),
      memoryWrite: (address, size, value) => machine.platform.memoryWrite(address, size, value),
      fact: code => machine.facts.fromCore(code),
      tick: () => machine.tick(),
      endOfInterrupt: vector => machine.platform.ioApic.endOfInterrupt(vector),
      acknowledgeExternal: () => machine.platform.pic.acknowledge(),
      initialize: () => initialize(machine.processor, machine.cpu.model.signature),
    });
    machine.cpu = options.cpu ?? defaultCpu;
    machine.seed = options.seed ?? DEFAULT_SEED;
    identify(machine.processor, machine.cpu, processors);
    machine.platform = machine.makePlatform(ram);
    return machine;
  }

  get memoryBytes(): number {
    return this.processor.ram.length;
  }

  /** Resets the machine and puts `program` at its first instruction. Throws BootError when it cannot be placed. */
  load(program: Program, options: BootOptions = {}): void {
    const { processor } = this;
    if (program.start === 'long' && !this.cpu.features.has('LM'))
      throw new BootError(
        `${program.path}: the start state "long" needs 64-bit mode (LM), which the processor "${this.cpu.model.name}" was launched without. Choose another "cpu" or another "start".`,
      );
    if (!this.fresh) processor.clear();
    this.fresh = false;
    this.loaded = { program, options };
    this.exited = undefined;
    this.restarting = undefined;
    this.start('hard');
  }
  /** Power-on state of processors and devices, then the start state of the program. After `firmware` devices keep theirs. */
  private start(kind: Reset): void {
    const { processor } = this;
    const { program, options } = this.loaded!;
    reset(processor);
    if (!this.cpu.features.has('APIC')) processor.set('IA32_APIC_BASE', 0n);
    processor.set('RANDOM', BigInt(this.seed));
    processor.core.configureProcessors(this.cpus, QUANTUM);
    if (kind === 'hard') this.platform.reset();
    boot(processor, program, options, { processors: this.cpus, platform: this.platform });
    processor.core.reload();
  }

  /** Instructions that all processors retired since the load. */
  get instructions(): bigint {
    return this.processor.get('INSTRUCTIONS') + this.processor.view.getBigUint64(OTHERS, true);
  }
  /** Nanoseconds of the machine's time: what the processor retired, and what passed while it slept. */
  get time(): bigint {
    return this.processor.core.currentTime();
  }
  private tick(): bigint {
    this.platform.advanceToNow();
    return deadlineOf(this.platform.deadline);
  }
  /** The processor that runs, or did when the machine stopped. */
  get currentCpu(): number {
    return this.processor.view.getUint32(LOADED, true);
  }
  /** The processor whose turn it is: `run` goes on with it. */
  get scheduledCpu(): number {
    return this.processor.view.getUint32(SCHEDULED, true);
  }
  /** Brings processor `cpu` to view. */
  private at(cpu: number): Processor {
    if (cpu !== this.currentCpu) {
      if (this.running) throw new Error(`processor ${cpu} cannot be seen while processor ${this.currentCpu} runs`);
      this.processor.core.select(cpu);
    }
    return this.processor;
  }

  /** Retires at most `limit` instructions (fewer when the machine mostly sleeps) and says why it came back. A machine that ended stays ended. */
  run(limit: number): Stop {
    if (this.exited) return { kind: 'exit', ...this.exited };
    return this.advance(core => core.run(BigInt(Math.max(0, Math.floor(limit)))));
  }
  /**
   * Lets processor `cpu` retire one instruction, while the others take their turns. Undefined: it has not come to that yet
   * (it sleeps, and the others go on); call again.
   */
  step(cpu: number): Stop | undefined {
    if (this.exited) return { kind: 'exit', ...this.exited };
    for (let turns = 0; turns < STEP_TURNS; turns++) {
      const mine = this.scheduledCpu === cpu;
      const before = mine ? this.at(cpu).get('INSTRUCTIONS') : 0n;
      const stop = this.advance(core => core.runTurn(mine ? 1n : LONGEST_TURN));
      if (stop.kind !== 'limit') return stop;
      if (!mine || this.scheduledCpu !== cpu) continue;
      // In its own turn: it retired its instruction, or sleeps beside devices that act again and again.
      return this.at(cpu).get('INSTRUCTIONS') === before ? undefined : stop;
    }
    return undefined;
  }
  private advance(run: (core: Processor['core']) => number): Stop {
    this.running = true;
    let code: number;
    try {
      code = run(this.processor.core);
    } finally {
      this.running = false;
    }
    if (this.restarting) this.restart(this.restarting);
    return this.stopOf(code);
  }
  private restart(kind: Reset): void {
    this.restarting = undefined;
    // Time goes on, and instructions are counted on: devices and listeners rely on both.
    const { core } = this.processor;
    const now = this.time;
    const retired = this.instructions;
    this.start(kind);
    for (let n = this.cpus - 1; n >= 0; n--) {
      core.select(n);
      this.processor.set('INSTRUCTIONS', n === 0 ? retired : 0n);
      this.processor.set('TSC_BASE', n === 0 ? -retired : 0n);
      this.processor.set('IDLE', n === 0 ? now - retired : now);
    }
    this.processor.view.setBigUint64(OTHERS, 0n, true);
    if (this.cpus > 1) this.processor.view.setBigUint64(TURN_END, now + QUANTUM, true);
    core.reload();
  }
  private stopOf(code: number): Stop {
    if (this.exited) return { kind: 'exit', ...(this.exited as { status: number; detail: string }) };
    switch (code) {
      case StopCode.Fact: {
        const fact = this.facts.takeStopping();
        return fact ? { kind: 'fact', fact } : { kind: 'limit' };
      }
      case StopCode.Code:
        return { kind: 'code', linear: this.linearRip() };
      case StopCode.Data: {
        const { view } = this.processor;
        return {
          kind: 'data',
          watch: view.getUint32(FACT + 0x80, true),
          size: view.getUint32(FACT + 0x84, true),
          linear: view.getBigUint64(FACT + 0x88, true),
          physical: view.getBigUint64(FACT + 0x90, true),
          write: view.getUint32(FACT + 0x98, true) !== 0,
        };
      }
      case StopCode.Halt:
        return this.awaitsInput()
          ? { kind: 'waiting', detail: 'HLT waits for input on the serial port.' }
          : { kind: 'dead-halt', detail: this.haltDetail() };
      case StopCode.Shutdown:
        return { kind: 'shutdown', detail: this.facts.shutdownDetail() };
      default:
        return { kind: 'limit' };
    }
  }
  private linearRip(): bigint {
    const rip = this.processor.get('RIP');
    return this.codeSize('current') === 64 ? rip : BigInt.asUintN(32, rip + this.processor.get('CS_BASE'));
  }
  /** Whether serial input would interrupt a processor that sleeps. */
  private awaitsInput(): boolean {
    if (!this.platform.awaitsInput) return false;
    const cpus = Array.from({ length: this.cpus }, (_, cpu) => cpu);
    return cpus.some(cpu => this.register('ACTIVITY', cpu) === 1n && (this.register('RFLAGS', cpu) & 0x200n) !== 0n);
  }
  private haltDetail(): string {
    const interrupts = (this.processor.get('RFLAGS') & 0x200n) !== 0n;
    return interrupts
      ? 'HLT waits for an interrupt, but no device of this machine can raise one.'
      : 'HLT with interrupts disabled (RFLAGS.IF = 0): nothing can wake this processor.';
  }

  /** The machine as it stands. Give the last snapshot, taken of or restored to this machine, as `parent` to copy only what changed. */
  capture(parent?: Snapshot): Snapshot {
    return capture(this.processor, this.platform, this.instructions, parent);
  }
  /** Goes back to `snapshot`, which was taken of this machine. */
  restore(snapshot: Snapshot): void {
    this.exited = undefined;
    this.restarting = undefined;
    restore(this.processor, this.platform, snapshot);
  }

  /** Tells `listener` every fact of `kind`, when it happens: only the fact's own processor can be looked at then; answers the function that ends it. */
  on<K extends FactKind>(kind: K, listener: FactListener<K>): () => void {
    return this.facts.on(kind, listener);
  }
  /** Bytes written to COM1 and to port 0xE9. */
  onSerial(listener: (bytes: Uint8Array) => void): () => void {
    return this.platform.onSerial(listener);
  }
  /** Once for every port or address that the program touched although nothing is there. */
  onUnclaimed(listener: (message: string) => void): () => void {
    return this.platform.onUnclaimed(listener);
  }
  /** Input for COM1. */
  sendSerial(bytes: Uint8Array): void {
    this.platform.receive(bytes);
  }
  /** Presents `vector` as the interrupt controller would. */
  raiseInterrupt(vector: number): void {
    this.processor.core.raiseInterrupt(vector);
  }
  raiseNmi(): void {
    this.processor.core.raiseNmi();
  }

  /** A register or its part: RAX, EAX, AX, AL, AH, R8D, CS, GDTR_BASE, IA32_EFER ... Throws RangeError for other names. */
  register(name: string, cpu = this.currentCpu): bigint {
    return readRegister(this.at(cpu), name);
  }
  setRegister(name: string, value: bigint, cpu = this.currentCpu): void {
    writeRegister(this.at(cpu), name, value);
  }
  registerNames(): string[] {
    return registerNames();
  }

  vmxOperation(cpu = this.currentCpu): 'off' | 'root' | 'non-root' {
    return (['off', 'root', 'non-root'] as const)[Number(this.at(cpu).get('VMX_OPERATION'))];
  }
  currentVmcs(cpu = this.currentCpu): bigint | undefined {
    const address = this.at(cpu).get('CURRENT_VMCS');
    return address === 0xffffffffffffffffn ? undefined : address;
  }
  /** The VMCS at host-physical `address`; undefined outside RAM. */
  vmcs(address: bigint): VmcsView | undefined {
    const at = Number(address);
    if (at < 0 || at + PAGE > this.memoryBytes) return undefined;
    const region = this.processor.ram.subarray(at, at + PAGE);
    const { revision, launched } = readVmcsHeader(region);
    return {
      address,
      revision,
      launchState: launched ? 'launched' : 'clear',
      read: encoding => readVmcsField(region, encoding),
    };
  }

  /** Whose tables: the running code's, or the guest's or host's of the current VMCS. */
  context(which: ContextName, cpu = this.currentCpu): AddressContext {
    this.at(cpu);
    return contextOf(this, which);
  }
  codeSize(which: ContextName, cpu = this.currentCpu): 16 | 32 | 64 {
    this.at(cpu);
    return codeSizeOf(this, which);
  }
  /** Walks without side effects, by the processor's own walker. */
  walk(address: bigint, space: WalkSpace, access: WalkAccess, context: AddressContext): WalkRecord {
    return walkFrom(this.processor, address, space, access, context);
  }

  /** Bytes at a linear address, as far as they are mapped to RAM. */
  readLinear(address: bigint, length: number, context: AddressContext): Uint8Array {
    return this.readMapped(address, length, context, 'linear');
  }
  readGuestPhysical(address: bigint, length: number, context: AddressContext): Uint8Array {
    return this.readMapped(address, length, context, 'guest-physical');
  }
  private readMapped(address: bigint, length: number, context: AddressContext, space: WalkSpace): Uint8Array {
    const bytes = new Uint8Array(length);
    const done = this.eachPage(address, length, context, space, 'read', (at, n, offset) => {
      bytes.set(this.processor.ram.subarray(at, at + n), offset);
    });
    return bytes.subarray(0, done);
  }
  /** Bytes at a host-physical address; shorter at the end of RAM. */
  readPhysical(address: bigint, length: number): Uint8Array {
    if (address >= BigInt(this.memoryBytes)) return new Uint8Array(0);
    const at = Number(address);
    return this.processor.ram.slice(at, Math.min(at + length, this.memoryBytes));
  }
  /** Writes; answers how many bytes were written before something was not mapped. Page rights do not matter: the user decides. */
  writeLinear(address: bigint, data: Uint8Array, context: AddressContext): number {
    return this.writeMapped(address, data, context, 'linear');
  }
  writeGuestPhysical(address: bigint, data: Uint8Array, context: AddressContext): number {
    return this.writeMapped(address, data, context, 'guest-physical');
  }
  private writeMapped(address: bigint, data: Uint8Array, context: AddressContext, space: WalkSpace): number {
    return this.eachPage(address, data.length, context, space, 'read', (at, n, offset) => {
      this.store(at, data.subarray(offset, offset + n));
    });
  }
  writePhysical(address: bigint, data: Uint8Array): number {
    let done = 0;
    while (done < data.length && address + BigInt(done) < BigInt(this.memoryBytes)) {
      const at = Number(address) + done;
      const n = Math.min(data.length - done, PAGE - (at % PAGE), this.memoryBytes - at);
      this.store(at, data.subarray(done, done + n));
      done += n;
    }
    return done;
  }
  private store(at: number, data: Uint8Array): void {
    this.processor.core.touchPage(BigInt(at));
    this.processor.ram.set(data, at);
  }
  /** Visits the RAM pieces of a mapped range; answers how far it got. */
  private eachPage(
    address: bigint,
    length: number,
    context: AddressContext,
    space: WalkSpace,
    access: WalkAccess,
    visit: (at: number, bytes: number, offset: number) => void,
  ): number {
    let done = 0;
    while (done < length) {
      const here = BigInt.asUintN(64, address + BigInt(done));
      const { result } = this.walk(here, space, access, context);
      if (!result.ok || !this.isRam(result.address)) return done;
      const at = Number(result.address);
      const n = Math.min(length - done, PAGE - (at % PAGE));
      visit(at, n, done);
      done += n;
    }
    return done;
  }
  private isRam(address: bigint): boolean {
    return (
      address < BigInt(this.memoryBytes) &&
      (this.processor.view.getUint8(PAGES + Number(address >> 12n)) & PAGE_RAM) !== 0
    );
  }

  /** Replaces the set of linear addresses before which run() stops. A run that starts on one executes it. */
  watchCode(linear: readonly bigint[]): void {
    if (linear.length > CODE_WATCHES_MAX)
      throw new RangeError(`At most ${CODE_WATCHES_MAX} addresses can be watched, not ${linear.length}.`);
    const { view, core } = this.processor;
    view.setUint32(CODE_WATCHES, linear.length, true);
    linear.forEach((address, n) => view.setBigUint64(CODE_WATCHES + 8 + 8 * n, BigInt.asUintN(64, address), true));
    core.watchesChanged();
  }
  /** Replaces the set of watched data. */
  watchData(list: readonly DataWatch[]): void {
    if (list.length > DATA_WATCHES_MAX)
      throw new RangeError(`At most ${DATA_WATCHES_MAX} data can be watched, not ${list.length}.`);
    const { view, core } = this.processor;
    view.setUint32(DATA_WATCHES, list.length, true);
    list.forEach((watch, n) => {
      const at = DATA_WATCHES + 8 + 40 * n;
      view.setUint32(at, SPACES[watch.space], true);
      view.setUint32(at + 4, ACCESSES[watch.access], true);
      view.setBigUint64(at + 8, BigInt.asUintN(64, watch.address), true);
      view.setBigUint64(at + 16, BigInt(watch.length), true);
      view.setUint32(at + 24, watch.id, true);
    });
    core.watchesChanged();
  }
}

export type { Fact };
