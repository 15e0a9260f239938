/** The conditions of `%if...` and `%elif...`. */
import { SourceError } from './problem';
import type { Token } from './token';

export interface ConditionHelp {
  expand(tokens: readonly Token[]): Token[];
  evaluate(tokens: readonly Token[]): bigint;
  isDefined(name: string): boolean;
  /** Whether a multi-line macro fits a header: NAME [COUNT[-MOST]]. */
  isMacro(header: readonly Token[]): boolean;
  context(): string | undefined;
}

type Test = (rest: readonly Token[], help: ConditionHelp, column: number) => boolean;

const TESTS: Record<string, Test> = {
  '': (rest, help) => help.evaluate(rest) !== 0n,
  def: (rest, help) => names(rest).some(name => help.isDefined(name)),
  macro: (rest, help) => rest.length > 0 && help.isMacro(rest),
  ctx: (rest, help) => names(rest).some(name => help.context() === name),
  idn: (rest, help, column) => same(rest, help, column, text => text),
  idni: (rest, help, column) => same(rest, help, column, text => text.toLowerCase()),
  num: (rest, help) => isNumber(help.expand(rest)),
  id: (rest, help) => {
    const [first] = help.expand(rest);
    return first !== undefined && first.kind === 'name' && !/^\$\$?$/.test(first.text);
  },
  str: (rest, help) => help.expand(rest)[0]?.kind === 'string',
  token: (rest, help) => help.expand(rest).length === 1,
  empty: (rest, help) => help.expand(rest).length === 0,
  env: () => false,
};

function names(rest: readonly Token[]): string[] {
  return rest.filter(token => token.kind === 'name').map(token => token.text);
}

function isNumber(tokens: readonly Token[]): boolean {
  const digits = tokens[0]?.kind === 'operator' && /^[-+]$/.test(tokens[0].text) ? tokens.slice(1) : tokens;
  return digits[0]?.kind === 'number';
}

/** Compares the two sides of the first comma, token by token. */
function same(rest: readonly Token[], help: ConditionHelp, column: number, fold: (text: string) => string): boolean {
  const tokens = help.expand(rest);
  let comma = -1;
  for (let i = 0, depth = 0; i < tokens.length && comma < 0; i++) {
    if (tokens[i].text === '{') depth++;
    else if (tokens[i].text === '}') depth--;
    else if (tokens[i].text === ',' && depth === 0) comma = i;
  }
  if (comma < 0) throw new SourceError('expected two texts with a comma between them', column);
  const side = (part: Token[]) =>
    part.map(token => (token.kind === 'string' ? `'${fold(token.text.slice(1, -1))}'` : fold(token.text)));
  const [a, b] = [side(tokens.slice(0, comma)), side(tokens.slice(comma + 1))];
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

/** Whether `%if<kind>` (or its negation `%ifn<kind>`) holds. */
export function conditionHolds(kind: string, directive: Token, rest: readonly Token[], help: ConditionHelp): boolean {
  if (kind in TESTS) return TESTS[kind](rest, help, directive.column);
  const positive = kind.slice(1);
  if (kind[0] === 'n' && positive in TESTS) return !TESTS[positive](rest, help, directive.column);
  throw new SourceError(`unknown condition "${directive.text}"`, directive.column);
}
