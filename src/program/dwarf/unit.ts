/** .debug_info: units and the tree of entries in each (DWARF 5, 7.5.1). */
import { readAbbreviations, type Abbreviations } from './abbreviations';
import { ASSEMBLY_LANGUAGES, AT, C_LANGUAGES, TAG, UT } from './constants';
import { Die } from './die';
import { directForm, readForm, skipForm, type Encoding, type RawValue } from './forms';
import { DwarfReader, problemText } from './reader';
import type { DebugSections } from './sections';

/** What a visitor of a tree wants next: the children of this entry, its next sibling, or the end. */
export type Visit = 'children' | 'sibling' | 'stop';

/** All units of an image, and the sections that they share. */
export class DebugInfo {
  readonly units: Unit[] = [];
  /** What is wrong with .debug_info, when something is: units behind it are lost. */
  problem: string | undefined;
  private readonly tables = new Map<number, Abbreviations>();
  private typeUnits: Map<bigint, number> | undefined;

  constructor(readonly sections: DebugSections) {
    const info = sections.get('.debug_info');
    for (let at = 0; at < info.length;) {
      // The length alone says where the next unit begins, so that one that cannot be read costs only itself.
      let end = info.length;
      try {
        const r = new DwarfReader(info, '.debug_info', at);
        const { bytes } = r.initialLength();
        end = r.part(bytes).end;
        this.units.push(new Unit(this, info, at));
      } catch (error) {
        this.problem ??= problemText(error);
      }
      at = end;
    }
  }

  /** The unit that the entry at `offset` belongs to. */
  unitAt(offset: number): Unit | undefined {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle].offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units[low - 1];
    return unit && offset < unit.end ? unit : undefined;
  }

  /** The entry at an offset of .debug_info. Throws DwarfProblem when there is none. */
  die(offset: number): Die | undefined {
    return this.unitAt(offset)?.die(offset);
  }

  string(section: string, offset: number): string {
    return new DwarfReader(this.sections.get(section), section, offset).text();
  }

  abbreviations(offset: number): Abbreviations {
    let table = this.tables.get(offset);
    if (!table) this.tables.set(offset, (table = readAbbreviations(this.sections.get('.debug_abbrev'), offset)));
    return table;
  }

  /** The offset of the type that a type unit of that signature describes. */
  typeUnit(signature: bigint): number | undefined {
    this.typeUnits ??= new Map(
      this.units.flatMap(unit => (unit.signature === undefined ? [] : [[unit.signature, unit.typeOffset] as const])),
    );
    return this.typeUnits.get(signature);
  }
}

export class Unit implements Encoding {
  readonly version: number;
  readonly wide: boolean;
  readonly addressSize: number;
  readonly type: number;
  /** Where the next unit begins. */
  readonly end: number;
  /** Type units only. */
  readonly signature: bigint | undefined;
  readonly typeOffset: number = 0;
  private readonly first: number;
  private readonly abbreviationOffset: number;
  private cachedRoot: Die | undefined;

  constructor(
    readonly debug: DebugInfo,
    private readonly section: Uint8Array,
    /** In .debug_info. */
    readonly offset: number,
  ) {
    const r = new DwarfReader(section, '.debug_info', offset);
    const { bytes, wide } = r.initialLength();
    this.wide = wide;
    const body = r.part(bytes);
    this.end = body.end;
    this.version = body.u16();
    if (this.version < 2 || this.version > 5) body.fail(`DWARF version ${this.version} is not known; 2 to 5 are`);
    this.type = this.version >= 5 ? body.u8() : UT.compile;
    const newer = this.version >= 5;
    if (newer) this.addressSize = body.u8();
    this.abbreviationOffset = body.offset(wide);
    this.addressSize ??= body.u8();
    if (this.addressSize !== 4 && this.addressSize !== 8) body.fail(`addresses of ${this.addressSize} bytes`);
    if (newer && (this.type === UT.skeleton || this.type === UT.split_compile)) body.skip(8);
    if (newer && (this.type === UT.type || this.type === UT.split_type)) {
      this.signature = body.u64();
      this.typeOffset = offset + body.offset(wide);
    }
    this.first = body.at;
  }

  /** The entry of the unit itself. Throws DwarfProblem. */
  get root(): Die {
    this.cachedRoot ??= this.die(this.first);
    if (!this.cachedRoot) new DwarfReader(this.section, '.debug_info', this.first).fail('a unit without an entry');
    return this.cachedRoot!;
  }

  get name(): string {
    return this.root.text(AT.name) ?? '';
  }
  get compileDirectory(): string {
    return this.root.text(AT.comp_dir) ?? '';
  }
  /** Whether the language writes `struct` before the name of a struct: C in all its versions. */
  get c(): boolean {
    return C_LANGUAGES.includes(this.root.number(AT.language) ?? 0);
  }
  /** Whether its lines are instructions, not statements. */
  get assembly(): boolean {
    return ASSEMBLY_LANGUAGES.includes(this.root.number(AT.language) ?? 0);
  }

  /** The entry at an offset of .debug_info, or undefined for the mark that ends a list of children. Throws DwarfProblem. */
  die(offset: number): Die | undefined {
    const r = new DwarfReader(this.section, '.debug_info', Math.min(offset, this.end), this.end);
    const code = r.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code);
    if (!abbreviation) return r.fail(`abbreviation ${code} is not in the unit's table`, offset);
    const forms: number[] = [];
    const values: RawValue[] = [];
    for (let n = 0; n < abbreviation.forms.length; n++) {
      const form = directForm(r, abbreviation.forms[n]);
      forms.push(form);
      values.push(readForm(r, form, this, abbreviation.constants[n]));
    }
    return new Die(this, offset, r.at, abbreviation, forms, values);
  }

  /**
   * Visits the entries below `parent` in their order. Entries whose tag `wanted` does not name are passed over with all
   * that is in them, without being made.
   */
  visit(parent: Die, wanted: (tag: number) => boolean, visitor: (die: Die, depth: number) => Visit): void {
    if (!parent.abbreviation.children) return;
    const r = new DwarfReader(this.section, '.debug_info', parent.next, this.end);
    /** Depth of the entries that are looked at; those below are passed over. */
    let depth = 0;
    while (!r.done) {
      const at = r.at;
      const code = r.uleb();
      if (code === 0) {
        if (depth-- === 0) return;
        continue;
      }
      const abbreviation =
        this.abbreviations.get(code) ?? r.fail(`abbreviation ${code} is not in the unit's table`, at);
      let enter = false;
      if (wanted(abbreviation.tag)) {
        const die = this.die(at)!;
        r.at = die.next;
        const answer = visitor(die, depth);
        if (answer === 'stop') return;
        enter = answer === 'children';
        if (!abbreviation.children) continue;
        if (!enter && this.toSibling(r, die.reference(AT.sibling))) continue;
      } else {
        const sibling = this.pass(r, abbreviation);
        if (!abbreviation.children || this.toSibling(r, sibling)) continue;
      }
      if (enter) depth++;
      else this.passChildren(r);
    }
  }

  /** The string of an index into .debug_str_offsets (DWARF 5, 7.26). */
  indexedString(index: number): string {
    const width = this.wide ? 8 : 4;
    // Without the attribute (split units, and GNU's version 4) the table begins behind its header, which version 4 had not.
    const base = this.root.number(AT.str_offsets_base) ?? (this.version >= 5 ? 2 * width : 0);
    const r = new DwarfReader(this.debug.sections.get('.debug_str_offsets'), '.debug_str_offsets');
    r.skip(base + index * width);
    return this.debug.string('.debug_str', r.offset(this.wide));
  }

  /** The address of an index into .debug_addr (7.27). */
  indexedAddress(index: number): bigint {
    const base = this.root.number(AT.addr_base) ?? 8;
    const r = new DwarfReader(this.debug.sections.get('.debug_addr'), '.debug_addr');
    r.skip(base + index * this.addressSize);
    return r.unsigned(this.addressSize);
  }

  private get abbreviations(): Abbreviations {
    return this.debug.abbreviations(this.abbreviationOffset);
  }

  /** Passes over the attributes of one entry; gives its DW_AT_sibling. */
  private pass(r: DwarfReader, abbreviation: { names: number[]; forms: number[] }): number | undefined {
    let sibling: number | undefined;
    for (let n = 0; n < abbreviation.forms.length; n++) {
      const form = directForm(r, abbreviation.forms[n]);
      if (abbreviation.names[n] === AT.sibling) sibling = this.offset + Number(readForm(r, form, this));
      else skipForm(r, form, this);
    }
    return sibling;
  }

  private passChildren(r: DwarfReader): void {
    for (let depth = 1; depth > 0 && !r.done;) {
      const at = r.at;
      const code = r.uleb();
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation =
        this.abbreviations.get(code) ?? r.fail(`abbreviation ${code} is not in the unit's table`, at);
      const sibling = this.pass(r, abbreviation);
      if (abbreviation.children && !this.toSibling(r, sibling)) depth++;
    }
  }

  /** Goes to the next sibling when the entry tells where it is. It must lie ahead: damage must not send us in circles. */
  private toSibling(r: DwarfReader, sibling: number | undefined): boolean {
    if (sibling === undefined || sibling <= r.at || sibling > this.end) return false;
    r.at = sibling;
    return true;
  }
}

/** Tags of entries that contain code, and may contain more of them. */
export const CODE_SCOPES: readonly number[] = [
  TAG.subprogram,
  TAG.inlined_subroutine,
  TAG.lexical_block,
  TAG.namespace,
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.enumeration_type,
];
