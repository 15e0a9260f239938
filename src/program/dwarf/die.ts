/** One debugging information entry: a tag with attributes (DWARF 5, 2.1). */
import type { Abbreviation } from './abbreviations';
import { AT, FORM } from './constants';
import type { RawValue } from './forms';
import type { Unit } from './unit';

/** Forms whose value is an address, in place or by index into .debug_addr. */
const ADDRESS_INDEXES: readonly number[] = [
  FORM.addrx,
  FORM.addrx1,
  FORM.addrx2,
  FORM.addrx3,
  FORM.addrx4,
  FORM.GNU_addr_index,
];
const STRING_INDEXES: readonly number[] = [
  FORM.strx,
  FORM.strx1,
  FORM.strx2,
  FORM.strx3,
  FORM.strx4,
  FORM.GNU_str_index,
];
const SIGNED_BY_SIZE: Readonly<Record<number, number>> = {
  [FORM.data1]: 8,
  [FORM.data2]: 16,
  [FORM.data4]: 32,
  [FORM.data8]: 64,
};

export class Die {
  constructor(
    readonly unit: Unit,
    /** In .debug_info. */
    readonly offset: number,
    /** Where the entry behind it begins: its first child, when it has any. */
    readonly next: number,
    readonly abbreviation: Abbreviation,
    private readonly forms: readonly number[],
    private readonly values: readonly RawValue[],
  ) {}

  get tag(): number {
    return this.abbreviation.tag;
  }

  has(attribute: number): boolean {
    return this.abbreviation.names.includes(attribute);
  }

  /** The form of an attribute, or undefined when the entry has none of that name. */
  form(attribute: number): number | undefined {
    const n = this.abbreviation.names.indexOf(attribute);
    return n < 0 ? undefined : this.forms[n];
  }

  raw(attribute: number): RawValue | undefined {
    const n = this.abbreviation.names.indexOf(attribute);
    return n < 0 ? undefined : this.values[n];
  }

  /** A constant, an index or a section offset as a number. Throws DwarfProblem only for strings out of bounds. */
  number(attribute: number): number | undefined {
    const value = this.raw(attribute);
    return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined;
  }

  /** A constant as a number with its sign, as far as its form tells one. */
  signed(attribute: number): bigint | undefined {
    const value = this.raw(attribute);
    if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
    const bits = SIGNED_BY_SIZE[this.form(attribute)!];
    return bits ? BigInt.asIntN(bits, BigInt(value)) : BigInt(value);
  }

  flag(attribute: number): boolean {
    return Boolean(this.number(attribute));
  }

  text(attribute: number): string | undefined {
    const value = this.raw(attribute);
    if (typeof value === 'string') return value;
    if (typeof value !== 'number') return undefined;
    const form = this.form(attribute)!;
    if (form === FORM.strp) return this.unit.debug.string('.debug_str', value);
    if (form === FORM.line_strp) return this.unit.debug.string('.debug_line_str', value);
    if (STRING_INDEXES.includes(form)) return this.unit.indexedString(value);
    return undefined;
  }

  /** A linear (link) address. */
  address(attribute: number): bigint | undefined {
    const value = this.raw(attribute);
    const form = this.form(attribute);
    if (form === FORM.addr) return value as bigint;
    return form !== undefined && ADDRESS_INDEXES.includes(form) ? this.unit.indexedAddress(value as number) : undefined;
  }

  /** DW_AT_high_pc: an address, or a length from DW_AT_low_pc. */
  highPc(low: bigint): bigint | undefined {
    return this.address(AT.high_pc) ?? (this.has(AT.high_pc) ? low + BigInt(this.number(AT.high_pc) ?? 0) : undefined);
  }

  block(attribute: number): Uint8Array | undefined {
    const value = this.raw(attribute);
    return value instanceof Uint8Array ? value : undefined;
  }

  /** Whether the value is an offset or an index of a location or range list, not a constant or a block. */
  isList(attribute: number): boolean {
    const form = this.form(attribute);
    if (form === FORM.sec_offset || form === FORM.loclistx || form === FORM.rnglistx) return true;
    // DWARF 2 and 3 had no form of their own for it.
    return this.unit.version < 4 && (form === FORM.data4 || form === FORM.data8);
  }

  /** The offset in .debug_info of the entry that the attribute refers to. */
  reference(attribute: number): number | undefined {
    const value = this.raw(attribute);
    switch (this.form(attribute)) {
      case FORM.ref1:
      case FORM.ref2:
      case FORM.ref4:
      case FORM.ref8:
      case FORM.ref_udata:
        return this.unit.offset + Number(value);
      case FORM.ref_addr:
        return Number(value);
      case FORM.ref_sig8:
        return this.unit.debug.typeUnit(value as bigint);
      default:
        return undefined; // in a supplementary file, which nobody gave us
    }
  }
}
