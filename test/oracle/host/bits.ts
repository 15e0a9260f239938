/** Shifts, rotates, bit tests, bit scans and counts. */
import { lockable, mayLock } from './arithmetic';
import { Draft, OPERANDS, RCX } from './draft';
import type { Family } from './families';

const SHIFTS = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl', 'sar'];

/** Counts around 0, the widths, and beyond. */
const count = (d: Draft): number =>
  d.random.chance(0.5)
    ? d.random.pick([0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 128, 255])
    : d.random.below(256);
const masked = (d: Draft, value: number): number => value & (d.width === 64 ? 63 : 31);
/** CL as it will be: the count must not also address the operand. */
function countInCl(d: Draft): void {
  d.fix(RCX, (d.random.operand() & ~0xffn) | BigInt(count(d)));
  d.count = masked(d, Number(d.registers[RCX] & 0xffn));
}

function shift(d: Draft): void {
  const n = d.random.below(8);
  d.operation = SHIFTS[n];
  const width = d.sized();
  const form = d.random.below(3);
  d.opcode([0xc0, 0xd0, 0xd2][form] | d.wide);
  d.extension(n);
  if (form === 2) countInCl(d);
  d.rm(width);
  if (form === 1) d.count = 1;
  if (form === 0) {
    const value = count(d);
    d.immediate(value, 1);
    d.count = masked(d, value);
  }
}
function doubleShift(d: Draft): void {
  const left = d.random.chance(0.5);
  d.operation = left ? 'shld' : 'shrd';
  const width = d.sized([16, 32, 64]);
  const byCl = d.random.chance(0.5);
  d.opcode(0x0f, (left ? 0xa4 : 0xac) | (byCl ? 1 : 0));
  if (byCl) countInCl(d);
  d.reg();
  d.rm(width);
  if (!byCl) {
    const value = count(d);
    d.immediate(value, 1);
    d.count = masked(d, value);
  }
  // "If the count is greater than the operand size, the result is undefined."
  d.undefinedResult = d.count > width;
}

const TESTS = ['bt', 'bts', 'btr', 'btc'];
function bitTest(d: Draft): void {
  const n = d.random.below(4);
  d.operation = TESTS[n];
  const width = d.sized([16, 32, 64]);
  if (d.random.chance(0.4)) {
    d.opcode(0x0f, 0xba);
    d.extension(4 + n);
    const place = d.rm(width, lockable);
    d.immediate(d.random.below(256), 1);
    mayLock(d, place, n > 0);
    return;
  }
  d.opcode(0x0f, 0xa3 | (n << 3));
  if (d.random.chance(0.4)) {
    d.reg();
    mayLock(d, d.rmRegister(), false);
    return;
  }
  // The register holds an offset into a bit string: whole operands before or behind the address.
  const size = width / 8;
  const at = d.random.below(OPERANDS - size + 1);
  const locked = n > 0 && d.random.chance(0.2);
  const lowest = -Math.floor(at / size);
  const highest = Math.floor((OPERANDS - size - at) / size);
  let units = lowest + d.random.below(highest - lowest + 1);
  if (locked) {
    units = 0;
    d.lock();
  }
  const index = BigInt(units * width + d.random.below(width));
  const register = d.random.below(8);
  d.fix(register, width === 64 ? index : (d.random.u64() << BigInt(width)) | BigInt.asUintN(width, index));
  d.reg(width, register);
  d.memory(width, { at, sameLine: locked });
}

/** BSF, BSR and what the same opcodes are with F3. */
function scan(d: Draft): void {
  const n = d.random.below(5);
  d.operation = ['bsf', 'bsr', 'tzcnt', 'lzcnt', 'popcnt'][n];
  const width = d.sized([16, 32, 64]);
  if (n >= 2) d.prefix(0xf3);
  d.opcode(0x0f, [0xbc, 0xbd, 0xbc, 0xbd, 0xb8][n]);
  d.reg();
  const place = d.rm(width);
  if (d.random.chance(0.1)) d.write(place, 0n);
}

/** name, implied prefix, opcode of map 0F 38, with vvvv as a source. */
const THREE: readonly (readonly [string, number, number])[] = [
  ['andn', 0, 0xf2],
  ['bextr', 0, 0xf7],
  ['bzhi', 0, 0xf5],
  ['pdep', 3, 0xf5],
  ['pext', 2, 0xf5],
  ['mulx', 3, 0xf6],
  ['shlx', 1, 0xf7],
  ['sarx', 2, 0xf7],
  ['shrx', 3, 0xf7],
];
const LOWEST = ['', 'blsr', 'blsmsk', 'blsi'];
/** BMI1 and BMI2. */
function vexBits(d: Draft): void {
  d.width = d.random.pick([32, 64] as const);
  const kind = d.random.below(THREE.length + 2);
  const second = d.secondRegister();
  if (kind === THREE.length) {
    const n = 1 + d.random.below(3);
    d.operation = LOWEST[n];
    d.vex(2, 0, second);
    d.opcode(0xf3);
    d.extension(n);
  } else if (kind > THREE.length) {
    d.operation = 'rorx';
    d.vex(3, 3);
    d.opcode(0xf0);
    d.reg();
  } else {
    const [name, pp, opcode] = THREE[kind];
    d.operation = name;
    d.vex(2, pp, second);
    d.opcode(opcode);
    d.reg();
    if (name === 'bextr' && d.random.chance(0.7)) d.fix(second, BigInt(d.random.below(80) | (d.random.below(80) << 8)));
    if (name === 'bzhi' && d.random.chance(0.7)) d.fix(second, BigInt(d.random.below(80)));
  }
  if (d.width === 64) d.wideRegisters();
  const place = d.rm(d.width);
  if (d.random.chance(0.1)) d.write(place, 0n);
  if (d.operation === 'rorx') d.immediate(d.random.below(256), 1);
}
/** ADCX, ADOX, CRC32. */
function carries(d: Draft): void {
  if (d.random.chance(0.4)) {
    d.operation = 'crc32';
    const width = d.sized();
    d.prefix(0xf2);
    d.opcode(0x0f, 0x38, 0xf0 | d.wide);
    d.reg(32);
    d.rm(width);
    return;
  }
  const overflow = d.random.chance(0.5);
  d.operation = overflow ? 'adox' : 'adcx';
  d.sized([32, 64]);
  d.prefix(overflow ? 0xf3 : 0x66);
  d.opcode(0x0f, 0x38, 0xf6);
  d.reg();
  d.rm();
}

export const bits: Family[] = [
  { weight: 14, make: shift },
  { weight: 6, make: doubleShift },
  { weight: 8, make: bitTest },
  { weight: 6, make: scan },
  { weight: 12, make: vexBits },
  { weight: 6, make: carries },
];
