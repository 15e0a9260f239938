/** Functions by address and by name, with what was inlined into them (DWARF 5, 3.3). */
import { AT, TAG } from './constants';
import type { Die } from './die';
import { rangesOf, type Range } from './ranges';
import { problemText } from './reader';
import { Tolerant } from './tolerant';
import { CODE_SCOPES, type DebugInfo, type Unit } from './unit';

export interface DebugFunction {
  /** With the namespaces and types that it is in, as its language writes them: `kernel::Console::write`. */
  name: string;
  /** Its own name alone. */
  plain: string;
  /** As the linker knows it, when that is another name. */
  linkage?: string;
  ranges: readonly Range[];
  /** Its first instruction. */
  entry: bigint;
  /** Calls that the compiler replaced by the code of the callee, outermost first. Read when first asked for. */
  inlined(): readonly InlinedCall[];
  die: Die;
}

export interface InlinedCall {
  name: string;
  ranges: readonly Range[];
  /** How many inlined calls it lies in, within its function. */
  depth: number;
  /** The file register of its unit's line table, and the line, of the call. */
  file: number;
  line: number;
  die: Die;
}

interface UnitFunctions {
  functions: DebugFunction[];
  /** Sorted by address. */
  pieces: { low: bigint; high: bigint; function: DebugFunction }[];
}

const covers = (ranges: readonly Range[], address: bigint) =>
  ranges.some(({ low, high }) => low <= address && address < high);

/** Index of the last piece that begins at or before an address, or -1. */
function lastAt(pieces: readonly { low: bigint }[], address: bigint): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pieces[middle].low <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The functions of an image. Units are read when an address or a name first needs them. */
export class Functions extends Tolerant {
  /** Functions of each unit, by address; made once. */
  private readonly byUnit = new Map<Unit, UnitFunctions>();
  /** Sorted by address. `reach` is the highest end of any piece so far: none before it goes farther. */
  private coverage: { low: bigint; high: bigint; unit: Unit; reach: bigint }[] | undefined;
  private names: Map<string, DebugFunction[]> | undefined;

  constructor(
    private readonly info: DebugInfo,
    /** Linker-dropped functions keep their entries: whether anything is loaded at an address. */
    private readonly loaded: (address: bigint) => boolean,
  ) {
    super();
  }

  at(address: bigint): DebugFunction | undefined {
    for (const unit of this.unitsAt(address)) {
      const { pieces } = this.of(unit);
      const piece = pieces[lastAt(pieces, address)];
      if (piece && address < piece.high) return piece.function;
    }
    return undefined;
  }

  /** Functions of that name: qualified, plain, or the linker's. */
  named(name: string): readonly DebugFunction[] {
    if (!this.names) {
      this.names = new Map();
      for (const one of this.all())
        for (const key of new Set([one.name, one.plain, one.linkage]))
          if (key) this.names.set(key, [...(this.names.get(key) ?? []), one]);
    }
    return this.names.get(name) ?? [];
  }

  all(): DebugFunction[] {
    return this.info.units.flatMap(unit => this.of(unit).functions);
  }

  private of(unit: Unit): UnitFunctions {
    let found = this.byUnit.get(unit);
    if (!found) {
      const functions = this.guarded(() => this.read(unit)) ?? [];
      const pieces = functions.flatMap(one => one.ranges.map(range => ({ ...range, function: one })));
      pieces.sort((a, b) => (a.low < b.low ? -1 : Number(a.low > b.low)));
      this.byUnit.set(unit, (found = { functions, pieces }));
    }
    return found;
  }

  /** Units that may have code at an address. */
  private unitsAt(address: bigint): Unit[] {
    if (!this.coverage) {
      this.coverage = this.info.units.flatMap(unit => {
        const ranges = this.guarded(() => rangesOf(unit.root)) ?? [];
        // A unit that does not say where its code lies may have some anywhere.
        return (ranges.length ? ranges : [{ low: 0n, high: 1n << 64n }]).map(range => ({ ...range, unit, reach: 0n }));
      });
      this.coverage.sort((a, b) => (a.low < b.low ? -1 : Number(a.low > b.low)));
      let reach = 0n;
      for (const piece of this.coverage) piece.reach = reach = piece.high > reach ? piece.high : reach;
    }
    const found: Unit[] = [];
    for (let n = lastAt(this.coverage, address); n >= 0 && this.coverage[n].reach > address; n--)
      if (address < this.coverage[n].high) found.push(this.coverage[n].unit);
    return found;
  }

  private read(unit: Unit): DebugFunction[] {
    const entries: Die[] = [];
    /** The namespaces and types around each entry of a function: declarations too, whose definitions stand elsewhere. */
    const scopes = new Map<number, string>();
    const path: string[] = [];
    const wanted = (tag: number) =>
      tag !== TAG.lexical_block && tag !== TAG.inlined_subroutine && CODE_SCOPES.includes(tag);
    try {
      unit.visit(unit.root, wanted, (die, depth) => {
        path.length = depth;
        if (die.tag === TAG.subprogram) {
          scopes.set(die.offset, path.filter(Boolean).join('::'));
          entries.push(die);
        }
        // Languages with functions in functions describe the inner ones below the outer.
        path.push(die.text(AT.name) ?? '');
        return 'children';
      });
    } catch (error) {
      this.problem ??= problemText(error);
    }
    return entries.flatMap(die => this.guarded(() => this.function(die, scopes)) ?? []);
  }

  private function(die: Die, scopes: ReadonlyMap<number, string>): DebugFunction[] {
    const ranges = rangesOf(die).filter(({ low }) => this.loaded(low));
    if (!ranges.length) return [];
    const named = nameOf(die, scopes);
    const entry = die.address(AT.low_pc) ?? ranges[0].low;
    let inlined: InlinedCall[] | undefined;
    return [
      {
        ...named,
        ranges,
        entry,
        inlined: () => (inlined ??= this.guarded(() => this.inlinedIn(die, scopes)) ?? []),
        die,
      },
    ];
  }

  private inlinedIn(die: Die, scopes: ReadonlyMap<number, string>): InlinedCall[] {
    if (!die.abbreviation.children) return [];
    const found: InlinedCall[] = [];
    /** For each depth of the tree, the inlined calls around what is there. */
    const around: number[] = [];
    const wanted = (tag: number) => tag === TAG.inlined_subroutine || tag === TAG.lexical_block;
    die.unit.visit(die, wanted, (inner, depth) => {
      const outside = depth ? around[depth - 1] : 0;
      around[depth] = outside;
      if (inner.tag !== TAG.inlined_subroutine) return 'children';
      around[depth] = outside + 1;
      const ranges = this.guarded(() => rangesOf(inner)) ?? [];
      if (ranges.length)
        found.push({
          name: nameOf(inner, scopes).name,
          ranges,
          depth: outside,
          file: inner.number(AT.call_file) ?? 0,
          line: inner.number(AT.call_line) ?? 0,
          die: inner,
        });
      return 'children';
    });
    return found;
  }
}

/** The inlined calls that an address lies in, outermost first. */
export function inlinedAt({ inlined }: DebugFunction, address: bigint): InlinedCall[] {
  return inlined()
    .filter(({ ranges }) => covers(ranges, address))
    .sort((a, b) => a.depth - b.depth);
}

/** References from an instance to its abstract origin, and from that to its declaration, are few; damage may make a ring. */
const LONGEST_CHAIN = 8;

/** The entry with an attribute: this one, or one that it was made from. */
export function origin(die: Die, attribute: number): Die | undefined {
  let at: Die | undefined = die;
  for (let n = 0; at && n < LONGEST_CHAIN; n++) {
    if (at.has(attribute)) return at;
    const next: number | undefined = at.reference(AT.abstract_origin) ?? at.reference(AT.specification);
    at = next === undefined ? undefined : at.unit.debug.die(next);
  }
  return undefined;
}

/** A name stands at the declaration, when there is one; `scopes` tells what that is in. */
function nameOf(die: Die, scopes: ReadonlyMap<number, string>): Pick<DebugFunction, 'name' | 'plain' | 'linkage'> {
  const declaration = origin(die, AT.name);
  const plain = declaration?.text(AT.name) ?? '';
  const linkage =
    origin(die, AT.linkage_name)?.text(AT.linkage_name) ??
    origin(die, AT.MIPS_linkage_name)?.text(AT.MIPS_linkage_name);
  const scope = declaration && scopes.get(declaration.offset);
  const name = plain || linkage || `<function at 0x${die.offset.toString(16)}>`;
  return { name: scope ? `${scope}::${name}` : name, plain, ...(linkage && linkage !== plain ? { linkage } : {}) };
}
