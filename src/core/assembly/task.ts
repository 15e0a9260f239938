/**
 * Hardware task switching (SDM 3A chapter 7): by CALL and JMP to a TSS or task gate, by IRET with NT set, by an event through
 * a task gate. Until the old task's state is saved a fault belongs to the old task; afterwards it belongs to the new one.
 */
import { State } from './generated/state.generated';
import { CS, DS, ES, FS, GS, SS } from './address';
import { breakpointsChanged } from './breakpoints';
import { CR0_PG, CR4_PAE, cpl, flushSpace, modeChanged, nonRoot } from './context';
import { deliverFault } from './deliver';
import { flagsChanged } from './events';
import { Vector, faultCode, faulted } from './fault';
import { NT, VM, getFlags, setFlags } from './flags';
import { loadPdptesFrom } from './pdptes';
import { lengthOf, nextPc, pcOf, segmentAccess, segmentBase, segmentLimit, segmentSelector } from './record';
import { LDTR, TR, UNUSABLE, baseOf, descriptor, descriptorAt, dplOf, limitOf, loadHidden, markDescriptor, readDescriptor, rightsOf, setSegment, setVirtualSegment } from './segments';
import { pushValue } from './stack';
import { Event, leaveAt, raiseEvent } from './stop';
import { commitWrite, systemRead, systemWrite } from './tlb';
import { TaskSource, exitTaskSwitch } from './vmx/exit';

/** Descriptor types: available and busy TSS, 16- and 32-bit; task gate. */
const AVAILABLE_16: u32 = 1, AVAILABLE_32: u32 = 9, BUSY: u32 = 2, WIDE: u32 = 8;
const CR0_TS: u64 = 8;
/** DR7: local enable bits L0-L3 and LE, which a switch clears. */
const DR7_LOCAL: u64 = 0x155;
/** DR6.BT and its place among pending debug exceptions. */
const BT: u64 = 0x8000;
/** TSS limits that a switch needs (SDM 3A 7.2.1). */
const LIMIT_16: u32 = 0x2b, LIMIT_32: u32 = 0x67;
// Offsets in the 32-bit TSS, then in the 16-bit one.
const CR3_32: u32 = 0x1c, SAVED_32: u32 = 0x20, SAVED_BYTES_32: u32 = 0x40, LDT_32: u32 = 0x60, TRAP_32: u32 = 0x64;
const SAVED_16: u32 = 0x0e, SAVED_BYTES_16: u32 = 0x1c, LDT_16: u32 = 0x2a;

@inline function at32(base: u64, offset: u32): u64 { return (base + offset) & 0xffffffff; }

/** CALL or JMP to the TSS descriptor just read. */
export function jumpToTask(p: usize, selector: u32, source: u32): usize {
  const rights = rightsOf(descriptor), error = selector & 0xfffc;
  if (dplOf(rights) < cpl() || dplOf(rights) < (selector & 3)) return faultCode(Vector.GP, error);
  return instructionSwitch(p, selector, source);
}
/** CALL or JMP to the task gate just read. */
export function jumpThroughTaskGate(p: usize, selector: u32, source: u32): usize {
  const gate = descriptor, rights = rightsOf(gate), error = selector & 0xfffc;
  if (dplOf(rights) < cpl() || dplOf(rights) < (selector & 3)) return faultCode(Vector.GP, error);
  if (!(rights & 0x80)) return faultCode(Vector.NP, error);
  const task = <u32>(gate >> 16) & 0xffff;
  return readTask(task, 0) ? instructionSwitch(p, task, source) : 0;
}
/** IRET with NT set: back to the task that the link of the current TSS names. */
export function returnToTask(p: usize): usize {
  const h = systemRead(segmentBase(TR), 2);
  if (!h) return 0;
  const link = <u32>load<u16>(h), error = link & 0xfffc;
  if (link & 4 || !error) return faultCode(Vector.TS, error);
  if (!readDescriptor(link, Vector.TS, 0)) return 0;
  return instructionSwitch(p, link, TaskSource.Iret);
}
/** An event through the task gate `gate`: false with a fault noted, in whatever task that came to be. */
export function eventThroughTaskGate(gate: u64, returnTo: u64, flags: u64, error: u32, hasError: bool, ext: u32): bool {
  const task = <u32>(gate >> 16) & 0xffff;
  if (!readTask(task, ext) || !sound(task, TaskSource.Gate, ext)) return false;
  if (nonRoot()) { exitTaskSwitch(task, TaskSource.Gate); return true; }
  if (!switchTo(task, TaskSource.Gate, returnTo, flags, ext) || faulted()) return false;
  const pushed: bool = !hasError || (segmentAccess(TR) & WIDE ? pushValue<u32>(error) : pushValue<u16>(<u16>error));
  return pushed && begins(ext);
}

/** Reads the TSS descriptor that a task gate names. */
function readTask(selector: u32, ext: u32): bool {
  if (selector & 4 || !(selector & 0xfffc)) { faultCode(Vector.GP, (selector & 0xfffc) | ext); return false; }
  return readDescriptor(selector, Vector.GP, ext);
}
/** Type, presence and limit of the TSS descriptor just read (SDM 3A 7.3; SDM 3C 25.4.2 has the same before an exit). */
function sound(selector: u32, source: u32, ext: u32): bool {
  const rights = rightsOf(descriptor), error = (selector & 0xfffc) | ext, type = rights & 0x1f;
  const back = source == TaskSource.Iret;
  const wanted: bool = back ? type == (AVAILABLE_16 | BUSY) || type == (AVAILABLE_32 | BUSY) : type == AVAILABLE_16 || type == AVAILABLE_32;
  if (!wanted) { faultCode(back ? Vector.TS : Vector.GP, error); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, error); return false; }
  if (limitOf(descriptor) < (rights & WIDE ? LIMIT_32 : LIMIT_16)) { faultCode(Vector.TS, error); return false; }
  return true;
}
function instructionSwitch(p: usize, selector: u32, source: u32): usize {
  if (!sound(selector, source, 0)) return 0;
  if (nonRoot()) {
    store<u64>(State.RIP, pcOf(p));
    store<u32>(State.LENGTH, lengthOf(p));
    return exitTaskSwitch(selector, source);
  }
  const flags = getFlags();
  if (!switchTo(selector, source, nextPc(p), source == TaskSource.Iret ? flags & ~<u64>NT : flags, 0)) return 0;
  if (faulted() || !begins(0)) deliverFault();
  return leaveAt(load<u64>(State.RIP));
}

/**
 * The switch to the TSS whose descriptor was read. False: a fault in the old task is noted. True: the new task is current;
 * a fault may be noted all the same, and then is the new task's, before its first instruction.
 */
function switchTo(selector: u32, source: u32, returnTo: u64, flags: u64, ext: u32): bool {
  const raw = descriptor, entry = descriptorAt, wide = (rightsOf(raw) & WIDE) != 0, base = baseOf(raw);
  const oldWide = (segmentAccess(TR) & WIDE) != 0, oldBase = segmentBase(TR), oldSelector = segmentSelector(TR);
  const nested = source == TaskSource.Call || source == TaskSource.Gate, leaves = source == TaskSource.Jump || source == TaskSource.Iret;
  const saved = oldWide ? at32(oldBase, SAVED_32) : at32(oldBase, SAVED_16), savedBytes = oldWide ? SAVED_BYTES_32 : SAVED_BYTES_16;
  const oldEntry = (load<u64>(State.GDTR_BASE) + (oldSelector & 0xfff8) + 5) & 0xffffffff;
  // Everything that can fault in the old task: both TSSs and both descriptors are there and writable.
  if (!systemWrite(saved, savedBytes, false, 0)) return false;
  const needed = wide ? LIMIT_32 + 1 : LIMIT_16 + 1;
  if (!systemRead(base, 4) || !systemRead(at32(base, needed - 4), 4)) return false;
  if (nested && !systemWrite(base, 2, false, 0)) return false;
  if (leaves && !systemWrite(oldEntry, 1, false, 0)) return false;
  if (source != TaskSource.Iret && !systemWrite(entry + 5, 1, false, 0)) return false;

  if (leaves) setBusy(oldEntry, false);
  save(saved, savedBytes, oldWide, <u32>returnTo, <u32>flags);
  if (nested) {
    const link = systemWrite(base, 2, false, 0);
    store<u16>(link, <u16>oldSelector);
    commitWrite(link);
  }
  if (source != TaskSource.Iret) setBusy(entry + 5, true);
  setSegment(TR, selector, base, limitOf(raw), rightsOf(raw) | BUSY);
  store<u64>(State.CR0, load<u64>(State.CR0) | CR0_TS);
  loadTask(base, wide, nested, ext);
  breakpointsChanged();
  flagsChanged();
  modeChanged();
  return true;
}
function setBusy(at: u64, busy: bool): void {
  const h = systemWrite(at, 1, false, 0);
  store<u8>(h, busy ? load<u8>(h) | <u8>BUSY : load<u8>(h) & ~<u8>BUSY);
  commitWrite(h);
}
/** EIP, EFLAGS, eight registers and the segment selectors; of the selectors' fields only the low words. */
function save(at: u64, bytes: u32, wide: bool, eip: u32, flags: u32): void {
  const h = systemWrite(at, bytes, false, 0);
  if (wide) {
    store<u32>(h, eip);
    store<u32>(h, flags, 4);
    for (let n: usize = 0; n < 8; n++) store<u32>(h + 8 + (n << 2), load<u32>(n << 3));
    for (let n: u32 = 0; n < 6; n++) store<u16>(h + 40 + (n << 2), <u16>segmentSelector(n));
  } else {
    store<u16>(h, <u16>eip);
    store<u16>(h, <u16>flags, 2);
    for (let n: usize = 0; n < 8; n++) store<u16>(h + 4 + (n << 1), load<u16>(n << 3));
    for (let n: u32 = 0; n < 4; n++) store<u16>(h + 20 + (n << 1), <u16>segmentSelector(n));
  }
  commitWrite(h);
}
@inline function word(base: u64, offset: u32): u32 { return <u32>load<u16>(systemRead(at32(base, offset), 2)); }
@inline function dword(base: u64, offset: u32): u32 { return load<u32>(systemRead(at32(base, offset), 4)); }

/** Selectors of the new task: ES CS SS DS FS GS. */
const SELECTORS: usize = memory.data(24);

/** Loads the new task's state from its TSS. From here on faults are the new task's. */
function loadTask(base: u64, wide: bool, nested: bool, ext: u32): void {
  let flags: u32, ldt: u32, cr3: u32 = 0;
  if (wide) {
    cr3 = dword(base, CR3_32);
    store<u64>(State.RIP, <u64>dword(base, SAVED_32));
    flags = dword(base, SAVED_32 + 4);
    for (let n: u32 = 0; n < 8; n++) store<u64>(<usize>n << 3, <u64>dword(base, SAVED_32 + 8 + n * 4));
    for (let n: u32 = 0; n < 6; n++) store<u32>(SELECTORS + (<usize>n << 2), word(base, SAVED_32 + 40 + n * 4));
    ldt = word(base, LDT_32);
  } else {
    store<u64>(State.RIP, <u64>word(base, SAVED_16));
    flags = word(base, SAVED_16 + 2);
    // The upper halves are undefined in the manual; processors set them.
    for (let n: u32 = 0; n < 8; n++) store<u64>(<usize>n << 3, <u64>(word(base, SAVED_16 + 4 + n * 2) | 0xffff0000));
    for (let n: u32 = 0; n < 4; n++) store<u32>(SELECTORS + (<usize>n << 2), word(base, SAVED_16 + 20 + n * 2));
    store<u32>(SELECTORS, 0, 16);
    store<u32>(SELECTORS, 0, 20);
    ldt = word(base, LDT_16);
  }
  setFlags(<u64>(nested ? flags | NT : flags));
  store<u64>(State.DR7, load<u64>(State.DR7) & ~DR7_LOCAL);
  // Until their descriptors are loaded, the segments hold their selectors and are unusable.
  for (let n: u32 = 0; n < 6; n++) setSegment(n, selectorOf(n), segmentBase(n), segmentLimit(n), segmentAccess(n) | UNUSABLE);
  setSegment(LDTR, ldt, 0, 0, UNUSABLE);
  const level: u32 = flags & VM ? 3 : selectorOf(CS) & 3;
  // Until the stack is the new task's, a fault must switch to that of its TSS.
  store<u32>(State.CPL, 3);
  modeChanged();
  if (wide && load<u64>(State.CR0) & CR0_PG) {
    if (load<u64>(State.CR4) & CR4_PAE && !loadPdptesFrom(<u64>cr3)) return;
    store<u64>(State.CR3, <u64>cr3);
    flushSpace();
  }
  if (!loadLdt(ldt, ext)) return;
  if (flags & VM) for (let n: u32 = 0; n < 6; n++) setVirtualSegment(n, selectorOf(n));
  else if (!loadStack(level, ext) || !loadData(DS, level, ext) || !loadData(ES, level, ext) || !loadData(FS, level, ext) || !loadData(GS, level, ext) || !loadCode(ext)) return;
}
/** The last step: EIP lies in the code segment, and the T bit of the new TSS asks for a debug exception. */
function begins(ext: u32): bool {
  if (load<u64>(State.RIP) > <u64>segmentLimit(CS)) { faultCode(Vector.GP, ext); return false; }
  if (segmentAccess(TR) & WIDE && word(segmentBase(TR), TRAP_32) & 1) {
    store<u64>(State.PENDING_DEBUG, load<u64>(State.PENDING_DEBUG) | BT);
    raiseEvent(Event.PendingDebug);
  }
  return true;
}
@inline function selectorOf(n: u32): u32 { return load<u32>(SELECTORS + (<usize>n << 2)); }
@inline function refuse(vector: u32, selector: u32, ext: u32): bool { faultCode(vector, (selector & 0xfffc) | ext); return false; }

function loadLdt(selector: u32, ext: u32): bool {
  if (!(selector & 0xfffc)) return true;
  if (selector & 4) return refuse(Vector.TS, selector, ext);
  if (!readDescriptor(selector, Vector.TS, ext)) return false;
  const rights = rightsOf(descriptor);
  if ((rights & 0x1f) != 2 || !(rights & 0x80)) return refuse(Vector.TS, selector, ext);
  loadHidden(LDTR, selector, descriptor);
  return true;
}
function loadStack(level: u32, ext: u32): bool {
  const selector = selectorOf(SS);
  if (!(selector & 0xfffc)) return refuse(Vector.TS, selector, ext);
  if (!readDescriptor(selector, Vector.TS, ext)) return false;
  const rights = rightsOf(descriptor);
  if ((rights & 0x1a) != 0x12) return refuse(Vector.TS, selector, ext);
  if (!(rights & 0x80)) return refuse(Vector.SS, selector, ext);
  if (dplOf(rights) != level || (selector & 3) != level) return refuse(Vector.TS, selector, ext);
  if (!markDescriptor(1)) return false;
  loadHidden(SS, selector, descriptor);
  store<u32>(State.CPL, level);
  return true;
}
function loadData(n: u32, level: u32, ext: u32): bool {
  const selector = selectorOf(n);
  if (!(selector & 0xfffc)) { setSegment(n, selector, 0, 0, UNUSABLE); return true; }
  if (!readDescriptor(selector, Vector.TS, ext)) return false;
  const rights = rightsOf(descriptor), type = rights & 0x1f;
  if ((type & 0x18) != 0x10 && (type & 0x1a) != 0x1a) return refuse(Vector.TS, selector, ext);
  const conforming = (type & 0x1c) == 0x1c;
  if (!conforming && ((selector & 3) > dplOf(rights) || level > dplOf(rights))) return refuse(Vector.TS, selector, ext);
  if (!(rights & 0x80)) return refuse(Vector.NP, selector, ext);
  if (!markDescriptor(1)) return false;
  loadHidden(n, selector, descriptor);
  return true;
}
function loadCode(ext: u32): bool {
  const selector = selectorOf(CS);
  if (!(selector & 0xfffc)) return refuse(Vector.TS, selector, ext);
  if (!readDescriptor(selector, Vector.TS, ext)) return false;
  const rights = rightsOf(descriptor), level = selector & 3;
  if ((rights & 0x18) != 0x18 || (rights & 4 ? dplOf(rights) > level : dplOf(rights) != level)) return refuse(Vector.TS, selector, ext);
  if (!(rights & 0x80)) return refuse(Vector.NP, selector, ext);
  if (!markDescriptor(1)) return false;
  loadHidden(CS, selector, descriptor);
  return true;
}
