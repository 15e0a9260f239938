/** Addition to division: SDM 2, by opcode maps. */
import { Draft, RAX, RDX, type Place, type Width } from './draft';
import type { Family } from './families';

const BINARY = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'];

/** LOCK where it is allowed, now and then; rarely where it is #UD. */
export function mayLock(d: Draft, place: Place, allowed = true): void {
  const legal = allowed && place.kind === 'memory';
  if (d.random.chance(legal ? 0.3 : 0.01)) d.lock();
}
/** An operand that LOCK may be put on. */
export const lockable = { sameLine: true };

function binary(d: Draft): void {
  const n = d.random.below(8);
  d.operation = BINARY[n];
  const width = d.sized();
  switch (d.random.below(4)) {
    case 0:
      d.opcode((n << 3) | d.wide);
      d.reg();
      mayLock(d, d.rm(width, lockable), n !== 7);
      return;
    case 1:
      d.opcode((n << 3) | 2 | d.wide);
      d.reg();
      d.rm();
      return;
    case 2:
      d.opcode((n << 3) | 4 | d.wide);
      d.immediateOf(width);
      return;
    default: {
      const short = width !== 8 && d.random.chance(0.5);
      d.opcode(short ? 0x83 : 0x80 | d.wide);
      d.extension(n);
      const place = d.rm(width, lockable);
      const value = short ? BigInt.asIntN(8, d.random.u64()) : d.immediateOf(width);
      if (short) d.immediate(value, 1);
      // Equal operands are the interesting ones.
      if (d.random.chance(0.1)) d.write(place, BigInt.asIntN(Math.min(width, 32), value));
      mayLock(d, place, n !== 7);
    }
  }
}
function test(d: Draft): void {
  d.operation = 'test';
  const width = d.sized();
  const form = d.random.below(3);
  if (form === 0) {
    d.opcode(0x84 | d.wide);
    d.reg();
    mayLock(d, d.rm(), false);
  } else if (form === 1) {
    d.opcode(0xa8 | d.wide);
    d.immediateOf(width);
  } else {
    d.opcode(0xf6 | d.wide);
    // The manual lists /0 only; processors take /1 for the same.
    d.extension(d.random.below(2));
    d.rm();
    d.immediateOf(width);
  }
}
/** INC, DEC, NOT, NEG. */
function unary(d: Draft): void {
  const n = d.random.below(4);
  d.operation = ['inc', 'dec', 'not', 'neg'][n];
  const width = d.sized();
  d.opcode((n < 2 ? 0xfe : 0xf6) | d.wide);
  d.extension(n);
  mayLock(d, d.rm(width, lockable));
}
function multiply(d: Draft): void {
  d.operation = d.random.pick(['mul', 'imul']);
  d.sized();
  d.opcode(0xf6 | d.wide);
  d.extension(d.operation === 'mul' ? 4 : 5);
  d.rm();
}
function multiply2(d: Draft): void {
  d.operation = 'imul';
  const width = d.sized([16, 32, 64]);
  const form = d.random.below(3);
  d.opcode(...[[0x0f, 0xaf], [0x69], [0x6b]][form]);
  d.reg();
  d.rm();
  if (form === 1) d.immediateOf(width);
  if (form === 2) d.immediate(d.random.u32(), 1);
}
/** Dividends are made from a quotient that fits or just does not; a third is left to chance and faults mostly. */
function divide(d: Draft): void {
  const signed = d.random.chance(0.5);
  d.operation = signed ? 'idiv' : 'div';
  const width = d.sized();
  d.opcode(0xf6 | d.wide);
  d.extension(signed ? 7 : 6);
  const place = d.rm();
  const chance = d.random.below(3);
  if (chance === 0) return;
  const wide = (value: bigint): bigint => (signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value));
  const isAccumulator = place.kind === 'register' && (place.number === RAX || place.number === RDX);
  if (isAccumulator || d.fixed.has(RAX) || d.fixed.has(RDX)) return;
  let divisor = wide(d.random.operand());
  if (divisor === 0n) divisor = 3n;
  if (!d.write(place, divisor)) divisor = wide(d.read(place));
  if (divisor === 0n) return;
  if (place.kind === 'register') d.fixed.add(place.number);
  let quotient = wide(d.random.operand());
  if (chance === 2) quotient += d.random.pick([-1n, 1n]);
  const magnitude = divisor < 0n ? -divisor : divisor;
  let remainder = d.random.u64() % magnitude;
  if (signed && quotient * divisor < 0n) remainder = -remainder;
  dividend(d, width, quotient * divisor + remainder);
}
function dividend(d: Draft, width: Width, value: bigint): void {
  if (width === 8) {
    d.fix(RAX, (d.registers[RAX] & ~0xffffn) | BigInt.asUintN(16, value));
    return;
  }
  const keep = (register: number): bigint => (d.registers[register] >> BigInt(width)) << BigInt(width);
  d.fix(RAX, keep(RAX) | BigInt.asUintN(width, value));
  d.fix(RDX, keep(RDX) | BigInt.asUintN(width, value >> BigInt(width)));
}
/** CBW CWDE CDQE, CWD CDQ CQO. */
function widen(d: Draft): void {
  const high = d.random.chance(0.5);
  d.operation = high ? 'cwd' : 'cbw';
  d.sized([16, 32, 64]);
  d.opcode(high ? 0x99 : 0x98);
}

export const arithmetic: Family[] = [
  { weight: 20, make: binary },
  { weight: 4, make: test },
  { weight: 6, make: unary },
  { weight: 4, make: multiply },
  { weight: 4, make: multiply2 },
  { weight: 8, make: divide },
  { weight: 2, make: widen },
];
