/** VM entries and exits against Bochs 2.7: the same VMCS, memory and registers; all fields and registers afterwards. */
import * as assert from 'node:assert';
import * as path from 'node:path';
import { entryChecks } from '../../src/core/tables/checks';
import { VmxMachine } from '../unit/core/vmx-machine';
import { runOnBochs } from './bochs/bochs';
import { cases } from './vmx/cases';
import { explained } from './vmx/differences';
import { REGISTERS, makeProgram, parseOutcomes, printed, setupOf, type Outcome, type Setup } from './vmx/program';

interface Ours {
  /** Exit reason, or the check at which the VM entry failed. */
  outcome: string;
  registers: bigint[];
  fields: Map<string, bigint>;
}

describe('VM entries and exits on Bochs', function () {
  this.timeout(300_000);
  const ours: Ours[] = [];
  let compared = 0;
  let theirs = new Map<number, Outcome>();

  before(async () => {
    const setups: Setup[] = [];
    for (const { guest, prepare } of cases) {
      const vm = await VmxMachine.create(guest);
      prepare(vm);
      setups.push(setupOf(vm));
      const outcome = vm.launch();
      const fields = new Map(printed.map(field => [field.name, vm.read(field.name)]));
      ours.push({ outcome, registers: REGISTERS.map(name => vm.get(name)), fields });
    }
    const { program, indexes } = await makeProgram(setups);
    compared = indexes.length;
    const folder = path.resolve('out/oracle/vmx');
    theirs = parseOutcomes(runOnBochs(program, folder, 200_000).debugConsole);
  });

  it('can be set up by the runner', () => assert.strictEqual(compared, cases.length));

  cases.forEach(({ name }, index) => {
    it(name, () => {
      const here = ours[index];
      const there = theirs.get(index);
      assert.ok(there, 'Bochs got this far');
      assert.deepStrictEqual(
        differences(here, there).filter(([field, a, b]) => {
          const our = (wanted: string): bigint => here.fields.get(wanted)!;
          return !explained({ name, outcome: here.outcome, field, ours: a, theirs: b, our });
        }),
        [],
      );
    });
  });
});

/** [what, here, there] for all that differs. */
function differences(here: Ours, there: Outcome): [string, bigint, bigint][] {
  const failure = entryChecks.find(check => check.name === here.outcome)?.failure;
  const entered = !failure?.startsWith('VMfail');
  if (entered !== there.entered) return [['entered', BigInt(entered), BigInt(there.entered)]];
  return [
    ...printed.map(({ name }): [string, bigint, bigint] => [name, here.fields.get(name)!, there.fields.get(name)!]),
    ...REGISTERS.map((name, n): [string, bigint, bigint] => [name, here.registers[n], there.registers[n]]),
  ].filter(([name, a, b]) => name !== 'RSP' && a !== b);
}
