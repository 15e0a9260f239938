/** The one formatter of numbers and addresses: hex with `0x`, lower case, no padding unless a width is asked for. */
export function hex(value: bigint | number, digits = 0): string {
  return '0x' + value.toString(16).padStart(digits, '0');
}

/** Full-width hex of a `bits`-wide value, for columns that line up. */
export function hexOf(value: bigint, bits: number): string {
  return hex(BigInt.asUintN(bits, value), Math.ceil(bits / 4));
}

/** Bytes as `48 65`, at most `limit` bytes. */
export function bytesText(data: Uint8Array, limit = data.length): string {
  const shown = Array.from(data.subarray(0, limit), byte => byte.toString(16).padStart(2, '0')).join(' ');
  return data.length > limit ? `${shown} …` : shown;
}

/** "1 instruction", "2 instructions". */
export function count(n: number | bigint, noun: string): string {
  return `${n} ${noun}${n === 1 || n === 1n ? '' : 's'}`;
}

/** The value as `bytes` bytes, lowest first. */
export function littleEndian(value: bigint, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let n = 0; n < bytes; n++) data[n] = Number((value >> BigInt(8 * n)) & 0xffn);
  return data;
}

/** The unsigned number in `data`, lowest byte first. */
export function fromLittleEndian(data: Uint8Array): bigint {
  return data.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
