/**
 * Where the fields lie in a VMCS region. The manual leaves this to the processor (SDM 3C 24.2): software sees only the
 * first two doublewords. Every combination of width and type has a block of slots, so that a field's place depends on its
 * encoding alone and saved regions stay readable when fields are added.
 *
 *   0x000 revision identifier   0x004 VMX-abort indicator   0x008 launch state (0 clear, 1 launched)
 *   0x040 16-bit fields         0x140 32-bit fields         0x340 natural-width fields
 *   0x740 64-bit controls       0x940 64-bit read-only, guest and host fields
 */
import type { FieldWidth } from './fields';

export const REGION_BYTES = 4096;
export const REVISION = 0x000;
export const ABORT = 0x004;
export const LAUNCH_STATE = 0x008;

const SLOTS = 32;
const blocks = { 16: 0x040, 32: 0x140, natural: 0x340, 64: 0x740 } as const;
const widths: FieldWidth[] = [16, 64, 32, 'natural'];

/** Bytes that a field of that width takes. */
export function fieldBytes(width: FieldWidth): number {
  return width === 'natural' ? 8 : width / 8;
}

/** Byte offset in the VMCS region of the field with that encoding. */
export function fieldOffset(encoding: number): number {
  const width = widths[(encoding >> 13) & 3];
  const type = (encoding >> 10) & 3;
  // 64-bit controls are the one block with more than 32 fields.
  const slotsBefore = width === 64 && type > 0 ? (type + 1) * SLOTS : type * SLOTS;
  return blocks[width] + (slotsBefore + ((encoding >> 1) & 0x1ff)) * fieldBytes(width);
}
