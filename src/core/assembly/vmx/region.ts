/** The VMCS region of the current VMCS: a page of guest memory (SDM 3C 24.2), read and written at fixed offsets. */
import { State } from '../generated/state.generated';
import { MAXPHYADDR } from '../layout';
import { ramPointer, touch } from '../physical';

/** The current-VMCS pointer when there is no current VMCS. */
export const NO_VMCS: u64 = u64.MAX_VALUE;

@inline export function hasCurrentVmcs(): bool { return load<u64>(State.CURRENT_VMCS) != NO_VMCS; }

/** Host pointer of the current VMCS, which lies in RAM because VMPTRLD read its revision identifier there. */
@inline export function currentVmcs(): usize { return ramPointer(load<u64>(State.CURRENT_VMCS)); }

/** Likewise, for writing: the page is noted as changed. */
@inline export function writableVmcs(): usize {
  const pointer = load<u64>(State.CURRENT_VMCS);
  touch(pointer, 4096);
  return ramPointer(pointer);
}

/** Whether `address` is a physical address that this processor can have. */
@inline export function withinWidth(address: u64): bool { return (address >> MAXPHYADDR) == 0; }

/** Whether `address` is that of a page: 4-KByte aligned, within the physical-address width. */
@inline export function isPage(address: u64): bool { return (address & 0xfff) == 0 && withinWidth(address); }
