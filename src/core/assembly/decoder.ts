/** The decoder's machinery: prefixes, ModRM and SIB, immediates, and the parts of a record that they fill. */
import { State } from './generated/state.generated';
import { Op } from './generated/op.generated';
import { encodeOp } from './blocks';
import { MODE_CHECK, MODE_CODE } from './context';
import * as R from './record';

/** The instruction being decoded. */
let record: usize = 0;
let start: usize = 0;
let ip: usize = 0;
let end: usize = 0;
let overrun: bool = false;
let rip: u64 = 0;
/** 0 = 16, 1 = 32, 2 = 64-bit code. */
export let code: u32 = 0;
/** Operand width index: 1 = 16, 2 = 32, 3 = 64 bits. */
export let width: u32 = 0;
/** Operand-size prefix 66. */
export let operandPrefix: bool = false;
/** Address size: 0 = 16, 1 = 32, 2 = 64. */
export let addressSize: u32 = 0;
export let rex: u32 = 0;
/** Segment segmentPrefix; 0xff none. */
let segmentPrefix: u32 = 0xff;
/** 0, F_REPE or F_REPNE: the last of F3 and F2. */
export let rep: u8 = 0;
let lock: bool = false;
let lockable: bool = false;
/** ModRM. */
export let mod: u32 = 0;
/** With REX.R. */
export let reg: u32 = 0;
/** With REX.B, for a register operand. */
export let rm: u32 = 0;
/** VEX.vvvv: the second source register. */
export let vvvv: u32 = 0;
/** VEX.L: 256-bit vectors. */
export let vectorLength: u32 = 0;
/** VEX.pp: 0 none, 1 66, 2 F3, 3 F2. */
export let impliedPrefix: u32 = 0;
let relative: bool = false;
let chosen: u32 = 0;
/** Whether the instruction ends its block. */
export let ends: bool = false;

@inline export function wrap(value: u64): u64 { return code == 2 ? value : value & 0xffffffff; }

export function begin(p: usize, at: usize, available: u32, pc: u64): void {
  memory.fill(p, 0, R.RECORD);
  record = p;
  start = at;
  ip = at;
  end = at + available;
  overrun = false;
  rip = pc;
  code = load<u32>(State.MODE) & MODE_CODE;
  addressSize = code;
  operandPrefix = false;
  rex = 0;
  segmentPrefix = 0xff;
  rep = 0;
  lock = false;
  lockable = false;
  relative = false;
  ends = false;
  mod = 3;
  store<u8>(p, State.ZERO, R.R_BASE);
  store<u8>(p, State.ZERO, R.R_INDEX);
  store<u8>(p, 1, R.R_SCALE);
  store<u32>(p, State.ZERO, R.R_SEGMENT_BASE);
}

export function byte(): u32 {
  if (ip >= end) { overrun = true; return 0; }
  return <u32>load<u8>(ip++);
}
export function word(): u32 { const low = byte(); return low | (byte() << 8); }
export function dword(): u32 { const low = word(); return low | (word() << 16); }
export function qword(): u64 { const low = <u64>dword(); return low | (<u64>dword() << 32); }
@inline export function signedByte(): u64 { return <u64><i64><i8>byte(); }

/** Reads the prefixes; answers the first opcode byte. */
export function prefixes(): u32 {
  while (!overrun) {
    const b = byte();
    if (b == 0x66) { operandPrefix = true; rex = 0; continue; }
    if (b == 0x67) { addressSize = code == 1 ? 0 : 1; rex = 0; continue; }
    if (b == 0xf0) { lock = true; rex = 0; continue; }
    if (b == 0xf2) { rep = R.F_REPNE; rex = 0; continue; }
    if (b == 0xf3) { rep = R.F_REPE; rex = 0; continue; }
    if ((b & 0xe7) == 0x26) { if (code != 2) segmentPrefix = (b >> 3) & 3; rex = 0; continue; }
    if (b == 0x64 || b == 0x65) { segmentPrefix = b & 7; rex = 0; continue; }
    if (code == 2 && (b & 0xf0) == 0x40) { rex = b; continue; }
    width = rex & 8 ? 3 : operandPrefix ? (code == 0 ? 2 : 1) : code == 0 ? 1 : 2;
    return b;
  }
  return 0x90;
}

/**
 * Reads the rest of a VEX prefix whose first byte was C5 (`short`) or C4: the opcode map (1 0F, 2 0F 38, 3 0F 3A), or 0 when a
 * prefix before it makes it undefined (SDM 2A 2.3.5).
 */
export function vex(short: bool): u32 {
  const legal = !operandPrefix && !rep && !lock && !rex;
  const first = byte();
  let map: u32 = 1, last = first;
  rex = 0x40 | (first & 0x80 ? 0 : 4);
  if (!short) {
    last = byte();
    map = first & 31;
    rex |= (first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1) | (last & 0x80 ? 8 : 0);
  }
  // Outside 64-bit mode there are eight registers, and W is ignored by general-purpose instructions.
  if (code != 2) rex = 0;
  vvvv = (~last >> 3) & (code == 2 ? 15 : 7);
  vectorLength = (last >> 2) & 1;
  impliedPrefix = last & 3;
  width = rex & 8 ? 3 : 2;
  return legal ? map : 0;
}
/** The next byte, which stays the next. */
export function peek(): u32 {
  if (ip < end) return <u32>load<u8>(ip);
  overrun = true;
  return 0;
}

/** State address of general-purpose register `n` for operands of width index `w`. */
@inline export function register(n: u32, w: u32): u32 {
  return w == 0 && !rex && n >= 4 && n < 8 ? ((n - 4) << 3) + 1 : n << 3;
}
@inline export function setDst(address: u32): void { store<u8>(record, <u8>address, R.R_DST); }
@inline export function setSrc(address: u32): void { store<u8>(record, <u8>address, R.R_SRC); }
@inline export function setImmediate(value: u64): void { store<u64>(record, value, R.R_IMMEDIATE); }
@inline export function setFlags(flags: u8): void { store<u8>(record, load<u8>(record, R.R_FLAGS) | flags, R.R_FLAGS); }
@inline export function memoryOperand(): bool { return mod != 3; }
/** LOCK is legal here when the operand is in memory. */
@inline export function mayLock(): void { lockable = mod != 3; }

/** Reads ModRM, and the memory operand that it names. */
export function modrm(): void {
  const b = byte();
  mod = b >> 6;
  reg = ((b >> 3) & 7) | ((rex & 4) << 1);
  rm = b & 7;
  if (mod == 3) { rm |= (rex & 1) << 3; return; }
  let segment: u32 = 3;
  let displacement: i64 = 0;
  if (addressSize == 0) {
    // SDM 2 table 2-1: BX+SI BX+DI BP+SI BP+DI SI DI BP BX
    if (mod == 0 && rm == 6) displacement = <i64><i16>word();
    else {
      const base: u32 = rm == 0 || rm == 1 || rm == 7 ? 3 : rm == 2 || rm == 3 || rm == 6 ? 5 : rm == 4 ? 6 : 7;
      store<u8>(record, <u8>(base << 3), R.R_BASE);
      if (rm < 4) store<u8>(record, <u8>((rm & 1 ? 7 : 6) << 3), R.R_INDEX);
      if (base == 5) segment = 2;
    }
    if (mod == 1) displacement = <i64><i8>byte();
    else if (mod == 2) displacement = <i64><i16>word();
  } else {
    let base = rm, noBase = false;
    if (rm == 4) {
      const sib = byte();
      const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
      if (index != 4) {
        store<u8>(record, <u8>(index << 3), R.R_INDEX);
        store<u8>(record, <u8>(<u32>1 << (sib >> 6)), R.R_SCALE);
      }
      base = sib & 7;
      noBase = base == 5 && mod == 0;
      if (noBase) displacement = <i64><i32>dword();
    } else if (rm == 5 && mod == 0) {
      displacement = <i64><i32>dword();
      noBase = true;
      relative = code == 2;
    }
    if (!noBase) {
      if (base == 4 || base == 5) segment = rex & 1 ? 3 : 2;
      base |= (rex & 1) << 3;
      store<u8>(record, <u8>(base << 3), R.R_BASE);
    }
    if (mod == 1) displacement = <i64><i8>byte();
    else if (mod == 2) displacement = <i64><i32>dword();
  }
  store<i64>(record, displacement, R.R_DISPLACEMENT);
  setFlags(R.F_MEMORY);
  setSegment(segment);
}
/** The segment of the memory operand, unless a prefix says otherwise. */
export function setSegment(natural: u32): void {
  const segment = segmentPrefix == 0xff ? natural : segmentPrefix;
  store<u8>(record, <u8>segment, R.R_SEGMENT);
  // In 64-bit mode only FS and GS have a base; elsewhere flat segments have base 0, others take the checked path.
  if (code == 2) { if (segment >= 4) store<u32>(record, State.ES_BASE + (segment << 5), R.R_SEGMENT_BASE); }
  // CS may be read-only or unreadable even so.
  else if (load<u32>(State.MODE) & MODE_CHECK || segment == 1) setFlags(R.F_CHECK);
}
/** MOV with an absolute offset: a memory operand without ModRM. */
export function absolute(): void {
  mod = 0;
  store<i64>(record, addressSize == 2 ? <i64>qword() : addressSize == 1 ? <i64>dword() : <i64>word(), R.R_DISPLACEMENT);
  setFlags(R.F_MEMORY);
  setSegment(3);
}

/** Immediate of the operand width: 8, 16, 32 bits, 32 sign-extended to 64. */
export function immediateOf(w: u32): u64 {
  return w == 0 ? signedByte() : w == 1 ? <u64><i64><i16>word() : <u64><i64><i32>dword();
}
/** Target of a relative branch whose displacement was just read; `bits16` truncates it (16-bit operand size). */
export function target(displacement: u64, bits16: bool): void {
  const next = rip + <u64>(ip - start);
  const to = next + displacement;
  setImmediate(code == 2 ? to : bits16 ? to & 0xffff : to & 0xffffffff);
}

@inline export function choose(op: u32): void { chosen = op; }
/** An operation that ends its block. */
@inline export function chooseLast(op: u32): void { chosen = op; ends = true; }
@inline export function undefined_(): void { chosen = Op.UD; ends = true; }

/** Fills what every record has; the instruction's length, or 0 when the bytes did not suffice. */
export function complete(): u32 {
  if (overrun) return 0;
  if (lock && !lockable) undefined_();
  const length = <u32>(ip - start);
  const p = record;
  store<u16>(p, encodeOp(chosen));
  store<u64>(p, rip, R.R_RIP);
  store<u64>(p, wrap(rip + length), R.R_NEXT);
  store<u8>(p, <u8>length, R.R_LENGTH);
  store<u8>(p, <u8>((<u32>1) << width), R.R_SIZE);
  const other = load<u8>(p, R.R_FLAGS) & R.F_CHECK || load<u32>(p, R.R_SEGMENT_BASE) != State.ZERO;
  store<u8>(p, (addressSize == 2 ? 0 : addressSize == 1 ? 32 : 48) | (other ? R.OTHER_ADDRESS : 0), R.R_SHIFT);
  setFlags(<u8>(addressSize << R.F_ADDRESS_SHIFT) | (lock ? R.F_LOCK : 0));
  if (relative) store<i64>(p, load<i64>(p, R.R_DISPLACEMENT) + <i64>(rip + length), R.R_DISPLACEMENT);
  return length;
}
