/** Where Bochs 2.7 and the manual differ, or the manual leaves a value open: why a difference is no error of ours. */

export interface Difference {
  /** Name of the case. */
  name: string;
  /** Exit reason or entry check here. */
  outcome: string;
  /** A VMCS field, a register, or "entered": whether the VM entry took place. */
  field: string;
  ours: bigint;
  theirs: bigint;
  /** Value of a field here. */
  our(field: string): bigint;
}

interface Explanation {
  why: string;
  holds(difference: Difference): boolean;
}

const RF = 0x10000n;
const onlyBits = (difference: Difference, bits: bigint): boolean =>
  ((difference.ours ^ difference.theirs) & ~bits) === 0n;
/** Interruption type of an interruption-information field, if it is valid. */
const typeOf = (information: bigint): number => (information >> 31n ? Number((information >> 8n) & 7n) : -1);
const hardwareException = (d: Difference): boolean =>
  d.outcome === 'EXCEPTION_NMI' && typeOf(d.our('EXIT_INTERRUPTION_INFORMATION')) === 3;
const failedEntry = (d: Difference): boolean => (d.our('EXIT_REASON') & 0x80000000n) !== 0n;
const named =
  (...names: string[]) =>
  (d: Difference): boolean =>
    names.includes(d.name.replace('entry check ', ''));

const explanations: Explanation[] = [
  { why: 'the runner’s own', holds: d => d.field === 'HOST_RIP' },
  {
    why: 'another processor: Bochs announces controls that this one does not',
    holds: d => d.field === 'entered' && d.name.endsWith('_MUST_BE_0'),
  },
  {
    why: 'SDM 3C 26.8: a failed VM entry leaves the other exit-information fields alone; Bochs writes the length of VMLAUNCH',
    holds: d => d.field === 'EXIT_INSTRUCTION_LENGTH' && failedEntry(d),
  },
  {
    why: 'SDM 3C 27.2.5: undefined for hardware exceptions and EPT misconfigurations',
    holds: d => d.field === 'EXIT_INSTRUCTION_LENGTH' && (hardwareException(d) || d.outcome === 'EPT_MISCONFIG'),
  },
  {
    why: 'SDM 3C 27.3.3: RF is saved as the handler would have seen it, 1 for faults; Bochs saves 0',
    holds: d => d.field === 'GUEST_RFLAGS' && onlyBits(d, RF) && (hardwareException(d) || d.outcome.startsWith('EPT_')),
  },
  {
    why: 'SDM 3C 27.3.3: RF after a triple fault is that of the processor; the two set it at different moments',
    holds: d => d.field === 'GUEST_RFLAGS' && onlyBits(d, RF) && d.outcome === 'TRIPLE_FAULT',
  },
  {
    why: 'undefined without bit 11 of the information field',
    holds: d => d.field === 'IDT_VECTORING_ERROR_CODE' && !((d.our('IDT_VECTORING_INFORMATION') >> 11n) & 1n),
  },
  {
    why: 'SDM 3C table 27-8: the segment is undefined for INS',
    holds: d => d.field === 'EXIT_INSTRUCTION_INFORMATION' && d.outcome === 'IO' && onlyBits(d, 0x38000n),
  },
  {
    why: 'SDM 3C table 27-10: the operand size is undefined in 64-bit mode',
    holds: d => d.field === 'EXIT_INSTRUCTION_INFORMATION' && d.outcome === 'GDTR_IDTR' && onlyBits(d, 0x800n),
  },
  {
    why: 'SDM 3C 27.2.1: the guest-linear address is undefined for misconfigurations',
    holds: d => d.field === 'GUEST_LINEAR_ADDRESS' && d.outcome === 'EPT_MISCONFIG',
  },
  {
    why: 'a null SS after a change of privilege is unusable; the rest of it is undefined (SDM 3C 27.3.2)',
    holds: d =>
      (d.field === 'GUEST_SS_LIMIT' || (d.field === 'GUEST_SS_ACCESS_RIGHTS' && onlyBits(d, 0x1fn))) &&
      (d.our('GUEST_SS_ACCESS_RIGHTS') & 0x10000n) !== 0n,
  },
  { why: 'port 0x60 is a keyboard there', holds: d => d.field === 'RAX' && d.name.includes('in al, 0x60') },
  {
    why: 'SDM 3C 26.3.1: Bochs enters all the same, or fails later',
    holds: named(
      'GUEST_IA32E_PG',
      'GUEST_DEBUGCTL',
      'GUEST_RIP_CANONICAL',
      'ACTIVITY_WITH_EVENT',
      'NMI_WITH_NMI_BLOCKING',
      'PENDING_DEBUG_BS_MISSING',
      'PENDING_DEBUG_BS',
    ),
  },
  { why: 'WRMSR of IA32_SMM_MONITOR_CTL is allowed there', holds: named('MSR_LOAD_SMM') },
  {
    why: 'SDM 3C 28.2.3.1: bits 20:12 of an EPT PDE for a 2-MByte page are reserved; Bochs ignores them',
    holds: d => d.name.startsWith('EPT 0x8010b7'),
  },
  {
    why: 'SDM 3C table 27-7: with EPT accessed and dirty flags, bits 0 and 1 are both 1; Bochs sets only bit 1',
    holds: d => d.field === 'EXIT_QUALIFICATION' && d.name.includes('guest tables read-only, A/D') && d.ours === 0xabn,
  },
  {
    why: 'IRET reads RIP first here, RFLAGS first there',
    holds: d => d.field === 'EXIT_QUALIFICATION' && d.name.startsWith('iret fault') && d.theirs === d.ours + 0x10n,
  },
  {
    why: 'SDM 3C 25.3: with NMI exiting and no virtual NMIs, IRET does not unblock NMIs, so there is nothing to report',
    holds: d =>
      d.field === 'EXIT_INTERRUPTION_INFORMATION' && d.name === 'iret fault nmi exiting' && onlyBits(d, 0x1000n),
  },
];

/** Why the difference is none of ours; undefined if it is. */
export function explained(difference: Difference): string | undefined {
  return explanations.find(explanation => explanation.holds(difference))?.why;
}
