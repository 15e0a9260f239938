/** Bit tests, scans and counts (SDM 2). */
import { memModifiable, memReadable, offset, segmented } from './address';
import { CF, ZF, arithmeticFlags, lazyExtra, lazyLogic, setArithmeticFlags } from './flags';
import { F_CHECK, RECORD, R_FLAGS, R_SEGMENT, R_SEGMENT_BASE, R_SHIFT, dst, immediate, setDst, src } from './record';
import { commitWrite, modifiable, readable } from './tlb';

const enum Change { None, Set, Reset, Complement }

@inline function setCarry(value: bool): void { setArithmeticFlags((arithmeticFlags() & ~CF) | (value ? CF : 0)); }
@inline function changed<T>(value: T, bit: T, change: u32): T {
  if (change == Change.Set) return <T>(value | bit);
  if (change == Change.Reset) return <T>(value & ~bit);
  if (change == Change.Complement) return <T>(value ^ bit);
  return value;
}
/** dst bit (register or immediate in src place: the decoder puts an immediate's value in SCRATCH-free form). */
@inline function inRegister<T>(p: usize, index: T, change: u32): usize {
  const value = dst<T>(p), bit = <T>((<T>1) << <T>(index & <T>(sizeof<T>() * 8 - 1)));
  if (change != Change.None) setDst<T>(p, changed<T>(value, bit, change));
  setCarry((value & bit) != 0);
  return p + RECORD;
}
/** The register form takes its bit offset from src, or from the immediate when R_SRC is 0xff. */
@inline function registerIndex<T>(p: usize): T { return load<u8>(p, 3) == 0xff ? <T>immediate(p) : src<T>(p); }
export function bt<T>(p: usize): usize { return inRegister<T>(p, registerIndex<T>(p), Change.None); }
export function bts<T>(p: usize): usize { return inRegister<T>(p, registerIndex<T>(p), Change.Set); }
export function btr<T>(p: usize): usize { return inRegister<T>(p, registerIndex<T>(p), Change.Reset); }
export function btc<T>(p: usize): usize { return inRegister<T>(p, registerIndex<T>(p), Change.Complement); }

/** Memory with a register index: a bit string; the operand lies index / width operands away. */
@inline function inString<T>(p: usize, change: u32): usize {
  const raw = src<T>(p);
  const index: i64 = sizeof<T>() == 8 ? <i64>raw : sizeof<T>() == 4 ? <i64><i32>raw : <i64><i16>raw;
  const away = (index >> (sizeof<T>() == 8 ? 6 : sizeof<T>() == 4 ? 5 : 4)) * sizeof<T>();
  const shift = <u64>load<u8>(p, R_SHIFT);
  const at = ((offset(p) + <u64>away) << shift) >> shift;
  const segment = <u32>load<u8>(p, R_SEGMENT);
  const va = load<u8>(p, R_FLAGS) & F_CHECK ? segmented(segment, at, sizeof<T>(), change != Change.None) : at + load<u64>(<usize>load<u32>(p, R_SEGMENT_BASE));
  const h = change == Change.None ? readable(va, sizeof<T>(), segment) : modifiable(va, sizeof<T>(), segment);
  return atPointer<T>(p, h, <T>index, change);
}
@inline function atPointer<T>(p: usize, h: usize, index: T, change: u32): usize {
  if (!h) return 0;
  const value = load<T>(h), bit = <T>((<T>1) << <T>(index & <T>(sizeof<T>() * 8 - 1)));
  if (change != Change.None) { store<T>(h, changed<T>(value, bit, change)); commitWrite(h); }
  setCarry((value & bit) != 0);
  return p + RECORD;
}
export function btm<T>(p: usize): usize { return inString<T>(p, Change.None); }
export function btsm<T>(p: usize): usize { return inString<T>(p, Change.Set); }
export function btrm<T>(p: usize): usize { return inString<T>(p, Change.Reset); }
export function btcm<T>(p: usize): usize { return inString<T>(p, Change.Complement); }
export function btim<T>(p: usize): usize { return atPointer<T>(p, memReadable(p, sizeof<T>()), <T>immediate(p), Change.None); }
export function btsim<T>(p: usize): usize { return atPointer<T>(p, memModifiable(p, sizeof<T>()), <T>immediate(p), Change.Set); }
export function btrim<T>(p: usize): usize { return atPointer<T>(p, memModifiable(p, sizeof<T>()), <T>immediate(p), Change.Reset); }
export function btcim<T>(p: usize): usize { return atPointer<T>(p, memModifiable(p, sizeof<T>()), <T>immediate(p), Change.Complement); }

/** BSF and BSR of zero set ZF and leave the destination as it was (as processors do; the manual says undefined). */
@inline function scan<T>(p: usize, value: T, reverse: bool): usize {
  if (value) {
    // The compiler's clz counts from bit 31 for narrower types, so count in 64 bits.
    const n = reverse ? <T>(63 - clz<u64>(<u64>value)) : <T>ctz<u64>(<u64>value);
    setDst<T>(p, n);
    setArithmeticFlags(arithmeticFlags() & ~ZF);
  } else {
    setArithmeticFlags(arithmeticFlags() | ZF);
  }
  return p + RECORD;
}
export function bsf<T>(p: usize): usize { return scan<T>(p, src<T>(p), false); }
export function bsr<T>(p: usize): usize { return scan<T>(p, src<T>(p), true); }
export function bsfm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return scan<T>(p, load<T>(h), false); }
export function bsrm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return scan<T>(p, load<T>(h), true); }

/** POPCNT clears every arithmetic flag but ZF. */
export function popcnt_<T>(value: T): T {
  setArithmeticFlags(value ? 0 : ZF);
  return <T>popcnt<u64>(<u64>value);
}
@inline function counted<T>(value: T, r: T): T {
  setArithmeticFlags((arithmeticFlags() & ~(CF | ZF)) | (value ? 0 : CF) | (r ? 0 : ZF));
  return r;
}
export function lzcnt<T>(value: T): T { return counted<T>(value, <T>(clz<u64>(<u64>value) - <u64>(64 - sizeof<T>() * 8))); }
export function tzcnt<T>(value: T): T { return counted<T>(value, <T>min<u64>(ctz<u64>(<u64>value), <u64>(sizeof<T>() * 8))); }
