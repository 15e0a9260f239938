/** The binary operations of DWARF expressions (DWARF 5, 2.5.1.4 and 2.5.1.5), by opcode. Undefined: a division by zero. */
type Operator = (left: bigint, right: bigint, bits: number) => bigint | undefined;

const signed = (value: bigint, bits: number) => BigInt.asIntN(bits, value);
const truth = (value: boolean) => (value ? 1n : 0n);

export const OPERATORS: Readonly<Record<number, Operator>> = {
  0x1a: (a, b) => a & b,
  0x1b: (a, b, bits) => (b === 0n ? undefined : signed(a, bits) / signed(b, bits)),
  0x1c: (a, b) => a - b,
  0x1d: (a, b) => (b === 0n ? undefined : a % b),
  0x1e: (a, b) => a * b,
  0x21: (a, b) => a | b,
  0x22: (a, b) => a + b,
  // A shift by the full width or more leaves nothing; a BigInt shift by a huge count would exhaust memory.
  0x24: (a, b, bits) => (b >= BigInt(bits) ? 0n : a << b),
  0x25: (a, b, bits) => (b >= BigInt(bits) ? 0n : a >> b),
  0x26: (a, b, bits) => signed(a, bits) >> (b >= BigInt(bits) ? BigInt(bits - 1) : b),
  0x27: (a, b) => a ^ b,
  0x29: (a, b) => truth(a === b),
  0x2a: (a, b, bits) => truth(signed(a, bits) >= signed(b, bits)),
  0x2b: (a, b, bits) => truth(signed(a, bits) > signed(b, bits)),
  0x2c: (a, b, bits) => truth(signed(a, bits) <= signed(b, bits)),
  0x2d: (a, b, bits) => truth(signed(a, bits) < signed(b, bits)),
  0x2e: (a, b) => truth(a !== b),
};
