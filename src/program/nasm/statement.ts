/** One line of assembly, parsed. The same statement is evaluated again in every pass. */
import type { ChooseState } from './choose';
import { Cursor } from './cursor';
import { parseExpression, type Expression, isFixed } from './expression';
import { parseDataItem, type DataItem } from './data-item';
import type { Encoded } from './fields';
import {
  ADDRESS_SIZE,
  DATA_BYTES,
  DIRECTIVES,
  GROUP1,
  isKeyword,
  OPERAND_SIZE,
  RESERVE_BYTES,
  suggested,
} from './keywords';
import { mnemonicNamed, type MnemonicInfo } from './mnemonics';
import { parseOperand, type OperandSyntax } from './operand';
import type { Prefixes } from './prefixes';
import { SourceError } from './problem';
import { registerNamed } from './registers';
import { stringText } from './text';
import type { Token } from './token';
import { constant, type Value } from './value';

export type Body =
  | { kind: 'empty' }
  | {
      kind: 'instruction';
      mnemonic: MnemonicInfo;
      operands: OperandSyntax[];
      prefixes: Prefixes;
      fixed: boolean;
      cached?: CachedEncoding;
    }
  | { kind: 'prefixes'; prefixes: Prefixes }
  | { kind: 'data'; bytes: number; items: DataItem[] }
  | { kind: 'reserve'; bytes: number; count: Expression; column: number }
  | { kind: 'incbin'; path: string; from?: Expression; length?: Expression; column: number }
  | { kind: 'equ'; value: Expression }
  | { kind: 'align'; amount: Expression; fill: Body; column: number }
  | { kind: 'directive'; name: string; rest: readonly Token[]; column: number };

/** The last encoding of an instruction, and what it depends on. */
export interface CachedEncoding {
  state: ChooseState;
  /** Of its operands, in their order. */
  values: Value[];
  encoded: Encoded;
}

export interface Statement {
  label?: { name: string; column: number; length: number };
  times?: { count: Expression; column: number };
  body: Body;
  column: number;
  endColumn: number;
  warning?: string;
}

/** What parsing a line needs to know. */
export interface ParseContext {
  /** Completes a local label name. */
  qualify(name: string): string;
  /** Said when the line starts with a macro's name, but no definition takes its parameters. */
  note?: string;
  /** Told of the line's label before its operands are read: `f: jmp .x` means `f.x`. */
  enter?(label: NonNullable<Statement['label']>): void;
}

/** Parses one expanded line. Throws a SourceError for what cannot be parsed. */
export function parseStatement(tokens: readonly Token[], context: ParseContext): Statement {
  const cursor = new Cursor(tokens);
  const last = tokens[tokens.length - 1];
  const statement: Statement = {
    body: { kind: 'empty' },
    column: cursor.column,
    endColumn: last ? last.column + last.text.length : 1,
  };
  if (cursor.isOperator('[')) {
    statement.body = parseBracketed(cursor);
    return statement;
  }
  parseLabel(cursor, statement, context);
  if (cursor.takeWord('times')) {
    const column = cursor.column;
    statement.times = { count: parseExpression(cursor, context.qualify), column };
  }
  statement.column = cursor.column;
  if (!cursor.done) statement.body = parseBody(cursor, context);
  else if (statement.times) throw new SourceError('"times" needs something to repeat', cursor.column);
  return statement;
}

function parseLabel(cursor: Cursor, statement: Statement, context: ParseContext): void {
  const token = cursor.token!;
  const after = cursor.peek();
  const colon = after?.kind === 'operator' && after.text === ':';
  if (token.text === '{') return;
  if (token.kind !== 'name') {
    throw new SourceError(
      `expected a label, an instruction or a directive, found "${token.text}"`,
      token.column,
      token.column + token.text.length,
    );
  }
  const word = token.text.toLowerCase();
  if (!token.escaped && !colon && (isKeyword(word) || registerNamed(word))) return;
  const nextWord = cursor.peek(colon ? 2 : 1);
  if (!colon && nextWord && !(nextWord.kind === 'name' && isKeyword(nextWord.text.toLowerCase()))) {
    const near = context.note === undefined ? suggested(word) : undefined;
    throw new SourceError(
      context.note ?? `unknown instruction "${token.text}"${near ? `: did you mean "${near}"?` : ''}`,
      token.column,
      token.column + token.text.length,
    );
  }
  if (!colon && !nextWord) {
    const near = suggested(word);
    statement.warning =
      context.note ??
      `"${token.text}" alone on a line is a label; write a colon behind it${near ? `, or did you mean "${near}"?` : ''}`;
  }
  statement.label = { name: context.qualify(token.text), column: token.column, length: token.text.length };
  cursor.at += colon ? 2 : 1;
  if (nextWord?.text.toLowerCase() !== 'equ') context.enter?.(statement.label);
}

/** `[bits 64]`: the primitive form of a directive. */
function parseBracketed(cursor: Cursor): Body {
  const { column } = cursor.next();
  const name = cursor.word();
  const end = cursor.tokens[cursor.tokens.length - 1];
  if (name === undefined || end.text !== ']')
    throw new SourceError('expected a directive in brackets, like [bits 64]', column);
  if (!DIRECTIVES.has(name)) throw new SourceError(`unknown directive "${name}"`, cursor.column);
  return { kind: 'directive', name, rest: cursor.tokens.slice(cursor.at + 1, -1), column };
}

function parseBody(cursor: Cursor, context: ParseContext): Body {
  const prefixes: Prefixes = { group1: [] };
  let any = false;
  for (; ; any = true) {
    if (cursor.isOperator('{')) {
      parseEncodingChoice(cursor, prefixes);
      continue;
    }
    const word = cursor.word();
    if (word === undefined) break;
    const register = registerNamed(word);
    if (word in GROUP1) {
      prefixes.group1.push(GROUP1[word]);
      if (word[0] === 'x') prefixes.elision = true;
    } else if (word in OPERAND_SIZE) prefixes.operandSize = OPERAND_SIZE[word];
    else if (word in ADDRESS_SIZE) prefixes.addressSize = ADDRESS_SIZE[word];
    else if (register?.class === 'segment') prefixes.segment = register.register;
    else if (word === 'wait' && cursor.peek()) prefixes.wait = true;
    else break;
    cursor.at++;
  }
  // NASM writes F2/F3 before F0 whatever their order in the source.
  prefixes.group1.sort((a, b) => Number(a === 0xf0) - Number(b === 0xf0));
  if (cursor.done && any) return { kind: 'prefixes', prefixes };
  const { column } = cursor;
  const word = cursor.word();
  const token = cursor.next();
  if (word === undefined || !isKeyword(word)) {
    const near = word === undefined ? undefined : suggested(word);
    throw new SourceError(
      `unknown instruction "${token.text}"${near ? `: did you mean "${near}"?` : ''}`,
      token.column,
      token.column + token.text.length,
    );
  }
  const mnemonic = mnemonicNamed(word);
  if (mnemonic) {
    const operands = parseList(cursor, () => parseOperand(cursor, context.qualify));
    return { kind: 'instruction', mnemonic, operands, prefixes, fixed: operands.every(isFixedOperand) };
  }
  if (word in DATA_BYTES) {
    const bytes = DATA_BYTES[word];
    const items = parseList(cursor, () => parseDataItem(cursor, bytes, context.qualify));
    if (items.length === 0) throw new SourceError(`"${word}" needs at least one value`, cursor.column);
    return { kind: 'data', bytes, items };
  }
  if (word in RESERVE_BYTES) {
    const count = parseExpression(cursor, context.qualify);
    cursor.expectEnd('the number of elements');
    return { kind: 'reserve', bytes: RESERVE_BYTES[word], count, column };
  }
  switch (word) {
    case 'equ': {
      const value = parseEqu(cursor, context);
      cursor.expectEnd('the value');
      return { kind: 'equ', value };
    }
    case 'incbin':
      return parseIncbin(cursor, column, context);
    case 'align':
    case 'alignb': {
      const amount = parseExpression(cursor, context.qualify);
      const one: Expression = { kind: 'constant', value: constant(1n) };
      let fill: Body =
        word === 'align'
          ? {
              kind: 'instruction',
              mnemonic: mnemonicNamed('nop')!,
              operands: [],
              prefixes: { group1: [] },
              fixed: true,
            }
          : { kind: 'reserve', bytes: 1, count: one, column };
      if (cursor.take(',')) fill = parseFill(cursor, context);
      cursor.expectEnd('the alignment');
      return { kind: 'align', amount, fill, column };
    }
  }
  return { kind: 'directive', name: word, rest: cursor.tokens.slice(cursor.at), column };
}

/** `{vex}`, `{vex2}`, `{vex3}` or `{evex}`. */
function parseEncodingChoice(cursor: Cursor, prefixes: Prefixes): void {
  const column = cursor.next().column;
  const word = cursor.word();
  if (word === 'vex' || word === 'vex2') prefixes.vex = 2;
  else if (word === 'vex3') prefixes.vex = 3;
  else if (word === 'evex') prefixes.evex = true;
  else
    throw new SourceError(`"{${cursor.token?.text ?? ''}}" is no prefix: {vex}, {vex2}, {vex3} and {evex} are`, column);
  cursor.at++;
  cursor.expect('}', 'behind a prefix');
}

/** The second parameter of `align`: a statement, or a number to fill with. */
function parseFill(cursor: Cursor, context: ParseContext): Body {
  const word = cursor.word();
  if (word !== undefined && isKeyword(word)) return parseBody(cursor, context);
  const item = parseDataItem(cursor, 1, context.qualify);
  return { kind: 'data', bytes: 1, items: [item] };
}

function parseEqu(cursor: Cursor, context: ParseContext): Expression {
  const value = parseExpression(cursor, context.qualify);
  if (cursor.isOperator(':'))
    throw new SourceError('a far address cannot be a constant in a flat binary', cursor.column);
  return value;
}

function parseList<T>(cursor: Cursor, read: () => T): T[] {
  const list: T[] = [];
  if (cursor.done) return list;
  do {
    // A comma at the end of a data line is allowed, as in NASM.
    if (cursor.done && list.length > 0) break;
    list.push(read());
  } while (cursor.take(','));
  cursor.expectEnd('this operand (a comma is missing?)');
  return list;
}

function isFixedOperand(operand: OperandSyntax): boolean {
  switch (operand.kind) {
    case 'register':
      return true;
    case 'immediate':
      return isFixed(operand.value);
    case 'memory':
      return isFixed(operand.address) && (!operand.index || isFixed(operand.index)) && !operand.relative;
    case 'far':
      return isFixed(operand.segment) && isFixed(operand.offset);
  }
}

function parseIncbin(cursor: Cursor, column: number, context: ParseContext): Body {
  const token = cursor.token;
  if (token?.kind !== 'string') throw new SourceError('incbin needs a file name in quotes', cursor.column);
  cursor.at++;
  const body: Body = { kind: 'incbin', path: stringText(token.text), column: token.column };
  if (cursor.take(',')) body.from = parseExpression(cursor, context.qualify);
  if (cursor.take(',')) body.length = parseExpression(cursor, context.qualify);
  cursor.expectEnd('the file name');
  return { ...body, column };
}
