/** The table of VM-entry checks, in the manual's order. Ids are stable: group × 100 + number within the group. */
import { controlChecks } from './controls';
import { guestRegisterChecks, guestTableChecks } from './guest';
import { guestSegmentChecks } from './guest-segments';
import { guestStateChecks } from './guest-state';
import { hostChecks } from './host';
import { instructionChecks } from './instruction';
import type { EntryCheck } from './row';

export type { CheckFailure, EntryCheck } from './row';

export const entryChecks: readonly EntryCheck[] = [
  ...instructionChecks,
  ...controlChecks,
  ...hostChecks,
  ...guestRegisterChecks,
  ...guestSegmentChecks,
  ...guestTableChecks,
  ...guestStateChecks,
];

const byId = new Map(entryChecks.map(check => [check.id, check]));

/** The row with that id, as State.ENTRY_CHECK holds it. */
export function entryCheck(id: number): EntryCheck | undefined {
  return byId.get(id);
}
