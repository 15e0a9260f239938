/** Names, lines and frames of an ELF image. */
import { DebugInformation } from './dwarf/debug';
import { isAbsolute, type SourceMap } from './dwarf/paths';
import { isElf, readElf, type ElfImage } from './elf';
import type { Diagnostic, Image, SourceFiles } from './program';

export interface NameOptions {
  /** Folders of the build, and where they are now. */
  sourceMap?: SourceMap;
  /** False leaves debug information unread. */
  debug?: boolean;
}

/** What the debugger can say about the addresses of an image. Damage to debug information is a warning, never an error. */
export function namesOf(
  path: string,
  elf: ElfImage,
  files: SourceFiles,
  { sourceMap, debug: wanted = true }: NameOptions,
  warnings: Diagnostic[],
): Omit<Image, 'path'> {
  if (!wanted) return { symbols: elf.symbols, lines: [], sources: [] };
  const sections = new Map<string, Uint8Array>();
  const warn = (message: string) => warnings.push({ file: path, line: 1, column: 1, severity: 'warning', message });
  const get = (name: string): Uint8Array => {
    let data = sections.get(name);
    if (data) return data;
    const found = elf.section(name);
    if (found && 'problem' in found) warn(`${found.problem}; what it describes is not shown`);
    sections.set(name, (data = found && 'data' in found ? found.data : new Uint8Array()));
    return data;
  };
  const loaded = (address: bigint) =>
    elf.loads.some(({ linear, bytes }) => linear <= address && address < linear + bytes);
  const debug = new DebugInformation(
    { get, address: elf.sectionAddress, addressSize: elf.class === 64 ? 8 : 4, loaded },
    sourceMap,
    source => (isAbsolute(source) ? source : files.resolve(path, source)),
  );
  if (debug.problem)
    warn(`damaged debug information (${debug.problem}): lines of some sources are missing; rebuild the program`);
  if (debug.split)
    warn('functions and variables are described in .dwo files, which are not read: compile without -gsplit-dwarf');
  return { symbols: elf.symbols, lines: debug.lines, sources: debug.sources, debug };
}

/** A file that carries symbols of code that somebody else puts into memory; or why it cannot be used. */
export function loadSymbols(
  path: string,
  content: Uint8Array,
  files: SourceFiles,
  options: NameOptions,
  warnings: Diagnostic[],
): { image: Image; loads: ElfImage['loads'] } | { problem: string } {
  if (!isElf(content)) return { problem: 'it is no ELF file; symbols come from the ELF file that the linker made' };
  const elf = readElf(content, { symbolsOnly: true });
  if ('problem' in elf) return elf;
  const image = { path, ...namesOf(path, elf.image, files, options, warnings) };
  if (!image.symbols.length && !image.lines.length)
    return { problem: 'it has neither symbols nor lines: link it without -s, and compile with -g' };
  return { image, loads: elf.image.loads };
}
