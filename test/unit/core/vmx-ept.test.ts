import * as assert from 'node:assert';
import { VmxMachine, at } from './vmx-machine';

/** A guest-physical page that the host maps or not: 2 MBytes from 0x800000. */
const PAGE = 0x800000;
const R = 1,
  W = 2,
  X = 4;
const LARGE = 0xb0;

interface Violation {
  access: string;
  /** Rights of the EPT entry of the page. */
  rights: number;
  qualification: number;
  linear?: number;
}

const cases: Violation[] = [
  { access: `here: mov al, [${PAGE + 0x123}]`, rights: 0, qualification: 0x181 },
  { access: `here: mov [${PAGE + 0x123}], al`, rights: 0, qualification: 0x182 },
  { access: `here: mov [${PAGE + 0x123}], al`, rights: R | X, qualification: 0x1aa },
  { access: `here: mov al, [${PAGE + 0x123}]`, rights: X, qualification: 0x1a1 },
  { access: `here: add [${PAGE + 0x123}], al`, rights: R, qualification: 0x18b },
];

async function guest(source: string): Promise<VmxMachine> {
  const vm = await VmxMachine.create(source);
  vm.enableEpt();
  return vm;
}

describe('EPT violations', () => {
  for (const { access, rights, qualification } of cases) {
    it(`${access.replace('here: ', '')} with rights ${rights}: 0x${qualification.toString(16)}`, async () => {
      const vm = await guest(access);
      vm.setEptPage(PAGE, rights ? PAGE | rights | LARGE : 0);
      assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
      const seen = vm.read('EXIT_QUALIFICATION');
      // A read-modify-write may be reported as a write, or as a read and a write (SDM 3C table 27-7, note).
      assert.ok(
        seen === BigInt(qualification) || (access.includes('add') && seen === (BigInt(qualification) & ~1n)),
        seen.toString(16),
      );
      assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE + 0x123));
      assert.strictEqual(vm.read('GUEST_LINEAR_ADDRESS'), BigInt(PAGE + 0x123));
      assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
      assert.strictEqual(vm.read('GUEST_RFLAGS') & 0x10000n, 0x10000n, 'RF is saved as 1');
      assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION') >> 31n, 0n);
    });
  }

  it('of an instruction fetch', async () => {
    const vm = await guest(`mov rax, ${PAGE}\njmp rax`);
    vm.setEptPage(PAGE, PAGE | R | W | LARGE);
    assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
    assert.strictEqual(vm.read('EXIT_QUALIFICATION'), 0x19cn);
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(PAGE));
    assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE));
  });

  it('of the guest’s own page walk', async () => {
    // The guest's PDPT lies in the page that EPT does not map.
    const vm = await guest('here: mov al, [0x12345]');
    vm.setMemory64(at.data, (PAGE + 0x5000) | 7);
    vm.write('GUEST_CR3', at.data);
    vm.setEptPage(PAGE, 0);
    assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
    assert.strictEqual(vm.read('EXIT_QUALIFICATION'), 0x81n, 'bit 8 clear: not the final translation');
    assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE + 0x5000));
    assert.strictEqual(vm.read('GUEST_LINEAR_ADDRESS'), BigInt(at.guest), 'of the fetch');
  });

  it('of setting an accessed flag in the guest’s tables', async () => {
    for (const [eptp, qualification] of [
      [at.ept | 0x1e, 0xaan],
      [at.ept | 0x5e, 0xabn], // EPT accessed and dirty flags: reads of the walk count as writes
    ] as const) {
      const vm = await guest('here: nop');
      vm.setMemory64(at.data, (PAGE + 0x5000) | 7);
      vm.setMemory64(PAGE + 0x5000, 0x87);
      vm.write('GUEST_CR3', at.data);
      vm.write('EPTP', eptp);
      vm.setEptPage(PAGE, PAGE | R | X | LARGE);
      assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
      assert.strictEqual(vm.read('EXIT_QUALIFICATION'), qualification);
      assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE + 0x5000));
    }
  });

  it('during event delivery are reported with the event', async () => {
    const vm = await guest('here: int 0x41');
    vm.setGate(at.guestIdt, 0x41, at.guest);
    vm.write('GUEST_RSP', PAGE + 0x1000);
    vm.setEptPage(PAGE, PAGE | R | X | LARGE);
    assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
    assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION'), 0x80000441n);
    assert.strictEqual(vm.read('EXIT_INSTRUCTION_LENGTH'), 2n);
    assert.strictEqual(vm.read('EXIT_QUALIFICATION') & 0x1ffn, 0x1aan);
    assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE + 0xff8), 'of the first push');
    assert.strictEqual(vm.read('GUEST_RSP'), BigInt(PAGE + 0x1000), 'nothing was pushed');
    vm.setEptPage(PAGE, PAGE | R | W | X | LARGE);
    vm.write('ENTRY_INTERRUPTION_INFORMATION', vm.read('IDT_VECTORING_INFORMATION'));
    vm.write('ENTRY_INSTRUCTION_LENGTH', 2);
    vm.write('GUEST_RIP', at.guest);
    vm.setGate(at.guestIdt, 0x41, vm.label('exit'));
    assert.strictEqual(vm.resume(), 'Halt', 'injected again, it gets to its handler, which halts');
    assert.strictEqual(vm.memory64(Number(vm.get('RSP'))), BigInt(at.guest + 2));
  });

  it('let the guest go on once the page is mapped', async () => {
    const vm = await guest(`mov al, [${PAGE}]\nvmcall`);
    vm.setEptPage(PAGE, 0);
    vm.setMemory64(PAGE + 0x200000, 0x5a);
    assert.strictEqual(vm.launch(), 'EPT_VIOLATION');
    vm.setEptPage(PAGE, (PAGE + 0x200000) | 7 | LARGE);
    assert.strictEqual(vm.resume(), 'VMCALL');
    assert.strictEqual(vm.get('RAX') & 0xffn, 0x5an);
  });
});

describe('EPT misconfigurations', () => {
  const entries: [name: string, entry: bigint][] = [
    ['write without read', BigInt(PAGE | W | LARGE)],
    ['write and execute without read', BigInt(PAGE | W | X | LARGE)],
    ['memory type 2', BigInt(PAGE | 7 | 0x90)],
    ['memory type 7', BigInt(PAGE | 7 | 0xb8)],
    ['reserved bits of a 2-MByte page', BigInt(PAGE | 0x1000 | 7 | LARGE)],
    ['an address beyond the width', (1n << 40n) | BigInt(7 | LARGE)],
  ];
  for (const [name, entry] of entries) {
    it(`of ${name}`, async () => {
      const vm = await guest(`here: mov al, [${PAGE + 8}]`);
      vm.setEptPage(PAGE, entry);
      assert.strictEqual(vm.launch(), 'EPT_MISCONFIG');
      assert.strictEqual(vm.read('GUEST_PHYSICAL_ADDRESS'), BigInt(PAGE + 8));
      assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
    });
  }
});

describe('EPT accessed and dirty flags', () => {
  it('are set when the EPT pointer enables them', async () => {
    const vm = await guest(`mov al, [${PAGE}]\nvmcall\nmov [${PAGE}], al\nvmcall`);
    vm.write('EPTP', at.ept | 0x5e);
    const flags = (): bigint => vm.memory64(at.ept + 0x2000 + (PAGE >> 21) * 8) & 0x300n;
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(flags(), 0x100n);
    assert.strictEqual(vm.memory64(at.ept) & 0x100n, 0x100n);
    assert.strictEqual(vm.skip(), 'VMCALL');
    assert.strictEqual(flags(), 0x300n);
  });

  it('stay clear otherwise', async () => {
    const vm = await guest(`mov [${PAGE}], al\nvmcall`);
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(vm.memory64(at.ept + 0x2000 + (PAGE >> 21) * 8) & 0x300n, 0n);
  });
});

describe('EPT translations', () => {
  it('of one VPID stay apart by EPT pointer and are forgotten by INVEPT', async () => {
    const vm = await guest(`mov rax, [${PAGE}]\nvmcall\nmov rax, [${PAGE}]\nvmcall`);
    vm.enable('Secondary', 'ENABLE_VPID');
    vm.write('VPID', 1);
    vm.setMemory64(PAGE, 1);
    vm.setMemory64(PAGE + 0x200000, 2);
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(vm.get('RAX'), 1n);
    vm.setEptPage(PAGE, (PAGE + 0x200000) | 7 | LARGE);
    const descriptor = `mov qword [${at.data}], ${at.ept | 0x1e}\nmov qword [${at.data + 8}], 0\n`;
    assert.strictEqual(vm.execute(`${descriptor}mov ecx, 1\ninvept rcx, [${at.data}]`), 'VMsucceed');
    assert.strictEqual(vm.skip(), 'VMCALL');
    assert.strictEqual(vm.get('RAX'), 2n);
  });
});
