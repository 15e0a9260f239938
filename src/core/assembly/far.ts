/** Far transfers, software interrupts, IRET, system calls (SDM 2; SDM 3A 5.8). */
import { State } from './generated/state.generated';
import { CS, DS, ES, FS, GS, SS, memReadable } from './address';
import { jumpTo, targetAllowed } from './branch';
import { EFER_SCE, cpl, longCode, longMode, modeChanged, protectedMode, virtual8086 } from './context';
import { deliverEvent } from './deliver';
import { EventType, VALID, flagsChanged, raiseDebug } from './events';
import { Vector, fault, faultCode } from './fault';
import { AC, ARITHMETIC, FLAGS_MASK, DF, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM, flag, getFlags, overflow, setFlags } from './flags';
import { RECORD, immediate, lengthOf, nextPc, pcOf, segmentAccess, segmentBase, segmentLimit, segmentSelector } from './record';
import { UNUSABLE, accessed, descriptor, descriptorAt, dplOf, loadHidden, loadStackSegment, limitOf, markDescriptor, readDescriptor, rightsOf, setNull, setRealSegment, setSegment, setVirtualSegment } from './segments';
import { pushValue, setStackPointer, stackPointer, stackReadable } from './stack';
import { Event, clearEvent, leaveAt } from './stop';
import { jumpThroughTaskGate, jumpToTask, returnToTask } from './task';
import { throughCallGate } from './gates';
import { canonical } from './tlb';
import { exceptionExits, iretUnblocksNmis } from './vmx/intercept';
import { TaskSource, exitOnException } from './vmx/exit';

const L: u32 = 0x2000, D: u32 = 0x4000;
const TSS_16: u32 = 1, CALL_GATE_16: u32 = 4, TASK_GATE: u32 = 5, TSS_32: u32 = 9, CALL_GATE_32: u32 = 12;

/** Checks the code segment of a far JMP or CALL; the descriptor is then in `descriptor`. 0: fault noted; 1: code; 2: gate or TSS. */
function codeSegment(selector: u32): u32 {
  if (!(selector & 0xfffc)) { faultCode(Vector.GP, 0); return 0; }
  if (!readDescriptor(selector, Vector.GP, 0)) return 0;
  const rights = rightsOf(descriptor), error = selector & 0xfffc;
  if (!(rights & 0x10)) return 2;
  if (!(rights & 8) || (longMode() && (rights & (L | D)) == (L | D))) { faultCode(Vector.GP, error); return 0; }
  const dpl = dplOf(rights);
  if (rights & 4 ? dpl > cpl() : dpl != cpl() || (selector & 3) > cpl()) { faultCode(Vector.GP, error); return 0; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, error); return 0; }
  return 1;
}
@inline function fits(rip: u64): bool {
  const rights = rightsOf(descriptor);
  if (longMode() && rights & L ? canonical(rip) : rip <= <u64>limitOf(descriptor)) return true;
  faultCode(Vector.GP, 0);
  return false;
}
function enterCode(selector: u32, rip: u64): usize {
  if (!markDescriptor(1)) return 0;
  loadHidden(CS, (selector & 0xfffc) | cpl(), descriptor);
  modeChanged();
  return leaveAt(rip);
}
/** Real-address and virtual-8086 mode: the limit of CS stays what it is. */
function realFits(rip: u64): bool {
  if (rip <= <u64>segmentLimit(CS)) return true;
  faultCode(Vector.GP, 0);
  return false;
}
function enterReal(selector: u32, rip: u64): usize {
  if (!realFits(rip)) return 0;
  setRealSegment(CS, selector);
  modeChanged();
  return leaveAt(rip);
}
/** System descriptors as targets: gates and TSSs. Task switching does not exist in IA-32e mode. */
function systemTarget(p: usize, selector: u32, source: u32): usize {
  const type = rightsOf(descriptor) & 0xf;
  if (type == CALL_GATE_32 || (type == CALL_GATE_16 && !longMode())) return throughCallGate(p, selector, source == TaskSource.Call);
  if (longMode()) return faultCode(Vector.GP, selector & 0xfffc);
  if (type == TASK_GATE) return jumpThroughTaskGate(p, selector, source);
  if (type == TSS_16 || type == TSS_32) return jumpToTask(p, selector, source);
  return faultCode(Vector.GP, selector & 0xfffc);
}

@inline function jump<T>(p: usize, selector: u32, rip: u64): usize {
  if (!protectedMode()) return enterReal(selector, rip);
  const kind = codeSegment(selector);
  if (kind == 2) return systemTarget(p, selector, TaskSource.Jump);
  return kind && fits(rip) ? enterCode(selector, rip) : 0;
}
/** Immediate forms: offset in bits 31:0, selector in bits 47:32 of the immediate. */
export function farJump<T>(p: usize): usize { return jump<T>(p, <u32>(immediate(p) >> 32), immediate(p) & 0xffffffff); }
export function farJumpM<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>() + 2);
  return h ? jump<T>(p, <u32>load<u16>(h, sizeof<T>()), <u64>load<T>(h)) : 0;
}
@inline function callFar<T>(p: usize, selector: u32, rip: u64): usize {
  const before = load<u64>(State.RSP);
  if (protectedMode()) {
    const kind = codeSegment(selector);
    if (kind == 2) return systemTarget(p, selector, TaskSource.Call);
    if (!kind || !fits(rip)) return 0;
    const raw = descriptor;
    if (!pushValue<T>(<T>segmentSelector(CS)) || !pushValue<T>(<T>nextPc(p))) { store<u64>(State.RSP, before); return 0; }
    if (raw != descriptor) readDescriptor(selector, Vector.GP, 0);
    return enterCode(selector, rip);
  }
  if (!realFits(rip)) return 0;
  if (!pushValue<T>(<T>segmentSelector(CS)) || !pushValue<T>(<T>nextPc(p))) { store<u64>(State.RSP, before); return 0; }
  return enterReal(selector, rip);
}
export function farCall<T>(p: usize): usize { return callFar<T>(p, <u32>(immediate(p) >> 32), immediate(p) & 0xffffffff); }
export function farCallM<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>() + 2);
  return h ? callFar<T>(p, <u32>load<u16>(h, sizeof<T>()), <u64>load<T>(h)) : 0;
}

/** Data segments that the outer level may not use become null (SDM 2: RET, IRET). */
function dropInnerSegments(): void {
  for (let n: u32 = 0; n < 6; n++) {
    if (n == CS || n == SS) continue;
    const access = segmentAccess(n);
    const conforming = (access & 0x1c) == 0x1c;
    if (!(access & UNUSABLE) && !conforming && dplOf(access) < cpl()) {
      // The base stays, as processors have it: 64-bit code goes on to use that of FS and GS.
      const base = segmentBase(n);
      setNull(n, 0);
      store<u64>(<usize>State.ES_BASE + (<usize>n << 5), base);
    }
  }
}
const SEGMENT_BYTES: usize = 0x20;
const OLD_SS: usize = memory.data(0x20);
/**
 * The common end of RET far and IRET in protected mode: CS:RIP, and SS:RSP when the level changes or `always` (IRETQ).
 * `flags` are installed by the caller afterwards. False with a fault noted.
 */
function returnTo(selector: u32, rip: u64, ss: u32, rsp: u64, withStack: bool, release: u64, popped: u64): bool {
  if (!(selector & 0xfffc)) { faultCode(Vector.GP, 0); return false; }
  if (!readDescriptor(selector, Vector.GP, 0)) return false;
  const rights = rightsOf(descriptor), error = selector & 0xfffc, level = selector & 3;
  const ok = (rights & 0x18) == 0x18 && level >= cpl() && (rights & 4 ? dplOf(rights) <= level : dplOf(rights) == level) && !(longMode() && (rights & (L | D)) == (L | D));
  if (!ok) { faultCode(Vector.GP, error); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, error); return false; }
  let code = descriptor;
  const codeAt = descriptorAt;
  const outer = level > cpl();
  const toLong = longMode() && (rights & L) != 0;
  // The stack is checked before RIP, but not loaded when RIP is wrong.
  const inside = toLong ? canonical(rip) : rip <= <u64>limitOf(code);
  if (withStack || outer) {
    memory.copy(OLD_SS, State.SS_BASE, SEGMENT_BYTES);
    if (!(ss & 0xfffc)) {
      // SDM 2B RET: a null SS needs 64-bit code, and an RPL below 3.
      if (!toLong || level == 3 || (ss & 3) == 3) { faultCode(Vector.GP, 0); return false; }
      if (inside) setSegment(SS, ss, 0, segmentLimit(SS), UNUSABLE | (level << 5));
    } else if (!loadStackSegment(ss, level)) return false;
    if (!inside) memory.copy(State.SS_BASE, OLD_SS, SEGMENT_BYTES);
  }
  if (!inside) { modeChanged(); faultCode(Vector.GP, 0); return false; }
  code = accessed(codeAt, code);
  if (!code) return false;
  loadHidden(CS, selector, code);
  store<u32>(State.CPL, level);
  modeChanged();
  if (withStack || outer) {
    if (toLong) store<u64>(State.RSP, rsp + release); else setStackPointer(rsp + release);
  } else setStackPointer(stackPointer() + popped + release);
  if (outer) dropInnerSegments();
  return true;
}

export function farReturn<T>(p: usize): usize {
  const n: u64 = sizeof<T>();
  const release = immediate(p);
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const rip = <u64>load<T>(h);
  const s = stackReadable(n, sizeof<T>());
  if (!s) return 0;
  const selector = <u32>load<u16>(s);
  if (!protectedMode()) {
    if (!realFits(rip)) return 0;
    setStackPointer(stackPointer() + 2 * n + release);
    return enterReal(selector, rip);
  }
  let rsp: u64 = 0, ss: u32 = 0;
  if ((selector & 3) > cpl()) {
    const a = stackReadable(2 * n + release, sizeof<T>());
    if (!a) return 0;
    rsp = <u64>load<T>(a);
    const b = stackReadable(3 * n + release, sizeof<T>());
    if (!b) return 0;
    ss = <u32>load<u16>(b);
  }
  if (!returnTo(selector, rip, ss, rsp, false, release, 2 * n)) return 0;
  return leaveAt(rip);
}

function unblockNmis(): void {
  const blocking = load<u32>(State.BLOCKING);
  if (!(blocking & 8) || !iretUnblocksNmis()) return;
  store<u32>(State.BLOCKING, blocking & ~8);
  // An exit of a fault of this IRET reports it (SDM 3C 27.2.3).
  store<u32>(State.IRET_UNBLOCKED, 1);
}

/** IRET, IRETD, IRETQ. NMI blocking ends even when IRET faults (SDM 3A 6.7.1). */
export function iret<T>(p: usize): usize {
  const n: u64 = sizeof<T>();
  unblockNmis();
  if (virtual8086() && (load<u32>(State.RFLAGS) & IOPL) != IOPL) return faultCode(Vector.GP, 0);
  if (protectedMode() && flag(NT)) {
    if (longMode()) return faultCode(Vector.GP, 0);
    return returnToTask(p);
  }
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const rip = <u64>load<T>(h);
  const s = stackReadable(n, sizeof<T>());
  if (!s) return 0;
  const selector = <u32>load<u16>(s);
  const f = stackReadable(2 * n, sizeof<T>());
  if (!f) return 0;
  const image = <u64>load<T>(f);
  const old = getFlags();
  let mask: u64 = ARITHMETIC | TF | DF | NT;
  if (sizeof<T>() > 2) mask |= RF | AC | ID;
  if (!protectedMode()) {
    mask |= IF;
    if (!virtual8086()) mask |= IOPL;
    if (!realFits(rip)) return 0;
    setStackPointer(stackPointer() + 3 * n);
    setRealSegment(CS, selector);
    setFlags((old & ~mask) | (image & mask));
    store<u32>(State.IRET_UNBLOCKED, 0);
    modeChanged();
    flagsChanged();
    return leaveAt(rip);
  }
  if (cpl() == 0) mask |= IOPL | (sizeof<T>() > 2 ? VIF | VIP : 0);
  if (cpl() <= <u32>((old >> 12) & 3)) mask |= IF;
  if (sizeof<T>() == 4 && image & VM && cpl() == 0 && !longMode()) return returnToVirtual(image, rip, selector);
  let rsp: u64 = 0, ss: u32 = 0;
  const withStack = longCode();
  if (withStack || (selector & 3) > cpl()) {
    const a = stackReadable(3 * n, sizeof<T>());
    if (!a) return 0;
    rsp = <u64>load<T>(a);
    const b = stackReadable(4 * n, sizeof<T>());
    if (!b) return 0;
    ss = <u32>load<u16>(b);
  }
  if (!returnTo(selector, rip, ss, rsp, withStack, 0, 3 * n)) return 0;
  setFlags((old & ~mask) | (image & mask));
  store<u32>(State.IRET_UNBLOCKED, 0);
  modeChanged();
  flagsChanged();
  return leaveAt(rip);
}

/** IRETD to virtual-8086 mode: nine doublewords come off the stack (SDM 3B 20.2.1). */
function returnToVirtual(image: u64, rip: u64, cs: u32): usize {
  for (let n: u32 = 3; n < 9; n++) if (!stackReadable(n * 4, 4)) return 0;
  if (rip > 0xffff) return faultCode(Vector.GP, 0);
  const esp = <u64>load<u32>(stackReadable(12, 4));
  const ss = selectorAt(16), es = selectorAt(20), ds = selectorAt(24), fs = selectorAt(28), gs = selectorAt(32);
  setFlags(image & FLAGS_MASK);
  setVirtualSegment(CS, cs);
  setVirtualSegment(SS, ss);
  setVirtualSegment(ES, es);
  setVirtualSegment(DS, ds);
  setVirtualSegment(FS, fs);
  setVirtualSegment(GS, gs);
  store<u64>(State.RSP, esp);
  store<u32>(State.CPL, 3);
  store<u32>(State.IRET_UNBLOCKED, 0);
  modeChanged();
  flagsChanged();
  return leaveAt(rip);
}
@inline function selectorAt(depth: u64): u32 { return <u32>load<u16>(stackReadable(depth, 4)); }

/** A software interrupt or exception: State.RIP names the instruction, delivery returns behind it. */
function softwareEvent(p: usize, vector: u32, type: u32): usize {
  store<u64>(State.RIP, pcOf(p));
  if (type != EventType.Software && exceptionExits(vector, 0)) {
    store<u32>(State.LENGTH, lengthOf(p));
    return exitOnException(vector, 0, false, type, 0, false);
  }
  deliverEvent(VALID | (type << 8) | vector, 0, lengthOf(p));
  return leaveAt(load<u64>(State.RIP));
}
export function int_(p: usize): usize { return softwareEvent(p, <u32>immediate(p) & 0xff, EventType.Software); }
export function int3(p: usize): usize { return softwareEvent(p, Vector.BP, EventType.SoftwareException); }
export function into(p: usize): usize { return overflow() ? softwareEvent(p, Vector.OF, EventType.SoftwareException) : p + RECORD; }
export function int1(p: usize): usize {
  // Breakpoints that a MOV SS before it met are reported with it; a single-step trap that was held back is lost.
  const met = load<u64>(State.PENDING_DEBUG) & 0xf;
  store<u64>(State.PENDING_DEBUG, 0);
  clearEvent(Event.PendingDebug);
  store<u64>(State.FAULT_QUALIFICATION, met);
  if (met && !exceptionExits(Vector.DB, 0)) store<u64>(State.DR6, (load<u64>(State.DR6) & ~<u64>0xf) | met);
  return softwareEvent(p, Vector.DB, EventType.Privileged);
}

/** Flat 64-bit or 32-bit code and stack segments as SYSCALL, SYSRET, SYSENTER and SYSEXIT load them. */
function flatCode(selector: u32, level: u32, long: bool): void {
  setSegment(CS, selector, 0, 0xffffffff, 0x809b | (level << 5) | (long ? L : D));
  store<u32>(State.CPL, level);
}
function flatStack(selector: u32, level: u32): void { setSegment(SS, selector, 0, 0xffffffff, 0xc093 | (level << 5)); }

export function syscall(p: usize): usize {
  if (!longCode() || !(load<u64>(State.IA32_EFER) & EFER_SCE)) return fault(Vector.UD);
  const flags = getFlags();
  store<u64>(State.RCX, nextPc(p));
  store<u64>(State.R11, flags & ~<u64>RF);
  const star = <u32>(load<u64>(State.IA32_STAR) >> 32) & 0xffff;
  flatCode(star & 0xfffc, 0, true);
  flatStack(star + 8, 0);
  setFlags(flags & ~(load<u64>(State.IA32_FMASK) | RF));
  modeChanged();
  flagsChanged();
  return leaveAt(load<u64>(State.IA32_LSTAR));
}
export function sysret(p: usize): usize {
  if (!longCode() || !(load<u64>(State.IA32_EFER) & EFER_SCE)) return fault(Vector.UD);
  if (cpl() != 0) return faultCode(Vector.GP, 0);
  const long = <u32>load<u8>(p, 47) == 8;
  const rip = long ? load<u64>(State.RCX) : <u64>load<u32>(State.RCX);
  if (long && !canonical(rip)) return faultCode(Vector.GP, 0);
  const star = <u32>(load<u64>(State.IA32_STAR) >> 48);
  flatCode((star + (long ? 16 : 0)) | 3, 3, long);
  flatStack((star + 8) | 3, 3);
  setFlags((load<u64>(State.R11) & 0x3c7fd7) | 2);
  modeChanged();
  flagsChanged();
  return leaveAt(rip);
}
export function sysenter(p: usize): usize {
  const cs = <u32>load<u64>(State.IA32_SYSENTER_CS) & 0xffff;
  if (!(load<u64>(State.CR0) & 1) || !(cs & 0xfffc)) return faultCode(Vector.GP, 0);
  setFlags(getFlags() & ~<u64>(VM | IF | RF));
  const long = longMode();
  flatCode(cs & 0xfffc, 0, long);
  flatStack((cs & 0xfffc) + 8, 0);
  store<u64>(State.RSP, long ? load<u64>(State.IA32_SYSENTER_ESP) : load<u64>(State.IA32_SYSENTER_ESP) & 0xffffffff);
  modeChanged();
  flagsChanged();
  return leaveAt(long ? load<u64>(State.IA32_SYSENTER_EIP) : load<u64>(State.IA32_SYSENTER_EIP) & 0xffffffff);
}
export function sysexit(p: usize): usize {
  const cs = <u32>load<u64>(State.IA32_SYSENTER_CS) & 0xffff;
  if (!(cs & 0xfffc) || !(load<u64>(State.CR0) & 1) || cpl() != 0) return faultCode(Vector.GP, 0);
  const long = <u32>load<u8>(p, 47) == 8;
  const rip = long ? load<u64>(State.RDX) : <u64>load<u32>(State.RDX), rsp = long ? load<u64>(State.RCX) : <u64>load<u32>(State.RCX);
  if (long && (!canonical(rip) || !canonical(rsp))) return faultCode(Vector.GP, 0);
  flatCode(((cs & 0xfffc) + (long ? 32 : 16)) | 3, 3, long);
  flatStack(((cs & 0xfffc) + (long ? 40 : 24)) | 3, 3);
  store<u64>(State.RSP, rsp);
  modeChanged();
  return leaveAt(rip);
}
