/** VM-execution, VM-exit and VM-entry control fields (SDM 3C 26.2.1). False: a check failed, VMfailValid(7). */
import { CR3_TARGETS } from '../../generated/capabilities.generated';
import { Check } from '../../generated/checks.generated';
import {
  ENTRY_MUST_BE_1, EXIT_MUST_BE_1, Exit, PIN_MUST_BE_1,
  PRIMARY_MUST_BE_1, Pin, Primary, Secondary,
} from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { ENTRY_ALLOWED, EXIT_ALLOWED, PIN_ALLOWED, PRIMARY_ALLOWED, SECONDARY_ALLOWED } from '../../layout';
import { isPage, withinWidth } from '../region';
import { injectionSound } from './injection';
import { reject } from './reject';

/** Secondary controls count as 0 unless they are activated (SDM 3C 24.6.2). */
@inline export function secondaryInEffect(vmcs: usize): u32 {
  return load<u32>(vmcs, Vmcs.PRIMARY_CONTROLS) & Primary.ACTIVATE_SECONDARY_CONTROLS ? load<u32>(vmcs, Vmcs.SECONDARY_CONTROLS) : 0;
}

export function executionControlsSound(vmcs: usize): bool {
  const pin = load<u32>(vmcs, Vmcs.PIN_CONTROLS), primary = load<u32>(vmcs, Vmcs.PRIMARY_CONTROLS);
  const secondary = secondaryInEffect(vmcs);
  if (~pin & PIN_MUST_BE_1 && reject(Check.PIN_MUST_BE_1, Field.PIN_CONTROLS, pin)) return false;
  if (pin & ~load<u32>(PIN_ALLOWED) && reject(Check.PIN_MUST_BE_0, Field.PIN_CONTROLS, pin)) return false;
  if (~primary & PRIMARY_MUST_BE_1 && reject(Check.PRIMARY_MUST_BE_1, Field.PRIMARY_CONTROLS, primary)) return false;
  if (primary & ~load<u32>(PRIMARY_ALLOWED) && reject(Check.PRIMARY_MUST_BE_0, Field.PRIMARY_CONTROLS, primary)) return false;
  if (secondary & ~load<u32>(SECONDARY_ALLOWED) && reject(Check.SECONDARY_MUST_BE_0, Field.SECONDARY_CONTROLS, secondary)) return false;

  const targets = load<u32>(vmcs, Vmcs.CR3_TARGET_COUNT);
  if (targets > CR3_TARGETS && reject(Check.CR3_TARGET_COUNT, Field.CR3_TARGET_COUNT, targets)) return false;
  if (primary & Primary.USE_IO_BITMAPS) {
    const a = load<u64>(vmcs, Vmcs.IO_BITMAP_A), b = load<u64>(vmcs, Vmcs.IO_BITMAP_B);
    if (!isPage(a) && reject(Check.IO_BITMAP_A, Field.IO_BITMAP_A, a)) return false;
    if (!isPage(b) && reject(Check.IO_BITMAP_B, Field.IO_BITMAP_B, b)) return false;
  }
  if (primary & Primary.USE_MSR_BITMAPS) {
    const bitmaps = load<u64>(vmcs, Vmcs.MSR_BITMAPS);
    if (!isPage(bitmaps) && reject(Check.MSR_BITMAPS, Field.MSR_BITMAPS, bitmaps)) return false;
  }
  if (!(pin & Pin.NMI_EXITING) && pin & Pin.VIRTUAL_NMIS && reject(Check.VIRTUAL_NMIS_WITHOUT_NMI_EXITING, Field.PIN_CONTROLS, pin)) return false;
  if (!(pin & Pin.VIRTUAL_NMIS) && primary & Primary.NMI_WINDOW_EXITING && reject(Check.NMI_WINDOW_WITHOUT_VIRTUAL_NMIS, Field.PRIMARY_CONTROLS, primary)) return false;
  if (secondary & Secondary.ENABLE_VPID) {
    const vpid = load<u16>(vmcs, Vmcs.VPID);
    if (vpid == 0 && reject(Check.VPID_ZERO, Field.VPID, vpid)) return false;
  }
  if (secondary & Secondary.ENABLE_EPT) return eptPointerSound(load<u64>(vmcs, Vmcs.EPTP));
  return !(secondary & Secondary.UNRESTRICTED_GUEST) || !reject(Check.UNRESTRICTED_WITHOUT_EPT, Field.SECONDARY_CONTROLS, secondary);
}

function eptPointerSound(eptp: u64): bool {
  const type = eptp & 7;
  if (type != 0 && type != 6 && reject(Check.EPTP_MEMORY_TYPE, Field.EPTP, eptp)) return false;
  if (((eptp >> 3) & 7) != 3 && reject(Check.EPTP_WALK_LENGTH, Field.EPTP, eptp)) return false;
  if (eptp & 0xf80 && reject(Check.EPTP_RESERVED, Field.EPTP, eptp)) return false;
  return withinWidth(eptp) || !reject(Check.EPTP_ADDRESS, Field.EPTP, eptp);
}

export function exitControlsSound(vmcs: usize): bool {
  const exit = load<u32>(vmcs, Vmcs.EXIT_CONTROLS);
  if (~exit & EXIT_MUST_BE_1 && reject(Check.EXIT_MUST_BE_1, Field.EXIT_CONTROLS, exit)) return false;
  if (exit & ~load<u32>(EXIT_ALLOWED) && reject(Check.EXIT_MUST_BE_0, Field.EXIT_CONTROLS, exit)) return false;
  const timer = load<u32>(vmcs, Vmcs.PIN_CONTROLS) & Pin.ACTIVATE_PREEMPTION_TIMER;
  if (!timer && exit & Exit.SAVE_PREEMPTION_TIMER && reject(Check.SAVE_TIMER_WITHOUT_TIMER, Field.EXIT_CONTROLS, exit)) return false;
  const stores = load<u32>(vmcs, Vmcs.EXIT_MSR_STORE_COUNT), loads = load<u32>(vmcs, Vmcs.EXIT_MSR_LOAD_COUNT);
  return (
    areaSound(stores, load<u64>(vmcs, Vmcs.EXIT_MSR_STORE_ADDRESS), Field.EXIT_MSR_STORE_ADDRESS, Check.EXIT_STORE_AREA_ALIGNMENT, Check.EXIT_STORE_AREA_END) &&
    areaSound(loads, load<u64>(vmcs, Vmcs.EXIT_MSR_LOAD_ADDRESS), Field.EXIT_MSR_LOAD_ADDRESS, Check.EXIT_LOAD_AREA_ALIGNMENT, Check.EXIT_LOAD_AREA_END)
  );
}

export function entryControlsSound(vmcs: usize): bool {
  const entry = load<u32>(vmcs, Vmcs.ENTRY_CONTROLS);
  if (~entry & ENTRY_MUST_BE_1 && reject(Check.ENTRY_MUST_BE_1, Field.ENTRY_CONTROLS, entry)) return false;
  if (entry & ~load<u32>(ENTRY_ALLOWED) && reject(Check.ENTRY_MUST_BE_0, Field.ENTRY_CONTROLS, entry)) return false;
  if (!injectionSound(vmcs)) return false;
  const loads = load<u32>(vmcs, Vmcs.ENTRY_MSR_LOAD_COUNT);
  return areaSound(loads, load<u64>(vmcs, Vmcs.ENTRY_MSR_LOAD_ADDRESS), Field.ENTRY_MSR_LOAD_ADDRESS, Check.ENTRY_LOAD_AREA_ALIGNMENT, Check.ENTRY_LOAD_AREA_END);
}

/** An MSR area of `count` entries at `address`; `alignment` and `end` are its rows. */
function areaSound(count: u32, address: u64, field: u32, alignment: u32, end: u32): bool {
  if (!count) return true;
  if ((address & 15 || !withinWidth(address)) && reject(alignment, field, address)) return false;
  return withinWidth(address + (<u64>count << 4) - 1) || !reject(end, field, address);
}
