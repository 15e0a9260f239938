/** Encoded pointers of .eh_frame (LSB Core, "DWARF Exception Header Encoding"). */
import type { DwarfReader } from './reader';

const ABSENT = 0xff;
const FORMAT = 0x0f;
const APPLICATION = 0x70;
const INDIRECT = 0x80;
const RELATIVE_TO_PC = 0x10;

/**
 * The value at the reader, in an encoding. `base` is the linear address of the section's first byte: pointers may count from
 * where they stand. Undefined when there is none, or when it counts from something that only a running program knows.
 */
export function readPointer(r: DwarfReader, encoding: number, addressSize: number, base: bigint): bigint | undefined {
  if (encoding === ABSENT) return undefined;
  const at = r.at;
  const value = raw(r, encoding & FORMAT, addressSize);
  const application = encoding & APPLICATION;
  if (encoding & INDIRECT || (application !== 0 && application !== RELATIVE_TO_PC)) return undefined;
  const absolute = application === RELATIVE_TO_PC ? value + base + BigInt(at) : value;
  return BigInt.asUintN(addressSize * 8, absolute);
}

function raw(r: DwarfReader, format: number, addressSize: number): bigint {
  switch (format) {
    case 0x0:
      return r.unsigned(addressSize);
    case 0x1:
      return r.ulebBig();
    case 0x2:
      return r.unsigned(2);
    case 0x3:
      return r.unsigned(4);
    case 0x4:
      return r.unsigned(8);
    case 0x9:
      return r.slebBig();
    case 0xa:
      return BigInt.asIntN(16, r.unsigned(2));
    case 0xb:
      return BigInt.asIntN(32, r.unsigned(4));
    case 0xc:
      return BigInt.asIntN(64, r.unsigned(8));
    default:
      return r.fail(`the unknown pointer encoding 0x${format.toString(16)}`);
  }
}
