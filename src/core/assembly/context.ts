/**
 * Address spaces and modes. A TLB entry carries the tag of the space and privilege that filled it; links between blocks
 * carry a generation, which also fixes the mode. So VM entries, VM exits and system calls switch without flushing.
 */
import { CONTEXTS, GENERATIONS, TLB_BESIDE_CODE, TLB_BYTES, TLB_CODE_BYTES, TLB_EXECUTE, TLB_READ, TLB_WRITE } from './layout';
import { State } from './generated/state.generated';
import { forgetAllGlobals, forgetGlobals } from './global-pages';
import { AC, VM, flag } from './flags';

export const CR0_PE: u64 = 1;
export const CR0_MP: u64 = 2;
export const CR0_EM: u64 = 4;
export const CR0_TS: u64 = 8;
export const CR0_NE: u64 = 1 << 5;
export const CR0_WP: u64 = 1 << 16;
export const CR0_AM: u64 = 1 << 18;
export const CR0_PG: u64 = 1 << 31;
export const CR4_VME: u64 = 1;
export const CR4_TSD: u64 = 1 << 2;
export const CR4_DE: u64 = 1 << 3;
export const CR4_PSE: u64 = 1 << 4;
export const CR4_PAE: u64 = 1 << 5;
export const CR4_PGE: u64 = 1 << 7;
export const CR4_PCE: u64 = 1 << 8;
export const CR4_OSFXSR: u64 = 1 << 9;
export const CR4_OSXMMEXCPT: u64 = 1 << 10;
export const CR4_OSXSAVE: u64 = 1 << 18;
export const CR4_UMIP: u64 = 1 << 11;
export const CR4_LA57: u64 = 1 << 12;
export const CR4_VMXE: u64 = 1 << 13;
export const CR4_FSGSBASE: u64 = 1 << 16;
export const CR4_PCIDE: u64 = 1 << 17;
export const CR4_SMEP: u64 = 1 << 20;
export const CR4_SMAP: u64 = 1 << 21;
export const EFER_SCE: u64 = 1;
export const EFER_LME: u64 = 1 << 8;
export const EFER_LMA: u64 = 1 << 10;
export const EFER_NXE: u64 = 1 << 11;

/** Variant of a TLB tag for code whose data accesses must be aligned. */
export const ALIGNED: u32 = 3;

/** State.MODE: what decoding depends on. */
export const MODE_CODE: u32 = 3;
export const MODE_32: u32 = 1;
export const MODE_64: u32 = 2;
/** SS.B: 32-bit stack. */
export const MODE_STACK32: u32 = 4;
/** Some data segment is not flat and writable: memory operands need checks. */
export const MODE_CHECK: u32 = 8;
/** Protected mode, not virtual-8086. */
export const MODE_PROTECTED: u32 = 16;
export const MODE_V86: u32 = 32;

const SPACES: u32 = 510;
/**
 * Spaces: 510 entries of 24 bytes: VPID u32, PCID u16 and processor u16 at 4, EPTP u64 at 8. Entry n has tag n << 2. Each
 * holds the translations that one processor made for one process-context identifier (SDM 3A 4.10.1; SDM 3C 28.3.1).
 */
const SPACE_BYTES: usize = 24;
let space: u32 = 0;
let spaces: u32 = 0;
/** The spaces in use: u16 numbers. Few: a hypervisor has one for itself and one for each VPID and EPT pointer. */
const LIVE: usize = CONTEXTS + 0x3000;
let live: u32 = 0;
@inline function liveAt(n: u32): u32 { return <u32>load<u16>(LIVE + (<usize>n << 1)); }
function dropLive(n: u32): void { store<u16>(LIVE + (<usize>n << 1), load<u16>(LIVE + (<usize>(--live) << 1))); }
/** GENERATIONS: 256 entries of 32 bytes: tag u32, mode u32, CS base u64, CS limit u32, generation u32. */
let counter: u32 = 0;
let current: u32 = 0;
@inline export function generation(): u32 { return current; }

@inline export function codeSize(): u32 { return load<u32>(State.MODE) & MODE_CODE; }
@inline export function longCode(): bool { return (load<u32>(State.MODE) & MODE_64) != 0; }
@inline export function protectedMode(): bool { return (load<u32>(State.MODE) & MODE_PROTECTED) != 0; }
@inline export function virtual8086(): bool { return (load<u32>(State.MODE) & MODE_V86) != 0; }
@inline export function longMode(): bool { return (load<u64>(State.IA32_EFER) & EFER_LMA) != 0; }
@inline export function cpl(): u32 { return load<u32>(State.CPL); }
@inline export function nonRoot(): bool { return load<u32>(State.VMX_OPERATION) == 2; }

/** Drops every cached translation of every space. */
export function flushAll(): void {
  memory.fill(TLB_READ, 0xff, TLB_BYTES);
  memory.fill(TLB_WRITE, 0xff, TLB_BYTES);
  memory.fill(TLB_BESIDE_CODE, 0xff, TLB_CODE_BYTES);
  memory.fill(TLB_EXECUTE, 0xff, TLB_CODE_BYTES);
  memory.fill(GENERATIONS, 0xff, 0x2000);
  forgetAllGlobals();
  spaces = 0;
  live = 0;
  newSpace();
}
/** The process-context identifier in use: 0 unless CR4.PCIDE. */
@inline function pcid(): u32 { return load<u64>(State.CR4) & CR4_PCIDE ? <u32>load<u64>(State.CR3) & 0xfff : 0; }
/** PCID and processor as an entry has them at 4. */
@inline function owner(identifier: u32): u32 { return identifier | (load<u32>(State.PROCESSOR) << 16); }
function newSpace(): void {
  if (spaces >= SPACES) { flushAll(); return; }
  space = spaces++;
  const e = CONTEXTS + <usize>space * SPACE_BYTES;
  store<u32>(e, load<u32>(State.VPID));
  store<u32>(e, owner(pcid()), 4);
  store<u64>(e, load<u64>(State.EPTP), 8);
  store<u16>(LIVE + (<usize>(live++) << 1), <u16>space);
  modeChanged();
}
@inline function entryOf(n: u32): usize { return CONTEXTS + <usize>liveAt(n) * SPACE_BYTES; }
/** Drops the translations of the current space, but for global pages (MOV to CR3, changes of paging bits). */
export function flushSpace(): void {
  for (let n: u32 = 0; n < live; n++) if (liveAt(n) == space) { dropLive(n); break; }
  newSpace();
}
/** Drops those of process-context identifier `identifier`, but for global pages. */
export function flushPcid(identifier: u32): void {
  if (identifier == pcid()) { flushSpace(); return; }
  const vpid = load<u32>(State.VPID), eptp = load<u64>(State.EPTP);
  for (let n: u32 = 0; n < live; ) {
    const e = entryOf(n);
    if (load<u32>(e) == vpid && load<u32>(e, 4) == owner(identifier) && load<u64>(e, 8) == eptp) dropLive(n); else n++;
  }
}
/** Drops those of every process-context identifier of VPID `vpid` on this processor, but for global pages. */
function flushIdentifiers(vpid: u32): void {
  for (let n: u32 = 0; n < live; ) {
    const e = entryOf(n);
    if (load<u32>(e) == vpid && load<u32>(e, 4) >> 16 == load<u32>(State.PROCESSOR)) dropLive(n); else n++;
  }
  if (vpid == load<u32>(State.VPID)) newSpace();
}
/** Drops those of every process-context identifier, and with `globals` those of global pages. */
export function flushLinear(globals: bool): void {
  if (globals) forgetGlobals(load<u32>(State.VPID));
  flushIdentifiers(load<u32>(State.VPID));
}
/** Drops the translations of one VPID in every EPT context. */
export function flushVpid(vpid: u32): void {
  forgetGlobals(vpid);
  flushIdentifiers(vpid);
}
/** VPID, EPTP, CR3 or the processor changed: goes back to the space of what is in use now, or to a new one. */
export function switchSpace(): void {
  const vpid = load<u32>(State.VPID), eptp = load<u64>(State.EPTP), mine = owner(pcid());
  for (let n: u32 = 0; n < live; n++) {
    const e = entryOf(n);
    if (load<u32>(e) == vpid && load<u32>(e, 4) == mine && load<u64>(e, 8) == eptp) { space = liveAt(n); modeChanged(); return; }
  }
  newSpace();
}

@inline function flat(segment: usize): bool {
  // Base 0, limit 4 GiB, present, usable, writable data (or readable: reads and writes are told apart by the check).
  return load<u64>(segment) == 0 && load<u32>(segment, 8) == 0xffffffff && (load<u32>(segment, 12) & 0x1009e) == 0x92;
}

/** After any change of CR0, CR3, CR4, EFER, CS, SS, data segments, CPL, RFLAGS.VM or AC: mode, tag and generation. */
export function modeChanged(): void {
  const cr0 = load<u64>(State.CR0);
  const access = load<u32>(State.CS_ACCESS);
  let mode: u32;
  if (longMode() && access & 0x2000) mode = MODE_64 | MODE_PROTECTED;
  else {
    mode = (access >> 14) & 1;
    if (load<u32>(State.SS_ACCESS) & 0x4000) mode |= MODE_STACK32;
    if (cr0 & CR0_PE) mode |= flag(VM) ? MODE_V86 : MODE_PROTECTED;
    if (!(flat(State.ES_BASE) && flat(State.SS_BASE) && flat(State.DS_BASE) && flat(State.FS_BASE) && flat(State.GS_BASE))) mode |= MODE_CHECK;
    if (mode & MODE_V86) mode |= MODE_CHECK;
  }
  store<u32>(State.MODE, mode);
  // 3: user accesses whose alignment is checked (SDM 3A 6.15, #AC); such entries are never made (tlb.ts).
  const variant: u32 = cpl() == 3 ? (flag(AC) && cr0 & CR0_AM ? ALIGNED : 1) : flag(AC) && load<u64>(State.CR4) & CR4_SMAP ? 2 : 0;
  const tag = (space << 2) | variant;
  store<u64>(State.CONTEXT, <u64>tag);
  const base = mode & MODE_64 ? 0 : load<u64>(State.CS_BASE), limit = mode & MODE_64 ? 0 : load<u32>(State.CS_LIMIT);
  const e = GENERATIONS + (<usize>((tag * 7) ^ mode ^ <u32>(base >> 4)) & 0xff) * 32;
  if (load<u32>(e) == tag && load<u32>(e, 4) == mode && load<u64>(e, 8) == base && load<u32>(e, 16) == limit) {
    current = load<u32>(e, 20);
    return;
  }
  store<u32>(e, tag);
  store<u32>(e, mode, 4);
  store<u64>(e, base, 8);
  store<u32>(e, limit, 16);
  store<u32>(e, ++counter, 20);
  current = counter;
}
