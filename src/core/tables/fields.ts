/**
 * Fields of the VMCS (SDM 3D appendix B) in the manual's order. The encoding says width, type and index, so a row adds
 * only a name, the manual's wording and which control's availability brings the field into existence.
 */
import { controlWord, type ControlWordName } from './controls';

export type FieldWidth = 16 | 32 | 64 | 'natural';
export type FieldType = 'control' | 'read-only data' | 'guest state' | 'host state';

export interface VmcsField {
  encoding: number;
  /** Constant name. */
  name: string;
  /** The manual's wording. */
  title: string;
  width: FieldWidth;
  type: FieldType;
  /** Bits 9:1 of the encoding. */
  index: number;
  /** Whether the modelled processor has it: VMREAD and VMWRITE of others fail with error 12. */
  supported: boolean;
}

type Need = [ControlWordName, string];
type Row = [encoding: number, name: string, title: string, need?: Need];

const EPT: Need = ['Secondary', 'ENABLE_EPT'];
const DELIVERY: Need = ['Secondary', 'VIRTUAL_INTERRUPT_DELIVERY'];
const POSTED: Need = ['Pin', 'PROCESS_POSTED_INTERRUPTS'];
const FUNCTIONS: Need = ['Secondary', 'ENABLE_VM_FUNCTIONS'];
const SHADOWING: Need = ['Secondary', 'VMCS_SHADOWING'];
const PML: Need = ['Secondary', 'ENABLE_PML'];
const VE: Need = ['Secondary', 'EPT_VIOLATION_VE'];
const LOOP: Need = ['Secondary', 'PAUSE_LOOP_EXITING'];
const TPR: Need = ['Primary', 'USE_TPR_SHADOW'];
const CET: Need = ['Entry', 'LOAD_CET'];

const segments = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'];
const perSegment = (names: string[], first: number, suffix: string, title: string): Row[] =>
  names.map((name, n) => [first + 2 * n, `GUEST_${name}_${suffix}`, `guest ${name} ${title}`]);

const rows: Row[] = [
  [0x0000, 'VPID', 'virtual-processor identifier', ['Secondary', 'ENABLE_VPID']],
  [0x0002, 'POSTED_INTERRUPT_VECTOR', 'posted-interrupt notification vector', POSTED],
  [0x0004, 'EPTP_INDEX', 'EPTP index', VE],
  ...perSegment(segments, 0x0800, 'SELECTOR', 'selector'),
  [0x0810, 'GUEST_INTERRUPT_STATUS', 'guest interrupt status', DELIVERY],
  [0x0812, 'PML_INDEX', 'PML index', PML],
  ...['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'TR'].map((name, n): Row => [
    0x0c00 + 2 * n,
    `HOST_${name}_SELECTOR`,
    `host ${name} selector`,
  ]),

  [0x2000, 'IO_BITMAP_A', 'address of I/O bitmap A'],
  [0x2002, 'IO_BITMAP_B', 'address of I/O bitmap B'],
  [0x2004, 'MSR_BITMAPS', 'address of MSR bitmaps', ['Primary', 'USE_MSR_BITMAPS']],
  [0x2006, 'EXIT_MSR_STORE_ADDRESS', 'VM-exit MSR-store address'],
  [0x2008, 'EXIT_MSR_LOAD_ADDRESS', 'VM-exit MSR-load address'],
  [0x200a, 'ENTRY_MSR_LOAD_ADDRESS', 'VM-entry MSR-load address'],
  [0x200c, 'EXECUTIVE_VMCS_POINTER', 'executive-VMCS pointer'],
  [0x200e, 'PML_ADDRESS', 'PML address', PML],
  [0x2010, 'TSC_OFFSET', 'TSC offset'],
  [0x2012, 'VIRTUAL_APIC_ADDRESS', 'virtual-APIC address', TPR],
  [0x2014, 'APIC_ACCESS_ADDRESS', 'APIC-access address', ['Secondary', 'VIRTUALIZE_APIC_ACCESSES']],
  [0x2016, 'POSTED_INTERRUPT_DESCRIPTOR', 'posted-interrupt descriptor address', POSTED],
  [0x2018, 'VM_FUNCTION_CONTROLS', 'VM-function controls', FUNCTIONS],
  [0x201a, 'EPTP', 'EPT pointer', EPT],
  ...[0, 1, 2, 3].map((n): Row => [0x201c + 2 * n, `EOI_EXIT_BITMAP_${n}`, `EOI-exit bitmap ${n}`, DELIVERY]),
  [0x2024, 'EPTP_LIST_ADDRESS', 'EPTP-list address', FUNCTIONS],
  [0x2026, 'VMREAD_BITMAP_ADDRESS', 'VMREAD-bitmap address', SHADOWING],
  [0x2028, 'VMWRITE_BITMAP_ADDRESS', 'VMWRITE-bitmap address', SHADOWING],
  [0x202a, 'VIRTUALIZATION_EXCEPTION_ADDRESS', 'virtualization-exception information address', VE],
  [0x202c, 'XSS_EXITING_BITMAP', 'XSS-exiting bitmap', ['Secondary', 'ENABLE_XSAVES_XRSTORS']],
  [0x202e, 'ENCLS_EXITING_BITMAP', 'ENCLS-exiting bitmap', ['Secondary', 'ENABLE_ENCLS_EXITING']],
  [0x2030, 'SPPTP', 'sub-page-permission-table pointer', ['Secondary', 'SUB_PAGE_WRITE_PERMISSIONS']],
  [0x2032, 'TSC_MULTIPLIER', 'TSC multiplier', ['Secondary', 'USE_TSC_SCALING']],
  [0x2400, 'GUEST_PHYSICAL_ADDRESS', 'guest-physical address', EPT],
  [0x2800, 'VMCS_LINK_POINTER', 'VMCS link pointer'],
  [0x2802, 'GUEST_IA32_DEBUGCTL', 'guest IA32_DEBUGCTL'],
  [0x2804, 'GUEST_IA32_PAT', 'guest IA32_PAT', ['Entry', 'LOAD_PAT']],
  [0x2806, 'GUEST_IA32_EFER', 'guest IA32_EFER', ['Entry', 'LOAD_EFER']],
  [0x2808, 'GUEST_IA32_PERF_GLOBAL_CTRL', 'guest IA32_PERF_GLOBAL_CTRL', ['Entry', 'LOAD_PERF_GLOBAL_CTRL']],
  ...[0, 1, 2, 3].map((n): Row => [0x280a + 2 * n, `GUEST_PDPTE${n}`, `guest PDPTE${n}`, EPT]),
  [0x2812, 'GUEST_IA32_BNDCFGS', 'guest IA32_BNDCFGS', ['Entry', 'LOAD_BNDCFGS']],
  [0x2814, 'GUEST_IA32_RTIT_CTL', 'guest IA32_RTIT_CTL', ['Entry', 'LOAD_RTIT_CTL']],
  [0x2818, 'GUEST_IA32_PKRS', 'guest IA32_PKRS', ['Entry', 'LOAD_PKRS']],
  [0x2c00, 'HOST_IA32_PAT', 'host IA32_PAT', ['Exit', 'LOAD_PAT']],
  [0x2c02, 'HOST_IA32_EFER', 'host IA32_EFER', ['Exit', 'LOAD_EFER']],
  [0x2c04, 'HOST_IA32_PERF_GLOBAL_CTRL', 'host IA32_PERF_GLOBAL_CTRL', ['Exit', 'LOAD_PERF_GLOBAL_CTRL']],
  [0x2c06, 'HOST_IA32_PKRS', 'host IA32_PKRS', ['Exit', 'LOAD_PKRS']],

  [0x4000, 'PIN_CONTROLS', 'pin-based VM-execution controls'],
  [0x4002, 'PRIMARY_CONTROLS', 'primary processor-based VM-execution controls'],
  [0x4004, 'EXCEPTION_BITMAP', 'exception bitmap'],
  [0x4006, 'PAGE_FAULT_MASK', 'page-fault error-code mask'],
  [0x4008, 'PAGE_FAULT_MATCH', 'page-fault error-code match'],
  [0x400a, 'CR3_TARGET_COUNT', 'CR3-target count'],
  [0x400c, 'EXIT_CONTROLS', 'VM-exit controls'],
  [0x400e, 'EXIT_MSR_STORE_COUNT', 'VM-exit MSR-store count'],
  [0x4010, 'EXIT_MSR_LOAD_COUNT', 'VM-exit MSR-load count'],
  [0x4012, 'ENTRY_CONTROLS', 'VM-entry controls'],
  [0x4014, 'ENTRY_MSR_LOAD_COUNT', 'VM-entry MSR-load count'],
  [0x4016, 'ENTRY_INTERRUPTION_INFORMATION', 'VM-entry interruption-information field'],
  [0x4018, 'ENTRY_EXCEPTION_ERROR_CODE', 'VM-entry exception error code'],
  [0x401a, 'ENTRY_INSTRUCTION_LENGTH', 'VM-entry instruction length'],
  [0x401c, 'TPR_THRESHOLD', 'TPR threshold', TPR],
  [0x401e, 'SECONDARY_CONTROLS', 'secondary processor-based VM-execution controls'],
  [0x4020, 'PLE_GAP', 'PLE_Gap', LOOP],
  [0x4022, 'PLE_WINDOW', 'PLE_Window', LOOP],
  [0x4400, 'INSTRUCTION_ERROR', 'VM-instruction error'],
  [0x4402, 'EXIT_REASON', 'exit reason'],
  [0x4404, 'EXIT_INTERRUPTION_INFORMATION', 'VM-exit interruption information'],
  [0x4406, 'EXIT_INTERRUPTION_ERROR_CODE', 'VM-exit interruption error code'],
  [0x4408, 'IDT_VECTORING_INFORMATION', 'IDT-vectoring information field'],
  [0x440a, 'IDT_VECTORING_ERROR_CODE', 'IDT-vectoring error code'],
  [0x440c, 'EXIT_INSTRUCTION_LENGTH', 'VM-exit instruction length'],
  [0x440e, 'EXIT_INSTRUCTION_INFORMATION', 'VM-exit instruction information'],
  ...perSegment(segments.concat('GDTR', 'IDTR'), 0x4800, 'LIMIT', 'limit'),
  ...perSegment(segments, 0x4814, 'ACCESS_RIGHTS', 'access rights'),
  [0x4824, 'GUEST_INTERRUPTIBILITY_STATE', 'guest interruptibility state'],
  [0x4826, 'GUEST_ACTIVITY_STATE', 'guest activity state'],
  [0x4828, 'GUEST_SMBASE', 'guest SMBASE'],
  [0x482a, 'GUEST_IA32_SYSENTER_CS', 'guest IA32_SYSENTER_CS'],
  [0x482e, 'PREEMPTION_TIMER_VALUE', 'VMX-preemption timer value', ['Pin', 'ACTIVATE_PREEMPTION_TIMER']],
  [0x4c00, 'HOST_IA32_SYSENTER_CS', 'host IA32_SYSENTER_CS'],

  [0x6000, 'CR0_MASK', 'CR0 guest/host mask'],
  [0x6002, 'CR4_MASK', 'CR4 guest/host mask'],
  [0x6004, 'CR0_SHADOW', 'CR0 read shadow'],
  [0x6006, 'CR4_SHADOW', 'CR4 read shadow'],
  ...[0, 1, 2, 3].map((n): Row => [0x6008 + 2 * n, `CR3_TARGET_VALUE_${n}`, `CR3-target value ${n}`]),
  [0x6400, 'EXIT_QUALIFICATION', 'exit qualification'],
  [0x6402, 'IO_RCX', 'I/O RCX'],
  [0x6404, 'IO_RSI', 'I/O RSI'],
  [0x6406, 'IO_RDI', 'I/O RDI'],
  [0x6408, 'IO_RIP', 'I/O RIP'],
  [0x640a, 'GUEST_LINEAR_ADDRESS', 'guest-linear address'],
  [0x6800, 'GUEST_CR0', 'guest CR0'],
  [0x6802, 'GUEST_CR3', 'guest CR3'],
  [0x6804, 'GUEST_CR4', 'guest CR4'],
  ...perSegment(segments.concat('GDTR', 'IDTR'), 0x6806, 'BASE', 'base'),
  [0x681a, 'GUEST_DR7', 'guest DR7'],
  [0x681c, 'GUEST_RSP', 'guest RSP'],
  [0x681e, 'GUEST_RIP', 'guest RIP'],
  [0x6820, 'GUEST_RFLAGS', 'guest RFLAGS'],
  [0x6822, 'GUEST_PENDING_DEBUG', 'guest pending debug exceptions'],
  [0x6824, 'GUEST_IA32_SYSENTER_ESP', 'guest IA32_SYSENTER_ESP'],
  [0x6826, 'GUEST_IA32_SYSENTER_EIP', 'guest IA32_SYSENTER_EIP'],
  [0x6828, 'GUEST_IA32_S_CET', 'guest IA32_S_CET', CET],
  [0x682a, 'GUEST_SSP', 'guest SSP', CET],
  [0x682c, 'GUEST_INTERRUPT_SSP_TABLE', 'guest IA32_INTERRUPT_SSP_TABLE_ADDR', CET],
  [0x6c00, 'HOST_CR0', 'host CR0'],
  [0x6c02, 'HOST_CR3', 'host CR3'],
  [0x6c04, 'HOST_CR4', 'host CR4'],
  [0x6c06, 'HOST_FS_BASE', 'host FS base'],
  [0x6c08, 'HOST_GS_BASE', 'host GS base'],
  [0x6c0a, 'HOST_TR_BASE', 'host TR base'],
  [0x6c0c, 'HOST_GDTR_BASE', 'host GDTR base'],
  [0x6c0e, 'HOST_IDTR_BASE', 'host IDTR base'],
  [0x6c10, 'HOST_IA32_SYSENTER_ESP', 'host IA32_SYSENTER_ESP'],
  [0x6c12, 'HOST_IA32_SYSENTER_EIP', 'host IA32_SYSENTER_EIP'],
  [0x6c14, 'HOST_RSP', 'host RSP'],
  [0x6c16, 'HOST_RIP', 'host RIP'],
  [0x6c18, 'HOST_IA32_S_CET', 'host IA32_S_CET', CET],
  [0x6c1a, 'HOST_SSP', 'host SSP', CET],
  [0x6c1c, 'HOST_INTERRUPT_SSP_TABLE', 'host IA32_INTERRUPT_SSP_TABLE_ADDR', CET],
];

const widths: FieldWidth[] = [16, 64, 32, 'natural'];
const types: FieldType[] = ['control', 'read-only data', 'guest state', 'host state'];

function announced([word, name]: Need): boolean {
  const control = controlWord(word).controls.find(row => row.name === name);
  if (!control) throw new Error(`No control ${name} in the ${controlWord(word).title}`);
  return control.announced;
}

/** Every field, in the order of its encoding. */
export const vmcsFields: readonly VmcsField[] = rows.map(([encoding, name, title, need]) => ({
  encoding,
  name,
  title,
  width: widths[(encoding >> 13) & 3],
  type: types[(encoding >> 10) & 3],
  index: (encoding >> 1) & 0x1ff,
  supported: need ? announced(need) : true,
}));

const byEncoding = new Map(vmcsFields.map(field => [field.encoding, field]));
const byName = new Map(vmcsFields.map(field => [field.name, field]));

/** The field with that encoding (a full encoding or, for the high half of a 64-bit field, with bit 0 set). */
export function vmcsField(encoding: number): VmcsField | undefined {
  return byEncoding.get(encoding & ~1);
}

/** The field called `name`, any case. */
export function vmcsFieldNamed(name: string): VmcsField | undefined {
  return byName.get(name.toUpperCase());
}
