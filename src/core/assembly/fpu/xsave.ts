/**
 * XSAVE and its kin (SDM 1 chapter 13, SDM 2), XGETBV and XSETBV. State components 0 (x87) and 1 (SSE) exist; both lie in
 * the legacy region, so that the standard and the compacted format differ in the header only. There is no supervisor state:
 * IA32_XSS is 0, and XSAVES is a privileged XSAVEC.
 */
import { State } from '../generated/state.generated';
import { CR0_TS, CR4_OSXSAVE, nonRoot } from '../context';
import { Vector, fault, faultCode } from '../fault';
import { Secondary } from '../generated/controls.generated';
import { ExitReason } from '../generated/exits.generated';
import { Feature, has } from '../generated/features.generated';
import { privileged } from '../privilege';
import { RECORD, setRegister } from '../record';
import { leave } from '../stop';
import { exitInstruction } from '../vmx/exit';
import * as A from './area';
import { initialize } from './stack';

const X87: u64 = 1;
const SSE: u64 = 2;
/** What XCR0 may hold; bit 0 must be set. */
const STATES: u64 = X87 | SSE;
const COMPACTED: u64 = 1 << 63;
const MXCSR_INITIAL: u32 = 0x1f80;
/** Offsets of XSTATE_BV and XCOMP_BV. */
const STATE_AT: usize = 512;
const COMPACT_AT: usize = 520;

function ready(): bool {
  if (!(load<u64>(State.CR4) & CR4_OSXSAVE)) fault(Vector.UD);
  else if (load<u64>(State.CR0) & CR0_TS) fault(Vector.NM);
  else return true;
  return false;
}
@inline function asked(): u64 { return load<u64>(State.XCR0) & ((<u64>load<u32>(State.RDX) << 32) | <u64>load<u32>(State.RAX)); }

/** Components that are not in their initial configuration (SDM 1 13.6); MXCSR does not count. */
function inUse(): u64 {
  let used: u64 = 0;
  const x87 = load<u16>(State.FCW) == 0x37f && !load<u16>(State.FSW) && !load<u8>(State.FTW) && !load<u16>(State.FOP) && !load<u64>(State.FIP) && !load<u64>(State.FDP);
  if (!x87) used |= X87;
  else for (let n: usize = 0; n < 8; n++) if (load<u64>(<usize>State.FPR0 + (n << 4)) || load<u16>(<usize>State.FPR0 + (n << 4), 8)) used |= X87;
  for (let n: usize = 0; n < 256; n += 16) if (v128.any_true(v128.load(<usize>State.XMM0 + n))) used |= SSE;
  return used;
}

function storeStates(p: usize, states: u64, mxcsr: bool): void {
  if (states & X87) {
    A.putX87(p);
    A.storeControl();
    A.storePieces(A.ST_FIRST, A.ST_END);
  }
  if (mxcsr) {
    A.putMxcsr();
    A.storeMxcsr();
  }
  if (states & SSE) {
    A.putXmm();
    A.storePieces(A.XMM_FIRST, A.xmmEnd());
  }
}
/** XSAVE, and XSAVEOPT when `optimize`: the latter leaves out what is in its initial configuration. */
function saveStandard(p: usize, optimize: bool): usize {
  if (!ready() || !A.locate(p, A.LEGACY_BYTES + A.HEADER_BYTES, 64, true)) return 0;
  if (!A.canStore(0, A.HEADER_END) || !A.loadPieces(A.HEADER_FIRST, A.HEADER_FIRST + 1)) return 0;
  const wanted = asked(), used = inUse();
  storeStates(p, optimize ? wanted & used : wanted, (wanted & SSE) != 0);
  store<u64>(A.AREA, (load<u64>(A.AREA, STATE_AT) & ~wanted) | (used & wanted), STATE_AT);
  A.storePieces(A.HEADER_FIRST, A.HEADER_FIRST + 1);
  return p + RECORD;
}
export function xsave(p: usize): usize { return saveStandard(p, false); }
export function xsaveopt(p: usize): usize { return saveStandard(p, true); }

function saveCompacted(p: usize): usize {
  if (!A.locate(p, A.LEGACY_BYTES + A.HEADER_BYTES, 64, true) || !A.canStore(0, A.HEADER_END)) return 0;
  const wanted = asked();
  let used = inUse();
  if (load<u32>(State.MXCSR) != MXCSR_INITIAL) used |= SSE;
  const saved = wanted & used;
  storeStates(p, saved, (saved & SSE) != 0);
  store<u64>(A.AREA, saved, STATE_AT);
  store<u64>(A.AREA, COMPACTED | wanted, COMPACT_AT);
  A.storePieces(A.HEADER_FIRST, A.HEADER_FIRST + 1);
  return p + RECORD;
}
export function xsavec(p: usize): usize { return ready() ? saveCompacted(p) : 0; }
/** In non-root operation XSAVES and XRSTORS are #UD unless enabled (SDM 3C 25.3). With IA32_XSS 0 the XSS-exiting bitmap selects nothing. */
function supervisorReady(): bool {
  if (nonRoot() && !(load<u32>(State.SECONDARY_CONTROLS) & Secondary.ENABLE_XSAVES_XRSTORS)) { fault(Vector.UD); return false; }
  if (!(load<u64>(State.CR4) & CR4_OSXSAVE)) { fault(Vector.UD); return false; }
  return privileged() && ready();
}
export function xsaves(p: usize): usize { return supervisorReady() ? saveCompacted(p) : 0; }

/** Whether the header is one that XRSTOR takes; `compacted` demands that form (SDM 1 13.8, 13.12). */
function headerLegal(compacted: bool): bool {
  const states = load<u64>(A.AREA, STATE_AT), compact = load<u64>(A.AREA, COMPACT_AT), enabled = load<u64>(State.XCR0);
  if (compact & COMPACTED) {
    if (!has(Feature.XSAVEC)) return false;
    if (compact & ~COMPACTED & ~enabled || states & ~compact) return false;
    for (let n: usize = COMPACT_AT + 8; n < 576; n += 8) if (load<u64>(A.AREA + n)) return false;
    return true;
  }
  return !compacted && !compact && !load<u64>(A.AREA, COMPACT_AT + 8) && !(states & ~enabled);
}
function restore(p: usize, supervisor: bool): usize {
  if (!A.locate(p, A.LEGACY_BYTES + A.HEADER_BYTES, 64, false) || !A.loadPieces(0, A.HEADER_END)) return 0;
  if (!headerLegal(supervisor)) return faultCode(Vector.GP, 0);
  const wanted = asked(), present = load<u64>(A.AREA, STATE_AT) & wanted;
  const compacted = (load<u64>(A.AREA, COMPACT_AT) & COMPACTED) != 0;
  // In the standard form MXCSR comes from memory even when the SSE state is initialized.
  const mxcsr = ((compacted ? present : wanted) & SSE) != 0;
  if (mxcsr && !A.mxcsrLegal()) return faultCode(Vector.GP, 0);
  if (present & X87) A.takeX87(p);
  else if (wanted & X87) {
    initialize();
    memory.fill(State.FPR0, 0, 128);
  }
  if (mxcsr) A.takeMxcsr(); else if (wanted & SSE) store<u32>(State.MXCSR, MXCSR_INITIAL);
  if (present & SSE) A.takeXmm(); else if (wanted & SSE) memory.fill(State.XMM0, 0, (A.xmmEnd() - A.XMM_FIRST) << 4);
  return p + RECORD;
}
export function xrstor(p: usize): usize { return ready() ? restore(p, false) : 0; }
export function xrstors(p: usize): usize { return supervisorReady() ? restore(p, true) : 0; }

export function xgetbv(p: usize): usize {
  if (!(load<u64>(State.CR4) & CR4_OSXSAVE)) return fault(Vector.UD);
  const index = load<u32>(State.RCX);
  if (index > 1 || (index == 1 && !has(Feature.XGETBV1))) return faultCode(Vector.GP, 0);
  let value = load<u64>(State.XCR0);
  if (index == 1) value &= inUse() | (load<u32>(State.MXCSR) != MXCSR_INITIAL ? SSE : 0);
  setRegister<u32>(State.RAX, <u32>value);
  setRegister<u32>(State.RDX, <u32>(value >> 32));
  return p + RECORD;
}
export function xsetbv(p: usize): usize {
  if (!(load<u64>(State.CR4) & CR4_OSXSAVE)) return fault(Vector.UD);
  if (!privileged()) return 0;
  if (nonRoot()) return exitInstruction(p, ExitReason.XSETBV, 0);
  const value = (<u64>load<u32>(State.RDX) << 32) | <u64>load<u32>(State.RAX);
  if (load<u32>(State.RCX) || !(value & X87) || value & ~STATES) return faultCode(Vector.GP, 0);
  store<u64>(State.XCR0, value);
  return leave(p);
}
