/** Runs guest programs in NASM syntax: the tests of the processor are written in the language of the domain. */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { defaultCpu, type Cpu } from '../../../src/core/tables/models';
import type { Stop } from '../../../src/machine/facts';
import { Machine } from '../../../src/machine/machine';
import { loadProgram } from '../../../src/program/load';
import type { StartState } from '../../../src/program/program';

const wasm = readFileSync('dist/core.wasm');

export interface Guest {
  machine: Machine;
  symbols: Map<string, bigint>;
  serial(): string;
  /** Little-endian value of `bytes` bytes at a label. */
  at(label: string, bytes?: number): bigint;
}

/** Assembles `source` and puts a fresh machine at its first instruction. */
export async function guest(
  source: string,
  start?: StartState,
  memoryBytes = 16 << 20,
  cpu: Cpu = defaultCpu,
  processors = 1,
): Promise<Guest> {
  const loaded = loadProgram('guest.asm', sourceFiles(source), { ...(start ? { start } : {}), memoryBytes });
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.errors));
  const machine = await Machine.create({ core: wasm, memoryBytes, cpu, processors });
  machine.load(loaded.program);
  const symbols = new Map(loaded.program.symbols.map(({ name, address }) => [name, address]));
  let text = '';
  machine.onSerial(bytes => (text += Buffer.from(bytes).toString('latin1')));
  return {
    machine,
    symbols,
    serial: () => text,
    at: (label, bytes = 8) => {
      const address = symbols.get(label);
      assert.ok(address !== undefined, `no label ${label}`);
      return machine.readPhysical(address, bytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    },
  };
}

function sourceFiles(source: string): {
  read(path: string): Uint8Array | undefined;
  resolve(from: string, to: string): string;
} {
  return {
    read: path => (path === 'guest.asm' ? new TextEncoder().encode(source) : undefined),
    resolve: (_from, to) => to,
  };
}

/** Runs until something else than the limit stops the machine; fails after `limit` instructions. */
export function finish(machine: Machine, limit = 10_000_000): Stop {
  const stop = machine.run(limit);
  assert.notStrictEqual(stop.kind, 'limit', `still running at RIP 0x${machine.register('RIP').toString(16)}`);
  return stop;
}

/** Ends a 64-, 32- or 16-bit program: status 1 on the debug-exit port. */
export const done = 'xor eax, eax\n out 0xf4, al\n';
