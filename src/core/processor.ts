/**
 * The processor from outside: core.wasm with its memory, its state by name, its exports with types.
 * Addresses of `ram` are host-physical.
 */
import { identify } from './identity';
import { PAGES, PAGE_DIRTY, PAGE_TOUCHED, PROCESSORS, RAM, RAM_PAGE, WASM_PAGE } from './layout';
import { stateField, type StateField } from './schema';
import { defaultCpu } from './tables/models';

/** What the core asks of its host (assembly/host.ts). */
export interface Host {
  portRead(port: number, size: number): number;
  portWrite(port: number, size: number, value: number): void;
  memoryRead(address: bigint, size: number): bigint;
  memoryWrite(address: bigint, size: number, value: bigint): void;
  /** A fact of kind `code` (FactCode); true: stop. */
  fact(code: number): boolean;
  /** The devices' deadline has come: they act and answer the next, in units of time. */
  tick(): bigint;
  /** A local APIC ended the level-triggered interrupt `vector`. */
  endOfInterrupt(vector: number): void;
  /** The vector of the 8259, whose INTR the processor takes. */
  acknowledgeExternal(): number;
  /** Puts the loaded processor into its state after INIT. */
  initialize(): void;
}

/** assembly/facts.ts */
export const FactCode = {
  VmExit: 0,
  VmEntry: 1,
  EntryFailure: 2,
  VmxAbort: 3,
  Exception: 4,
  Interrupt: 5,
  Control: 6,
  Halt: 7,
} as const;

/** assembly/stop.ts */
export const StopCode = { Limit: 1, Fact: 2, Code: 3, Data: 4, Halt: 5, Shutdown: 6 } as const;

interface CoreExports {
  configure(ram: bigint): void;
  reload(): void;
  changed(): void;
  touchPage(address: bigint): void;
  watchesChanged(): void;
  /** After a snapshot: the next write to each page makes it dirty again. */
  pagesCleaned(): void;
  stop(code: number): void;
  run(limit: bigint): number;
  /** As `run`, but at the latest to the end of the running processor's turn. */
  runTurn(limit: bigint): number;
  raiseInterrupt(vector: number): void;
  raiseNmi(): void;
  /** Makes `count` processors of the loaded state, which take turns of `quantum` units of time. */
  configureProcessors(count: number, quantum: bigint): void;
  /** Loads the state of processor `n`: `get` and `set` then mean it. `run` goes on with whose turn it is. */
  select(n: number): void;
  /** An interrupt message: `low` as in the ICR's low word, `wide` for a 32-bit destination. 1: somebody was addressed. */
  broadcast(low: number, destination: number, wide: number): number;
  /** INIT for the first processor. */
  initializeFirst(): void;
  /** The 8259's INTR line. */
  setExternalLine(level: number): void;
  setDeviceDeadline(at: bigint): void;
  /** Time of the loaded processor: what it retired and slept. */
  currentTime(): bigint;
  setFactMask(mask: number): void;
  getFlags(): bigint;
  setFlags(value: bigint): void;
  /** Checks the current VMCS as if it were launched (1) or resumed (0) now: the number of failing rows. */
  surveyEntry(launch: number): number;
  /** Their address in the core's memory: check u32, field encoding u32, value u64 each. */
  surveyRows(): number;
  /** Length of the instruction at `rip` (0: more than 15 bytes; 0xff: not mapped), with bit 8 when it would raise #UD. Fetches as the processor does. */
  instructionAt(rip: bigint): number;
  walkRequest(cr0: bigint, cr3: bigint, cr4: bigint, efer: bigint, eptp: bigint, pdptes: number): void;
  walkLinear(address: bigint, access: number): number;
  walkGuestPhysical(address: bigint, access: number): number;
  walkSteps(): number;
  walkOutcome(): number;
  walkCode(): bigint;
  walkGuestAddress(): bigint;
  walkHostAddress(): bigint;
}

const compiledCores = new WeakMap<Uint8Array, Promise<WebAssembly.Module>>();
function compile(wasm: Uint8Array): Promise<WebAssembly.Module> {
  const known = compiledCores.get(wasm) ?? WebAssembly.compile(wasm);
  compiledCores.set(wasm, known);
  return known;
}

export class Processor {
  private constructor(
    readonly core: CoreExports,
    readonly memory: { readonly buffer: ArrayBuffer },
    readonly view: DataView,
    /** Guest RAM from host-physical 0. */
    readonly ram: Uint8Array,
  ) {}

  /** `wasm`: the bytes of dist/core.wasm, compiled once for each array. `ramBytes`: a multiple of 64 KiB, at most 3 GiB. It is the default model. */
  static async create(wasm: Uint8Array, ramBytes: number, host: Host): Promise<Processor> {
    const compiled = await compile(wasm);
    const pages = (RAM + ramBytes) / WASM_PAGE;
    const memory = new WebAssembly.Memory({ initial: pages });
    const imports = {
      env: {
        memory,
        abort: (_message: number, _file: number, line: number, column: number): never => {
          throw new Error(`core aborted at ${line}:${column}`);
        },
      },
      host: {
        portRead: (port: number, size: number) => host.portRead(port, size),
        portWrite: (port: number, size: number, value: number) => host.portWrite(port, size, value >>> 0),
        memoryRead: (address: bigint, size: number) => host.memoryRead(BigInt.asUintN(64, address), size),
        memoryWrite: (address: bigint, size: number, value: bigint) =>
          host.memoryWrite(BigInt.asUintN(64, address), size, BigInt.asUintN(64, value)),
        fact: (code: number) => (host.fact(code) ? 1 : 0),
        tick: () => host.tick(),
        endOfInterrupt: (vector: number) => host.endOfInterrupt(vector),
        acknowledgeExternal: () => host.acknowledgeExternal(),
        initialize: () => host.initialize(),
      },
    };
    const instance = await WebAssembly.instantiate(compiled, imports);
    const core = instance.exports as unknown as CoreExports;
    const processor = new Processor(
      core,
      memory,
      new DataView(memory.buffer),
      new Uint8Array(memory.buffer, RAM, ramBytes),
    );
    identify(processor, defaultCpu);
    core.configure(BigInt(ramBytes));
    return processor;
  }

  /** How many there are (configureProcessors). */
  get processors(): number {
    return this.view.getUint32(PROCESSORS, true);
  }
  /** Writes RAM for the host: decoded code is forgotten, the pages become dirty. */
  store(address: number, data: Uint8Array): void {
    const end = address + data.length;
    for (let page = address - (address % RAM_PAGE); page < end; page += RAM_PAGE) this.core.touchPage(BigInt(page));
    this.ram.set(data, address);
  }
  /** Makes all RAM zero; costs what was written. */
  clear(): void {
    const flags = new Uint8Array(this.memory.buffer, PAGES, this.ram.length / RAM_PAGE);
    for (let page = 0; page < flags.length; page++) {
      if (!(flags[page] & (PAGE_DIRTY | PAGE_TOUCHED))) continue;
      this.ram.fill(0, page * RAM_PAGE, (page + 1) * RAM_PAGE);
      flags[page] &= ~(PAGE_DIRTY | PAGE_TOUCHED);
    }
    this.core.reload();
  }
  /** A field of the state schema; RFLAGS complete. Throws for a name that the schema does not have. */
  get(name: string): bigint {
    const field = fieldNamed(name);
    if (field.name === 'RFLAGS') return BigInt.asUintN(64, this.core.getFlags());
    return this.read(field);
  }
  read(field: StateField): bigint {
    switch (field.width) {
      case 8:
        return BigInt(this.view.getUint8(field.offset));
      case 16:
        return BigInt(this.view.getUint16(field.offset, true));
      case 32:
        return BigInt(this.view.getUint32(field.offset, true));
      case 64:
        return this.view.getBigUint64(field.offset, true);
      case 80:
        return (
          (BigInt(this.view.getUint16(field.offset + 8, true)) << 64n) | this.view.getBigUint64(field.offset, true)
        );
      case 128:
        return (this.view.getBigUint64(field.offset + 8, true) << 64n) | this.view.getBigUint64(field.offset, true);
    }
  }
  /** Stores the low `width` bits; whoever changes what modes depend on calls `core.changed()`. */
  set(name: string, value: bigint): void {
    const field = fieldNamed(name);
    if (field.name === 'RFLAGS') {
      this.core.setFlags(BigInt.asUintN(64, value));
      return;
    }
    switch (field.width) {
      case 8:
        this.view.setUint8(field.offset, Number(BigInt.asUintN(8, value)));
        break;
      case 16:
        this.view.setUint16(field.offset, Number(BigInt.asUintN(16, value)), true);
        break;
      case 32:
        this.view.setUint32(field.offset, Number(BigInt.asUintN(32, value)), true);
        break;
      case 64:
        this.view.setBigUint64(field.offset, BigInt.asUintN(64, value), true);
        break;
      case 80:
        this.view.setBigUint64(field.offset, BigInt.asUintN(64, value), true);
        this.view.setUint16(field.offset + 8, Number(BigInt.asUintN(16, value >> 64n)), true);
        break;
      case 128:
        this.view.setBigUint64(field.offset, BigInt.asUintN(64, value), true);
        this.view.setBigUint64(field.offset + 8, BigInt.asUintN(64, value >> 64n), true);
    }
  }
}

function fieldNamed(name: string): StateField {
  const field = stateField(name);
  if (!field) throw new RangeError(`There is no register or state field "${name}".`);
  return field;
}
