import {
  ExpressionError,
  LEVELS,
  SIZES,
  SPACES,
  type BinaryOperator,
  type Expression,
  type UnaryOperator,
} from './syntax';
import { tokens, type Token } from './tokens';

/** The expression that `text` spells. Throws ExpressionError. */
export function parse(text: string): Expression {
  const parser = new Parser(tokens(text));
  const expression = parser.expression();
  parser.finish();
  return expression;
}

/** `place = value` as two expressions, or one expression alone. Throws ExpressionError. */
export function parseStatement(text: string): { place?: Expression; value: Expression } {
  const parser = new Parser(tokens(text));
  const first = parser.expression();
  if (!parser.take('=')) {
    parser.finish();
    return { value: first };
  }
  const value = parser.expression();
  parser.finish();
  return { place: first, value };
}

class Parser {
  private next = 0;

  constructor(private readonly list: readonly Token[]) {}

  expression(level = 0): Expression {
    if (level === LEVELS.length) return this.unary();
    let left = this.expression(level + 1);
    for (;;) {
      const at = this.peek().at;
      const operator = (LEVELS[level] as readonly string[]).find(text => this.take(text)) as BinaryOperator | undefined;
      if (!operator) return left;
      left = { kind: 'binary', operator, left, right: this.expression(level + 1), at };
    }
  }

  take(sign: string): boolean {
    const token = this.peek();
    if (token.kind !== 'sign' || token.text !== sign) return false;
    this.next++;
    return true;
  }

  finish(): void {
    const token = this.peek();
    if (token.kind !== 'end') throw new ExpressionError(`unexpected ${describe(token)}`, token.at);
  }

  private peek(): Token {
    return this.list[this.next];
  }

  private unary(): Expression {
    const operator = (['!', '~', '-'] as const).find(text => this.take(text)) as UnaryOperator | undefined;
    if (operator) return { kind: 'unary', operator, operand: this.unary() };
    if (this.take('+')) return this.unary();
    const { at } = this.peek();
    if (this.take('*')) return { kind: 'indirect', of: this.unary(), at };
    if (this.take('&')) return { kind: 'address', of: this.unary(), at };
    return this.postfix(this.primary());
  }

  /** `->next`, `[3]` and `.x` behind a variable. (A dot right behind a name is part of the name.) */
  private postfix(whole: Expression): Expression {
    if (!['name', 'member', 'index', 'indirect'].includes(whole.kind)) return whole;
    const token = this.peek();
    const { at } = token;
    if (this.take('->')) {
      const member = this.peek();
      if (member.kind !== 'name') throw new ExpressionError(`expected a member, found ${describe(member)}`, member.at);
      this.next++;
      return this.postfix(members(whole, member.text, at));
    }
    if (this.take('[')) {
      const index = this.expression();
      this.expect(']');
      return this.postfix({ kind: 'index', of: whole, index, at });
    }
    if (token.kind === 'name' && token.text.startsWith('.')) {
      this.next++;
      return this.postfix(members(whole, token.text.slice(1), at));
    }
    return whole;
  }

  private primary(): Expression {
    const token = this.peek();
    if (this.take('(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (token.kind === 'sign' && token.text === '[') return this.memory(undefined);
    if (token.kind === 'number') {
      this.next++;
      return { kind: 'number', value: token.value };
    }
    if (token.kind === 'name') {
      this.next++;
      const bytes = SIZES[token.text.toLowerCase()];
      const after = this.peek();
      if (bytes && after.kind === 'sign' && after.text === '[') return this.memory(bytes);
      return { kind: 'name', name: token.text, at: token.at };
    }
    throw new ExpressionError(
      token.kind === 'end' ? 'the expression ends too early' : `unexpected ${describe(token)}`,
      token.at,
    );
  }

  private memory(bytes: number | undefined): Expression {
    const at = this.peek().at;
    this.expect('[');
    const prefix = this.peek();
    const colon = this.list[this.next + 1];
    const prefixed = prefix.kind === 'name' && colon?.kind === 'sign' && colon.text === ':';
    const space = prefixed ? SPACES[prefix.text.toLowerCase()] : 'linear';
    if (!space) {
      const name = prefix.kind === 'name' ? prefix.text : '';
      throw new ExpressionError(`${name}: is no address space: write gpa: or hpa:`, prefix.at);
    }
    if (prefixed) this.next += 2;
    const address = this.expression();
    this.expect(']');
    return { kind: 'memory', space, address, at, ...(bytes ? { bytes } : {}) };
  }

  private expect(sign: string): void {
    const token = this.peek();
    if (!this.take(sign)) throw new ExpressionError(`expected ${sign}, found ${describe(token)}`, token.at);
  }
}

/** `a.b` behind an arrow or a bracket is one name to the lexer. */
function members(whole: Expression, path: string, at: number): Expression {
  return path.split('.').reduce<Expression>((of, name) => ({ kind: 'member', of, name, at }), whole);
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end';
  return token.kind === 'number' ? `number ${token.value}` : token.text;
}
