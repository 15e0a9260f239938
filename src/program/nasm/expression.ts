/**
 * Expressions: parsed once into a tree, evaluated in every pass.
 *
 * Arithmetic is 64-bit and wraps. `/` and `%` are unsigned, `//` and `%%` signed; comparisons are signed and give 0 or 1.
 */
import type { Cursor } from './cursor';
import { parseFloatTo } from './float';
import { parseInteger } from './number';
import { SourceError } from './problem';
import { registerNamed } from './registers';
import { stringNumber } from './text';
import { add, constant, isSimple, register, scale, UNKNOWN, unsigned, ZERO, type Hint, type Value } from './value';

export type Expression =
  /** `summed`: it was folded from a sum. */
  | { kind: 'constant'; value: Value; summed?: boolean }
  | { kind: 'symbol'; name: string; column: number; length: number }
  | { kind: 'here' }
  | { kind: 'start' }
  | { kind: 'unary'; operator: string; a: Expression; column: number }
  | { kind: 'binary'; operator: string; a: Expression; b: Expression; column: number }
  | { kind: 'choice'; condition: Expression; a: Expression; b: Expression; column: number };

/** What an expression needs from the pass that evaluates it. */
export interface Scope {
  /** The value of a label or `equ`; throws a SourceError when it can have none. */
  symbol(name: string, column: number, length: number): Value;
  /** `$`: the address of the start of the line. */
  here(): Value;
  /** `$$`: the start of the section. */
  start(): Value;
}

const MOST_NESTED = 200;

/** Binary operators from the loosest to the tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['^^'],
  ['&&'],
  ['=', '==', '!=', '<>', '<', '<=', '>', '>=', '<=>'],
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>', '<<<', '>>>'],
  ['+', '-'],
  ['*', '/', '//', '%', '%%'],
];

/**
 * Reads an expression. `qualify` completes local label names (`.x` to `parent.x`).
 */
export function parseExpression(cursor: Cursor, qualify: (name: string) => string): Expression {
  if (++cursor.depth > MOST_NESTED)
    throw new SourceError(`this expression is nested more than ${MOST_NESTED} deep`, cursor.column);
  const condition = parseLevel(cursor, qualify, 0);
  cursor.depth--;
  const column = cursor.column;
  if (!cursor.take('?')) return condition;
  const a = parseExpression(cursor, qualify);
  cursor.expect(':', 'in "condition ? a : b"');
  return { kind: 'choice', condition, a, b: parseExpression(cursor, qualify), column };
}

function parseLevel(cursor: Cursor, qualify: (name: string) => string, level: number): Expression {
  if (level === LEVELS.length) return parseUnary(cursor, qualify);
  let a = parseLevel(cursor, qualify, level + 1);
  for (;;) {
    const token = cursor.token;
    if (token?.kind !== 'operator' || !LEVELS[level].includes(token.text)) {
      if (level === 0 && token?.kind === 'name' && cursor.word() === 'wrt')
        throw new SourceError('"wrt" has no meaning in a flat binary', token.column);
      return a;
    }
    cursor.at++;
    const b = parseLevel(cursor, qualify, level + 1);
    a = fold({ kind: 'binary', operator: token.text, a, b, column: token.column });
  }
}

function parseUnary(cursor: Cursor, qualify: (name: string) => string): Expression {
  const token = cursor.next();
  switch (token.kind) {
    case 'number': {
      const value = parseInteger(token.text);
      if (value === undefined)
        throw new SourceError(`"${token.text}" is not a number`, token.column, token.column + token.text.length);
      return { kind: 'constant', value: constant(value) };
    }
    case 'string':
      return { kind: 'constant', value: constant(stringNumber(token.text)) };
    case 'float':
      throw new SourceError(
        'a floating-point number may stand only in dd, dq, dt and the __float...__ functions',
        token.column,
      );
    case 'name': {
      if (token.escaped) return symbol(token.text);
      if (token.text === '$') return { kind: 'here' };
      if (token.text === '$$') return { kind: 'start' };
      const found = registerNamed(token.text);
      if (found) return { kind: 'constant', value: register(found.name) };
      const word = token.text.toLowerCase();
      if (word === 'seg') throw new SourceError('"seg" has no meaning in a flat binary', token.column);
      const format = /^__\??(float(?:8|16|32|64|80m|80e|128l|128h))\??__$/.exec(word);
      if (format) return parseFloatFunction(cursor, format[1]);
      return symbol(token.text);
    }
    case 'operator':
      switch (token.text) {
        case '(': {
          const inner = parseExpression(cursor, qualify);
          cursor.expect(')', 'to close the parenthesis');
          return inner;
        }
        case '+':
          return parseUnary(cursor, qualify);
        case '-':
        case '~':
        case '!': {
          if (++cursor.depth > MOST_NESTED)
            throw new SourceError('too many operators in front of a value', token.column);
          const a = parseUnary(cursor, qualify);
          cursor.depth--;
          return fold({ kind: 'unary', operator: token.text, a, column: token.column });
        }
      }
  }
  throw new SourceError(`expected a value, found "${token.text}"`, token.column, token.column + token.text.length);

  function symbol(name: string): Expression {
    return { kind: 'symbol', name: qualify(name), column: token.column, length: token.text.length };
  }
}

/** `__float32__(1.5)`: the bits of a floating-point number as an integer. */
function parseFloatFunction(cursor: Cursor, format: string): Expression {
  cursor.expect('(', 'before a floating-point number');
  const negative = cursor.take('-');
  if (!negative) cursor.take('+');
  const token = cursor.next();
  const bytes = parseFloatTo(token.text, format, negative);
  if (!bytes) throw new SourceError(`"${token.text}" is not a floating-point number`, token.column);
  cursor.expect(')', 'behind a floating-point number');
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return { kind: 'constant', value: constant(value) };
}

/** Replaces an operation on plain numbers by its result, unless evaluating it is an error. */
function fold(e: Expression): Expression {
  const parts = e.kind === 'binary' ? [e.a, e.b] : e.kind === 'unary' ? [e.a] : [];
  if (!parts.every(part => part.kind === 'constant' && isSimple(part.value))) return e;
  try {
    const hint: Hint = { kind: 'none' };
    const value = evaluate(e, NO_SCOPE, hint);
    return { kind: 'constant', value, summed: hint.kind === 'summed' };
  } catch {
    return e;
  }
}
const never = () => {
  throw new SourceError('not a constant');
};
const NO_SCOPE: Scope = { symbol: never, here: never, start: never };

/** The value in this pass. Throws a SourceError for what has no meaning (division by zero, label + label, ...). */
export function evaluate(e: Expression, scope: Scope, hint?: Hint): Value {
  switch (e.kind) {
    case 'constant':
      if (hint && e.summed) hint.kind = 'summed';
      if (hint?.kind === 'none' && e.value.terms.length > 0) {
        hint.kind = 'base';
        hint.register = e.value.terms[0].key;
      }
      return e.value;
    case 'symbol':
      return scope.symbol(e.name, e.column, e.length);
    case 'here':
      return scope.here();
    case 'start':
      return scope.start();
    case 'choice': {
      const condition = evaluate(e.condition, scope, hint);
      if (condition.unknown) return UNKNOWN;
      return evaluate(plain(condition, e.column, '?') !== 0n ? e.a : e.b, scope, hint);
    }
    case 'unary': {
      const a = evaluate(e.a, scope, hint);
      if (e.operator === '-') return scale(a, -1n);
      const n = plain(a, e.column, e.operator);
      const result = constant(e.operator === '~' ? ~n : n === 0n ? 1n : 0n);
      return a.unknown ? UNKNOWN : result;
    }
    case 'binary':
      return binary(e.operator, evaluate(e.a, scope, hint), evaluate(e.b, scope, hint), e.column, hint);
  }
}

function plain(value: Value, column: number, operator: string): bigint {
  if (isSimple(value)) return value.number;
  throw new SourceError(
    `"${operator}" needs plain numbers: a label's address is not known before the sections are placed (a difference of two labels is a number)`,
    column,
  );
}

function binary(operator: string, a: Value, b: Value, column: number, hint?: Hint): Value {
  switch (operator) {
    case '+':
      return add(a, b, 1n, hint);
    case '-':
      return add(a, b, -1n, hint);
    case '*':
      // NASM looks at the left side first.
      if (isSimple(a)) return times(b, a, hint);
      if (isSimple(b)) return times(a, b, hint);
      break;
    case '=':
    case '==':
    case '!=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '<=>': {
      const difference = add(a, b, -1n);
      if (isSimple(difference) && !isSimple(a))
        [a, b] = [
          { ...a, terms: [] },
          { ...b, terms: [] },
        ];
      break;
    }
  }
  const x = plain(a, column, operator);
  const y = plain(b, column, operator);
  if (a.unknown || b.unknown) return UNKNOWN;
  return constant(number(operator, x, y, column));
}

function times(value: Value, factor: Value, hint?: Hint): Value {
  const result = scale(value, factor.number, hint);
  return factor.unknown ? { ...result, unknown: true } : result;
}

function number(operator: string, x: bigint, y: bigint, column: number): bigint {
  const truth = (condition: boolean) => (condition ? 1n : 0n);
  switch (operator) {
    case '||':
      return truth(x !== 0n || y !== 0n);
    case '^^':
      return truth((x !== 0n) !== (y !== 0n));
    case '&&':
      return truth(x !== 0n && y !== 0n);
    case '=':
    case '==':
      return truth(x === y);
    case '!=':
    case '<>':
      return truth(x !== y);
    case '<':
      return truth(x < y);
    case '<=':
      return truth(x <= y);
    case '>':
      return truth(x > y);
    case '>=':
      return truth(x >= y);
    case '<=>':
      return x < y ? -1n : truth(x > y);
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case '&':
      return x & y;
    // The count is taken modulo 64, as the processor under NASM does.
    case '<<':
    case '<<<':
      return x << (y & 63n);
    case '>>':
      return unsigned(x) >> (y & 63n);
    case '>>>':
      return x >> (y & 63n);
  }
  if (y === 0n) throw new SourceError(`division by zero: the right side of "${operator}" is 0`, column);
  switch (operator) {
    case '/':
      return unsigned(x) / unsigned(y);
    case '//':
      return x / y;
    case '%':
      return unsigned(x) % unsigned(y);
    case '%%':
      return x % y;
  }
  throw new SourceError(`unknown operator "${operator}"`, column);
}

/** True when the value cannot depend on labels or the place. */
export function isFixed(e: Expression): boolean {
  switch (e.kind) {
    case 'constant':
      return true;
    case 'unary':
      return isFixed(e.a);
    case 'binary':
      return isFixed(e.a) && isFixed(e.b);
    case 'choice':
      return isFixed(e.condition) && isFixed(e.a) && isFixed(e.b);
    default:
      return false;
  }
}

export const CONSTANT_ZERO: Expression = { kind: 'constant', value: ZERO };
