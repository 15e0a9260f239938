import * as assert from 'node:assert';
import { entryCheck, entryChecks } from '../../../src/core/tables/checks';
import { vmcsFieldNamed } from '../../../src/core/tables/fields';
import { NOT_CANONICAL, all, checkCases, guest32, put, unrestricted, user, v86 } from './vmx-check-cases';
import { VmxMachine, at } from './vmx-machine';

describe('VM-entry checks', () => {
  it('have a case for every enforced row', () => {
    const faults = ['NOT_IN_VMX_OPERATION', 'PRIVILEGE'];
    assert.deepStrictEqual(
      checkCases.map(([name]) => name),
      entryChecks.filter(check => check.enforced && !faults.includes(check.name)).map(check => check.name),
    );
  });

  for (const [name, spoil, field] of checkCases) {
    const check = entryChecks.find(row => row.name === name)!;
    it(`${check.id} ${name}: ${check.failure}`, async () => {
      const vm = await VmxMachine.create('hlt');
      spoil(vm);
      assert.strictEqual(name === 'LAUNCH_STATE_LAUNCHED' ? vm.resume() : vm.launch(), name);
      const named = field ?? check.fields[0];
      assert.strictEqual(vm.get('ENTRY_FIELD'), BigInt(named ? vmcsFieldNamed(named)!.encoding : 0), 'the field');
      if (named && check.group !== 59) assert.strictEqual(vm.get('ENTRY_VALUE'), vm.read(named), 'its value');
      assertForm(vm, check.failure, check.qualification ?? 0);
    });
  }

  /** The failure shows as the manual says: flags and VM-instruction error, or an exit to the host. */
  function assertForm(vm: VmxMachine, form: string, qualification: number): void {
    const flags = Number(vm.get('RFLAGS')) & 0x8d5;
    if (form === 'VMfailInvalid') {
      assert.strictEqual(flags, 1);
    } else if (form.startsWith('VMfailValid')) {
      assert.strictEqual(flags, 0x40);
      assert.strictEqual(vm.read('INSTRUCTION_ERROR'), BigInt(form.split(' ')[1]));
      assert.strictEqual(vm.get('VMX_OPERATION'), 1n);
    } else {
      const reason = Number(form.split(' ')[1]);
      assert.strictEqual(vm.read('EXIT_REASON'), BigInt(reason | 0x80000000) & 0xffffffffn);
      assert.strictEqual(vm.read('EXIT_QUALIFICATION'), BigInt(reason === 34 ? 1 : qualification));
      assert.strictEqual(vm.get('RIP'), vm.read('HOST_RIP'));
      assert.strictEqual(vm.get('VMX_OPERATION'), 1n);
      assert.strictEqual(vm.memory64(at.vmcs + 8) & 0xffffffffn, 0n, 'the launch state stays clear');
    }
  }

  it('accept the VMCS of the fixture, and its 32-bit, virtual-8086 and unrestricted variants', async () => {
    for (const prepare of [
      () => undefined,
      all(guest32, put('GUEST_CR4', 0x2010), put('GUEST_CR3', at.data), vm => vm.setMemory64(at.data, 0x83)),
      unrestricted,
      user,
    ]) {
      const vm = await VmxMachine.create('cpuid');
      prepare(vm);
      assert.strictEqual(vm.launch(), 'CPUID');
    }
    const vm = await VmxMachine.create('cpuid');
    v86(vm);
    vm.write('GUEST_CR4', 0x2010);
    vm.write('GUEST_CR3', at.data);
    vm.setMemory64(at.data, 0x87);
    vm.load(0x80, 'cpuid', 16);
    assert.strictEqual(vm.launch(), 'CPUID', 'CS 8 makes linear 0x80');
  });

  it('are surveyed without entering: every failing row of a VMCS', async () => {
    const vm = await VmxMachine.create('hlt');
    all(
      put('PIN_CONTROLS', 0),
      put('HOST_RIP', NOT_CANONICAL),
      put('GUEST_RFLAGS', 0),
      put('GUEST_ACTIVITY_STATE', 9),
    )(vm);
    const { core, view } = vm.processor;
    const found = Array.from({ length: core.surveyEntry(1) }, (_, n) => {
      const row = core.surveyRows() + n * 16;
      return [entryCheck(view.getUint32(row, true))!.name, view.getBigUint64(row + 8, true)];
    });
    assert.deepStrictEqual(found, [
      ['PIN_MUST_BE_1', 0n],
      ['HOST_RIP_CANONICAL', NOT_CANONICAL],
      ['GUEST_RFLAGS_RESERVED', 0n],
      ['ACTIVITY_SUPPORTED', 9n],
    ]);
    assert.strictEqual(vm.launch(), 'PIN_MUST_BE_1', 'VM entry stops at the first');
  });
});
