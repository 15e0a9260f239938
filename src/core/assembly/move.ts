/** Data movement (SDM 2). */
import { State } from './generated/state.generated';
import { memModifiable, memReadable, memWritable, offset, implicitLinear, addressMask } from './address';
import { cmp, add } from './alu';
import { CF, PF, AF, ZF, SF, arithmeticFlags, carry, condition, setArithmeticFlags } from './flags';
import { Vector, faultCode } from './fault';
import { RECORD, dst, dstReg, immediate, segmentOf, setDst, setRegister, setSrc, src, srcReg } from './record';
import { commitWrite, readable } from './tlb';

export function nop(p: usize): usize { return p + RECORD; }
@inline export function lea<T>(p: usize): usize { setDst<T>(p, <T>offset(p)); return p + RECORD; }

@inline export function movzx8<T>(p: usize): usize { setDst<T>(p, <T>src<u8>(p)); return p + RECORD; }
@inline export function movzx8m<T>(p: usize): usize { const h = memReadable(p, 1); if (!h) return 0; setDst<T>(p, <T>load<u8>(h)); return p + RECORD; }
export function movzx16<T>(p: usize): usize { setDst<T>(p, <T>src<u16>(p)); return p + RECORD; }
export function movzx16m<T>(p: usize): usize { const h = memReadable(p, 2); if (!h) return 0; setDst<T>(p, <T>load<u16>(h)); return p + RECORD; }
export function movsx8<T>(p: usize): usize { setDst<T>(p, <T><i64>src<i8>(p)); return p + RECORD; }
export function movsx8m<T>(p: usize): usize { const h = memReadable(p, 1); if (!h) return 0; setDst<T>(p, <T><i64>load<i8>(h)); return p + RECORD; }
export function movsx16<T>(p: usize): usize { setDst<T>(p, <T><i64>src<i16>(p)); return p + RECORD; }
export function movsx16m<T>(p: usize): usize { const h = memReadable(p, 2); if (!h) return 0; setDst<T>(p, <T><i64>load<i16>(h)); return p + RECORD; }
@inline export function movsxd(p: usize): usize { setDst<u64>(p, <u64><i64>src<i32>(p)); return p + RECORD; }
export function movsxdm(p: usize): usize { const h = memReadable(p, 4); if (!h) return 0; setDst<u64>(p, <u64><i64>load<i32>(h)); return p + RECORD; }
export function movbe_rm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; setDst<T>(p, bswap<T>(load<T>(h))); return p + RECORD; }
export function movbe_mr<T>(p: usize): usize { const h = memWritable(p, sizeof<T>()); if (!h) return 0; store<T>(h, bswap<T>(src<T>(p))); commitWrite(h); return p + RECORD; }

/** The condition is in the immediate. The source is read even when it is not moved; a 32-bit destination is always cleared above. */
export function cmov<T>(p: usize): usize { setDst<T>(p, condition(<u32>immediate(p)) ? src<T>(p) : dst<T>(p)); return p + RECORD; }
export function cmovm<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>());
  if (!h) return 0;
  setDst<T>(p, condition(<u32>immediate(p)) ? load<T>(h) : dst<T>(p));
  return p + RECORD;
}
export function setcc(p: usize): usize { setDst<u8>(p, <u8>condition(<u32>immediate(p))); return p + RECORD; }
export function setccm(p: usize): usize { const h = memWritable(p, 1); if (!h) return 0; store<u8>(h, <u8>condition(<u32>immediate(p))); commitWrite(h); return p + RECORD; }
/** BSWAP of a 16-bit register is undefined in the manual; processors clear it. */
export function bswap_<T>(p: usize): usize { setDst<T>(p, sizeof<T>() == 2 ? <T>0 : bswap<T>(dst<T>(p))); return p + RECORD; }

export function xlat(p: usize): usize {
  const at = (load<u64>(State.RBX) + <u64>load<u8>(State.RAX)) & addressMask(p);
  const h = readable(implicitLinear(segmentOf(p), at, 1, false), 1, segmentOf(p));
  if (!h) return 0;
  store<u8>(State.RAX, load<u8>(h));
  return p + RECORD;
}
export function cbw(p: usize): usize { store<u16>(State.RAX, <u16><i16>load<i8>(State.RAX)); return p + RECORD; }
export function cwde(p: usize): usize { setRegister<u32>(State.RAX, <u32><i32>load<i16>(State.RAX)); return p + RECORD; }
export function cdqe(p: usize): usize { store<u64>(State.RAX, <u64><i64>load<i32>(State.RAX)); return p + RECORD; }
export function cwd(p: usize): usize { store<u16>(State.RDX, <u16>(load<i16>(State.RAX) >> 15)); return p + RECORD; }
export function cdq(p: usize): usize { setRegister<u32>(State.RDX, <u32>(load<i32>(State.RAX) >> 31)); return p + RECORD; }
export function cqo(p: usize): usize { store<u64>(State.RDX, <u64>(load<i64>(State.RAX) >> 63)); return p + RECORD; }
const AH: usize = State.RAX + 1;
export function lahf(p: usize): usize { store<u8>(AH, <u8>(arithmeticFlags() | 2)); return p + RECORD; }
export function sahf(p: usize): usize {
  const low = CF | PF | AF | ZF | SF;
  setArithmeticFlags((arithmeticFlags() & ~low) | (<u32>load<u8>(AH) & low));
  return p + RECORD;
}
export function salc(p: usize): usize { store<u8>(State.RAX, carry() ? 0xff : 0); return p + RECORD; }

export function xchg<T>(p: usize): usize {
  const a = dst<T>(p), b = src<T>(p);
  setDst<T>(p, b);
  setSrc<T>(p, a);
  return p + RECORD;
}
export function xchgm<T>(p: usize): usize {
  const h = memModifiable(p, sizeof<T>());
  if (!h) return 0;
  const a = load<T>(h);
  store<T>(h, src<T>(p));
  commitWrite(h);
  setSrc<T>(p, a);
  return p + RECORD;
}
export function xadd<T>(p: usize): usize {
  const a = dst<T>(p), r = add<T>(a, src<T>(p));
  setSrc<T>(p, a);
  setDst<T>(p, r);
  return p + RECORD;
}
export function xaddm<T>(p: usize): usize {
  const h = memModifiable(p, sizeof<T>());
  if (!h) return 0;
  const a = load<T>(h);
  store<T>(h, add<T>(a, src<T>(p)));
  commitWrite(h);
  setSrc<T>(p, a);
  return p + RECORD;
}
export function cmpxchg<T>(p: usize): usize {
  const a = load<T>(State.RAX), b = dst<T>(p);
  cmp<T>(a, b);
  if (a == b) setDst<T>(p, src<T>(p)); else setRegister<T>(State.RAX, b);
  return p + RECORD;
}
export function cmpxchgm<T>(p: usize): usize {
  const h = memModifiable(p, sizeof<T>());
  if (!h) return 0;
  const a = load<T>(State.RAX), b = load<T>(h);
  cmp<T>(a, b);
  // The destination is written in either case (SDM 2: CMPXCHG), so that a read-only page faults alike.
  store<T>(h, a == b ? src<T>(p) : b);
  commitWrite(h);
  if (a != b) setRegister<T>(State.RAX, b);
  return p + RECORD;
}
export function cmpxchg8b(p: usize): usize {
  const h = memModifiable(p, 8);
  if (!h) return 0;
  const value = load<u64>(h);
  const equal = value == (<u64>load<u32>(State.RAX) | (<u64>load<u32>(State.RDX) << 32));
  store<u64>(h, equal ? <u64>load<u32>(State.RBX) | (<u64>load<u32>(State.RCX) << 32) : value);
  commitWrite(h);
  if (!equal) {
    setRegister<u32>(State.RAX, <u32>value);
    setRegister<u32>(State.RDX, <u32>(value >> 32));
  }
  setArithmeticFlags((arithmeticFlags() & ~ZF) | (equal ? ZF : 0));
  return p + RECORD;
}
export function cmpxchg16b(p: usize): usize {
  if ((offset(p) + load<u64>(<usize>load<u32>(p, 40))) & 15) return faultCode(Vector.GP, 0);
  const h = memModifiable(p, 16);
  if (!h) return 0;
  const low = load<u64>(h), high = load<u64>(h, 8);
  const equal = low == load<u64>(State.RAX) && high == load<u64>(State.RDX);
  store<u64>(h, equal ? load<u64>(State.RBX) : low);
  store<u64>(h, equal ? load<u64>(State.RCX) : high, 8);
  commitWrite(h);
  if (!equal) {
    store<u64>(State.RAX, low);
    store<u64>(State.RDX, high);
  }
  setArithmeticFlags((arithmeticFlags() & ~ZF) | (equal ? ZF : 0));
  return p + RECORD;
}
