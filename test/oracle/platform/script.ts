/**
 * Scripts for the interpreter (interpreter.asm): lists of port, memory and MSR accesses and of moments at which interrupts
 * are let in. They run here and in QEMU; what they saw is compared line by line.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, run } from '../tool';

const SOURCE = path.resolve('test/oracle/platform/interpreter.asm');

const enum Code { In = 1, Out, Load, Store, Rdmsr, Wrmsr, Window, Delay, Policy, Start, Await, Copy, Cpuid, Bytes } // prettier-ignore

/** What a handler does, beside writing its vector down. */
export const Handler = { endLocal: 1, endFirst: 2, endSecond: 4, nests: 8, lowers: 16 } as const;

export type Width = 1 | 2 | 4;

/** One line of output. */
interface Line {
  text: string;
  /** Why QEMU says something else, and what is right. */
  differs?: { why: string; here: string | RegExp };
  /** What both must satisfy, when they cannot be equal. */
  loosely?: (value: string) => boolean;
}
/** What can be said of a line that was just written. */
export interface Expectation {
  /** QEMU does it otherwise: `here` is right, for this reason. The test fails when QEMU says the same. */
  differs(why: string, here: string | RegExp): void;
  /** Times and counts: both only satisfy `accepts`. */
  loosely(accepts: (value: string) => boolean): void;
}

export class Script {
  private readonly operations: number[][] = [];
  private readonly lines: Line[] = [];
  private cpu = 0;

  constructor(readonly processors = 1) {
    for (let n = 1; n < processors; n++) this.start(n);
  }
  private op(code: Code, size: number, a: number, b = 0, c = 0): void {
    this.operations.push([code | (size << 8) | (this.cpu << 16), a, b, c].map(word => word >>> 0));
  }
  private line(text: string): Expectation {
    const line: Line = { text: this.cpu ? `CPU ${this.cpu}: ${text}` : text };
    this.lines.push(line);
    return {
      differs: (why, here) => void (line.differs = { why, here }),
      loosely: accepts => void (line.loosely = accepts),
    };
  }
  /** What `body` writes runs on processor `cpu`. */
  on(cpu: number, body: () => void): void {
    this.cpu = cpu;
    body();
    this.cpu = 0;
  }
  in(port: number, size: Width = 1): Expectation {
    this.op(Code.In, size, port);
    return this.line(`in ${hex(port)}, ${size}`);
  }
  out(port: number, value: number, size: Width = 1): this {
    this.op(Code.Out, size, port, value);
    return this;
  }
  load(address: number, size: Width = 4): Expectation {
    this.op(Code.Load, size, address);
    return this.line(`load ${hex(address)}, ${size}`);
  }
  store(address: number, value: number, size: Width = 4): this {
    this.op(Code.Store, size, address, value);
    return this;
  }
  rdmsr(index: number): Expectation {
    this.op(Code.Rdmsr, 0, index);
    return this.line(`rdmsr ${hex(index)}`);
  }
  wrmsr(index: number, value: bigint): Expectation {
    this.op(Code.Wrmsr, 0, index, Number(value & 0xffffffffn), Number(value >> 32n));
    return this.line(`wrmsr ${hex(index)}, 0x${value.toString(16)}`);
  }
  /** Lets interrupts in, for so many microseconds at least; tells their vectors. */
  window(microseconds = 0): Expectation {
    this.op(Code.Window, 0, 200, microseconds);
    return this.line('interrupts');
  }
  delay(microseconds: number): this {
    this.op(Code.Delay, 0, microseconds);
    return this;
  }
  /** What the handler of `vector` does: flags of Handler; `line` of the test device. */
  handler(vector: number, flags: number, line = 0): this {
    this.op(Code.Policy, 0, vector, flags, line);
    return this;
  }
  /** INIT and start-up for processor `cpu`. */
  start(cpu: number): this {
    this.op(Code.Start, 0, cpu);
    return this;
  }
  /** Reads `port` until `value & mask` is `wanted`. */
  await(port: number, mask: number, wanted: number): Expectation {
    this.op(Code.Await, 1, port, mask, wanted);
    return this.line(`await ${hex(port)} & ${hex(mask)} = ${hex(wanted)}`);
  }
  /** Memory as bytes; `information`: relative to the Multiboot information. */
  bytes(address: number, count: number, information = false): Expectation {
    this.op(Code.Copy, 0, address, count, Number(information));
    return this.line(`${count} bytes at ${hex(address)}`);
  }
  inBytes(port: number, count: number): Expectation {
    this.op(Code.Bytes, 1, port, count);
    return this.line(`${count} bytes of port ${hex(port)}`);
  }
  /** The table of operations in NASM's syntax. */
  get table(): string {
    return this.operations.map(words => `dd ${words.map(hex).join(', ')}`).join('\n') + '\n';
  }

  /** Runs the script on both sides in `folder` and compares; answers the lines of this side. */
  compare(folder: string, machine: 'q35' | 'pc' = 'q35'): string[] {
    writeFileSync(path.join(folder, 'operations.inc'), this.table);
    build('nasm', ['-f', 'bin', '-I', `${folder}/`, '-o', 'platform.bin', SOURCE], folder);
    const there = runInQemu(folder, machine, this.processors);
    const here = runHere(folder, this.processors);
    const wrong: string[] = [];
    assert.equal(there.length, this.lines.length, `QEMU told ${there.length} of ${this.lines.length} lines`);
    assert.equal(here.length, this.lines.length, `here ${here.length} of ${this.lines.length} lines were told`);
    this.lines.forEach((line, n) => {
      const problem = verdict(line, here[n], there[n]);
      if (problem) wrong.push(`${n} ${line.text}: here ${here[n]}, QEMU ${there[n]}${problem}`);
    });
    assert.equal(
      wrong.length,
      0,
      `${wrong.length} of ${this.lines.length} lines differ:\n${wrong.slice(0, 60).join('\n')}`,
    );
    return here;
  }
}

function verdict({ differs, loosely }: Line, here: string, there: string): string | undefined {
  if (loosely) return loosely(here) && loosely(there) ? undefined : ' (not accepted)';
  if (!differs) return here === there ? undefined : ' ';
  const right = typeof differs.here === 'string' ? here === differs.here : differs.here.test(here);
  if (!right) return ` (right is ${String(differs.here)}: ${differs.why})`;
  return here === there ? ' (the difference is gone)' : undefined;
}

const DONE = 3;
function linesOf({ stdout, stderr, status }: ReturnType<typeof run>, side: string): string[] {
  assert.equal(status, DONE, `${side} ended with ${status}: ${stderr}\n${stdout.slice(0, 2000)}`);
  return stdout.replaceAll('\r', '').split('\n').slice(0, -1);
}
function runInQemu(folder: string, machine: string, processors: number): string[] {
  const args = ['-machine', machine, '-accel', 'tcg', '-cpu', 'max', '-m', '64', '-smp', String(processors)];
  args.push('-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-kernel', 'platform.bin');
  args.push(
    '-device',
    'isa-debug-exit,iobase=0xf4,iosize=4',
    '-device',
    'pc-testdev',
    '-rtc',
    'base=2026-01-01T00:00:00',
  );
  return linesOf(run('qemu-system-x86_64', args, { cwd: folder }), 'QEMU');
}
function runHere(folder: string, processors: number): string[] {
  const args = [path.resolve('dist/cli.js'), 'run', 'platform.bin', '--memory', '64M', '--timeout', '50'];
  args.push('--cpus', String(processors));
  return linesOf(run(process.execPath, args, { cwd: folder }), 'this machine');
}
export const hex = (value: number): string => `0x${value.toString(16)}`;
