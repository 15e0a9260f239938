/** Which bit-fields a VMCS field has: of the controls, and of the registers that it stands for. */
import { accessRightsBits, cr0Bits, cr3Bits, cr4Bits, dr7Bits, eferBits, rflagsBits, type BitField } from '../schema';
import { controlWords } from './controls';
import { vmcsField, type VmcsField } from './fields';
import { exceptionNames } from './interruptions';

const bits = (high: number, low: number, name: string, description: string): BitField => ({
  name,
  low,
  high,
  description,
});
const bit = (low: number, name: string, description: string): BitField => bits(low, low, name, description);

const interruption: BitField[] = [
  bits(7, 0, 'vector', 'vector'),
  bits(10, 8, 'type', '0 external interrupt, 2 NMI, 3 hardware exception, 4-6 software'),
  bit(11, 'error code', 'there is an error code'),
  bit(12, 'NMI unblocking', 'an IRET removed blocking by NMI'),
  bit(31, 'valid', 'the field means something'),
];
const exceptionBitmap = Object.entries(exceptionNames).map(([vector, name]) =>
  bit(Number(vector), name, `${name} exits`),
);
const interruptibility: BitField[] = [
  bit(0, 'STI', 'blocking by STI'),
  bit(1, 'MOV SS', 'blocking by MOV SS'),
  bit(2, 'SMI', 'blocking by SMI'),
  bit(3, 'NMI', 'blocking by NMI'),
];
const pendingDebug: BitField[] = [
  bits(3, 0, 'B', 'breakpoint condition met'),
  bit(12, 'enabled breakpoint', 'a breakpoint that was enabled was met'),
  bit(14, 'BS', 'single step'),
];
const eptp: BitField[] = [
  bits(2, 0, 'memory type', '0 uncacheable, 6 write-back'),
  bits(5, 3, 'walk length', 'one less than the page-walk length'),
  bit(6, 'A/D', 'accessed and dirty flags'),
  bits(51, 12, 'base', 'physical address of the EPT PML4 table, in 4-KByte pages'),
];
const exitReasonBits: BitField[] = [
  bits(15, 0, 'basic', 'basic exit reason'),
  bit(28, 'pending MTF', 'pending MTF VM exit'),
  bit(31, 'entry failure', 'the VM entry failed'),
];
const debugctl: BitField[] = [bit(0, 'LBR', 'last branch'), bit(1, 'BTF', 'branch trap')];

const named: Readonly<Record<string, readonly BitField[]>> = {
  EPTP: eptp,
  EXCEPTION_BITMAP: exceptionBitmap,
  ENTRY_INTERRUPTION_INFORMATION: interruption,
  EXIT_INTERRUPTION_INFORMATION: interruption,
  IDT_VECTORING_INFORMATION: interruption,
  EXIT_REASON: exitReasonBits,
  GUEST_INTERRUPTIBILITY_STATE: interruptibility,
  GUEST_PENDING_DEBUG: pendingDebug,
  GUEST_IA32_DEBUGCTL: debugctl,
  GUEST_IA32_EFER: eferBits,
  HOST_IA32_EFER: eferBits,
  GUEST_CR0: cr0Bits,
  GUEST_CR3: cr3Bits,
  GUEST_CR4: cr4Bits,
  HOST_CR0: cr0Bits,
  HOST_CR3: cr3Bits,
  HOST_CR4: cr4Bits,
  CR0_MASK: cr0Bits,
  CR0_SHADOW: cr0Bits,
  CR4_MASK: cr4Bits,
  CR4_SHADOW: cr4Bits,
  GUEST_DR7: dr7Bits,
  GUEST_RFLAGS: rflagsBits,
};

/** The bit-fields of a VMCS field, low bits first; none for plain numbers and addresses. */
export function vmcsFieldBits(field: VmcsField): readonly BitField[] {
  const word = controlWords.find(row => row.field === field.encoding);
  if (word) return word.controls.map(row => bit(row.bit, row.title, row.description));
  return named[field.name] ?? (field.name.endsWith('_ACCESS_RIGHTS') ? accessRightsBits : []);
}

/** Likewise, by encoding. */
export function bitsOfEncoding(encoding: number): readonly BitField[] {
  const field = vmcsField(encoding);
  return field ? vmcsFieldBits(field) : [];
}
