/** Page-directory-pointer-table entries of PAE paging at VM entry and exit (SDM 3C 26.3.1.6, 26.3.2.4, 27.5.4; 3A 4.4.1). */
import { State } from '../generated/state.generated';
import { Secondary } from '../generated/controls.generated';
import { Vmcs } from '../generated/fields.generated';
import { PHYSICAL_RESERVED } from '../layout';
import { readPhysical } from '../physical';

/** Bits 2:1, 8:5 and those beyond the physical-address width must be 0 in a present entry. */
const RESERVED: u64 = 0xfff00000000001e6 | PHYSICAL_RESERVED;

@inline export function isPdpte(entry: u64): bool { return (entry & 1) == 0 || (entry & RESERVED) == 0; }

/** Physical address of entry `n` of the table at `cr3`. */
@inline function entryAddress(cr3: u64, n: u32): u64 { return (cr3 & 0xffffffe0) + <u64>(n << 3); }

/** Entry `n` (0-3) that a VM entry with EPT takes from the VMCS, or one without from memory. */
export function guestPdpte(vmcs: usize, n: u32, ept: bool): u64 {
  if (ept) return load<u64>(vmcs + (<usize>n << 3), Vmcs.GUEST_PDPTE0);
  return readPhysical<u64>(entryAddress(load<u64>(vmcs, Vmcs.GUEST_CR3), n));
}

/** Takes the guest's entries, which have passed their check. The controls' copies are in the state already. */
export function loadPdptes(vmcs: usize): void {
  const ept = (load<u32>(State.SECONDARY_CONTROLS) & Secondary.ENABLE_EPT) != 0;
  for (let n: u32 = 0; n < 4; n++) store<u64>(<usize>State.PDPTE0 + (<usize>n << 3), guestPdpte(vmcs, n, ept));
}

/** Takes the host's entries from memory at `cr3`; false if one has a reserved bit set (a VMX abort). */
export function loadHostPdptes(cr3: u64): bool {
  for (let n: u32 = 0; n < 4; n++) {
    const entry = readPhysical<u64>(entryAddress(cr3, n));
    if (!isPdpte(entry)) return false;
    store<u64>(<usize>State.PDPTE0 + (<usize>n << 3), entry);
  }
  return true;
}
