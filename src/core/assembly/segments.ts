/** Segment registers and descriptors (SDM 3A chapter 3 and 5). */
import { State } from './generated/state.generated';
import { DS, ES, FS, GS, SS, memReadable, memWritable } from './address';
import { blockInterrupts } from './flagops';
import { cpl, longCode, longMode, modeChanged, protectedMode, virtual8086 } from './context';
import { Vector, faultCode } from './fault';
import { RECORD, immediate, segmentAccess, segmentLimit, segmentBase, segmentSelector, setDst, src } from './record';
import { setStackPointer, stackPointer, stackReadable } from './stack';
import { leave } from './stop';
import { commitWrite, systemRead, systemWrite } from './tlb';

export const LDTR: u32 = 6;
export const TR: u32 = 7;
export const UNUSABLE: u32 = 0x10000;

/** The descriptor that readDescriptor found: raw, and its linear address. */
export let descriptor: u64 = 0;
export let descriptorAt: u64 = 0;

/** Access rights in VMX form (descriptor bits 55:40, without limit bits). */
@inline export function rightsOf(raw: u64): u32 { return <u32>(raw >> 40) & 0xf0ff; }
@inline export function baseOf(raw: u64): u64 { return ((raw >> 16) & 0xffffff) | ((raw >> 32) & 0xff000000); }
@inline export function limitOf(raw: u64): u32 {
  const limit = <u32>(raw & 0xffff) | (<u32>(raw >> 32) & 0xf0000);
  return raw & (1 << 55) ? (limit << 12) | 0xfff : limit;
}
@inline export function dplOf(rights: u32): u32 { return (rights >> 5) & 3; }

/** Reads the descriptor of `selector` into `descriptor`; false with `vector`(selector | `ext`) or a page fault noted. */
export function readDescriptor(selector: u32, vector: u32, ext: u32): bool {
  const local = (selector & 4) != 0;
  const limit = local ? segmentLimit(LDTR) : load<u32>(State.GDTR_LIMIT);
  const base = local ? segmentBase(LDTR) : load<u64>(State.GDTR_BASE);
  const at = selector & 0xfff8;
  if ((local && segmentAccess(LDTR) & UNUSABLE) || at + 7 > limit) { faultCode(vector, (selector & 0xfffc) | ext); return false; }
  descriptorAt = longMode() ? base + at : (base + at) & 0xffffffff;
  const h = systemRead(descriptorAt, 8);
  if (!h) return false;
  descriptor = load<u64>(h);
  return true;
}
/** The second half of the 16-byte descriptor of `selector` just read (IA-32e mode); u64.MAX_VALUE with a fault noted. */
export function readHighHalf(selector: u32): u64 {
  const local = (selector & 4) != 0;
  const limit = local ? segmentLimit(LDTR) : load<u32>(State.GDTR_LIMIT);
  if ((selector & 0xfff8) + 15 > limit) { faultCode(Vector.GP, selector & 0xfffc); return u64.MAX_VALUE; }
  const h = systemRead(descriptorAt + 8, 8);
  if (!h) return u64.MAX_VALUE;
  const high = load<u64>(h);
  // What would be the type field of another descriptor must be 0 (SDM 3A 5.8.3.1).
  if ((high >> 40) & 0x1f) { faultCode(Vector.GP, selector & 0xfffc); return u64.MAX_VALUE; }
  return high & 0xffffffff;
}
/** Sets the accessed (or busy) bits `bits` of the descriptor just read, in memory too. */
export function markDescriptor(bits: u32): bool {
  if (<u32>(descriptor >> 40 & bits) == bits) return true;
  const h = systemWrite(descriptorAt + 5, 1, false, 0);
  if (!h) return false;
  store<u8>(h, load<u8>(h) | <u8>bits);
  commitWrite(h);
  descriptor |= <u64>bits << 40;
  return true;
}

/** The descriptor `raw` from linear `at` with its accessed bit set, in memory too; 0 with a fault noted. */
export function accessed(at: u64, raw: u64): u64 {
  descriptor = raw;
  descriptorAt = at;
  return markDescriptor(1) ? descriptor : 0;
}

/** Loads the hidden part of segment register `n` from a raw descriptor. */
export function loadHidden(n: u32, selector: u32, raw: u64): void {
  setSegment(n, selector, baseOf(raw), limitOf(raw), rightsOf(raw));
}
export function setSegment(n: u32, selector: u32, base: u64, limit: u32, access: u32): void {
  const at = <usize>State.ES_BASE + (<usize>n << 5);
  store<u64>(at, base);
  store<u32>(at, limit, 8);
  store<u32>(at, access, 12);
  store<u16>(at, <u16>selector, 16);
}
/** A null selector: unusable; in 64-bit mode the base of FS and GS becomes 0 too on Intel processors. */
export function setNull(n: u32, selector: u32): void {
  const dpl = n == SS ? cpl() << 5 : 0;
  setSegment(n, selector, 0, segmentLimit(n), UNUSABLE | dpl);
}
/** Whether the `bytes` bytes at offset `top` lie in a stack segment with these access rights and limit. */
export function stackFits(rights: u32, limit: u32, top: u64, bytes: u32): bool {
  const last = top + <u64>(bytes - 1);
  if (rights & UNUSABLE) return false;
  return (rights & 0xc) == 4 ? top > <u64>limit && last <= (rights & 0x4000 ? 0xffffffff : 0xffff) : last <= <u64>limit;
}
/** As virtual-8086 mode has it. */
export function setVirtualSegment(n: u32, selector: u32): void { setSegment(n, selector, <u64>(selector & 0xffff) << 4, 0xffff, 0xf3); }
/** Real-address or virtual-8086 mode: the base follows from the selector. */
export function setRealSegment(n: u32, selector: u32): void {
  if (virtual8086()) { setVirtualSegment(n, selector); return; }
  const at = <usize>State.ES_BASE + (<usize>n << 5);
  store<u64>(at, <u64>(selector & 0xffff) << 4);
  store<u16>(at, <u16>selector, 16);
  if (n == 1) store<u32>(at, 0x9b, 12);
}

/** MOV or POP to a data segment register, or the load of LES and its kin (SDM 2: MOV). False with a fault noted. */
export function loadDataSegment(n: u32, selector: u32): bool {
  selector &= 0xffff;
  if (!protectedMode()) {
    setRealSegment(n, selector);
    modeChanged();
    return true;
  }
  if (n == SS) return loadStackSegment(selector, cpl());
  if (!(selector & 0xfffc)) {
    setNull(n, selector);
    modeChanged();
    return true;
  }
  if (!readDescriptor(selector, Vector.GP, 0)) return false;
  const rights = rightsOf(descriptor), type = rights & 0x1f;
  const readableCode = (type & 0x1a) == 0x1a, data = (type & 0x18) == 0x10;
  if (!data && !readableCode) { faultCode(Vector.GP, selector & 0xfffc); return false; }
  const conforming = (type & 0x1c) == 0x1c;
  if (!conforming && (dplOf(rights) < cpl() || dplOf(rights) < (selector & 3))) { faultCode(Vector.GP, selector & 0xfffc); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.NP, selector & 0xfffc); return false; }
  if (!markDescriptor(1)) return false;
  loadHidden(n, selector, descriptor);
  modeChanged();
  return true;
}
/** SS for privilege level `level`. False with a fault noted. */
export function loadStackSegment(selector: u32, level: u32): bool {
  if (!(selector & 0xfffc)) {
    // Null is allowed in 64-bit mode below CPL 3 (SDM 3A 5.14.1... MOV SS).
    if (longCode() && level != 3 && (selector & 3) == level) {
      setSegment(SS, selector, 0, segmentLimit(SS), UNUSABLE | (level << 5));
      modeChanged();
      return true;
    }
    faultCode(Vector.GP, 0);
    return false;
  }
  if (!readDescriptor(selector, Vector.GP, 0)) return false;
  const rights = rightsOf(descriptor);
  if ((selector & 3) != level || dplOf(rights) != level || (rights & 0x1a) != 0x12) { faultCode(Vector.GP, selector & 0xfffc); return false; }
  if (!(rights & 0x80)) { faultCode(Vector.SS, selector & 0xfffc); return false; }
  if (!markDescriptor(1)) return false;
  loadHidden(SS, selector, descriptor);
  modeChanged();
  return true;
}

/** The number of the segment register is in the immediate. */
@inline function loaded(p: usize, selector: u32): usize {
  const n = <u32>immediate(p);
  if (!loadDataSegment(n, selector)) return 0;
  if (n == SS) blockInterrupts(2);
  return leave(p);
}
export function movSegmentR(p: usize): usize { return loaded(p, <u32>src<u16>(p)); }
export function movSegmentM(p: usize): usize { const h = memReadable(p, 2); return h ? loaded(p, <u32>load<u16>(h)) : 0; }
export function movFromSegment<T>(p: usize): usize { setDst<T>(p, <T>segmentSelector(<u32>immediate(p))); return p + RECORD; }
export function movFromSegmentM(p: usize): usize {
  const h = memWritable(p, 2);
  if (!h) return 0;
  store<u16>(h, <u16>segmentSelector(<u32>immediate(p)));
  commitWrite(h);
  return p + RECORD;
}
export function popseg<T>(p: usize): usize {
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const before = load<u64>(State.RSP), n = <u32>immediate(p), selector = <u32>load<u16>(h);
  // POP SS: the increment belongs to the old stack's size; the new one is used from the next instruction on.
  setStackPointer(stackPointer() + sizeof<T>());
  if (!loadDataSegment(n, selector)) { store<u64>(State.RSP, before); return 0; }
  if (n == SS) blockInterrupts(2);
  return leave(p);
}
/** LES, LDS, LSS, LFS, LGS: offset, then selector. */
export function lfar<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>() + 2);
  if (!h) return 0;
  const value = load<T>(h), selector = <u32>load<u16>(h, sizeof<T>());
  if (!loadDataSegment(<u32>immediate(p), selector)) return 0;
  setDst<T>(p, value);
  return leave(p);
}
