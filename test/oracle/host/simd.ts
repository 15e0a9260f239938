/** MMX and SSE instructions: every row of the core's table, with registers and memory full of numbers and near-numbers. */
import { operationName, simdRows, type SimdRow } from '../../../src/core/tables/simd';
import { DATA } from './layout';
import { Draft, OPERANDS, RAX, RDI, RDX } from './draft';
import type { Family } from './families';
import { vector } from './fx';

const PREFIXES = [undefined, 0x66, 0xf3, 0xf2];
const ESCAPES = [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const BYTES = 16;
const EMMS = 0x77;
/** Stores through rDI. */
const MASKED_MOVES = /^maskmov/;
const EXPLICIT_LENGTHS = /^pcmpestr/;
const ESTIMATES = /^r(sqrt|cp)[ps]s$/;

/** Where a 16-byte operand lies: aligned, but for one in ten. */
function operandAt(d: Draft): number {
  const at = d.random.below(OPERANDS / BYTES) * BYTES;
  return d.random.chance(0.1) ? Math.min(at + 1 + d.random.below(15), OPERANDS - BYTES) : at;
}
function fill(d: Draft, at: number): void {
  d.data.set(vector(d.random), at);
}

function instruction(d: Draft, row: SimdRow): void {
  d.operation = operationName(row);
  d.estimate = ESTIMATES.test(row.name);
  const prefix = PREFIXES[row.prefix];
  if (prefix) d.prefix(prefix);
  d.opcode(...ESCAPES[row.map], row.opcode);
  if (row.map === 0 && row.opcode === EMMS) return;
  // REX.W makes general-purpose operands wide, and means nothing elsewhere.
  if (d.rex) d.sized(d.random.chance(0.4) ? [64] : [32]);
  if (EXPLICIT_LENGTHS.test(row.name))
    for (const register of [RAX, RDX])
      if (d.random.chance(0.8))
        d.fix(register, BigInt(d.random.below(40) - 20) & (d.random.chance(0.5) ? ~0n : 0xffffffffn));
  if (MASKED_MOVES.test(row.name)) d.fix(RDI, BigInt(DATA + d.random.below(OPERANDS - BYTES)));
  if (row.extension === undefined) d.reg(64);
  else d.extension(row.extension);
  const memory = row.rm === 'memory' || (!row.rm && d.random.chance(0.5));
  if (memory) {
    const at = operandAt(d);
    fill(d, at);
    d.memory(8 * BYTES, { at });
    d.mayEnterMmx = row.name === 'cvtpi2ps';
    if (d.mayEnterMmx) d.fx.nothingPending();
  } else d.rmRegister(64);
  // The string comparisons and roundings read all eight bits.
  if (row.immediate) d.immediate(d.random.chance(0.7) ? d.random.below(64) : d.random.u32(), 1);
}

/** LDMXCSR and STMXCSR. */
function control(d: Draft): void {
  const stores = d.random.chance(0.5);
  d.operation = stores ? 'stmxcsr' : 'ldmxcsr';
  d.opcode(0x0f, 0xae);
  d.extension(stores ? 3 : 2);
  const place = d.memory(32);
  d.write(place, BigInt(d.random.u32() & (d.random.chance(0.9) ? 0xffff : 0x1ffff)));
}

const rows = simdRows;
export const simd: Family[] = [
  { weight: 120, make: d => instruction(d, d.random.pick(rows)) },
  { weight: 1, make: control },
];
