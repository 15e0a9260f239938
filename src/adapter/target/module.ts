import { inlinedAt, type DebugFunction, type InlinedCall } from '../../program/dwarf/functions';
import type { Image, LineRow } from '../../program/program';
import { LineTable, pathKey } from './lines';
import type { Placement } from './placement';
import { SymbolTable } from './symbols';

/** An address of an image, and what lies there now. */
export interface Located {
  module: Module;
  /** As the image was linked. */
  address: bigint;
}

/**
 * An image with its names and lines: the program, or a file with symbols of code that gets into memory by other ways.
 * All addresses here are the image's own, as it was linked or assembled.
 */
export class Module {
  readonly symbols: SymbolTable;
  readonly lines: LineTable;

  /** `extent`: the addresses that the image covers; nothing outside has a nearest symbol. */
  private constructor(
    readonly image: Image,
    extent: { low: bigint; high: bigint },
    readonly placement: Placement,
  ) {
    this.symbols = new SymbolTable(image.symbols, extent);
    this.lines = new LineTable(image.lines);
  }

  /** `loaded`: what of it is in memory, as linked. */
  static of(image: Image, loaded: readonly { low: bigint; high: bigint }[], placement: Placement): Module {
    return new Module(image, extentOf(image, loaded), placement);
  }

  /** Whether the image has anything to say of that address. */
  knows(address: bigint): boolean {
    return this.lines.at(address) !== undefined || this.symbols.nearest(address) !== undefined;
  }

  /** The function that a compiler or assembler described at that address. */
  functionAt(address: bigint): DebugFunction | undefined {
    return this.image.debug?.functions.at(address);
  }

  inlinedAt(address: bigint): InlinedCall[] {
    const found = this.functionAt(address);
    return found ? inlinedAt(found, address) : [];
  }

  /** Where the function begins that the address lies in, as far as anybody says. */
  functionStart(address: bigint): bigint | undefined {
    return this.functionAt(address)?.entry ?? this.symbols.nearest(address)?.symbol.address;
  }

  /** `main`, or `main+0x4` where lines are instructions; undefined when nothing covers it. */
  describe(address: bigint): string | undefined {
    if (this.lines.at(address)?.compiled) {
      const name = this.functionAt(address)?.name ?? this.symbols.nearest(address)?.symbol.name;
      if (name) return name;
    }
    return this.symbols.describe(address);
  }

  /** Where functions of that name begin: the linker's symbols, and what debug information names besides. */
  entriesNamed(name: string): bigint[] {
    const symbol = this.symbols.named(name);
    const described = this.image.debug?.functions.named(name) ?? [];
    const found = described.map(({ entry }) => entry);
    return symbol?.kind === 'code' ? [...new Set([symbol.address, ...found])] : found;
  }

  /**
   * Where a breakpoint on a function belongs: behind its prologue, when a compiler wrote one. clang and rustc mark the place;
   * gcc starts the second line row there. An optimised function has no prologue: another line begins at its entry too.
   */
  afterPrologue(entry: bigint): bigint {
    const first = this.lines.at(entry);
    if (!first?.compiled || first.address !== entry || first.prologueEnd || first.others) return entry;
    const within = this.functionAt(entry)?.ranges.find(({ low, high }) => low <= entry && entry < high);
    if (!within) return entry;
    const rows = this.lines.between(entry + 1n, within.high);
    const marked = rows.find(row => row.prologueEnd);
    return marked?.address ?? rows.find(row => row.statement !== false)?.address ?? entry;
  }

  /**
   * Where a breakpoint on a line waits: in compiled code once in each function (and each inlined copy of it) that has code
   * of the line, behind the prologue; in assembly wherever execution arrives at the line.
   */
  breakpointsAt(file: string, line: number): bigint[] {
    const rows = this.lines.statementsOf(file, line);
    if (!rows.some(row => row.compiled)) return this.lines.addressesOf(file, line);
    const lowest = new Map<DebugFunction | InlinedCall | undefined, bigint>();
    for (const { address, bytes } of rows) {
      // A line without bytes is where inlined calls begin: it belongs to what is around them.
      const calls = this.inlinedAt(address).filter(call => bytes > 0 || !beginsAt(call, address));
      const block = calls.pop() ?? this.functionAt(address);
      const known = lowest.get(block);
      if (known === undefined || address < known) lowest.set(block, address);
    }
    // A statement may begin with a call that was inlined, which has rows of its callee only.
    for (const block of [...lowest.keys()])
      for (const call of this.callsIn(block))
        if (this.isCallAt(call, file, line)) {
          const address = call.ranges.reduce((low, range) => (range.low < low ? range.low : low), call.ranges[0].low);
          if (address < lowest.get(block)!) lowest.set(block, address);
        }
    return [...new Set([...lowest.values()].map(address => this.pastEntry(address)))];
  }

  /** Inlined calls that a function, or an inlined call, makes itself. */
  private callsIn(block: DebugFunction | InlinedCall | undefined): readonly InlinedCall[] {
    if (!block) return [];
    if (!('depth' in block)) return block.inlined().filter(({ depth }) => depth === 0);
    const owner = this.functionAt(block.ranges[0].low);
    const within = (call: InlinedCall) =>
      block.ranges.some(({ low, high }) => low <= call.ranges[0].low && call.ranges[0].low < high);
    return owner?.inlined().filter(call => call.depth === block.depth + 1 && within(call)) ?? [];
  }

  private isCallAt(call: InlinedCall, file: string, line: number): boolean {
    const place = call.line === line ? this.image.debug?.callSite(call) : undefined;
    return place !== undefined && pathKey(place.file) === pathKey(file);
  }

  private pastEntry(address: bigint): bigint {
    return this.functionAt(address)?.entry === address ? this.afterPrologue(address) : address;
  }
}

/** The addresses from the first to the last that an image has anything at. */
function extentOf(image: Image, loaded: readonly { low: bigint; high: bigint }[]): { low: bigint; high: bigint } {
  let low: bigint | undefined;
  let high = 0n;
  const include = (from: bigint, to: bigint) => {
    if (low === undefined || from < low) low = from;
    if (to > high) high = to;
  };
  for (const piece of loaded) include(piece.low, piece.high);
  for (const { kind, address } of image.symbols) if (kind !== 'constant') include(address, address + 1n);
  return { low: low ?? 0n, high };
}

/** Whether the code of an inlined call starts at an address: who stands there has not yet entered it. */
export function beginsAt({ ranges }: InlinedCall, address: bigint): boolean {
  return ranges.some(({ low }) => low === address);
}

/** A row's line as a person names it. */
export function sameLine(a: Pick<LineRow, 'file' | 'line'>, b: Pick<LineRow, 'file' | 'line'>): boolean {
  return a.line === b.line && a.file === b.file;
}
