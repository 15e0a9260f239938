/** Messages about a source, and how a line being assembled reports one. */
import type { Diagnostic } from '../program';

/** Where a line stands: in a file, or in a macro's body that a line of a file called. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
  /** For a line of a macro: the columns of the macro's name in the line that calls it. */
  column?: number;
  endColumn?: number;
  /** For a line of a macro or `%rep` body: where that body's text stands. `name` is the macro's, or `%rep`. */
  inner?: { name: string; file: string; line: number };
}

/** Ends the work on one line. Caught where lines are read; never leaves the assembler. */
export class SourceError {
  constructor(
    readonly message: string,
    /** Undefined for the start of the statement. */
    readonly column?: number,
    readonly endColumn?: number,
  ) {}
}

/** More errors than this help nobody: reading stops. */
const MOST_ERRORS = 200;

/** Collects diagnostics; the same message at the same place counts once. */
export class Problems {
  readonly list: Diagnostic[] = [];
  errors = 0;
  /** True when there are so many errors that going on is no use. */
  get tooMany(): boolean {
    return this.errors >= MOST_ERRORS;
  }
  private readonly seen = new Set<string>();

  report(severity: 'error' | 'warning', place: Place, message: string, column = 1, endColumn?: number): void {
    if (place.inner) [column, endColumn] = [place.column ?? 1, place.endColumn];
    const inside = place.inner
      ? ` (in ${place.inner.name}, ${place.inner.file === place.file ? 'line' : place.inner.file + ':'} ${place.inner.line})`
      : '';
    const key = `${severity}:${place.file}:${place.line}:${place.inner?.line ?? column}:${message}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    if (severity === 'error' && this.errors++ >= MOST_ERRORS) return;
    this.list.push({ file: place.file, line: place.line, column, endColumn, severity, message: message + inside });
  }
}
