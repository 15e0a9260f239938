import type { LineRow } from '../../program/program';

/** Paths compare as the file system would: separators and (on Windows) case do not matter. */
export function pathKey(path: string): string {
  const forward = path.replace(/\\/g, '/');
  return /^[A-Za-z]:\//.test(forward) ? forward.toLowerCase() : forward;
}

const isPlace = (row: LineRow) => row.code && row.statement !== false;

/** The line table, both ways. Addresses are the program's own. */
export class LineTable {
  private readonly byFile = new Map<string, LineRow[]>();

  /** `rows` sorted by address, as a `Program` carries them. */
  constructor(private readonly rows: readonly LineRow[]) {
    for (const row of rows) {
      this.file(row);
      // Lines without a byte of their own are places for breakpoints, but nothing is found by their address.
      for (const other of row.others ?? [])
        this.file({ address: row.address, bytes: 0, code: true, compiled: true, ...other });
    }
  }

  private file(row: LineRow): void {
    const key = pathKey(row.file);
    const list = this.byFile.get(key);
    if (list) list.push(row);
    else this.byFile.set(key, [row]);
  }

  get empty(): boolean {
    return this.rows.length === 0;
  }

  knows(file: string): boolean {
    return this.byFile.has(pathKey(file));
  }

  /** The row whose bytes cover `address`. */
  at(address: bigint): LineRow | undefined {
    const index = this.last(address);
    const row = this.rows[index];
    return row && address < row.address + BigInt(row.bytes) ? row : undefined;
  }

  /** Rows that begin in [low, high), in order: each is the start of an instruction or of data. */
  between(low: bigint, high: bigint): LineRow[] {
    const found: LineRow[] = [];
    for (let index = this.last(low - 1n) + 1; index < this.rows.length && this.rows[index].address < high; index++)
      found.push(this.rows[index]);
    return found;
  }

  /** The first line at or after `line` that has code, or undefined. */
  codeLine(file: string, line: number): number | undefined {
    let best: number | undefined;
    for (const row of this.byFile.get(pathKey(file)) ?? [])
      if (isPlace(row) && row.line >= line && (best === undefined || row.line < best)) best = row.line;
    return best;
  }

  /** Lines in [from, to] that have code, ascending. */
  codeLines(file: string, from: number, to: number): number[] {
    const lines = new Set<number>();
    for (const row of this.byFile.get(pathKey(file)) ?? [])
      if (isPlace(row) && row.line >= from && row.line <= to) lines.add(row.line);
    return [...lines].sort((a, b) => a - b);
  }

  /** Rows of that line where a breakpoint may be. */
  statementsOf(file: string, line: number): LineRow[] {
    return (this.byFile.get(pathKey(file)) ?? []).filter(row => isPlace(row) && row.line === line);
  }

  /**
   * Where execution arrives at `line`: the first address of each run of rows of that line. A macro's expansion is one run;
   * a line that was expanded in several places has several.
   */
  addressesOf(file: string, line: number): bigint[] {
    const found: bigint[] = [];
    const rows = this.statementsOf(file, line);
    let end: bigint | undefined;
    for (const row of rows) {
      if (row.address !== end) found.push(row.address);
      end = row.address + BigInt(row.bytes);
    }
    return found;
  }

  /** Index of the last row that begins at or before `address`, or -1. */
  private last(address: bigint): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
