/** A decoded part of a qualification or information field. */
export interface Detail {
  /** An identifier, so that conditions can name it: `qual.port`. */
  name: string;
  value: bigint;
  /** The value in words, or in hexadecimal. */
  text: string;
}

/** Bits high:low of `value`. */
export const slice = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Bits high:low as a hexadecimal number. */
export const number = (name: string, value: bigint, high: number, low: number): Detail => {
  const part = slice(value, high, low);
  return { name, value: part, text: hex(part) };
};
/** Bit `at` as yes or no. */
export const flag = (name: string, value: bigint, at: number): Detail => {
  const part = slice(value, at, at);
  return { name, value: part, text: part ? 'yes' : 'no' };
};
/** Bits high:low as one of `words`. */
export const choice = (name: string, value: bigint, high: number, low: number, words: readonly string[]): Detail => {
  const part = slice(value, high, low);
  return { name, value: part, text: words[Number(part)] ?? `reserved (${part})` };
};

/** General-purpose registers by their number. */
export const registers: readonly string[] = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'].concat(
  [8, 9, 10, 11, 12, 13, 14, 15].map(n => `R${n}`),
);
