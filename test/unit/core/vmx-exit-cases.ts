/** Guests that cause an exit, and what the exit must record. */
import * as assert from 'node:assert';
import { VmxMachine, at } from './vmx-machine';

export interface ExitCase {
  guest: string;
  /** Sets what makes the instruction exit. */
  prepare?: (vm: VmxMachine) => void;
  /** Exit reason. */
  exits: string;
  qualification?: bigint | number;
  /** Bytes of the instruction; the guest RIP that was saved must be its address. */
  length?: number;
  information?: string;
  check?: (vm: VmxMachine) => void;
}

const enable =
  (...args: Parameters<VmxMachine['enable']>) =>
  (vm: VmxMachine): void =>
    vm.enable(...args);
const exceptions =
  (...vectors: number[]) =>
  (vm: VmxMachine): void =>
    vm.write('EXCEPTION_BITMAP', vectors.reduce((mask, vector) => mask | (1 << vector), 0) >>> 0);

/** `here:` marks the instruction that must exit. */
export const exitCases: ExitCase[] = [
  { guest: 'here: cpuid', exits: 'CPUID', length: 2 },
  { guest: 'here: vmcall', exits: 'VMCALL', length: 3 },
  { guest: 'here: vmxoff', exits: 'VMXOFF', length: 3 },
  { guest: 'here: vmlaunch', exits: 'VMLAUNCH', length: 3 },
  { guest: 'here: vmresume', exits: 'VMRESUME', length: 3 },
  { guest: 'here: invd', exits: 'INVD', length: 2 },
  {
    // Without CR4.OSXSAVE: #UD comes before the exit (SDM 3C 25.1.1).
    guest: 'xor ecx, ecx\nhere: xsetbv',
    prepare: exceptions(6),
    exits: 'EXCEPTION_NMI',
  },
  { guest: 'mov rax, cr4\nor eax, 1 << 18\nmov cr4, rax\nhere: xsetbv', exits: 'XSETBV', length: 3 },
  {
    // "Enable XSAVES/XRSTORS" is 0 (SDM 3C 25.3).
    guest: 'mov rax, cr4\nor eax, 1 << 18\nmov cr4, rax\nhere: xsaves [rsp]',
    prepare: exceptions(6),
    exits: 'EXCEPTION_NMI',
  },
  {
    guest: 'mov rbx, 0x1000\nhere: vmclear [rbx + 0x20]',
    exits: 'VMCLEAR',
    qualification: 0x20,
    length: 5,
    information: 'addressSize=64 bits segment=DS base=RBX',
  },
  {
    guest: 'mov ecx, 2\nhere: vmptrld [fs:ebp + ecx*4 - 8]',
    exits: 'VMPTRLD',
    qualification: -8n,
    length: 7,
    information: 'addressSize=32 bits segment=FS index=RCX scale=4 base=RBP',
  },
  {
    guest: 'here: vmptrst [rel there]\nhere.end: nop\nthere: dq 0',
    exits: 'VMPTRST',
    length: 7,
    check: vm => assert.strictEqual(vm.read('EXIT_QUALIFICATION'), BigInt(vm.label('there')), 'RIP is added'),
  },
  { guest: 'here: vmxon [0x1234]', exits: 'VMXON', qualification: 0x1234, length: 9 },
  { guest: 'here: vmread rsi, rdi', exits: 'VMREAD', length: 3, information: 'register=RSI field=RDI' },
  {
    guest: 'here: vmread [r9 + 0x10], r10',
    exits: 'VMREAD',
    qualification: 0x10,
    length: 5,
    information: 'addressSize=64 bits segment=DS base=R9 field=R10',
  },
  { guest: 'here: vmwrite r8, r11', exits: 'VMWRITE', length: 4, information: 'register=R11 field=R8' },
  {
    guest: 'here: invept rdx, [rsp]',
    exits: 'INVEPT',
    length: 6,
    information: 'addressSize=64 bits segment=SS base=RSP type=RDX',
  },
  {
    guest: 'here: invvpid rcx, [rax + rax]',
    exits: 'INVVPID',
    length: 6,
    information: 'addressSize=64 bits segment=DS index=RAX scale=1 base=RAX type=RCX',
  },

  { guest: 'here: hlt', prepare: enable('Primary', 'HLT_EXITING'), exits: 'HLT', length: 1 },
  {
    guest: 'mov rax, 0x7fff123000\nhere: invlpg [rax + 8]',
    prepare: enable('Primary', 'INVLPG_EXITING'),
    exits: 'INVLPG',
    qualification: 0x7fff123008,
    length: 4,
  },
  { guest: 'here: rdpmc', prepare: enable('Primary', 'RDPMC_EXITING'), exits: 'RDPMC', length: 2 },
  { guest: 'here: rdtsc', prepare: enable('Primary', 'RDTSC_EXITING'), exits: 'RDTSC', length: 2 },
  {
    guest: 'here: rdtscp',
    prepare: vm => {
      vm.enable('Primary', 'RDTSC_EXITING');
      vm.enable('Secondary', 'ENABLE_RDTSCP');
    },
    exits: 'RDTSCP',
    length: 3,
  },
  { guest: 'here: pause', prepare: enable('Primary', 'PAUSE_EXITING'), exits: 'PAUSE', length: 2 },
  {
    guest: 'here: mov dr2, rbx',
    prepare: enable('Primary', 'MOV_DR_EXITING'),
    exits: 'DR_ACCESS',
    qualification: 0x302,
    length: 3,
  },
  {
    guest: 'here: mov r9, dr7',
    prepare: enable('Primary', 'MOV_DR_EXITING'),
    exits: 'DR_ACCESS',
    qualification: 0x917,
    length: 4,
  },
  { guest: 'here: wbinvd', prepare: enable('Secondary', 'WBINVD_EXITING'), exits: 'WBINVD', length: 2 },

  {
    guest: 'mov rdx, 0x5000\nhere: mov cr3, rdx',
    prepare: enable('Primary', 'CR3_LOAD_EXITING'),
    exits: 'CR_ACCESS',
    qualification: 0x203,
    length: 3,
  },
  {
    guest: `mov rdx, ${at.paging}\nmov cr3, rdx\nadd rdx, 0x18\nhere: mov cr3, rdx`,
    prepare: vm => {
      vm.enable('Primary', 'CR3_LOAD_EXITING');
      vm.write('CR3_TARGET_COUNT', 2);
      vm.write('CR3_TARGET_VALUE_1', at.paging);
    },
    exits: 'CR_ACCESS',
    qualification: 0x203,
  },
  {
    guest: 'here: mov rsi, cr3',
    prepare: enable('Primary', 'CR3_STORE_EXITING'),
    exits: 'CR_ACCESS',
    qualification: 0x613,
    length: 3,
  },
  {
    guest: 'here: mov cr8, rdi',
    prepare: enable('Primary', 'CR8_LOAD_EXITING'),
    exits: 'CR_ACCESS',
    qualification: 0x708,
    length: 4,
  },
  {
    guest: 'here: mov r15, cr8',
    prepare: enable('Primary', 'CR8_STORE_EXITING'),
    exits: 'CR_ACCESS',
    qualification: 0xf18,
    length: 4,
  },
  {
    // The guest owns MP and may change it; TS is the host's, and its shadow is 0.
    guest: 'mov rax, cr0\nor eax, 2\nmov cr0, rax\nor eax, 8\nhere: mov cr0, rax',
    prepare: vm => {
      vm.write('CR0_MASK', 8);
      vm.write('CR0_SHADOW', 0);
    },
    exits: 'CR_ACCESS',
    qualification: 0,
    check: vm => assert.strictEqual(vm.read('GUEST_CR0'), 0x80000033n),
  },
  {
    // Reads show the shadow: VMXE looks clear; setting it exits.
    guest: 'mov rbx, cr4\nmov rax, rbx\nmov cr4, rax\nor eax, 0x2000\nhere: mov cr4, rax',
    prepare: vm => {
      vm.write('CR4_MASK', 0x2000);
      vm.write('CR4_SHADOW', 0);
    },
    exits: 'CR_ACCESS',
    qualification: 4,
    check: vm => {
      assert.strictEqual(vm.get('RBX'), 0x20n);
      assert.strictEqual(vm.read('GUEST_CR4'), 0x2020n);
    },
  },
  {
    guest: 'here: clts',
    prepare: vm => {
      vm.write('CR0_MASK', 8);
      vm.write('CR0_SHADOW', 8);
    },
    exits: 'CR_ACCESS',
    qualification: 0x20,
    length: 2,
  },
  {
    // The host owns TS and the guest sees it clear: CLTS does nothing.
    guest: 'clts\nhere: vmcall',
    prepare: vm => {
      vm.write('CR0_MASK', 8);
      vm.write('GUEST_CR0', 0x80000039);
    },
    exits: 'VMCALL',
    check: vm => assert.strictEqual(vm.read('GUEST_CR0'), 0x80000039n),
  },
  {
    guest: 'mov eax, 0x9\nhere: lmsw ax',
    prepare: vm => {
      vm.write('CR0_MASK', 9);
      vm.write('CR0_SHADOW', 1);
    },
    exits: 'CR_ACCESS',
    qualification: 0x90030,
    length: 3,
  },
  {
    guest: `mov word [${at.data}], 0x1009\nhere: lmsw [${at.data}]`,
    prepare: vm => {
      vm.write('CR0_MASK', 8);
      vm.write('CR0_SHADOW', 0);
    },
    exits: 'CR_ACCESS',
    qualification: 0x10090070,
    check: vm => assert.strictEqual(vm.read('GUEST_LINEAR_ADDRESS'), BigInt(at.data)),
  },

  {
    guest: 'here: in al, 0x60',
    prepare: enable('Primary', 'UNCONDITIONAL_IO_EXITING'),
    exits: 'IO',
    qualification: 0x600048,
    length: 2,
  },
  {
    guest: 'mov dx, 0x3f8\nhere: out dx, eax',
    prepare: enable('Primary', 'UNCONDITIONAL_IO_EXITING'),
    exits: 'IO',
    qualification: 0x3f80003,
    length: 1,
  },
  {
    guest: `mov dx, 0x1f0\nmov rsi, ${at.data}\nmov ecx, 7\nhere: rep outsw`,
    prepare: enable('Primary', 'UNCONDITIONAL_IO_EXITING'),
    exits: 'IO',
    qualification: 0x1f00031,
    length: 3,
    check: vm => {
      assert.strictEqual(vm.read('GUEST_LINEAR_ADDRESS'), BigInt(at.data));
      assert.strictEqual(vm.read('EXIT_INSTRUCTION_INFORMATION'), (2n << 7n) | (3n << 15n));
      assert.strictEqual(vm.get('RCX'), 7n);
    },
  },
  {
    guest: `mov dx, 0x1f0\nmov edi, ${at.data}\nhere: a32 insb`,
    prepare: enable('Primary', 'UNCONDITIONAL_IO_EXITING'),
    exits: 'IO',
    qualification: 0x1f00018,
    length: 2,
    check: vm => assert.strictEqual(vm.read('EXIT_INSTRUCTION_INFORMATION') & 0x380n, 1n << 7n),
  },
  {
    // Bitmap A selects 0x61 (the second byte of a word access), bitmap B 0x8061; unconditional exiting is then ignored.
    guest: 'in al, 0x60\nhere: in ax, 0x60',
    prepare: vm => {
      vm.enable('Primary', 'USE_IO_BITMAPS', 'UNCONDITIONAL_IO_EXITING');
      vm.write('IO_BITMAP_A', at.ioBitmapA);
      vm.write('IO_BITMAP_B', at.ioBitmapB);
      vm.setMemory64(at.ioBitmapA + 8, 1n << BigInt(0x61 - 0x40));
    },
    exits: 'IO',
    qualification: 0x600049,
    check: vm => assert.deepStrictEqual(vm.ports, [{ port: 0x60, size: 1 }]),
  },
  {
    guest: 'mov dx, 0x8060\nin al, dx\ninc dx\nhere: in al, dx',
    prepare: vm => {
      vm.enable('Primary', 'USE_IO_BITMAPS');
      vm.write('IO_BITMAP_A', at.ioBitmapA);
      vm.write('IO_BITMAP_B', at.ioBitmapB);
      vm.setMemory64(at.ioBitmapB + 8, 1n << BigInt(0x61 - 0x40));
    },
    exits: 'IO',
    qualification: 0x80610008,
  },
  {
    guest: 'mov dx, 0xffff\nhere: in ax, dx',
    prepare: vm => {
      vm.enable('Primary', 'USE_IO_BITMAPS');
      vm.write('IO_BITMAP_A', at.ioBitmapA);
      vm.write('IO_BITMAP_B', at.ioBitmapB);
    },
    exits: 'IO',
    qualification: 0xffff0009,
  },

  { guest: 'mov ecx, 0xc0000080\nhere: rdmsr', exits: 'RDMSR', length: 2 },
  { guest: 'mov ecx, 0x174\nhere: wrmsr', exits: 'WRMSR', length: 2 },
  {
    // Bitmaps: reading IA32_LSTAR and writing IA32_SYSENTER_CS are selected.
    guest: 'mov ecx, 0x174\nrdmsr\nmov ecx, 0xc0000082\nhere: rdmsr',
    prepare: vm => {
      vm.enable('Primary', 'USE_MSR_BITMAPS');
      vm.write('MSR_BITMAPS', at.msrBitmaps);
      vm.setMemory64(at.msrBitmaps + 0x400 + 0x10, 1n << 2n);
    },
    exits: 'RDMSR',
  },
  {
    guest: 'mov ecx, 0x174\nrdmsr\nhere: wrmsr',
    prepare: vm => {
      vm.enable('Primary', 'USE_MSR_BITMAPS');
      vm.write('MSR_BITMAPS', at.msrBitmaps);
      vm.setMemory64(at.msrBitmaps + 0x800 + 0x28, 1n << 52n);
    },
    exits: 'WRMSR',
  },
  {
    guest: 'mov ecx, 0x40000000\nhere: rdmsr',
    prepare: vm => {
      vm.enable('Primary', 'USE_MSR_BITMAPS');
      vm.write('MSR_BITMAPS', at.msrBitmaps);
    },
    exits: 'RDMSR',
  },

  {
    guest: 'here: lgdt [rax + 0x30]',
    prepare: enable('Secondary', 'DESCRIPTOR_TABLE_EXITING'),
    exits: 'GDTR_IDTR',
    qualification: 0x30,
    length: 4,
    information: 'instruction=LGDT operandSize=32 bits addressSize=64 bits segment=DS base=RAX',
  },
  {
    guest: 'here: sidt [rbx]',
    prepare: enable('Secondary', 'DESCRIPTOR_TABLE_EXITING'),
    exits: 'GDTR_IDTR',
    length: 3,
    information: 'instruction=SIDT operandSize=32 bits addressSize=64 bits segment=DS base=RBX',
  },
  {
    guest: 'here: ltr cx',
    prepare: enable('Secondary', 'DESCRIPTOR_TABLE_EXITING'),
    exits: 'LDTR_TR',
    length: 3,
    information: 'instruction=LTR register=RCX',
  },
  {
    guest: 'here: str edx',
    prepare: enable('Secondary', 'DESCRIPTOR_TABLE_EXITING'),
    exits: 'LDTR_TR',
    length: 3,
    information: 'instruction=STR register=RDX',
  },
  {
    guest: 'here: sldt [rsi]',
    prepare: enable('Secondary', 'DESCRIPTOR_TABLE_EXITING'),
    exits: 'LDTR_TR',
    length: 3,
    information: 'instruction=SLDT addressSize=64 bits segment=DS base=RSI',
  },

  {
    guest: 'here: ud2',
    prepare: exceptions(6),
    exits: 'EXCEPTION_NMI',
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000306n);
      assert.strictEqual(vm.read('GUEST_RFLAGS') & 0x10000n, 0x10000n, 'RF, as the handler would have seen');
    },
  },
  {
    guest: 'here: int3',
    prepare: exceptions(3),
    exits: 'EXCEPTION_NMI',
    length: 1,
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000603n);
      assert.strictEqual(vm.read('GUEST_RFLAGS') & 0x10000n, 0n);
    },
  },
  {
    guest: 'mov ax, 0xfff8\nhere: mov ds, ax',
    prepare: exceptions(13),
    exits: 'EXCEPTION_NMI',
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b0dn);
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_ERROR_CODE'), 0xfff8n);
    },
  },
  {
    guest: 'mov rax, 0x123456789a\nhere: mov [rax], al',
    prepare: exceptions(14),
    exits: 'EXCEPTION_NMI',
    qualification: 0x123456789a,
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b0en);
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_ERROR_CODE'), 2n);
      assert.strictEqual(vm.get('CR2'), 0n, 'CR2 is not written');
    },
  },
  {
    // The filter selects writes only (mask 2, match 2); a read fault goes to the guest, which then writes.
    guest: 'mov rax, 0x123456789a\nmov bl, [rax]\nhandler: add rsp, 8\nhere: mov [rax], al',
    prepare: vm => {
      exceptions(14)(vm);
      vm.write('PAGE_FAULT_MASK', 2);
      vm.write('PAGE_FAULT_MATCH', 2);
      vm.setGate(at.guestIdt, 14, vm.label('handler'));
    },
    exits: 'EXCEPTION_NMI',
    qualification: 0x123456789a,
    check: vm => assert.strictEqual(vm.get('CR2'), 0x123456789an, 'of the fault that the guest got'),
  },
  {
    // With bit 14 of the bitmap clear the filter selects what does not match.
    guest: 'mov rax, 0x123456789a\nhere: mov [rax], al',
    prepare: vm => {
      vm.write('PAGE_FAULT_MASK', 2);
      vm.write('PAGE_FAULT_MATCH', 0);
    },
    exits: 'EXCEPTION_NMI',
    qualification: 0x123456789a,
  },
  {
    guest: 'nop\nhere: nop',
    prepare: vm => {
      exceptions(1)(vm);
      vm.write('GUEST_RFLAGS', 0x102);
    },
    exits: 'EXCEPTION_NMI',
    qualification: 0x4000,
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000301n);
      assert.strictEqual(vm.get('DR6'), 0xffff0ff0n, 'DR6 is not written');
    },
  },
  {
    guest: 'here: mov rax, dr3',
    prepare: vm => {
      exceptions(1)(vm);
      vm.write('GUEST_DR7', 0x2400);
    },
    exits: 'EXCEPTION_NMI',
    qualification: 0x2000,
    check: vm => {
      assert.strictEqual(vm.read('GUEST_DR7'), 0x2400n, 'general detect stays enabled');
      assert.strictEqual(vm.get('DR6'), 0xffff0ff0n);
    },
  },
  {
    // A limit of 0 makes every delivery a #GP, then #DF, then nothing is left.
    guest: 'here: ud2',
    prepare: vm => vm.write('GUEST_IDTR_LIMIT', 0),
    exits: 'TRIPLE_FAULT',
    check: vm => assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION') >> 31n, 0n),
  },
  {
    guest: 'here: ud2',
    prepare: vm => {
      vm.write('GUEST_IDTR_LIMIT', 0);
      exceptions(8)(vm);
    },
    exits: 'EXCEPTION_NMI',
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b08n);
      assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION') >> 31n, 0n, 'not an exit during delivery');
    },
  },
  {
    // The #GP comes during the delivery of #UD, and exits before it could become a double fault.
    guest: 'here: ud2',
    prepare: vm => {
      vm.write('GUEST_IDTR_LIMIT', 0);
      exceptions(13)(vm);
    },
    exits: 'EXCEPTION_NMI',
    check: vm => {
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b0dn);
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_ERROR_CODE'), 0x33n, 'vector 6 in the IDT, external');
      assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION'), 0x80000306n);
    },
  },
  {
    guest: 'here: int 0x80',
    prepare: vm => {
      vm.write('GUEST_IDTR_LIMIT', 0);
      exceptions(13)(vm);
    },
    exits: 'EXCEPTION_NMI',
    length: 2,
    check: vm => {
      assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION'), 0x80000480n);
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_ERROR_CODE'), 0x402n);
    },
  },
];
