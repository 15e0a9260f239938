/** The header of one line program: its constants and its tables of directories and files (DWARF 5, 6.2.4). */
import { LNCT } from './constants';
import { directForm, readForm, type Encoding } from './forms';
import { DwarfReader } from './reader';
import type { DebugSections } from './sections';

export interface FileEntry {
  name: string;
  /** Index into the directories. */
  directory: number;
}

export interface LineHeader extends Encoding {
  /** Where the next table begins. */
  end: number;
  /** Where the program begins. */
  program: number;
  minimumInstructionBytes: number;
  defaultIsStatement: boolean;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Operands of each standard opcode, by opcode. */
  operands: number[];
  /** Directory 0 is the one of the compilation: absent here before version 5. */
  directories: (string | undefined)[];
  /** By file register: from 1 before version 5, from 0 since. */
  files: (FileEntry | undefined)[];
}

/** The header at `offset`. Throws DwarfProblem. `end` is told first, so that damage to the rest costs one table only. */
export function readLineHeader(sections: DebugSections, offset: number, tellEnd: (end: number) => void): LineHeader {
  const all = new DwarfReader(sections.get('.debug_line'), '.debug_line', offset);
  const { bytes, wide } = all.initialLength();
  const r = all.part(bytes);
  tellEnd(r.end);
  const version = r.u16();
  if (version < 2 || version > 5) r.fail(`line table version ${version} is not known; 2 to 5 are`, offset);
  let addressSize: number = sections.addressSize;
  if (version >= 5) {
    addressSize = r.u8();
    r.u8(); // bytes of a segment selector: nobody has any
  }
  const headerBytes = r.offset(wide);
  const program = r.at + headerBytes;
  if (program > r.end) r.fail('the header is longer than its table', offset);
  const minimumInstructionBytes = r.u8();
  if (version >= 4) r.u8(); // operations per instruction: x86 has one
  const defaultIsStatement = r.u8() !== 0;
  const lineBase = r.s8();
  const lineRange = r.u8();
  const opcodeBase = r.u8();
  if (lineRange === 0 || opcodeBase === 0) r.fail('a line range or opcode base of 0', offset);
  const operands = [0, ...Array.from({ length: opcodeBase - 1 }, () => r.u8())];
  const encoding = { version, wide, addressSize };
  const tables = version >= 5 ? newTables(r, sections, encoding) : oldTables(r);
  // prettier-ignore
  return { ...encoding, end: r.end, program, minimumInstructionBytes, defaultIsStatement, lineBase, lineRange, opcodeBase, operands, ...tables };
}

type Tables = Pick<LineHeader, 'directories' | 'files'>;

/** Versions 2 to 4: texts, ended by an empty one. */
function oldTables(r: DwarfReader): Tables {
  const directories: Tables['directories'] = [undefined];
  for (let name = r.text(); name; name = r.text()) directories.push(name);
  const files: Tables['files'] = [undefined];
  for (let name = r.text(); name; name = r.text()) files.push(oldFile(r, name));
  return { directories, files };
}

/** A file's entry behind its name: directory, time, length. DW_LNE_define_file has the same. */
export function oldFile(r: DwarfReader, name: string): FileEntry {
  const directory = r.uleb();
  r.ulebBig();
  r.ulebBig();
  return { name, directory };
}

/** Version 5: entries that describe themselves. */
function newTables(r: DwarfReader, sections: DebugSections, encoding: Encoding): Tables {
  const directories = entries(r, sections, encoding).map(({ name }) => name);
  return { directories, files: entries(r, sections, encoding) };
}

function entries(r: DwarfReader, sections: DebugSections, encoding: Encoding): FileEntry[] {
  const format = Array.from({ length: r.u8() }, () => ({ content: r.uleb(), form: r.uleb() }));
  const count = r.uleb();
  // Every entry takes at least a byte, unless its format is empty: then there is nothing to know about it.
  if (count > r.end - r.at || (count > 0 && format.length === 0)) r.fail(`a table of ${count} files`);
  return Array.from({ length: count }, () => {
    const entry: FileEntry = { name: '', directory: 0 };
    for (const { content, form: indirect } of format) {
      const form = directForm(r, indirect);
      const value = readForm(r, form, encoding);
      if (content === LNCT.path) entry.name = text(sections, form, value);
      else if (content === LNCT.directory_index) entry.directory = Number(value);
    }
    return entry;
  });
}

function text(sections: DebugSections, form: number, value: unknown): string {
  if (typeof value === 'string') return value;
  const section = LINE_STRINGS[form];
  return section && typeof value === 'number' ? new DwarfReader(sections.get(section), section, value).text() : '';
}

/** Sections by DW_FORM_strp and DW_FORM_line_strp. */
const LINE_STRINGS: Readonly<Record<number, string>> = { 0x0e: '.debug_str', 0x1f: '.debug_line_str' };
