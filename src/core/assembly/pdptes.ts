/** PAE paging keeps its four page-directory-pointer entries in registers, loaded with CR3 (SDM 3A 4.4.1). */
import { State } from './generated/state.generated';
import { Vector, faultCode } from './fault';
import { readPhysical } from './physical';
import { currentGuestPhysical } from './tlb';
import { isPdpte } from './vmx/pdpte';

/** Reads the four entries at guest-physical `cr3`; false with #GP(0) or an EPT fault noted, and nothing changed. */
export function loadPdptesFrom(cr3: u64): bool {
  for (let pass = 0; pass < 2; pass++) {
    for (let n: u32 = 0; n < 4; n++) {
      const host = currentGuestPhysical((cr3 & 0xffffffe0) + <u64>(n << 3));
      if (host == u64.MAX_VALUE) return false;
      const entry = readPhysical<u64>(host);
      if (!isPdpte(entry)) { faultCode(Vector.GP, 0); return false; }
      if (pass) store<u64>(<usize>State.PDPTE0 + (<usize>n << 3), entry);
    }
  }
  return true;
}
