/** Where two FXSAVE images differ, in words. */
import type { Draft } from './draft';
import { MXCSR_AT, ST_AT, XMM_AT } from './fx';

const hexOf = (bytes: Uint8Array): string =>
  [...bytes]
    .reverse()
    .map(b => b.toString(16).padStart(2, '0'))
    .join('');

/** RCPPS and RSQRTPS: "relative error <= 1.5 * 2^-12" each, so twice that between two processors. */
const ESTIMATE_ERROR = 3 * 2 ** -12;
function near(a: Uint8Array, b: Uint8Array): boolean {
  const lane = (bytes: Uint8Array, n: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getFloat32(n * 4, true);
  return [0, 1, 2, 3].every(n => {
    const [x, y] = [lane(a, n), lane(b, n)];
    // Next to the smallest normal number a result may be flushed to zero or not (SDM 2: RCPPS).
    const tiny = [x, y].every(value => value === 0 || Math.abs(value) < 2 ** -125);
    return Object.is(x, y) || tiny || Math.abs(x - y) <= ESTIMATE_ERROR * Math.abs(x);
  });
}

/** Sign, exponent and significand of an 80-bit number as one integer: neighbours differ by one. */
const ordinal = (bytes: Uint8Array): bigint => BigInt(`0x${hexOf(bytes.subarray(0, 10))}`);
const MASK_C1 = 0x02;
const MASK_CODES = 0x45;
const COMPARISONS = /^f(arithmetic|iarithmetic|ucom|com|tst)/;

/**
 * "If the invalid-operation exception is unmasked, the condition code flags are not set" (SDM 2: FCOM, FTST, FCOMI); some
 * processors set them all the same.
 */
export function quietly(draft: Draft, host: Uint8Array): boolean {
  const invalid = (host[2] & 1) !== 0 && (draft.fx.bytes[0] & 1) === 0;
  return invalid && COMPARISONS.test(draft.operation);
}

/** Lines like `XMM3: host ..., here ...`. */
export function fxDifferences(draft: Draft, host: Uint8Array, here: Uint8Array): string[] {
  const lines: string[] = [];
  const compare = (name: string, at: number, bytes: number): void => {
    const [a, b] = [host, here].map(image => image.subarray(at, at + bytes));
    if (name === 'FSW' && (draft.series || /^fcomi/.test(draft.operation))) {
      // C1 tells which way was rounded. The manual says that FCOMI clears it; some processors leave it.
      a[1] &= ~MASK_C1;
      b[1] &= ~MASK_C1;
    }
    if (draft.series && bytes === 10) {
      const [x, y] = [ordinal(a), ordinal(b)];
      const neighbours = x >> 79n === y >> 79n && x - y <= 1n && y - x <= 1n;
      const carried = [x - y, y - x].includes(0x8000000000000001n);
      if (neighbours || carried) return;
    }
    if (hexOf(a) === hexOf(b) || (draft.estimate && at >= XMM_AT && near(a, b))) return;
    const before = hexOf(draft.fx.bytes.subarray(at, at + bytes));
    lines.push(`${name}: host ${hexOf(a)}, here ${hexOf(b)} (was ${before})`);
  };
  if (quietly(draft, host)) for (const image of [host, here]) image[3] &= ~MASK_CODES;
  // With a memory operand the manual makes CVTPI2PS enter MMX operation; some hosts do so for registers only.
  compare('FCW', 0, 2);
  if (!draft.mayEnterMmx) compare('FSW', 2, 2);
  if (!draft.mayEnterMmx) compare('FTW', 4, 1);
  compare('MXCSR', MXCSR_AT, 4);
  for (let n = 0; n < 8 && !draft.mayEnterMmx; n++) compare(`ST${n}`, ST_AT + 16 * n, 10);
  for (let n = 0; n < 16; n++) compare(`XMM${n}`, XMM_AT + 16 * n, 16);
  return lines;
}
