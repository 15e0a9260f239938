/** Walks the tokens of one line. */
import { SourceError } from './problem';
import type { Token } from './token';

export class Cursor {
  at = 0;
  /** How deep an expression being read is nested. */
  depth = 0;
  constructor(readonly tokens: readonly Token[]) {}

  get token(): Token | undefined {
    return this.tokens[this.at];
  }
  get done(): boolean {
    return this.at >= this.tokens.length;
  }
  /** Column of the current token, or just behind the last one. */
  get column(): number {
    const token = this.token ?? this.tokens[this.tokens.length - 1];
    if (!token) return 1;
    return this.token ? token.column : token.column + token.text.length;
  }
  peek(offset = 1): Token | undefined {
    return this.tokens[this.at + offset];
  }
  next(): Token {
    const token = this.tokens[this.at];
    if (!token) throw new SourceError('something is missing at the end of this line', this.column);
    this.at++;
    return token;
  }
  isOperator(text: string): boolean {
    const token = this.token;
    return token !== undefined && token.kind === 'operator' && token.text === text;
  }
  /** Takes the operator `text` if it is next. */
  take(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.at++;
    return true;
  }
  expect(text: string, context: string): void {
    if (!this.take(text)) throw new SourceError(`expected "${text}" ${context}, found ${this.describe()}`, this.column);
  }
  /** The current token if it is a plain name, in lower case. */
  word(): string | undefined {
    const token = this.token;
    return token?.kind === 'name' && !token.escaped ? token.text.toLowerCase() : undefined;
  }
  takeWord(word: string): boolean {
    if (this.word() !== word) return false;
    this.at++;
    return true;
  }
  describe(): string {
    return this.token ? `"${this.token.text}"` : 'the end of the line';
  }
  expectEnd(what: string): void {
    if (!this.done) throw new SourceError(`unexpected ${this.describe()} after ${what}`, this.column);
  }
}
