/** .debug_abbrev: the shapes of debugging information entries (DWARF 5, 7.5.3). */
import { FORM } from './constants';
import { DwarfReader } from './reader';

export interface Abbreviation {
  tag: number;
  children: boolean;
  names: number[];
  forms: number[];
  /** Values of DW_FORM_implicit_const, at the attribute's place. */
  constants: (bigint | undefined)[];
}

export type Abbreviations = ReadonlyMap<number, Abbreviation>;

/** The table at `offset`. Throws DwarfProblem. */
export function readAbbreviations(section: Uint8Array, offset: number): Abbreviations {
  const table = new Map<number, Abbreviation>();
  const r = new DwarfReader(section, '.debug_abbrev', Math.min(offset, section.length));
  for (let code = r.uleb(); code !== 0; code = r.uleb()) {
    const entry: Abbreviation = { tag: r.uleb(), children: r.u8() !== 0, names: [], forms: [], constants: [] };
    for (;;) {
      const name = r.uleb();
      const form = r.uleb();
      const constant = form === FORM.implicit_const ? r.slebBig() : undefined;
      if (name === 0 && form === 0) break;
      entry.names.push(name);
      entry.forms.push(form);
      entry.constants.push(constant);
    }
    if (!table.has(code)) table.set(code, entry);
    if (r.done) break;
  }
  return table;
}
