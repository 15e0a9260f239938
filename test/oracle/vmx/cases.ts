/** Guests that run here and on Bochs, besides those of the unit tests: what comes of each is compared in full. */
import { checkCases } from '../../unit/core/vmx-check-cases';
import { exitCases } from '../../unit/core/vmx-exit-cases';
import { at, type VmxMachine } from '../../unit/core/vmx-machine';

export interface Case {
  name: string;
  guest: string;
  prepare(vm: VmxMachine): void;
}

type Prepare = Case['prepare'];
const nothing: Prepare = () => undefined;

/** A 2-MByte page that EPT maps as a case says; its first instruction is VMCALL. */
const PAGE = 0x800000;
const WRITE_BACK_2M = 0xb0;
const VMCALL = 0xc1010f;

/** Injects an event; the handler takes the frame into registers, which are compared. */
function injection(information: number, what = '', prepare = nothing): Case {
  return {
    name: `inject 0x${information.toString(16)}${what && `, ${what}`}`,
    guest: 'here: nop\ncpuid\nhandler: pop rax\npop rbx\npop rcx\npop rdx\npop rsi\nvmcall',
    prepare: vm => {
      for (const vector of [0, 1, 2, 3, 4, 6, 8, 13, 14, 17, 0x20, 0x41, 0x80, 0x81])
        vm.setGate(at.guestIdt, vector, vm.label('handler'), vector === 0x80 ? 0xef : 0x8e);
      vm.write('ENTRY_INTERRUPTION_INFORMATION', (0x80000000 | information) >>> 0);
      vm.write('ENTRY_INSTRUCTION_LENGTH', 2);
      vm.write('ENTRY_EXCEPTION_ERROR_CODE', 0x1234);
      vm.write('GUEST_RFLAGS', 0x246);
      prepare(vm);
    },
  };
}

function withEpt(guest: string, entry: bigint | number, what = '', prepare = nothing): Case {
  return {
    name: `EPT 0x${entry.toString(16)}${what && `, ${what}`}: ${guest.replace(/\n/g, '; ')}`,
    guest,
    prepare: vm => {
      vm.enableEpt();
      vm.setEptPage(PAGE, entry);
      vm.setMemory64(PAGE, VMCALL);
      prepare(vm);
    },
  };
}

/** CS and SS of privilege level 3. */
const ring3: Prepare = vm => {
  vm.write('GUEST_CS_SELECTOR', 0x33);
  vm.write('GUEST_CS_ACCESS_RIGHTS', 0xa0fb);
  vm.write('GUEST_SS_SELECTOR', 0x2b);
  vm.write('GUEST_SS_ACCESS_RIGHTS', 0xc0f3);
};
/** An IDT that ends before vector 7, with #GP exiting. */
const shortIdt: Prepare = vm => {
  vm.write('GUEST_IDTR_LIMIT', 0x6f);
  vm.write('EXCEPTION_BITMAP', 1 << 13);
};
/** A stack that EPT does not let the guest write. */
const protectedStack: Prepare = vm => {
  vm.enableEpt();
  vm.write('GUEST_RSP', PAGE + 0x1000);
  vm.setEptPage(PAGE, PAGE | 5 | WRITE_BACK_2M);
};
/** The guest's page-directory-pointer table lies in the page that EPT maps; `flags` are those of its entries. */
const tablesInPage =
  (flags: number, eptFlags = 0x1e): Prepare =>
  vm => {
    vm.write('EPTP', at.ept | eptFlags);
    vm.setMemory64(at.data, (PAGE + 0x5000) | 7 | flags);
    vm.setMemory64(PAGE + 0x5000, 0x87 | flags);
    vm.write('GUEST_CR3', at.data);
  };
const ACCESSED = 0x20;
const interruptWindow: Prepare = vm => vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');

const injections: Case[] = [
  ...[0x41, 0x20, 0x202, 0x300, 0x301, 0x306, 0xb08, 0xb0d, 0xb0e, 0xb11, 0x480, 0x603, 0x604, 0x501].map(n =>
    injection(n),
  ),
  ...[0x41, 0x480, 0x481, 0xb0e].map(n => injection(n, 'at CPL 3', ring3)),
  injection(0x41, 'into HLT', vm => vm.write('GUEST_ACTIVITY_STATE', 1)),
  injection(0x202, 'virtual NMIs', vm => vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS')),
  injection(0xb0d, 'no IDT', vm => vm.write('GUEST_IDTR_LIMIT', 0)),
  injection(0xb0d, 'no IDT, #DF exits', vm => {
    vm.write('GUEST_IDTR_LIMIT', 0);
    vm.write('EXCEPTION_BITMAP', 1 << 8);
  }),
  injection(0x480, 'short IDT', shortIdt),
  injection(0x41, 'short IDT', shortIdt),
  injection(0x41, 'protected stack', protectedStack),
  injection(0x480, 'protected stack', protectedStack),
  injection(0x41, 'interrupt window', interruptWindow),
  injection(0x306, 'interrupt window', interruptWindow),
];

const accesses = ['mov al, [0x800123]', 'mov [0x800123], al', 'add [0x800123], al', 'push qword [0x800123]'].map(
  access => `${access}\nvmcall`,
);
const ept: Case[] = [
  ...[0, 1, 4, 5, 7, 3].flatMap(rights =>
    [...accesses, 'mov rax, 0x800000\njmp rax'].map(guest =>
      withEpt(guest, rights ? PAGE | rights | WRITE_BACK_2M : 0),
    ),
  ),
  ...[
    PAGE | 2 | WRITE_BACK_2M,
    PAGE | 6 | WRITE_BACK_2M,
    PAGE | 7 | 0xe0,
    PAGE | 7 | 0x90,
    PAGE | 0x1000 | 7 | WRITE_BACK_2M,
  ].map(entry => withEpt(accesses[0], entry)),
  withEpt('mov al, [0x12345]', 0, 'guest tables not mapped', tablesInPage(0)),
  withEpt('mov al, [0x12345]\nvmcall', PAGE | 5 | WRITE_BACK_2M, 'guest tables read-only', tablesInPage(ACCESSED)),
  withEpt(
    'mov al, [0x12345]\nvmcall',
    PAGE | 5 | WRITE_BACK_2M,
    'guest tables read-only, A/D',
    tablesInPage(ACCESSED, 0x5e),
  ),
  withEpt('mov rax, [0x7000]\nmov rbx, [0x9020]\nvmcall', PAGE | 7 | WRITE_BACK_2M, 'A/D', vm =>
    vm.write('EPTP', at.ept | 0x5e),
  ),
  withEpt(
    'mov [0x800000], al\nmov rax, [0x7000]\nmov rbx, [0x9020]\nvmcall',
    PAGE | 7 | WRITE_BACK_2M,
    'A/D, written',
    vm => vm.write('EPTP', at.ept | 0x5e),
  ),
];

const others: Case[] = [
  { name: 'window', guest: 'nop\nsti\nnop\nhlt', prepare: vm => vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING') },
  {
    name: 'window mov ss',
    guest: 'mov ss, ax\nnop\nhlt',
    prepare: vm => {
      vm.set('RAX', 0x10);
      vm.write('GUEST_RFLAGS', 0x202);
      vm.write('GUEST_INTERRUPTIBILITY_STATE', 1);
      vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');
    },
  },
  {
    name: 'timer 0',
    guest: 'hlt',
    prepare: vm => {
      vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER');
      vm.enable('Exit', 'SAVE_PREEMPTION_TIMER');
    },
  },
  {
    name: 'nmi window iret',
    guest: 'push 0x10\npush rsp\npushfq\npush 8\npush here\niretq\nhere: nop',
    prepare: vm => {
      vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS');
      vm.enable('Primary', 'NMI_WINDOW_EXITING');
      vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    },
  },
  {
    name: 'iret fault',
    guest: 'mov rsp, 0x123456789000\niretq',
    prepare: vm => {
      vm.write('EXCEPTION_BITMAP', 1 << 14);
      vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    },
  },
  {
    name: 'iret fault virtual',
    guest: 'mov rsp, 0x123456789000\niretq',
    prepare: vm => {
      vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS');
      vm.write('EXCEPTION_BITMAP', 1 << 14);
      vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    },
  },
  {
    name: 'iret fault nmi exiting',
    guest: 'mov rsp, 0x123456789000\niretq',
    prepare: vm => {
      vm.enable('Pin', 'NMI_EXITING');
      vm.write('EXCEPTION_BITMAP', 1 << 14);
      vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    },
  },
  {
    name: 'pending debug',
    guest: 'nop',
    prepare: vm => {
      vm.write('GUEST_PENDING_DEBUG', 0x4000);
      vm.write('EXCEPTION_BITMAP', 2);
    },
  },
  {
    name: 'mov ss tf',
    guest: 'mov ss, ax\ncpuid',
    prepare: vm => {
      vm.set('RAX', 0x10);
      vm.write('EXCEPTION_BITMAP', 2);
      vm.write('GUEST_RFLAGS', 0x102);
    },
  },
  {
    name: 'mov ss cpuid',
    guest: 'mov ss, ax\ncpuid',
    prepare: vm => {
      vm.set('RAX', 0x10);
    },
  },
  { name: 'sti cpuid', guest: 'sti\ncpuid', prepare: () => undefined },
  { name: 'sti hlt exit', guest: 'sti\nhlt', prepare: vm => vm.enable('Primary', 'HLT_EXITING') },
  {
    name: 'dr breakpoint',
    guest: 'lea rax, [rel there]\nmov dr0, rax\nmov eax, 0x402\nmov dr7, rax\nnop\nthere: nop\nvmcall',
    prepare: vm => vm.write('EXCEPTION_BITMAP', 2),
  },
  { name: 'icebp', guest: 'db 0xf1', prepare: vm => vm.write('EXCEPTION_BITMAP', 2) },
  {
    name: 'int3 not selected',
    guest: 'int3\nhandler: pop rax\nvmcall',
    prepare: vm => vm.setGate(at.guestIdt, 3, vm.label('handler')),
  },
  {
    name: 'gd',
    guest: 'mov rax, dr3',
    prepare: vm => {
      vm.write('EXCEPTION_BITMAP', 2);
      vm.write('GUEST_DR7', 0x2400);
    },
  },
  {
    name: 'user hlt',
    guest: 'hlt',
    prepare: vm => {
      ring3(vm);
      vm.write('EXCEPTION_BITMAP', 1 << 13);
      vm.enable('Primary', 'HLT_EXITING');
    },
  },
  { name: 'user cpuid', guest: 'cpuid', prepare: ring3 },
  { name: 'user vmcall', guest: 'vmcall', prepare: ring3 },
  { name: 'user vmread', guest: 'vmread rax, rbx', prepare: ring3 },
  {
    name: 'user rdtsc',
    guest: 'rdtsc',
    prepare: vm => {
      ring3(vm);
      vm.enable('Primary', 'RDTSC_EXITING');
    },
  },
  {
    name: 'user in',
    guest: 'in al, 0x60',
    prepare: vm => {
      ring3(vm);
      vm.write('EXCEPTION_BITMAP', 1 << 13);
      vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING');
    },
  },
  {
    name: 'user in iopl',
    guest: 'in al, 0x60',
    prepare: vm => {
      ring3(vm);
      vm.write('GUEST_RFLAGS', 0x3002);
      vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING');
    },
  },
  { name: 'rdtscp undefined', guest: 'rdtscp', prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 6) },
  {
    name: 'syscall',
    guest: 'mov ecx, 0xc0000080\nrdmsr\nor eax, 1\nwrmsr\nvmcall',
    prepare: vm => {
      vm.enable('Primary', 'USE_MSR_BITMAPS');
      vm.write('MSR_BITMAPS', at.msrBitmaps);
    },
  },
  { name: 'cr3 pcid bits', guest: 'mov rax, cr3\nor rax, 0x18\nmov cr3, rax\nvmcall', prepare: () => undefined },
  {
    name: 'cr0 gp',
    guest: 'mov rax, cr0\nand eax, 0x7fffffff\nmov cr0, rax',
    prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 13),
  },
  {
    name: 'cr4 gp',
    guest: 'mov rax, cr4\nand eax, ~0x2000\nmov cr4, rax',
    prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 13),
  },
  {
    name: 'cr4 vmxe shadow',
    guest: 'mov rax, cr4\nmov cr4, rax\nvmcall',
    prepare: vm => {
      vm.write('EXCEPTION_BITMAP', 1 << 13);
      vm.write('CR4_MASK', 0x2000);
    },
  },
  {
    name: 'smsw',
    guest: 'smsw rax\nsmsw [0x20000]\nmov rbx, [0x20000]\nvmcall',
    prepare: vm => {
      vm.write('CR0_MASK', 0xffffffff);
      vm.write('CR0_SHADOW', 0x1234567b);
    },
  },
  { name: 'lmsw', guest: 'mov eax, 0xe\nlmsw ax\nvmcall', prepare: () => undefined },
  {
    name: 'lmsw pe clear',
    guest: 'mov eax, 0x8\nlmsw ax\nvmcall',
    prepare: vm => {
      vm.write('CR0_MASK', 1);
      vm.write('CR0_SHADOW', 1);
    },
  },
  { name: 'compat vmcall', guest: 'db 0x0f, 0x01, 0xc1', prepare: vm => vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b) },
  {
    name: 'compat vmread',
    guest: 'db 0x0f, 0x78, 0xc3',
    prepare: vm => {
      vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b);
      vm.write('EXCEPTION_BITMAP', 1 << 6);
    },
  },
  { name: 'int no gate', guest: 'int 0x21', prepare: vm => vm.write('EXCEPTION_BITMAP', (1 << 11) | (1 << 13)) },
  { name: 'div', guest: 'xor ecx, ecx\ndiv ecx', prepare: vm => vm.write('EXCEPTION_BITMAP', 1) },
  {
    name: 'ss fault',
    guest: 'mov rax, 0x800000000008\nmov rsp, rax\npush rax',
    prepare: vm => vm.write('EXCEPTION_BITMAP', 1 << 12),
  },
  {
    name: 'ins page fault',
    guest: 'mov rdi, 0x123456789000\nmov dx, 0x60\ninsb',
    prepare: vm => {
      vm.write('EXCEPTION_BITMAP', 1 << 14);
      vm.enable('Primary', 'UNCONDITIONAL_IO_EXITING');
    },
  },
  {
    name: 'wrmsr efer',
    guest: 'mov ecx, 0xc0000080\nmov eax, 0xffffffff\nwrmsr',
    prepare: vm => {
      vm.write('EXCEPTION_BITMAP', 1 << 13);
      vm.enable('Primary', 'USE_MSR_BITMAPS');
      vm.write('MSR_BITMAPS', at.msrBitmaps);
    },
  },
  {
    name: 'task gate',
    guest: 'int 0x30',
    prepare: vm => {
      vm.setMemory64(at.guestIdt + 0x300, 0x0000e500_00180000n);
      vm.write('EXCEPTION_BITMAP', 1 << 13);
    },
  },
];

/** Entry checks that are not compared, and why. */
const leftOut: Readonly<Record<string, string>> = {
  NO_CURRENT_VMCS: 'the runner has a current VMCS',
  MOV_SS_BLOCKING: 'the runner does not execute MOV SS before VMLAUNCH',
  LAUNCH_STATE_CLEAR: 'the runner clears its VMCS',
  LAUNCH_STATE_LAUNCHED: 'the runner executes VMLAUNCH, not VMRESUME',
  GUEST_SIZE_ABOVE_HOST_SIZE: 'the runner is 64-bit',
  HOST_SS_NULL: 'the runner is 64-bit',
  HOST_RIP_HIGH: 'the runner is 64-bit',
  HOST_PCIDE: 'the runner is 64-bit',
  EXIT_STORE_AREA_END: 'Bochs has another physical-address width',
  EXIT_LOAD_AREA_END: 'Bochs has another physical-address width',
  ENTRY_LOAD_AREA_END: 'Bochs has another physical-address width',
  GUEST_RFLAGS_VM: 'Bochs enters, and the guest runs off',
};

export const cases: readonly Case[] = [
  ...checkCases
    .filter(([name]) => !(name in leftOut))
    .map(([name, prepare]): Case => ({ name: `entry check ${name}`, guest: 'vmcall', prepare })),
  ...exitCases.map(({ guest, prepare }): Case => ({
    name: guest.replace(/\n/g, '; '),
    guest,
    prepare: prepare ?? nothing,
  })),
  ...injections,
  ...ept,
  ...others,
];
