/** The stack of a more privileged level: found in the TSS by call gates, interrupts and exceptions (SDM 3A 5.8.5, 6.12.1). */
import { segmentAccess, segmentBase, segmentLimit, segmentSelector } from './record';
import { Vector, faultCode } from './fault';
import { TR, UNUSABLE, baseOf, descriptor, dplOf, limitOf, markDescriptor, readDescriptor, rightsOf, stackFits } from './segments';
import { canonical, systemRead } from './tlb';

/** SS selector, raw descriptor and stack pointer that `findInnerStack` found; whether the stack has 32-bit pointers. */
export let innerSelector: u32 = 0;
export let innerDescriptor: u64 = 0;
export let innerPointer: u64 = 0;
export let innerBig: bool = false;

/** Reads and checks SS:ESP for privilege `level` outside IA-32e mode; `ext` is bit 0 of error codes. False: a fault is noted. */
export function findInnerStack(level: u32, ext: u32): bool {
  const wide = (segmentAccess(TR) & 8) != 0;
  const at: u32 = wide ? 4 + level * 8 : 2 + level * 4;
  if (segmentAccess(TR) & UNUSABLE || at + <u32>(wide ? 5 : 3) > segmentLimit(TR)) { faultCode(Vector.TS, (segmentSelector(TR) & 0xfffc) | ext); return false; }
  const h = systemRead(segmentBase(TR) + at, wide ? 6 : 4);
  if (!h) return false;
  innerPointer = wide ? <u64>load<u32>(h) : <u64>load<u16>(h);
  innerSelector = <u32>load<u16>(h + <usize>(wide ? 4 : 2));
  const error = (innerSelector & 0xfffc) | ext;
  if (!(innerSelector & 0xfffc)) { faultCode(Vector.TS, ext); return false; }
  if (!readDescriptor(innerSelector, Vector.TS, ext)) return false;
  const rights = rightsOf(descriptor);
  if ((innerSelector & 3) != level || dplOf(rights) != level || (rights & 0x1a) != 0x12) { faultCode(Vector.TS, error); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.SS, error); return false; }
  if (!markDescriptor(1)) return false;
  innerDescriptor = descriptor;
  innerBig = (rights & 0x4000) != 0;
  return true;
}

/** Offset of the new top when `bytes` bytes are pushed there. */
export function innerTop(bytes: u32): u64 { return (innerPointer - bytes) & (innerBig ? 0xffffffff : 0xffff); }
/** Whether those bytes lie in the segment; else #SS(selector) is noted. */
export function innerFits(top: u64, bytes: u32, ext: u32): bool {
  if (stackFits(rightsOf(innerDescriptor), limitOf(innerDescriptor), top, bytes)) return true;
  faultCode(Vector.SS, (innerSelector & 0xfffc) | ext);
  return false;
}
/** Linear address of the stack's byte at offset `at`. */
@inline export function innerLinear(at: u64): u64 { return (baseOf(innerDescriptor) + at) & 0xffffffff; }

/** RSP for privilege `level`, or of interrupt stack `ist` (1-7), in IA-32e mode (SDM 3A 7.7); non-canonical when a fault is noted. */
export function innerPointer64(level: u32, ist: u32, ext: u32): u64 {
  const at: u32 = ist ? 0x24 + (ist - 1) * 8 : 4 + level * 8;
  if (segmentAccess(TR) & UNUSABLE || at + 7 > segmentLimit(TR)) { faultCode(Vector.TS, (segmentSelector(TR) & 0xfffc) | ext); return NO_STACK; }
  const h = systemRead(segmentBase(TR) + at, 8);
  if (!h) return NO_STACK;
  const pointer = load<u64>(h);
  if (canonical(pointer)) return pointer;
  faultCode(Vector.SS, ext);
  return NO_STACK;
}
/** Not canonical, hence no stack pointer. */
export const NO_STACK: u64 = 0x8000000000000000;
