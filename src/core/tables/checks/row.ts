/** A check that VM entry makes, as a row of the table that explains failures. */

/** How a failing check shows (SDM 3C 26.2, 26.8). */
export type CheckFailure =
  | '#UD'
  | '#GP(0)'
  | 'VMfailInvalid'
  | 'VMfailValid 4'
  | 'VMfailValid 5'
  | 'VMfailValid 7'
  | 'VMfailValid 8'
  | 'VMfailValid 26'
  | 'exit 33'
  | 'exit 34';

export interface EntryCheck {
  /** Group × 100 + number in the group: the order in which the manual lists the checks. */
  id: number;
  /** Constant name. */
  name: string;
  group: number;
  /** Section of SDM volume 3C. */
  section: string;
  failure: CheckFailure;
  /** Names of the VMCS fields that the check is about; the one that failed is in State.ENTRY_FIELD. */
  fields: readonly string[];
  /** The rule in plain words. */
  rule: string;
  /** What would be legal. */
  legal: string;
  /** Bits of the field that must be 0 or 1, where the rule is that simple. */
  zeros?: bigint;
  ones?: bigint;
  /** Exit qualification of an `exit 33` (SDM 3C 26.8); 0 when absent. */
  qualification?: number;
  /** False when VM entry cannot fail on it here; `because` says why. */
  enforced: boolean;
  because?: string;
}

/** What a group's rows share. */
export interface CheckGroup {
  group: number;
  section: string;
  failure: CheckFailure;
}

export interface CheckText {
  name: string;
  /** Space-separated field names. */
  fields: string;
  rule: string;
  legal: string;
  zeros?: bigint;
  ones?: bigint;
  qualification?: number;
  /** Why the check is not enforced. */
  because?: string;
}

/** Numbers the rows of a group. */
export function checkGroup(shared: CheckGroup, ...texts: CheckText[]): EntryCheck[] {
  return texts.map((text, n) => ({
    ...shared,
    ...text,
    id: shared.group * 100 + n + 1,
    fields: text.fields ? text.fields.split(' ') : [],
    enforced: text.because === undefined,
  }));
}

/** For checks that concern a control which the capability MSRs do not allow: an earlier check refuses the control. */
export const notAnnounced = (control: string): string => `"${control}" is not announced`;
