/** Descriptor-table registers, LDTR, TR, the segment probes, and the FS and GS bases (SDM 2). */
import { State } from './generated/state.generated';
import { linear, memReadable, memWritable } from './address';
import { CR4_FSGSBASE, cpl, longCode, longMode, protectedMode } from './context';
import { privileged, umipAllows } from './privilege';
import { Vector, fault, faultCode, clearFault } from './fault';
import { ZF, arithmeticFlags, setArithmeticFlags } from './flags';
import { ExitReason } from './generated/exits.generated';
import { RECORD, R_SEGMENT, dst, dstReg, operandSizeOf, segmentSelector, setDst, src } from './record';
import { LDTR, TR, UNUSABLE, baseOf, descriptor, dplOf, limitOf, markDescriptor, readDescriptor, readHighHalf, rightsOf, setSegment } from './segments';
import { leave } from './stop';
import { canonical, commitWrite, writable } from './tlb';
import { exitWithOperand } from './vmx/exit';
import { Identity, selectorInformation, tableInformation } from './vmx/information';
import { descriptorTableExits } from './vmx/intercept';


function storeTable(p: usize, base: u64, limit: u32, identity: u32): usize {
  if (!umipAllows()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.GDTR_IDTR, tableInformation(p, identity));
  const bytes: u32 = longCode() ? 10 : 6;
  const segment = <u32>load<u8>(p, R_SEGMENT);
  const h = writable(linear(p, bytes, true), bytes, segment);
  if (!h) return 0;
  store<u16>(h, <u16>limit);
  if (bytes == 10) store<u64>(h, base, 2); else store<u32>(h, <u32>base, 2);
  commitWrite(h);
  return p + RECORD;
}
export function sgdt(p: usize): usize { return storeTable(p, load<u64>(State.GDTR_BASE), load<u32>(State.GDTR_LIMIT), Identity.SGDT); }
export function sidt(p: usize): usize { return storeTable(p, load<u64>(State.IDTR_BASE), load<u32>(State.IDTR_LIMIT), Identity.SIDT); }

/** With a 16-bit operand size only 24 bits of the base count. */
function loadTable(p: usize, base: usize, limit: usize, identity: u32): usize {
  if (!privileged()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.GDTR_IDTR, tableInformation(p, identity));
  const bytes: u32 = longCode() ? 10 : 6;
  const h = memReadable(p, bytes);
  if (!h) return 0;
  let value = bytes == 10 ? load<u64>(h, 2) : <u64>load<u32>(h, 2);
  if (bytes == 10) { if (!canonical(value)) return faultCode(Vector.GP, 0); }
  else if (operandSizeOf(p) == 2) value &= 0xffffff;
  store<u32>(limit, <u32>load<u16>(h));
  store<u64>(base, value);
  return p + RECORD;
}
export function lgdt(p: usize): usize { return loadTable(p, State.GDTR_BASE, State.GDTR_LIMIT, Identity.LGDT); }
export function lidt(p: usize): usize { return loadTable(p, State.IDTR_BASE, State.IDTR_LIMIT, Identity.LIDT); }

/** LDTR or TR from a system descriptor of one of `types` (a bit each); false with a fault noted. */
function loadSystem(n: u32, selector: u32, types: u32): bool {
  if (selector & 4) { faultCode(Vector.GP, selector & 0xfffc); return false; }
  if (!readDescriptor(selector, Vector.GP, 0)) return false;
  const rights = rightsOf(descriptor), error = selector & 0xfffc;
  let base = baseOf(descriptor);
  if (longMode()) {
    const high = readHighHalf(selector);
    if (high == u64.MAX_VALUE) return false;
    base |= high << 32;
  }
  if (rights & 0x10 || !((types >> (rights & 15)) & 1)) { faultCode(Vector.GP, error); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, error); return false; }
  if (longMode()) {
    if (!canonical(base)) { faultCode(Vector.GP, error); return false; }
  }
  if (n == TR && !markDescriptor(2)) return false;
  setSegment(n, selector, base, limitOf(descriptor), rightsOf(descriptor));
  return true;
}
function loadLdtr(p: usize, selector: u32): usize {
  if (!(selector & 0xfffc)) setSegment(LDTR, selector, 0, 0, UNUSABLE);
  else if (!loadSystem(LDTR, selector, 1 << 2)) return 0;
  return p + RECORD;
}
function loadTr(p: usize, selector: u32): usize {
  if (!(selector & 0xfffc)) return faultCode(Vector.GP, 0);
  return loadSystem(TR, selector, longMode() ? 1 << 9 : (1 << 1) | (1 << 9)) ? leave(p) : 0;
}
/** LLDT, LTR, SLDT and STR do not exist in real-address and virtual-8086 mode. */
@inline function exists(): bool {
  if (protectedMode()) return true;
  fault(Vector.UD);
  return false;
}
@inline function mayLoad(): bool { return exists() && privileged(); }
export function lldt(p: usize): usize {
  if (!mayLoad()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, Identity.LLDT));
  return loadLdtr(p, <u32>src<u16>(p));
}
export function lldtm(p: usize): usize {
  if (!mayLoad()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, Identity.LLDT));
  const h = memReadable(p, 2);
  return h ? loadLdtr(p, <u32>load<u16>(h)) : 0;
}
export function ltr(p: usize): usize {
  if (!mayLoad()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, Identity.LTR));
  return loadTr(p, <u32>src<u16>(p));
}
export function ltrm(p: usize): usize {
  if (!mayLoad()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, Identity.LTR));
  const h = memReadable(p, 2);
  return h ? loadTr(p, <u32>load<u16>(h)) : 0;
}
@inline function storeSelector<T>(p: usize, n: u32, identity: u32): usize {
  if (!exists() || !umipAllows()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, identity));
  setDst<T>(p, <T>segmentSelector(n));
  return p + RECORD;
}
@inline function storeSelectorM(p: usize, n: u32, identity: u32): usize {
  if (!exists() || !umipAllows()) return 0;
  if (descriptorTableExits()) return exitWithOperand(p, ExitReason.LDTR_TR, selectorInformation(p, identity));
  const h = memWritable(p, 2);
  if (!h) return 0;
  store<u16>(h, <u16>segmentSelector(n));
  commitWrite(h);
  return p + RECORD;
}
export function sldt<T>(p: usize): usize { return storeSelector<T>(p, LDTR, Identity.SLDT); }
export function str<T>(p: usize): usize { return storeSelector<T>(p, TR, Identity.STR); }
export function sldtm(p: usize): usize { return storeSelectorM(p, LDTR, Identity.SLDT); }
export function strm(p: usize): usize { return storeSelectorM(p, TR, Identity.STR); }

@inline function setZero(value: bool): void { setArithmeticFlags((arithmeticFlags() & ~ZF) | (value ? ZF : 0)); }
/** 0 a page fault is noted, 1 not visible, 2 visible: the descriptor of `selector` for LAR, LSL, VERR and VERW. */
function visible(selector: u32): u32 {
  if (!(selector & 0xfffc)) return 1;
  if (!readDescriptor(selector, Vector.GP, 0)) {
    if (load<u32>(State.FAULT) != Vector.GP) return 0;
    clearFault();
    return 1;
  }
  const rights = rightsOf(descriptor);
  const conforming = (rights & 0x1c) == 0x1c;
  const dpl = dplOf(rights);
  return conforming || (dpl >= cpl() && dpl >= (selector & 3)) ? 2 : 1;
}
/** System types that LAR and LSL accept (SDM 2), outside and in IA-32e mode. */
const LAR_TYPES: u32 = 0x1a3e, LAR_LONG: u32 = 0x1a04, LSL_TYPES: u32 = 0x0a0e, LSL_LONG: u32 = 0x0a04;
/** Bits 19:16 of LAR's answer are undefined in the manual; here they are the descriptor's. */
@inline function probe<T>(p: usize, selector: u32, limit: bool): usize {
  const seen = visible(selector);
  if (!seen) return 0;
  let ok = seen == 2;
  if (ok) {
    const rights = rightsOf(descriptor);
    const types = limit ? (longMode() ? LSL_LONG : LSL_TYPES) : longMode() ? LAR_LONG : LAR_TYPES;
    ok = (rights & 0x10) != 0 || ((types >> (rights & 15)) & 1) != 0;
    if (ok) setDst<T>(p, limit ? <T>limitOf(descriptor) : <T>((<u32>(descriptor >> 32)) & (sizeof<T>() == 2 ? 0xff00 : 0x00ffff00)));
  }
  setZero(ok);
  return p + RECORD;
}
export function lar<T>(p: usize): usize { return exists() ? probe<T>(p, <u32>src<u16>(p), false) : 0; }
export function lsl<T>(p: usize): usize { return exists() ? probe<T>(p, <u32>src<u16>(p), true) : 0; }
export function larm<T>(p: usize): usize { if (!exists()) return 0; const h = memReadable(p, 2); return h ? probe<T>(p, <u32>load<u16>(h), false) : 0; }
export function lslm<T>(p: usize): usize { if (!exists()) return 0; const h = memReadable(p, 2); return h ? probe<T>(p, <u32>load<u16>(h), true) : 0; }
function verify(p: usize, selector: u32, write: bool): usize {
  const seen = visible(selector);
  if (!seen) return 0;
  const type = rightsOf(descriptor) & 0x1f;
  setZero(seen == 2 && (write ? (type & 0x1a) == 0x12 : (type & 0x18) == 0x10 || (type & 0x1a) == 0x1a));
  return p + RECORD;
}
export function verr(p: usize): usize { return exists() ? verify(p, <u32>src<u16>(p), false) : 0; }
export function verw(p: usize): usize { return exists() ? verify(p, <u32>src<u16>(p), true) : 0; }
export function verrm(p: usize): usize { if (!exists()) return 0; const h = memReadable(p, 2); return h ? verify(p, <u32>load<u16>(h), false) : 0; }
export function verwm(p: usize): usize { if (!exists()) return 0; const h = memReadable(p, 2); return h ? verify(p, <u32>load<u16>(h), true) : 0; }

export function arpl(p: usize): usize {
  if (!exists()) return 0;
  const rpl = src<u16>(p) & 3, value = dst<u16>(p);
  const raise = (value & 3) < rpl;
  if (raise) setDst<u16>(p, (value & 0xfffc) | rpl);
  setZero(raise);
  return p + RECORD;
}
/** The operand is written only when it changes: a read-only one is no fault otherwise. */
export function arplm(p: usize): usize {
  if (!exists()) return 0;
  const r = memReadable(p, 2);
  if (!r) return 0;
  const rpl = src<u16>(p) & 3, value = load<u16>(r);
  const raise = (value & 3) < rpl;
  if (raise) {
    const h = memWritable(p, 2);
    if (!h) return 0;
    store<u16>(h, (value & 0xfffc) | rpl);
    commitWrite(h);
  }
  setZero(raise);
  return p + RECORD;
}
/** #BR when the signed index is outside the bounds. */
export function bound<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>() * 2);
  if (!h) return 0;
  const index: i32 = sizeof<T>() == 2 ? <i32>dst<i16>(p) : dst<i32>(p);
  const low: i32 = sizeof<T>() == 2 ? <i32>load<i16>(h) : load<i32>(h), high: i32 = sizeof<T>() == 2 ? <i32>load<i16>(h, 2) : load<i32>(h, 4);
  return index < low || index > high ? fault(Vector.BR) : p + RECORD;
}

@inline function fsgsAllowed(): bool {
  if (longCode() && (load<u64>(State.CR4) & CR4_FSGSBASE) != 0) return true;
  fault(Vector.UD);
  return false;
}
export function rdfsbase<T>(p: usize): usize { if (!fsgsAllowed()) return 0; setDst<T>(p, <T>load<u64>(State.FS_BASE)); return p + RECORD; }
export function rdgsbase<T>(p: usize): usize { if (!fsgsAllowed()) return 0; setDst<T>(p, <T>load<u64>(State.GS_BASE)); return p + RECORD; }
@inline function writeBase<T>(p: usize, at: usize): usize {
  if (!fsgsAllowed()) return 0;
  const value = <u64>dst<T>(p);
  if (!canonical(value)) return faultCode(Vector.GP, 0);
  store<u64>(at, value);
  return p + RECORD;
}
export function wrfsbase<T>(p: usize): usize { return writeBase<T>(p, State.FS_BASE); }
export function wrgsbase<T>(p: usize): usize { return writeBase<T>(p, State.GS_BASE); }
