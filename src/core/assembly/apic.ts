/**
 * The local APIC (SDM 3A chapter 10), in xAPIC and x2APIC mode. Every logical processor has one; its registers are part of
 * the processor's state. Functions that a message can reach take `c`, the address of the state concerned: 0 for the
 * processor that runs, a parked copy for the others (processors.ts).
 */
import { State } from './generated/state.generated';
import { acknowledgeExternal, endOfInterrupt } from './host';
import { Event } from './stop';
import { Mode, send } from './apic-message';
import { rearmTimer, setTimerDivide, setTimerInitial, timerCount, timerModeChanged } from './apic-timer';

const NO_INTERRUPT: u32 = 0xffffffff;
export const APIC_EN: u64 = 1 << 11;
export const APIC_EXTD: u64 = 1 << 10;
const SVR_ENABLE: u32 = 1 << 8;
export const LVT_MASKED: u32 = 1 << 16;
const LVT_DELIVERY: u32 = 7 << 8;
/** Version 0x14, six LVT entries (CMCI is not announced). */
const VERSION: u32 = 0x00050014;
const LVT_ENTRIES: u32 = 6;

/** Register numbers: MMIO offset >> 4, x2APIC MSR - 0x800 (SDM 3A tables 10-1 and 10-6). */
export const enum Register {
  Id = 0x02, Version = 0x03, Tpr = 0x08, Apr = 0x09, Ppr = 0x0a, Eoi = 0x0b, Rrd = 0x0c, Ldr = 0x0d, Dfr = 0x0e, Svr = 0x0f,
  Isr = 0x10, Tmr = 0x18, Irr = 0x20, Esr = 0x28, IcrLow = 0x30, IcrHigh = 0x31,
  LvtTimer = 0x32, LvtThermal = 0x33, LvtPerformance = 0x34, LvtLint0 = 0x35, LvtLint1 = 0x36, LvtError = 0x37,
  TimerInitial = 0x38, TimerCurrent = 0x39, TimerDivide = 0x3e, SelfIpi = 0x3f,
}
/** Error status (SDM 3A 10.5.3). */
export const enum ApicError { SendIllegalVector = 1 << 5, ReceiveIllegalVector = 1 << 6, IllegalRegister = 1 << 7 }

@inline export function apicEnabled(c: usize): bool { return (load<u64>(c, State.IA32_APIC_BASE) & APIC_EN) != 0; }
@inline export function x2apic(c: usize): bool { return (load<u64>(c, State.IA32_APIC_BASE) & (APIC_EN | APIC_EXTD)) == (APIC_EN | APIC_EXTD); }
@inline export function softwareEnabled(c: usize): bool { return (load<u32>(c, State.APIC_SVR) & SVR_ENABLE) != 0; }
@inline function lvtAt(n: u32): usize { return <usize>State.APIC_LVT_TIMER + (<usize>n << 2); }

/** Power-up state of the registers (SDM 3A 10.4.7.1); the x2APIC identifier is the processor's number. */
export function resetApic(c: usize): void {
  memory.fill(c + State.APIC_TPR, 0, State.APIC_END - State.APIC_TPR);
  store<u64>(c, 0, State.CR8);
  store<u32>(c, load<u32>(c, State.PROCESSOR), State.APIC_ID);
  store<u32>(c, 0xffffffff, State.APIC_DFR);
  store<u32>(c, 0xff, State.APIC_SVR);
  for (let n: u32 = 0; n < LVT_ENTRIES; n++) store<u32>(c + lvtAt(n), LVT_MASKED);
  store<u64>(c, u64.MAX_VALUE, State.APIC_TIMER_AT);
  interruptsChanged(c);
}
/** INIT keeps the identifier, and the mode. */
export function initApic(): void {
  const id = load<u32>(State.APIC_ID);
  resetApic(0);
  store<u32>(State.APIC_ID, id);
  if (x2apic(0)) enterX2();
}
function enterX2(): void {
  const id = load<u32>(State.PROCESSOR);
  store<u32>(State.APIC_ID, id);
  store<u32>(State.APIC_LDR, ((id >> 4) << 16) | (1 << (id & 15)));
}

/** Highest vector whose bit is set in the 256-bit register at `at`; -1 when none is. */
function highest(at: usize): i32 {
  for (let n = 7; n >= 0; n--) {
    const word = load<u32>(at + (<usize>n << 2));
    if (word) return (n << 5) + 31 - clz<u32>(word);
  }
  return -1;
}
@inline function setBit(at: usize, vector: u32): void { store<u32>(at + ((vector >> 5) << 2), load<u32>(at + ((vector >> 5) << 2)) | (1 << (vector & 31))); }
@inline function clearBit(at: usize, vector: u32): void { store<u32>(at + ((vector >> 5) << 2), load<u32>(at + ((vector >> 5) << 2)) & ~(1 << (vector & 31))); }
@inline function testBit(at: usize, vector: u32): bool { return ((load<u32>(at + ((vector >> 5) << 2)) >> (vector & 31)) & 1) != 0; }

/** Processor priority (SDM 3A 10.8.3.1). */
export function processorPriority(c: usize): u32 {
  const tpr = load<u32>(c, State.APIC_TPR), inService = highest(c + State.APIC_ISR);
  const class_: u32 = inService < 0 ? 0 : <u32>inService & 0xf0;
  return (tpr & 0xf0) >= class_ ? tpr : class_;
}
/** The vector that the local APIC would dispatch now, or -1. */
function dispatchable(c: usize): i32 {
  if (!apicEnabled(c)) return -1;
  const vector = highest(c + State.APIC_IRR);
  return vector >= 0 && (<u32>vector & 0xf0) > (processorPriority(c) & 0xf0) ? vector : -1;
}
/** Whether the 8259's INTR reaches the processor: directly, or through LINT0 as ExtINT (SDM 3A 10.5.1). */
function externalReaches(c: usize): bool {
  if (!load<u32>(c, State.EXTERNAL_LINE)) return false;
  if (!apicEnabled(c)) return true;
  const lint0 = load<u32>(c, State.APIC_LVT_LINT0);
  return !(lint0 & LVT_MASKED) && (lint0 & LVT_DELIVERY) == (<u32>Mode.External << 8);
}
/** After anything that decides whether a maskable interrupt waits: State.EVENTS follows. */
export function interruptsChanged(c: usize): void {
  const waits = load<u32>(c, State.PENDING_INTERRUPT) != NO_INTERRUPT || externalReaches(c) || dispatchable(c) >= 0;
  const events = load<u32>(c, State.EVENTS);
  store<u32>(c, waits ? events | Event.Interrupt : events & ~Event.Interrupt, State.EVENTS);
}
/** The processor takes the waiting interrupt: its vector. Ask only when Event.Interrupt is set. */
export function acknowledgeInterrupt(): u32 {
  let vector = load<u32>(State.PENDING_INTERRUPT);
  if (vector != NO_INTERRUPT) store<u32>(State.PENDING_INTERRUPT, NO_INTERRUPT);
  else if (externalReaches(0)) vector = acknowledgeExternal() & 0xff;
  else {
    vector = <u32>dispatchable(0);
    clearBit(State.APIC_IRR, vector);
    setBit(State.APIC_ISR, vector);
  }
  interruptsChanged(0);
  return vector;
}

/** A fixed interrupt arrives (SDM 3A 10.8.4). */
export function acceptInterrupt(c: usize, vector: u32, level: bool): void {
  if (!apicEnabled(c) || !softwareEnabled(c)) return;
  if (vector < 16) { apicError(c, ApicError.ReceiveIllegalVector); return; }
  setBit(c + State.APIC_IRR, vector);
  if (level) setBit(c + State.APIC_TMR, vector); else clearBit(c + State.APIC_TMR, vector);
  interruptsChanged(c);
}
/** Notes an error; an unmasked LVT error entry raises its interrupt. */
export function apicError(c: usize, bit: u32): void {
  store<u32>(c, load<u32>(c, State.APIC_ERRORS) | bit, State.APIC_ERRORS);
  const lvt = load<u32>(c, State.APIC_LVT_ERROR);
  // An illegal vector in the error entry itself would never end.
  if (!(lvt & LVT_MASKED) && (lvt & 0xff) >= 16) acceptInterrupt(c, lvt & 0xff, false);
}
/** An event of a local source whose LVT entry is number `n`. */
export function localInterrupt(c: usize, n: u32): void {
  const lvt = load<u32>(c + lvtAt(n));
  if (lvt & LVT_MASKED) return;
  const mode = (lvt >> 8) & 7;
  if (mode == Mode.Nmi) { store<u32>(c, 1, State.PENDING_NMI); store<u32>(c, load<u32>(c, State.EVENTS) | Event.Nmi, State.EVENTS); }
  else if (mode == Mode.Fixed || n == 0) acceptInterrupt(c, lvt & 0xff, false);
}

function endInterrupt(): void {
  const vector = highest(State.APIC_ISR);
  if (vector < 0) return;
  clearBit(State.APIC_ISR, vector);
  if (testBit(State.APIC_TMR, vector)) endOfInterrupt(vector);
  interruptsChanged(0);
}
/** TPR, all eight bits; CR8 is its upper half (SDM 3A 10.8.6). */
export function setTaskPriority(value: u32): void {
  store<u32>(State.APIC_TPR, value & 0xff);
  store<u64>(State.CR8, <u64>(value >> 4) & 15);
  interruptsChanged(0);
}

function lvtBits(n: u32): u32 {
  // Vector, mask; the timer has modes, the others delivery modes, LINT0 and LINT1 polarity, remote IRR and trigger mode.
  if (n == 0) return 0x000700ff & ~0x700;
  if (n == 5) return 0x000100ff;
  return n >= 3 ? 0x0001a7ff : 0x000107ff;
}
function writeLvt(n: u32, value: u32): void {
  const old = load<u32>(lvtAt(n));
  value &= n == 0 ? 0x000700ff : lvtBits(n);
  if (!softwareEnabled(0)) value |= LVT_MASKED;
  store<u32>(lvtAt(n), value);
  if (n == 0 && ((old ^ value) & (3 << 17))) timerModeChanged(old);
  interruptsChanged(0);
}
function writeSpurious(value: u32): void {
  store<u32>(State.APIC_SVR, value & 0x1ff);
  if (!(value & SVR_ENABLE)) for (let n: u32 = 0; n < LVT_ENTRIES; n++) store<u32>(lvtAt(n), load<u32>(lvtAt(n)) | LVT_MASKED);
  interruptsChanged(0);
}

/** Whether register `r` exists; DFR, RRD, APR and ICR's upper half only in xAPIC mode, SELF IPI only in x2APIC mode. */
function exists(r: i32, x2: bool): bool {
  if (r >= Register.Isr && r <= Register.Esr) return true;
  if (r >= Register.LvtTimer && r <= Register.TimerCurrent) return true;
  switch (r) {
    case Register.Id: case Register.Version: case Register.Tpr: case Register.Ppr: case Register.Eoi: case Register.Ldr:
    case Register.Svr: case Register.IcrLow: case Register.TimerDivide: return true;
    case Register.Apr: case Register.Rrd: case Register.Dfr: case Register.IcrHigh: return !x2;
    case Register.SelfIpi: return x2;
    default: return false;
  }
}
function readRegister(r: i32): u32 {
  if (r >= Register.Isr && r < Register.Esr) return load<u32>(<usize>State.APIC_ISR + (<usize>(r - Register.Isr) << 2));
  if (r >= Register.LvtTimer && r <= Register.LvtError) return load<u32>(lvtAt(r - Register.LvtTimer));
  switch (r) {
    case Register.Id: return x2apic(0) ? load<u32>(State.APIC_ID) : load<u32>(State.APIC_ID) << 24;
    case Register.Version: return VERSION;
    case Register.Tpr: return load<u32>(State.APIC_TPR);
    case Register.Apr: return processorPriority(0);
    case Register.Ppr: return processorPriority(0);
    case Register.Ldr: return load<u32>(State.APIC_LDR);
    case Register.Dfr: return load<u32>(State.APIC_DFR);
    case Register.Svr: return load<u32>(State.APIC_SVR);
    case Register.Esr: return load<u32>(State.APIC_ESR);
    case Register.IcrLow: return load<u32>(State.APIC_ICR);
    case Register.IcrHigh: return load<u32>(<usize>State.APIC_ICR + 4);
    case Register.TimerInitial: return load<u32>(State.APIC_TIMER_INITIAL);
    case Register.TimerCurrent: return timerCount();
    case Register.TimerDivide: return load<u32>(State.APIC_TIMER_DIVIDE);
    default: return 0;
  }
}
function writeRegister(r: i32, value: u32): void {
  if (r >= Register.LvtTimer && r <= Register.LvtError) { writeLvt(<u32>(r - Register.LvtTimer), value); return; }
  switch (r) {
    case Register.Id: store<u32>(State.APIC_ID, value >> 24); return;
    case Register.Tpr: setTaskPriority(value); return;
    case Register.Eoi: endInterrupt(); return;
    case Register.Ldr: store<u32>(State.APIC_LDR, value & 0xff000000); return;
    case Register.Dfr: store<u32>(State.APIC_DFR, value | 0x0fffffff); return;
    case Register.Svr: writeSpurious(value); return;
    case Register.Esr: store<u32>(State.APIC_ESR, load<u32>(State.APIC_ERRORS)); store<u32>(State.APIC_ERRORS, 0); return;
    case Register.IcrLow:
      store<u32>(State.APIC_ICR, value & 0x000ccfff);
      send(value & 0x000ccfff, load<u32>(<usize>State.APIC_ICR + 4) >> 24);
      return;
    case Register.IcrHigh: store<u32>(<usize>State.APIC_ICR + 4, value & 0xff000000); return;
    case Register.TimerInitial: setTimerInitial(value); return;
    case Register.TimerDivide: setTimerDivide(value & 11); return;
    default: return;
  }
}

/** Whether physical `address` lies in the local APIC's page now. */
@inline export function inApicPage(address: u64): bool {
  const base = load<u64>(State.IA32_APIC_BASE);
  return (base & (APIC_EN | APIC_EXTD)) == APIC_EN && (address ^ base) >> 12 == 0;
}
/** Registers are 32 bits wide at every 16th byte; what lies between reads as 0 (SDM 3A 10.4.1). */
export function apicRead(address: u64, size: u32): u64 {
  const offset = <u32>address & 0xfff, r = <i32>(offset >> 4), at = offset & 15;
  if (!exists(r, false)) { apicError(0, ApicError.IllegalRegister); return 0; }
  if (at > 3) return 0;
  const value = <u64>readRegister(r) >> <u64>(at * 8);
  return size >= 4 ? value : value & ((<u64>1 << <u64>(size * 8)) - 1);
}
export function apicWrite(address: u64, size: u32, value: u64): void {
  const offset = <u32>address & 0xfff, r = <i32>(offset >> 4);
  if (!exists(r, false) || r == Register.Version || (r >= Register.Isr && r < Register.Esr)) { apicError(0, ApicError.IllegalRegister); return; }
  if (offset & 15 || size < 4) return;
  writeRegister(r, <u32>value);
}

/** RDMSR of an x2APIC register into State.SCRATCH; false: #GP(0) (SDM 3A 10.12.1). */
export function readX2(index: u32): bool {
  const r = <i32>index - 0x800;
  if (!x2apic(0) || !exists(r, true) || r == Register.Eoi || r == Register.SelfIpi) return false;
  store<u64>(State.SCRATCH, r == Register.IcrLow ? load<u64>(State.APIC_ICR) : <u64>readRegister(r));
  return true;
}
/** WRMSR of an x2APIC register; false: #GP(0). Reserved bits must be zero. */
export function writeX2(index: u32, value: u64): bool {
  const r = <i32>index - 0x800;
  if (!x2apic(0) || !exists(r, true)) return false;
  if (r == Register.IcrLow) {
    if (value & 0xfff32000) return false;
    store<u64>(State.APIC_ICR, value);
    send(<u32>value & 0x000ccfff, <u32>(value >> 32));
    return true;
  }
  if (value >> 32) return false;
  const low = <u32>value;
  if (r >= Register.LvtTimer && r <= Register.LvtError) {
    const n = <u32>(r - Register.LvtTimer);
    if (low & ~((n == 0 ? 0x000700ff : lvtBits(n)) | (1 << 12) | (n >= 3 && n < 5 ? 1 << 14 : 0))) return false;
    writeLvt(n, low);
    return true;
  }
  switch (r) {
    case Register.Tpr: if (low & ~<u32>0xff) return false; break;
    case Register.Eoi: case Register.Esr: if (low) return false; break;
    case Register.Svr: if (low & ~<u32>0x1ff) return false; break;
    case Register.TimerInitial: break;
    case Register.TimerDivide: if (low & ~<u32>11) return false; break;
    case Register.SelfIpi: if (low & ~<u32>0xff) return false; send((1 << 18) | low, 0); return true;
    default: return false; // read-only
  }
  writeRegister(r, low);
  return true;
}

/** WRMSR of IA32_APIC_BASE; false: #GP(0). The transitions of SDM 3A figure 10-27. */
export function writeApicBase(value: u64, reserved: u64): bool {
  const old = load<u64>(State.IA32_APIC_BASE), mode = value & (APIC_EN | APIC_EXTD), was = old & (APIC_EN | APIC_EXTD);
  if (value & reserved || mode == APIC_EXTD) return false;
  if (was == (APIC_EN | APIC_EXTD) && mode == APIC_EN) return false;
  if (was == 0 && mode == (APIC_EN | APIC_EXTD)) return false;
  store<u64>(State.IA32_APIC_BASE, value);
  if (mode != was) {
    if (mode == 0) resetApic(0);
    else if (mode == (APIC_EN | APIC_EXTD)) enterX2();
  }
  interruptsChanged(0);
  rearmTimer();
  return true;
}
