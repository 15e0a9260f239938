import type { BitField } from '../../core/schema';
import { vmcsFieldBits } from '../../core/tables/bits';
import { instructionError } from '../../core/tables/errors';
import { exitReason } from '../../core/tables/exits';
import { exceptionNames } from '../../core/tables/interruptions';
import { fieldBytes, fieldOffset } from '../../core/tables/layout';
import { vmcsFields, type FieldType, type VmcsField } from '../../core/tables/fields';
import type { Machine } from '../../machine/machine';
import { UserError } from '../protocol/errors';
import { hex, littleEndian } from './format';

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

/** A debugger's VMWRITE: any field, read-only ones too. Throws UserError for a value that the field cannot hold. */
export function writeField(machine: Machine, vmcs: bigint, field: VmcsField, value: bigint): void {
  const bits = fieldWidth(field);
  if (BigInt.asUintN(bits, value) !== value)
    throw new UserError(`${field.name} holds ${bits} bits: ${hex(value)} does not fit`, true);
  machine.writePhysical(vmcs + BigInt(fieldOffset(field.encoding)), littleEndian(value, fieldBytes(field.width)));
}

/** What some fields mean as a whole, in words. */
export function fieldMeaning(field: VmcsField, value: bigint): string | undefined {
  const words =
    field.encoding === EXIT_REASON
      ? exitReason(Number(value & 0xffffn))?.name
      : field.encoding === INSTRUCTION_ERROR && value
        ? instructionError(Number(value))?.meaning
        : undefined;
  return words && `[${words}]`;
}

const EXIT_REASON = 0x4402;
const INSTRUCTION_ERROR = 0x4400;

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
