import type { BitField } from '../../core/schema';
import { hex } from '../target/format';
import type { Container, Variable } from './container';

/** The names of the bits that are set, as `[PE NE PG]`; multi-bit fields as `DPL=3`. */
export function bitsText(value: bigint, bits: readonly BitField[]): string {
  const words = bits.flatMap(bit => {
    const part = extract(value, bit);
    if (part === 0n) return [];
    return [bit.high === bit.low ? bit.name : `${bit.name}=${hex(part)}`];
  });
  // Names of controls hold blanks themselves.
  return words.length ? `[${words.join(words.some(word => word.includes(' ')) ? ', ' : ' ')}]` : '';
}

export function extract(value: bigint, bit: BitField): bigint {
  return (value >> BigInt(bit.low)) & mask(bit);
}

/** `value` with one bit-field replaced. */
export function insert(value: bigint, bit: BitField, part: bigint): bigint {
  if (part > mask(bit))
    throw new RangeError(`${bit.name} has ${bit.high - bit.low + 1} bits: ${hex(part)} does not fit`);
  return (value & ~(mask(bit) << BigInt(bit.low))) | (part << BigInt(bit.low));
}

function mask(bit: BitField): bigint {
  return (1n << BigInt(bit.high - bit.low + 1)) - 1n;
}

/** A value opened into its bits. `path` is its name in expressions. */
export class BitsContainer implements Container {
  readonly set?: (name: string, value: bigint) => void;

  constructor(
    private readonly read: () => bigint | undefined,
    private readonly bits: readonly BitField[],
    private readonly path: string,
    write?: (value: bigint) => void,
  ) {
    if (write) this.set = (name, part) => write(this.replaced(name, part));
  }

  variables(): Variable[] {
    const value = this.read();
    if (value === undefined) return [];
    return this.bits.map(bit => ({
      name: bit.name,
      value: bit.high === bit.low ? String(extract(value, bit)) : hex(extract(value, bit)),
      type: bit.description,
      evaluateName: `${this.path}.${bit.name.replace(/[^A-Za-z0-9_]/g, '')}`,
      readOnly: !this.set,
    }));
  }

  private replaced(name: string, part: bigint): bigint {
    const bit = this.bits.find(candidate => candidate.name === name);
    return insert(this.read() ?? 0n, bit!, part);
  }
}
