/** An element of `db`, `dw`, ... as written. */
import type { Cursor } from './cursor';
import { parseExpression, type Expression } from './expression';
import { SourceError } from './problem';
import { isUtfFunction, stringBytes, utfBytes } from './text';

/** An element of `db`, `dw`, ... */
export type DataItem =
  | { kind: 'bytes'; bytes: number[] }
  | { kind: 'value'; value: Expression; column: number }
  | { kind: 'float'; text: string; negative: boolean; column: number }
  | { kind: 'reserve' }
  | { kind: 'repeat'; count: Expression; items: DataItem[]; column: number };

export function parseDataItem(cursor: Cursor, bytes: number, qualify: (name: string) => string): DataItem {
  const token = cursor.token;
  const after = cursor.peek();
  const ends = !after || (after.kind === 'operator' && (after.text === ',' || after.text === ')'));
  if (token?.kind === 'string' && ends) {
    cursor.at++;
    const text = stringBytes(token.text);
    while (text.length % bytes !== 0) text.push(0);
    return { kind: 'bytes', bytes: text };
  }
  if (token?.kind === 'name' && isUtfFunction(token.text)) {
    cursor.at++;
    cursor.expect('(', 'before a string');
    const string = cursor.next();
    if (string.kind !== 'string') throw new SourceError(`${token.text} needs a string`, string.column);
    cursor.expect(')', 'behind a string');
    const text = utfBytes(token.text, string.text);
    while (text.length % bytes !== 0) text.push(0);
    return { kind: 'bytes', bytes: text };
  }
  if (cursor.isOperator('?') && ends) {
    cursor.at++;
    return { kind: 'reserve' };
  }
  const sign = token?.kind === 'operator' && /^[-+]$/.test(token.text) ? 1 : 0;
  const number = cursor.peek(sign);
  if (number && (number.kind === 'float' || /^__\??(infinity|[qs]?nan)\??__$/i.test(number.text))) {
    cursor.at += sign + 1;
    return { kind: 'float', text: number.text, negative: token!.text === '-', column: number.column };
  }
  const column = cursor.column;
  const value = parseExpression(cursor, qualify);
  if (!cursor.takeWord('dup')) return { kind: 'value', value, column };
  cursor.expect('(', 'behind "dup"');
  const items: DataItem[] = [];
  do items.push(parseDataItem(cursor, bytes, qualify));
  while (cursor.take(','));
  cursor.expect(')', 'to close "dup ("');
  return { kind: 'repeat', count: value, items, column };
}
