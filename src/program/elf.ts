/** ELF executables for x86: segments, symbols, and the sections that line tables live in. */
import { utf8 } from './dwarf/reader';
import { decompress, decompressGnu, type Content } from './elf-sections';
import type { ProgramSymbol, Segment } from './program';

const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const TYPE_RELOCATABLE = 1;
const TYPE_EXECUTABLE = 2;
const TYPE_DYNAMIC = 3;
const SEGMENT_LOAD = 1;
const SEGMENT_INTERPRETER = 3;
const SECTION_SYMBOLS = 2;
const SECTION_NO_BITS = 8;
const FLAG_EXECUTE = 4;
const FLAG_COMPRESSED = 0x800;
/** Mangled names of templates and generics are long. */
const LONGEST_NAME = 16384;
const INDEX_UNDEFINED = 0;
const INDEX_ABSOLUTE = 0xfff1;
const SYMBOL_NO_TYPE = 0;
const SYMBOL_OBJECT = 1;
const SYMBOL_FUNCTION = 2;

interface ElfSection {
  name: string;
  type: number;
  flags: number;
  address: bigint;
  offset: number;
  size: number;
  link: number;
  entrySize: number;
}

export interface ElfImage {
  class: 32 | 64;
  /** At their physical addresses. */
  segments: Segment[];
  /** Physical address of the entry point. */
  entry: number;
  /** At their linear addresses. */
  symbols: ProgramSymbol[];
  /** Where its segments are linked to run, and where they are loaded. */
  loads: { linear: bigint; physical: bigint; bytes: bigint }[];
  /** The linear address of a section by name; 0 for one that is not loaded. */
  sectionAddress(name: string): bigint;
  /** The content of a section by name, decompressed; or why it cannot be read. Undefined when there is none. */
  section(name: string): Content | undefined;
}

export interface ElfOptions {
  /** Somebody else loads it: it may need a dynamic loader, and bring no content for its segments. */
  symbolsOnly?: boolean;
}

export type ElfResult = { image: ElfImage } | { problem: string };

export const isElf = (file: Uint8Array): boolean =>
  file.length >= 4 && file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;

/** Carries a message out of the reader; never leaves this file. */
class ElfProblem {
  constructor(readonly message: string) {}
}

/** Reads an executable. Damaged and unsuitable files give a problem that says what to do. */
export function readElf(file: Uint8Array, options: ElfOptions = {}): ElfResult {
  try {
    return { image: read(new Reader(file), options) };
  } catch (e) {
    if (e instanceof ElfProblem) return { problem: e.message };
    throw e;
  }
}

/** Little-endian fields with bounds, in the layouts of both classes. */
class Reader {
  readonly view: DataView;
  wide = false;

  constructor(readonly file: Uint8Array) {
    this.view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  }

  check(offset: number, bytes: number, what: string): void {
    if (!(offset >= 0) || !(bytes >= 0) || offset + bytes > this.file.length)
      throw new ElfProblem(
        `the ELF file is damaged or truncated: ${what} lies at offset 0x${offset.toString(16)}, the file has ${this.file.length} bytes`,
      );
  }
  u16(offset: number): number {
    this.check(offset, 2, 'a field');
    return this.view.getUint16(offset, true);
  }
  u32(offset: number): number {
    this.check(offset, 4, 'a field');
    return this.view.getUint32(offset, true);
  }
  /** A field that is 4 bytes wide in ELF32 and 8 in ELF64. */
  word(offset: number): bigint {
    if (!this.wide) return BigInt(this.u32(offset));
    this.check(offset, 8, 'a field');
    return this.view.getBigUint64(offset, true);
  }
  /** A name: up to its zero, and in a damaged file no longer than any name is. */
  text(offset: number): string {
    const limit = Math.min(offset + LONGEST_NAME, this.file.length);
    const end = this.file.subarray(offset, limit).indexOf(0);
    return utf8(this.file.subarray(offset, end < 0 ? limit : offset + end));
  }
}

function read(r: Reader, { symbolsOnly = false }: ElfOptions): ElfImage {
  r.check(0, 52, 'the ELF header');
  const elfClass = r.file[4];
  if (elfClass !== 1 && elfClass !== 2) throw new ElfProblem(`the ELF file has the unknown class ${elfClass}`);
  if (r.file[5] !== 1) throw new ElfProblem('the ELF file is big-endian: it was not built for x86');
  r.wide = elfClass === 2;
  const type = r.u16(16);
  const machine = r.u16(18);
  if (machine !== MACHINE_386 && machine !== MACHINE_X86_64)
    throw new ElfProblem(`the ELF file was built for another processor (machine ${machine}), not for x86`);
  if (type === TYPE_RELOCATABLE)
    throw new ElfProblem('this is an object file: link it to an executable first (ld -o NAME FILE)');
  if (type !== TYPE_EXECUTABLE && type !== TYPE_DYNAMIC)
    throw new ElfProblem(`the ELF file is not an executable (type ${type})`);
  const entry = r.word(24);
  const headers = programHeaders(r);
  if (!symbolsOnly && type === TYPE_DYNAMIC && headers.some(h => h.type === SEGMENT_INTERPRETER))
    throw new ElfProblem('this program needs a dynamic loader: link it with -static -no-pie and its own start code');
  const loads = headers.filter(h => h.type === SEGMENT_LOAD && h.memoryBytes > 0n);
  if (loads.length === 0) throw new ElfProblem('the ELF file has nothing to load (no PT_LOAD segment)');
  const segments = symbolsOnly ? [] : loads.map(h => segment(r, h));
  const home = loads.find(h => h.virtual <= entry && entry < h.virtual + h.memoryBytes);
  const sections = sectionHeaders(r);
  return {
    class: r.wide ? 64 : 32,
    segments: segments.sort((a, b) => a.address - b.address),
    entry: safe(home ? entry - home.virtual + home.physical : entry, 'the entry point'),
    symbols: symbols(r, sections),
    loads: loads.map(({ virtual, physical, memoryBytes }) => ({ linear: virtual, physical, bytes: memoryBytes })),
    sectionAddress: name => sections.find(one => one.name === name)?.address ?? 0n,
    section: name => content(r, sections, name),
  };
}

function content(r: Reader, sections: readonly ElfSection[], name: string): Content | undefined {
  const older = name.replace(/^\.debug_/, '.zdebug_');
  const found = sections.find(one => (one.name === name || one.name === older) && one.type !== SECTION_NO_BITS);
  if (!found) return undefined;
  if (found.offset + found.size > r.file.length)
    return { problem: `the section ${name} lies beyond the end of the file: it is truncated` };
  const data = r.file.subarray(found.offset, found.offset + found.size);
  if (found.flags & FLAG_COMPRESSED) return decompress(name, data, r.wide);
  return found.name === name ? { data } : decompressGnu(name, data);
}

interface ProgramHeader {
  type: number;
  offset: bigint;
  virtual: bigint;
  physical: bigint;
  fileBytes: bigint;
  memoryBytes: bigint;
}

function safe(n: bigint, what: string): number {
  if (n > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ElfProblem(`${what} of the ELF file lies at 0x${n.toString(16)}, beyond any memory`);
  return Number(n);
}

function programHeaders(r: Reader): ProgramHeader[] {
  const table = safe(r.word(r.wide ? 32 : 28), 'the program header table');
  const entryBytes = r.u16(r.wide ? 54 : 42);
  const count = r.u16(r.wide ? 56 : 44);
  r.check(table, count * entryBytes, 'the program header table');
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * entryBytes;
    const w = (wide: number, narrow: number) => r.word(at + (r.wide ? wide : narrow));
    return {
      type: r.u32(at),
      offset: w(8, 4),
      virtual: w(16, 8),
      physical: w(24, 12),
      fileBytes: w(32, 16),
      memoryBytes: w(40, 20),
    };
  });
}

function segment(r: Reader, h: ProgramHeader): Segment {
  const offset = safe(h.offset, 'a segment');
  const bytes = safe(h.fileBytes, 'a segment');
  r.check(offset, bytes, 'the content of a segment');
  const memoryBytes = Math.max(bytes, safe(h.memoryBytes, 'a segment'));
  return { address: safe(h.physical, 'a segment'), data: r.file.subarray(offset, offset + bytes), memoryBytes };
}

/** Section headers are optional: damage to them loses symbols, not the program. */
function sectionHeaders(r: Reader): ElfSection[] {
  const table = Number(r.word(r.wide ? 40 : 32));
  const entryBytes = r.u16(r.wide ? 58 : 46);
  const count = r.u16(r.wide ? 60 : 48);
  const names = r.u16(r.wide ? 62 : 50);
  if (table === 0 || table + count * entryBytes > r.file.length || entryBytes < (r.wide ? 64 : 40)) return [];
  const sections = Array.from({ length: count }, (_, i) => {
    const at = table + i * entryBytes;
    const w = (wide: number, narrow: number) => r.word(at + (r.wide ? wide : narrow));
    return {
      name: String(r.u32(at)),
      type: r.u32(at + 4),
      flags: Number(w(8, 8)),
      address: w(16, 12),
      offset: Number(w(24, 16)),
      size: Number(w(32, 20)),
      link: r.u32(at + (r.wide ? 40 : 24)),
      entrySize: Number(w(56, 36)),
    };
  });
  const strings = sections[names];
  for (const section of sections) section.name = strings ? r.text(strings.offset + Number(section.name)) : '';
  return sections;
}

function symbols(r: Reader, sections: readonly ElfSection[]): ProgramSymbol[] {
  const table = sections.find(section => section.type === SECTION_SYMBOLS);
  const strings = table && sections[table.link];
  const entryBytes = r.wide ? 24 : 16;
  if (!table || !strings || table.offset + table.size > r.file.length) return [];
  const found: ProgramSymbol[] = [];
  for (let at = table.offset; at + entryBytes <= table.offset + table.size; at += entryBytes) {
    const type = r.file[at + (r.wide ? 4 : 12)] & 15;
    const index = r.u16(at + (r.wide ? 6 : 14));
    const name = r.text(strings.offset + r.u32(at));
    if (name === '' || index === INDEX_UNDEFINED) continue;
    if (type !== SYMBOL_NO_TYPE && type !== SYMBOL_OBJECT && type !== SYMBOL_FUNCTION) continue;
    const address = r.word(at + (r.wide ? 8 : 4));
    const bytes = Number(r.word(at + (r.wide ? 16 : 8)));
    found.push({ name, address, bytes, kind: kindOf(type, index, sections) });
  }
  return found.sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
}

function kindOf(type: number, index: number, sections: readonly ElfSection[]): ProgramSymbol['kind'] {
  if (type === SYMBOL_FUNCTION) return 'code';
  if (type === SYMBOL_OBJECT) return 'data';
  if (index === INDEX_ABSOLUTE) return 'constant';
  return (sections[index]?.flags ?? 0) & FLAG_EXECUTE ? 'code' : 'data';
}
