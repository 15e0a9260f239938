/**
 * Floating-point constants, rounded to nearest even in exact arithmetic.
 */

interface Format {
  exponentBits: number;
  /** Stored fraction bits; `explicit` formats store the integer bit too. */
  fractionBits: number;
  explicit?: boolean;
}

const FORMATS: Record<string, Format> = {
  float8: { exponentBits: 4, fractionBits: 3 },
  float16: { exponentBits: 5, fractionBits: 10 },
  float32: { exponentBits: 8, fractionBits: 23 },
  float64: { exponentBits: 11, fractionBits: 52 },
  float80: { exponentBits: 15, fractionBits: 64, explicit: true },
  float128: { exponentBits: 15, fractionBits: 112 },
};

/** Formats by their size in bytes, as `dw`, `dd`, `dq`, `dt` and `do` store them. */
export const FLOAT_OF_BYTES: Record<number, string> = {
  1: 'float8',
  2: 'float16',
  4: 'float32',
  8: 'float64',
  10: 'float80',
  16: 'float128',
};

/**
 * The little-endian bytes of `text` in a format; undefined when it is not a floating-point number.
 * `float80m`, `float80e`, `float128l` and `float128h` give a part: mantissa, sign and exponent, low and high half.
 */
export function parseFloatTo(text: string, format: string, negative: boolean): number[] | undefined {
  const part = /^(float80|float128)([melh])$/.exec(format);
  const shape = FORMATS[part ? part[1] : format];
  if (format === 'float80' && /^(0p)?[0-9_]+p?$/.test(text) && /p/.test(text)) return packedDecimal(text, negative);
  const bits = special(text, shape) ?? finite(text, shape);
  if (bits === undefined) return undefined;
  const width = 1 + shape.exponentBits + shape.fractionBits;
  const all = bits | (negative ? 1n << BigInt(width - 1) : 0n);
  const bytes: number[] = [];
  for (let i = 0; i < width / 8; i++) bytes.push(Number((all >> BigInt(8 * i)) & 255n));
  if (!part) return bytes;
  return part[2] === 'm' || part[2] === 'l' ? bytes.slice(0, 8) : bytes.slice(8);
}

/** `dt 1234p`: ten bytes of two decimal digits each, the last with the sign. */
function packedDecimal(text: string, negative: boolean): number[] | undefined {
  const digits = text.replace(/^0p|[p_]/g, '');
  if (digits.length > 18) return undefined;
  const bytes = digits
    .padStart(18, '0')
    .match(/../g)!
    .reverse()
    .map(pair => parseInt(pair, 16));
  return [...bytes, negative ? 0x80 : 0];
}

/** Infinities and NaNs by name. */
function special(text: string, shape: Format): bigint | undefined {
  const name = /^__\??(infinity|nan|qnan|snan)\??__$/i.exec(text)?.[1].toLowerCase();
  if (!name) return undefined;
  const fraction = BigInt(shape.fractionBits);
  const exponent = ((1n << BigInt(shape.exponentBits)) - 1n) << fraction;
  const integerBit = shape.explicit ? 1n << (fraction - 1n) : 0n;
  const quietBit = 1n << (fraction - (shape.explicit ? 2n : 1n));
  if (name === 'infinity') return exponent | integerBit;
  return exponent | integerBit | (name === 'snan' ? 1n : quietBit);
}

/** numerator / denominator of a decimal or hexadecimal spelling. */
function ratio(text: string): [bigint, bigint] | undefined {
  const digits = text.replace(/_/g, '');
  let match = /^0[xXhH]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?$/.exec(digits);
  if (match && match[1] + match[2] !== '') {
    const power = BigInt(match[3] ?? 0) - 4n * BigInt(match[2].length);
    const mantissa = BigInt('0x' + match[1] + match[2]);
    return power < 0n ? [mantissa, 1n << -power] : [mantissa << power, 1n];
  }
  match = /^([0-9]*)\.?([0-9]*)(?:[eE]([+-]?\d+))?$/.exec(digits);
  if (!match || match[1] + match[2] === '') return undefined;
  const power = BigInt(match[3] ?? 0) - BigInt(match[2].length);
  if (power > 20000n || power < -20000n) return undefined;
  const mantissa = BigInt(match[1] + match[2]);
  return power < 0n ? [mantissa, 10n ** -power] : [mantissa * 10n ** power, 1n];
}

const bitLength = (n: bigint) => n.toString(2).length;

function finite(text: string, shape: Format): bigint | undefined {
  const value = ratio(text);
  if (!value) return undefined;
  const [numerator, denominator] = value;
  if (numerator === 0n) return 0n;
  // Precision counts the integer bit; `least` is the exponent of the smallest normal number.
  const precision = shape.explicit ? shape.fractionBits : shape.fractionBits + 1;
  const bias = (1 << (shape.exponentBits - 1)) - 1;
  let exponent = bitLength(numerator) - bitLength(denominator);
  if (shifted(numerator, denominator, -exponent)[0] < shifted(numerator, denominator, -exponent)[1]) exponent--;
  if (exponent < 1 - bias) exponent = 1 - bias;
  const [n, d] = shifted(numerator, denominator, precision - 1 - exponent);
  let mantissa = n / d;
  const rest = 2n * (n % d);
  if (rest > d || (rest === d && (mantissa & 1n) === 1n)) mantissa++;
  if (bitLength(mantissa) > precision) {
    mantissa >>= 1n;
    exponent++;
  }
  const normal = bitLength(mantissa) === precision;
  const field = BigInt(normal ? exponent + bias : 0);
  if (field >= (1n << BigInt(shape.exponentBits)) - 1n) return special('__infinity__', shape);
  const stored = shape.explicit ? mantissa : mantissa & ((1n << BigInt(shape.fractionBits)) - 1n);
  return (field << BigInt(shape.fractionBits)) | stored;
}

/** The ratio times 2**power. */
function shifted(numerator: bigint, denominator: bigint, power: number): [bigint, bigint] {
  return power >= 0 ? [numerator << BigInt(power), denominator] : [numerator, denominator << BigInt(-power)];
}
