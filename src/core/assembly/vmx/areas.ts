/** MSR areas: lists of {index u32, reserved u32, value u64} in physical memory (SDM 3C 24.7.2, 24.8.2, 26.4, 27.4, 27.6). */
import { State } from '../generated/state.generated';
import { Check } from '../generated/checks.generated';
import { readMsr, writeMsr } from '../msr';
import { readPhysical, writePhysical } from '../physical';

/** Why entry of an area cannot be loaded: a row of the entry checks, or 0 after loading it. */
function loadEntry(at: u64): u32 {
  const index = readPhysical<u32>(at);
  if (readPhysical<u32>(at + 4)) return Check.MSR_LOAD_RESERVED;
  if (index == 0xc0000100 || index == 0xc0000101) return Check.MSR_LOAD_FS_GS_BASE;
  if (index >> 8 == 8) return Check.MSR_LOAD_X2APIC;
  if (index == 0x9b || index == 0x9e) return Check.MSR_LOAD_SMM; // IA32_SMM_MONITOR_CTL, IA32_SMBASE
  return writeMsr(index, readPhysical<u64>(at + 8)) ? 0 : Check.MSR_LOAD_REFUSED;
}

/** Number of the entry that the last loadArea refused, from 1. */
export let refusedEntry: u32 = 0;

/** Loads `count` MSRs from the area at `address`. 0, or the row of the entry checks that refused one. */
export function loadArea(address: u64, count: u32): u32 {
  for (let n: u32 = 0; n < count; n++) {
    const check = loadEntry(address + (<u64>n << 4));
    if (check) {
      refusedEntry = n + 1;
      return check;
    }
  }
  return 0;
}

/** Stores `count` MSRs into the area at `address`; false if one cannot be read (VMX abort 1). */
export function storeArea(address: u64, count: u32): bool {
  for (let n: u32 = 0; n < count; n++) {
    const at = address + (<u64>n << 4);
    const index = readPhysical<u32>(at);
    if (readPhysical<u32>(at + 4) || index >> 8 == 8 || index == 0x9e || !readMsr(index)) return false;
    writePhysical<u64>(at + 8, load<u64>(State.SCRATCH));
  }
  return true;
}
