/**
 * From linear addresses to host pointers. A hit costs one compare; the slow paths walk, commit accessed and dirty bits,
 * note faults, and hand out bounce buffers for accesses that cross a page or reach a device.
 */
import {
  DATA_WATCHES, FACT, PAGE_CODE, PAGE_DIRTY, PAGE_MASK, PAGE_RAM, PAGES, RAM, READ_BUFFER, TLB_BESIDE_CODE, TLB_BYTES, TLB_CODE_BYTES, TLB_CODE_INDEX_MASK, TLB_EXECUTE,
  TLB_INDEX_MASK, TLB_READ, TLB_WRITE, WRITE_BUFFER, WRITE_BUFFER_END,
} from './layout';
import { State } from './generated/state.generated';
import { ALIGNED, CR0_PG, CR4_PGE, cpl, longCode, longMode } from './context';
import { findGlobal, globalHost, globalRights, keepGlobal } from './global-pages';
import { FAULT_DEVICE, FAULT_EPT_MISCONFIGURATION, FAULT_EPT_VIOLATION, Vector, clearFault, fault, faultCode, faulted, pageFault } from './fault';
import { AC, flag } from './flags';
import { breakpointOnPage, meetBreakpoints } from './breakpoints';
import { besideCode, interruptBlocks } from './blocks';
import { busRead, busWrite, pageFlags, ramPointer, touch } from './physical';
import { StopCode, requestStop } from './stop';
import * as W from './walk';

export const SEGMENT_SS: u32 = 2;
/** checkedLinear's answer after it noted a fault: never canonical. */
export const BAD_ADDRESS: u64 = 0x0bad000000000000;

@inline export function canonical(address: u64): bool { return <u64>(<i64>(address << 16) >> 16) == address; }

/** Fills the walker's request from the processor's state. */
function requestCurrent(): void {
  W.request(load<u64>(State.CR0), load<u64>(State.CR3), load<u64>(State.CR4), load<u64>(State.IA32_EFER), load<u64>(State.EPTP), State.PDPTE0);
}

/** Notes the fault that the walk of `linear` ended with. Always 0. */
function walkFault(linear: u64): usize {
  if (W.outcome == W.Outcome.PageFault) return pageFault(linear, <u32>W.code);
  store<u64>(State.FAULT_QUALIFICATION, W.code);
  store<u64>(State.FAULT_PHYSICAL, W.guestPhysical);
  store<u64>(State.FAULT_ADDRESS, linear);
  return fault(W.outcome == W.Outcome.EptViolation ? FAULT_EPT_VIOLATION : FAULT_EPT_MISCONFIGURATION);
}

/** Whether a kept translation of a global page serves the access; a first write must set the dirty bit and walks. */
function globalAllows(linear: u64, access: u32): bool {
  const e = findGlobal(linear);
  if (!e || !(W.requestCr0 & CR0_PG)) return false;
  const rights = globalRights(e);
  if (((access & W.ACCESS) == W.WRITE && !(rights & W.LEAF_D)) || !W.permitted(access, rights)) return false;
  W.answered(globalHost(e) | (linear & 0xfff));
  return true;
}
/** Translates for the processor, with accessed and dirty bits. False: a fault is noted. */
function translate(linear: u64, access: u32): bool {
  requestCurrent();
  const global = (W.requestCr4 & CR4_PGE) != 0;
  if (global && globalAllows(linear, access)) return true;
  if (W.walk(linear, access) && W.commit(access & W.ACCESS)) {
    if (global && W.leafRights & W.LEAF_G) keepGlobal(linear, W.hostPhysical, W.leafMask, (access & W.ACCESS) == W.WRITE ? W.leafRights | W.LEAF_D : W.leafRights);
    return true;
  }
  walkFault(linear);
  return false;
}
@inline function explicitAccess(kind: u32): u32 {
  return kind | (cpl() == 3 ? W.USER : 0) | (flag(AC) ? W.AC_SET : 0);
}

function refuse(va: u64, segment: u32): bool {
  if (longMode() && !canonical(va)) {
    if (va >= BAD_ADDRESS && va < BAD_ADDRESS + 0x100 && faulted()) return true;
    faultCode(segment == SEGMENT_SS ? Vector.SS : Vector.GP, 0);
    return true;
  }
  return va >= BAD_ADDRESS && va < BAD_ADDRESS + 0x100 && faulted();
}
@inline function nextPage(va: u64): u64 {
  const next = (va & PAGE_MASK) + 0x1000;
  return longCode() ? next : next & 0xffffffff;
}

/** Host pointer to `bytes` readable bytes at linear `va`, or 0 with a fault noted. `segment` decides #SS or #GP. */
@inline export function readable(va: u64, bytes: u32, segment: u32): usize {
  const e = TLB_READ + (<usize>(va >> 8) & TLB_INDEX_MASK);
  if (load<u64>(e) == (((va + <u64>(bytes - 1)) & PAGE_MASK) | load<u64>(State.CONTEXT))) return <usize>va + <usize>load<u32>(e, 8);
  return slowRead(va, bytes, segment);
}
/** Host pointer for storing `bytes` bytes: call `commitWrite` after the store. 0 with a fault noted. */
@inline export function writable(va: u64, bytes: u32, segment: u32): usize {
  const e = TLB_WRITE + (<usize>(va >> 8) & TLB_INDEX_MASK);
  if (load<u64>(e) == (((va + <u64>(bytes - 1)) & PAGE_MASK) | load<u64>(State.CONTEXT))) return <usize>va + <usize>load<u32>(e, 8);
  return slowWrite(va, bytes, segment, false);
}
/** Likewise for a read-modify-write: the pointer may be read first. */
@inline export function modifiable(va: u64, bytes: u32, segment: u32): usize {
  const e = TLB_WRITE + (<usize>(va >> 8) & TLB_INDEX_MASK);
  if (load<u64>(e) == (((va + <u64>(bytes - 1)) & PAGE_MASK) | load<u64>(State.CONTEXT))) return <usize>va + <usize>load<u32>(e, 8);
  return slowWrite(va, bytes, segment, true);
}
/** Carries out a store that went to the bounce buffer. */
@inline export function commitWrite(pointer: usize): void {
  if (pointer < WRITE_BUFFER_END) flushWrite();
}

/**
 * Whether an explicit access may reach a device. In the fast loop it may not: devices act between instructions, and the
 * loop must not run on behind one whose access raised an interrupt (run.ts).
 */
let devicesAllowed: bool = true;
export function allowDevices(allowed: bool): void { devicesAllowed = allowed; }

/** Whether the present code's data accesses must be aligned: then none of them may hit the TLB. */
@inline function checksAlignment(): bool { return (load<u32>(State.CONTEXT) & 3) == ALIGNED; }
/** #AC(0) for a misaligned operand of `bytes` bytes (SDM 3A table 6-7); operands of 16 bytes and more have rules of their own. */
function misaligned(va: u64, bytes: u32): bool {
  const mask: u64 = bytes == 10 ? 7 : bytes == 6 ? 3 : bytes <= 8 ? bytes - 1 : 0;
  if (!(va & mask)) return false;
  faultCode(Vector.AC, 0);
  return true;
}

function insert(table: usize, mask: usize, va: u64, host: usize): void {
  if (checksAlignment()) return;
  const e = table + (<usize>(va >> 8) & mask);
  store<u64>(e, (va & PAGE_MASK) | load<u64>(State.CONTEXT));
  store<u32>(e, <u32>(host - <usize>va), 8);
}
function drop(table: usize, va: u64): void {
  store<u64>(table + (<usize>(va >> 8) & TLB_INDEX_MASK), u64.MAX_VALUE);
}

function slowRead(va: u64, bytes: u32, segment: u32): usize {
  if (refuse(va, segment)) return 0;
  if (checksAlignment() && misaligned(va, bytes)) {
    // A page fault comes first (SDM 3A table 6-2).
    clearFault();
    if (!translate(va, explicitAccess(W.READ)) || !translate(va + bytes - 1, explicitAccess(W.READ))) return 0;
    return faultCode(Vector.AC, 0);
  }
  return readAnywhere(va, bytes, segment);
}
function readAnywhere(va: u64, bytes: u32, segment: u32): usize {
  if (((va + <u64>(bytes - 1)) ^ va) & PAGE_MASK) {
    const first = 0x1000 - (<u32>va & 0xfff);
    // That the whole operand is canonical comes before any translation.
    if (refuse(nextPage(va), segment)) return 0;
    const a = readAnywhere(va, first, segment);
    if (!a) return 0;
    memory.copy(READ_BUFFER + 0x40, a, first);
    const b = readAnywhere(nextPage(va), bytes - first, segment);
    if (!b) return 0;
    memory.copy(READ_BUFFER + 0x40 + first, b, bytes - first);
    return READ_BUFFER + 0x40;
  }
  if (!translate(va, explicitAccess(W.READ))) return 0;
  const physical = W.hostPhysical;
  const flags = pageFlags(physical);
  if (!(flags & PAGE_RAM) && !devicesAllowed) return fault(FAULT_DEVICE);
  meetBreakpoints(va, bytes, false);
  if (!(flags & PAGE_RAM)) {
    deviceRead(physical, bytes);
    return READ_BUFFER;
  }
  const host = ramPointer(physical);
  const near = load<u32>(DATA_WATCHES) != 0 && nearWatch(va, physical);
  if (near) watched(va, physical, bytes, false);
  if (!near && !breakpointOnPage(va)) insert(TLB_READ, TLB_INDEX_MASK, va, host);
  return host;
}

/** Reads a device into READ_BUFFER, in pieces of at most 8 bytes. */
function deviceRead(physical: u64, bytes: u32): void {
  for (let n: u32 = 0; n < bytes; n += 8) {
    const piece = min<u32>(8, bytes - n);
    store<u64>(READ_BUFFER + n, busRead(physical + n, piece));
  }
}

// A store that waits in WRITE_BUFFER: one or two places.
let firstPhysical: u64 = 0;
let firstBytes: u32 = 0;
let secondPhysical: u64 = 0;
let secondBytes: u32 = 0;

function slowWrite(va: u64, bytes: u32, segment: u32, read: bool): usize {
  if (refuse(va, segment)) return 0;
  if (((va + <u64>(bytes - 1)) ^ va) & PAGE_MASK) {
    const first = 0x1000 - (<u32>va & 0xfff);
    if (refuse(nextPage(va), segment) || !translate(va, explicitAccess(W.WRITE))) return 0;
    const a = W.hostPhysical;
    if (!translate(nextPage(va), explicitAccess(W.WRITE))) return 0;
    if (!devicesAllowed && !(pageFlags(a) & pageFlags(W.hostPhysical) & PAGE_RAM)) return fault(FAULT_DEVICE);
    if (checksAlignment() && misaligned(va, bytes)) return 0;
    meetBreakpoints(va, bytes, true);
    return buffered(a, first, W.hostPhysical, bytes - first, read, va);
  }
  const e = TLB_BESIDE_CODE + (<usize>(va >> 8) & TLB_CODE_INDEX_MASK);
  if (load<u64>(e) == ((va & PAGE_MASK) | load<u64>(State.CONTEXT))) {
    const host = <usize>va + <usize>load<u32>(e, 8);
    if (besideCode(<u64>(host - RAM), bytes)) return host;
  }
  if (!translate(va, explicitAccess(W.WRITE))) return 0;
  const physical = W.hostPhysical;
  if (checksAlignment() && misaligned(va, bytes)) return 0;
  const flags = pageFlags(physical);
  if (!(flags & PAGE_RAM) && !devicesAllowed) return fault(FAULT_DEVICE);
  meetBreakpoints(va, bytes, true);
  if (!(flags & PAGE_RAM)) return buffered(physical, bytes, 0, 0, read, va);
  const near = load<u32>(DATA_WATCHES) != 0 && nearWatch(va, physical);
  if (near) watched(va, physical, bytes, true);
  if (flags & PAGE_CODE) {
    // Never in TLB_WRITE: the page may hold the very code that is storing.
    touch(physical, bytes);
    if (!near && !breakpointOnPage(va)) insert(TLB_BESIDE_CODE, TLB_CODE_INDEX_MASK, va, ramPointer(physical));
    return ramPointer(physical);
  }
  store<u8>(PAGES + <usize>(physical >> 12), flags | PAGE_DIRTY);
  const host = ramPointer(physical);
  if (!near && !breakpointOnPage(va)) insert(TLB_WRITE, TLB_INDEX_MASK, va, host);
  return host;
}
function buffered(a: u64, aBytes: u32, b: u64, bBytes: u32, read: bool, va: u64): usize {
  firstPhysical = a; firstBytes = aBytes; secondPhysical = b; secondBytes = bBytes;
  if (load<u32>(DATA_WATCHES)) {
    watched(va, a, aBytes, true);
    if (bBytes) watched(nextPage(va), b, bBytes, true);
  }
  if (read) {
    fetchPiece(WRITE_BUFFER, a, aBytes);
    if (bBytes) fetchPiece(WRITE_BUFFER + aBytes, b, bBytes);
  }
  return WRITE_BUFFER;
}
function fetchPiece(to: usize, physical: u64, bytes: u32): void {
  if (pageFlags(physical) & PAGE_RAM) memory.copy(to, ramPointer(physical), bytes);
  else { deviceRead(physical, bytes); memory.copy(to, READ_BUFFER, bytes); }
}
function storePiece(from: usize, physical: u64, bytes: u32): void {
  const flags = pageFlags(physical);
  if (flags & PAGE_RAM) {
    touch(physical, bytes);
    memory.copy(ramPointer(physical), from, bytes);
    return;
  }
  for (let n: u32 = 0; n < bytes; n += 8) {
    const piece = min<u32>(8, bytes - n);
    busWrite(physical + n, piece, load<u64>(from + n) & (piece == 8 ? u64.MAX_VALUE : (<u64>1 << <u64>(piece * 8)) - 1));
  }
}
function flushWrite(): void {
  storePiece(WRITE_BUFFER, firstPhysical, firstBytes);
  if (secondBytes) storePiece(WRITE_BUFFER + firstBytes, secondPhysical, secondBytes);
}

/** Host-physical address of guest-physical `address` for the processor's own reads; u64.MAX_VALUE with an EPT fault noted. */
export function currentGuestPhysical(address: u64): u64 {
  requestCurrent();
  if (W.walkGuestPhysical(address, W.READ) && W.commit(W.READ)) return W.hostPhysical;
  // Loads of PDPTEs have no linear address (SDM 3C table 27-7, bit 7).
  W.clearLinearValid();
  walkFault(0);
  return u64.MAX_VALUE;
}

/** Linear RIP to host-physical for fetching; u64.MAX_VALUE with a fault noted. Enforces the canonical rule; not limits. */
export function translateCode(rip: u64, base: u64): u64 {
  const va = longCode() ? rip : (base + rip) & 0xffffffff;
  const e = TLB_EXECUTE + (<usize>(va >> 8) & TLB_CODE_INDEX_MASK);
  if (load<u64>(e) == ((va & PAGE_MASK) | load<u64>(State.CONTEXT))) return <u64>load<u32>(e, 8) << 12 | (va & 0xfff);
  if (longCode() && !canonical(va)) { faultCode(Vector.GP, 0); return u64.MAX_VALUE; }
  if (!translate(va, W.EXECUTE | (cpl() == 3 ? W.USER : 0))) return u64.MAX_VALUE;
  const physical = W.hostPhysical;
  store<u64>(e, (va & PAGE_MASK) | load<u64>(State.CONTEXT));
  store<u32>(e, <u32>(physical >> 12), 8);
  return physical;
}
/** Code was decoded from the page: writes to it must come by the slow path. */
export function protectCode(va: u64, physical: u64): void {
  if (!(pageFlags(physical) & PAGE_RAM)) return;
  const at = PAGES + <usize>(physical >> 12);
  if (load<u8>(at) & PAGE_CODE) return;
  store<u8>(at, load<u8>(at) | PAGE_CODE);
  // Other linear addresses may map the same page for writing: drop every write entry of it.
  const host = <u32>(ramPointer(physical) & ~0xfff);
  for (let e = TLB_WRITE; e < TLB_WRITE + TLB_INDEX_MASK + 16; e += 16) {
    const tag = load<u64>(e);
    if (tag != u64.MAX_VALUE && (<u32>(tag & PAGE_MASK) + load<u32>(e, 8)) == host) store<u64>(e, u64.MAX_VALUE);
  }
  drop(TLB_WRITE, va);
}
/** Drops read and write entries, so that new data watches are seen. */
export function forgetData(): void {
  memory.fill(TLB_READ, 0xff, TLB_BYTES);
  memory.fill(TLB_WRITE, 0xff, TLB_BYTES);
  memory.fill(TLB_BESIDE_CODE, 0xff, TLB_CODE_BYTES);
}

/** Supervisor access on the processor's own behalf (descriptor tables, TSS): host pointer for reading, or 0 with a fault noted. */
export function systemRead(va: u64, bytes: u32): usize {
  if (longMode() && !canonical(va)) return faultCode(Vector.GP, 0);
  if (((va + <u64>(bytes - 1)) ^ va) & PAGE_MASK) {
    const first = 0x1000 - (<u32>va & 0xfff);
    const a = systemRead(va, first);
    if (!a) return 0;
    memory.copy(READ_BUFFER + 0x20, a, first);
    const b = systemRead((va & PAGE_MASK) + 0x1000, bytes - first);
    if (!b) return 0;
    memory.copy(READ_BUFFER + 0x20 + first, b, bytes - first);
    return READ_BUFFER + 0x20;
  }
  if (!translate(va, W.READ | W.IMPLICIT)) return 0;
  if (pageFlags(W.hostPhysical) & PAGE_RAM) return ramPointer(W.hostPhysical);
  deviceRead(W.hostPhysical, bytes);
  return READ_BUFFER;
}
/**
 * Likewise for writing; finish with commitWrite. `user`: at CPL 3 (the stack of an interrupt from user mode to user mode).
 * `push`: bytes of each word of a stack frame, 0 for other data.
 */
export function systemWrite(va: u64, bytes: u32, user: bool, push: u32): usize {
  if (longMode() && !canonical(va)) return faultCode(Vector.SS, 0);
  const access = W.WRITE | (user ? W.USER : 0) | W.IMPLICIT;
  const first = min<u32>(bytes, 0x1000 - (<u32>va & 0xfff));
  // A stack frame is pushed from the top: a fault names the address of the first push.
  if (push && !translate(va + bytes - push, access)) return 0;
  if (!translate(va, access)) return 0;
  const a = W.hostPhysical;
  let b: u64 = 0;
  if (first < bytes) {
    if (!translate((va & PAGE_MASK) + 0x1000, access)) return 0;
    b = W.hostPhysical;
  }
  return buffered(a, first, b, bytes - first, true, va);
}

/** Whether the page at `va` holds a watched datum: such pages never enter the TLB. */
function nearWatch(va: u64, physical: u64): bool {
  const count = load<u32>(DATA_WATCHES);
  for (let n: u32 = 0; n < count; n++) {
    const w = DATA_WATCHES + 8 + <usize>n * 40;
    const space = load<u32>(w);
    const page = (space == 0 ? va : space == 1 ? W.guestPhysical : physical) & PAGE_MASK;
    const from = load<u64>(w, 8);
    if (page + 0x1000 > from && page < from + load<u64>(w, 16)) return true;
  }
  return false;
}
/** An access to a watched page: does it touch a watched datum? */
function watched(va: u64, physical: u64, bytes: u32, write: bool): void {
  const count = load<u32>(DATA_WATCHES);
  for (let n: u32 = 0; n < count; n++) {
    const w = DATA_WATCHES + 8 + <usize>n * 40;
    const space = load<u32>(w), kind = load<u32>(w, 4), from = load<u64>(w, 8), length = load<u64>(w, 16);
    if (!(kind & (write ? 2 : 1))) continue;
    const at = space == 0 ? va : space == 1 ? W.guestPhysical : physical;
    if (at + <u64>bytes <= from || at >= from + length) continue;
    store<u32>(FACT + 0x80, load<u32>(w, 24));
    store<u32>(FACT + 0x84, bytes);
    store<u64>(FACT + 0x88, va);
    store<u64>(FACT + 0x90, physical);
    store<u32>(FACT + 0x98, write ? 1 : 0);
    requestStop(StopCode.Data);
    interruptBlocks();
    return;
  }
}
