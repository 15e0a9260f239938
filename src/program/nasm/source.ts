/** Source files as lines, kept between passes. */
import type { SourceFiles } from '../program';
import type { RawLine } from './macro';
import { fromUtf8 } from './text';
import { tokenize } from './token';

export class SourceCache {
  private readonly lines = new Map<string, RawLine[] | undefined>();
  constructor(readonly files: SourceFiles) {}

  /** Paths in the order of first reading. */
  get read(): string[] {
    return [...this.lines].filter(([, lines]) => lines).map(([path]) => path);
  }

  open(path: string): RawLine[] | undefined {
    if (!this.lines.has(path)) {
      const bytes = this.files.read(path);
      this.lines.set(path, bytes && splitLines(path, fromUtf8(bytes)));
    }
    return this.lines.get(path);
  }
}

/** Physical lines to logical ones: a backslash at the end joins the next. */
function splitLines(file: string, text: string): RawLine[] {
  const lines: RawLine[] = [];
  const physical = text.split(/\r\n|\n|\r/);
  if (physical[physical.length - 1] === '') physical.pop();
  for (let i = 0; i < physical.length; i++) {
    const line = i + 1;
    let joined = physical[i];
    while (joined.endsWith('\\') && i + 1 < physical.length) joined = joined.slice(0, -1) + physical[++i];
    lines.push({ file, line, text: joined, tokens: tokenize(joined) });
  }
  return lines;
}
