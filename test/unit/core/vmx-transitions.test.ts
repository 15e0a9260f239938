import * as assert from 'node:assert';
import { vmcsFields } from '../../../src/core/tables/fields';
import { readVmcsField } from '../../../src/core/vmcs';
import { VmxMachine, at } from './vmx-machine';

const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'];

/** Guest state in which every part has a value of its own. */
function distinctGuest(vm: VmxMachine): void {
  vm.enable('Exit', 'SAVE_PAT', 'LOAD_PAT');
  vm.enable('Entry', 'LOAD_PAT');
  const values: Record<string, bigint | number> = {
    GUEST_CR0: 0x80050033,
    GUEST_CR4: 0x26a0,
    GUEST_DR7: 0x700,
    GUEST_IA32_DEBUGCTL: 2,
    GUEST_IA32_PAT: 0x0000000000070406n,
    GUEST_IA32_EFER: 0xd00,
    GUEST_IA32_SYSENTER_CS: 0x1111,
    GUEST_IA32_SYSENTER_ESP: 0xffff800000002222n,
    GUEST_IA32_SYSENTER_EIP: 0x3333,
    GUEST_RFLAGS: 0x46,
    GUEST_RSP: 0x7f5678,
    GUEST_GDTR_BASE: 0xffffffff80001000n,
    GUEST_GDTR_LIMIT: 0x47,
    GUEST_IDTR_BASE: 0xffffffff80002000n,
    GUEST_IDTR_LIMIT: 0x1ff,
    GUEST_ES_SELECTOR: 0x18,
    GUEST_SS_SELECTOR: 0x20,
    GUEST_DS_SELECTOR: 0x28,
    GUEST_FS_SELECTOR: 0x30,
    GUEST_GS_SELECTOR: 0x38,
    GUEST_LDTR_SELECTOR: 0x40,
    GUEST_TR_SELECTOR: 0x50,
    GUEST_ES_BASE: 0x1000,
    GUEST_FS_BASE: 0xffff900000000000n,
    GUEST_GS_BASE: 0x7000000000,
    GUEST_LDTR_BASE: 0xffffa00000000000n,
    GUEST_TR_BASE: 0xffffb00000000000n,
    GUEST_DS_LIMIT: 0xfffff,
    GUEST_DS_ACCESS_RIGHTS: 0x4093,
    GUEST_ES_LIMIT: 0x12345fff,
    GUEST_LDTR_LIMIT: 0x2f,
    GUEST_LDTR_ACCESS_RIGHTS: 0x82,
    GUEST_TR_LIMIT: 0x2067,
  };
  for (const [name, value] of Object.entries(values)) vm.write(name, value);
}

describe('VM entry', () => {
  it('loads the guest', async () => {
    const vm = await VmxMachine.create('cpuid');
    distinctGuest(vm);
    vm.set('RAX', 0x1234);
    assert.strictEqual(vm.stopAtEntry(), 'entered');
    for (const name of SEGMENTS) {
      assert.strictEqual(vm.get(`${name}_SELECTOR`), vm.read(`GUEST_${name}_SELECTOR`), name);
      assert.strictEqual(vm.get(`${name}_BASE`), vm.read(`GUEST_${name}_BASE`), name);
      assert.strictEqual(vm.get(`${name}_LIMIT`), vm.read(`GUEST_${name}_LIMIT`), name);
      assert.strictEqual(vm.get(`${name}_ACCESS`), vm.read(`GUEST_${name}_ACCESS_RIGHTS`), name);
    }
    for (const name of [
      'CR0',
      'CR3',
      'CR4',
      'DR7',
      'RSP',
      'RIP',
      'RFLAGS',
      'GDTR_BASE',
      'GDTR_LIMIT',
      'IDTR_BASE',
      'IDTR_LIMIT',
    ])
      assert.strictEqual(vm.get(name), vm.read(`GUEST_${name}`), name);
    for (const name of ['DEBUGCTL', 'PAT', 'EFER', 'SYSENTER_CS', 'SYSENTER_ESP', 'SYSENTER_EIP'])
      assert.strictEqual(vm.get(`IA32_${name}`), vm.read(`GUEST_IA32_${name}`), name);
    assert.strictEqual(vm.get('VMX_OPERATION'), 2n);
    assert.strictEqual(vm.get('RAX'), 0x1234n, 'general registers pass through');
    assert.strictEqual(vm.memory64(at.vmcs + 8) & 0xffffffffn, 1n, 'the VMCS is launched');
  });

  it('leaves out what its controls leave out', async () => {
    const vm = await VmxMachine.create('cpuid');
    distinctGuest(vm);
    vm.disable('Entry', 'LOAD_PAT');
    vm.disable('Entry', 'LOAD_EFER');
    vm.disable('Entry', 'LOAD_DEBUG_CONTROLS');
    vm.set('IA32_PAT', 0x0706050400010406n);
    assert.strictEqual(vm.stopAtEntry(), 'entered');
    assert.strictEqual(vm.get('IA32_PAT'), 0x0706050400010406n);
    assert.strictEqual(vm.get('IA32_EFER'), 0xd01n, 'the host’s, LMA and LME as the guest’s mode needs');
    assert.strictEqual(vm.get('DR7'), 0x400n);
    assert.strictEqual(vm.get('IA32_DEBUGCTL'), 0n);
  });

  it('keeps CR0.CD, NW and ET', async () => {
    const vm = await VmxMachine.create('cpuid');
    vm.set('CR0', 0xe0000031);
    vm.write('GUEST_CR0', 0x80000021);
    vm.write('HOST_CR0', 0x80000021);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.read('GUEST_CR0'), 0xe0000031n);
    assert.strictEqual(vm.get('CR0'), 0xe0000031n);
  });

  it('needs the launch state that the instruction says', async () => {
    const vm = await VmxMachine.create('cpuid\ncpuid');
    assert.strictEqual(vm.resume(), 'LAUNCH_STATE_LAUNCHED');
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.launch(), 'LAUNCH_STATE_CLEAR');
    assert.strictEqual(vm.read('INSTRUCTION_ERROR'), 4n);
    assert.strictEqual(vm.skip(), 'CPUID');
  });

  it('into a 32-bit guest without long mode, and back', async () => {
    // One 4-MByte page each for code and stack.
    const vm = await VmxMachine.create('mov eax, 0x12345678\npush eax\npop ebx\ncpuid', 32);
    vm.disable('Entry', 'IA32E_MODE_GUEST');
    vm.write('GUEST_IA32_EFER', 0);
    vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b);
    vm.write('GUEST_CR4', 0x2010);
    vm.write('GUEST_CR3', at.data);
    vm.setMemory64(at.data, 0x87);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.get('RBX'), 0x12345678n);
    assert.strictEqual(vm.read('GUEST_RSP'), BigInt(at.guestStack));
    assert.strictEqual(vm.get('IA32_EFER'), 0xd01n);
    assert.strictEqual(vm.get('CS_ACCESS'), 0xa09bn);
    assert.strictEqual(vm.read('ENTRY_CONTROLS') & 0x200n, 0n);
  });

  it('into a PAE guest, with page-directory pointers from the VMCS under EPT', async () => {
    const vm = await VmxMachine.create('mov eax, [0x40200000]\ncpuid', 32);
    vm.enableEpt();
    vm.disable('Entry', 'IA32E_MODE_GUEST');
    vm.write('GUEST_IA32_EFER', 0);
    vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b);
    vm.write('GUEST_CR4', 0x2020);
    vm.write('GUEST_CR3', 0);
    vm.write('GUEST_PDPTE0', (at.data + 0x1000) | 1);
    vm.write('GUEST_PDPTE1', (at.data + 0x1000) | 1);
    vm.setMemory64(at.data + 0x1000, 0x83);
    vm.setMemory64(at.data + 0x1008, 0x200083);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.get('RAX'), 0x200000a1n, 'its own code, through the second entry');
    assert.strictEqual(vm.read('GUEST_PDPTE1'), BigInt(at.data + 0x1001), 'saved again');
  });

  it('into an unrestricted guest in real-address mode, which then enters protected mode', async () => {
    const vm = await VmxMachine.create('hlt');
    vm.load(
      0x30000,
      'mov ax, 0x1234\nmov ds, ax\nmov bx, [0]\nmov eax, cr0\nor al, 1\nmov cr0, eax\njmp 8:there\nthere: cpuid',
      16,
    );
    vm.enableEpt();
    vm.enable('Secondary', 'UNRESTRICTED_GUEST');
    vm.disable('Entry', 'IA32E_MODE_GUEST');
    vm.write('GUEST_IA32_EFER', 0);
    vm.write('GUEST_CR0', 0x30);
    vm.write('GUEST_CR4', 0x2000);
    vm.write('GUEST_CS_BASE', 0x30000);
    vm.write('GUEST_CS_SELECTOR', 0x3000);
    vm.write('GUEST_CS_LIMIT', 0xffff);
    vm.write('GUEST_CS_ACCESS_RIGHTS', 0x9b);
    vm.write('GUEST_RIP', 0);
    for (const name of ['ES', 'SS', 'DS', 'FS', 'GS']) {
      vm.write(`GUEST_${name}_SELECTOR`, 0);
      vm.write(`GUEST_${name}_LIMIT`, 0xffff);
      vm.write(`GUEST_${name}_ACCESS_RIGHTS`, 0x93);
    }
    vm.setMemory64(0x12340, 0xbeef);
    // A 16-bit code segment at 0x30000 for the jump.
    vm.setMemory64(at.gdt + 8, 0x00009b030000ffffn);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.get('RBX') & 0xffffn, 0xbeefn);
    assert.strictEqual(vm.read('GUEST_CR0'), 0x31n);
    assert.strictEqual(vm.read('GUEST_CS_SELECTOR'), 8n);
  });

  it('applies the TSC offset', async () => {
    const vm = await VmxMachine.create('rdtsc\nshl rdx, 32\nor rax, rdx\nvmcall');
    vm.enable('Primary', 'USE_TSC_OFFSETTING');
    vm.write('TSC_OFFSET', 0x1000000);
    assert.strictEqual(vm.launch(), 'VMCALL');
    const seen = vm.get('RAX');
    assert.ok(seen >= 0x1000000n && seen < 0x1000100n, `${seen}`);
  });
});

describe('VM exit', () => {
  it('saves the guest as it was loaded', async () => {
    const vm = await VmxMachine.create('cpuid');
    distinctGuest(vm);
    const region = vm.processor.ram.slice(at.vmcs, at.vmcs + 4096);
    assert.strictEqual(vm.launch(), 'CPUID');
    const after = vm.processor.ram.subarray(at.vmcs, at.vmcs + 4096);
    for (const field of vmcsFields.filter(row => row.type === 'guest state' && row.supported))
      assert.strictEqual(readVmcsField(after, field.encoding), readVmcsField(region, field.encoding), field.name);
  });

  it('saves what the guest changed', async () => {
    const vm = await VmxMachine.create(
      'mov rax, cr4\nor eax, 0x600\nmov cr4, rax\nmov ax, 0x2b\nmov es, ax\nmov eax, 0x55\nmov dr7, rax\nsub rsp, 0x40\nstc\ncpuid',
    );
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.read('GUEST_CR4'), 0x2620n);
    assert.strictEqual(vm.read('GUEST_ES_SELECTOR'), 0x2bn);
    assert.strictEqual(vm.read('GUEST_ES_ACCESS_RIGHTS'), 0xc0f3n);
    assert.strictEqual(vm.read('GUEST_DR7'), 0x455n);
    assert.strictEqual(vm.read('GUEST_RSP'), BigInt(at.guestStack - 0x40));
    assert.strictEqual(vm.read('GUEST_RFLAGS') & 1n, 1n);
  });

  it('loads the host', async () => {
    const vm = await VmxMachine.create('mov eax, 0x55\nmov dr7, rax\nstc\nstd\ncpuid');
    const values: Record<string, bigint | number> = {
      HOST_CR0: 0x80010031,
      HOST_CR4: 0x26a0,
      HOST_RSP: 0x7f0000,
      HOST_ES_SELECTOR: 0,
      HOST_DS_SELECTOR: 0,
      HOST_FS_SELECTOR: 0x28,
      HOST_GS_SELECTOR: 0,
      HOST_FS_BASE: 0xffff900000000000n,
      HOST_GS_BASE: 0xffff900000001000n,
      HOST_TR_BASE: 0xffff900000002000n,
      HOST_GDTR_BASE: 0xffff900000003000n,
      HOST_IDTR_BASE: 0xffff900000004000n,
      HOST_IA32_SYSENTER_CS: 0x1111,
      HOST_IA32_SYSENTER_ESP: 0xffff800000002222n,
      HOST_IA32_SYSENTER_EIP: 0x3333,
      HOST_IA32_PAT: 0x0101010101010101n,
    };
    vm.enable('Exit', 'LOAD_PAT');
    for (const [name, value] of Object.entries(values)) vm.write(name, value);
    assert.strictEqual(vm.launch(), 'CPUID');
    const expected: Record<string, bigint | number> = {
      CR0: 0x80010031,
      CR3: at.paging,
      CR4: 0x26a0,
      DR7: 0x400,
      IA32_DEBUGCTL: 0,
      IA32_EFER: 0xd01,
      IA32_PAT: 0x0101010101010101n,
      IA32_SYSENTER_CS: 0x1111,
      IA32_SYSENTER_ESP: 0xffff800000002222n,
      IA32_SYSENTER_EIP: 0x3333,
      RSP: 0x7f0000,
      RIP: vm.label('exit'),
      RFLAGS: 2,
      CS_SELECTOR: 8,
      CS_BASE: 0,
      CS_LIMIT: 0xffffffff,
      CS_ACCESS: 0xa09b,
      SS_SELECTOR: 0x10,
      SS_ACCESS: 0xc093,
      SS_LIMIT: 0xffffffff,
      DS_ACCESS: 0x1c093,
      ES_ACCESS: 0x1c093,
      FS_SELECTOR: 0x28,
      FS_BASE: 0xffff900000000000n,
      FS_ACCESS: 0xc093,
      GS_SELECTOR: 0,
      GS_BASE: 0xffff900000001000n,
      TR_SELECTOR: 0x18,
      TR_BASE: 0xffff900000002000n,
      TR_LIMIT: 0x67,
      TR_ACCESS: 0x8b,
      LDTR_SELECTOR: 0,
      LDTR_ACCESS: 0x10000,
      GDTR_BASE: 0xffff900000003000n,
      GDTR_LIMIT: 0xffff,
      IDTR_BASE: 0xffff900000004000n,
      IDTR_LIMIT: 0xffff,
      CPL: 0,
      VMX_OPERATION: 1,
      BLOCKING: 0,
      PRIMARY_CONTROLS: 0,
      EPTP: 0,
      VPID: 0,
    };
    for (const [name, value] of Object.entries(expected)) assert.strictEqual(vm.get(name), BigInt(value), name);
  });

  it('comes back to a 32-bit host', async () => {
    const vm = await VmxMachine.create('cpuid', 32);
    vm.disable('Exit', 'HOST_ADDRESS_SPACE_SIZE');
    vm.disable('Entry', 'IA32E_MODE_GUEST');
    vm.setMemory64(at.data, 0x83);
    for (const side of ['GUEST', 'HOST']) {
      vm.write(`${side}_IA32_EFER`, 0);
      vm.write(`${side}_CR4`, 0x2010);
      vm.write(`${side}_CR3`, at.data);
    }
    vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b);
    vm.set('IA32_EFER', 0);
    vm.set('CR3', at.data);
    vm.set('CR4', 0x2010);
    vm.setSegment('CS', 8, 0xffffffff, 0xc09b);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.get('CS_ACCESS'), 0xc09bn);
    assert.strictEqual(vm.get('IA32_EFER'), 0n);
  });

  it('records the mode of the guest in "IA-32e mode guest"', async () => {
    const vm = await VmxMachine.create('cpuid');
    vm.write('ENTRY_CONTROLS', vm.read('ENTRY_CONTROLS'));
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual((vm.read('ENTRY_CONTROLS') >> 9n) & 1n, 1n);
  });
});

describe('MSR areas', () => {
  const entry = (vm: VmxMachine, n: number, index: number, value: bigint | number = 0): void => {
    vm.setMemory64(at.msrArea + n * 16, index);
    vm.setMemory64(at.msrArea + n * 16 + 8, value);
  };

  it('are loaded on entry, stored and loaded on exit', async () => {
    const vm = await VmxMachine.create(
      'rdtscp\nmov ebx, ecx\nmov ecx, 0xc0000103\nmov eax, 9\nxor edx, edx\nwrmsr\ncpuid',
    );
    vm.enable('Primary', 'USE_MSR_BITMAPS');
    vm.enable('Secondary', 'ENABLE_RDTSCP');
    vm.write('MSR_BITMAPS', at.msrBitmaps);
    entry(vm, 0, 0xc0000103, 7);
    entry(vm, 1, 0xc0000103);
    entry(vm, 2, 0xc0000103, 5);
    vm.write('ENTRY_MSR_LOAD_COUNT', 1);
    vm.write('ENTRY_MSR_LOAD_ADDRESS', at.msrArea);
    vm.write('EXIT_MSR_STORE_COUNT', 1);
    vm.write('EXIT_MSR_STORE_ADDRESS', at.msrArea + 16);
    vm.write('EXIT_MSR_LOAD_COUNT', 1);
    vm.write('EXIT_MSR_LOAD_ADDRESS', at.msrArea + 32);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.get('RBX'), 7n, 'what the guest found');
    assert.strictEqual(vm.memory64(at.msrArea + 24), 9n, 'what the guest left');
    assert.strictEqual(vm.get('IA32_TSC_AUX'), 5n, 'what the host found');
  });

  it('name the failing entry of a VM-entry load', async () => {
    const vm = await VmxMachine.create('cpuid');
    entry(vm, 0, 0x174, 0x10);
    entry(vm, 1, 0xdeadbeef);
    vm.write('ENTRY_MSR_LOAD_COUNT', 2);
    vm.write('ENTRY_MSR_LOAD_ADDRESS', at.msrArea);
    assert.strictEqual(vm.launch(), 'MSR_LOAD_REFUSED');
    assert.strictEqual(vm.read('EXIT_REASON'), 0x80000022n);
    assert.strictEqual(vm.read('EXIT_QUALIFICATION'), 2n);
  });

  const aborts: [name: string, list: string, index: number, indicator: bigint][] = [
    ['a store that cannot be read', 'EXIT_MSR_STORE', 0xdeadbeef, 1n],
    ['a load that is refused', 'EXIT_MSR_LOAD', 0xc0000100, 4n],
  ];
  for (const [name, list, index, indicator] of aborts) {
    it(`abort for ${name}`, async () => {
      const vm = await VmxMachine.create('cpuid');
      entry(vm, 0, index);
      vm.write(`${list}_COUNT`, 1);
      vm.write(`${list}_ADDRESS`, at.msrArea);
      assert.strictEqual(vm.launch(), 'abort');
      assert.strictEqual(vm.memory64(at.vmcs) >> 32n, indicator, 'the VMX-abort indicator');
      assert.strictEqual(vm.get('ACTIVITY'), 2n, 'shutdown');
    });
  }
});

describe('translations', () => {
  // The guest reads a page, exits; the test maps the page elsewhere; the guest reads again.
  const guest = `mov rax, [0x40000000]\nvmcall\nmov rax, [0x40000000]\nvmcall`;
  async function remapped(prepare: (vm: VmxMachine) => void, between: (vm: VmxMachine) => void): Promise<bigint> {
    const vm = await VmxMachine.create(guest);
    vm.setMemory64(0x400000, 1);
    vm.setMemory64(0x600000, 2);
    // 0x40000000: a page directory of its own, 2-MByte pages
    vm.setMemory64(at.paging + 0x1008, (at.data + 0x2000) | 7);
    vm.setMemory64(at.data + 0x2000, 0x400087);
    prepare(vm);
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(vm.get('RAX'), 1n);
    vm.setMemory64(at.data + 0x2000, 0x600087);
    between(vm);
    assert.strictEqual(vm.skip(), 'VMCALL');
    return vm.get('RAX');
  }
  const vpid = (vm: VmxMachine): void => {
    vm.enable('Secondary', 'ENABLE_VPID');
    vm.write('VPID', 3);
  };

  it('are forgotten at every transition without VPIDs', async () => {
    assert.strictEqual(
      await remapped(
        () => undefined,
        () => undefined,
      ),
      2n,
    );
  });

  it('of a VPID are forgotten by INVVPID', async () => {
    const invvpid = (vm: VmxMachine): void => {
      const descriptor = `mov qword [${at.data}], 3\nmov qword [${at.data + 8}], 0\n`;
      assert.strictEqual(vm.execute(`${descriptor}mov ecx, 1\ninvvpid rcx, [${at.data}]`), 'VMsucceed');
    };
    assert.strictEqual(await remapped(vpid, invvpid), 2n);
  });
});
