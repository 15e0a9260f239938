/** A program that runs prepared VMCSs on another processor (runner.asm), and the reading of what it prints. */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { vmcsFields } from '../../../src/core/tables/fields';
import { assemble } from '../../../src/program/nasm/assemble';
import type { Program } from '../../../src/program/program';
import { VmxMachine, at } from '../../unit/core/vmx-machine';

export const REGISTERS = [
  'RAX',
  'RCX',
  'RDX',
  'RBX',
  'RSP',
  'RBP',
  'RSI',
  'RDI',
  ...[8, 9, 10, 11, 12, 13, 14, 15].map(n => `R${n}`),
];
/** What a case may not change, because the runner cannot set it up. */
const HOST_STATE = [
  'CR0',
  'CR3',
  'CR4',
  'IA32_EFER',
  'IA32_PAT',
  'CURRENT_VMCS',
  'BLOCKING',
  'VMX_OPERATION',
  'CS_ACCESS',
];
const HIGHEST = 0xa00000;

const writable = vmcsFields.filter(field => field.supported && field.type !== 'read-only data');
/** Fields that are compared, in the order in which the runner prints them. */
export const printed = vmcsFields.filter(field => field.supported);

/** What a case consists of, as words of memory, fields and registers. */
export interface Setup {
  memory: Map<number, bigint>;
  fields: Map<number, bigint>;
  registers: bigint[];
  host: bigint[];
}

export function setupOf(vm: VmxMachine): Setup {
  const memory = new Map<number, bigint>();
  const words = new Uint32Array(vm.processor.ram.buffer, vm.processor.ram.byteOffset, HIGHEST / 4);
  for (let n = 0x3000 / 4; n < words.length; n += 2) {
    const address = n * 4;
    if ((words[n] | words[n + 1]) !== 0 && !(address >= at.host && address < at.host + 0x100))
      memory.set(address, vm.memory64(address));
  }
  const fields = new Map(writable.map(field => [field.encoding, vm.read(field.name)]));
  const ours = BigInt(vm.label('exit'));
  for (const field of writable)
    if (field.name === 'HOST_RIP' && vm.read('HOST_RIP') === ours) fields.set(field.encoding, 0n);
  const launched = vm.memory64(at.vmcs + 8);
  return {
    memory,
    fields,
    registers: REGISTERS.map(name => vm.get(name)),
    host: [...HOST_STATE.map(name => vm.get(name)), launched],
  };
}

class Stream {
  private readonly bytes: number[] = [];
  u32(value: number): this {
    for (let n = 0; n < 4; n++) this.bytes.push((value >>> (8 * n)) & 0xff);
    return this;
  }
  u64(value: bigint): this {
    return this.u32(Number(value & 0xffffffffn)).u32(Number((value >> 32n) & 0xffffffffn));
  }
  done(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

/** Records for what `setup` has and `base` has not. */
function write(stream: Stream, setup: Setup, base?: Setup): void {
  const words = [...setup.memory].filter(([address, word]) => base?.memory.get(address) !== word);
  for (const address of base?.memory.keys() ?? []) if (!setup.memory.has(address)) words.push([address, 0n]);
  words.sort(([a], [b]) => a - b);
  for (let n = 0; n < words.length;) {
    let end = n + 1;
    while (end < words.length && words[end][0] === words[end - 1][0] + 8) end++;
    stream
      .u32(1)
      .u32((end - n) * 8)
      .u64(BigInt(words[n][0]));
    for (; n < end; n++) stream.u64(words[n][1]);
  }
  for (const [encoding, value] of setup.fields)
    if (base?.fields.get(encoding) !== value) stream.u32(2).u32(encoding).u64(value);
  stream.u32(3).u32(0);
  for (const value of setup.registers) stream.u64(value);
}

/** A program of the cases that can run elsewhere, and their indexes. */
export async function makeProgram(setups: readonly Setup[]): Promise<{ program: Program; indexes: number[] }> {
  const base = setupOf(await VmxMachine.create('hlt'));
  const stream = new Stream();
  write(stream, base);
  stream.u32(6);
  const indexes: number[] = [];
  setups.forEach((setup, index) => {
    if (setup.host.some((value, n) => value !== base.host[n])) return;
    indexes.push(index);
    stream.u32(5).u32(0);
    write(stream, setup, base);
    stream.u32(4).u32(index);
  });
  stream.u32(0);
  const list = new Stream();
  for (const field of printed) list.u32(field.encoding);
  const files: Record<string, Uint8Array> = {
    'runner.asm': readFileSync('test/oracle/vmx/runner.asm'),
    'fields.bin': list.u32(0xffffffff).done(),
    'cases.bin': stream.done(),
  };
  const result = assemble('runner.asm', { read: path => files[path], resolve: (_from, relative) => relative });
  assert.deepStrictEqual(result.diagnostics, []);
  const address = Number(result.origin);
  const segment = { address, data: result.bytes, memoryBytes: result.bytes.length };
  const program: Program = {
    path: 'runner.asm',
    format: 'asm',
    segments: [segment],
    entry: address,
    start: 'long',
    symbols: [],
    lines: [],
    sources: [],
  };
  return { program, indexes };
}

export interface Outcome {
  /** Whether the VM entry took place (an exit followed), or VMLAUNCH failed. */
  entered: boolean;
  flags: bigint;
  registers: bigint[];
  fields: Map<string, bigint>;
}

/** Outcomes by case, from what the runner printed. */
export function parseOutcomes(text: string): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const line of text.split(/\r?\n/)) {
    const match = /([FV])((?: [0-9a-f]+)+)\s*$/.exec(line);
    if (!match) continue;
    const [flags, number, ...rest] = match[2]
      .trim()
      .split(' ')
      .map(word => BigInt(`0x${word}`));
    const values = rest.slice(REGISTERS.length);
    if (values.length !== printed.length) continue;
    outcomes.set(Number(number), {
      entered: match[1] === 'V',
      flags,
      registers: rest.slice(0, REGISTERS.length),
      fields: new Map(printed.map((field, n) => [field.name, values[n]])),
    });
  }
  return outcomes;
}
