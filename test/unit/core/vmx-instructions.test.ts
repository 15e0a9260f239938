import * as assert from 'node:assert';
import { REVISION_IDENTIFIER, capabilities } from '../../../src/core/tables/capabilities';
import { vmcsFieldNamed, vmcsFields } from '../../../src/core/tables/fields';
import { readVmcsField } from '../../../src/core/vmcs';
import { VmxMachine, at } from './vmx-machine';

const machine = (): Promise<VmxMachine> => VmxMachine.create('hlt');
const encoding = (name: string): number => vmcsFieldNamed(name)!.encoding;
/** An instruction with the pointer `value` in memory as its operand. */
const withPointer = (instruction: string, value: number | bigint): string =>
  `mov rax, ${value}\nmov [${at.data}], rax\nor eax, -1\n${instruction} [${at.data}]`;
const NO_VMCS = 0xffffffffffffffffn;
const BEYOND_WIDTH = 1n << 39n;

/** Outside VMX operation, with a region that VMXON accepts. */
async function outside(): Promise<VmxMachine> {
  const vm = await machine();
  vm.set('VMX_OPERATION', 0);
  vm.set('CURRENT_VMCS', NO_VMCS);
  vm.setMemory64(at.vmxon, REVISION_IDENTIFIER);
  return vm;
}

describe('VMXON and VMXOFF', () => {
  it('enter and leave VMX operation', async () => {
    const vm = await outside();
    assert.strictEqual(vm.execute(withPointer('vmxon', at.vmxon)), 'VMsucceed');
    assert.strictEqual(vm.get('VMX_OPERATION'), 1n);
    assert.strictEqual(vm.get('VMXON_POINTER'), BigInt(at.vmxon));
    assert.strictEqual(vm.get('CURRENT_VMCS'), NO_VMCS);
    assert.strictEqual(
      vm.execute(withPointer('vmxon', at.vmxon)),
      'VMfailInvalid',
      'in root operation, without a VMCS',
    );
    assert.strictEqual(vm.execute(withPointer('vmptrld', at.vmcs)), 'VMsucceed');
    assert.strictEqual(vm.execute(withPointer('vmxon', at.vmxon)), 'VMfailValid 15');
    assert.strictEqual(vm.execute('or eax, -1\nvmxoff'), 'VMsucceed');
    assert.strictEqual(vm.get('VMX_OPERATION'), 0n);
    assert.strictEqual(vm.execute('vmxoff'), '#UD');
  });

  const refused: [name: string, spoil: (vm: VmxMachine) => void, outcome: string][] = [
    ['CR4.VMXE is 0', vm => vm.set('CR4', 0x20), '#UD'],
    ['IA32_FEATURE_CONTROL is not locked', vm => vm.set('IA32_FEATURE_CONTROL', 4), '#GP'],
    ['IA32_FEATURE_CONTROL does not enable it', vm => vm.set('IA32_FEATURE_CONTROL', 1), '#GP'],
    ['CR0.NE is 0', vm => vm.set('CR0', 0x80000011), '#GP'],
    ['the revision identifier is wrong', vm => vm.setMemory64(at.vmxon, REVISION_IDENTIFIER + 1), 'VMfailInvalid'],
    [
      'bit 31 of the revision identifier is 1',
      vm => vm.setMemory64(at.vmxon, REVISION_IDENTIFIER + 2 ** 31),
      'VMfailInvalid',
    ],
  ];
  for (const [name, spoil, outcome] of refused) {
    it(`refuse when ${name}: ${outcome}`, async () => {
      const vm = await outside();
      spoil(vm);
      assert.strictEqual(vm.execute(withPointer('vmxon', at.vmxon)), outcome);
      assert.strictEqual(vm.get('VMX_OPERATION'), 0n);
    });
  }

  it('refuse pointers that are not aligned, beyond the width or outside RAM', async () => {
    for (const pointer of [at.vmxon + 8, BEYOND_WIDTH, 0x7fff0000n]) {
      assert.strictEqual((await outside()).execute(withPointer('vmxon', pointer)), 'VMfailInvalid');
    }
  });

  it('fix CR0 and CR4 bits while in VMX operation', async () => {
    const vm = await machine();
    assert.strictEqual(vm.execute('mov rax, cr4\nand eax, ~0x2000\nmov cr4, rax'), '#GP');
    assert.strictEqual(vm.execute('mov rax, cr0\nand eax, ~0x20\nmov cr0, rax'), '#GP');
  });
});

describe('VMX instructions that need VMX operation', () => {
  const all = [
    'vmcall',
    'vmlaunch',
    'vmresume',
    'vmxoff',
    'vmread rax, rbx',
    'vmwrite rax, rbx',
    'vmclear [rax]',
    'vmptrld [rax]',
    'vmptrst [rax]',
    'invept rax, [rax]',
    'invvpid rax, [rax]',
    'vmfunc',
  ];
  for (const instruction of all) {
    it(`${instruction}: #UD outside`, async () => {
      assert.strictEqual((await outside()).execute(instruction), '#UD');
    });
  }
  for (const instruction of all.filter(name => name !== 'vmfunc')) {
    it(`${instruction}: #GP(0) at CPL 3`, async () => {
      const vm = await machine();
      assert.strictEqual(
        vm.execute(
          `push 0x2b\npush ${at.hostStack - 0x100}\npush 2\npush 0x33\npush user\niretq\nuser: ${instruction}`,
        ),
        '#GP',
      );
    });
  }
});

describe('VMPTRLD, VMPTRST and VMCLEAR', () => {
  const other = at.data + 0x1000;

  it('choose the current VMCS', async () => {
    const vm = await machine();
    vm.setMemory64(other, REVISION_IDENTIFIER);
    assert.strictEqual(vm.execute(withPointer('vmptrld', other)), 'VMsucceed');
    assert.strictEqual(vm.execute(`or eax, -1\nvmptrst [${at.data + 8}]`), 'VMsucceed');
    assert.strictEqual(vm.memory64(at.data + 8), BigInt(other));
    assert.strictEqual(vm.execute(withPointer('vmclear', at.vmcs)), 'VMsucceed');
    assert.strictEqual(vm.get('CURRENT_VMCS'), BigInt(other), 'another VMCS was cleared');
    assert.strictEqual(vm.execute(withPointer('vmclear', other)), 'VMsucceed');
    assert.strictEqual(vm.get('CURRENT_VMCS'), NO_VMCS);
    assert.strictEqual(vm.execute(`vmptrst [${at.data + 8}]`), 'VMsucceed');
    assert.strictEqual(vm.memory64(at.data + 8), NO_VMCS);
  });

  it('clear the launch state', async () => {
    const vm = await VmxMachine.create('cpuid');
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.launch(), 'LAUNCH_STATE_CLEAR');
    assert.strictEqual(vm.execute(withPointer('vmclear', at.vmcs)), 'VMsucceed');
    assert.strictEqual(vm.execute(withPointer('vmptrld', at.vmcs)), 'VMsucceed');
    assert.strictEqual(vm.resume(), 'LAUNCH_STATE_LAUNCHED');
    assert.strictEqual(vm.launch(), 'CPUID');
  });

  const errors: [source: string, outcome: string][] = [
    [withPointer('vmclear', at.data + 4), 'VMfailValid 2'],
    [withPointer('vmclear', BEYOND_WIDTH), 'VMfailValid 2'],
    [withPointer('vmclear', at.vmxon), 'VMfailValid 3'],
    [withPointer('vmptrld', at.data + 4), 'VMfailValid 9'],
    [withPointer('vmptrld', BEYOND_WIDTH), 'VMfailValid 9'],
    [withPointer('vmptrld', at.vmxon), 'VMfailValid 10'],
    [withPointer('vmptrld', at.data), 'VMfailValid 11'],
    [withPointer('vmptrld', 0x7fff0000n), 'VMfailValid 11'],
    ['or eax, -1\nvmcall', 'VMfailValid 1'],
  ];
  for (const [source, outcome] of errors) {
    it(`${source.split('\n').join('; ')}: ${outcome}`, async () => {
      assert.strictEqual((await machine()).execute(source), outcome);
    });
  }

  it('fail with VMfailInvalid when there is no current VMCS to take the error', async () => {
    for (const source of [
      withPointer('vmptrld', at.vmxon),
      'vmcall',
      'mov eax, 0x4400\nvmread rbx, rax',
      'mov eax, 0x4400\nvmwrite rax, rbx',
    ]) {
      const vm = await machine();
      vm.set('CURRENT_VMCS', NO_VMCS);
      assert.strictEqual(vm.execute(source), 'VMfailInvalid');
    }
  });
});

describe('VMREAD and VMWRITE', () => {
  it('reach every field that exists, at its place in the region', async () => {
    const vm = await machine();
    const written = vmcsFields.filter(field => field.supported && field.type !== 'read-only data');
    const region = (): Uint8Array => vm.processor.ram.subarray(at.vmcs, at.vmcs + 4096);
    const value = 0xfedcba9876543210n;
    for (const field of written) {
      const source = `mov eax, ${field.encoding}\nmov rbx, ${value}\nvmwrite rax, rbx`;
      assert.strictEqual(vm.execute(source), 'VMsucceed', field.name);
      const bits = field.width === 'natural' ? 64 : field.width;
      assert.strictEqual(readVmcsField(region(), field.encoding), BigInt.asUintN(bits, value), field.name);
      assert.strictEqual(vm.execute(`mov eax, ${field.encoding}\nor rcx, -1\nvmread rcx, rax`), 'VMsucceed');
      assert.strictEqual(vm.get('RCX'), BigInt.asUintN(bits, value), field.name);
    }
  });

  it('reach the high half of 64-bit fields, and of no others', async () => {
    const vm = await machine();
    vm.write('EPTP', 0x1122334455667788n);
    assert.strictEqual(vm.execute('mov eax, 0x201b\nvmread rcx, rax'), 'VMsucceed');
    assert.strictEqual(vm.get('RCX'), 0x11223344n);
    assert.strictEqual(vm.execute('mov eax, 0x201b\nmov rcx, 0xaaaaaaaabbbbbbbb\nvmwrite rax, rcx'), 'VMsucceed');
    assert.strictEqual(vm.read('EPTP'), 0xbbbbbbbb55667788n);
    for (const odd of [0x4401, 0x681f, 0x0801]) {
      assert.strictEqual(vm.execute(`mov eax, ${odd}\nvmread rcx, rax`), 'VMfailValid 12', odd.toString(16));
    }
  });

  it('use memory operands of 8 bytes', async () => {
    const vm = await machine();
    vm.write('GUEST_CS_SELECTOR', 0x1234);
    vm.setMemory64(at.data, NO_VMCS);
    assert.strictEqual(vm.execute(`mov eax, 0x802\nvmread [${at.data}], rax`), 'VMsucceed');
    assert.strictEqual(vm.memory64(at.data), 0x1234n);
    vm.setMemory64(at.data, 0xffff800000001000n);
    assert.strictEqual(vm.execute(`mov eax, ${encoding('GUEST_RSP')}\nvmwrite rax, [${at.data}]`), 'VMsucceed');
    assert.strictEqual(vm.read('GUEST_RSP'), 0xffff800000001000n);
  });

  const errors: [name: string, source: string, outcome: string][] = [
    ['a field that does not exist', 'mov eax, 0x6ffe\nvmread rcx, rax', 'VMfailValid 12'],
    [
      'a field whose feature is not announced',
      `mov eax, ${encoding('PML_ADDRESS')}\nvmwrite rax, rcx`,
      'VMfailValid 12',
    ],
    ['an encoding with reserved bits', 'mov eax, 0x14400\nvmread rcx, rax', 'VMfailValid 12'],
    ['an encoding above 32 bits', 'mov rax, 0x100004400\nvmread rcx, rax', 'VMfailValid 12'],
    ['writing a read-only field', 'mov eax, 0x4402\nvmwrite rax, rcx', 'VMfailValid 13'],
  ];
  for (const [name, source, outcome] of errors) {
    it(`${name}: ${outcome}`, async () => {
      const vm = await machine();
      vm.set('RCX', 0x77);
      assert.strictEqual(vm.execute(source), outcome);
      assert.strictEqual(vm.get('RCX'), 0x77n);
    });
  }
});

describe('INVEPT and INVVPID', () => {
  const descriptor = (low: bigint | number, high: bigint | number = 0): string =>
    `mov rax, ${low}\nmov [${at.data}], rax\nmov rax, ${high}\nmov [${at.data + 8}], rax\nor eax, -1\n`;
  const cases: [source: string, outcome: string][] = [
    [`${descriptor(at.ept | 0x1e)}mov ecx, 1\ninvept rcx, [${at.data}]`, 'VMsucceed'],
    [`${descriptor(at.ept | 0x1f)}mov ecx, 1\ninvept rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(0x1f)}mov ecx, 2\ninvept rcx, [${at.data}]`, 'VMsucceed'],
    [`${descriptor(at.ept | 0x1e)}mov ecx, 0\ninvept rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(at.ept | 0x1e)}mov rcx, 0x100000001\ninvept rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(5, 0x1000)}mov ecx, 0\ninvvpid rcx, [${at.data}]`, 'VMsucceed'],
    [`${descriptor(5, 0x800000000000n)}mov ecx, 0\ninvvpid rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(0, 0x1000)}mov ecx, 0\ninvvpid rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(0)}mov ecx, 1\ninvvpid rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(0)}mov ecx, 2\ninvvpid rcx, [${at.data}]`, 'VMsucceed'],
    [`${descriptor(7)}mov ecx, 3\ninvvpid rcx, [${at.data}]`, 'VMsucceed'],
    [`${descriptor(0x10007)}mov ecx, 3\ninvvpid rcx, [${at.data}]`, 'VMfailValid 28'],
    [`${descriptor(7)}mov ecx, 4\ninvvpid rcx, [${at.data}]`, 'VMfailValid 28'],
  ];
  for (const [source, outcome] of cases) {
    it(`${source.split('\n').join('; ')}: ${outcome}`, async () => {
      assert.strictEqual((await machine()).execute(source), outcome);
    });
  }
});

describe('VMX capability MSRs', () => {
  it('are what RDMSR reads', async () => {
    const vm = await machine();
    for (const { msr, name, value } of capabilities) {
      vm.execute(`mov ecx, ${msr}\nrdmsr`);
      assert.strictEqual((vm.get('RDX') << 32n) | vm.get('RAX'), value, name);
    }
    assert.strictEqual(vm.execute('mov ecx, 0x491\nrdmsr'), '#GP', 'there are no VM functions');
    assert.strictEqual(vm.execute('mov ecx, 0x480\nwrmsr'), '#GP', 'they are read-only');
  });
});
