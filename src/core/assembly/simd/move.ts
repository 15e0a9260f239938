/** Moves of MMX and SSE registers (SDM 2). Names without a suffix load a register; those with Store may write memory. */
import { State } from '../generated/state.generated';
import { addressMask, implicitLinear, memWritable } from '../address';
import { RECORD, dstReg, immediate, isMemory, operandSizeOf, segmentOf, setRegister, src } from '../record';
import { commitWrite, modifiable, writable } from '../tlb';
import * as O from './operands';

/** MOVAPS, MOVAPD, MOVDQA, MOVNTDQA. */
export function mova(p: usize): usize {
  const s = O.xmmSource(p);
  if (!s) return 0;
  v128.store(O.xmmDst(p), v128.load(s));
  return p + RECORD;
}
/** MOVUPS, MOVUPD, MOVDQU, LDDQU. */
export function movu(p: usize): usize {
  const s = O.xmmBytes(p, 16);
  if (!s) return 0;
  v128.store(O.xmmDst(p), v128.load(s));
  return p + RECORD;
}
@inline function give(p: usize, h: usize): usize {
  if (!h) return 0;
  v128.store(h, v128.load(O.xmmSrc(p)));
  commitWrite(h);
  return p + RECORD;
}
/** Also MOVNTPS, MOVNTPD and MOVNTDQ. */
export function movaStore(p: usize): usize {
  if (!O.sseReady()) return 0;
  if (isMemory(p)) return give(p, O.alignedWrite(p));
  v128.store(O.xmmDst(p), v128.load(O.xmmSrc(p)));
  return p + RECORD;
}
export function movuStore(p: usize): usize {
  if (!O.sseReady()) return 0;
  if (isMemory(p)) return give(p, O.memoryRoom(p, 16));
  v128.store(O.xmmDst(p), v128.load(O.xmmSrc(p)));
  return p + RECORD;
}

/** Scalars: from memory the rest is cleared, from a register it stays. */
export function movss(p: usize): usize {
  const s = O.xmmBytes(p, 4);
  if (!s) return 0;
  const d = O.xmmDst(p);
  if (isMemory(p)) v128.store(d, v128.load32_zero(s)); else store<u32>(d, load<u32>(s));
  return p + RECORD;
}
export function movsd(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  const d = O.xmmDst(p);
  if (isMemory(p)) v128.store(d, v128.load64_zero(s)); else store<u64>(d, load<u64>(s));
  return p + RECORD;
}
/** Copies from `from` to r/m, a memory operand of this size or an XMM register. */
@inline function storePart<T>(p: usize, from: usize): usize {
  if (!O.sseReady()) return 0;
  if (!isMemory(p)) { store<T>(O.xmmDst(p), load<T>(from)); return p + RECORD; }
  const h = O.memoryRoom(p, sizeof<T>());
  if (!h) return 0;
  store<T>(h, load<T>(from));
  commitWrite(h);
  return p + RECORD;
}
export function movssStore(p: usize): usize { return storePart<u32>(p, O.xmmSrc(p)); }
export function movsdStore(p: usize): usize { return storePart<u64>(p, O.xmmSrc(p)); }
export function movlpsStore(p: usize): usize { return storePart<u64>(p, O.xmmSrc(p)); }
export function movhpsStore(p: usize): usize { return storePart<u64>(p, O.xmmSrc(p) + 8); }
/** MOVLPS, MOVLPD; MOVHLPS takes the upper half of a register. */
export function movlps(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  store<u64>(O.xmmDst(p), load<u64>(isMemory(p) ? s : s + 8));
  return p + RECORD;
}
/** MOVHPS, MOVHPD; MOVLHPS takes the lower half of a register. */
export function movhps(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  store<u64>(O.xmmDst(p), load<u64>(s), 8);
  return p + RECORD;
}
export function movq(p: usize): usize {
  const s = O.xmmBytes(p, 8);
  if (!s) return 0;
  v128.store(O.xmmDst(p), v128.load64_zero(s));
  return p + RECORD;
}
export function movqStore(p: usize): usize {
  if (!O.sseReady()) return 0;
  if (!isMemory(p)) { v128.store(O.xmmDst(p), v128.load64_zero(O.xmmSrc(p))); return p + RECORD; }
  return storePart<u64>(p, O.xmmSrc(p));
}

/** General-purpose or memory operand of MOVD (4 bytes) and MOVQ with REX.W (8): its value is in `general`. */
let general: u64 = 0;
function readGeneral(p: usize): bool {
  const wide = operandSizeOf(p) == 8;
  const s = O.generalSource(p, wide ? 8 : 4);
  if (s == O.NONE) return false;
  general = wide ? load<u64>(s) : <u64>load<u32>(s);
  return true;
}
export function movd(p: usize): usize {
  if (!O.sseReady() || !readGeneral(p)) return 0;
  v128.store(O.xmmDst(p), i64x2(<i64>general, 0));
  return p + RECORD;
}
export function movdMmx(p: usize): usize {
  if (!O.mmxReady() || !readGeneral(p)) return 0;
  O.enterMmx();
  O.setMmx(O.mmxDst(p), <i64>general);
  return p + RECORD;
}
function writeGeneral(p: usize, from: usize, mmx: bool): usize {
  const wide = operandSizeOf(p) == 8;
  if (isMemory(p)) {
    const h = O.memoryRoom(p, wide ? 8 : 4);
    if (!h) return 0;
    if (wide) store<u64>(h, load<u64>(from)); else store<u32>(h, load<u32>(from));
    commitWrite(h);
  } else store<u64>(dstReg(p), wide ? load<u64>(from) : <u64>load<u32>(from));
  if (mmx) O.enterMmx();
  return p + RECORD;
}
export function movdStore(p: usize): usize { return O.sseReady() ? writeGeneral(p, O.xmmSrc(p), false) : 0; }
export function movdMmxStore(p: usize): usize { return O.mmxReady() ? writeGeneral(p, O.mmxSrc(p), true) : 0; }

export function movqMmx(p: usize): usize {
  const s = O.mmxSource(p, 8);
  if (!s) return 0;
  O.setMmx(O.mmxDst(p), load<i64>(s));
  return p + RECORD;
}
/** Also MOVNTQ. */
export function movqMmxStore(p: usize): usize {
  if (!O.mmxReady()) return 0;
  if (isMemory(p)) {
    const h = O.memoryRoom(p, 8);
    if (!h) return 0;
    store<u64>(h, load<u64>(O.mmxSrc(p)));
    commitWrite(h);
    O.enterMmx();
    return p + RECORD;
  }
  O.enterMmx();
  O.setMmx(O.mmxDst(p), load<i64>(O.mmxSrc(p)));
  return p + RECORD;
}
export function movq2dq(p: usize): usize {
  if (!O.sseReady() || !O.mmxReady()) return 0;
  O.enterMmx();
  v128.store(O.xmmDst(p), v128.load64_zero(O.mmxSrc(p)));
  return p + RECORD;
}
export function movdq2q(p: usize): usize {
  if (!O.sseReady() || !O.mmxReady()) return 0;
  O.enterMmx();
  O.setMmx(O.mmxDst(p), load<i64>(O.xmmSrc(p)));
  return p + RECORD;
}
/** Empties every x87 register. */
export function emms(p: usize): usize {
  if (!O.mmxReady()) return 0;
  O.enterMmx();
  store<u8>(State.FTW, 0);
  return p + RECORD;
}

/** Stores a general-purpose register; needs no SSE state. */
export function movnti(p: usize): usize {
  const wide = operandSizeOf(p) == 8;
  const h = memWritable(p, wide ? 8 : 4);
  if (!h) return 0;
  if (wide) store<u64>(h, src<u64>(p)); else store<u32>(h, src<u32>(p));
  commitWrite(h);
  return p + RECORD;
}

/** Word from a general-purpose register or memory into word `immediate`. */
export function pinsrw(p: usize): usize {
  if (!O.sseReady()) return 0;
  const s = O.generalSource(p, 2);
  if (s == O.NONE) return 0;
  store<u16>(O.xmmDst(p) + ((<usize>immediate(p) & 7) << 1), load<u16>(s));
  return p + RECORD;
}
export function pinsrwMmx(p: usize): usize {
  if (!O.mmxReady()) return 0;
  const s = O.generalSource(p, 2);
  if (s == O.NONE) return 0;
  const value = load<u16>(s), d = O.mmxDst(p);
  O.enterMmx();
  store<u16>(d + ((<usize>immediate(p) & 3) << 1), value);
  store<u16>(d, 0xffff, 8);
  return p + RECORD;
}
export function pextrw(p: usize): usize {
  if (!O.sseReady()) return 0;
  store<u64>(dstReg(p), <u64>load<u16>(O.xmmSrc(p) + ((<usize>immediate(p) & 7) << 1)));
  return p + RECORD;
}
export function pextrwMmx(p: usize): usize {
  if (!O.mmxReady()) return 0;
  O.enterMmx();
  store<u64>(dstReg(p), <u64>load<u16>(O.mmxSrc(p) + ((<usize>immediate(p) & 3) << 1)));
  return p + RECORD;
}
@inline function giveMask(p: usize, mask: u32): usize { setRegister<u32>(dstReg(p), mask); return p + RECORD; }
export function pmovmskb(p: usize): usize { return O.sseReady() ? giveMask(p, <u32>i8x16.bitmask(v128.load(O.xmmSrc(p)))) : 0; }
export function movmskps(p: usize): usize { return O.sseReady() ? giveMask(p, <u32>i32x4.bitmask(v128.load(O.xmmSrc(p)))) : 0; }
export function movmskpd(p: usize): usize { return O.sseReady() ? giveMask(p, <u32>i64x2.bitmask(v128.load(O.xmmSrc(p)))) : 0; }
export function pmovmskbMmx(p: usize): usize {
  if (!O.mmxReady()) return 0;
  O.enterMmx();
  return giveMask(p, <u32>i8x16.bitmask(v128.load64_zero(O.mmxSrc(p))));
}

/** Bytes of the register at `from` that the mask at `mask` selects, to DS:rDI. False: a fault is noted, nothing was stored. */
function storeSelected(p: usize, from: usize, mask: usize, bytes: u32): bool {
  const at = load<u64>(State.RDI) & addressMask(p), n = segmentOf(p);
  const va = implicitLinear(n, at, bytes, true);
  let selected: u32 = 0;
  for (let k: u32 = 0; k < bytes; k++) selected |= <u32>(load<u8>(mask + k) >> 7) << k;
  if (!selected) return true;
  if (((va + bytes - 1) ^ va) & ~<u64>0xfff) {
    // Pages that no selected byte lies in must not fault: each byte by itself, all of them translated before the first is stored.
    for (let k: u32 = 0; k < bytes; k++) if ((selected >> k) & 1 && !writable(va + k, 1, n)) return false;
    for (let k: u32 = 0; k < bytes; k++) {
      if (!((selected >> k) & 1)) continue;
      const h = writable(va + k, 1, n);
      store<u8>(h, load<u8>(from + k));
      commitWrite(h);
    }
    return true;
  }
  const h = modifiable(va, bytes, n);
  if (!h) return false;
  for (let k: u32 = 0; k < bytes; k++) if ((selected >> k) & 1) store<u8>(h + k, load<u8>(from + k));
  commitWrite(h);
  return true;
}
export function maskmovdqu(p: usize): usize { return O.sseReady() && storeSelected(p, O.xmmDst(p), O.xmmSrc(p), 16) ? p + RECORD : 0; }
export function maskmovq(p: usize): usize {
  if (!O.mmxReady() || !storeSelected(p, O.mmxDst(p), O.mmxSrc(p), 8)) return 0;
  O.enterMmx();
  return p + RECORD;
}
