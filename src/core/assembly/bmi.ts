/** BMI1, BMI2, ADX and CRC32 (SDM 2). The VEX-encoded ones have their second source register in the record's immediate. */
import { State } from './generated/state.generated';
import { memReadable } from './address';
import { CF, OF, ZF, SF, arithmeticFlags, setArithmeticFlags } from './flags';
import { RECORD, dst, dstReg, immediate, isMemory, setDst, setRegister, srcReg } from './record';

/** Instead of an address: a fault is noted. Registers lie from address 0 on. */
const NONE: usize = usize.MAX_VALUE;
/** Address of the r/m operand's value. */
@inline function operandAt<T>(p: usize): usize {
  if (!isMemory(p)) return srcReg(p);
  const h = memReadable(p, sizeof<T>());
  return h ? h : NONE;
}
@inline function second<T>(p: usize): T { return load<T>(<usize>immediate(p)); }
@inline function bits<T>(): u32 { return sizeof<T>() * 8; }
/** SF and ZF of `value`, CF as given; OF and what is undefined are cleared. */
@inline function flagsOf<T>(value: T, carry: bool): void {
  setArithmeticFlags((carry ? CF : 0) | (value ? 0 : ZF) | (<u64>value >> <u64>(bits<T>() - 1) ? SF : 0));
}

export function andn<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const r = <T>(~second<T>(p) & load<T>(h));
  setDst<T>(p, r);
  flagsOf<T>(r, false);
  return p + RECORD;
}
/** BLSR, BLSMSK and BLSI write the VEX.vvvv register: dst here. */
export function blsr<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const a = load<T>(h), r = <T>(a & (a - 1));
  setDst<T>(p, r);
  flagsOf<T>(r, a == 0);
  return p + RECORD;
}
export function blsmsk<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const a = load<T>(h), r = <T>(a ^ (a - 1));
  setDst<T>(p, r);
  flagsOf<T>(r, a == 0);
  return p + RECORD;
}
export function blsi<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const a = load<T>(h), r = <T>(a & (0 - a));
  setDst<T>(p, r);
  flagsOf<T>(r, a != 0);
  return p + RECORD;
}
/** Start in bits 7:0 of the second source, length in bits 15:8. */
export function bextr<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const control = <u32>second<T>(p), start = control & 0xff, length = (control >> 8) & 0xff;
  let r = start < bits<T>() ? <u64>load<T>(h) >> <u64>start : 0;
  if (length < 64) r &= (<u64>1 << <u64>length) - 1;
  setDst<T>(p, <T>r);
  setArithmeticFlags(r ? 0 : ZF);
  return p + RECORD;
}
export function bzhi<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const n = <u32>second<T>(p) & 0xff;
  const r = n < bits<T>() ? <T>(<u64>load<T>(h) & ((<u64>1 << <u64>n) - 1)) : load<T>(h);
  setDst<T>(p, r);
  flagsOf<T>(r, n > bits<T>() - 1);
  return p + RECORD;
}
/** Scatters the low bits of the second source to where the mask has ones. */
export function pdep<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  let mask = <u64>load<T>(h), from = <u64>second<T>(p), r: u64 = 0;
  for (; mask; mask &= mask - 1, from >>= 1) if (from & 1) r |= mask & (0 - mask);
  setDst<T>(p, <T>r);
  return p + RECORD;
}
/** Gathers the bits of the second source where the mask has ones. */
export function pext<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  let mask = <u64>load<T>(h), r: u64 = 0, to: u64 = 1;
  const from = <u64>second<T>(p);
  for (; mask; mask &= mask - 1, to <<= 1) if (from & mask & (0 - mask)) r |= to;
  setDst<T>(p, <T>r);
  return p + RECORD;
}
/** RDX times r/m: the low half to the second register, then the high half to dst, which wins when they are the same. */
export function mulx<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const at = <usize>immediate(p);
  if (sizeof<T>() == 4) {
    const product = <u64>load<u32>(h) * <u64>load<u32>(State.RDX);
    setRegister<u32>(at, <u32>product);
    setRegister<u32>(dstReg(p), <u32>(product >> 32));
    return p + RECORD;
  }
  const a = load<u64>(h), b = load<u64>(State.RDX);
  const al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
  const middle = ah * bl + ((al * bl) >> 32), cross = al * bh + (middle & 0xffffffff);
  store<u64>(at, a * b);
  store<u64>(dstReg(p), ah * bh + (middle >> 32) + (cross >> 32));
  return p + RECORD;
}
/** The count is the immediate. */
export function rorx<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  setDst<T>(p, rotr<T>(load<T>(h), <T>(immediate(p) & (bits<T>() - 1))));
  return p + RECORD;
}
@inline function count<T>(p: usize): T { return <T>(second<T>(p) & <T>(bits<T>() - 1)); }
export function shlx<T>(p: usize): usize { const h = operandAt<T>(p); if (h == NONE) return 0; setDst<T>(p, <T>(load<T>(h) << count<T>(p))); return p + RECORD; }
export function shrx<T>(p: usize): usize { const h = operandAt<T>(p); if (h == NONE) return 0; setDst<T>(p, <T>(load<T>(h) >> count<T>(p))); return p + RECORD; }
export function sarx<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  if (sizeof<T>() == 4) setDst<u32>(p, <u32>(load<i32>(h) >> <i32>count<T>(p)));
  else setDst<u64>(p, <u64>(load<i64>(h) >> <i64>count<T>(p)));
  return p + RECORD;
}

/** Adds with one flag as carry in and out: ADCX with CF, ADOX with OF. */
@inline function addWith<T>(p: usize, mask: u32): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  const flags = arithmeticFlags(), a = dst<T>(p), b = load<T>(h), carry = <T>(flags & mask ? 1 : 0);
  const sum = <T>(a + b), r = <T>(sum + carry);
  setDst<T>(p, r);
  setArithmeticFlags((flags & ~mask) | (sum < a || r < sum ? mask : 0));
  return p + RECORD;
}
export function adcx<T>(p: usize): usize { return addWith<T>(p, CF); }
export function adox<T>(p: usize): usize { return addWith<T>(p, OF); }

/** Polynomial 11EDC6F41H, bit-reflected. */
const CASTAGNOLI: u32 = 0x82f63b78;
/** Accumulates the operand into the low half of dst; the upper half is cleared. */
export function crc32<T>(p: usize): usize {
  const h = operandAt<T>(p);
  if (h == NONE) return 0;
  let crc = load<u32>(dstReg(p));
  for (let n: usize = 0; n < sizeof<T>(); n++) {
    crc ^= <u32>load<u8>(h + n);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? CASTAGNOLI : 0);
  }
  store<u64>(dstReg(p), <u64>crc);
  return p + RECORD;
}
