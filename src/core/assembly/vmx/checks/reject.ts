/**
 * Where failing VM-entry checks are noted. VM entry stops at the first; a survey, which the debugger makes of a VMCS
 * before it is entered, goes on and collects every failing row.
 */
import { State } from '../../generated/state.generated';

/** A survey's rows: check u32, field u32, value u64. */
const ROW: usize = 16;
const ROWS: u32 = 256;
const SURVEY: usize = memory.data(4096);
let surveying: bool = false;
let found: u32 = 0;

/** Notes that `check` fails because of `field`, whose value is given. True: the VM entry ends here. */
export function reject(check: u32, field: u32, value: u64): bool {
  if (surveying) {
    if (found == ROWS) return true;
    const row = SURVEY + <usize>found * ROW;
    found++;
    store<u32>(row, check);
    store<u32>(row, field, 4);
    store<u64>(row, value, 8);
    return false;
  }
  store<u32>(State.ENTRY_CHECK, check);
  store<u32>(State.ENTRY_FIELD, field);
  store<u64>(State.ENTRY_VALUE, value);
  return true;
}

/** From now on failing checks are collected. */
export function beginSurvey(): void {
  surveying = true;
  found = 0;
}
/** Ends it; the number of rows found. */
export function endSurvey(): u32 {
  surveying = false;
  return found;
}
/** Address in the core's memory of the rows found. */
export function surveyRows(): usize { return SURVEY; }
