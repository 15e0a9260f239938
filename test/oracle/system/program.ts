/** Cases of system code as one program for all processors: assembling it, running it on each, and its lines by case. */
import * as assert from 'node:assert';
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Machine } from '../../../src/machine/machine';
import { cpuOf, modelNamed } from '../../../src/core/tables/models';
import type { Program } from '../../../src/program/program';
import { runOnBochs } from '../bochs/bochs';
import { build, run } from '../tool';

export interface Case {
  /** What it is about, for the report. */
  name: string;
  /** Code in NASM syntax, which begins at CPL 0 in the runner's flat segments. */
  code: string;
}

const MEMORY = 64 << 20;
const RUNNERS = 'test/oracle/system';
const FOLDER = 'out/oracle/system';
/** Of the Multiboot header; the 64-bit entry follows it. */
const HEADER_BYTES = 32;
const MOST_INSTRUCTIONS = 1_000_000_000;

/** The program that runs `cases` with `runner` (a file of this folder). */
export function systemProgram(runner: string, cases: readonly Case[]): Program {
  const text = [
    ...cases.map(({ code }, n) => `case_${n}:\n${code}`),
    'align 4',
    'case_list:',
    ...cases.map((_, n) => `dd case_${n}`),
    'dd 0',
  ].join('\n');
  mkdirSync(FOLDER, { recursive: true });
  const at = (name: string): string => path.join(FOLDER, name);
  writeFileSync(at('cases.asm'), text);
  build('nasm', ['-f', 'bin', '-w-all', `-I${FOLDER}/`, '-o', at(`${runner}.bin`), path.join(RUNNERS, runner)]);
  const data = readFileSync(at(`${runner}.bin`));
  const address = 0x100000;
  const entry = address + HEADER_BYTES;
  const segment = { address, data, memoryBytes: data.length };
  return {
    path: runner,
    format: 'asm',
    segments: [segment],
    entry,
    start: 'long',
    symbols: [],
    lines: [],
    sources: [],
  };
}

/** Case number to its line, of what was printed on port 0xE9. */
export type Lines = Map<number, string>;

function linesOf(text: string): Lines {
  const lines: Lines = new Map();
  for (const line of text.split(/\r?\n/)) {
    const match = /(?:^|[^0-9a-f ])((?:[0-9a-f]+ )+)$/.exec(line);
    if (!match) continue;
    const [number, ...rest] = match[1].trim().split(' ');
    lines.set(parseInt(number, 16), rest.join(' '));
  }
  return lines;
}

/** Here, as the CPU model `model`. */
export async function runHere(program: Program, model = 'skylake'): Promise<Lines> {
  const core = readFileSync('dist/core.wasm');
  const machine = await Machine.create({ core, memoryBytes: MEMORY, cpu: cpuOf(modelNamed(model)!) });
  machine.load(program);
  const parts: Buffer[] = [];
  machine.onSerial(bytes => parts.push(Buffer.from(bytes)));
  const stop = machine.run(MOST_INSTRUCTIONS);
  const text = Buffer.concat(parts).toString('latin1');
  assert.strictEqual(stop.kind, 'exit', `${JSON.stringify(stop)} after ${text.slice(-300)}`);
  return linesOf(text);
}

export function runBochs(program: Program, folder: string): Lines {
  return linesOf(runOnBochs(program, path.resolve(folder), 300_000).debugConsole);
}

/** QEMU starts the image by its Multiboot header. */
export function runQemu(program: Program, folder: string): Lines {
  mkdirSync(folder, { recursive: true });
  const image = path.resolve(folder, 'image.bin');
  writeFileSync(image, program.segments[0].data);
  const args = ['-accel', 'tcg', '-cpu', 'max', '-m', '64', '-nodefaults', '-display', 'none', '-no-reboot'];
  args.push('-debugcon', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', image);
  return linesOf(run('qemu-system-x86_64', args, { timeout: 120_000 }).stdout);
}
