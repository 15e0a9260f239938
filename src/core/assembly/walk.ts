/**
 * The one page walker. It follows the paging structures that a request names and records every entry that it visits:
 *
 *   linear ──► PML4E ──► PDPTE ──► PDE ──► PTE ──► guest-physical ──► (EPT: 4 more) ──► host-physical
 *                 each of these entries lies at a guest-physical address, which EPT translates first
 *
 * With EPT a 4-level walk of a 4-KByte page makes 24 references: 4 guest entries, 5 x 4 EPT entries.
 * It has no side effects: `commit` sets accessed and dirty bits from the record afterwards, and whoever called raises the
 * fault. Formats: SDM 3A chapter 4 (32-bit, PAE, 4-level), SDM 3C 28.2 (EPT).
 */
import { MAXPHYADDR, PAGE_RAM, PHYSICAL_RESERVED, RAM, WALK_STEPS, WALK_STEPS_END } from './layout';
import { pageFlags, readPhysical, touch } from './physical';
import { Feature, has } from './generated/features.generated';
import { CR0_PG, CR0_WP, CR4_PAE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE } from './context';

export const READ: u32 = 0;
export const WRITE: u32 = 1;
export const EXECUTE: u32 = 2;
export const ACCESS: u32 = 3;
/** CPL 3, or a supervisor walk on behalf of the processor (descriptor tables): implicit. */
export const USER: u32 = 4;
export const IMPLICIT: u32 = 8;
/** RFLAGS.AC: explicit supervisor accesses may touch user pages under SMAP. */
export const AC_SET: u32 = 16;
/** The linear address is valid for EPT exit qualification (all but PDPTE loads). */

/** A request: whose tables. The processor fills it from its state, the debugger from whatever it looks at. */
export let requestCr0: u64 = 0;
export let requestCr3: u64 = 0;
export let requestCr4: u64 = 0;
export let requestEfer: u64 = 0;
export let requestEptp: u64 = 0;
/** PAE: host address of the four PDPTEs (registers, SDM 3A 4.4.1). */
export let requestPdptes: usize = 0;
export function request(cr0: u64, cr3: u64, cr4: u64, efer: u64, eptp: u64, pdptes: usize): void {
  requestCr0 = cr0; requestCr3 = cr3; requestCr4 = cr4; requestEfer = efer; requestEptp = eptp; requestPdptes = pdptes;
}

/** Of the page that the last walk found: size less one; RW and US of all levels, and the bits below. */
export let leafMask: u64 = 0;
export let leafRights: u32 = 0;
/** Execute-disable at some level; dirty and global as the last entry had them. */
const LEAF_NX: u32 = 8;
export const LEAF_D: u32 = 0x40;
export const LEAF_G: u32 = 0x100;

export const enum Outcome { Ok = 0, PageFault = 1, EptViolation = 2, EptMisconfiguration = 3 }
/** The answer to the last walk. */
export let outcome: u32 = 0;
/** Page-fault error code, or EPT-violation exit qualification. */
export let code: u64 = 0;
export let guestPhysical: u64 = 0;
export let hostPhysical: u64 = 0;

/**
 * Steps: 40 bytes: dimension u8 (0 guest, 1 EPT), level u8 (4..1), verdict u8, format u8 (entry bytes), reference u32,
 * entry host-physical u64, entry guest-physical u64, value u64, EPT rights on the entry's own page u64 (guest entries).
 */
export const STEP_BYTES: usize = 40;
export const enum Verdict { Next = 0, Page = 1, NotPresent = 2, Reserved = 3, Denied = 4, Misconfigured = 5 }
let steps: usize = WALK_STEPS;
export let references: u32 = 0;
export function stepCount(): u32 { return <u32>((steps - WALK_STEPS) / STEP_BYTES); }

function step(dimension: u8, level: u8, bytes: u8, host: u64, guest: u64, value: u64, rights: u64): usize {
  const at = steps;
  if (at + STEP_BYTES > WALK_STEPS_END) return at - STEP_BYTES;
  steps += STEP_BYTES;
  store<u8>(at, dimension);
  store<u8>(at, level, 1);
  store<u8>(at, Verdict.Next, 2);
  store<u8>(at, bytes, 3);
  store<u32>(at, ++references, 4);
  store<u64>(at, host, 8);
  store<u64>(at, guest, 16);
  store<u64>(at, value, 24);
  store<u64>(at, rights, 32);
  return at;
}

// Paging-structure entries, SDM 3A 4.5.
const P: u64 = 1, RW: u64 = 2, US: u64 = 4, A: u64 = 0x20, D: u64 = 0x40, PS: u64 = 0x80, NX: u64 = 1 << 63;
const FRAME: u64 = 0x000ffffffffff000;
/** 4-MByte pages: bits 20:13 are address bits 39:32; those from the physical-address width on are reserved, and bit 21. */
const PSE36_RESERVED: u64 = (1 << 21) | ((0xff << <u64>(MAXPHYADDR - 32 + 13)) & 0x1fe000);
// Page-fault error code, SDM 3A 4.7.
const E_P: u64 = 1, E_W: u64 = 2, E_U: u64 = 4, E_R: u64 = 8, E_I: u64 = 16;

function pageFaulted(at: usize, verdict: u32, error: u64): bool {
  if (at) store<u8>(at, <u8>verdict, 2);
  outcome = Outcome.PageFault;
  code = error;
  return false;
}

/** Walks `linear` for `access` (READ, WRITE or EXECUTE, with USER, IMPLICIT, AC_SET). True: `hostPhysical` is valid. */
export function walk(linear: u64, access: u32): bool {
  steps = WALK_STEPS;
  references = 0;
  outcome = Outcome.Ok;
  leafRights = 0;
  const kind = access & ACCESS;
  if (!(requestCr0 & CR0_PG)) {
    guestPhysical = linear & 0xffffffff;
    return translate(guestPhysical, kind, true, 0);
  }
  const long = (requestEfer & EFER_LMA) != 0, pae = (requestCr4 & CR4_PAE) != 0;
  const bytes: u8 = pae ? 8 : 4;
  const user = (access & USER) != 0;
  const nxe = (requestEfer & EFER_NXE) != 0 && pae;
  const error: u64 = (kind == WRITE ? E_W : 0) | (user ? E_U : 0) | (kind == EXECUTE && (nxe || (requestCr4 & CR4_SMEP) != 0) ? E_I : 0);
  let table = requestCr3 & (long ? FRAME : pae ? 0xffffffe0 : 0xfffff000);
  let level: u8 = long ? 4 : pae ? 3 : 2;
  let rights: u64 = RW | US;
  let noExecute = false;
  if (!long && pae) {
    // The PDPTEs are registers: no memory reference, no rights (SDM 3A 4.4.1).
    const pdpte = load<u64>(requestPdptes + (<usize>(linear >> 30) & 3) * 8);
    if (!(pdpte & P)) return pageFaulted(0, 0, error);
    table = pdpte & FRAME;
    level = 2;
  }
  const indexBits: u64 = pae ? 9 : 10;
  while (true) {
    const low = 12 + indexBits * <u64>(level - 1);
    const entryGuest = table + ((linear >> low) & ((1 << indexBits) - 1)) * <u64>bytes;
    // With EPT accessed and dirty flags on, the walk's own reads count as writes (SDM 3C 28.2.4).
    if (!translate(entryGuest, requestEptp & 0x40 ? WRITE : READ, false, linear)) return false;
    const entryHost = hostPhysical, eptRights = lastRights;
    const value = bytes == 8 ? readPhysical<u64>(entryHost) : <u64>readPhysical<u32>(entryHost);
    const at = step(0, level, bytes, entryHost, entryGuest, value, eptRights);
    if (!(value & P)) return pageFaulted(at, Verdict.NotPresent, error);
    const large = (value & PS) != 0 && ((pae && (level == 2 || (level == 3 && long))) || (!pae && level == 2 && (requestCr4 & CR4_PSE) != 0));
    let reserved: u64 = 0;
    if (pae) {
      reserved = PHYSICAL_RESERVED | (nxe ? 0 : NX);
      if (!long) reserved |= 0x7ff0000000000000;
      if (level == 4) reserved |= PS;
      else if (level == 3 && large) reserved |= has(Feature.PAGE1GB) ? 0x3fffe000 : PS;
      else if (level == 2 && large) reserved |= 0x1fe000;
    } else if (large) reserved = has(Feature.PSE_36) ? PSE36_RESERVED : 0x3fe000;
    if (value & reserved) return pageFaulted(at, Verdict.Reserved, error | E_P | E_R);
    rights &= value;
    if (nxe && value & NX) noExecute = true;
    if (level == 1 || large) {
      const mask = (<u64>1 << low) - 1;
      let frame = value & FRAME & ~mask;
      if (!pae) frame = large ? (value & 0xffc00000) | ((value & 0x1fe000) << 19) : value & 0xfffff000;
      guestPhysical = frame | (linear & mask);
      leafMask = mask;
      leafRights = <u32>(rights & (RW | US)) | (noExecute ? LEAF_NX : 0) | <u32>(value & (LEAF_D | LEAF_G));
      if (!permitted(access, leafRights)) return pageFaulted(at, Verdict.Denied, error | E_P);
      store<u8>(at, Verdict.Page, 2);
      return translate(guestPhysical, kind, true, linear);
    }
    table = value & (pae ? FRAME : 0xfffff000);
    level--;
  }
}

/** Whether a page with `rights` (LEAF_ bits, RW and US) may be accessed like that (SDM 3A 4.6). */
export function permitted(access: u32, rights: u32): bool {
  const kind = access & ACCESS, userPage = (rights & <u32>US) != 0;
  if (kind == EXECUTE && rights & LEAF_NX) return false;
  if (access & USER) return userPage && (kind != WRITE || (rights & <u32>RW) != 0);
  if (kind == WRITE && !(rights & <u32>RW) && requestCr0 & CR0_WP) return false;
  if (!userPage) return true;
  if (kind == EXECUTE) return (requestCr4 & CR4_SMEP) == 0;
  return !(requestCr4 & CR4_SMAP) || (!(access & IMPLICIT) && (access & AC_SET) != 0);
}

// EPT entries, SDM 3C 28.2.2.
const EPT_R: u64 = 1, EPT_W: u64 = 2, EPT_X: u64 = 4, EPT_A: u64 = 0x100, EPT_D: u64 = 0x200;
/** AND of the rights of the EPT entries of the last guest-physical translation; all when EPT is off. */
let lastRights: u64 = 7;

/** The answer for `linear` comes from a kept translation: nothing was visited. */
export function answered(host: u64): void {
  steps = WALK_STEPS;
  references = 0;
  outcome = Outcome.Ok;
  guestPhysical = host;
  hostPhysical = host;
}

/** Walks guest-physical `address` alone, for an access of `kind`. */
export function walkGuestPhysical(address: u64, kind: u32): bool {
  steps = WALK_STEPS;
  references = 0;
  outcome = Outcome.Ok;
  guestPhysical = address;
  return translate(address, kind, true, 0);
}

/** The translation concerned no linear address. */
export function clearLinearValid(): void { code &= ~<u64>0x180; }

/** Guest-physical to host-physical. `final`: the data access itself, not a reference of the guest's walk. */
function translate(address: u64, kind: u32, final: bool, linear: u64): bool {
  lastRights = 7;
  if (!requestEptp) { hostPhysical = address; return true; }
  const dirtyFlags = (requestEptp & 0x40) != 0;
  let table = requestEptp & FRAME;
  let rights: u64 = 7;
  let level: u8 = 4;
  if (address >> 48) return eptViolated(0, kind, final, 0, address);
  while (true) {
    const low: u64 = 12 + 9 * <u64>(level - 1);
    const entry = table + ((address >> low) & 511) * 8;
    const value = readPhysical<u64>(entry);
    const at = step(1, level, 8, entry, address, value, 7);
    const present = value & 7;
    if (!present) return eptViolated(at, kind, final, 0, address);
    const large = (value & PS) != 0 && level <= 3 && level > 1;
    const leaf = level == 1 || large;
    let reserved: u64 = PHYSICAL_RESERVED;
    if (!leaf) reserved |= level == 4 ? 0xf8 : 0x78;
    else if (level == 3) reserved |= 0x3ffff000;
    else if (level == 2) reserved |= 0x1ff000;
    const type = (value >> 3) & 7;
    // W without R, or X without R (execute-only is announced, so only W without R), reserved bits, memory types 2, 3, 7.
    if ((present & 3) == EPT_W || (value & reserved) != 0 || (leaf && (type == 2 || type == 3 || type == 7))) {
      store<u8>(at, Verdict.Misconfigured, 2);
      outcome = Outcome.EptMisconfiguration;
      code = 0;
      guestPhysical = address;
      return false;
    }
    rights &= present;
    if (leaf) {
      const needed: u64 = kind == READ ? EPT_R : kind == WRITE ? EPT_W | (final ? 0 : EPT_R) : EPT_X;
      if ((rights & needed) != needed) return eptViolated(at, kind, final, rights, address);
      const mask = (<u64>1 << low) - 1;
      hostPhysical = (value & FRAME & ~mask) | (address & mask);
      lastRights = rights;
      // Noted for commit(): this leaf becomes dirty with a write.
      store<u8>(at, Verdict.Page, 2);
      store<u64>(at, kind == WRITE && dirtyFlags ? EPT_D | EPT_A : dirtyFlags ? EPT_A : 0, 32);
      return true;
    }
    store<u64>(at, dirtyFlags ? EPT_A : 0, 32);
    table = value & FRAME;
    level--;
  }
}

/** Exit qualification of an EPT violation, SDM 3C table 27-7. */
function eptViolated(at: usize, kind: u32, final: bool, rights: u64, address: u64): bool {
  if (at) store<u8>(at, rights ? Verdict.Denied : Verdict.NotPresent, 2);
  outcome = Outcome.EptViolation;
  // The walk's own writes of accessed and dirty flags; with EPT accessed and dirty flags its reads count as writes too.
  let q: u64 = kind == READ ? 1 : kind == WRITE ? (final || !(requestEptp & 0x40) ? 2 : 3) : 4;
  q |= rights << 3;
  q |= 0x80;
  if (final) q |= 0x100;
  code = q;
  guestPhysical = address;
  return false;
}

/**
 * Sets the accessed and dirty bits of the walk just made, for a write when `kind` is WRITE. False: the guest's tables may
 * not be written under EPT; the outcome is then an EPT violation.
 */
export function commit(kind: u32): bool {
  const end = steps;
  for (let at = WALK_STEPS; at < end; at += STEP_BYTES) {
    const host = load<u64>(at, 8), value = load<u64>(at, 24);
    if (load<u8>(at)) {
      const wanted = load<u64>(at, 32);
      if ((value & wanted) != wanted) set(host, 8, value | wanted);
      continue;
    }
    const page = load<u8>(at, 2) == Verdict.Page;
    const wanted: u64 = A | (page && kind == WRITE ? D : 0);
    if ((value & wanted) == wanted) continue;
    if (!(load<u64>(at, 32) & EPT_W)) return eptViolated(0, WRITE, false, load<u64>(at, 32), load<u64>(at, 16));
    set(host, load<u8>(at, 3), value | wanted);
  }
  return true;
}
function set(host: u64, bytes: u8, value: u64): void {
  if (!(pageFlags(host) & PAGE_RAM)) return;
  touch(host, bytes);
  if (bytes == 8) store<u64>(RAM + <usize>host, value); else store<u32>(RAM + <usize>host, <u32>value);
}
