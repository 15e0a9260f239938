/**
 * The assembler: NASM-syntax source to a flat binary, as `nasm -f bin` makes it.
 *
 * Passes repeat until no label moves; each starts optimistic about what it does not know (jumps are short until their
 * target turns out too far), which is how NASM finds the sizes too.
 */
import type { Diagnostic, LineRow, ProgramSymbol, SourceFiles } from '../program';
import { writeListing } from './listing';
import { Pass } from './pass';
import { Preprocessor, type SourceLine } from './preprocessor';
import { SourceCache } from './source';
import { Problems, SourceError } from './problem';
import { addressIn, applyFixups, layOut, type Layout, type Section } from './section';
import { parseStatement, type Statement } from './statement';
import { sectionOf, unsigned } from './value';

export interface AssembleOptions {
  /** As `nasm -D NAME=VALUE`. */
  defines?: Record<string, string>;
  /** Load address for a source without `org`; NASM's is 0. */
  origin?: bigint;
}

export interface AssembledSection {
  name: string;
  /** Load address of its first byte. */
  start: bigint;
  /** Address of its first byte as its labels see it. */
  vstart: bigint;
  bytes: number;
  /** False for `nobits`: not in the binary. */
  inFile: boolean;
}

export interface AssemblyResult {
  /** False when there is any error; the other fields then hold what could be made. */
  ok: boolean;
  /** The flat binary. */
  bytes: Uint8Array;
  /** Load address of the first byte: the source's `org`, or the option, or 0. */
  origin: bigint;
  /** True when the source has an `org` (or a section with `start=`). */
  hasOrigin: boolean;
  /** End of all sections in memory, those without bits included. */
  end: bigint;
  /** Mode of the first instruction. */
  bits: 16 | 32 | 64;
  symbols: ProgramSymbol[];
  lines: LineRow[];
  sections: AssembledSection[];
  /** The source files read, in the order of reading. */
  sources: string[];
  diagnostics: Diagnostic[];
  /** The listing file's text. */
  listing(): string;
}

const MOST_PASSES = 100;

/** A source line with what was parsed from it. */
interface Parsed {
  line: SourceLine;
  statement?: Statement;
}

/** Assembles the source at `path`. Bad input never throws: it makes diagnostics. */
export function assemble(path: string, files: SourceFiles, options: AssembleOptions = {}): AssemblyResult {
  const cache = new SourceCache(files);
  let kept: Parsed[] | undefined;
  let keptProblems: Problems | undefined;
  let before: Pass | undefined;
  for (let number = 1; ; number++) {
    const problems = new Problems();
    const pass = new Pass(files, problems, before, number > 1);
    let parsed: Parsed[];
    if (kept) {
      parsed = kept;
      kept.forEach(({ line, statement }, i) => statement && pass.run(statement, line.place, i));
    } else {
      const sourceProblems = new Problems();
      const preprocessor = new Preprocessor(path, cache, sourceProblems, pass, options.defines ?? {});
      parsed = readAndRun(preprocessor, pass, sourceProblems);
      keptProblems = sourceProblems;
      if (!preprocessor.usedLabels) kept = parsed;
    }
    if (pass.structure)
      problems.report('error', pass.place, `struc ${pass.structure.name} is never closed with endstruc`);
    if (pass.instance) problems.report('error', pass.place, `istruc ${pass.instance.name} is never closed with iend`);
    const settled = before !== undefined && !pass.differsFrom(before);
    if (!settled && number < MOST_PASSES) {
      before = pass;
      continue;
    }
    if (!settled)
      problems.report(
        'error',
        { file: path, line: 1 },
        `the sizes do not settle after ${MOST_PASSES} passes: an expression depends on itself`,
      );
    return finish(path, pass, parsed, [...keptProblems!.list, ...problems.list], cache, options.origin ?? 0n);
  }
}

/** Reads lines and assembles each at once, so that `%if` can use the labels above it. */
function readAndRun(preprocessor: Preprocessor, pass: Pass, problems: Problems): Parsed[] {
  const parsed: Parsed[] = [];
  const qualify = (name: string) => pass.qualify(name);
  preprocessor.qualify = qualify;
  for (let line = preprocessor.next(); line; line = preprocessor.next()) {
    const entry: Parsed = { line };
    parsed.push(entry);
    if (line.tokens.length === 0) continue;
    let label: Statement['label'];
    const enter = (entered: NonNullable<Statement['label']>) => {
      label = entered;
      pass.setParent(entered.name);
    };
    try {
      entry.statement = parseStatement(line.tokens, { qualify, note: line.note, enter });
    } catch (e) {
      if (!(e instanceof SourceError)) throw e;
      problems.report('error', line.place, e.message, e.column, e.endColumn);
      // The label of a wrong line still exists, or each use of it would be an error too.
      if (!label) continue;
      entry.statement = { label, body: { kind: 'empty' }, column: 1, endColumn: 1 };
    }
    pass.run(entry.statement, line.place, parsed.length - 1);
  }
  return parsed;
}

function finish(
  path: string,
  pass: Pass,
  parsed: Parsed[],
  diagnostics: Diagnostic[],
  cache: SourceCache,
  defaultOrigin: bigint,
): AssemblyResult {
  const sections = [...pass.sections.values()];
  let layout: Layout = { bytes: new Uint8Array(0), origin: 0n, end: 0n };
  try {
    layout = layOut(sections, pass.origin?.value ?? defaultOrigin);
    applyFixups(sections, layout);
  } catch (e) {
    if (!(e instanceof SourceError)) throw e;
    diagnostics.push({ file: path, line: 1, column: 1, severity: 'error', message: e.message });
  }
  const order = (a: Diagnostic, b: Diagnostic) =>
    Number(a.file !== path) - Number(b.file !== path) || a.line - b.line || a.column - b.column;
  return {
    ok: !diagnostics.some(d => d.severity === 'error'),
    bytes: layout.bytes,
    origin: layout.origin,
    hasOrigin: pass.origin !== undefined || sections.some(s => s.attributes.start !== undefined),
    end: layout.end,
    bits: (pass.bitsAtStart ?? pass.bitsNow) as 16 | 32 | 64,
    symbols: symbolsOf(pass, sections),
    lines: linesOf(pass),
    sections: sections
      .filter(s => s.size > 0)
      .map(s => ({ name: s.name, start: s.start, vstart: s.vstart, bytes: s.size, inFile: !s.noBits })),
    sources: cache.read,
    diagnostics: diagnostics.sort(order),
    listing: () =>
      writeListing(
        parsed.map(p => p.line),
        pass,
        layout,
      ),
  };
}

function symbolsOf(pass: Pass, sections: readonly Section[]): ProgramSymbol[] {
  const symbols: ProgramSymbol[] = [];
  for (const { name, value, kind } of pass.symbols.values()) {
    // Labels that a macro made for itself are nobody's names.
    if (name.startsWith('..@')) continue;
    const key = sectionOf(value);
    const address = unsigned(value.number + (key === undefined ? 0n : addressIn(sections, key)));
    symbols.push({ name, address, bytes: 0, kind });
  }
  setSizes(symbols, sections);
  return symbols;
}

/** A label reaches to the next one; a label with local labels spans them. */
function setSizes(symbols: ProgramSymbol[], sections: readonly Section[]): void {
  const placed = symbols
    .filter(s => s.kind !== 'constant')
    .sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
  const endOf = (address: bigint) => {
    const section = sections.find(s => unsigned(address - s.vstart) < BigInt(s.size));
    return section ? unsigned(section.vstart) + BigInt(section.size) : address;
  };
  let nextLabel: bigint | undefined;
  let nextGlobal: bigint | undefined;
  for (let i = placed.length - 1; i >= 0; i--) {
    const symbol = placed[i];
    const local = symbol.name.includes('.', 1);
    const end = endOf(symbol.address);
    const limit = local ? nextLabel : nextGlobal;
    symbol.bytes = Number((limit !== undefined && limit < end ? limit : end) - symbol.address);
    if (i === 0 || placed[i - 1].address !== symbol.address) {
      nextLabel = symbol.address;
      if (!local) nextGlobal = symbol.address;
    } else if (!local) nextGlobal = symbol.address;
  }
}

function linesOf(pass: Pass): LineRow[] {
  const rows: LineRow[] = pass.rows
    .filter(row => row.section !== undefined)
    .map(row => ({
      address: unsigned(row.section!.vstart + BigInt(row.offset)),
      bytes: row.bytes,
      file: row.place.file,
      line: row.place.line,
      column: row.place.inner ? undefined : row.column,
      code: row.code,
      ...(row.place.inner ? { inner: { file: row.place.inner.file, line: row.place.inner.line } } : {}),
    }));
  return rows.sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
}
