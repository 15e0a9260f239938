/** The listing: every line with the bytes it made, in the columns of NASM's `-l`. */
import type { Pass, Row } from './pass';
import type { SourceLine } from './preprocessor';
import type { Layout } from './section';

const BYTES_A_LINE = 9;
const TEXT_COLUMN = 40;

export function writeListing(lines: readonly SourceLine[], pass: Pass, layout: Layout): string {
  const rows = new Map<number, Row[]>();
  for (const row of pass.rows) rows.set(row.line, [...(rows.get(row.line) ?? []), row]);
  const out: string[] = [];
  lines.forEach((line, i) => {
    const number = line.place.inner?.line ?? line.place.line;
    const head = String(number).padStart(6);
    const parts = (rows.get(i) ?? []).flatMap(row => hexOf(row, layout));
    const depth = line.depth > 0 ? `<${line.depth}> ` : '';
    const first = `${head} ${parts[0] ?? ''}`.padEnd(TEXT_COLUMN - depth.length);
    out.push(`${first}${depth}${line.text}`.trimEnd());
    for (const part of parts.slice(1)) out.push(`${head} ${part}`);
  });
  return out.join('\n') + '\n';
}

/** Offset and bytes of a row, in as many lines as needed. */
function hexOf(row: Row, layout: Layout): string[] {
  const offset = (at: number) => at.toString(16).toUpperCase().padStart(8, '0');
  const { section } = row;
  if (!section) return [];
  if (row.special) return [`${offset(row.offset)} <${row.special} ${row.bytes.toString(16).toUpperCase()}h>`];
  const at = Number(section.start - layout.origin) + row.offset;
  const once = row.repeat > 1 ? row.bytes / row.repeat : row.bytes;
  const lines: string[] = [];
  for (let i = 0; i < once; i += BYTES_A_LINE) {
    const bytes = layout.bytes.subarray(at + i, at + Math.min(once, i + BYTES_A_LINE));
    const hex = [...bytes].map(byte => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
    lines.push(`${offset(row.offset + i)} ${hex}${i + BYTES_A_LINE < once ? '-' : ''}`);
  }
  if (row.repeat > 1 && lines.length > 0) lines[lines.length - 1] += `<rep ${row.repeat.toString(16).toUpperCase()}h>`;
  return lines;
}
