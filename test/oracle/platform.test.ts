/** The devices of the PC against QEMU's: the same script of accesses on both, compared line by line. The manual decides. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Random } from '../random';
import { ioApicCases, randomIoApic } from './platform/io-apic';
import { localApicCases, processorCases, randomLocalApic } from './platform/local-apic';
import { picCases, randomPic } from './platform/pic';
import { portCases } from './platform/ports';
import { Script } from './platform/script';
import { timerCases } from './platform/timers';

/** Random scripts of each kind; RINGSCOPE_LONG multiplies them. */
const RANDOM_SCRIPTS = 3 * Number(process.env.RINGSCOPE_LONG ?? 1);
const RANDOM_ACCESSES = 1500;

describe('the platform against QEMU', function () {
  this.timeout(600_000);
  let folder: string;
  before(() => void (folder = mkdtempSync(path.join(tmpdir(), 'ringscope-platform-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const cases = [
    ['8259', picCases, 1],
    ['local APIC', localApicCases, 1],
    ['several processors', processorCases, 4],
    ['I/O APIC', ioApicCases, 1],
    ['timers', timerCases, 1],
    ['ports', portCases, 1],
  ] as const;
  for (const [device, scripts, processors] of cases)
    for (const [name, write] of Object.entries(scripts))
      it(`${device}: ${name}`, () => {
        const s = new Script(processors);
        write(s);
        s.compare(folder);
      });

  const random = { '8259': randomPic, 'local APIC': randomLocalApic, 'I/O APIC': randomIoApic };
  for (const [device, write] of Object.entries(random))
    for (let seed = 0; seed < RANDOM_SCRIPTS; seed++)
      it(`${device}: random accesses ${seed}`, () => {
        const s = new Script();
        write(s, new Random(seed), RANDOM_ACCESSES);
        s.compare(folder);
      });
});
