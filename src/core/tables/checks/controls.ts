/** Checks on the VM-execution, VM-exit and VM-entry control fields (SDM 3C 26.2.1), in the manual's order. */
import { allowed1, controlWord, mustBeOne, type ControlWordName } from '../controls';
import { checkGroup, notAnnounced, type CheckText, type EntryCheck } from './row';

const execution = { section: '26.2.1.1', failure: 'VMfailValid 7' } as const;
const exit = { section: '26.2.1.2', failure: 'VMfailValid 7' } as const;
const entry = { section: '26.2.1.3', failure: 'VMfailValid 7' } as const;

/** The two rules of a control word: bits fixed to 1, bits fixed to 0. */
function fixed(word: ControlWordName, field: string, prefix: string, when = ''): CheckText[] {
  const row = controlWord(word);
  const capability = row.trueMsr
    ? `TRUE capability MSR 0x${row.trueMsr.toString(16)}`
    : `MSR 0x${row.msr.toString(16)}`;
  const ones = BigInt(mustBeOne(row));
  const zeros = BigInt(~allowed1(row) >>> 0);
  return [
    {
      name: `${prefix}_MUST_BE_1`,
      fields: field,
      rule: `${when}reserved bits of the ${row.title} that must be 1 are 1`,
      legal: `set the bits that are 1 in bits 31:0 of the ${capability}`,
      ones,
    },
    {
      name: `${prefix}_MUST_BE_0`,
      fields: field,
      rule: `${when}bits of the ${row.title} that the processor does not allow are 0`,
      legal: `clear the bits that are 0 in bits 63:32 of MSR 0x${row.msr.toString(16)}`,
      zeros,
    },
  ];
}

const page = (name: string, field: string, title: string, when: string, because?: string): CheckText => ({
  name,
  fields: field,
  rule: `${when}the ${title} is 4-KByte aligned and within the physical-address width`,
  legal: 'bits 11:0 are 0 and no bit beyond the physical-address width is set',
  ...(because ? { because } : {}),
});

const area = (name: string, title: string, prefix: string): CheckText[] => [
  {
    name: `${prefix}_ALIGNMENT`,
    fields: `${name}_ADDRESS`,
    rule: `if the ${title} count is not 0, its address is 16-byte aligned and within the physical-address width`,
    legal: 'bits 3:0 are 0 and no bit beyond the physical-address width is set',
  },
  {
    name: `${prefix}_END`,
    fields: `${name}_ADDRESS`,
    rule: `the last byte of the ${title} area, at address + count × 16 − 1, is within the physical-address width`,
    legal: 'a smaller count or a lower address',
  },
];

const TPR = notAnnounced('use TPR shadow');
const POSTED = notAnnounced('process posted interrupts');

export const controlChecks: readonly EntryCheck[] = [
  ...checkGroup({ group: 5, ...execution }, ...fixed('Pin', 'PIN_CONTROLS', 'PIN')),
  ...checkGroup({ group: 6, ...execution }, ...fixed('Primary', 'PRIMARY_CONTROLS', 'PRIMARY')),
  ...checkGroup(
    { group: 7, ...execution },
    ...fixed('Secondary', 'SECONDARY_CONTROLS', 'SECONDARY', 'if secondary controls are activated, ').slice(1),
  ),
  ...checkGroup(
    { group: 8, ...execution },
    {
      name: 'CR3_TARGET_COUNT',
      fields: 'CR3_TARGET_COUNT',
      rule: 'the CR3-target count is at most the number of CR3-target values',
      legal: '0 to 4 (IA32_VMX_MISC bits 24:16)',
    },
  ),
  ...checkGroup(
    { group: 9, ...execution },
    page('IO_BITMAP_A', 'IO_BITMAP_A', 'address of I/O bitmap A', 'if "use I/O bitmaps" is 1, '),
    page('IO_BITMAP_B', 'IO_BITMAP_B', 'address of I/O bitmap B', 'if "use I/O bitmaps" is 1, '),
  ),
  ...checkGroup(
    { group: 10, ...execution },
    page('MSR_BITMAPS', 'MSR_BITMAPS', 'address of the MSR bitmaps', 'if "use MSR bitmaps" is 1, '),
  ),
  ...checkGroup(
    { group: 11, ...execution },
    {
      name: 'VIRTUAL_NMIS_WITHOUT_NMI_EXITING',
      fields: 'PIN_CONTROLS',
      rule: 'if "NMI exiting" is 0, "virtual NMIs" is 0',
      legal: 'set "NMI exiting" (bit 3) or clear "virtual NMIs" (bit 5)',
    },
    {
      name: 'NMI_WINDOW_WITHOUT_VIRTUAL_NMIS',
      fields: 'PRIMARY_CONTROLS',
      rule: 'if "virtual NMIs" is 0, "NMI-window exiting" is 0',
      legal: 'set "virtual NMIs" or clear "NMI-window exiting" (bit 22)',
    },
  ),
  ...checkGroup(
    { group: 12, ...execution },
    page('VIRTUAL_APIC_ADDRESS', 'VIRTUAL_APIC_ADDRESS', 'virtual-APIC address', 'if "use TPR shadow" is 1, ', TPR),
    {
      name: 'TPR_THRESHOLD_RESERVED',
      fields: 'TPR_THRESHOLD',
      rule: 'bits 31:4 of the TPR threshold are 0 without virtual-interrupt delivery',
      legal: '0 to 15',
      because: TPR,
    },
    {
      name: 'TPR_THRESHOLD_ABOVE_VTPR',
      fields: 'TPR_THRESHOLD',
      rule: 'bits 3:0 of the TPR threshold are not above bits 7:4 of the virtual TPR',
      legal: 'a threshold not above the virtual task priority',
      because: TPR,
    },
  ),
  ...checkGroup(
    { group: 13, ...execution },
    {
      name: 'APIC_VIRTUALIZATION_WITHOUT_TPR_SHADOW',
      fields: 'SECONDARY_CONTROLS',
      rule: 'x2APIC mode, APIC-register virtualization and virtual-interrupt delivery need "use TPR shadow"',
      legal: 'set "use TPR shadow"',
      because: TPR,
    },
    {
      name: 'X2APIC_WITH_APIC_ACCESSES',
      fields: 'SECONDARY_CONTROLS',
      rule: '"virtualize x2APIC mode" and "virtualize APIC accesses" are not both 1',
      legal: 'one of them',
      because: TPR,
    },
  ),
  ...checkGroup(
    { group: 14, ...execution },
    {
      name: 'DELIVERY_WITHOUT_INTERRUPT_EXITING',
      fields: 'PIN_CONTROLS',
      rule: 'virtual-interrupt delivery needs "external-interrupt exiting"',
      legal: 'set bit 0 of the pin-based controls',
      because: notAnnounced('virtual-interrupt delivery'),
    },
  ),
  ...checkGroup(
    { group: 15, ...execution },
    page(
      'APIC_ACCESS_ADDRESS',
      'APIC_ACCESS_ADDRESS',
      'APIC-access address',
      'if "virtualize APIC accesses" is 1, ',
      notAnnounced('virtualize APIC accesses'),
    ),
  ),
  ...checkGroup(
    { group: 16, ...execution },
    {
      name: 'POSTED_INTERRUPT_CONTROLS',
      fields: 'PIN_CONTROLS EXIT_CONTROLS',
      rule: '"process posted interrupts" needs virtual-interrupt delivery and "acknowledge interrupt on exit"',
      legal: 'set both',
      because: POSTED,
    },
    {
      name: 'POSTED_INTERRUPT_VECTOR',
      fields: 'POSTED_INTERRUPT_VECTOR',
      rule: 'the posted-interrupt notification vector is at most 255',
      legal: '0 to 255',
      because: POSTED,
    },
    {
      name: 'POSTED_INTERRUPT_DESCRIPTOR',
      fields: 'POSTED_INTERRUPT_DESCRIPTOR',
      rule: 'the posted-interrupt descriptor is 64-byte aligned and within the physical-address width',
      legal: 'bits 5:0 are 0',
      because: POSTED,
    },
  ),
  ...checkGroup(
    { group: 17, ...execution },
    {
      name: 'VPID_ZERO',
      fields: 'VPID',
      rule: 'if "enable VPID" is 1, the VPID is not 0',
      legal: '1 to 65535',
    },
  ),
  ...checkGroup(
    { group: 18, ...execution },
    {
      name: 'EPTP_MEMORY_TYPE',
      fields: 'EPTP',
      rule: 'if "enable EPT" is 1, bits 2:0 of the EPT pointer are a memory type that the processor supports',
      legal: '0 (uncacheable) or 6 (write-back)',
    },
    {
      name: 'EPTP_WALK_LENGTH',
      fields: 'EPTP',
      rule: 'bits 5:3 of the EPT pointer are one less than the page-walk length',
      legal: '3, for a walk length of 4',
    },
    {
      name: 'EPTP_RESERVED',
      fields: 'EPTP',
      rule: 'bits 11:7 of the EPT pointer are 0',
      legal: 'bits 11:7 clear',
      zeros: 0xf80n,
    },
    {
      name: 'EPTP_ADDRESS',
      fields: 'EPTP',
      rule: 'the EPT pointer is within the physical-address width',
      legal: 'no bit beyond the physical-address width',
    },
    {
      name: 'EPTP_ACCESSED_DIRTY',
      fields: 'EPTP',
      rule: 'bit 6 of the EPT pointer is 0 unless the processor supports accessed and dirty flags for EPT',
      legal: '0 or 1: the processor supports them',
      because: 'accessed and dirty flags are supported',
    },
  ),
  ...checkGroup(
    { group: 19, ...execution },
    {
      name: 'UNRESTRICTED_WITHOUT_EPT',
      fields: 'SECONDARY_CONTROLS',
      rule: 'if "unrestricted guest" is 1, "enable EPT" is 1',
      legal: 'set "enable EPT" (bit 1) or clear "unrestricted guest" (bit 7)',
    },
  ),
  ...checkGroup(
    { group: 20, ...execution },
    {
      name: 'EXECUTE_CONTROL_WITHOUT_EPT',
      fields: 'SECONDARY_CONTROLS',
      rule: '"mode-based execute control for EPT" needs "enable EPT"',
      legal: 'set "enable EPT"',
      because: notAnnounced('mode-based execute control for EPT'),
    },
  ),
  ...checkGroup(
    { group: 21, ...execution },
    {
      name: 'PML_WITHOUT_EPT',
      fields: 'SECONDARY_CONTROLS',
      rule: '"enable PML" needs "enable EPT"',
      legal: 'set "enable EPT"',
      because: notAnnounced('enable PML'),
    },
    page('PML_ADDRESS', 'PML_ADDRESS', 'PML address', 'if "enable PML" is 1, ', notAnnounced('enable PML')),
  ),
  ...checkGroup(
    { group: 22, ...execution },
    {
      name: 'SUB_PAGE_PERMISSIONS',
      fields: 'SPPTP',
      rule: 'sub-page write permissions need "enable EPT" and an aligned table pointer',
      legal: 'bits 11:0 are 0',
      because: notAnnounced('sub-page write permissions for EPT'),
    },
  ),
  ...checkGroup(
    { group: 23, ...execution },
    page(
      'VIRTUALIZATION_EXCEPTION_ADDRESS',
      'VIRTUALIZATION_EXCEPTION_ADDRESS',
      'virtualization-exception information address',
      'if "EPT-violation #VE" is 1, ',
      notAnnounced('EPT-violation #VE'),
    ),
  ),
  ...checkGroup(
    { group: 24, ...execution },
    {
      name: 'VM_FUNCTIONS',
      fields: 'VM_FUNCTION_CONTROLS EPTP_LIST_ADDRESS',
      rule: 'only supported VM functions are enabled; EPTP switching needs EPT and an aligned list',
      legal: 'no VM functions',
      because: notAnnounced('enable VM functions'),
    },
  ),
  ...checkGroup(
    { group: 25, ...execution },
    {
      name: 'SHADOWING_BITMAPS',
      fields: 'VMREAD_BITMAP_ADDRESS VMWRITE_BITMAP_ADDRESS',
      rule: 'the VMREAD and VMWRITE bitmaps are 4-KByte aligned and within the physical-address width',
      legal: 'bits 11:0 are 0',
      because: notAnnounced('VMCS shadowing'),
    },
  ),
  ...checkGroup(
    { group: 26, ...execution },
    {
      name: 'TSC_MULTIPLIER',
      fields: 'TSC_MULTIPLIER',
      rule: 'the TSC multiplier is not 0',
      legal: 'not 0',
      because: notAnnounced('use TSC scaling'),
    },
  ),
  ...checkGroup({ group: 27, ...exit }, ...fixed('Exit', 'EXIT_CONTROLS', 'EXIT')),
  ...checkGroup(
    { group: 28, ...exit },
    {
      name: 'SAVE_TIMER_WITHOUT_TIMER',
      fields: 'EXIT_CONTROLS',
      rule: 'if "activate VMX-preemption timer" is 0, "save VMX-preemption timer value" is 0',
      legal: 'set bit 6 of the pin-based controls or clear bit 22 of the VM-exit controls',
    },
  ),
  ...checkGroup(
    { group: 29, ...exit },
    ...area('EXIT_MSR_STORE', 'VM-exit MSR-store', 'EXIT_STORE_AREA'),
    ...area('EXIT_MSR_LOAD', 'VM-exit MSR-load', 'EXIT_LOAD_AREA'),
  ),
  ...checkGroup({ group: 30, ...entry }, ...fixed('Entry', 'ENTRY_CONTROLS', 'ENTRY')),
  ...checkGroup(
    { group: 31, ...entry },
    {
      name: 'SMM_CONTROLS',
      fields: 'ENTRY_CONTROLS',
      rule: 'outside system-management mode, "entry to SMM" and "deactivate dual-monitor treatment" are 0',
      legal: 'clear bits 10 and 11',
      because: notAnnounced('entry to SMM'),
    },
  ),
  ...checkGroup(
    { group: 32, ...entry },
    {
      name: 'EVENT_TYPE',
      fields: 'ENTRY_INTERRUPTION_INFORMATION',
      rule: 'the interruption type of an injected event is not reserved',
      legal:
        '0 external interrupt, 2 NMI, 3 hardware exception, 4 software interrupt, 5 privileged software exception, 6 software exception',
    },
    {
      name: 'EVENT_VECTOR',
      fields: 'ENTRY_INTERRUPTION_INFORMATION',
      rule: 'an injected NMI has vector 2, an injected hardware exception a vector of at most 31',
      legal: 'vector 2, or 0 to 31',
    },
    {
      name: 'EVENT_ERROR_CODE',
      fields: 'ENTRY_INTERRUPTION_INFORMATION',
      rule: 'an error code is delivered exactly with the hardware exceptions 8, 10-14 and 17, and never in real-address mode',
      legal: 'bit 11 set for those vectors, clear otherwise',
    },
    {
      name: 'EVENT_RESERVED',
      fields: 'ENTRY_INTERRUPTION_INFORMATION',
      rule: 'bits 30:12 of the VM-entry interruption information are 0',
      legal: 'bits 30:12 clear',
      zeros: 0x7ffff000n,
    },
    {
      name: 'EVENT_ERROR_CODE_HIGH',
      fields: 'ENTRY_EXCEPTION_ERROR_CODE',
      rule: 'if an error code is delivered, its bits 31:16 are 0',
      legal: '0 to 0xFFFF',
      zeros: 0xffff0000n,
    },
    {
      name: 'EVENT_INSTRUCTION_LENGTH',
      fields: 'ENTRY_INSTRUCTION_LENGTH',
      rule: 'a software interrupt or software exception has an instruction length of at most 15',
      legal: '0 to 15 bytes',
    },
  ),
  ...checkGroup({ group: 33, ...entry }, ...area('ENTRY_MSR_LOAD', 'VM-entry MSR-load', 'ENTRY_LOAD_AREA')),
];
