/**
 * The state schema: the one table of everything a logical processor is made of.
 *
 * Each row is a field of the processor's state at a fixed byte offset in the core's memory. The build turns this table
 * into the constants that the AssemblyScript core uses (`State.CR0`), so there is no second list of registers: the
 * Registers view, setVariable, snapshots, differences, hovers and the state hash read this one.
 * Bit-fields follow the Intel SDM (volume 3A chapter 2, volume 1 chapter 3, volume 4 for MSRs).
 */

/** Bits [low, high] of a field, both inclusive. */
export interface BitField {
  name: string;
  low: number;
  high: number;
  description: string;
}

export type FieldGroup =
  | 'general'
  | 'flags'
  | 'segments'
  | 'tables'
  | 'control'
  | 'debug'
  | 'msr'
  /** XMM registers and MXCSR. */
  | 'sse'
  /** The x87 FPU; its data registers are the MMX registers too. */
  | 'x87'
  | 'vmx'
  | 'apic'
  /** Architectural, but with no name a user writes: activity, blocking, the processor's mode. */
  | 'condition'
  /** The core's own bookkeeping: part of a snapshot, never of a view or the state hash. */
  | 'internal';

export interface StateField {
  /** Constant name in the core; also the register's name (lower case) for users. */
  name: string;
  /** Byte offset in the core's memory. */
  offset: number;
  /** Width in bits: how many bits are stored and shown. */
  width: 8 | 16 | 32 | 64 | 80 | 128;
  group: FieldGroup;
  description: string;
  /** MSR index, for the group `msr` (SDM volume 4). */
  msr?: number;
  bits?: readonly BitField[];
}

const bit = (low: number, name: string, description: string): BitField => ({ name, low, high: low, description });
const bits = (high: number, low: number, name: string, description: string): BitField => ({
  name,
  low,
  high,
  description,
});

export const rflagsBits: readonly BitField[] = [
  bit(0, 'CF', 'carry'),
  bit(2, 'PF', 'parity'),
  bit(4, 'AF', 'auxiliary carry'),
  bit(6, 'ZF', 'zero'),
  bit(7, 'SF', 'sign'),
  bit(8, 'TF', 'trap: single step'),
  bit(9, 'IF', 'interrupt enable'),
  bit(10, 'DF', 'direction'),
  bit(11, 'OF', 'overflow'),
  bits(13, 12, 'IOPL', 'I/O privilege level'),
  bit(14, 'NT', 'nested task'),
  bit(16, 'RF', 'resume'),
  bit(17, 'VM', 'virtual-8086 mode'),
  bit(18, 'AC', 'alignment check / access control'),
  bit(19, 'VIF', 'virtual interrupt'),
  bit(20, 'VIP', 'virtual interrupt pending'),
  bit(21, 'ID', 'CPUID available'),
];

export const cr0Bits: readonly BitField[] = [
  bit(0, 'PE', 'protection enable'),
  bit(1, 'MP', 'monitor coprocessor'),
  bit(2, 'EM', 'emulation'),
  bit(3, 'TS', 'task switched'),
  bit(4, 'ET', 'extension type'),
  bit(5, 'NE', 'numeric error'),
  bit(16, 'WP', 'write protect'),
  bit(18, 'AM', 'alignment mask'),
  bit(29, 'NW', 'not write-through'),
  bit(30, 'CD', 'cache disable'),
  bit(31, 'PG', 'paging'),
];

export const cr3Bits: readonly BitField[] = [
  bit(3, 'PWT', 'page-level write-through'),
  bit(4, 'PCD', 'page-level cache disable'),
  bits(51, 12, 'base', 'physical address of the top paging structure, in 4-KByte pages'),
];

export const cr4Bits: readonly BitField[] = [
  bit(0, 'VME', 'virtual-8086 extensions'),
  bit(1, 'PVI', 'protected-mode virtual interrupts'),
  bit(2, 'TSD', 'time-stamp disable'),
  bit(3, 'DE', 'debugging extensions'),
  bit(4, 'PSE', 'page-size extensions'),
  bit(5, 'PAE', 'physical-address extension'),
  bit(6, 'MCE', 'machine-check enable'),
  bit(7, 'PGE', 'page-global enable'),
  bit(8, 'PCE', 'performance-counter enable'),
  bit(9, 'OSFXSR', 'FXSAVE and FXRSTOR support'),
  bit(10, 'OSXMMEXCPT', 'unmasked SIMD exceptions'),
  bit(11, 'UMIP', 'user-mode instruction prevention'),
  bit(12, 'LA57', '57-bit linear addresses'),
  bit(13, 'VMXE', 'VMX enable'),
  bit(14, 'SMXE', 'SMX enable'),
  bit(16, 'FSGSBASE', 'RDFSBASE and friends'),
  bit(17, 'PCIDE', 'process-context identifiers'),
  bit(18, 'OSXSAVE', 'XSAVE enable'),
  bit(20, 'SMEP', 'supervisor-mode execution prevention'),
  bit(21, 'SMAP', 'supervisor-mode access prevention'),
  bit(22, 'PKE', 'protection keys'),
];

export const dr6Bits: readonly BitField[] = [
  bits(3, 0, 'B', 'breakpoint condition detected'),
  bit(13, 'BD', 'debug-register access detected'),
  bit(14, 'BS', 'single step'),
  bit(15, 'BT', 'task switch'),
  bit(16, 'RTM', 'not in a transactional region'),
];

export const dr7Bits: readonly BitField[] = [
  ...[0, 1, 2, 3].flatMap(n => [
    bit(2 * n, `L${n}`, `breakpoint ${n} local enable`),
    bit(2 * n + 1, `G${n}`, `breakpoint ${n} global enable`),
  ]),
  bit(8, 'LE', 'local exact'),
  bit(9, 'GE', 'global exact'),
  bit(13, 'GD', 'general detect'),
  ...[0, 1, 2, 3].flatMap(n => [
    bits(17 + 4 * n, 16 + 4 * n, `RW${n}`, '0 execute, 1 write, 2 I/O, 3 read or write'),
    bits(19 + 4 * n, 18 + 4 * n, `LEN${n}`, 'length: 0 one, 1 two, 2 eight, 3 four bytes'),
  ]),
];

const exceptionBits = (low: number, suffix: string, what: string): BitField[] =>
  ['invalid operation', 'denormal operand', 'zero divide', 'overflow', 'underflow', 'precision'].map((name, n) =>
    bit(low + n, `${'IDZOUP'[n]}${suffix}`, `${name}${what}`),
  );
/** SDM 1 10.2.3. */
export const mxcsrBits: readonly BitField[] = [
  ...exceptionBits(0, 'E', ''),
  bit(6, 'DAZ', 'denormals are zeros'),
  ...exceptionBits(7, 'M', ' mask'),
  bits(14, 13, 'RC', 'rounding: 0 nearest, 1 down, 2 up, 3 toward zero'),
  bit(15, 'FZ', 'flush to zero'),
];
/** SDM 1 8.1.5. */
export const fcwBits: readonly BitField[] = [
  ...exceptionBits(0, 'M', ' mask'),
  bits(9, 8, 'PC', 'precision: 0 single, 2 double, 3 double extended'),
  bits(11, 10, 'RC', 'rounding: 0 nearest, 1 down, 2 up, 3 toward zero'),
  bit(12, 'X', 'infinity control (no effect)'),
];
/** SDM 1 8.1.3. */
export const fswBits: readonly BitField[] = [
  ...exceptionBits(0, 'E', ''),
  bit(6, 'SF', 'stack fault'),
  bit(7, 'ES', 'error summary'),
  bit(8, 'C0', 'condition code 0'),
  bit(9, 'C1', 'condition code 1'),
  bit(10, 'C2', 'condition code 2'),
  bits(13, 11, 'TOP', 'top of stack'),
  bit(14, 'C3', 'condition code 3'),
  bit(15, 'B', 'busy'),
];
/** SDM 3A 2.6; what CPUID leaf 0DH announces. */
export const xcr0Bits: readonly BitField[] = [bit(0, 'x87', 'x87 state'), bit(1, 'SSE', 'XMM registers and MXCSR')];

export const eferBits: readonly BitField[] = [
  bit(0, 'SCE', 'SYSCALL enable'),
  bit(8, 'LME', 'IA-32e mode enable'),
  bit(10, 'LMA', 'IA-32e mode active'),
  bit(11, 'NXE', 'execute-disable enable'),
];

/** Access rights as VMX stores them (SDM 3C 24.4.1): descriptor bits 55:40 with bit 16 for "unusable". */
export const accessRightsBits: readonly BitField[] = [
  bits(3, 0, 'type', 'segment type'),
  bit(4, 'S', 'code or data (0: system)'),
  bits(6, 5, 'DPL', 'descriptor privilege level'),
  bit(7, 'P', 'present'),
  bit(12, 'AVL', 'available to software'),
  bit(13, 'L', '64-bit code'),
  bit(14, 'D/B', 'default operation size'),
  bit(15, 'G', 'granularity'),
  bit(16, 'unusable', 'segment unusable'),
];

const apicErrorBits: readonly BitField[] = [
  bit(5, 'send illegal vector', 'an IPI with a vector below 16 was sent'),
  bit(6, 'receive illegal vector', 'an interrupt with a vector below 16 arrived'),
  bit(7, 'illegal register address', 'a reserved register was accessed'),
];
const lvtBits: readonly BitField[] = [
  bits(7, 0, 'vector', 'vector'),
  bits(10, 8, 'delivery', '0 fixed, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT'),
  bit(16, 'mask', 'masked'),
];
const lvtTimerBits: readonly BitField[] = [
  bits(7, 0, 'vector', 'vector'),
  bit(16, 'mask', 'masked'),
  bits(18, 17, 'mode', '0 one-shot, 1 periodic, 2 TSC-deadline'),
];

const GENERAL = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'].concat(
  [8, 9, 10, 11, 12, 13, 14, 15].map(n => `R${n}`),
);

/** Segment registers in encoding order, then LDTR and TR; also the order of the VMCS fields. */
export const segmentNames = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;
const SEGMENTS = 0x100;
const SEGMENT_BYTES = 0x20;

const field = (
  name: string,
  offset: number,
  width: StateField['width'],
  group: FieldGroup,
  description: string,
  fieldBits?: readonly BitField[],
): StateField => ({ name, offset, width, group, description, ...(fieldBits ? { bits: fieldBits } : {}) });
const msr = (
  name: string,
  offset: number,
  index: number,
  description: string,
  fieldBits?: readonly BitField[],
): StateField => ({ ...field(name, offset, 64, 'msr', description, fieldBits), msr: index });

export const stateSchema: readonly StateField[] = [
  ...GENERAL.map((name, n) => field(name, n * 8, 64, 'general', 'general-purpose register')),
  // Always zero: an absent base or index register reads it, so that address arithmetic has one form.
  field('ZERO', 0x80, 64, 'internal', 'constant zero'),
  field('RIP', 0x88, 64, 'general', 'instruction pointer (offset in CS)'),
  field('LAZY_RESULT', 0x90, 64, 'internal', 'last result, shifted to the top of 64 bits'),
  field('LAZY_OPERAND', 0x98, 64, 'internal', 'its first operand, shifted likewise'),
  field('LAZY_KIND', 0xa0, 32, 'internal', 'how flags follow from result and operand; the shift in bits 15:8'),
  field('LAZY_EXTRA', 0xa4, 32, 'internal', 'CF, AF and OF of kinds that cannot derive them'),
  field('RFLAGS', 0xa8, 64, 'flags', 'flags (arithmetic ones valid only when LAZY_KIND is 0)', rflagsBits),
  field('INSTRUCTIONS', 0xb0, 64, 'internal', 'retired instructions: the time'),
  field('SCRATCH', 0xb8, 64, 'internal', 'sink for operands that an instruction does not have'),

  ...segmentNames.flatMap((name, n) => {
    const at = SEGMENTS + n * SEGMENT_BYTES;
    return [
      field(`${name}_BASE`, at, 64, 'segments', 'base, linear address'),
      field(`${name}_LIMIT`, at + 8, 32, 'segments', 'limit in bytes, inclusive, granularity applied'),
      field(`${name}_ACCESS`, at + 12, 32, 'segments', 'access rights', accessRightsBits),
      field(`${name}_SELECTOR`, at + 16, 16, 'segments', 'selector'),
    ];
  }),
  field('GDTR_BASE', 0x200, 64, 'tables', 'global descriptor table, linear address'),
  field('GDTR_LIMIT', 0x208, 32, 'tables', 'its limit in bytes, inclusive'),
  field('IDTR_BASE', 0x210, 64, 'tables', 'interrupt descriptor table, linear address'),
  field('IDTR_LIMIT', 0x218, 32, 'tables', 'its limit in bytes, inclusive'),

  field('CR0', 0x220, 64, 'control', 'control register 0', cr0Bits),
  field('CR2', 0x228, 64, 'control', 'page-fault linear address'),
  field('CR3', 0x230, 64, 'control', 'paging-structure base', cr3Bits),
  field('CR4', 0x238, 64, 'control', 'control register 4', cr4Bits),
  field('CR8', 0x240, 64, 'control', 'task priority'),
  field('XCR0', 0x248, 64, 'control', 'extended control register 0', xcr0Bits),
  field('DR0', 0x250, 64, 'debug', 'breakpoint 0, linear address'),
  field('DR1', 0x258, 64, 'debug', 'breakpoint 1, linear address'),
  field('DR2', 0x260, 64, 'debug', 'breakpoint 2, linear address'),
  field('DR3', 0x268, 64, 'debug', 'breakpoint 3, linear address'),
  field('DR6', 0x270, 64, 'debug', 'debug status', dr6Bits),
  field('DR7', 0x278, 64, 'debug', 'debug control', dr7Bits),

  msr('IA32_EFER', 0x280, 0xc0000080, 'extended features', eferBits),
  msr('IA32_STAR', 0x288, 0xc0000081, 'SYSCALL target CS and SS'),
  msr('IA32_LSTAR', 0x290, 0xc0000082, '64-bit SYSCALL target RIP'),
  msr('IA32_CSTAR', 0x298, 0xc0000083, 'compatibility-mode SYSCALL target (unused on Intel)'),
  msr('IA32_FMASK', 0x2a0, 0xc0000084, 'RFLAGS mask of SYSCALL'),
  msr('IA32_KERNEL_GS_BASE', 0x2a8, 0xc0000102, 'SWAPGS target'),
  msr('IA32_TSC_AUX', 0x2b0, 0xc0000103, 'processor number that RDTSCP returns'),
  msr('IA32_SYSENTER_CS', 0x2b8, 0x174, 'SYSENTER target CS'),
  msr('IA32_SYSENTER_ESP', 0x2c0, 0x175, 'SYSENTER target ESP'),
  msr('IA32_SYSENTER_EIP', 0x2c8, 0x176, 'SYSENTER target EIP'),
  msr('IA32_PAT', 0x2d0, 0x277, 'page attribute table'),
  msr('IA32_APIC_BASE', 0x2d8, 0x1b, 'local APIC base, guest-physical', [
    bit(8, 'BSP', 'bootstrap processor'),
    bit(10, 'EXTD', 'x2APIC mode'),
    bit(11, 'EN', 'APIC global enable'),
    bits(51, 12, 'base', 'base, in 4-KByte pages'),
  ]),
  msr('IA32_FEATURE_CONTROL', 0x2e0, 0x3a, 'VMX outside and inside SMX', [
    bit(0, 'lock', 'locked until reset'),
    bit(1, 'VMXON in SMX', 'VMXON allowed inside SMX operation'),
    bit(2, 'VMXON', 'VMXON allowed outside SMX operation'),
  ]),
  msr('IA32_DEBUGCTL', 0x2e8, 0x1d9, 'debug control', [bit(0, 'LBR', 'last branch'), bit(1, 'BTF', 'branch trap')]),
  msr('IA32_MISC_ENABLE', 0x2f0, 0x1a0, 'miscellaneous enables'),
  msr('IA32_MTRR_DEF_TYPE', 0x2f8, 0x2ff, 'default memory type'),
  // TSC = retired instructions + this. Writing IA32_TIME_STAMP_COUNTER changes it and IA32_TSC_ADJUST alike.
  field('TSC_BASE', 0x300, 64, 'internal', 'time-stamp counter minus retired instructions'),
  msr('IA32_TSC_ADJUST', 0x308, 0x3b, 'sum of the changes made to the time-stamp counter'),
  msr('IA32_BIOS_SIGN_ID', 0x310, 0x8b, 'microcode revision'),

  msr('IA32_XSS', 0x318, 0xda0, 'supervisor state that XSAVES saves: none exists'),

  field('PDPTE0', 0x320, 64, 'control', 'PAE page-directory-pointer entry 0'),
  field('PDPTE1', 0x328, 64, 'control', 'PAE page-directory-pointer entry 1'),
  field('PDPTE2', 0x330, 64, 'control', 'PAE page-directory-pointer entry 2'),
  field('PDPTE3', 0x338, 64, 'control', 'PAE page-directory-pointer entry 3'),

  field('CPL', 0x340, 32, 'condition', 'current privilege level'),
  field('ACTIVITY', 0x344, 32, 'condition', 'activity state: 0 active, 1 HLT, 2 shutdown, 3 wait-for-SIPI'),
  field('BLOCKING', 0x348, 32, 'condition', 'interruptibility', [
    bit(0, 'STI', 'blocked by STI'),
    bit(1, 'MOV SS', 'blocked by MOV SS'),
    bit(2, 'SMI', 'blocked by SMI'),
    bit(3, 'NMI', 'blocked by NMI'),
  ]),
  field('PENDING_DEBUG', 0x350, 64, 'condition', 'pending debug exceptions, in the format of the VMCS field'),
  field('PENDING_INTERRUPT', 0x358, 32, 'condition', 'vector that the interrupt controller presents, or 0xFFFFFFFF'),
  field('PENDING_NMI', 0x35c, 32, 'condition', 'non-maskable interrupt waiting'),
  // Bit set = the run loop must look before the next instruction; see events.ts for the bits.
  field('EVENTS', 0x360, 32, 'internal', 'reasons to leave the fast loop'),
  field('MODE', 0x364, 32, 'internal', 'decoding mode: key of decoded blocks, see mode.ts'),
  field('CONTEXT', 0x368, 64, 'internal', 'TLB tag of the current address space and privilege'),

  field('VMX_OPERATION', 0x380, 32, 'vmx', '0 outside VMX operation, 1 root, 2 non-root'),
  field('VMX_LAUNCHED', 0x384, 32, 'internal', 'current VMCS is launched (copy of its region)'),
  field('VMXON_POINTER', 0x388, 64, 'vmx', 'VMXON region, guest-physical'),
  field('CURRENT_VMCS', 0x390, 64, 'vmx', 'current-VMCS pointer, guest-physical; all ones when there is none'),
  // Copies of the current VMCS's controls, valid in non-root operation only (VM entry reads them once).
  field('PIN_CONTROLS', 0x398, 32, 'internal', 'pin-based controls'),
  field('PRIMARY_CONTROLS', 0x39c, 32, 'internal', 'primary processor-based controls; 0 outside non-root operation'),
  field('SECONDARY_CONTROLS', 0x3a0, 32, 'internal', 'secondary controls in effect'),
  field('EXIT_CONTROLS', 0x3a4, 32, 'internal', 'VM-exit controls'),
  field('ENTRY_CONTROLS', 0x3a8, 32, 'internal', 'VM-entry controls'),
  field('EXCEPTION_BITMAP', 0x3ac, 32, 'internal', 'exception bitmap; 0 outside non-root operation'),
  field('EPTP', 0x3b0, 64, 'internal', 'EPT pointer in use; 0 when EPT is off'),
  field('VPID', 0x3b8, 32, 'internal', 'virtual-processor identifier in use; 0 in root operation'),
  field('TSC_OFFSET', 0x3c0, 64, 'internal', 'TSC offset in use; 0 in root operation'),
  field('PREEMPTION_AT', 0x3c8, 64, 'internal', 'retired instructions at which the VMX-preemption timer expires'),
  field('CR0_MASK', 0x3d0, 64, 'internal', 'CR0 guest/host mask in use'),
  field('CR0_SHADOW', 0x3d8, 64, 'internal', 'CR0 read shadow in use'),
  field('CR4_MASK', 0x3e0, 64, 'internal', 'CR4 guest/host mask in use'),
  field('CR4_SHADOW', 0x3e8, 64, 'internal', 'CR4 read shadow in use'),

  // The event being delivered, for IDT-vectoring information (SDM 3C 27.2.4). Interruption-information format.
  field('DELIVERING', 0x3f0, 32, 'internal', 'event under delivery: valid bit 31, type 10:8, vector 7:0'),
  field('DELIVERING_ERROR', 0x3f4, 32, 'internal', 'its error code'),
  field('DELIVERING_LENGTH', 0x3f8, 32, 'internal', 'instruction length of a software event'),
  field('IRET_UNBLOCKED', 0x478, 32, 'internal', 'an IRET that removed NMI blocking has not completed yet'),
  field('ENTRY_RIP', 0x470, 64, 'internal', 'RIP of the VMLAUNCH or VMRESUME that last entered, or failed to'),

  // The fault that an instruction noted before returning 0.
  field('FAULT', 0x400, 32, 'internal', 'vector, or a special value of fault.ts; 0xFFFFFFFF when none'),
  field('FAULT_ERROR', 0x404, 32, 'internal', 'error code'),
  field('FAULT_HAS_ERROR', 0x408, 32, 'internal', 'whether there is an error code'),
  field('FAULT_ADDRESS', 0x410, 64, 'internal', 'linear address of a page fault'),
  // Noted by the walker for EPT violations and misconfigurations.
  field('FAULT_QUALIFICATION', 0x418, 64, 'internal', 'exit qualification of an EPT fault'),
  field('FAULT_PHYSICAL', 0x420, 64, 'internal', 'guest-physical address of an EPT fault'),
  field('STOP', 0x428, 32, 'internal', 'why run() left the fast loop'),
  field('LENGTH', 0x42c, 32, 'internal', 'length of the instruction being executed, in bytes'),
  field('LIMIT', 0x430, 64, 'internal', 'retired instructions at which run() must stop'),
  field('ENTRY_LAUNCH', 0x46c, 32, 'internal', 'whether the last VM entry was by VMLAUNCH'),
  field('LEFT', 0x448, 64, 'internal', 'instructions that the fast loop may still retire'),
  field('SLICE_END', 0x450, 64, 'internal', 'retired instructions at which the fast loop ends'),
  field('SHADOW_AT', 0x458, 64, 'internal', 'retired instructions when STI or MOV-SS blocking began'),
  field('RUN_RIP', 0x480, 64, 'internal', 'RIP when run() was called'),
  field('RUN_START', 0x460, 64, 'internal', 'retired instructions when run() was called'),
  field('PROCESSOR', 0xc00, 32, 'internal', 'number of the logical processor'),
  field('PENDING_INIT', 0xc04, 32, 'internal', 'INIT waiting'),
  field('PENDING_STARTUP', 0xc08, 32, 'internal', 'start-up IPI waiting: 0x100 + vector'),
  field('EXTERNAL_LINE', 0xc0c, 32, 'internal', 'level of the INTR line from the 8259'),
  field('IDLE', 0xc10, 64, 'internal', 'time that passed without an instruction: time = retired instructions + this'),
  field('APIC_ID', 0xc18, 32, 'apic', 'local APIC identifier'),
  // From here to APIC_END: what INIT clears.
  field('APIC_TPR', 0xc20, 8, 'apic', 'task priority'),
  field('APIC_LDR', 0xc24, 32, 'apic', 'logical destination'),
  field('APIC_DFR', 0xc28, 32, 'apic', 'destination format: 15 flat, 0 cluster', [
    bits(31, 28, 'model', '15 flat, 0 cluster'),
  ]),
  field('APIC_SVR', 0xc2c, 32, 'apic', 'spurious-interrupt vector', [
    bits(7, 0, 'vector', 'spurious vector'),
    bit(8, 'enable', 'APIC software enable'),
  ]),
  field('APIC_ESR', 0xc30, 32, 'apic', 'error status as last latched', apicErrorBits),
  field('APIC_ERRORS', 0xc34, 32, 'internal', 'errors since the status was latched'),
  field('APIC_ICR', 0xc38, 64, 'apic', 'interrupt command', [
    bits(7, 0, 'vector', 'vector'),
    bits(10, 8, 'delivery', '0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 6 start-up'),
    bit(11, 'logical', 'destination mode'),
    bit(14, 'assert', 'level'),
    bit(15, 'level', 'trigger mode'),
    bits(19, 18, 'shorthand', '0 none, 1 self, 2 all, 3 all but self'),
    bits(63, 32, 'destination', 'destination; bits 63:56 in xAPIC mode'),
  ]),
  field('APIC_LVT_TIMER', 0xc40, 32, 'apic', 'local vector table: timer', lvtTimerBits),
  field('APIC_LVT_THERMAL', 0xc44, 32, 'apic', 'local vector table: thermal sensor', lvtBits),
  field('APIC_LVT_PERFORMANCE', 0xc48, 32, 'apic', 'local vector table: performance counters', lvtBits),
  field('APIC_LVT_LINT0', 0xc4c, 32, 'apic', 'local vector table: LINT0', lvtBits),
  field('APIC_LVT_LINT1', 0xc50, 32, 'apic', 'local vector table: LINT1', lvtBits),
  field('APIC_LVT_ERROR', 0xc54, 32, 'apic', 'local vector table: error', lvtBits),
  field('APIC_TIMER_INITIAL', 0xc58, 32, 'apic', 'timer: initial count'),
  field('APIC_TIMER_DIVIDE', 0xc5c, 32, 'apic', 'timer: divide configuration'),
  field('APIC_TIMER_START', 0xc60, 64, 'internal', 'time at which the timer began to count'),
  field('APIC_TIMER_AT', 0xc68, 64, 'internal', 'time at which the timer expires; all ones: never'),
  field('RANDOM', 0xe00, 64, 'condition', 'state of the generator behind RDRAND and RDSEED'),
  field('MONITOR_ARMED', 0xe08, 32, 'condition', 'MONITOR has set up a range for MWAIT'),
  msr('IA32_MCG_STATUS', 0xe10, 0x17a, 'machine check: global status'),
  msr('IA32_MTRR_FIX64K_00000', 0xe80, 0x250, 'memory types from 0x00000'),
  msr('IA32_MTRR_FIX16K_80000', 0xe88, 0x258, 'memory types from 0x80000'),
  msr('IA32_MTRR_FIX16K_A0000', 0xe90, 0x259, 'memory types from 0xa0000'),
  msr('IA32_MTRR_FIX4K_C0000', 0xe98, 0x268, 'memory types from 0xc0000'),
  msr('IA32_MTRR_FIX4K_C8000', 0xea0, 0x269, 'memory types from 0xc8000'),
  msr('IA32_MTRR_FIX4K_D0000', 0xea8, 0x26a, 'memory types from 0xd0000'),
  msr('IA32_MTRR_FIX4K_D8000', 0xeb0, 0x26b, 'memory types from 0xd8000'),
  msr('IA32_MTRR_FIX4K_E0000', 0xeb8, 0x26c, 'memory types from 0xe0000'),
  msr('IA32_MTRR_FIX4K_E8000', 0xec0, 0x26d, 'memory types from 0xe8000'),
  msr('IA32_MTRR_FIX4K_F0000', 0xec8, 0x26e, 'memory types from 0xf0000'),
  msr('IA32_MTRR_FIX4K_F8000', 0xed0, 0x26f, 'memory types from 0xf8000'),
  ...Array.from({ length: 16 }, (_, n) =>
    msr(
      `IA32_MTRR_PHYS${n & 1 ? 'MASK' : 'BASE'}${n >> 1}`,
      0xee0 + 8 * n,
      0x200 + n,
      n & 1 ? 'mask of a variable range, bit 11 valid' : 'base and type of a variable range',
    ),
  ),
  msr('IA32_TSC_DEADLINE', 0xc70, 0x6e0, 'time-stamp counter value at which the APIC timer expires; 0: disarmed'),
  ...Array.from({ length: 8 }, (_, n) =>
    field(
      n ? `APIC_ISR${n}` : 'APIC_ISR',
      0xc80 + 4 * n,
      32,
      'apic',
      `in service: vectors ${32 * n} to ${32 * n + 31}`,
    ),
  ),
  ...Array.from({ length: 8 }, (_, n) =>
    field(
      n ? `APIC_TMR${n}` : 'APIC_TMR',
      0xca0 + 4 * n,
      32,
      'apic',
      `level-triggered: vectors ${32 * n} to ${32 * n + 31}`,
    ),
  ),
  ...Array.from({ length: 8 }, (_, n) =>
    field(n ? `APIC_IRR${n}` : 'APIC_IRR', 0xcc0 + 4 * n, 32, 'apic', `requested: vectors ${32 * n} to ${32 * n + 31}`),
  ),
  field('APIC_END', 0xce0, 32, 'internal', 'end of the local APIC: no register'),
  field('ENTRY_CHECK', 0x438, 32, 'internal', 'failing row of the VM-entry check table; 0 when none'),
  field('ENTRY_FIELD', 0x43c, 32, 'internal', 'VMCS encoding that the failing check names'),
  field('ENTRY_VALUE', 0x440, 64, 'internal', 'its value'),

  ...Array.from({ length: 16 }, (_, n) => field(`XMM${n}`, 0x800 + 16 * n, 128, 'sse', 'SSE register')),
  // 0x900-0x9ff: kept free for the upper halves of YMM registers.
  // Physical registers: ST(i) is FPR[(TOP + i) mod 8], MMi is bits 63:0 of FPRi (SDM 1 8.1.2, 9.2.1).
  ...Array.from({ length: 8 }, (_, n) => field(`FPR${n}`, 0xa00 + 16 * n, 80, 'x87', 'x87 data register, by number')),
  field('FCW', 0xa80, 16, 'x87', 'x87 control word', fcwBits),
  field('FSW', 0xa82, 16, 'x87', 'x87 status word', fswBits),
  field('FTW', 0xa84, 8, 'x87', 'x87 tags, one bit for each FPR: 1 when it is not empty (SDM 1 10.5.1.1)'),
  field('FOP', 0xa86, 16, 'x87', 'opcode of the last x87 instruction with an unmasked exception'),
  field('FCS', 0xa88, 16, 'x87', 'its code segment: always 0 (CPUID.7:EBX[13])'),
  field('FDS', 0xa8a, 16, 'x87', 'segment of its operand: always 0 (CPUID.7:EBX[13])'),
  field('FIP', 0xa90, 64, 'x87', 'offset of the last x87 instruction that was not a control instruction'),
  field('FDP', 0xa98, 64, 'x87', 'offset of its memory operand'),
  field('MXCSR', 0xaa0, 32, 'sse', 'SSE control and status', mxcsrBits),
];

const byName = new Map(stateSchema.map(row => [row.name, row]));

/** The row called `name` (any case), or undefined. */
export function stateField(name: string): StateField | undefined {
  return byName.get(name.toUpperCase());
}
