import { ExpressionError } from './syntax';

export type Token =
  | { kind: 'number'; value: bigint; at: number }
  | { kind: 'name'; text: string; at: number }
  | { kind: 'sign'; text: string; at: number }
  | { kind: 'end'; at: number };

// NASM's identifiers, dots included: `main.loop` is one name.
const NAME = /[A-Za-z_.?@$][\w.$#@~?]*/y;
const DIGITS = /[0-9][0-9A-Za-z_]*/y;
const SIGN = /\|\||&&|->|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>()[\]:=]/y;
const SPACE = /\s+/y;

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space) {
      at += space.length;
      continue;
    }
    const digits = match(DIGITS);
    const name = digits ? undefined : match(NAME);
    const sign = digits || name ? undefined : match(SIGN);
    if (digits) found.push({ kind: 'number', value: parseNumber(digits, at), at });
    else if (name) found.push({ kind: 'name', text: name, at });
    else if (sign) found.push({ kind: 'sign', text: sign, at });
    else throw new ExpressionError(`${JSON.stringify(text[at])} means nothing here`, at);
    at += (digits ?? name ?? sign)!.length;
  }
  found.push({ kind: 'end', at: text.length });
  return found;
}

/** Bits of the widest register: numbers may be its values. */
const WIDEST = 128;

function parseNumber(text: string, at: number): bigint {
  const plain = text.replace(/_/g, '').toLowerCase();
  const value = /^0x[0-9a-f]+$/.test(plain)
    ? BigInt(plain)
    : /^[0-9][0-9a-f]*h$/.test(plain)
      ? BigInt(`0x${plain.slice(0, -1)}`)
      : /^0b[01]+$/.test(plain)
        ? BigInt(plain)
        : /^[0-9]+$/.test(plain)
          ? BigInt(plain)
          : undefined;
  if (value === undefined) throw new ExpressionError(`${text} is not a number: write 10, 0x1f, 1fh or 0b101`, at);
  if (BigInt.asUintN(WIDEST, value) !== value) throw new ExpressionError(`${text} does not fit ${WIDEST} bits`, at);
  return value;
}
