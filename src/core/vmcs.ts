/** Reading and writing a VMCS region from outside the processor: the debugger's view of the current VMCS or of any other. */
import { vmcsField, vmcsFields, type FieldType, type VmcsField } from './tables/fields';
import { ABORT, LAUNCH_STATE, REGION_BYTES, REVISION, fieldBytes, fieldOffset } from './tables/layout';

/** A copy or a window of the 4096 bytes at a VMCS's address. */
export type VmcsRegion = Uint8Array;

const view = (region: VmcsRegion): DataView => new DataView(region.buffer, region.byteOffset, REGION_BYTES);

function field(encoding: number): VmcsField {
  const row = vmcsField(encoding);
  if (!row) throw new RangeError(`There is no VMCS field 0x${encoding.toString(16)}`);
  return row;
}

/** Value of the field with that encoding; of its high half if bit 0 is set. A RangeError for an encoding not in the table. */
export function readVmcsField(region: VmcsRegion, encoding: number): bigint {
  const data = view(region),
    row = field(encoding),
    at = fieldOffset(encoding);
  switch (fieldBytes(row.width)) {
    case 2:
      return BigInt(data.getUint16(at, true));
    case 4:
      return BigInt(data.getUint32(at, true));
    default:
      return encoding & 1 ? BigInt(data.getUint32(at + 4, true)) : data.getBigUint64(at, true);
  }
}

/** Stores `value`, cut to the field's width. */
export function writeVmcsField(region: VmcsRegion, encoding: number, value: bigint): void {
  const data = view(region),
    row = field(encoding),
    at = fieldOffset(encoding);
  switch (fieldBytes(row.width)) {
    case 2:
      return data.setUint16(at, Number(value & 0xffffn), true);
    case 4:
      return data.setUint32(at, Number(value & 0xffffffffn), true);
    default:
      return encoding & 1
        ? data.setUint32(at + 4, Number(value & 0xffffffffn), true)
        : data.setBigUint64(at, value & 0xffffffffffffffffn, true);
  }
}

/** What stands before the fields. */
export function readVmcsHeader(region: VmcsRegion): { revision: number; abort: number; launched: boolean } {
  const data = view(region);
  return {
    revision: data.getUint32(REVISION, true),
    abort: data.getUint32(ABORT, true),
    launched: data.getUint32(LAUNCH_STATE, true) === 1,
  };
}

export interface VmcsGroup {
  name: 'Guest state' | 'Host state' | 'Controls' | 'Exit information';
  fields: readonly VmcsField[];
}

const group = (name: VmcsGroup['name'], type: FieldType): VmcsGroup => ({
  name,
  fields: vmcsFields.filter(row => row.type === type && row.supported),
});

/** The fields that exist, in the groups of the VMCS view. */
export const vmcsGroups: readonly VmcsGroup[] = [
  group('Guest state', 'guest state'),
  group('Host state', 'host state'),
  group('Controls', 'control'),
  group('Exit information', 'read-only data'),
];
