import type { BitField } from '../../core/schema';
import { vmcsFieldBits } from '../../core/tables/bits';
import { exitReason } from '../../core/tables/exits';
import { exceptionNames } from '../../core/tables/interruptions';
import { fieldBytes, fieldOffset } from '../../core/tables/layout';
import { vmcsFields, type FieldType, type VmcsField } from '../../core/tables/fields';
import { hex } from './format';

/** The manual's areas of a VMCS (SDM 3C 24.3), in its order. */
export const vmcsGroups: readonly { name: string; type: FieldType }[] = [
  { name: 'Guest state', type: 'guest state' },
  { name: 'Host state', type: 'host state' },
  { name: 'Controls', type: 'control' },
  { name: 'Exit information', type: 'read-only data' },
];

/** Fields of one area that the processor has, in the manual's order. */
export function fieldsOf(type: FieldType): VmcsField[] {
  return vmcsFields.filter(field => field.type === type && field.supported);
}

/** Bits of a value as the views show them. */
export function fieldWidth(field: VmcsField): number {
  return fieldBytes(field.width) * 8;
}

/** Byte offset in the VMCS region: what a debugger's edit writes to, as VMWRITE would. */
export function fieldPlace(field: VmcsField): { offset: bigint; bytes: number } {
  return { offset: BigInt(fieldOffset(field.encoding)), bytes: fieldBytes(field.width) };
}

/** The bits of a VMCS field by name; empty when it is one plain value. */
export const fieldBits: (field: VmcsField) => readonly BitField[] = vmcsFieldBits;

/** `#PF` for 14; `vector 0x20` for one without a name. */
export function vectorName(vector: number): string {
  return exceptionNames[vector] ?? `vector ${hex(vector)}`;
}

/** `VM exit 10: CPUID`. */
export function exitTitle(reason: number): string {
  return `VM exit ${reason}: ${exitReason(reason)?.name ?? 'reserved'}`;
}
