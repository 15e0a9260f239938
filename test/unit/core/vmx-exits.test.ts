import * as assert from 'node:assert';
import { decodeInformation } from '../../../src/core/tables/information';
import { decodeQualification } from '../../../src/core/tables/qualifications';
import { exitCases } from './vmx-exit-cases';
import { VmxMachine } from './vmx-machine';

describe('VM exits', () => {
  for (const test of exitCases) {
    const name = test.guest.replace(/\n/g, '; ').replace('here: ', '→ ');
    it(`${name}: ${test.exits}`, async () => {
      const vm = await VmxMachine.create(test.guest);
      test.prepare?.(vm);
      assert.strictEqual(vm.launch(), test.exits);
      assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('here')), 'guest RIP');
      assert.strictEqual(vm.get('RIP'), BigInt(vm.label('exit')), 'host RIP');
      const reason = Number(vm.read('EXIT_REASON'));
      const qualification = vm.read('EXIT_QUALIFICATION');
      if (test.qualification !== undefined)
        assert.strictEqual(qualification, BigInt.asUintN(64, BigInt(test.qualification)));
      if (test.length !== undefined) assert.strictEqual(vm.read('EXIT_INSTRUCTION_LENGTH'), BigInt(test.length));
      if (test.information !== undefined) {
        const details = decodeInformation(reason, Number(vm.read('EXIT_INSTRUCTION_INFORMATION')));
        assert.strictEqual(details.map(detail => `${detail.name}=${detail.text}`).join(' '), test.information);
      }
      assert.ok(decodeQualification(reason, qualification, Number(vm.read('EXIT_INTERRUPTION_INFORMATION'))));
      test.check?.(vm);
    });
  }
});
