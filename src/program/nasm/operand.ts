/** Operands as written, and their values in a pass. */
import type { Cursor } from './cursor';
import { CONSTANT_ZERO, evaluate, parseExpression, type Expression, type Scope } from './expression';
import { SourceError } from './problem';
import { registerNamed, type RegisterInfo } from './registers';
import { sectionsOf, type Hint, type Value } from './value';

/** Widths that a size keyword gives an operand, in bits. */
const SIZES: Record<string, number> = {
  byte: 8,
  word: 16,
  dword: 32,
  qword: 64,
  tword: 80,
  oword: 128,
  yword: 256,
  zword: 512,
};

export type Distance = 'short' | 'near' | 'far';

interface Common {
  column: number;
  endColumn: number;
  /** From a size keyword, in bits. */
  size?: number;
  strict?: boolean;
  distance?: Distance;
  /** EVEX decorators in braces, in lower case: `k1`, `z`, `1to16`, `rn-sae`, ... */
  decorators?: string[];
}

export interface RegisterOperand extends Common {
  kind: 'register';
  register: RegisterInfo;
}

export interface MemoryOperandSyntax extends Common {
  kind: 'memory';
  address: Expression;
  segment?: RegisterInfo;
  /** `[dword ...]`, `[qword ...]`: bits of the displacement. */
  displacementSize?: number;
  relative?: boolean;
  absolute?: boolean;
  noSplit?: boolean;
  /** `[base, index*scale]`: the index part of a split address. */
  index?: Expression;
}

export interface ImmediateOperand extends Common {
  kind: 'immediate';
  value: Expression;
}

/** `segment:offset`. */
export interface FarOperand extends Common {
  kind: 'far';
  segment: Expression;
  offset: Expression;
}

export type OperandSyntax = RegisterOperand | MemoryOperandSyntax | ImmediateOperand | FarOperand;

export function parseOperand(cursor: Cursor, qualify: (name: string) => string): OperandSyntax {
  const common: Common = { column: cursor.column, endColumn: cursor.column };
  for (;;) {
    const word = cursor.word();
    if (word === undefined) break;
    if (word in SIZES) common.size = SIZES[word];
    else if (word === 'strict') common.strict = true;
    else if (word === 'short' || word === 'near' || word === 'far') common.distance = word;
    else if (word === 'to') {
      // `fadd to st1` is `fadd st1, st0`: the direction is the operand's.
      common.decorators = [...(common.decorators ?? []), 'to'];
    } else if (word !== 'ptr' || cursor.peek() === undefined) break;
    else throw new SourceError('"ptr" is MASM syntax; NASM writes "dword [address]"', cursor.column);
    cursor.at++;
  }
  const operand = parseBody(cursor, common, qualify);
  while (cursor.isOperator('{')) operand.decorators = [...(operand.decorators ?? []), parseDecorator(cursor)];
  const last = cursor.tokens[cursor.at - 1];
  operand.endColumn = last.column + last.text.length;
  return operand;
}

function parseDecorator(cursor: Cursor): string {
  cursor.expect('{', 'before a decorator');
  let text = '';
  while (!cursor.isOperator('}')) text += cursor.next().text.toLowerCase();
  cursor.expect('}', 'behind a decorator');
  return text;
}

function parseBody(cursor: Cursor, common: Common, qualify: (name: string) => string): OperandSyntax {
  const token = cursor.token;
  if (!token) throw new SourceError('an operand is missing', cursor.column);
  if (cursor.isOperator('[')) return parseMemory(cursor, common, qualify);
  // A lone decorator is an operand of its own: `vaddps zmm1, zmm2, zmm3, {rn-sae}`.
  if (cursor.isOperator('{')) return { ...common, kind: 'immediate', value: CONSTANT_ZERO, decorators: ['only'] };
  if (token.kind === 'name' && !token.escaped) {
    const register = registerNamed(token.text);
    const after = cursor.peek();
    const ends = !after || (after.kind === 'operator' && (after.text === ',' || after.text === '{'));
    if (register && ends) {
      cursor.at++;
      return { ...common, kind: 'register', register };
    }
    if (register && after?.text === ':' && register.class === 'segment' && cursor.peek(2)?.text === '[')
      throw new SourceError(`NASM writes the segment inside the brackets: [${register.name}:...]`, token.column);
  }
  const value = parseExpression(cursor, qualify);
  if (!cursor.take(':')) return { ...common, kind: 'immediate', value };
  return { ...common, kind: 'far', segment: value, offset: parseExpression(cursor, qualify) };
}

function parseMemory(cursor: Cursor, common: Common, qualify: (name: string) => string): OperandSyntax {
  cursor.expect('[', 'before an address');
  const operand: MemoryOperandSyntax = { ...common, kind: 'memory', address: { kind: 'here' } };
  for (;;) {
    const word = cursor.word();
    if (word === undefined) break;
    if (word === 'rel') operand.relative = true;
    else if (word === 'abs') operand.absolute = true;
    else if (word === 'nosplit') operand.noSplit = true;
    else if (word in SIZES) operand.displacementSize = SIZES[word];
    else {
      const register = registerNamed(word);
      if (register?.class !== 'segment' || cursor.peek()?.text !== ':') break;
      operand.segment = register;
      cursor.at++;
    }
    cursor.at++;
  }
  operand.address = parseExpression(cursor, qualify);
  if (cursor.take(':'))
    throw new SourceError('only a segment register may stand before ":" in an address', cursor.column);
  if (cursor.take(',')) operand.index = parseExpression(cursor, qualify);
  cursor.expect(']', 'to close the address');
  return operand;
}

/** An operand with its values in this pass. */
export type OperandValue =
  | (RegisterOperand & { value?: undefined })
  | (Omit<ImmediateOperand, 'value'> & { value: Value })
  | (Omit<FarOperand, 'segment' | 'offset'> & { segment: Value; offset: Value })
  | (Omit<MemoryOperandSyntax, 'address' | 'index'> & { address: Value; index?: Value; hint: Hint });

export function evaluateOperand(operand: OperandSyntax, scope: Scope): OperandValue {
  switch (operand.kind) {
    case 'register':
      return operand;
    case 'immediate':
      return { ...operand, value: number(operand.value, operand, scope) };
    case 'far':
      return {
        ...operand,
        segment: number(operand.segment, operand, scope),
        offset: number(operand.offset, operand, scope),
      };
    case 'memory': {
      const hint: Hint = { kind: 'none' };
      return {
        ...operand,
        address: evaluate(operand.address, scope, hint),
        index: operand.index && evaluate(operand.index, scope),
        hint,
      };
    }
  }
}

/** The value of an expression outside of brackets: no registers, at most a difference of labels. */
function number(expression: Expression, { column, endColumn }: Common, scope: Scope): Value {
  const value = evaluate(expression, scope);
  if (sectionsOf(value)) return value;
  const register = value.terms.find(term => term.key[0] !== '@');
  throw new SourceError(
    register
      ? `"${register.key}" cannot be part of a number; for its content in memory write brackets`
      : 'a number can hold one label, or the difference of two',
    column,
    endColumn,
  );
}

/** The values in an operand: what its encoding depends on, apart from its place. */
export function valuesOf(operand: OperandValue): Value[] {
  switch (operand.kind) {
    case 'register':
      return [];
    case 'immediate':
      return [operand.value];
    case 'far':
      return [operand.segment, operand.offset];
    case 'memory':
      return operand.index ? [operand.address, operand.index] : [operand.address];
  }
}
