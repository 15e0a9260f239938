/**
 * Damaged ELF files and debug information: they load with one clear message, or with lines missing, or not at all with one
 * clear message. Nothing throws, hangs or hoards. RINGSCOPE_DWARF_CASES runs more; RINGSCOPE_SEED another series.
 */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readElf } from '../../../src/program/elf';
import { loadProgram } from '../../../src/program/load';
import { BuildFolder } from '../../dwarf/build';
import { exercise } from '../../dwarf/exercise';
import { Random } from '../../random';

const CASES = Number(process.env.RINGSCOPE_DWARF_CASES ?? 2_000);
const SEED = Number(process.env.RINGSCOPE_SEED ?? 1);
/** A case takes milliseconds; one that takes this long goes round in circles. */
const PATIENCE = 5_000;
const SECTIONS = [
  '.debug_line',
  '.debug_info',
  '.debug_abbrev',
  '.eh_frame',
  '.debug_frame',
  '.debug_loclists',
  '.debug_loc',
  '.debug_rnglists',
  '.debug_ranges',
  '.debug_str',
  '.debug_line_str',
  '.debug_aranges',
  '.symtab',
];
const NASTY = [0, 1, 0x7f, 0x80, 0xff, 0xfe];

describe('damaged programs', function () {
  this.timeout(600_000);
  const built = new BuildFolder();
  let programs: Uint8Array[];
  before(() => {
    const flags = [
      ['-gdwarf-2'],
      ['-gdwarf-3', '-O1'],
      ['-gdwarf-4', '-O2'],
      ['-gdwarf-5', '-O2'],
      ['-g', '-m32', '-O1'],
      ['-g', '-gz=zlib'],
      ['-gdwarf-5', '-gdwarf64', '-O1'],
    ];
    programs = flags.map((list, n) => new Uint8Array(readFileSync(built.gcc(`p${n}`, 'shapes.c', ...list))));
  });
  after(() => built.remove());

  it('whole ones answer every question', () => {
    for (const program of programs) {
      const loaded = loadProgram('kernel.elf', program);
      assert.ok(loaded.ok);
      assert.deepEqual(loaded.warnings, []);
      const { functions, frames, variables } = exercise(loaded.program.debug!);
      assert.ok(functions >= 4 && frames > 20 && variables > 20, `${functions} ${frames} ${variables}`);
      assert.equal(loaded.program.debug!.frames.problem, undefined);
    }
  });

  it(`${CASES} damaged ones neither throw nor hang`, () => {
    let warned = 0;
    let refused = 0;
    for (let n = 0; n < CASES; n++) {
      const random = new Random(SEED * 1_000_003 + n);
      const file = damage(random.pick(programs), random);
      const started = performance.now();
      try {
        const loaded = loadProgram('kernel.elf', file, { memoryBytes: 64 << 20 });
        if (loaded.ok) {
          assert.ok(loaded.warnings.length <= SECTIONS.length, 'one message for each thing that is wrong');
          if (loaded.warnings.length) warned++;
          if (loaded.program.debug) exercise(loaded.program.debug);
        } else {
          assert.equal(loaded.errors.length, 1);
          refused++;
        }
      } catch (error) {
        throw new Error(`case ${n} of seed ${SEED}: ${(error as Error).stack}`);
      }
      assert.ok(
        performance.now() - started < PATIENCE,
        `case ${n} of seed ${SEED} took ${performance.now() - started} ms`,
      );
    }
    assert.ok(
      warned > CASES / 10 && refused > CASES / 200,
      `${warned} warned, ${refused} refused: the damage must hit`,
    );
  });
});

/** The file with some bytes changed, mostly in what debuggers read; or cut, or with a piece of itself elsewhere. */
function damage(program: Uint8Array, random: Random): Uint8Array {
  const file = program.slice();
  const elf = readElf(program);
  if ('problem' in elf) throw new Error(elf.problem);
  const offset = (): number => {
    if (random.chance(0.1)) return random.below(random.chance(0.5) ? 128 : file.length);
    const content = elf.image.section(random.pick(SECTIONS));
    if (!content || 'problem' in content || !content.data.length || content.data.buffer !== program.buffer)
      return random.below(file.length);
    return content.data.byteOffset - program.byteOffset + random.below(content.data.length);
  };
  for (let changes = 1 + random.below(6); changes > 0; changes--) {
    const at = offset();
    const kind = random.below(6);
    if (kind === 0) file[at] ^= 1 << random.below(8);
    else if (kind === 1) file[at] = random.pick(NASTY);
    else if (kind === 2) file[at] = random.below(256);
    else if (kind === 3) file.fill(random.pick(NASTY), at, at + 1 + random.below(9));
    else if (kind === 4) file.copyWithin(at, random.below(file.length), random.below(file.length));
    else
      file.set(
        Array.from({ length: Math.min(4, file.length - at) }, () => random.below(256)),
        at,
      );
  }
  return random.chance(0.05) ? file.subarray(0, random.below(file.length)) : file;
}
