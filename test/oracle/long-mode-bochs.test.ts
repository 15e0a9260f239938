/**
 * 64-bit mode against Bochs 2.7: segment loads, gates, returns, system calls, canonical addresses and random 4-level paging
 * structures. RINGSCOPE_LONG_CASES=N runs N of them, RINGSCOPE_SEED=N others.
 */
import * as assert from 'node:assert';
import { longCases } from './system/cases64';
import { runBochs, runHere, systemProgram } from './system/program';

const COUNT = Number(process.env.RINGSCOPE_LONG_CASES ?? 900);
const SEED = Number(process.env.RINGSCOPE_SEED ?? 1);
const BATCH = 1200;

describe('64-bit system code on Bochs', function () {
  this.timeout(600_000);
  for (let first = 0; first < COUNT; first += BATCH) {
    const cases = longCases(SEED + first, Math.min(BATCH, COUNT - first));
    it(`${cases.length} cases from seed ${SEED + first}`, async () => {
      const program = systemProgram('runner64.asm', cases);
      const here = await runHere(program);
      const there = runBochs(program, 'out/oracle/long');
      const differing = cases.flatMap(({ name, code }, n) =>
        same(here.get(n), there.get(n)) ? [] : [{ name, code, ours: here.get(n), theirs: there.get(n) }],
      );
      assert.deepStrictEqual(differing, []);
      assert.ok(here.size === cases.length && new Set(here.values()).size > cases.length / 2);
    });
  }
});

/** Checksums at the end of a line. */
const SUMS = 9;
/**
 * Equal, or explained: Bochs has written the frame or return address when it finds the target not canonical, #GP(0); the
 * manual checks before it pushes (SDM 2A CALL and INT n).
 */
function same(ours = '', theirs = ''): boolean {
  const withoutMemory = (line: string): string => line.split(' ').slice(0, -SUMS).join(' ');
  return ours === theirs || (ours.startsWith('d 0 ') && withoutMemory(ours) === withoutMemory(theirs));
}
