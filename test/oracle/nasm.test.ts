import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileSources } from '../../src/cli/files';
import { assemble } from '../../src/program/nasm/assemble';
import { BINARY, linesOf, TABLE } from '../unit/program/syntax-table';
import { CorpusWriter, type Bits } from './corpus';
import { nasmFile, nasmLines, requireNasm } from './nasm';
import { PROGRAMS } from './programs';
import { syntaxLines } from './syntax';

const hex = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString('hex') : 'nothing');

/** Compares the bytes of every line that NASM accepts. Gives how many there were. */
function compareLines(source: readonly string[]): number {
  const nasm = nasmLines(source);
  const text = new TextEncoder().encode(nasm.lines.join('\n') + '\n');
  const ours = assemble('lines.asm', { read: () => text, resolve: (_, file) => file });
  const bytes = new Map<number, number[]>();
  for (const row of ours.lines) {
    const from = Number(row.address - ours.origin);
    const made = bytes.get(row.line - 1) ?? [];
    bytes.set(row.line - 1, [...made, ...ours.bytes.subarray(from, from + row.bytes)]);
  }
  const errors = new Map(ours.diagnostics.filter(d => d.severity === 'error').map(d => [d.line - 1, d.message]));
  /** First those whose length differs: they move the addresses in all that follow. */
  const different: { text: string; moves: boolean }[] = [];
  // A lone word that NASM does not know is a label to it.
  for (const line of bytes.keys())
    if (!nasm.bytes.has(line) && /\s/.test(nasm.lines[line])) nasm.bytes.set(line, new Uint8Array(0));
  for (const [line, expected] of nasm.bytes) {
    const made = bytes.get(line) && Uint8Array.from(bytes.get(line)!);
    if (hex(made) !== hex(expected) || errors.has(line))
      different.push({
        text: `${nasm.lines[line]}: NASM ${hex(expected)}, ours ${errors.get(line) ?? hex(made)}`,
        moves: made?.length !== expected.length,
      });
  }
  different.sort((a, b) => Number(b.moves) - Number(a.moves));
  const shown = different
    .slice(0, 20)
    .map(d => d.text)
    .join('\n');
  assert.equal(different.length, 0, `${different.length} of ${nasm.bytes.size} lines differ:\n${shown}`);
  return nasm.bytes.size;
}

describe('assembler: byte for byte what real NASM makes', () => {
  before(requireNasm);

  for (const bits of [16, 32, 64] as Bits[]) {
    it(`every encoding of the instruction tables in ${bits}-bit mode`, () => {
      const accepted = compareLines([`bits ${bits}`, ...new CorpusWriter(bits, 1).lines(3)]);
      assert.ok(accepted > 9000, `NASM accepts only ${accepted} lines`);
    });

    it(`sizes, addresses, jumps, prefixes and data in ${bits}-bit mode`, () => {
      const lines = [`bits ${bits}`, 'lab: nop', ...syntaxLines(bits), 'far_: equ 0x5000', 'fwd: nop'];
      const accepted = compareLines(lines);
      assert.ok(accepted > 10000, `NASM accepts only ${accepted} lines`);
    });
  }

  for (const [name, source] of Object.entries(PROGRAMS))
    it(`program: ${name}`, () => {
      const ours = assemble('program.asm', {
        read: () => new TextEncoder().encode(source),
        resolve: (_, file) => file,
      });
      assert.deepEqual(ours.diagnostics, []);
      const folder = mkdtempSync(path.join(os.tmpdir(), 'ringscope-program-'));
      try {
        writeFileSync(path.join(folder, 'program.asm'), source);
        const nasm = nasmFile('program.asm', folder);
        if ('messages' in nasm) assert.fail(nasm.messages);
        assert.equal(hex(ours.bytes), hex(nasm.bytes));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  it('the rows of the unit tests', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ringscope-rows-'));
    try {
      writeFileSync(path.join(folder, 'f.bin'), BINARY);
      for (const [source, bytes] of Object.values(TABLE).flat()) {
        writeFileSync(path.join(folder, 'row.asm'), linesOf(source) + '\n');
        const nasm = nasmFile('row.asm', folder);
        assert.equal('messages' in nasm ? nasm.messages : hex(nasm.bytes), bytes, source);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe('samples', () => {
    const files = readdirSync('samples', { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.asm'))
      .map(file => path.join('samples', file));
    assert.ok(files.length > 0, 'there are no samples');

    for (const file of files)
      it(file, () => {
        // Includes are relative to the file; NASM looks in the working directory.
        const nasm = nasmFile(path.basename(file), path.dirname(file));
        const ours = assemble(file, fileSources);
        if ('messages' in nasm) {
          // A part that other sources include; it is compared in them.
          assert.ok(!ours.ok, `NASM rejects what we accept: ${nasm.messages}`);
          const name = path.basename(file);
          const users = files.filter(other => other !== file && readFileSync(other, 'utf8').includes(name));
          assert.ok(users.length > 0, nasm.messages);
          return;
        }
        assert.deepEqual(
          ours.diagnostics.filter(d => d.severity === 'error'),
          [],
        );
        assert.equal(hex(ours.bytes), hex(nasm.bytes));
      });
  });
});
