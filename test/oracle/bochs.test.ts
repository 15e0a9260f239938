/**
 * Bochs 2.7 is the oracle for VMX: the samples, assembled with TRACE_EXITS, print what their hypervisor reads from the
 * VMCS at every exit, here and there. Both start the same bytes from the same state (bochs/loader.asm).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Machine } from '../../src/machine/machine';
import type { Program } from '../../src/program/program';
import { runOnBochs } from './bochs/bochs';
import { programOf } from './sources';

const PORT_E9 = 0xe9;
const ENTRY_FAILED = 0x80000000;

interface Exit {
  reason: string;
  qualification: string;
  rip: string;
  length: string;
}
interface Run {
  serial: string;
  exits: Exit[];
}

/** The lines of samples/include/trace-exits.inc, among whatever else is printed. */
function exitsIn(text: string): Exit[] {
  return [...text.matchAll(/^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) \r?$/gm)].map(
    ([, reason, qualification, rip, length]) => ({ reason, qualification, rip, length }),
  );
}

async function runHere(program: Program): Promise<Run> {
  const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: 64 << 20 });
  machine.load(program);
  let all = '';
  let traced = '';
  machine.on('port', ({ port, value, write }) => {
    if (port === PORT_E9 && write) traced += String.fromCharCode(value & 0xff);
  });
  machine.onSerial(bytes => (all += String.fromCharCode(...bytes)));
  const stop = machine.run(10_000_000);
  assert.equal(stop.kind, 'exit', 'the program ends by itself');
  // The listener hears the port's bytes too: without them the rest is COM1's.
  const serial = all.replace(/[0-9a-f]{16} [0-9a-f]{16} [0-9a-f]{16} [0-9a-f]{16} \n/g, '');
  return { serial, exits: exitsIn(traced) };
}

describe('VM exits against Bochs', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ringscope-bochs-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function both(sample: string): Promise<{ here: Run; there: Run }> {
    const program = programOf(`samples/${sample}/hypervisor.asm`, { defines: { TRACE_EXITS: '' } });
    const bochs = runOnBochs(program, path.join(folder, sample));
    const there = { serial: bochs.serial, exits: exitsIn(bochs.debugConsole) };
    assert.notEqual(there.exits.length, 0, `Bochs shows no exit:\n${bochs.debugConsole}`);
    return { here: await runHere(program), there };
  }
  /** Bochs may end before its UART has sent the last bytes. */
  function sameSerial(here: Run, there: Run): void {
    assert.ok(here.serial.length - there.serial.length <= 2, there.serial);
    assert.equal(there.serial, here.serial.slice(0, there.serial.length));
  }

  it('first-exits: reason, qualification, guest RIP and instruction length of every exit', async () => {
    const { here, there } = await both('first-exits');
    assert.ok(there.exits.length >= 8);
    assert.deepEqual(here.exits, there.exits);
    sameSerial(here, there);
  });

  it('broken-entry: the exit reason of the entry that fails', async () => {
    const { here, there } = await both('broken-entry');
    // SDM 3C 26.8: all exit-information fields but reason and qualification stay as they were; Bochs sets the length.
    const failed = ({ exits }: Run) => exits.map(({ reason, qualification, rip }) => ({ reason, qualification, rip }));
    assert.equal(Number(`0x${there.exits[0].reason}`) & ENTRY_FAILED, ENTRY_FAILED | 0);
    assert.deepEqual(failed(here), failed(there));
    sameSerial(here, there);
  });
});
