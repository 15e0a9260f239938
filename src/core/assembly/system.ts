/** System instructions that concern the processor as a whole (SDM 2). */
import { State } from './generated/state.generated';
import { linear, memReadable } from './address';
import { CR4_PCE, CR4_SMAP, CR4_TSD, cpl, flushAll, flushSpace, longCode, longMode, modeChanged, nonRoot } from './context';
import { identify } from './cpuid';
import { sleep } from './events';
import { Vector, fault, faultCode } from './fault';
import { AC } from './flags';
import { ExitReason } from './generated/exits.generated';
import { readMsr, writeMsr } from './msr';
import { RECORD, dst, dstReg, setDst, setRegister, srcReg } from './record';
import { leave, now, publishTime } from './stop';
import { privileged } from './privilege';
import { canonical } from './tlb';
import { exitInstruction, exitWithOperand } from './vmx/exit';
import { hltExits, invlpgExits, msrExits, pauseExits, rdpmcExits, rdtscExits, rdtscpUndefined, wbinvdExits } from './vmx/intercept';

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
  if (!longMode() || canonical(address)) flushSpace();
  return leave(p);
}
/** INVPCID is not announced. */
export function invpcid(_p: usize): usize { return fault(Vector.UD); }

export function clac(p: usize): usize { return setAc(p, 0); }
export function stac(p: usize): usize { return setAc(p, AC); }
function setAc(p: usize, value: u32): usize {
  if (cpl() != 0) return fault(Vector.UD);
  store<u32>(State.RFLAGS, (load<u32>(State.RFLAGS) & ~AC) | value);
  modeChanged();
  return leave(p);
}
export function pause(p: usize): usize { return pauseExits() ? exitInstruction(p, ExitReason.PAUSE, 0) : p + RECORD; }
export function wait_(p: usize): usize {
  // CR0.MP and CR0.TS (SDM 3A table 2-2); without x87 there is nothing to wait for.
  return (load<u64>(State.CR0) & 10) == 10 ? fault(Vector.NM) : p + RECORD;
}

/** Not announced by CPUID: undefined opcodes. GETSEC and RSM are so outside SMX and SMM, GETSEC exits in non-root operation only with CR4.SMXE. */
export function monitor(_p: usize): usize { return fault(Vector.UD); }
export function mwait(_p: usize): usize { return fault(Vector.UD); }
export function rsm(_p: usize): usize { return fault(Vector.UD); }
export function getsec(_p: usize): usize { return fault(Vector.UD); }

export function swapgs(p: usize): usize {
  if (!longCode()) return fault(Vector.UD);
  if (!privileged()) return 0;
  const base = load<u64>(State.GS_BASE);
  store<u64>(State.GS_BASE, load<u64>(State.IA32_KERNEL_GS_BASE));
  store<u64>(State.IA32_KERNEL_GS_BASE, base);
  return p + RECORD;
}
