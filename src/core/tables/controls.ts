/**
 * VM-execution, VM-exit and VM-entry controls (SDM 3C 24.6, 24.7, 24.8). A control that the modelled processor does not
 * implement is listed, because a hypervisor may name it, but not announced: its allowed-1 bit in the capability MSR is 0.
 * Section numbers here and in the other tables are those of the editions in which chapter 24 is the VMCS and 26 is VM entry.
 */

export interface Control {
  bit: number;
  /** Constant name, from the manual's name of the control. */
  name: string;
  /** The manual's name. */
  title: string;
  /** What a 1 does, in plain words. */
  description: string;
  /** Whether the processor implements it and its capability MSR allows a 1. */
  announced: boolean;
}

export type ControlWordName = 'Pin' | 'Primary' | 'Secondary' | 'Exit' | 'Entry';

/** One 32-bit control field of the VMCS. */
export interface ControlWord {
  name: ControlWordName;
  title: string;
  /** Encoding of the VMCS field. */
  field: number;
  /** Capability MSR; bits 31:0 allowed-0, bits 63:32 allowed-1 (SDM 3D A.3-A.5). */
  msr: number;
  /** The TRUE variant, which lets software clear some bits of the default1 class. */
  trueMsr?: number;
  /** Bits of the default1 class (SDM 3D A.2): 1 unless the TRUE capability MSR says otherwise. */
  default1: number;
  /** Bits of the default1 class that may be 0. */
  optional: number;
  controls: readonly Control[];
}

const on = (bit: number, name: string, title: string, description: string): Control => ({
  bit,
  name,
  title,
  description,
  announced: true,
});
const off = (bit: number, name: string, title: string, description: string): Control => ({
  ...on(bit, name, title, description),
  announced: false,
});

const pin: ControlWord = {
  name: 'Pin',
  title: 'pin-based VM-execution controls',
  field: 0x4000,
  msr: 0x481,
  trueMsr: 0x48d,
  default1: 0x16,
  optional: 0,
  controls: [
    on(0, 'EXTERNAL_INTERRUPT_EXITING', 'external-interrupt exiting', 'maskable interrupts exit'),
    on(3, 'NMI_EXITING', 'NMI exiting', 'non-maskable interrupts exit'),
    on(5, 'VIRTUAL_NMIS', 'virtual NMIs', 'blocking by NMI is the guest’s own, not the processor’s'),
    on(6, 'ACTIVATE_PREEMPTION_TIMER', 'activate VMX-preemption timer', 'the timer counts down and exits at 0'),
    off(7, 'PROCESS_POSTED_INTERRUPTS', 'process posted interrupts', 'posted interrupts arrive without an exit'),
  ],
};

const primary: ControlWord = {
  name: 'Primary',
  title: 'primary processor-based VM-execution controls',
  field: 0x4002,
  msr: 0x482,
  trueMsr: 0x48e,
  default1: 0x0401e172,
  optional: 0x00018000,
  controls: [
    on(2, 'INTERRUPT_WINDOW_EXITING', 'interrupt-window exiting', 'exit as soon as the guest can take an interrupt'),
    on(3, 'USE_TSC_OFFSETTING', 'use TSC offsetting', 'the TSC offset is added to what the guest reads'),
    on(7, 'HLT_EXITING', 'HLT exiting', 'HLT exits'),
    on(9, 'INVLPG_EXITING', 'INVLPG exiting', 'INVLPG and INVPCID exit'),
    on(10, 'MWAIT_EXITING', 'MWAIT exiting', 'MWAIT exits'),
    on(11, 'RDPMC_EXITING', 'RDPMC exiting', 'RDPMC exits'),
    on(12, 'RDTSC_EXITING', 'RDTSC exiting', 'RDTSC and RDTSCP exit'),
    on(15, 'CR3_LOAD_EXITING', 'CR3-load exiting', 'MOV to CR3 exits unless the value is a CR3-target value'),
    on(16, 'CR3_STORE_EXITING', 'CR3-store exiting', 'MOV from CR3 exits'),
    off(17, 'ACTIVATE_TERTIARY_CONTROLS', 'activate tertiary controls', 'the tertiary controls are in use'),
    on(19, 'CR8_LOAD_EXITING', 'CR8-load exiting', 'MOV to CR8 exits'),
    on(20, 'CR8_STORE_EXITING', 'CR8-store exiting', 'MOV from CR8 exits'),
    off(21, 'USE_TPR_SHADOW', 'use TPR shadow', 'CR8 accesses the virtual-APIC page'),
    on(22, 'NMI_WINDOW_EXITING', 'NMI-window exiting', 'exit when there is no virtual-NMI blocking'),
    on(23, 'MOV_DR_EXITING', 'MOV-DR exiting', 'MOV to and from debug registers exits'),
    on(24, 'UNCONDITIONAL_IO_EXITING', 'unconditional I/O exiting', 'every I/O instruction exits'),
    on(25, 'USE_IO_BITMAPS', 'use I/O bitmaps', 'the I/O bitmaps select ports; bit 24 is ignored'),
    off(27, 'MONITOR_TRAP_FLAG', 'monitor trap flag', 'exit after every guest instruction'),
    on(28, 'USE_MSR_BITMAPS', 'use MSR bitmaps', 'the MSR bitmaps select; otherwise RDMSR and WRMSR always exit'),
    on(29, 'MONITOR_EXITING', 'MONITOR exiting', 'MONITOR exits'),
    on(30, 'PAUSE_EXITING', 'PAUSE exiting', 'PAUSE exits'),
    on(31, 'ACTIVATE_SECONDARY_CONTROLS', 'activate secondary controls', 'the secondary controls are in use'),
  ],
};

const secondary: ControlWord = {
  name: 'Secondary',
  title: 'secondary processor-based VM-execution controls',
  field: 0x401e,
  msr: 0x48b,
  default1: 0,
  optional: 0,
  controls: [
    off(0, 'VIRTUALIZE_APIC_ACCESSES', 'virtualize APIC accesses', 'accesses to the APIC-access page are special'),
    on(1, 'ENABLE_EPT', 'enable EPT', 'guest-physical addresses are translated by the EPT structures'),
    on(2, 'DESCRIPTOR_TABLE_EXITING', 'descriptor-table exiting', 'LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT, STR exit'),
    on(3, 'ENABLE_RDTSCP', 'enable RDTSCP', 'RDTSCP runs; otherwise #UD'),
    off(4, 'VIRTUALIZE_X2APIC_MODE', 'virtualize x2APIC mode', 'RDMSR and WRMSR of x2APIC MSRs are special'),
    on(5, 'ENABLE_VPID', 'enable VPID', 'cached translations are tagged with the VPID'),
    on(6, 'WBINVD_EXITING', 'WBINVD exiting', 'WBINVD and WBNOINVD exit'),
    on(7, 'UNRESTRICTED_GUEST', 'unrestricted guest', 'the guest may run unpaged or in real-address mode'),
    off(8, 'APIC_REGISTER_VIRTUALIZATION', 'APIC-register virtualization', 'reads of APIC registers are virtualized'),
    off(9, 'VIRTUAL_INTERRUPT_DELIVERY', 'virtual-interrupt delivery', 'pending virtual interrupts are delivered'),
    off(10, 'PAUSE_LOOP_EXITING', 'PAUSE-loop exiting', 'PAUSE in a tight loop exits'),
    on(11, 'RDRAND_EXITING', 'RDRAND exiting', 'RDRAND exits'),
    on(12, 'ENABLE_INVPCID', 'enable INVPCID', 'INVPCID runs; otherwise #UD'),
    off(13, 'ENABLE_VM_FUNCTIONS', 'enable VM functions', 'VMFUNC runs; otherwise #UD'),
    off(14, 'VMCS_SHADOWING', 'VMCS shadowing', 'VMREAD and VMWRITE may access a shadow VMCS'),
    off(15, 'ENABLE_ENCLS_EXITING', 'enable ENCLS exiting', 'the ENCLS-exiting bitmap selects leaves'),
    on(16, 'RDSEED_EXITING', 'RDSEED exiting', 'RDSEED exits'),
    off(17, 'ENABLE_PML', 'enable PML', 'first writes to pages are logged'),
    off(18, 'EPT_VIOLATION_VE', 'EPT-violation #VE', 'EPT violations may cause #VE instead of exits'),
    off(19, 'CONCEAL_VMX_FROM_PT', 'conceal VMX from PT', 'processor trace does not show VMX'),
    on(20, 'ENABLE_XSAVES_XRSTORS', 'enable XSAVES/XRSTORS', 'XSAVES and XRSTORS run; otherwise #UD'),
    off(
      22,
      'MODE_BASED_EXECUTE_CONTROL',
      'mode-based execute control for EPT',
      'user and supervisor execute bits in EPT',
    ),
    off(23, 'SUB_PAGE_WRITE_PERMISSIONS', 'sub-page write permissions for EPT', 'write permission per 128 bytes'),
    off(24, 'PT_USES_GUEST_PHYSICAL', 'Intel PT uses guest physical addresses', 'trace output is translated by EPT'),
    off(25, 'USE_TSC_SCALING', 'use TSC scaling', 'the TSC is multiplied before the offset is added'),
    off(26, 'ENABLE_USER_WAIT_AND_PAUSE', 'enable user wait and pause', 'TPAUSE, UMONITOR, UMWAIT run'),
    off(28, 'ENABLE_ENCLV_EXITING', 'enable ENCLV exiting', 'the ENCLV-exiting bitmap selects leaves'),
    off(30, 'BUS_LOCK_DETECTION', 'VMM bus-lock detection', 'bus locks exit'),
    off(31, 'INSTRUCTION_TIMEOUT', 'instruction timeout', 'an instruction that takes too long exits'),
  ],
};

const exit: ControlWord = {
  name: 'Exit',
  title: 'VM-exit controls',
  field: 0x400c,
  msr: 0x483,
  trueMsr: 0x48f,
  default1: 0x00036dff,
  optional: 0x00000004,
  controls: [
    on(2, 'SAVE_DEBUG_CONTROLS', 'save debug controls', 'DR7 and IA32_DEBUGCTL are saved'),
    on(9, 'HOST_ADDRESS_SPACE_SIZE', 'host address-space size', 'the host is in 64-bit mode'),
    off(12, 'LOAD_PERF_GLOBAL_CTRL', 'load IA32_PERF_GLOBAL_CTRL', 'IA32_PERF_GLOBAL_CTRL is loaded'),
    on(
      15,
      'ACKNOWLEDGE_INTERRUPT',
      'acknowledge interrupt on exit',
      'an external interrupt’s vector is taken and recorded',
    ),
    on(18, 'SAVE_PAT', 'save IA32_PAT', 'IA32_PAT is saved'),
    on(19, 'LOAD_PAT', 'load IA32_PAT', 'IA32_PAT is loaded'),
    on(20, 'SAVE_EFER', 'save IA32_EFER', 'IA32_EFER is saved'),
    on(21, 'LOAD_EFER', 'load IA32_EFER', 'IA32_EFER is loaded'),
    on(22, 'SAVE_PREEMPTION_TIMER', 'save VMX-preemption timer value', 'what is left of the timer is saved'),
    off(23, 'CLEAR_BNDCFGS', 'clear IA32_BNDCFGS', 'IA32_BNDCFGS is cleared'),
    off(24, 'CONCEAL_VMX_FROM_PT', 'conceal VMX from PT', 'processor trace does not show VMX'),
    off(25, 'CLEAR_RTIT_CTL', 'clear IA32_RTIT_CTL', 'IA32_RTIT_CTL is cleared'),
    off(28, 'LOAD_CET', 'load CET state', 'the host’s CET state is loaded'),
    off(29, 'LOAD_PKRS', 'load PKRS', 'IA32_PKRS is loaded'),
    off(30, 'SAVE_PERF_GLOBAL_CTRL', 'save IA32_PERF_GLOBAL_CTRL', 'IA32_PERF_GLOBAL_CTRL is saved'),
    off(31, 'ACTIVATE_SECONDARY_CONTROLS', 'activate secondary controls', 'the secondary VM-exit controls are in use'),
  ],
};

const entry: ControlWord = {
  name: 'Entry',
  title: 'VM-entry controls',
  field: 0x4012,
  msr: 0x484,
  trueMsr: 0x490,
  default1: 0x000011ff,
  optional: 0x00000004,
  controls: [
    on(2, 'LOAD_DEBUG_CONTROLS', 'load debug controls', 'DR7 and IA32_DEBUGCTL are loaded'),
    on(9, 'IA32E_MODE_GUEST', 'IA-32e mode guest', 'the guest is in IA-32e mode'),
    off(10, 'ENTRY_TO_SMM', 'entry to SMM', 'the guest is in system-management mode'),
    off(11, 'DEACTIVATE_DUAL_MONITOR', 'deactivate dual-monitor treatment', 'back to the default treatment of SMIs'),
    off(13, 'LOAD_PERF_GLOBAL_CTRL', 'load IA32_PERF_GLOBAL_CTRL', 'IA32_PERF_GLOBAL_CTRL is loaded'),
    on(14, 'LOAD_PAT', 'load IA32_PAT', 'IA32_PAT is loaded'),
    on(15, 'LOAD_EFER', 'load IA32_EFER', 'IA32_EFER is loaded'),
    off(16, 'LOAD_BNDCFGS', 'load IA32_BNDCFGS', 'IA32_BNDCFGS is loaded'),
    off(17, 'CONCEAL_VMX_FROM_PT', 'conceal VMX from PT', 'processor trace does not show VMX'),
    off(18, 'LOAD_RTIT_CTL', 'load IA32_RTIT_CTL', 'IA32_RTIT_CTL is loaded'),
    off(20, 'LOAD_CET', 'load CET state', 'the guest’s CET state is loaded'),
    off(22, 'LOAD_PKRS', 'load PKRS', 'IA32_PKRS is loaded'),
  ],
};

/** The control words in the manual's order. */
export const controlWords: readonly ControlWord[] = [pin, primary, secondary, exit, entry];

/** The control word of that name. */
export function controlWord(name: ControlWordName): ControlWord {
  return controlWords.find(word => word.name === name)!;
}

/** Mask of the control called `name` in `word`; throws on a name the table does not have (a slip in another table). */
export function controlMask(word: ControlWordName, name: string): number {
  const control = controlWord(word).controls.find(row => row.name === name);
  if (!control) throw new Error(`No control ${name} in the ${controlWord(word).title}`);
  return (1 << control.bit) >>> 0;
}

/** Bits that may be 1: reserved-1 bits and announced controls. */
export function allowed1(word: ControlWord): number {
  return word.controls.filter(row => row.announced).reduce((mask, row) => mask | (1 << row.bit), word.default1) >>> 0;
}

/** Bits that must be 1 according to the TRUE capability MSR, which VM entry enforces. */
export function mustBeOne(word: ControlWord): number {
  return (word.default1 & ~word.optional) >>> 0;
}
