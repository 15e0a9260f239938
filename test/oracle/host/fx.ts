/** x87 and SSE state of a case, as FXSAVE64 lays it out (SDM 1 10.5.1), and floating-point values as bugs like them. */
import type { Random } from '../../random';
import { FX_BYTES } from './layout';

export const MXCSR_AT = 24;
export const ST_AT = 32;
export const XMM_AT = 160;

/** Formats with a hidden bit: bits of exponent and fraction. */
const FORMATS = { 32: { exponent: 8, fraction: 23 }, 64: { exponent: 11, fraction: 52 } } as const;

/** A number of 32 or 64 bits: zeros, denormals, ends of the range, infinities, NaNs, and numbers near 1. */
export function floatBits(random: Random, width: 32 | 64): bigint {
  const { exponent, fraction } = FORMATS[width];
  const largest = (1 << exponent) - 1;
  const bias = largest >> 1;
  const sign = random.chance(0.5) ? 1n << BigInt(width - 1) : 0n;
  const mask = (1n << BigInt(fraction)) - 1n;
  const wild = random.u64() & mask;
  // Few bits set, at either end: exact results and ties.
  const sparse = random.pick([
    0n,
    1n,
    mask,
    1n << BigInt(fraction - 1),
    mask ^ 1n,
    wild & ~(mask >> 20n),
    wild & 0xfffn,
  ]);
  const part = random.chance(0.5) ? wild : sparse;
  const at = (biased: number, value = part): bigint => sign | (BigInt(biased) << BigInt(fraction)) | value;
  switch (random.below(16)) {
    case 0:
      return at(0, 0n);
    case 1:
    case 2:
      return at(0, part || 1n);
    case 3:
      return at(1 + random.below(3));
    case 4:
      return at(largest - 1 - random.below(3));
    case 5:
      return at(largest, 0n);
    case 6:
      return at(largest, (part >> 1n) | 1n); // SNaN
    case 7:
      return at(largest, part | (1n << BigInt(fraction - 1)));
    case 8:
      return sign | (random.u64() % (1n << BigInt(width - 1)));
    case 9:
      return at(bias + random.below(fraction + 12));
    case 10:
      return at(random.below(largest));
    default:
      return at(bias - 3 + random.below(7));
  }
}

/** 16 bytes: two or four numbers, or integers. */
export function vector(random: Random): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const kind = random.below(5);
  for (let n = 0; n < 2; n++) {
    const half = (): bigint => {
      if (kind < 2) return floatBits(random, 64);
      if (kind < 4) return (floatBits(random, 32) << 32n) | floatBits(random, 32);
      return random.operand();
    };
    view.setBigUint64(n * 8, half(), true);
  }
  return bytes;
}

/** 10 bytes: a number of the 80-bit format, or something that only looks like one. */
export function extended(random: Random): Uint8Array {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  const INTEGER = 1n << 63n;
  const wild = random.u64();
  const sparse = random.pick([
    0n,
    1n,
    ~0n,
    1n << 62n,
    wild & 0xffn,
    wild & ~0x7ffn,
    wild & ~0xffffffffffn,
    (wild & ~0x7ffn) | 0x400n,
  ]);
  let significand = BigInt.asUintN(64, (random.chance(0.5) ? wild : sparse) | INTEGER);
  let exponent = 0x3fff - 4 + random.below(8);
  switch (random.below(20)) {
    case 0:
      exponent = 0;
      significand = 0n;
      break;
    case 1:
      exponent = 0;
      significand &= INTEGER - 1n;
      break;
    case 2:
      exponent = 1 + random.below(3);
      break;
    case 3:
      exponent = 0x7ffe - random.below(3);
      break;
    case 4:
      exponent = 0x7fff;
      significand = INTEGER;
      break;
    case 5:
      exponent = 0x7fff;
      significand |= 1n << 62n;
      break;
    case 6:
      exponent = 0x7fff;
      significand = (significand & ~(1n << 62n)) | 1n;
      break;
    case 7:
      // Pseudo-denormals, pseudo-NaNs, unnormals.
      exponent = random.pick([0, 0x7fff, 0x3fff]);
      if (exponent) significand &= INTEGER - 1n;
      break;
    case 8:
      exponent = random.below(0x8000);
      break;
    case 9:
      exponent = 0x3fff + random.below(70);
      break;
    case 10:
      exponent = 0x3fff + random.pick([-127, -126, -150, 127, 128, -1023, -1022, -1075, 1023, 1024]);
      break;
  }
  view.setBigUint64(0, significand, true);
  view.setUint16(8, exponent | (random.chance(0.5) ? 0x8000 : 0), true);
  return bytes;
}

export class FxImage {
  readonly bytes = new Uint8Array(FX_BYTES);
  readonly view = new DataView(this.bytes.buffer);

  constructor(random: Random) {
    for (let n = 0; n < 16; n++) {
      // Equal and nearly equal registers make comparisons and cancellations interesting.
      const twin = n && random.chance(0.15) ? this.xmm(random.below(n)).slice() : vector(random);
      if (n && random.chance(0.05)) twin[random.below(16)] ^= 1 << random.below(8);
      this.bytes.set(twin, XMM_AT + n * 16);
    }
    for (let n = 0; n < 8; n++) {
      const twin = n && random.chance(0.15) ? ST_AT + 16 * random.below(n) : 0;
      this.bytes.set(twin ? this.bytes.slice(twin, twin + 10) : extended(random), ST_AT + 16 * n);
    }
    const control = random.chance(0.7) ? 0x3f : random.u32() & 0x3f;
    const rounding = random.chance(0.5) ? 0x300 : random.pick([0, 0x200, 0x300]) | (random.below(4) << 10);
    // Pending exceptions now and then; otherwise only what is masked is flagged.
    const flagged = random.chance(0.04)
      ? random.u32() & 0x3f
      : random.u32() & control & (random.chance(0.5) ? 0 : 0x3f);
    const summary = flagged & ~control ? 0x8080 : 0;
    const status = flagged | summary | (random.u32() & 0x7f00);
    this.view.setUint16(0, control | rounding | 0x40, true);
    this.view.setUint16(2, status, true);
    this.bytes[4] = random.chance(0.4) ? 0x7f << random.below(2) : random.chance(0.5) ? random.u32() : 0xff;
    // Room for a push, mostly: the register below the top.
    if (random.chance(0.6)) this.bytes[4] = 0xff & ~(1 << ((((status >> 11) & 7) + 7) & 7));
    const masks = random.chance(0.7) ? 0x1f80 : (random.u32() & 0x3f) << 7;
    const flags = random.chance(0.4) ? random.u32() & 0x3f : 0;
    const modes = random.chance(0.5) ? 0 : (random.below(4) << 13) | (random.u32() & 0x8040);
    this.view.setUint32(MXCSR_AT, masks | flags | modes, true);
    this.view.setUint32(MXCSR_AT + 4, 0xffff, true);
  }
  /** ST(n) becomes a normal number of this binary exponent. */
  setSt(n: number, { negative, exponent }: { negative: boolean; exponent: number }): void {
    const at = ST_AT + 16 * n;
    this.bytes[at + 7] |= 0x80;
    this.view.setUint16(at + 8, (0x3fff + exponent) | (negative ? 0x8000 : 0), true);
  }
  /** The configuration that XRSTOR gives to states that an area does not hold. */
  initial(): void {
    this.bytes.fill(0);
    this.view.setUint16(0, 0x37f, true);
    this.view.setUint32(MXCSR_AT, 0x1f80, true);
  }
  nothingPending(): void {
    this.view.setUint16(2, this.view.getUint16(2, true) & 0x7f00, true);
  }
  /** Binary exponent of ST(n), as stored. */
  exponentOf(n: number): number {
    return (this.view.getUint16(ST_AT + 16 * n + 8, true) & 0x7fff) - 0x3fff;
  }
  xmm(n: number): Uint8Array {
    return this.bytes.subarray(XMM_AT + n * 16, XMM_AT + n * 16 + 16);
  }
}
