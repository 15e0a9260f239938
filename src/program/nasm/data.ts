/** Data: the elements of `db`, `dw`, `dd`, `dq`, `dt`, ... */
import { store, type Encoded, type Fixup } from './fields';
import { evaluate, type Scope } from './expression';
import { FLOAT_OF_BYTES, parseFloatTo } from './float';
import { Problems, SourceError, type Place } from './problem';
import type { DataItem } from './data-item';
import { isSimple, sectionsOf } from './value';

interface DataPass extends Scope {
  readonly problems: Problems;
  readonly place: Place;
}

const MOST_ITEMS = 1 << 26;

/** The bytes of a data line whose elements are `width` bytes wide. */
export function encodeData(items: readonly DataItem[], width: number, pass: DataPass): Encoded {
  const bytes: number[] = [];
  const fixups: Fixup[] = [];
  for (const item of items) addItem(item, width, pass, bytes, fixups);
  return { bytes: Uint8Array.from(bytes), fixups };
}

function addItem(item: DataItem, width: number, pass: DataPass, bytes: number[], fixups: Fixup[]): void {
  switch (item.kind) {
    case 'bytes':
      for (const byte of item.bytes) bytes.push(byte);
      return;
    case 'reserve':
      for (let i = 0; i < width; i++) bytes.push(0);
      return;
    case 'float': {
      const format = FLOAT_OF_BYTES[width];
      const value = format && parseFloatTo(item.text, format, item.negative);
      if (!value)
        throw new SourceError(
          format ? `"${item.text}" is not a floating-point number` : 'this width has no floating-point format',
          item.column,
        );
      bytes.push(...value);
      return;
    }
    case 'repeat': {
      const count = evaluate(item.count, pass);
      if (!isSimple(count) || count.number < 0n || count.number > BigInt(MOST_ITEMS))
        throw new SourceError('the count before "dup" must be a plain number from 0', item.column);
      for (let i = 0n; i < count.number; i++)
        for (const inner of item.items) addItem(inner, width, pass, bytes, fixups);
      return;
    }
    case 'value':
      addValue(item, width, pass, bytes, fixups);
  }
}

function addValue(
  item: Extract<DataItem, { kind: 'value' }>,
  width: number,
  pass: DataPass,
  bytes: number[],
  fixups: Fixup[],
): void {
  const value = evaluate(item.value, pass);
  const sections = sectionsOf(value);
  if (!sections)
    throw new SourceError(
      'a data element must be a number, a label plus a number, or a difference of labels',
      item.column,
    );
  if (width > 8) throw new SourceError('an integer can be at most 8 bytes wide here: use dq', item.column);
  const at = bytes.length;
  for (let i = 0; i < width; i++) bytes.push(0);
  if (!isSimple(value)) {
    fixups.push({ at, bytes: width, value: value.number, ...sections });
    return;
  }
  const bits = 8 * width;
  const fits =
    BigInt.asIntN(bits, value.number) === value.number || BigInt.asUintN(bits, value.number) === value.number;
  if (!fits && !value.unknown)
    pass.problems.report(
      'warning',
      pass.place,
      `${value.number} does not fit in ${width} byte${width > 1 ? 's' : ''}: its upper bits are dropped`,
      item.column,
    );
  const field = new Uint8Array(width);
  store(field, 0, width, value.number);
  field.forEach((byte, i) => (bytes[at + i] = byte));
}
