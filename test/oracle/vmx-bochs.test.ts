/** VM entries and exits against Bochs 2.7: the cases of the unit tests, run there with the same VMCS and memory. */
import * as assert from 'node:assert';
import { entryChecks } from '../../src/core/tables/checks';
import { checkCases } from '../unit/core/vmx-check-cases';
import { exitCases } from '../unit/core/vmx-exit-cases';
import { VmxMachine, at } from '../unit/core/vmx-machine';
import { runOnBochs } from './bochs/bochs';
import { REGISTERS, makeProgram, parseOutcomes, printed, setupOf, type Outcome, type Setup } from './bochs/image';

interface Case {
  name: string;
  guest: string;
  prepare: (vm: VmxMachine) => void;
}


const HANDLER = 'here: nop\ncpuid\nhandler: pop rax\npop rbx\npop rcx\npop rdx\npop rsi\nvmcall\nhlt';
const injection = (information: number, prepare: (vm: VmxMachine) => void = () => undefined): Case => ({
  name: `inject ${information.toString(16)} ${prepare}`,
  guest: HANDLER,
  prepare: vm => {
    for (const vector of [0, 1, 2, 3, 4, 6, 8, 13, 14, 17, 0x20, 0x41, 0x80, 0x81]) vm.setGate(at.guestIdt, vector, vm.label('handler'), vector === 0x80 ? 0xef : 0x8e);
    vm.write('ENTRY_INTERRUPTION_INFORMATION', (0x80000000 | information) >>> 0);
    vm.write('ENTRY_INSTRUCTION_LENGTH', 2);
    vm.write('ENTRY_EXCEPTION_ERROR_CODE', 0x1234);
    vm.write('GUEST_RFLAGS', 0x246);
    prepare(vm);
  },
});
const PAGE = 0x800000;
const eptCase = (guest: string, entry: bigint | number, prepare: (vm: VmxMachine) => void = () => undefined): Case => ({
  name: `ept ${guest} ${entry.toString(16)} ${prepare}`,
  guest,
  prepare: vm => {
    vm.enableEpt();
    vm.setEptPage(PAGE, entry);
    vm.setMemory64(PAGE, 0xc1010f);
    prepare(vm);
  },
});
const ring3 = (vm: VmxMachine) => {
  vm.write('GUEST_CS_SELECTOR', 0x33);
  vm.write('GUEST_CS_ACCESS_RIGHTS', 0xa0fb);
  vm.write('GUEST_SS_SELECTOR', 0x2b);
  vm.write('GUEST_SS_ACCESS_RIGHTS', 0xc0f3);
};
const more: Case[] = [
  injection(0x41), injection(0x20), injection(0x202), injection(0x300), injection(0x301), injection(0x306), injection(0xb08), injection(0xb0d), injection(0xb0e), injection(0xb11),
  injection(0x480), injection(0x603), injection(0x604), injection(0x501), injection(0x41, ring3), injection(0x480, ring3), injection(0x481, ring3), injection(0xb0e, ring3),
  injection(0x41, vm => vm.write('GUEST_ACTIVITY_STATE', 1)),
  injection(0x202, vm => { vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS'); }),
  injection(0xb0d, vm => { vm.write('GUEST_IDTR_LIMIT', 0); }),
  injection(0xb0d, vm => { vm.write('GUEST_IDTR_LIMIT', 0); vm.write('EXCEPTION_BITMAP', 0x100); }),
  injection(0x480, vm => { vm.write('GUEST_IDTR_LIMIT', 0x6f); vm.write('EXCEPTION_BITMAP', 0x2000); }),
  injection(0x41, vm => { vm.write('GUEST_IDTR_LIMIT', 0x6f); vm.write('EXCEPTION_BITMAP', 0x2000); }),
  injection(0x41, vm => { vm.enableEpt(); vm.write('GUEST_RSP', PAGE + 0x1000); vm.setEptPage(PAGE, PAGE | 5 | 0xb0); }),
  injection(0x480, vm => { vm.enableEpt(); vm.write('GUEST_RSP', PAGE + 0x1000); vm.setEptPage(PAGE, PAGE | 5 | 0xb0); }),
  injection(0x41, vm => vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING')),
  injection(0x306, vm => vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING')),
  ...[0, 1, 4, 5, 7, 3].flatMap(rights => ['mov al, [0x800123]\nvmcall', 'mov [0x800123], al\nvmcall', 'add [0x800123], al\nvmcall', 'mov rax, 0x800000\njmp rax', 'push qword [0x800123]\nvmcall'].map(guest => eptCase(guest, rights ? PAGE | rights | 0xb0 : 0))),
  ...[0x2, 0x6, 0xe0, 0x90].map(bits => eptCase('mov al, [0x800008]\nvmcall', PAGE | (bits < 8 ? bits | 0xb0 : 7 | bits))),
  eptCase('mov al, [0x800008]\nvmcall', PAGE | 0x1000 | 7 | 0xb0),
  eptCase('mov al, [0x12345]', 0, vm => { vm.setMemory64(at.data, (PAGE + 0x5000) | 7); vm.write('GUEST_CR3', at.data); }),
  eptCase('mov al, [0x12345]', PAGE | 5 | 0xb0, vm => { vm.setMemory64(at.data, (PAGE + 0x5000) | 7); vm.setMemory64(PAGE + 0x5000, 0x87); vm.write('GUEST_CR3', at.data); }),
  eptCase('mov al, [0x12345]\nvmcall', PAGE | 5 | 0xb0, vm => { vm.setMemory64(at.data, (PAGE + 0x5000) | 0x27); vm.setMemory64(PAGE + 0x5000, 0xa7); vm.write('GUEST_CR3', at.data); }),
  eptCase('mov al, [0x12345]\nvmcall', PAGE | 5 | 0xb0, vm => { vm.write('EPTP', at.ept | 0x5e); vm.setMemory64(at.data, (PAGE + 0x5000) | 0x27); vm.setMemory64(PAGE + 0x5000, 0xa7); vm.write('GUEST_CR3', at.data); }),
  eptCase('mov rax, [0x7000]\nmov rbx, [0x9020]\nvmcall', PAGE | 7 | 0xb0, vm => vm.write('EPTP', at.ept | 0x5e)),
  eptCase('mov [0x800000], al\nmov rax, [0x7000]\nmov rbx, [0x9020]\nvmcall', PAGE | 7 | 0xb0, vm => vm.write('EPTP', at.ept | 0x5e)),
  { name: 'window', guest: 'nop\nsti\nnop\nhlt', prepare: vm => vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING') },
  { name: 'window mov ss', guest: 'mov ss, ax\nnop\nhlt', prepare: vm => { vm.set('RAX', 0x10); vm.write('GUEST_RFLAGS', 0x202); vm.write('GUEST_INTERRUPTIBILITY_STATE', 1); vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING'); } },
  { name: 'timer 0', guest: 'hlt', prepare: vm => { vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER'); vm.enable('Exit', 'SAVE_PREEMPTION_TIMER'); } },
  { name: 'nmi window', guest: 'nop', prepare: vm => { vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS'); vm.enable('Primary', 'NMI_WINDOW_EXITING'); } },
  { name: 'nmi window iret', guest: 'push 0x10\npush rsp\npushfq\npush 8\npush here\niretq\nhere: nop', prepare: vm => { vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS'); vm.enable('Primary', 'NMI_WINDOW_EXITING'); vm.write('GUEST_INTERRUPTIBILITY_STATE', 8); } },
  { name: 'iret fault', guest: 'mov rsp, 0x123456789000\niretq', prepare: vm => { vm.write('EXCEPTION_BITMAP', 1 << 14); vm.write('GUEST_INTERRUPTIBILITY_STATE', 8); } },
  { name: 'iret fault virtual', guest: 'mov rsp, 0x123456789000\niretq', prepare: vm => { vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS'); vm.write('EXCEPTION_BITMAP', 1 << 14); vm.write('GUEST_INTERRUPTIBILITY_STATE', 8); } },
  { name: 'iret fault nmi exiting', guest: 'mov rsp, 0x123456789000\niretq', prepare: vm => { vm.enable('Pin', 'NMI_EXITING'); vm.write('EXCEPTION_BITMAP', 1 << 14); vm.write('GUEST_INTERRUPTIBILITY_STATE', 8); } },
  { name: 'pending debug', guest: 'nop', prepare: vm => { vm.write('GUEST_PENDING_DEBUG', 0x4000); vm.write('EXCEPTION_BITMAP', 2); } },
  { name: 'mov ss tf', guest: 'mov ss, ax\ncpuid', prepare: vm => { vm.set('RAX', 0x10); vm.write('EXCEPTION_BITMAP', 2); vm.write('GUEST_RFLAGS', 0x102); } },
  { name: 'mov ss cpuid', guest: 'mov ss, ax\ncpuid', prepare: vm => { vm.set('RAX', 0x10); } },
  { name: 'sti cpuid', guest: 'sti\ncpuid', prepare: () => undefined },
  { name: 'sti hlt exit', guest: 'sti\nhlt', prepare: vm => vm.enable('Primary', 'HLT_EXITING') },
  { name: 'dr breakpoint', guest: 'lea rax, [rel there]\nmov dr0, rax\nmov eax, 0x402\nmov dr7, rax\nnop\nthere: nop\nvmcall', prepare: vm => vm.write('EXCEPTION_BITMAP', 2) },
  { name: 'icebp', guest: 'db 0xf1', prepare: vm => vm.write('EXCEPTION_BITMAP', 2) },
  { name: 'int3 not selected', guest: 'int3\nhandler: pop rax\nvmcall', prepare: vm => vm.setGate(at.guestIdt, 3, vm.label('handler')) },
  { name: 'gd', guest: 'mov rax, dr3', prepare: vm => { vm.write('EXCEPTION_BITMAP', 2); vm.write('GUEST_DR7', 0x2400); } },
  { name: 'user hlt', guest: 'hlt', prepare: vm => { ring3(vm); vm.write('EXCEPTION_BITMAP', 1 << 13); vm.enable('Primary', 'HLT_EXITING'); } },
  { name: 'user cpuid', guest: 'cpuid', prepare: ring3 },
  { name: 'user vmcall', guest: 'vmcall', prepare: ring3 },
  { name: 'user vmread', guest: 'vmread rax, rbx', prepare: ring3 },
  { name: 'user rdtsc', guest: 'rdtsc', prepare: vm => { ring3(vm); vm.enable('Primary', 'RDTSC_EXITING'); } },
  { name: 'user in', guest: 'in al, 0x60', prepare: vm => { ring3(vm); vm.write('EXCEPTION_BITMAP', 1 << 13); vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING'); } },
  { name: 'user in iopl', guest: 'in al, 0x60', prepare: vm => { ring3(vm); vm.write('GUEST_RFLAGS', 0x3002); vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING'); } },
  { name: 'rdtscp undefined', guest: 'rdtscp', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 6) },
  { name: 'syscall', guest: 'mov ecx, 0xc0000080\nrdmsr\nor eax, 1\nwrmsr\nvmcall', prepare: vm => { vm.enable('Primary', 'USE_MSR_BITMAPS'); vm.write('MSR_BITMAPS', at.msrBitmaps); } },
  { name: 'cr3 pcid bits', guest: 'mov rax, cr3\nor rax, 0x18\nmov cr3, rax\nvmcall', prepare: () => undefined },
  { name: 'cr0 gp', guest: 'mov rax, cr0\nand eax, 0x7fffffff\nmov cr0, rax', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 13) },
  { name: 'cr4 gp', guest: 'mov rax, cr4\nand eax, ~0x2000\nmov cr4, rax', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 13) },
  { name: 'cr4 vmxe shadow', guest: 'mov rax, cr4\nmov cr4, rax\nvmcall', prepare: vm => { vm.write('EXCEPTION_BITMAP', 1 << 13); vm.write('CR4_MASK', 0x2000); } },
  { name: 'smsw', guest: 'smsw rax\nsmsw [0x20000]\nmov rbx, [0x20000]\nvmcall', prepare: vm => { vm.write('CR0_MASK', 0xffffffff); vm.write('CR0_SHADOW', 0x1234567b); } },
  { name: 'lmsw', guest: 'mov eax, 0xe\nlmsw ax\nvmcall', prepare: () => undefined },
  { name: 'lmsw pe clear', guest: 'mov eax, 0x8\nlmsw ax\nvmcall', prepare: vm => { vm.write('CR0_MASK', 1); vm.write('CR0_SHADOW', 1); } },
  { name: 'compat vmcall', guest: 'db 0x0f, 0x01, 0xc1', prepare: vm => vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b) },
  { name: 'compat vmread', guest: 'db 0x0f, 0x78, 0xc3', prepare: vm => { vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b); vm.write('EXCEPTION_BITMAP', 1 << 6); } },
  { name: 'int no gate', guest: 'int 0x21', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 11 | 1 << 13) },
  { name: 'div', guest: 'xor ecx, ecx\ndiv ecx', prepare: vm => vm.write('EXCEPTION_BITMAP', 1) },
  { name: 'ss fault', guest: 'mov rax, 0x800000000008\nmov rsp, rax\npush rax', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 12) },
  { name: 'ins page fault', guest: 'mov rdi, 0x123456789000\nmov dx, 0x60\ninsb', prepare: vm => { vm.write('EXCEPTION_BITMAP', 1 << 14); vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING'); } },
  { name: 'wrmsr efer', guest: 'mov ecx, 0xc0000080\nmov eax, 0xffffffff\nwrmsr', prepare: vm => { vm.write('EXCEPTION_BITMAP', 1 << 13); vm.enable('Primary', 'USE_MSR_BITMAPS'); vm.write('MSR_BITMAPS', at.msrBitmaps); } },
  { name: 'task gate', guest: 'int 0x30', prepare: vm => { vm.setMemory64(at.guestIdt + 0x300, 0x0000e500_00180000n); vm.write('EXCEPTION_BITMAP', 1 << 13); } },
];
const cases: Case[] = [
  ...checkCases.filter(([name]) => !name.endsWith('_AREA_END') && name !== 'GUEST_RFLAGS_VM').map(([name, prepare]) => ({ name: `entry check ${name}`, guest: 'vmcall', prepare })),
  ...exitCases.map(({ guest, prepare }) => ({
    name: guest.replace(/\n/g, '; '),
    guest,
    prepare: prepare ?? (() => undefined),
  })),
  ...more,
];

describe('Bochs', function () {
  this.timeout(300_000);
  it('agrees', async () => {
    const setups: Setup[] = [];
    const ours: { how: string; registers: bigint[]; fields: Map<string, bigint> }[] = [];
    for (const { guest, prepare } of cases) {
      const vm = await VmxMachine.create(guest);
      prepare(vm);
      setups.push(setupOf(vm));
      const how = vm.launch();
      ours.push({ how, registers: REGISTERS.map(name => vm.get(name)), fields: new Map(printed.map(field => [field.name, vm.read(field.name)])) });
    }
    const { program, indexes } = await makeProgram(setups);
    const outcomes = parseOutcomes(runOnBochs(program, 'out/oracle/vmx', 120_000).debugConsole);
    console.log(program.segments[0].data.length, indexes.length, outcomes.size, cases.length);
    for (const index of indexes) {
      const { how, fields, registers } = ours[index];
      const theirs = outcomes.get(index);
      if (!theirs) {
        console.log('NO OUTCOME', index, cases[index].name);
        continue;
      }
      const diffs: string[] = [];
      const form = entryChecks.find(row => row.name === how)?.failure;
      const entered = !form?.startsWith('VMfail');
      if (entered !== theirs.entered)
        diffs.push(
          `entered ${entered}/${theirs.entered} (${how}; theirs error ${theirs.fields.get('INSTRUCTION_ERROR')} reason ${theirs.fields.get('EXIT_REASON')!.toString(16)})`,
        );
      else
        for (const field of printed) {
          const a = fields.get(field.name)!, b = theirs.fields.get(field.name)!;
          if (a !== b && field.name !== 'HOST_RIP' && !(field.name === 'EXIT_INSTRUCTION_LENGTH' && form)) diffs.push(`${field.name} ${a.toString(16)}/${b.toString(16)}`);
        }
      REGISTERS.forEach((name, n) => { if (name !== 'RSP' && registers[n] !== theirs.registers[n]) diffs.push(`${name} ${registers[n].toString(16)}/${theirs.registers[n].toString(16)}`); });
      if (diffs.length) console.log(`${index} ${cases[index].name} [${how}]: ${diffs.join(', ')}`);
    }
    assert.ok(true);
  });
});
export type { Outcome };
