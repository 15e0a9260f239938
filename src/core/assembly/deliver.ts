/** Interrupt and exception delivery in all modes (SDM 3A chapter 6, SDM 1 chapter 20 for real-address mode). */
import { State } from './generated/state.generated';
import { CS, DS, ES, FS, GS, SS } from './address';
import { cpl, longMode, modeChanged, nonRoot, protectedMode, virtual8086 } from './context';
import { EventType, HAS_ERROR, VALID, flagsChanged, sleep, wake } from './events';
import { FactCode, observed, tell } from './facts';
import { FAULT_EPT_MISCONFIGURATION, FAULT_EPT_VIOLATION, FAULT_NONE, Vector, clearFault, fault, faultCode } from './fault';
import { AC, IF, IOPL, NT, RF, TF, VM, flag, getFlags, setFlags } from './flags';
import { FACT } from './layout';
import { segmentAccess, segmentBase, segmentLimit, segmentSelector } from './record';
import { NO_STACK, findInnerStack, innerBig, innerDescriptor, innerFits, innerLinear, innerPointer, innerPointer64, innerSelector } from './inner-stack';
import { UNUSABLE, accessed, descriptor, descriptorAt, dplOf, limitOf, loadHidden, readDescriptor, rightsOf, setRealSegment, setSegment, stackFits } from './segments';
import { setStackPointer, stackOffset, stackPointer } from './stack';
import { Event, clearEvent } from './stop';
import { eventThroughTaskGate } from './task';
import { canonical, commitWrite, systemRead, systemWrite } from './tlb';
import { exitOnEpt, exitOnException, exitTripleFault } from './vmx/exit';
import { exceptionExits } from './vmx/intercept';

const SINGLE_STEP: u64 = 1 << 14;
/** Set by every delivery: the single-step trap of the instruction that led to it is lost (SDM 3A 6.9). */
let delivered: bool = false;
export function takeDelivered(): bool { const was = delivered; delivered = false; return was; }

/** Contributory exceptions of the double-fault table (SDM 3A table 6-5). */
@inline function contributory(vector: u32): bool { return vector == Vector.DE || (vector >= <u32>Vector.TS && vector <= <u32>Vector.GP); }

/** Delivers the fault noted in State.FAULT: VM exit, or through the IDT with escalation to double and triple fault. */
export function deliverFault(): void {
  // The first exception of a chain, for the double-fault rules; the delivery of an interrupt does not count.
  let first: u32 = FAULT_NONE;
  while (true) {
    let vector = load<u32>(State.FAULT);
    let error = load<u32>(State.FAULT_ERROR);
    let hasError = load<u32>(State.FAULT_HAS_ERROR);
    if (vector == FAULT_EPT_VIOLATION || vector == FAULT_EPT_MISCONFIGURATION) {
      clearFault();
      exitOnEpt(vector == FAULT_EPT_MISCONFIGURATION);
      return;
    }
    if (first == Vector.DF) { tripleFault(); return; }
    if (first != FAULT_NONE) {
      const double = (contributory(first) && contributory(vector)) || (first == Vector.PF && (contributory(vector) || vector == Vector.PF));
      if (double) { vector = Vector.DF; error = 0; hasError = 1; }
    }
    if (exceptionExits(vector, error)) {
      clearFault();
      const qualification = vector == Vector.PF ? load<u64>(State.FAULT_ADDRESS) : vector == Vector.DB ? load<u64>(State.FAULT_QUALIFICATION) : 0;
      exitOnException(vector, error, hasError != 0, EventType.HardwareException, qualification, vector != Vector.DB);
      return;
    }
    if (vector == Vector.PF) store<u64>(State.CR2, load<u64>(State.FAULT_ADDRESS));
    clearFault();
    first = vector;
    // A single-step trap that blocking by MOV SS held back is lost when the instruction after it faults.
    if (load<u64>(State.PENDING_DEBUG) == SINGLE_STEP) { store<u64>(State.PENDING_DEBUG, 0); clearEvent(Event.PendingDebug); }
    faultDelivered = vector != Vector.DB;
    const delivered = deliver(VALID | (EventType.HardwareException << 8) | (hasError ? HAS_ERROR : 0) | vector, error, 0);
    faultDelivered = false;
    if (delivered) return;
  }
}
function tripleFault(): void {
  clearFault();
  store<u32>(State.DELIVERING, 0);
  if (nonRoot()) { exitTripleFault(); return; }
  sleep(2);
}

/** Delivers an interrupt, a software interrupt or an injected event. False: it led to a fault, which has been dealt with. */
export function deliverEvent(information: u32, error: u32, length: u32): bool {
  if (deliver(information, error, length)) return true;
  // For the double-fault rules an injected exception is the first of the chain.
  const type = (information >> 8) & 7;
  if (type == EventType.HardwareException) {
    const vector = information & 0xff, second = load<u32>(State.FAULT);
    if (vector == Vector.DF && second < 32) { tripleFault(); return false; }
    const double = second < 32 && ((contributory(vector) && contributory(second)) || (vector == Vector.PF && (contributory(second) || second == Vector.PF)));
    if (double) faultCode(Vector.DF, 0);
  }
  deliverFault();
  return false;
}

/** One delivery through the IDT. False: a fault is noted, State.DELIVERING still names the event (IDT-vectoring information). */
function deliver(information: u32, error: u32, length: u32): bool {
  store<u32>(State.DELIVERING, information);
  store<u32>(State.DELIVERING_ERROR, error);
  store<u32>(State.DELIVERING_LENGTH, length);
  const vector = information & 0xff, type = (information >> 8) & 7;
  const software = type == EventType.Software || type == EventType.Privileged || type == EventType.SoftwareException;
  if (observed(software || type == EventType.HardwareException ? FactCode.Exception : FactCode.Interrupt)) told(vector, error, (information & HAS_ERROR) != 0, type);
  const rip = load<u64>(State.RIP) + (software ? length : 0);
  if (!through(vector, error, (information & HAS_ERROR) != 0, rip, software, type)) return false;
  delivered = true;
  store<u32>(State.DELIVERING, 0);
  store<u32>(State.IRET_UNBLOCKED, 0);
  store<u32>(State.BLOCKING, load<u32>(State.BLOCKING) & ~3);
  wakeFromHalt();
  flagsChanged();
  modeChanged();
  return true;
}
@inline function wakeFromHalt(): void { if (load<u32>(State.ACTIVITY) == 1) wake(); }
function told(vector: u32, error: u32, hasError: bool, type: u32): void {
  store<u32>(FACT, vector);
  store<u32>(FACT + 4, error);
  store<u32>(FACT + 8, hasError ? 1 : 0);
  store<u32>(FACT + 12, type == EventType.External ? 1 : 0);
  tell(type == EventType.External || type == EventType.Nmi ? FactCode.Interrupt : FactCode.Exception);
}

function through(vector: u32, error: u32, hasError: bool, rip: u64, software: bool, type: u32): bool {
  if (!(load<u64>(State.CR0) & 1)) return realMode(vector, rip);
  // External events have EXT set in the error codes of faults during their delivery (SDM 3A 6.13).
  const ext: u32 = software && type != EventType.Privileged ? 0 : 1;
  const bytes: u32 = longMode() ? 16 : 8;
  const selectorError = (vector << 3) | 2 | ext;
  if (type == EventType.Software && virtual8086() && (load<u32>(State.RFLAGS) & IOPL) != IOPL) { faultCode(Vector.GP, 0); return false; }
  if (vector * bytes + bytes - 1 > load<u32>(State.IDTR_LIMIT)) { faultCode(Vector.GP, selectorError); return false; }
  const gate = systemRead(load<u64>(State.IDTR_BASE) + vector * bytes, bytes);
  if (!gate) return false;
  const low = load<u64>(gate), high: u64 = bytes == 16 ? load<u64>(gate, 8) : 0;
  const rights = <u32>(low >> 40) & 0xff, kind = rights & 0x1f;
  const wide = kind == 0xe || kind == 0xf;
  if (!wide && (longMode() || (kind != 5 && kind != 6 && kind != 7))) { faultCode(Vector.GP, selectorError); return false; }
  if (software && type != EventType.Privileged && dplOf(rights) < cpl()) { faultCode(Vector.GP, (vector << 3) | 2); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, selectorError); return false; }
  const selector = <u32>(low >> 16) & 0xffff;
  if (kind == 5) {
    const flags = pushedFlags();
    return eventThroughTaskGate(low, rip, flags, error, hasError, ext);
  }
  const target = (low & 0xffff) | (wide ? (low >> 32) & 0xffff0000 : 0) | (high << 32);
  if (!(selector & 0xfffc)) { faultCode(Vector.GP, ext); return false; }
  if (!readDescriptor(selector, Vector.GP, ext)) return false;
  const code = descriptor, codeRights = rightsOf(code);
  if ((codeRights & 0x18) != 0x18 || dplOf(codeRights) > cpl()) { faultCode(Vector.GP, (selector & 0xfffc) | ext); return false; }
  if (longMode() && (codeRights & 0x6000) != 0x2000) { faultCode(Vector.GP, (selector & 0xfffc) | ext); return false; }
  if (!(codeRights & 0x80)) { faultCode(Vector.NP, (selector & 0xfffc) | ext); return false; }
  codeAt = descriptorAt;
  const level = codeRights & 4 ? cpl() : dplOf(codeRights);
  const disables = (kind & 1) == 0;
  if (longMode()) {
    if (!canonical(target)) { faultCode(Vector.GP, ext); return false; }
    return deliverLong(selector, code, target, level, <u32>(low >> 32) & 7, error, hasError, rip, disables, ext);
  }
  return deliverLegacy(selector, code, target, level, wide, error, hasError, rip, disables, ext);
}

/** 64-bit mode: SS, RSP, RFLAGS, CS, RIP are always pushed, on a 16-byte boundary (SDM 3A 6.14). */
function deliverLong(selector: u32, code: u64, target: u64, level: u32, ist: u32, error: u32, hasError: bool, rip: u64, disables: bool, ext: u32): bool {
  let sp = load<u64>(State.RSP);
  const inner = level < cpl();
  if (ist || inner) {
    sp = innerPointer64(level, ist, ext);
    if (sp == NO_STACK) return false;
  }
  sp &= ~<u64>15;
  const bytes: u32 = hasError ? 48 : 40;
  const top = sp - bytes;
  const marked = accessed(codeAt, code);
  if (!marked) return false;
  const h = systemWrite(top, bytes, level == 3, 8);
  if (!h) { if (load<u32>(State.FAULT) == Vector.SS) faultCode(Vector.SS, ext); return false; }
  let at = h;
  if (hasError) { store<u64>(at, error); at += 8; }
  store<u64>(at, rip);
  store<u64>(at, segmentSelector(CS), 8);
  store<u64>(at, pushedFlags(), 16);
  store<u64>(at, load<u64>(State.RSP), 24);
  store<u64>(at, segmentSelector(SS), 32);
  commitWrite(h);
  store<u64>(State.RSP, top);
  if (inner) {
    setSegment(SS, level, 0, segmentLimit(SS), UNUSABLE | (level << 5));
  }
  enter(selector, marked, target, level, disables);
  return true;
}
/** Whether what is being delivered is a fault of the processor's own, not an injected one (SDM 3C 26.6.1.1). */
let faultDelivered: bool = false;
/** The image of RFLAGS on the stack; RF is set for faults so that instruction breakpoints do not repeat (SDM 3B 17.3.1.1). */
function pushedFlags(): u64 {
  return getFlags() | (faultDelivered ? <u64>RF : 0);
}
/** Linear address of the target's code-segment descriptor. */
let codeAt: u64 = 0;
function enter(selector: u32, code: u64, target: u64, level: u32, disables: bool): void {
  loadHidden(CS, (selector & 0xfffc) | level, code);
  store<u32>(State.CPL, level);
  store<u64>(State.RIP, target);
  setFlags(getFlags() & ~<u64>(TF | NT | RF | VM | (disables ? IF : 0)));
}

function deliverLegacy(selector: u32, code: u64, target: u64, level: u32, wide: bool, error: u32, hasError: bool, rip: u64, disables: bool, ext: u32): bool {
  const fromV86 = virtual8086();
  const inner = level < cpl() || fromV86;
  const size: u32 = wide ? 4 : 2;
  if (fromV86 && level != 0) { faultCode(Vector.GP, (selector & 0xfffc) | ext); return false; }
  let sp: u64, base: u64, big: bool;
  if (inner) {
    if (!findInnerStack(level, ext)) return false;
    sp = innerPointer;
    base = innerLinear(0);
    big = innerBig;
  } else {
    sp = stackPointer();
    base = segmentBase(SS);
    big = (segmentAccess(SS) & 0x4000) != 0;
  }
  const words: u32 = (fromV86 ? 9 : inner ? 5 : 3) + (hasError ? 1 : 0);
  const bytes = words * size;
  const top = (sp - bytes) & (big ? 0xffffffff : 0xffff);
  if (inner) { if (!innerFits(top, bytes, ext)) return false; }
  else if (!stackFits(segmentAccess(SS), segmentLimit(SS), top, bytes)) { faultCode(Vector.SS, ext); return false; }
  if (target > <u64>limitOf(code)) { faultCode(Vector.GP, ext); return false; }
  const marked = accessed(codeAt, code);
  if (!marked) return false;
  const h = systemWrite((base + top) & 0xffffffff, bytes, level == 3, size);
  if (!h) return false;
  let n: u32 = 0;
  const flags = pushedFlags();
  if (hasError) put(h, n++, size, error);
  put(h, n++, size, <u32>rip);
  put(h, n++, size, segmentSelector(CS));
  put(h, n++, size, <u32>flags);
  if (inner) {
    put(h, n++, size, load<u32>(State.RSP));
    put(h, n++, size, segmentSelector(SS));
  }
  if (fromV86) {
    put(h, n++, size, segmentSelector(ES));
    put(h, n++, size, segmentSelector(DS));
    put(h, n++, size, segmentSelector(FS));
    put(h, n++, size, segmentSelector(GS));
  }
  commitWrite(h);
  if (fromV86) {
    setSegment(ES, 0, 0, 0, UNUSABLE);
    setSegment(DS, 0, 0, 0, UNUSABLE);
    setSegment(FS, 0, 0, 0, UNUSABLE);
    setSegment(GS, 0, 0, 0, UNUSABLE);
  }
  if (inner) loadHidden(SS, innerSelector, innerDescriptor);
  if (big) store<u64>(State.RSP, top); else store<u16>(State.RSP, <u16>top);
  enter(selector, marked, target, level, disables);
  return true;
}
@inline function put(h: usize, n: u32, size: u32, value: u32): void {
  if (size == 4) store<u32>(h + n * 4, value); else store<u16>(h + n * 2, <u16>value);
}
/** Real-address mode: FLAGS, CS, IP; the vector table has four bytes a vector. */
function realMode(vector: u32, rip: u64): bool {
  if (vector * 4 + 3 > load<u32>(State.IDTR_LIMIT)) { faultCode(Vector.GP, 0); return false; }
  const entry = systemRead(load<u64>(State.IDTR_BASE) + vector * 4, 4);
  if (!entry) return false;
  const target = load<u16>(entry), selector = <u32>load<u16>(entry, 2);
  const top = stackOffset(stackPointer() - 6);
  if (top + 5 > <u64>segmentLimit(SS)) { fault(Vector.SS); return false; }
  const h = systemWrite((segmentBase(SS) + top) & 0xffffffff, 6, false, 2);
  if (!h) return false;
  store<u16>(h, <u16>rip);
  store<u16>(h, <u16>segmentSelector(CS), 2);
  store<u16>(h, <u16>getFlags(), 4);
  commitWrite(h);
  setStackPointer(top);
  setRealSegment(CS, selector);
  store<u64>(State.RIP, <u64>target);
  setFlags(getFlags() & ~<u64>(IF | TF | AC | RF));
  return true;
}
