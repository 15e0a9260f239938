import type { DebugType, Member } from '../../program/dwarf/types';
import { UserError } from '../protocol/errors';
import { fromLittleEndian, hex, hexOf, littleEndian } from '../target/format';
import type { Target } from '../target/target';
import type { View } from '../target/view';
import { memoryStorage, partOf, type Storage } from './storage';

/** A variable, or a part of one: bytes with a type, as one frame sees them. */
export class Typed {
  constructor(
    readonly target: Target,
    readonly view: View,
    readonly type: DebugType,
    readonly storage: Storage,
    /** A part of a byte or of several: its lowest bit, and its width. */
    private readonly bits?: Member['bits'],
  ) {}

  /** The bits as an unsigned number of up to 64 bits; undefined when they are not known, or are no number. */
  get raw(): bigint | undefined {
    const { type, bits } = this;
    const bytes = bits ? (bits.low + bits.width + 7) >> 3 : type.bytes;
    if (bytes < 1 || bytes > 16 || type.kind === 'structure' || type.kind === 'array') return undefined;
    const data = this.storage.read(0, bytes);
    if (!data) return undefined;
    const whole = fromLittleEndian(data);
    return bits ? BigInt.asUintN(bits.width, whole >> BigInt(bits.low)) : whole;
  }

  get width(): number {
    return this.bits?.width ?? this.type.bytes * 8;
  }

  get signed(): boolean {
    const { type } = this;
    return (type.kind === 'base' || type.kind === 'enumeration') && type.signed;
  }

  /**
   * What an expression computes with: integers with their sign extended to 64 bits, addresses of arrays, structures and
   * functions. Undefined when it is not known.
   */
  get value(): bigint | undefined {
    const { type } = this;
    if (type.kind === 'array' || type.kind === 'structure' || type.kind === 'function') return this.storage.address;
    const raw = this.raw;
    if (raw === undefined) return undefined;
    return BigInt.asUintN(64, this.signed ? BigInt.asIntN(this.width, raw) : raw);
  }

  /** Throws UserError for what cannot be set, or does not fit. */
  set(value: bigint): void {
    const { type, bits, width } = this;
    if (!['base', 'enumeration', 'pointer'].includes(type.kind) || (type.kind === 'base' && type.encoding === 'float'))
      throw new UserError(`a ${type.name} cannot be set as a whole`, true);
    const fits =
      BigInt.asUintN(width, value) === value ||
      BigInt.asUintN(64, BigInt.asIntN(width, value)) === BigInt.asUintN(64, value);
    if (!fits) throw new UserError(`${hex(value)} does not fit ${width} bits`, true);
    const bytes = bits ? (bits.low + bits.width + 7) >> 3 : type.bytes;
    let next = BigInt.asUintN(width, value);
    if (bits) {
      const old = fromLittleEndian(this.storage.read(0, bytes) ?? new Uint8Array(bytes));
      const mask = ((1n << BigInt(bits.width)) - 1n) << BigInt(bits.low);
      next = (old & ~mask) | (next << BigInt(bits.low));
    }
    this.storage.write(0, littleEndian(next, bytes));
  }

  /** What a pointer or reference points to; undefined for pointers to nothing in particular, and for those not known. */
  pointee(index = 0n): Typed | undefined {
    const { type } = this;
    if (type.kind === 'array') return this.element(Number(index));
    if (type.kind !== 'pointer') return undefined;
    const target = type.target();
    const address = this.raw;
    if (address === undefined || target.kind === 'void') return undefined;
    const at = BigInt.asUintN(64, address + index * BigInt(target.bytes));
    return new Typed(this.target, this.view, target, memoryStorage(this.target, this.view, at));
  }

  element(index: number): Typed | undefined {
    const { type } = this;
    if (type.kind !== 'array') return undefined;
    return new Typed(this.target, this.view, type.element, partOf(this.storage, index * type.element.bytes));
  }

  /** Members of a structure: of a Rust enum those of the variant that it is. */
  members(): { name: string; value: Typed }[] {
    const { type } = this;
    if (type.kind !== 'structure') return [];
    const tag = type.tag();
    const list = [...type.members()];
    if (tag) {
      const which = this.part(tag.discriminant).raw;
      const variant =
        tag.variants.find(({ value }) => value !== undefined && value === which) ??
        tag.variants.find(({ value }) => value === undefined);
      list.push(...(variant?.members ?? []));
    }
    return list.map(member => ({ name: member.name, value: this.part(member) }));
  }

  member(name: string): Typed | undefined {
    const all = this.members();
    const found = all.find(one => one.name === name);
    if (found) return found.value;
    // Members of an anonymous struct or union belong to what is around it, in C; in C++ so do those of base classes.
    for (const { name: outer, value } of all) {
      const inner = outer === '' || outer === value.type.name ? value.member(name) : undefined;
      if (inner) return inner;
    }
    return undefined;
  }

  private part({ type, offset, bits }: Member): Typed {
    return new Typed(this.target, this.view, type, partOf(this.storage, offset), bits);
  }

  /** The text that a view shows. Numbers are decimal, as the sources write them; addresses are hex. */
  text(depth = 0): string {
    const { type } = this;
    if (type.kind === 'structure') return this.structureText(depth);
    if (type.kind === 'array') return this.arrayText(depth);
    if (type.kind === 'function')
      return this.storage.address === undefined ? '' : this.pointerText(this.storage.address);
    if (type.kind === 'void') return '';
    const raw = this.raw;
    if (raw === undefined) return `<${this.storage.problem}>`;
    if (type.kind === 'pointer') return this.pointerText(raw);
    const number = this.signed ? BigInt.asIntN(this.width, raw) : raw;
    if (type.kind === 'enumeration') {
      const name = type.values().find(one => BigInt.asUintN(this.width, one.value) === raw)?.name;
      return name ? `${name} (${number})` : String(number);
    }
    switch (type.encoding) {
      case 'boolean':
        return raw === 0n ? 'false' : raw === 1n ? 'true' : `true (${raw})`;
      case 'character':
        return `${number}${characterText(raw)}`;
      case 'float':
        return floatText(this.storage.read(0, type.bytes)!);
      default:
        return String(number);
    }
  }

  private pointerText(address: bigint): string {
    const symbol = address === 0n ? undefined : this.target.describe(address, this.view);
    const text = `${hexOf(address, this.view.codeSize)}${symbol ? ` <${symbol}>` : ''}`;
    const { type } = this;
    if (type.kind !== 'pointer' || address === 0n) return text;
    const target = type.target();
    if (!isCharacter(target)) return text;
    const string = this.stringAt(memoryStorage(this.target, this.view, address), LONGEST_TEXT);
    return string === undefined ? text : `${text} ${string}`;
  }

  private arrayText(depth: number): string {
    const { type } = this;
    if (type.kind !== 'array') return '';
    if (isCharacter(type.element) && type.count > 0)
      return this.stringAt(this.storage, Math.min(type.count, LONGEST_TEXT)) ?? `<${this.storage.problem}>`;
    if (depth >= DEEPEST_TEXT) return '{…}';
    const shown = Math.min(type.count, MOST_PARTS);
    const parts = Array.from({ length: shown }, (_, n) => this.element(n)!.text(depth + 1));
    return `{${[...parts, ...(type.count > shown ? ['…'] : [])].join(', ')}}`;
  }

  private structureText(depth: number): string {
    if (depth >= DEEPEST_TEXT) return '{…}';
    const members = this.members();
    const parts = members
      .slice(0, MOST_PARTS)
      .map(({ name, value }) => `${name ? `${name}: ` : ''}${value.text(depth + 1)}`);
    return `{${[...parts, ...(members.length > MOST_PARTS ? ['…'] : [])].join(', ')}}`;
  }

  /** A C string: up to its zero, or so many bytes. */
  private stringAt(storage: Storage, limit: number): string | undefined {
    const bytes: number[] = [];
    while (bytes.length < limit) {
      const byte = storage.read(bytes.length, 1)?.[0];
      if (byte === undefined) return undefined;
      if (byte === 0) return quoted(bytes);
      bytes.push(byte);
    }
    return `${quoted(bytes)}…`;
  }
}

const LONGEST_TEXT = 64;
const MOST_PARTS = 8;
const DEEPEST_TEXT = 2;

const isCharacter = (type: DebugType) => type.kind === 'base' && type.encoding === 'character' && type.bytes === 1;

function quoted(bytes: readonly number[]): string {
  const text = bytes.map(byte => {
    if (byte === 10) return '\\n';
    if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`;
    return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${text.join('')}"`;
}

function characterText(raw: bigint): string {
  return raw >= 32n && raw < 127n ? ` '${String.fromCharCode(Number(raw))}'` : '';
}

function floatText(data: Uint8Array): string {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length === 4) return String(Number(view.getFloat32(0, true).toPrecision(7)));
  if (data.length === 8) return String(view.getFloat64(0, true));
  return `${hex(fromLittleEndian(data))} (extended precision)`;
}
