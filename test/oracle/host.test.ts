/**
 * The host processor is the oracle for user-mode instructions: random ones with random operands run on both, and general,
 * x87 and XMM registers, flags (but those that the manual leaves undefined), memory, branches and faults must be the same.
 * Transcendental x87 results may differ by a unit in the last place.
 *
 * RINGSCOPE_HOST_CASES: how many (default 50,000). RINGSCOPE_HOST_SEED: the number of the first, to repeat a failure.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe as explain, differences } from './host/compare';
import { draftOf } from './host/families';
import { Driver, Host, MOST_CASES, Simulated } from './host/run';

const cases = Number(process.env.RINGSCOPE_HOST_CASES ?? 50_000);
const first = Number(process.env.RINGSCOPE_HOST_SEED ?? 1);
const BATCH = Math.min(10_000, MOST_CASES);
/** Differences that a message shows in full. */
const SHOWN = 12;

describe('user-mode instructions against the host processor', function () {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ringscope-host-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has a host that can tell', () => {
    assert.equal(process.arch, 'x64', 'this test needs an x86-64 host');
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    const NEEDED = 'cx16 movbe popcnt abm bmi1 lahf_lm mmx fxsr sse sse2 pni ssse3 sse4_1 sse4_2 xsave xsaveopt xsavec';
    const missing = NEEDED.split(' ').filter(name => !flags.includes(name));
    assert.deepEqual(missing, [], 'the host processor lacks instructions that are compared');
  });

  it(`agrees on ${cases} cases`, async function () {
    this.timeout(Math.max(120_000, cases));
    const driver = Driver.load();
    const host = Host.build(folder, driver);
    const simulated = await Simulated.create(driver);
    const reports: string[] = [];
    const failures = new Map<string, number>();
    const operations = new Set<string>();
    for (let done = 0; done < cases; done += BATCH) {
      const seeds = Array.from({ length: Math.min(BATCH, cases - done) }, (_, n) => first + done + n);
      const drafts = seeds.map(draftOf);
      const batch = driver.batch(drafts);
      const expected = host.run(batch);
      const actual = simulated.run(batch);
      drafts.forEach((draft, n) => {
        operations.add(draft.operation);
        const lines = differences(draft, n, expected, actual);
        if (!lines.length) return;
        const before = failures.get(draft.operation) ?? 0;
        failures.set(draft.operation, before + 1);
        if (reports.length < SHOWN && before === 0) reports.push([explain(seeds[n], draft), ...lines].join('\n    '));
      });
    }
    if (failures.size) {
      const counts = [...failures].map(([operation, count]) => `${operation} ${count}`).join(', ');
      assert.fail(`the processors differ (${counts}):\n${reports.join('\n')}`);
    }
    assert.ok(cases < 10_000 || operations.size >= 350, `only ${operations.size} operations were tried`);
  });
});
