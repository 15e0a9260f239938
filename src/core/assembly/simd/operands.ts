/**
 * Operands of MMX and SSE instructions: whether the instruction may run at all, where its operands lie, and the state
 * that MMX instructions leave in the x87 registers. A memory operand is translated before anything changes.
 */
import { State } from '../generated/state.generated';
import { linear } from '../address';
import { CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXMMEXCPT } from '../context';
import { Vector, fault, faultCode } from '../fault';
import { pending } from '../fpu/environment';
import { TOP_MASK } from '../fpu/stack';
import { R_SEGMENT, dstReg, isMemory, srcReg } from '../record';
import { readable, writable } from '../tlb';

/** SDM 3A 2.5, table 13-1: whether SSE instructions may run; false with #UD or #NM noted. */
@inline export function sseReady(): bool {
  return (!(load<u64>(State.CR0) & (CR0_EM | CR0_TS)) && (load<u64>(State.CR4) & CR4_OSFXSR) != 0) || sseRefused();
}
function sseRefused(): bool {
  fault(load<u64>(State.CR0) & CR0_EM || !(load<u64>(State.CR4) & CR4_OSFXSR) ? Vector.UD : Vector.NM);
  return false;
}
/** Whether MMX instructions may run; false with #UD, #NM or a pending #MF noted (SDM 3A 12.1). */
export function mmxReady(): bool {
  const cr0 = load<u64>(State.CR0);
  if (cr0 & CR0_EM) fault(Vector.UD);
  else if (cr0 & CR0_TS) fault(Vector.NM);
  else if (pending()) fault(Vector.MF);
  else return true;
  return false;
}
/** Notes #XM, or #UD while the operating system has not enabled it (CR4.OSXMMEXCPT). Always 0. */
export function simdException(): usize { return fault(load<u64>(State.CR4) & CR4_OSXMMEXCPT ? Vector.XM : Vector.UD); }

/** XMM register of a record's dst or src byte. */
@inline export function xmmAt(register: usize): usize { return <usize>State.XMM0 + (register << 1); }
@inline export function xmmDst(p: usize): usize { return xmmAt(dstReg(p)); }
@inline export function xmmSrc(p: usize): usize { return xmmAt(srcReg(p)); }
@inline export function mmxDst(p: usize): usize { return <usize>State.FPR0 + (dstReg(p) << 1); }
@inline export function mmxSrc(p: usize): usize { return <usize>State.FPR0 + (srcReg(p) << 1); }

@inline function segment(p: usize): u32 { return <u32>load<u8>(p, R_SEGMENT); }
/** Readable memory operand of `bytes` bytes, aligned to 16 if it has that size; 0 with a fault noted. */
@inline export function alignedRead(p: usize): usize {
  const at = linear(p, 16, false);
  return at & 15 ? faultCode(Vector.GP, 0) : readable(at, 16, segment(p));
}
/** Likewise for storing; finish with commitWrite. */
@inline export function alignedWrite(p: usize): usize {
  const at = linear(p, 16, true);
  return at & 15 ? faultCode(Vector.GP, 0) : writable(at, 16, segment(p));
}
export function memoryBytes(p: usize, bytes: u32): usize { return readable(linear(p, bytes, false), bytes, segment(p)); }
export function memoryRoom(p: usize, bytes: u32): usize { return writable(linear(p, bytes, true), bytes, segment(p)); }

/** Address of the 16-byte source operand of an SSE instruction, or 0 with a fault noted. */
export function xmmSource(p: usize): usize {
  if (!sseReady()) return 0;
  return isMemory(p) ? alignedRead(p) : xmmSrc(p);
}
/** Likewise of a source of `bytes` bytes, which need not be aligned. */
export function xmmBytes(p: usize, bytes: u32): usize {
  if (!sseReady()) return 0;
  return isMemory(p) ? memoryBytes(p, bytes) : xmmSrc(p);
}

/** Instead of an address, where 0 is that of RAX: a fault is noted. */
export const NONE: usize = usize.MAX_VALUE;
/** Address of a source in a general-purpose register or in `bytes` bytes of memory, or NONE. */
export function generalSource(p: usize, bytes: u32): usize {
  if (!isMemory(p)) return srcReg(p);
  const s = memoryBytes(p, bytes);
  return s ? s : NONE;
}

/** MMX instructions make every x87 register valid and TOP 0 (SDM 1 9.5.1). */
@inline export function enterMmx(): void {
  store<u16>(State.FSW, load<u16>(State.FSW) & ~TOP_MASK);
  store<u8>(State.FTW, 0xff);
}
/** Address of the source operand of an MMX instruction, which changes MMX state; 0 with a fault noted. */
export function mmxSource(p: usize, bytes: u32): usize {
  if (!mmxReady()) return 0;
  const s = isMemory(p) ? memoryBytes(p, bytes) : mmxSrc(p);
  if (s) enterMmx();
  return s;
}
/** Writes an MMX register: sign and exponent of the x87 register become ones (SDM 1 9.2.1). */
@inline export function setMmx(at: usize, value: i64): void {
  store<i64>(at, value);
  store<u16>(at, 0xffff, 8);
}
