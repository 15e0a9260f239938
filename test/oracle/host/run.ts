/** Batches of cases, as driver.asm takes them, on the host processor and on the simulated one. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Machine } from '../../../src/machine/machine';
import type { Program } from '../../../src/program/program';
import { programOf } from '../sources';
import type { Draft } from './draft';
import { AT, BYTES, CASES, CASE_BYTES, CODE_BYTES, DRIVER, FIRST_CASE, LOW, RFLAGS, defines, hex } from './layout';

const FOLDER = path.resolve('test/oracle/host');
const MACHINE_BYTES = LOW + BYTES;
/** As many as fit the memory. */
export const MOST_CASES = Math.floor((LOW + BYTES - CASES - FIRST_CASE) / CASE_BYTES);

/** driver.asm, assembled by our own assembler. */
export class Driver {
  private constructor(
    readonly program: Program,
    readonly fellThrough: number,
    readonly branched: number,
  ) {}

  static load(): Driver {
    const program = programOf(path.join(FOLDER, 'driver.asm'), { defines, memoryBytes: MACHINE_BYTES });
    const symbol = (name: string): number => Number(program.symbols.find(s => s.name === name)!.address);
    return new Driver(program, symbol('fell_through'), symbol('branched'));
  }

  /** The batch as bytes for CASES. */
  batch(drafts: readonly Draft[]): Uint8Array {
    const bytes = new Uint8Array(FIRST_CASE + drafts.length * CASE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(drafts.length), true);
    drafts.forEach((draft, n) => {
      const at = FIRST_CASE + n * CASE_BYTES;
      view.setBigUint64(at + AT.entry, BigInt(draft.entry), true);
      const { bytes: code } = draft.code(this.fellThrough, this.branched);
      if (code.length > CODE_BYTES) throw new Error(`a case of ${code.length} bytes does not fit`);
      bytes.set(code, at + AT.code);
      draft.registers.forEach((value, r) => view.setBigUint64(at + AT.registers + 8 * r, value, true));
      view.setBigUint64(at + AT.registers + 8 * RFLAGS, draft.flags, true);
      bytes.set(draft.data, at + AT.data);
      bytes.set(draft.fx.bytes, at + AT.fx);
    });
    return bytes;
  }
}

/** The host processor, through runner.c. */
export class Host {
  private constructor(
    private readonly runner: string,
    private readonly driver: string,
  ) {}

  /** Compiles the runner into `folder`. */
  static build(folder: string, driver: Driver): Host {
    const runner = path.join(folder, 'runner');
    const source = path.join(FOLDER, 'runner.c');
    // Linked away from the addresses of the cases, and static: its heap follows it.
    const built = spawnSync(
      'gcc',
      ['-O2', '-static', '-no-pie', '-Wl,-Ttext-segment=0x40000000', '-o', runner, source],
      {
        encoding: 'utf8',
      },
    );
    if (built.error) throw new Error(`gcc is needed to run cases on the host processor: ${built.error.message}`);
    if (built.status !== 0) throw new Error(`gcc failed on runner.c:\n${built.stderr}`);
    const image = path.join(folder, 'driver.bin');
    writeFileSync(image, driver.program.segments[0].data);
    return new Host(runner, image);
  }
  run(batch: Uint8Array): Uint8Array {
    const ran = spawnSync(this.runner, [hex(DRIVER), this.driver, hex(LOW), hex(BYTES), hex(CASES)], {
      input: batch,
      maxBuffer: BYTES * 2,
      timeout: 120_000,
    });
    if (ran.status !== 0 || ran.stdout.length !== batch.length)
      throw new Error(`the runner ended with ${ran.signal ?? ran.status}: ${ran.stderr}`);
    return ran.stdout;
  }
}

/** The simulated processor. */
export class Simulated {
  private constructor(
    private readonly machine: Machine,
    private readonly driver: Driver,
  ) {}
  static async create(driver: Driver): Promise<Simulated> {
    const core = readFileSync(path.resolve('dist/core.wasm'));
    return new Simulated(await Machine.create({ core, memoryBytes: MACHINE_BYTES }), driver);
  }
  run(batch: Uint8Array): Uint8Array {
    const { machine } = this;
    machine.load(this.driver.program);
    machine.writePhysical(BigInt(CASES), batch);
    const stop = machine.run(1e10);
    if (stop.kind !== 'exit') throw new Error(`the machine stopped before the batch ended: ${JSON.stringify(stop)}`);
    return machine.readPhysical(BigInt(CASES), batch.length);
  }
}
