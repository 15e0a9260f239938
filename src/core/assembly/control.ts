/** Control and debug registers (SDM 2: MOV CR, MOV DR, LMSW, SMSW, CLTS; SDM 3A 2.5). */
import { State } from './generated/state.generated';
import { setTaskPriority } from './apic';
import { breakpointsChanged } from './breakpoints';
import { memReadable, memWritable } from './address';
import { CR0_PE, CR0_PG, CR0_TS, CR0_WP, CR4_DE, CR4_FSGSBASE, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, CR4_TSD, CR4_UMIP, CR4_VMXE, EFER_LMA, EFER_LME, EFER_NXE, cpl, flushLinear, flushSpace, longCode, longMode, modeChanged, nonRoot, protectedMode, switchSpace } from './context';
import { raiseDebug } from './events';
import { FactCode, tellWords } from './facts';
import { Vector, fault, faultCode } from './fault';
import { ExitReason } from './generated/exits.generated';
import { CR4_LEGAL, PHYSICAL_RESERVED } from './layout';
import { privileged, umipAllows } from './privilege';
import { RECORD, dst, dstNumber, dstReg, immediate, setDst, src, srcNumber } from './record';
import { Event, clearEvent, leave, raiseEvent } from './stop';
import { exitInstruction, exitWithAddress } from './vmx/exit';
import { linearAddress } from './address';
import { CR_MOV_FROM, CR_MOV_TO, cltsExits, cltsIgnored, cltsQualification, cr0Seen, cr0WriteExits, cr0Written, cr3ReadExits, cr3WriteExits, cr4Seen, cr4WriteExits, cr4Written, cr8ReadExits, cr8WriteExits, crQualification, drQualification, lmswExits, lmswQualification } from './vmx/control-registers';
import { exceptionExits, movDrExits } from './vmx/intercept';
import { cr0Allowed, cr4Allowed } from './vmx/legal';
import { commitWrite } from './tlb';
import { loadPdptesFrom } from './pdptes';

const CR0_BITS: u64 = 0xe005003f;
const NW: u64 = 1 << 29;
const CD: u64 = 1 << 30;


/** CR0 with all the checks of MOV to CR0; false with #GP(0) noted. */
export function writeCr0(value: u64): bool {
  const old = load<u64>(State.CR0);
  const refused = value >> 32 != 0 || ((value & CR0_PG) != 0 && !(value & CR0_PE)) || ((value & NW) != 0 && !(value & CD)) || !cr0Allowed(value);
  if (refused) { faultCode(Vector.GP, 0); return false; }
  value = (value & CR0_BITS) | 0x10;
  const efer = load<u64>(State.IA32_EFER);
  if (value & ~old & CR0_PG) {
    if (efer & EFER_LME) {
      // Entering IA-32e mode needs PAE, and code that is not 64-bit (SDM 3A 9.8.5).
      if (!(load<u64>(State.CR4) & CR4_PAE) || load<u32>(State.CS_ACCESS) & 0x2000) { faultCode(Vector.GP, 0); return false; }
      store<u64>(State.IA32_EFER, efer | EFER_LMA);
    } else if (load<u64>(State.CR4) & CR4_PAE && !loadPdptesFrom(load<u64>(State.CR3))) return false;
  } else if (old & ~value & CR0_PG) {
    if (longCode() || load<u64>(State.CR4) & CR4_PCIDE) { faultCode(Vector.GP, 0); return false; }
    store<u64>(State.IA32_EFER, efer & ~EFER_LMA);
  }
  store<u64>(State.CR0, value);
  if ((old ^ value) & CR0_PG) flushLinear(true);
  else if ((old ^ value) & (CR0_WP | CR0_PE)) flushSpace();
  modeChanged();
  tellWords(FactCode.Control, 0, 0, value);
  return true;
}
/** With CR4.PCIDE, bit 63 asks to keep what is cached for the new process-context identifier (SDM 3A 4.10.4.1). */
export function writeCr3(value: u64): bool {
  let keep = false;
  if (longMode()) {
    if (load<u64>(State.CR4) & CR4_PCIDE) { keep = value >> 63 != 0; value &= ~(<u64>1 << 63); }
    if (value & (PHYSICAL_RESERVED | 0xfff0000000000000)) { faultCode(Vector.GP, 0); return false; }
  } else {
    value &= 0xffffffff;
    if (load<u64>(State.CR0) & CR0_PG && load<u64>(State.CR4) & CR4_PAE && !loadPdptesFrom(value)) return false;
  }
  store<u64>(State.CR3, value);
  if (load<u64>(State.CR4) & CR4_PCIDE) switchSpace();
  if (!keep) flushSpace();
  tellWords(FactCode.Control, 0, 3, value);
  return true;
}
export function writeCr4(value: u64): bool {
  const old = load<u64>(State.CR4);
  const refused = (value & ~load<u64>(CR4_LEGAL)) != 0 || (longMode() && !(value & CR4_PAE)) || !cr4Allowed(value);
  // Process-context identifiers begin with 0, and in IA-32e mode only (SDM 3A 4.10.1).
  const badPcide = value & ~old & CR4_PCIDE && (!longMode() || (load<u64>(State.CR3) & 0xfff) != 0);
  if (refused || badPcide) { faultCode(Vector.GP, 0); return false; }
  if (load<u64>(State.CR0) & CR0_PG && !longMode() && value & CR4_PAE && (old ^ value) & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) {
    if (!loadPdptesFrom(load<u64>(State.CR3))) return false;
  }
  store<u64>(State.CR4, value);
  if ((old ^ value) & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP)) flushLinear(true);
  else if ((old ^ value) & CR4_SMAP) flushSpace();
  modeChanged();
  tellWords(FactCode.Control, 0, 4, value);
  return true;
}

/** The control register's number is in the immediate; src is the general-purpose register. 64 bits in 64-bit mode, else 32. */
export function movToCr(p: usize): usize {
  if (!privileged()) return 0;
  const n = <u32>immediate(p);
  const value = longCode() ? src<u64>(p) : <u64>src<u32>(p);
  switch (n) {
    case 0:
      if (cr0WriteExits(value)) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(0, CR_MOV_TO, srcNumber(p)));
      return writeCr0(cr0Written(value)) ? leave(p) : 0;
    case 2: store<u64>(State.CR2, value); return p + RECORD;
    case 3:
      if (cr3WriteExits(value)) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(3, CR_MOV_TO, srcNumber(p)));
      return writeCr3(value) ? leave(p) : 0;
    case 4:
      if (cr4WriteExits(value)) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(4, CR_MOV_TO, srcNumber(p)));
      return writeCr4(cr4Written(value)) ? leave(p) : 0;
    default:
      if (cr8WriteExits()) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(8, CR_MOV_TO, srcNumber(p)));
      if (value & ~<u64>15) return faultCode(Vector.GP, 0);
      setTaskPriority(<u32>value << 4);
      return leave(p);
  }
}
export function movFromCr(p: usize): usize {
  if (!privileged()) return 0;
  let value: u64;
  switch (<u32>immediate(p)) {
    case 0: value = cr0Seen(); break;
    case 2: value = load<u64>(State.CR2); break;
    case 3:
      if (cr3ReadExits()) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(3, CR_MOV_FROM, dstNumber(p)));
      value = load<u64>(State.CR3);
      break;
    case 4: value = cr4Seen(); break;
    default:
      if (cr8ReadExits()) return exitInstruction(p, ExitReason.CR_ACCESS, crQualification(8, CR_MOV_FROM, dstNumber(p)));
      value = load<u64>(State.CR8);
  }
  if (longCode()) setDst<u64>(p, value); else setDst<u32>(p, <u32>value);
  return p + RECORD;
}

/** Debug registers 4 and 5 stand for 6 and 7 unless CR4.DE is set; 0: #UD is noted (SDM 3B 17.2.2). */
function debugRegister(n: u32): usize {
  if (n == 4 || n == 5) {
    if (load<u64>(State.CR4) & CR4_DE) { fault(Vector.UD); return 0; }
    n += 2;
  }
  return n < 4 ? <usize>State.DR0 + (<usize>n << 3) : n == 6 ? State.DR6 : State.DR7;
}
const GD: u64 = 1 << 13;
/** General detect: access to debug registers faults before it happens, and BD is set. */
function detected(p: usize): bool {
  if (!(load<u64>(State.DR7) & GD)) return false;
  store<u64>(State.FAULT_QUALIFICATION, GD);
  // An exception that exits leaves DR6 and DR7 alone (SDM 3C 27.1).
  if (!exceptionExits(Vector.DB, 0)) {
    store<u64>(State.DR7, load<u64>(State.DR7) & ~GD);
    store<u64>(State.DR6, load<u64>(State.DR6) | GD);
  }
  fault(Vector.DB);
  return true;
}
export function movToDr(p: usize): usize {
  if (!privileged()) return 0;
  const at = debugRegister(<u32>immediate(p));
  if (!at) return 0;
  if (movDrExits()) return exitInstruction(p, ExitReason.DR_ACCESS, drQualification(<u32>immediate(p), false, srcNumber(p)));
  if (detected(p)) return 0;
  const value = longCode() ? src<u64>(p) : <u64>src<u32>(p);
  if (at >= <usize>State.DR6 && value >> 32) return faultCode(Vector.GP, 0);
  if (at == State.DR6) store<u64>(at, (value & 0xe00f) | 0xffff0ff0);
  else if (at == State.DR7) {
    store<u64>(at, (value & 0xffff2fff) | 0x400);
  } else store<u64>(at, value);
  breakpointsChanged();
  return leave(p);
}
export function movFromDr(p: usize): usize {
  if (!privileged()) return 0;
  const at = debugRegister(<u32>immediate(p));
  if (!at) return 0;
  if (movDrExits()) return exitInstruction(p, ExitReason.DR_ACCESS, drQualification(<u32>immediate(p), true, dstNumber(p)));
  if (detected(p)) return 0;
  if (longCode()) setDst<u64>(p, load<u64>(at)); else setDst<u32>(p, load<u32>(at));
  return p + RECORD;
}

export function clts(p: usize): usize {
  if (!privileged()) return 0;
  if (cltsExits()) return exitInstruction(p, ExitReason.CR_ACCESS, cltsQualification());
  if (!cltsIgnored()) store<u64>(State.CR0, load<u64>(State.CR0) & ~CR0_TS);
  return leave(p);
}
@inline function loadMachineStatus(p: usize, value: u64, memory: bool): usize {
  if (lmswExits(value)) return memory
    ? exitWithAddress(p, ExitReason.CR_ACCESS, lmswQualification(value, true), linearAddress(p, 2))
    : exitInstruction(p, ExitReason.CR_ACCESS, lmswQualification(value, false));
  // LMSW sets PE but never clears it, and changes no more than bits 3:0.
  const seen = cr0Seen();
  return writeCr0(cr0Written((seen & ~<u64>0xe) | (value & 0xf) | (seen & 1))) ? leave(p) : 0;
}
export function lmsw(p: usize): usize { return privileged() ? loadMachineStatus(p, <u64>src<u16>(p), false) : 0; }
export function lmswm(p: usize): usize {
  if (!privileged()) return 0;
  const h = memReadable(p, 2);
  return h ? loadMachineStatus(p, <u64>load<u16>(h), true) : 0;
}
export function smsw<T>(p: usize): usize {
  if (!umipAllows()) return 0;
  setDst<T>(p, <T>cr0Seen());
  return p + RECORD;
}
export function smswm(p: usize): usize {
  if (!umipAllows()) return 0;
  const h = memWritable(p, 2);
  if (!h) return 0;
  store<u16>(h, <u16>cr0Seen());
  commitWrite(h);
  return p + RECORD;
}
