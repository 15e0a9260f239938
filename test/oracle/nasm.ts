/** Real NASM, the oracle of the assembler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Throws with what to do when NASM is not there. */
export function requireNasm(): void {
  if (spawnSync('nasm', ['-v']).error)
    throw new Error('these tests compare with real NASM: install it (apt-get install nasm)');
}

/** The flat binary that NASM makes of a file, or its messages. */
export function nasmFile(file: string, folder = path.dirname(file)): { bytes: Uint8Array } | { messages: string } {
  const out = mkdtempSync(path.join(os.tmpdir(), 'ringscope-nasm-'));
  try {
    const binary = path.join(out, 'out.bin');
    const run = spawnSync('nasm', ['-f', 'bin', '-w-all', '-o', binary, file], { cwd: folder, encoding: 'utf8' });
    return run.status === 0 ? { bytes: readFileSync(binary) } : { messages: run.stderr };
  } finally {
    rmSync(out, { recursive: true });
  }
}

export interface NasmLines {
  /** The lines as NASM took them: those it rejects are empty. */
  lines: string[];
  /** Its messages for those it rejects, by line from 0. */
  rejected: Map<number, string>;
  /** The bytes of each line that made some. */
  bytes: Map<number, Uint8Array>;
}

const MOST_RUNS = 40;

/** Assembles lines with NASM, leaving out those that it rejects until the rest is accepted. */
export function nasmLines(source: readonly string[]): NasmLines {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ringscope-nasm-'));
  const lines = [...source];
  const rejected = new Map<number, string>();
  try {
    const [asm, bin, list] = ['lines.asm', 'lines.bin', 'lines.lst'].map(name => path.join(folder, name));
    for (let run = 0; run < MOST_RUNS; run++) {
      writeFileSync(asm, lines.join('\n') + '\n');
      const { status, stderr } = spawnSync('nasm', ['-f', 'bin', '-w-all', '-o', bin, '-l', list, asm], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      if (status === 0) return { lines, rejected, bytes: split(readFileSync(list, 'utf8'), readFileSync(bin)) };
      let found = 0;
      for (const [, number, message] of stderr.matchAll(/lines\.asm:(\d+): (.*)/g)) {
        found++;
        rejected.set(Number(number) - 1, message);
        lines[Number(number) - 1] = '';
      }
      if (found === 0) throw new Error(`NASM fails without naming a line: ${stderr.slice(0, 500)}`);
    }
    throw new Error(`NASM still rejects lines after ${MOST_RUNS} runs`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Cuts the binary at the offsets that the listing gives. */
function split(listing: string, binary: Uint8Array): Map<number, Uint8Array> {
  const offsets = new Map<number, number>();
  for (const row of listing.split('\n')) {
    const match = /^ *(\d+) ([0-9A-F]{8}) /.exec(row);
    if (match && !offsets.has(Number(match[1]) - 1)) offsets.set(Number(match[1]) - 1, parseInt(match[2], 16));
  }
  const order = [...offsets.keys()].sort((a, b) => a - b);
  return new Map(
    order.map((line, i) => [line, binary.subarray(offsets.get(line), offsets.get(order[i + 1]) ?? binary.length)]),
  );
}
