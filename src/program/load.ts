/** What a file is, and how it becomes a program in memory. */
import { isElf, readElf, type ElfImage } from './elf';
import type { SourceMap } from './dwarf/paths';
import { findMultibootHeader, type MultibootHeader } from './multiboot';
import { findMultiboot2Header } from './multiboot2';
import { assemble, type AssemblyResult } from './nasm/assemble';
import { closest } from './nasm/suggest';
import type {
  Diagnostic,
  Image,
  Program,
  ProgramResult,
  ProgramSymbol,
  Segment,
  SourceFiles,
  StartState,
} from './program';
import { namesOf } from './symbol-file';

export interface LoadOptions {
  /** The processor's state at the first instruction; without it the file decides. A value other than `multiboot` ignores a multiboot header. */
  start?: StartState;
  /** Guest-physical address for a flat binary or an `.asm` without `org`. */
  loadAddress?: number;
  /** A symbol or a guest-physical address. */
  entry?: string | number;
  /** As `nasm -D`, for `.asm`. */
  defines?: Record<string, string>;
  /** Size of guest memory: an image beyond it is an error. */
  memoryBytes?: number;
  /** Folders of the build, and where they are now: for the sources that debug information names. */
  sourceMap?: SourceMap;
  /** False leaves debug information unread: for a run that nobody looks at. */
  debug?: boolean;
}

/** Where a program without `org` goes: behind the first megabyte with its BIOS areas, as multiboot images do. */
export const DEFAULT_LOAD_ADDRESS = 0x100000;
/** Where a BIOS puts a boot sector; also the default for 16-bit sources, which cannot reach 1 MiB. */
export const BOOT_SECTOR_ADDRESS = 0x7c00;
const BOOT_SECTOR_BYTES = 512;
const REAL_MODE_END = 0x100000;

/** What an image is before the options are applied. */
type Draft = Omit<Program, 'path'>;

/** Carries diagnostics to the top; never leaves this file. */
class LoadProblem {
  constructor(readonly errors: Diagnostic[]) {}
}

/**
 * Recognises a program and prepares it for memory.
 *
 * - `.asm` and `.nasm`: assembled. With a multiboot 1 header, its address fields place it (start `multiboot`).
 *   512 bytes at `org 0x7c00` that end with the signature are a boot sector. Anything else is loaded at its `org`, or
 *   without one at `loadAddress` (default 0x100000; 0x7c00 for 16-bit code) as if `org` said so, and starts in the mode
 *   of its first instruction: `long`, `protected` or `real`. Its entry is `_start` or `start`, or else its first byte.
 * - ELF: loaded at the physical addresses of its segments; with a multiboot header start `multiboot`, otherwise `long`
 *   (ELF64) or `protected` (ELF32).
 * - other files: a multiboot image with address fields, a boot sector (512 bytes with the signature), or a flat binary
 *   at `loadAddress` that starts in `long`.
 *
 * @param content the files of the program, or the bytes of `path`
 */
export function loadProgram(path: string, content: SourceFiles | Uint8Array, options: LoadOptions = {}): ProgramResult {
  const warnings: Diagnostic[] = [];
  try {
    const files: SourceFiles =
      'read' in content ? content : { read: p => (p === path ? content : undefined), resolve: (_, p) => p };
    const image = /\.(asm|nasm)$/i.test(path)
      ? fromSource(path, files, options, warnings)
      : fromBinary(path, files, options, warnings);
    const program: Program = { path, ...image };
    if (options.start !== undefined) program.start = options.start;
    if (options.entry !== undefined) program.entry = entryOf(path, options.entry, program.symbols);
    checkMemory(program, options);
    return { ok: true, program, warnings };
  } catch (e) {
    if (e instanceof LoadProblem) return { ok: false, errors: e.errors };
    throw e;
  }
}

function fail(file: string, message: string): never {
  throw new LoadProblem([{ file, line: 1, column: 1, severity: 'error', message }]);
}

const hex = (n: number | bigint) => '0x' + n.toString(16);

function fromSource(path: string, files: SourceFiles, options: LoadOptions, warnings: Diagnostic[]): Draft {
  const build = (origin: number) => assemble(path, files, { defines: options.defines, origin: BigInt(origin) });
  let assembled = build(options.loadAddress ?? DEFAULT_LOAD_ADDRESS);
  // 16-bit code cannot run above 1 MiB, so a source that leaves the address open goes where a BIOS would put it.
  if (!assembled.hasOrigin && assembled.bits === 16 && options.loadAddress === undefined)
    assembled = build(BOOT_SECTOR_ADDRESS);
  if (!assembled.ok) throw new LoadProblem(assembled.diagnostics.filter(d => d.severity === 'error'));
  warnings.push(...assembled.diagnostics);
  if (assembled.bytes.length === 0) fail(path, 'this source makes no code: there is nothing to run');
  const { symbols, lines, sources } = assembled;
  const common = { format: 'asm' as const, symbols, lines, sources };
  const multiboot = wantsMultiboot(options) ? multibootIn(path, assembled.bytes) : undefined;
  if (multiboot) return { ...common, ...placeMultiboot(path, multiboot, assembled.bytes) };
  const origin = BigInt.asUintN(64, assembled.origin);
  if (options.loadAddress === undefined && origin > BigInt(Number.MAX_SAFE_INTEGER))
    fail(
      path,
      `org ${hex(origin)} lies beyond any memory: for code that runs at a high address give the section start= (where it is loaded) and vstart= (where it runs)`,
    );
  const address = options.loadAddress ?? Number(origin);
  if (options.loadAddress !== undefined && assembled.hasOrigin && BigInt(options.loadAddress) !== assembled.origin)
    warnings.push({
      file: path,
      line: 1,
      column: 1,
      severity: 'warning',
      message: `loaded at ${hex(options.loadAddress)}, but assembled for ${hex(assembled.origin)} (org): its labels do not match`,
    });
  const memoryBytes = Math.max(assembled.bytes.length, Number(assembled.end - assembled.origin));
  const segments: Segment[] = [{ address, data: assembled.bytes, memoryBytes }];
  if (assembled.origin === BigInt(BOOT_SECTOR_ADDRESS) && isBootSector(assembled.bytes))
    return { ...common, segments, entry: BOOT_SECTOR_ADDRESS, start: 'boot-sector' };
  return { ...common, segments, entry: startLabel(assembled) ?? address, start: startOf(assembled) };
}

function startOf({ bits, origin }: AssemblyResult): StartState {
  if (bits === 64) return 'long';
  return bits === 16 && origin < BigInt(REAL_MODE_END) ? 'real' : 'protected';
}

function startLabel({ symbols }: AssemblyResult): number | undefined {
  for (const name of ['_start', 'start']) {
    const symbol = symbols.find(s => s.name === name && s.kind === 'code');
    if (symbol) return Number(symbol.address);
  }
  return undefined;
}

function fromBinary(path: string, files: SourceFiles, options: LoadOptions, warnings: Diagnostic[]): Draft {
  const file = files.read(path);
  if (!file) fail(path, `cannot read "${path}": there is no such file (if a build makes it, build it first)`);
  if (file.length === 0) fail(path, `"${path}" is empty`);
  const multiboot = wantsMultiboot(options) ? multibootIn(path, file) : undefined;
  const bare = { symbols: [], lines: [], sources: [] };
  if (isElf(file)) {
    const elf = readElf(file);
    if ('problem' in elf) fail(path, elf.problem);
    const named = namesOf(path, elf.image, files, options, warnings);
    return fromElf(path, elf.image, named, multiboot, file);
  }
  if (multiboot) return { ...bare, format: multibootFormat(multiboot), ...placeMultiboot(path, multiboot, file) };
  const asBootSector =
    options.start === 'boot-sector' || (options.start === undefined && options.loadAddress === undefined);
  if (asBootSector && isBootSector(file)) {
    const segments = [{ address: BOOT_SECTOR_ADDRESS, data: file, memoryBytes: file.length }];
    return { ...bare, format: 'boot-sector', segments, entry: BOOT_SECTOR_ADDRESS, start: 'boot-sector' };
  }
  if (options.start === 'boot-sector')
    fail(
      path,
      `"${path}" is no boot sector: that is 512 bytes that end with 0x55, 0xAA (this has ${file.length} bytes)`,
    );
  const address = options.loadAddress ?? (options.start === 'real' ? BOOT_SECTOR_ADDRESS : DEFAULT_LOAD_ADDRESS);
  const segments = [{ address, data: file, memoryBytes: file.length }];
  return { ...bare, format: 'flat', segments, entry: address, start: 'long' };
}

const isBootSector = (file: Uint8Array) =>
  file.length === BOOT_SECTOR_BYTES && file[510] === 0x55 && file[511] === 0xaa;

const wantsMultiboot = (options: LoadOptions) => options.start === undefined || options.start === 'multiboot';

function multibootIn(path: string, file: Uint8Array): MultibootHeader | undefined {
  const first = findMultibootHeader(file);
  if (first && 'header' in first) return first.header;
  const second = findMultiboot2Header(file);
  if (second && 'header' in second) return second.header;
  const damaged = first ?? second;
  if (damaged) fail(path, damaged.problem);
  return undefined;
}

const multibootFormat = ({ version }: MultibootHeader) => (version === 1 ? 'multiboot1' : 'multiboot2');

/** A file whose multiboot header places it (the "a.out kludge"). */
function placeMultiboot(
  path: string,
  { version, offset, addresses }: MultibootHeader,
  file: Uint8Array,
): Pick<Draft, 'segments' | 'entry' | 'start' | 'multiboot'> {
  if (!addresses)
    fail(
      path,
      version === 1
        ? 'the multiboot header has no address fields: set flag bit 16 (0x10000) and fill them, or link the program to ELF'
        : 'the multiboot 2 header has no address tag: add tags 2 and 3, or link the program to ELF',
    );
  const { header, load, loadEnd, bssEnd, entry } = addresses;
  const from = offset - (header - load);
  if (from < 0 || header < load)
    fail(
      path,
      `the multiboot header says it lies at ${hex(header)} and loading starts at ${hex(load)}, but it is at offset ${hex(offset)} of the file`,
    );
  const to = loadEnd === 0 ? file.length : from + (loadEnd - load);
  if (loadEnd !== 0 && loadEnd < load)
    fail(path, `the multiboot header ends the load (${hex(loadEnd)}) before it starts (${hex(load)})`);
  if (to > file.length)
    fail(
      path,
      `the multiboot header loads up to ${hex(loadEnd)}, but the file ends ${to - file.length} bytes before that: it is truncated`,
    );
  const data = file.subarray(from, to);
  if (bssEnd !== 0 && bssEnd < load + data.length)
    fail(
      path,
      `the multiboot header ends the zeroed part (${hex(bssEnd)}) before the end of the loaded part (${hex(load + data.length)})`,
    );
  const memoryBytes = bssEnd === 0 ? data.length : bssEnd - load;
  return { segments: [{ address: load, data, memoryBytes }], entry, start: 'multiboot', multiboot: version };
}

function fromElf(
  path: string,
  image: ElfImage,
  common: Omit<Image, 'path'>,
  multiboot: MultibootHeader | undefined,
  file: Uint8Array,
): Draft {
  if (multiboot) {
    const placed = multiboot.addresses
      ? placeMultiboot(path, multiboot, file)
      : {
          segments: image.segments,
          entry: multiboot.entry ?? image.entry,
          start: 'multiboot' as const,
          multiboot: multiboot.version,
        };
    return { ...common, ...placed, format: multibootFormat(multiboot) };
  }
  const { segments, entry } = image;
  return image.class === 64
    ? { ...common, segments, entry, format: 'elf64', start: 'long' }
    : { ...common, segments, entry, format: 'elf32', start: 'protected' };
}

function entryOf(path: string, entry: string | number, symbols: readonly ProgramSymbol[]): number {
  if (typeof entry === 'number') return entry;
  const symbol = symbols.find(s => s.name === entry);
  if (symbol) return Number(symbol.address);
  const near = closest(
    entry,
    symbols.map(s => s.name),
  );
  return fail(path, `the entry "${entry}" is not a symbol of this program${near ? `: did you mean "${near}"?` : ''}`);
}

function checkMemory(program: Program, options: LoadOptions): void {
  const { path, segments, start, entry } = program;
  if ((start === 'real' || start === 'boot-sector') && entry >= REAL_MODE_END)
    fail(
      path,
      `the start "${start}" needs an entry below 1 MiB, not ${hex(entry)}: set "org" or the load address below 0x100000`,
    );
  if (options.memoryBytes === undefined) return;
  for (const { address, memoryBytes } of segments)
    if (address + memoryBytes > options.memoryBytes)
      fail(
        path,
        `the program does not fit: it needs memory up to ${hex(address + memoryBytes)}, the machine has ${size(options.memoryBytes)}; ` +
          'give the machine more memory or load the program lower',
      );
}

/** A memory size as people write it. */
function size(bytes: number): string {
  if (bytes % (1 << 20) === 0) return `${bytes / (1 << 20)} MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}
