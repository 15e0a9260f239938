/** Fields of an instruction that hold a value, and what is added to them once sections are placed. */
import { isSimple, sectionOf, sectionsOf, wrap, type Value } from './value';

/** A field that needs the start of a section: value + start(add) - start(subtract), in `bytes` bytes at `at`. */
export interface Fixup {
  /** Offset in the bytes it belongs to. */
  at: number;
  bytes: number;
  value: bigint;
  add?: string;
  subtract?: string;
}

export interface Encoded {
  bytes: Uint8Array;
  fixups: Fixup[];
  /** Why it cannot stay so, if it does until the last pass: a short jump too far. */
  problem?: string;
  /** A number whose upper bits are dropped. */
  warning?: string;
}

export interface EncodePlace {
  bits: number;
  section: string;
  /** Offset in the section. */
  offset: number;
}

/** A field at the end of an instruction that holds a value. */
export interface Field {
  bytes: number;
  value: Value;
  relative: boolean;
  extended?: number;
}

export function distanceProblem(width: number, target: Value, length: number, place: EncodePlace): string | undefined {
  if (sectionOf(target) !== place.section) return undefined;
  const distance = target.number - BigInt(place.offset + length);
  if (BigInt.asIntN(8 * width, distance) === distance || width > 1) return undefined;
  return `the target is ${distance < 0n ? -distance : distance} bytes away; a short jump reaches 128 back and 127 ahead`;
}

export function rangeWarning({ bytes, value, extended }: Field): string | undefined {
  if (!isSimple(value) || value.unknown) return undefined;
  const bits = 8 * bytes;
  const { number } = value;
  const operandBits = extended ?? bits;
  const inOperand = BigInt.asIntN(operandBits, number);
  // Either reading of the number fits the operand, and the field extends to it.
  const fits = inOperand === number || BigInt.asUintN(operandBits, number) === number;
  if (fits && (extended === undefined || BigInt.asIntN(bits, inOperand) === inOperand)) return undefined;
  if (extended === undefined) return `${number} does not fit in ${bits} bits: its upper bits are dropped`;
  return `${number} becomes ${BigInt.asIntN(bits, number)}: the instruction holds ${bits} bits and extends their sign`;
}

/** Writes a relative field, or records what has to be added once sections are placed. */
export function addFixup(
  bytes: Uint8Array,
  fixups: Fixup[],
  at: number,
  width: number,
  value: Value,
  relative: boolean,
  place: EncodePlace,
): void {
  const section = sectionOf(value);
  if (relative) {
    const distance = wrap(value.number - BigInt(place.offset + bytes.length));
    if (section === place.section) store(bytes, at, width, distance);
    else fixups.push({ at, bytes: width, value: distance, add: section, subtract: place.section });
  } else if (!isSimple(value)) fixups.push({ at, bytes: width, value: value.number, ...sectionsOf(value) });
}

/** Stores the low `width` bytes of a number, least significant first. */
export function store(bytes: Uint8Array, at: number, width: number, value: bigint): void {
  let rest = BigInt.asUintN(8 * width, value);
  for (let i = 0; i < width; i++) {
    bytes[at + i] = Number(rest & 255n);
    rest >>= 8n;
  }
}
