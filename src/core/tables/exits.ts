/** Basic exit reasons (SDM 3D appendix C). `id` is the constant name and the name users write in `exit:…` breakpoints. */

export interface ExitReason {
  number: number;
  id: string;
  name: string;
  description: string;
  /** Which control or event brings it about. */
  cause: string;
  timing: 'fault-like' | 'trap-like' | 'entry-failure';
}

/** Bit 31 of the exit reason: the VM entry failed (SDM 3C 24.9.1). */
export const ENTRY_FAILURE = 0x80000000;

type Row = [
  number: number,
  id: string,
  name: string,
  description: string,
  cause: string,
  timing?: ExitReason['timing'],
];

const rows: Row[] = [
  [
    0,
    'EXCEPTION_NMI',
    'exception or NMI',
    'an exception that the exception bitmap selects, or an NMI',
    'exception bitmap; NMI exiting',
  ],
  [1, 'EXTERNAL_INTERRUPT', 'external interrupt', 'a maskable interrupt arrived', 'external-interrupt exiting'],
  [2, 'TRIPLE_FAULT', 'triple fault', 'a fault during the delivery of a double fault', 'always'],
  [3, 'INIT', 'INIT signal', 'INIT arrived', 'always'],
  [4, 'SIPI', 'start-up IPI', 'SIPI arrived in the wait-for-SIPI state', 'always'],
  [5, 'IO_SMI', 'I/O SMI', 'SMI right after an I/O instruction', 'dual-monitor treatment'],
  [6, 'OTHER_SMI', 'other SMI', 'SMI not caused by I/O', 'dual-monitor treatment'],
  [7, 'INTERRUPT_WINDOW', 'interrupt window', 'the guest can take an interrupt', 'interrupt-window exiting'],
  [8, 'NMI_WINDOW', 'NMI window', 'there is no virtual-NMI blocking', 'NMI-window exiting'],
  [9, 'TASK_SWITCH', 'task switch', 'the guest attempted a hardware task switch', 'always'],
  [10, 'CPUID', 'CPUID', 'CPUID was executed', 'always'],
  [11, 'GETSEC', 'GETSEC', 'GETSEC was executed', 'always'],
  [12, 'HLT', 'HLT', 'HLT was executed', 'HLT exiting'],
  [13, 'INVD', 'INVD', 'INVD was executed', 'always'],
  [14, 'INVLPG', 'INVLPG', 'INVLPG was executed', 'INVLPG exiting'],
  [15, 'RDPMC', 'RDPMC', 'RDPMC was executed', 'RDPMC exiting'],
  [16, 'RDTSC', 'RDTSC', 'RDTSC was executed', 'RDTSC exiting'],
  [17, 'RSM', 'RSM', 'RSM was executed in system-management mode', 'always'],
  [18, 'VMCALL', 'VMCALL', 'VMCALL was executed: a hypercall', 'always'],
  [19, 'VMCLEAR', 'VMCLEAR', 'VMCLEAR was executed', 'always'],
  [20, 'VMLAUNCH', 'VMLAUNCH', 'VMLAUNCH was executed', 'always'],
  [21, 'VMPTRLD', 'VMPTRLD', 'VMPTRLD was executed', 'always'],
  [22, 'VMPTRST', 'VMPTRST', 'VMPTRST was executed', 'always'],
  [23, 'VMREAD', 'VMREAD', 'VMREAD was executed', 'always without VMCS shadowing'],
  [24, 'VMRESUME', 'VMRESUME', 'VMRESUME was executed', 'always'],
  [25, 'VMWRITE', 'VMWRITE', 'VMWRITE was executed', 'always without VMCS shadowing'],
  [26, 'VMXOFF', 'VMXOFF', 'VMXOFF was executed', 'always'],
  [27, 'VMXON', 'VMXON', 'VMXON was executed', 'always'],
  [
    28,
    'CR_ACCESS',
    'control-register access',
    'MOV CR, CLTS or LMSW',
    'CR0 and CR4 guest/host masks; CR3 and CR8 exiting',
  ],
  [29, 'DR_ACCESS', 'MOV DR', 'a debug register was moved', 'MOV-DR exiting'],
  [30, 'IO', 'I/O instruction', 'IN, OUT, INS or OUTS', 'unconditional I/O exiting; I/O bitmaps'],
  [31, 'RDMSR', 'RDMSR', 'RDMSR was executed', 'MSR bitmaps, or their absence'],
  [32, 'WRMSR', 'WRMSR', 'WRMSR was executed', 'MSR bitmaps, or their absence'],
  [
    33,
    'ENTRY_FAIL_GUEST_STATE',
    'VM-entry failure: guest state',
    'a check of the guest state failed',
    'VM entry',
    'entry-failure',
  ],
  [
    34,
    'ENTRY_FAIL_MSR_LOAD',
    'VM-entry failure: MSR load',
    'an entry of the MSR-load area was refused',
    'VM entry',
    'entry-failure',
  ],
  [36, 'MWAIT', 'MWAIT', 'MWAIT was executed', 'MWAIT exiting'],
  [37, 'MONITOR_TRAP_FLAG', 'monitor trap flag', 'a guest instruction completed', 'monitor trap flag'],
  [39, 'MONITOR', 'MONITOR', 'MONITOR was executed', 'MONITOR exiting'],
  [40, 'PAUSE', 'PAUSE', 'PAUSE was executed', 'PAUSE exiting; PAUSE-loop exiting'],
  [
    41,
    'ENTRY_FAIL_MACHINE_CHECK',
    'VM-entry failure: machine check',
    'a machine check during VM entry',
    'VM entry',
    'entry-failure',
  ],
  [
    43,
    'TPR_BELOW_THRESHOLD',
    'TPR below threshold',
    'the virtual TPR fell below its threshold',
    'TPR shadow',
    'trap-like',
  ],
  [44, 'APIC_ACCESS', 'APIC access', 'an access to the APIC-access page', 'virtualize APIC accesses'],
  [
    45,
    'VIRTUALIZED_EOI',
    'virtualized EOI',
    'an EOI that the EOI-exit bitmap selects',
    'virtual-interrupt delivery',
    'trap-like',
  ],
  [46, 'GDTR_IDTR', 'access to GDTR or IDTR', 'LGDT, LIDT, SGDT or SIDT', 'descriptor-table exiting'],
  [47, 'LDTR_TR', 'access to LDTR or TR', 'LLDT, LTR, SLDT or STR', 'descriptor-table exiting'],
  [48, 'EPT_VIOLATION', 'EPT violation', 'the EPT structures do not permit an access', 'enable EPT'],
  [49, 'EPT_MISCONFIG', 'EPT misconfiguration', 'an EPT entry holds an illegal combination', 'enable EPT'],
  [50, 'INVEPT', 'INVEPT', 'INVEPT was executed', 'always'],
  [51, 'RDTSCP', 'RDTSCP', 'RDTSCP was executed', 'RDTSC exiting with RDTSCP enabled'],
  [52, 'PREEMPTION_TIMER', 'VMX-preemption timer', 'the timer reached 0', 'VMX-preemption timer'],
  [53, 'INVVPID', 'INVVPID', 'INVVPID was executed', 'always'],
  [54, 'WBINVD', 'WBINVD or WBNOINVD', 'caches were written back', 'WBINVD exiting'],
  [55, 'XSETBV', 'XSETBV', 'XSETBV was executed', 'always'],
  [
    56,
    'APIC_WRITE',
    'APIC write',
    'a write to the virtual-APIC page needs emulation',
    'APIC-register virtualization',
    'trap-like',
  ],
  [57, 'RDRAND', 'RDRAND', 'RDRAND was executed', 'RDRAND exiting'],
  [58, 'INVPCID', 'INVPCID', 'INVPCID was executed', 'INVLPG exiting with INVPCID enabled'],
  [59, 'VMFUNC', 'VMFUNC', 'VMFUNC with a function that is not enabled', 'VM functions'],
  [60, 'ENCLS', 'ENCLS', 'ENCLS was executed', 'ENCLS-exiting bitmap'],
  [61, 'RDSEED', 'RDSEED', 'RDSEED was executed', 'RDSEED exiting'],
  [62, 'PML_FULL', 'page-modification log full', 'the log has no room', 'PML'],
  [63, 'XSAVES', 'XSAVES', 'XSAVES was executed', 'XSS-exiting bitmap'],
  [64, 'XRSTORS', 'XRSTORS', 'XRSTORS was executed', 'XSS-exiting bitmap'],
  [65, 'PCONFIG', 'PCONFIG', 'PCONFIG was executed', 'PCONFIG-exiting bitmap'],
  [
    66,
    'SPP_RELATED_EVENT',
    'SPP-related event',
    'a sub-page-permission table entry is missing or illegal',
    'sub-page write permissions',
  ],
  [67, 'UMWAIT', 'UMWAIT', 'UMWAIT was executed', 'RDTSC exiting with user wait and pause'],
  [68, 'TPAUSE', 'TPAUSE', 'TPAUSE was executed', 'RDTSC exiting with user wait and pause'],
  [69, 'LOADIWKEY', 'LOADIWKEY', 'LOADIWKEY was executed', 'LOADIWKEY exiting'],
  [70, 'ENCLV', 'ENCLV', 'ENCLV was executed', 'ENCLV-exiting bitmap'],
  [74, 'BUS_LOCK', 'bus lock', 'the guest locked the bus', 'VMM bus-lock detection', 'trap-like'],
  [75, 'INSTRUCTION_TIMEOUT', 'instruction timeout', 'no instruction boundary for too long', 'instruction timeout'],
];

/** Every basic exit reason, by number. */
export const exitReasons: readonly ExitReason[] = rows.map(([number, id, name, description, cause, timing]) => ({
  number,
  id,
  name,
  description,
  cause,
  timing: timing ?? 'fault-like',
}));

const byNumber = new Map(exitReasons.map(reason => [reason.number, reason]));
const byId = new Map(exitReasons.map(reason => [reason.id, reason]));

/** The reason with that number; only bits 15:0 of `number` count, as in the VMCS field. */
export function exitReason(number: number): ExitReason | undefined {
  return byNumber.get(number & 0xffff);
}

/** The reason called `id`, any case. */
export function exitReasonNamed(id: string): ExitReason | undefined {
  return byId.get(id.toUpperCase());
}
