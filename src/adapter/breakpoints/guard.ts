import { evaluate } from '../expression/evaluate';
import type { Names } from '../expression/names';
import { parse } from '../expression/parse';
import { ExpressionError, type Expression } from '../expression/syntax';
import { UserError } from '../protocol/errors';
import { hex } from '../target/format';

/** What a guard decides: stop, go on, or go on after writing a line. */
export type Verdict = { kind: 'stop'; problem?: string } | { kind: 'go' } | { kind: 'log'; text: string };

/** Condition, hit condition and log message of one breakpoint. */
export class Guard {
  /** Why the breakpoint cannot work as written. */
  readonly problem: string | undefined;
  hits = 0;
  private readonly condition: Expression | undefined;
  private readonly enough: (hits: number) => boolean = () => true;
  private readonly message: readonly (string | Expression)[] | undefined;

  constructor(given: { condition?: string; hitCondition?: string; logMessage?: string }) {
    try {
      if (given.condition?.trim()) this.condition = parse(given.condition);
      if (given.hitCondition?.trim()) this.enough = hitCondition(given.hitCondition);
      if (given.logMessage) this.message = template(given.logMessage);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Execution arrived. */
  check(names: Names): Verdict {
    try {
      if (this.condition && evaluate(this.condition, names) === 0n) return { kind: 'go' };
      this.hits++;
      if (!this.enough(this.hits)) return { kind: 'go' };
      if (!this.message) return { kind: 'stop' };
      return { kind: 'log', text: this.message.map(part => fill(part, names)).join('') };
    } catch (error) {
      // A condition that cannot be evaluated stops: going on in silence would hide the mistake.
      return { kind: 'stop', problem: problemOf(error) };
    }
  }
}

/** The user's words for an error of an expression; anything else is thrown on. */
export function problemOf(error: unknown): string {
  if (error instanceof ExpressionError || error instanceof UserError) return error.message;
  throw error;
}

function fill(part: string | Expression, names: Names): string {
  return typeof part === 'string' ? part : hex(evaluate(part, names));
}

/** `5`, `== 5`, `> 5`, `>= 5`, `< 5`, `<= 5`, `% 5`. */
function hitCondition(text: string): (hits: number) => boolean {
  const match = /^\s*(==|=|>=|>|<=|<|%)?\s*(\d+)\s*$/.exec(text);
  if (!match) throw new UserError(`hit condition ${JSON.stringify(text)}: write 5, >= 5, > 5, < 5, <= 5 or % 5`);
  const n = Number(match[2]);
  switch (match[1]) {
    case '>':
      return hits => hits > n;
    case '>=':
      return hits => hits >= n;
    case '<':
      return hits => hits < n;
    case '<=':
      return hits => hits <= n;
    case '%':
      if (n === 0) throw new UserError('hit condition % 0 is never met: write a number above 0');
      return hits => hits % n === 0;
    default:
      return hits => hits === n;
  }
}

/** Text with `{expression}` in it; `{{` and `}}` are braces. */
function template(text: string): (string | Expression)[] {
  const found: (string | Expression)[] = [];
  for (const [whole, expression] of text.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (expression !== undefined) found.push(parse(expression));
    else found.push(whole === '{{' || whole === '}}' ? whole[0] : whole);
  }
  return found;
}
