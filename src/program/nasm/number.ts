/** NASM's number spellings. */

const RADIX_LETTER: Record<string, number> = { b: 2, y: 2, o: 8, q: 8, d: 10, t: 10, h: 16, x: 16 };

/**
 * The value of an integer token, or undefined when its digits do not fit its radix. Prefixes `0x 0h 0d 0t 0o 0q 0b 0y $`,
 * suffixes `h x d t o q b y`; where both could be meant the greater radix wins, as in NASM (`0b1h` is 0xb1).
 */
export function parseInteger(text: string): bigint | undefined {
  let digits = text.replace(/_/g, '').toLowerCase();
  let radix = 10;
  let prefix = 0;
  let prefixLength = 0;
  if (digits[0] === '$') [prefix, prefixLength] = [16, 1];
  else if (digits[0] === '0' && digits.length > 2) [prefix, prefixLength] = [RADIX_LETTER[digits[1]] ?? 0, 2];
  const suffix = digits.length > 1 ? (RADIX_LETTER[digits[digits.length - 1]] ?? 0) : 0;
  if (prefix > suffix) {
    radix = prefix;
    digits = digits.slice(prefixLength);
  } else if (suffix) {
    radix = suffix;
    digits = digits.slice(0, -1);
  }
  switch (radix) {
    case 2:
      return /^[01]+$/.test(digits) ? BigInt('0b' + digits) : undefined;
    case 8:
      return /^[0-7]+$/.test(digits) ? BigInt('0o' + digits) : undefined;
    case 16:
      return /^[0-9a-f]+$/.test(digits) ? BigInt('0x' + digits) : undefined;
    default:
      return /^[0-9]+$/.test(digits) ? BigInt(digits) : undefined;
  }
}
