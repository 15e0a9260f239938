/**
 * Page faults, accessed and dirty bits of random 32-bit and PAE entries against Bochs 2.7 (everything) and QEMU TCG (the fault).
 * RINGSCOPE_PAGING_CASES=N runs N of them, RINGSCOPE_SEED=N others.
 */
import * as assert from 'node:assert';
import { pagingCases } from './system/paging';
import { runBochs, runHere, runQemu, systemProgram, type Lines } from './system/program';

const COUNT = Number(process.env.RINGSCOPE_PAGING_CASES ?? 600);
const SEED = Number(process.env.RINGSCOPE_SEED ?? 1);
const BATCH = 1200;
const PAGE_FAULT = 'e';
/** Of a page-fault error code. */
const PRESENT = 1;
const RESERVED = 8;
/** CR2 from the end of a line: before DR6 and nine checksums. */
const CR2 = -11;

describe('random paging structures', function () {
  this.timeout(600_000);
  for (let first = 0; first < COUNT; first += BATCH) {
    const cases = pagingCases(SEED + first, Math.min(BATCH, COUNT - first));
    let here: Lines;
    const program = () => systemProgram('runner.asm', cases);

    it(`${cases.length} cases from seed ${SEED + first}: Bochs`, async () => {
      here = await runHere(program());
      const there = runBochs(program(), 'out/oracle/paging');
      const differing = cases.flatMap(({ name }, n) =>
        here.get(n) === there.get(n) ? [] : [{ name, ours: here.get(n), theirs: there.get(n) }],
      );
      assert.deepStrictEqual(differing, []);
      assert.strictEqual(here.size, cases.length);
      assert.ok([...here.values()].filter(line => line.startsWith(PAGE_FAULT)).length > cases.length / 4);
    });

    it(`${cases.length} cases from seed ${SEED + first}: QEMU`, () => {
      const there = runQemu(program(), 'out/oracle/paging-qemu');
      const differing = cases.flatMap(({ name }, n) => {
        // QEMU translates the read of a read-modify-write first and reports that; the manual makes it a write.
        if (name.includes('read and write')) return [];
        const [ours, theirs] = [fault(here.get(n)), fault(there.get(n))];
        return ours === theirs ? [] : [{ name, ours, theirs }];
      });
      assert.deepStrictEqual(differing, []);
    });
  }
});

/** Vector, error code, EIP, CS and CR2 of a line. QEMU leaves P out when a bit is reserved; SDM 3A 4.7: RSVD comes with P. */
function fault(line = ''): string {
  const [vector, error, eip, cs, ...rest] = line.split(' ');
  const code = parseInt(error, 16);
  const corrected = vector === PAGE_FAULT && code & RESERVED ? code | PRESENT : code;
  return [vector, corrected.toString(16), eip, cs, rest.at(CR2)].join(' ');
}
