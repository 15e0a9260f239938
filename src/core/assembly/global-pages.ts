/**
 * Translations of global pages (SDM 3A 4.10.2.4): they outlive MOV to CR3 and hold for every process-context identifier,
 * until INVLPG, INVPCID, a change of CR4.PGE or of the VPID's translations. 256 entries of 4 KBytes of linear memory:
 *
 *   0 u64 linear page, all ones when free    8 u64 host-physical page    16 u64 size of the whole page, large or small, less one
 *  24 u32 rights    28 u32 VPID    32 u32 processor
 *
 * Not kept under EPT, where CR3 loads drop them with the rest; that is allowed.
 */
import { State } from './generated/state.generated';
import { GLOBAL_PAGES, PAGE_MASK } from './layout';

const ENTRIES: usize = 256;
const BYTES: usize = 40;
const FREE: u64 = u64.MAX_VALUE;

@inline function entryFor(linear: u64): usize { return GLOBAL_PAGES + (<usize>(linear >> 12) & (ENTRIES - 1)) * BYTES; }
@inline function isMine(e: usize): bool { return load<u32>(e, 28) == load<u32>(State.VPID) && load<u32>(e, 32) == load<u32>(State.PROCESSOR); }

/** Keeps the translation of `linear` to `host`, in a page of `mask` + 1 bytes; `rights` as the walker has them. */
export function keepGlobal(linear: u64, host: u64, mask: u64, rights: u32): void {
  if (load<u64>(State.EPTP)) return;
  const e = entryFor(linear);
  store<u64>(e, linear & PAGE_MASK);
  store<u64>(e, host & PAGE_MASK, 8);
  store<u64>(e, mask, 16);
  store<u32>(e, rights, 24);
  store<u32>(e, load<u32>(State.VPID), 28);
  store<u32>(e, load<u32>(State.PROCESSOR), 32);
}
/** The kept translation of `linear`: its entry, or 0. */
export function findGlobal(linear: u64): usize {
  const e = entryFor(linear);
  return load<u64>(e) == (linear & PAGE_MASK) && isMine(e) && !load<u64>(State.EPTP) ? e : 0;
}
@inline export function globalHost(e: usize): u64 { return load<u64>(e, 8); }
@inline export function globalRights(e: usize): u32 { return load<u32>(e, 24); }

/** Forgets the page that holds `linear`. */
export function forgetGlobal(linear: u64): void {
  for (let n: usize = 0; n < ENTRIES; n++) {
    const e = GLOBAL_PAGES + n * BYTES;
    if (load<u64>(e) != FREE && isMine(e) && ((linear ^ load<u64>(e)) & ~load<u64>(e, 16)) == 0) store<u64>(e, FREE);
  }
}
/** Forgets those of VPID `vpid` on this processor. */
export function forgetGlobals(vpid: u32): void {
  for (let n: usize = 0; n < ENTRIES; n++) {
    const e = GLOBAL_PAGES + n * BYTES;
    if (load<u32>(e, 28) == vpid && load<u32>(e, 32) == load<u32>(State.PROCESSOR)) store<u64>(e, FREE);
  }
}
export function forgetAllGlobals(): void { for (let n: usize = 0; n < ENTRIES; n++) store<u64>(GLOBAL_PAGES + n * BYTES, FREE); }
