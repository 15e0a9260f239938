/**
 * Tokens of NASM-syntax source, as the preprocessor and the parser see them.
 *
 * White space is not a token, but whether it stood before a token is kept: `%define a (b)` and `%define a(b)` differ,
 * and macro parameters are pasted to a neighbour only when they touch it.
 */

export type TokenKind = 'name' | 'number' | 'float' | 'string' | 'operator' | 'percent' | 'error';

export interface Token {
  kind: TokenKind;
  /** As written; a string keeps its quotes, a name loses the `$` that marks it as "not a register". */
  text: string;
  /** True when white space (or the start of the line) precedes it. */
  space: boolean;
  /** Column in its source line, from 1. A token that came out of a macro has the column of the macro's call. */
  column: number;
  /** True for `$name`: a label even if it spells a register or an instruction. */
  escaped?: boolean;
  /** True when a macro parameter put it here, so that it may be pasted to what touches it. */
  pasted?: boolean;
}

const FLOAT =
  /^(?:0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9_]+|0[xXhH][0-9a-fA-F_]*\.[0-9a-fA-F_]*|(?:0[pP])?[0-9][0-9_]*[pP](?![0-9A-Za-z_])|[0-9][0-9_]*\.[0-9_]*(?:[eE][+-]?[0-9_]+)?|[0-9][0-9_]*[eE](?:[+-][0-9_]+|[0-9_]+(?![0-9A-Za-z_])))/;
const NUMBER = /^\$?[0-9][0-9A-Za-z_]*/;
const NAME = /^[A-Za-z_.?@][A-Za-z0-9_$#@~.?]*/;
const PERCENT =
  /^%(?:\{[^}]*\}|[+-]?[0-9]+|%[A-Za-z_.?@][A-Za-z0-9_$#@~.?]*|\$+[A-Za-z_.?@][A-Za-z0-9_$#@~.?]*|\?\??(?![A-Za-z0-9_])|![A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*|\+|\[)/;
const OPERATOR = /^(?:<<<|>>>|<=>|<<|>>|<=|>=|<>|==|!=|&&|\|\||\^\^|\/\/|%%|[-+*\/%&|^~!=<>?:,()[\]{}\\#@'"`$])/;

/** Splits one source line (continuations already joined) into tokens; a comment ends it. */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let space = true;
  while (at < line.length) {
    const c = line[at];
    if (c === ' ' || c === '\t' || c === '\r' || c === '\f' || c === '\v') {
      at++;
      space = true;
      continue;
    }
    if (c === ';') break;
    const { token, end } = next(line, at);
    token.space = space;
    tokens.push(token);
    at = end;
    space = false;
  }
  return tokens;
}

/** The token at offset `at`, and the offset behind it. */
function next(line: string, at: number): { token: Token; end: number } {
  const c = line[at];
  const token = (kind: TokenKind, length: number, text = line.substr(at, length)) => ({
    token: { kind, text, space: false, column: at + 1 } as Token,
    end: at + length,
  });
  if (c === '"' || c === "'" || c === '`') {
    let end = at + 1;
    while (end < line.length && line[end] !== c) end += c === '`' && line[end] === '\\' ? 2 : 1;
    return end < line.length ? token('string', end + 1 - at) : token('error', line.length - at);
  }
  const rest = at === 0 ? line : line.slice(at);
  let match: RegExpExecArray | null;
  if (c >= '0' && c <= '9') {
    if ((match = FLOAT.exec(rest))) return token('float', match[0].length);
    return token('number', NUMBER.exec(rest)![0].length);
  }
  if (c === '$') {
    if ((match = NUMBER.exec(rest))) return token('number', match[0].length);
    const name = NAME.exec(rest.slice(1));
    if (name) {
      const escaped = token('name', name[0].length + 1, name[0]);
      escaped.token.escaped = true;
      return escaped;
    }
    return rest[1] === '$' ? token('name', 2) : token('name', 1);
  }
  if (c === '%' && (match = PERCENT.exec(rest))) return token('percent', match[0].length);
  // `?` alone is an operand (`db ?`) or an operator; `?x` is a name, as in NASM.
  if (c === '?' && !/^\?[A-Za-z0-9_$#@~.?]/.test(rest)) return token('operator', 1);
  if ((match = NAME.exec(rest))) return token('name', match[0].length);
  if ((match = OPERATOR.exec(rest))) return token('operator', match[0].length);
  return token('error', 1);
}

/** The source text that would give these tokens again (with single blanks). */
export function untokenize(tokens: readonly Token[]): string {
  let text = '';
  for (const token of tokens) {
    if (token.space && text !== '') text += ' ';
    text += (token.escaped ? '$' : '') + token.text;
  }
  return text;
}
