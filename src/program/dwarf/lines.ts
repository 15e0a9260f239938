/** .debug_line as the rows that the debugger looks up: one for each stretch of code. */
import type { LineRow } from '../program';
import { AT } from './constants';
import { readLineHeader, type LineHeader } from './line-header';
import { runLineProgram, type MachineRow, type Sequence } from './line-program';
import { joinPath } from './paths';
import { problemText } from './reader';
import type { DebugSections } from './sections';
import type { DebugInfo } from './unit';

export interface Lines {
  /** Sorted by linear (link) address; no two overlap. */
  rows: LineRow[];
  /** Damaged tables: what is wrong with the first. Their other sequences are kept. */
  problem: string | undefined;
  /** The path of a file register of the line table at an offset. */
  path(table: number, file: number): string | undefined;
}

/** What the unit of a table says about it. */
interface Origin {
  directory: string;
  assembly: boolean;
}

/**
 * Reads every line table of the image. `place` says where a source is now, given its path at the build.
 *
 * Code that the linker dropped keeps its sequences, at addresses where nothing is loaded: they are left out.
 */
export function readLines(sections: DebugSections, info: DebugInfo, place: (path: string) => string): Lines {
  const section = sections.get('.debug_line');
  const origins = tableOrigins(info);
  const starts = [...origins.keys()].sort((a, b) => a - b);
  const found: LineRow[] = [];
  const seen = new Set<bigint>();
  const names = new Map<number, FileNames>();
  let problem: string | undefined;
  for (let at = 0; at < section.length;) {
    // After a table whose length is damaged, the units still know where others begin.
    let end = starts.find(start => start > at) ?? section.length;
    try {
      const header = readLineHeader(sections, at, told => (end = told));
      const files = new FileNames(header, origins.get(at), place);
      names.set(at, files);
      runLineProgram(section, header, sequence => {
        const first = sequence.rows[0];
        // Several units may carry the same inline function; the linker kept one and the others point at it or at nothing.
        if (!first || seen.has(first.address) || !sections.loaded(first.address)) return;
        seen.add(first.address);
        append(found, sequence, files);
      });
    } catch (error) {
      problem ??= problemText(error);
    }
    at = end;
  }
  return { rows: inOrder(found), problem, path: (table, file) => names.get(table)?.path(file) };
}

function tableOrigins(info: DebugInfo): Map<number, Origin> {
  const found = new Map<number, Origin>();
  for (const unit of info.units) {
    try {
      const offset = unit.root.number(AT.stmt_list);
      if (offset !== undefined && !found.has(offset))
        found.set(offset, { directory: unit.compileDirectory, assembly: unit.assembly });
    } catch (error) {
      info.problem ??= problemText(error);
    }
  }
  return found;
}

/** Paths by file register, each made once. */
class FileNames {
  private readonly made: (string | undefined)[] = [];
  readonly compiled: boolean;

  constructor(
    private readonly header: LineHeader,
    private readonly origin: Origin | undefined,
    private readonly place: (path: string) => string,
  ) {
    this.compiled = !origin?.assembly;
  }

  path(index: number): string | undefined {
    const file = this.header.files[index];
    if (!file) return undefined;
    const directory = this.header.directories[file.directory] ?? '';
    const base = this.origin?.directory ?? this.header.directories[0] ?? '';
    return (this.made[index] ??= this.place(joinPath(joinPath(base, directory), file.name)));
  }
}

/** Turns a sequence into rows with lengths. */
function append(found: LineRow[], { rows, end }: Sequence, files: FileNames): void {
  for (let n = 0; n < rows.length;) {
    const { address } = rows[n];
    let next = n + 1;
    while (next < rows.length && rows[next].address === address) next++;
    const chosen = choose(rows, n, next);
    const group = next - n > 1 ? rows.slice(n, next) : [chosen];
    const limit = next < rows.length ? rows[next].address : end;
    const file = chosen.line ? files.path(chosen.file) : undefined;
    if (limit > address && file !== undefined)
      found.push({
        address,
        bytes: Number(limit - address),
        file,
        line: chosen.line,
        ...(chosen.column ? { column: chosen.column } : {}),
        code: true,
        compiled: files.compiled,
        ...(chosen.statement ? {} : { statement: false }),
        ...(group.some(row => row.prologueEnd) ? { prologueEnd: true } : {}),
        ...othersOf(group, chosen, files),
      });
    n = next;
  }
}

/** Statements of other lines at the same address. */
function othersOf(group: readonly MachineRow[], chosen: MachineRow, files: FileNames): Pick<LineRow, 'others'> {
  if (group.length < 2) return {};
  const others = group
    .filter(row => row.statement && row.line && (row.line !== chosen.line || row.file !== chosen.file))
    .flatMap(row => {
      const file = files.path(row.file);
      return file === undefined ? [] : [{ file, line: row.line }];
    });
  return others.length ? { others } : {};
}

/**
 * Of several rows at one address only the last has any bytes; but a row that is no statement's start must not hide one
 * that is.
 */
function choose(rows: readonly MachineRow[], from: number, to: number): MachineRow {
  for (let n = to - 1; n >= from; n--) if (rows[n].statement) return rows[n];
  return rows[to - 1];
}

/** Sorted, and cut where damaged tables overlap. */
function inOrder(rows: LineRow[]): LineRow[] {
  rows.sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
  const kept: LineRow[] = [];
  for (const row of rows) {
    const last = kept[kept.length - 1];
    if (last && last.address === row.address) continue;
    if (last && last.address + BigInt(last.bytes) > row.address) last.bytes = Number(row.address - last.address);
    kept.push(row);
  }
  return kept;
}
