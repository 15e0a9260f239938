/** PEXTR, PINSR, EXTRACTPS and INSERTPS (SDM 2): single lanes to and from general-purpose registers and memory. */
import { RECORD, dstReg, immediate, isMemory, operandSizeOf } from '../record';
import { commitWrite } from '../tlb';
import * as O from './operands';

/** Lane `n` of the register to r/m: memory of the lane's size, or a general-purpose register, zero-extended. */
@inline function extract<T>(p: usize, n: usize): usize {
  if (!O.sseReady()) return 0;
  const value = load<T>(O.xmmSrc(p) + n * sizeof<T>());
  if (!isMemory(p)) { store<u64>(dstReg(p), <u64>value); return p + RECORD; }
  const h = O.memoryRoom(p, sizeof<T>());
  if (!h) return 0;
  store<T>(h, value);
  commitWrite(h);
  return p + RECORD;
}
export function pextrb(p: usize): usize { return extract<u8>(p, <usize>immediate(p) & 15); }
export function pextrwStore(p: usize): usize { return extract<u16>(p, <usize>immediate(p) & 7); }
export function pextrd(p: usize): usize { return operandSizeOf(p) == 8 ? extract<u64>(p, <usize>immediate(p) & 1) : extract<u32>(p, <usize>immediate(p) & 3); }
export function extractps(p: usize): usize { return extract<u32>(p, <usize>immediate(p) & 3); }

@inline function insert<T>(p: usize, n: usize): usize {
  if (!O.sseReady()) return 0;
  const s = O.generalSource(p, sizeof<T>());
  if (s == O.NONE) return 0;
  store<T>(O.xmmDst(p) + n * sizeof<T>(), load<T>(s));
  return p + RECORD;
}
export function pinsrb(p: usize): usize { return insert<u8>(p, <usize>immediate(p) & 15); }
export function pinsrd(p: usize): usize { return operandSizeOf(p) == 8 ? insert<u64>(p, <usize>immediate(p) & 1) : insert<u32>(p, <usize>immediate(p) & 3); }

/** Bits 7:6 choose the source lane (of a register), 5:4 the destination's; lanes in bits 3:0 are cleared. */
export function insertps(p: usize): usize {
  const s = O.xmmBytes(p, 4);
  if (!s) return 0;
  const n = <u32>immediate(p), d = O.xmmDst(p);
  const value = load<u32>(isMemory(p) ? s : s + (<usize>(n >> 6) << 2));
  store<u32>(d + (<usize>((n >> 4) & 3) << 2), value);
  for (let k: u32 = 0; k < 4; k++) if ((n >> k) & 1) store<u32>(d + (<usize>k << 2), 0);
  return p + RECORD;
}
