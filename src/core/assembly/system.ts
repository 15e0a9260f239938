/** System instructions that concern the processor as a whole (SDM 2). */
import { State } from './generated/state.generated';
import { addressMask, implicitLinear, linear, memReadable } from './address';
import { CR4_PCE, CR4_PCIDE, CR4_SMAP, CR4_TSD, cpl, flushLinear, flushPcid, flushSpace, longCode, longMode, modeChanged, nonRoot } from './context';
import { identify } from './cpuid';
import { sleep } from './events';
import { Vector, fault, faultCode } from './fault';
import { AC } from './flags';
import { ExitReason } from './generated/exits.generated';
import { readMsr, writeMsr } from './msr';
import { RECORD, dst, dstReg, setDst, segmentOf, setRegister, srcReg } from './record';
import { leave, now, publishTime } from './stop';
import { privileged } from './privilege';
import { canonical, readable } from './tlb';
import { forgetGlobal } from './global-pages';
import { exitInstruction, exitWithOperand } from './vmx/exit';
import { invalidationInformation } from './vmx/information';
import { hltExits, monitorExits, mwaitExits, invlpgExits, invpcidUndefined, msrExits, pauseExits, rdpmcExits, rdtscExits, rdtscpUndefined, wbinvdExits } from './vmx/intercept';

const MONITOR_ENABLE: u64 = 1 << 18;

export function ud(_p: usize): usize { return fault(Vector.UD); }
/** More than 15 bytes (SDM 2 2.3.11). */
export function tooLong(_p: usize): usize { return faultCode(Vector.GP, 0); }

export function hlt(p: usize): usize {
  if (!privileged()) return 0;
  if (hltExits()) return exitInstruction(p, ExitReason.HLT, 0);
  sleep(1);
  return leave(p);
}
export function cpuid(p: usize): usize {
  if (nonRoot()) return exitInstruction(p, ExitReason.CPUID, 0);
  identify(load<u32>(State.RAX), load<u32>(State.RCX));
  return p + RECORD;
}

/** The time-stamp counter as this code sees it: retired instructions, plus the TSC offset in non-root operation. */
export function timeStamp(): u64 { return now() + load<u64>(State.TSC_BASE) + load<u64>(State.TSC_OFFSET); }
@inline function tscForbidden(): bool { return cpl() != 0 && (load<u64>(State.CR4) & CR4_TSD) != 0; }
function giveTimeStamp(): void {
  const value = timeStamp();
  setRegister<u32>(State.RAX, <u32>value);
  setRegister<u32>(State.RDX, <u32>(value >> 32));
}
export function rdtsc(p: usize): usize {
  if (tscForbidden()) return faultCode(Vector.GP, 0);
  if (rdtscExits()) return exitInstruction(p, ExitReason.RDTSC, 0);
  giveTimeStamp();
  return p + RECORD;
}
export function rdtscp(p: usize): usize {
  if (rdtscpUndefined()) return fault(Vector.UD);
  if (tscForbidden()) return faultCode(Vector.GP, 0);
  if (rdtscExits()) return exitInstruction(p, ExitReason.RDTSCP, 0);
  giveTimeStamp();
  setRegister<u32>(State.RCX, load<u32>(State.IA32_TSC_AUX));
  return p + RECORD;
}
export function rdpid(p: usize): usize {
  if (rdtscpUndefined()) return fault(Vector.UD);
  store<u64>(dstReg(p), <u64>load<u32>(State.IA32_TSC_AUX));
  return p + RECORD;
}

export function rdmsr(p: usize): usize {
  if (!privileged()) return 0;
  const index = load<u32>(State.RCX);
  if (msrExits(index, false)) return exitInstruction(p, ExitReason.RDMSR, 0);
  publishTime();
  if (!readMsr(index)) return faultCode(Vector.GP, 0);
  const value = load<u64>(State.SCRATCH);
  setRegister<u32>(State.RAX, <u32>value);
  setRegister<u32>(State.RDX, <u32>(value >> 32));
  return p + RECORD;
}
export function wrmsr(p: usize): usize {
  if (!privileged()) return 0;
  const index = load<u32>(State.RCX);
  if (msrExits(index, true)) return exitInstruction(p, ExitReason.WRMSR, 0);
  publishTime();
  if (!writeMsr(index, (<u64>load<u32>(State.RDX) << 32) | <u64>load<u32>(State.RAX))) return faultCode(Vector.GP, 0);
  return leave(p);
}
/** There are no performance counters (CPUID leaf 10 says so): every index is #GP(0). */
export function rdpmc(p: usize): usize {
  if (cpl() != 0 && !(load<u64>(State.CR4) & CR4_PCE)) return faultCode(Vector.GP, 0);
  if (rdpmcExits()) return exitInstruction(p, ExitReason.RDPMC, 0);
  return faultCode(Vector.GP, 0);
}

/** There is no cache to write back or to lose. */
export function wbinvd(p: usize): usize {
  if (!privileged()) return 0;
  return wbinvdExits() ? exitInstruction(p, ExitReason.WBINVD, 0) : p + RECORD;
}
export function invd(p: usize): usize {
  if (!privileged()) return 0;
  return nonRoot() ? exitInstruction(p, ExitReason.INVD, 0) : p + RECORD;
}
export function invlpg(p: usize): usize {
  if (!privileged()) return 0;
  const address = linear(p, 1, false);
  if (invlpgExits()) return exitInstruction(p, ExitReason.INVLPG, address);
  // A non-canonical address invalidates nothing and faults nothing (SDM 2: INVLPG).
  if (!longMode() || canonical(address)) {
    forgetGlobal(address);
    flushSpace();
  }
  return leave(p);
}
/**
 * INVPCID r, m128: type 0 one linear address of a process-context identifier, 1 one identifier, 2 all and global pages, 3 all
 * but global pages. More may be invalidated than asked for (SDM 3A 4.10.4.1).
 */
export function invpcid(p: usize): usize {
  if (invpcidUndefined()) return fault(Vector.UD);
  if (!privileged()) return 0;
  if (nonRoot() && invlpgExits()) return exitWithOperand(p, ExitReason.INVPCID, invalidationInformation(p));
  const type = longCode() ? load<u64>(dstReg(p)) : <u64>load<u32>(dstReg(p));
  const descriptor = memReadable(p, 16);
  if (!descriptor) return 0;
  const identifier = load<u64>(descriptor), address = load<u64>(descriptor, 8);
  const one = type < 2;
  if (type > 3 || (one && identifier >> 12 != 0) || (one && identifier != 0 && !(load<u64>(State.CR4) & CR4_PCIDE)) || (type == 0 && !canonical(address))) return faultCode(Vector.GP, 0);
  if (one) flushPcid(<u32>identifier); else flushLinear(type == 2);
  return leave(p);
}

export function clac(p: usize): usize { return setAc(p, 0); }
export function stac(p: usize): usize { return setAc(p, AC); }
function setAc(p: usize, value: u32): usize {
  if (cpl() != 0) return fault(Vector.UD);
  store<u32>(State.RFLAGS, (load<u32>(State.RFLAGS) & ~AC) | value);
  modeChanged();
  return leave(p);
}
export function pause(p: usize): usize { return pauseExits() ? exitInstruction(p, ExitReason.PAUSE, 0) : p + RECORD; }

/** Not announced by CPUID: undefined opcodes. GETSEC and RSM are so outside SMX and SMM, GETSEC exits in non-root operation only with CR4.SMXE. */
export function rsm(_p: usize): usize { return fault(Vector.UD); }
export function getsec(_p: usize): usize { return fault(Vector.UD); }

/** IA32_MISC_ENABLE bit 18 switches MONITOR and MWAIT off, also in CPUID (SDM 4). */
@inline function monitorExists(): bool {
  if (cpl() == 0 && load<u64>(State.IA32_MISC_ENABLE) & MONITOR_ENABLE) return true;
  fault(Vector.UD);
  return false;
}
/** MONITOR: the range at RAX is read, hence translated and checked. No extensions exist: ECX must be 0. */
export function monitor(p: usize): usize {
  if (!monitorExists()) return 0;
  if (monitorExits()) return exitInstruction(p, ExitReason.MONITOR, 0);
  if (load<u32>(State.RCX)) return faultCode(Vector.GP, 0);
  const segment = segmentOf(p);
  if (!readable(implicitLinear(segment, load<u64>(State.RAX) & addressMask(p), 1, false), 1, segment)) return 0;
  store<u32>(State.MONITOR_ARMED, 1);
  return p + RECORD;
}
/**
 * MWAIT is a hint, and software must expect it to end at any time (SDM 2): here it ends at once. ECX bit 0, interrupts as
 * break events, is the only extension.
 */
export function mwait(p: usize): usize {
  if (!monitorExists()) return 0;
  if (mwaitExits()) return exitInstruction(p, ExitReason.MWAIT, <u64>load<u32>(State.MONITOR_ARMED));
  if (load<u32>(State.RCX) & ~1) return faultCode(Vector.GP, 0);
  store<u32>(State.MONITOR_ARMED, 0);
  return p + RECORD;
}
/** CLFLUSH, CLFLUSHOPT and CLWB are loads as far as translation goes; there is no cache. */
export function clflush(p: usize): usize { return memReadable(p, 1) ? p + RECORD : 0; }

export function swapgs(p: usize): usize {
  if (!longCode()) return fault(Vector.UD);
  if (!privileged()) return 0;
  const base = load<u64>(State.GS_BASE);
  store<u64>(State.GS_BASE, load<u64>(State.IA32_KERNEL_GS_BASE));
  store<u64>(State.IA32_KERNEL_GS_BASE, base);
  return p + RECORD;
}
