/** Attribute forms (DWARF 5, 7.5.6): one function that reads a value, one that passes over it. */
import { FORM } from './constants';
import type { DwarfReader } from './reader';

/** What decides how wide a form is. */
export interface Encoding {
  version: number;
  /** Offsets and lengths are 8 bytes: 64-bit DWARF. */
  wide: boolean;
  addressSize: number;
}

/**
 * A value as it stands in the section: a number or address, an offset or index into another section, text in place, or a
 * block. Which of them a number is, the form tells.
 */
export type RawValue = bigint | number | string | Uint8Array;

/** Reads the value of `form`. References within a unit stay relative to it. Throws DwarfProblem. */
export function readForm(r: DwarfReader, form: number, encoding: Encoding, constant?: bigint): RawValue {
  switch (form) {
    case FORM.addr:
      return r.unsigned(encoding.addressSize);
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      return r.u8();
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return r.u16();
    case FORM.strx3:
    case FORM.addrx3:
      return r.u24();
    case FORM.data4:
    case FORM.ref4:
    case FORM.ref_sup4:
    case FORM.strx4:
    case FORM.addrx4:
      return r.u32();
    case FORM.data8:
    case FORM.ref8:
    case FORM.ref_sup8:
    case FORM.ref_sig8:
      return r.u64();
    case FORM.data16:
      return r.bytes(16);
    case FORM.udata:
      return r.ulebBig();
    case FORM.sdata:
      return r.slebBig();
    case FORM.ref_udata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
    case FORM.GNU_addr_index:
    case FORM.GNU_str_index:
      return r.uleb();
    case FORM.string:
      return r.text();
    case FORM.strp:
    case FORM.line_strp:
    case FORM.strp_sup:
    case FORM.sec_offset:
    case FORM.GNU_ref_alt:
    case FORM.GNU_strp_alt:
      return r.offset(encoding.wide);
    case FORM.ref_addr:
      // DWARF 2 made it as wide as an address, later versions as an offset.
      return encoding.version <= 2 ? Number(r.unsigned(encoding.addressSize)) : r.offset(encoding.wide);
    case FORM.block1:
      return r.bytes(r.u8());
    case FORM.block2:
      return r.bytes(r.u16());
    case FORM.block4:
      return r.bytes(r.u32());
    case FORM.block:
    case FORM.exprloc:
      return r.bytes(r.uleb());
    case FORM.flag_present:
      return 1;
    case FORM.implicit_const:
      return constant ?? 0n;
    default:
      return r.fail(`the unknown form 0x${form.toString(16)}`);
  }
}

/** The form that DW_FORM_indirect stands for. A chain of indirections is damage. */
export function directForm(r: DwarfReader, form: number): number {
  if (form !== FORM.indirect) return form;
  const direct = r.uleb();
  return direct === FORM.indirect || direct === FORM.implicit_const
    ? r.fail('an indirect form of an indirect form')
    : direct;
}

/** Passes over the value of `form` without making it. Throws DwarfProblem. */
export function skipForm(r: DwarfReader, form: number, encoding: Encoding): void {
  switch (form) {
    case FORM.flag_present:
    case FORM.implicit_const:
      return;
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      r.skip(1);
      return;
    case FORM.data2:
    case FORM.ref2:
      r.skip(2);
      return;
    case FORM.data4:
    case FORM.ref4:
      r.skip(4);
      return;
    case FORM.strp:
    case FORM.line_strp:
    case FORM.sec_offset:
      r.skip(encoding.wide ? 8 : 4);
      return;
    case FORM.data8:
      r.skip(8);
      return;
    case FORM.block:
    case FORM.exprloc:
      r.skip(r.uleb());
      return;
    default:
      readForm(r, form, encoding);
  }
}
