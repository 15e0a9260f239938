/** Single-line macros: `%define` and its kin, and the expansion of a line. */
import { SourceError } from './problem';
import { quote } from './text';
import { tokenize, untokenize, type Token } from './token';

export interface Parameter {
  name: string;
  /** `=x`: the argument's value is computed at the call. */
  evaluated?: boolean;
  /** `&x`: the argument becomes a string. */
  quoted?: boolean;
}

export interface Definition {
  name: string;
  ignoreCase: boolean;
  /** Undefined for a macro without parentheses. */
  parameters?: Parameter[];
  /** The last parameter takes the rest, commas included. */
  greedy?: boolean;
  body: readonly Token[];
}

/** Marks, in the work list of an expansion, where a macro's body ends and it may be expanded again. */
interface EndOfBody {
  ends: Definition;
}
type Work = Token | EndOfBody;

/** Values that depend on the place: `__LINE__`, `__FILE__`, `__BITS__`. */
export type Dynamic = (name: string) => string | undefined;

export class Definitions {
  /** By name in lower case; each name may be defined per number of parameters and per case. */
  private readonly table = new Map<string, Definition[]>();

  /** `evaluate` computes the value of an expanded expression. */
  constructor(
    private readonly dynamic: Dynamic,
    private readonly evaluate: (tokens: readonly Token[]) => bigint,
  ) {}

  define(definition: Definition): void {
    const key = definition.name.toLowerCase();
    const others = (this.table.get(key) ?? []).filter(
      d => !(matchesName(d, definition.name) && d.parameters?.length === definition.parameters?.length),
    );
    this.table.set(key, [definition, ...others]);
  }

  undefine(name: string): void {
    const key = name.toLowerCase();
    const rest = (this.table.get(key) ?? []).filter(d => !matchesName(d, name));
    this.table.set(key, rest);
  }

  isDefined(name: string): boolean {
    return this.find(name).length > 0 || this.dynamic(name) !== undefined;
  }

  private find(name: string): Definition[] {
    const list = this.table.get(name) ?? this.table.get(name.toLowerCase());
    return list ? list.filter(d => matchesName(d, name)) : [];
  }

  /**
   * The line with all single-line macros replaced, and `%+` carried out.
   * @param hidden names that stay as they are: the parameters of a macro being defined
   */
  expand(tokens: readonly Token[], hidden?: ReadonlySet<string>): Token[] {
    const expanded = joinNames(this.expandWith(tokens, new Set(), hidden));
    return expanded.some(isPasteOperator) ? this.paste(expanded) : expanded;
  }

  /** The line with each `%[...]` replaced by its expansion: the only one that directives see expanded. */
  resolveIndirect(tokens: readonly Token[]): Token[] {
    if (!tokens.some(isIndirection)) return tokens as Token[];
    const out: Token[] = [];
    const work: Work[] = [...tokens].reverse();
    while (work.length > 0) {
      const item = work.pop() as Token;
      if (!isIndirection(item)) {
        out.push(item);
        continue;
      }
      const inner = this.expand(this.resolveIndirect(takeBracketed(work, item)));
      inner.forEach((token, i) => out.push({ ...token, space: i === 0 ? item.space : token.space, pasted: true }));
    }
    return pasteTouching(out);
  }

  /** Carries out `%+`; a name that it makes may be a macro again. */
  private paste(tokens: Token[]): Token[] {
    const out: Token[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const last = out[out.length - 1];
      if (!isPasteOperator(tokens[i]) || !last || !tokens[i + 1]) {
        out.push(tokens[i]);
        continue;
      }
      out.pop();
      const joined = join(last, tokens[++i]);
      if (tokens[i + 1] && isPasteOperator(tokens[i + 1])) {
        out.push(...joined);
        continue;
      }
      const rest = tokens.slice(i + 1);
      const call = joined.length === 1 && rest[0]?.text === '(' && this.find(joined[0].text).some(d => d.parameters);
      if (call) return [...out, ...this.expand([joined[0], ...rest])];
      out.push(...this.expand(joined));
    }
    return out;
  }

  private expandWith(tokens: readonly Token[], active: Set<Definition>, hidden?: ReadonlySet<string>): Token[] {
    const out: Token[] = [];
    const work: Work[] = [...tokens].reverse();
    while (work.length > 0) {
      const item = work.pop()!;
      if ('ends' in item) {
        active.delete(item.ends);
        continue;
      }
      const plain = item.kind !== 'name' || item.escaped || hidden?.has(item.text);
      if (plain || !this.replace(item, work, active)) out.push(item);
    }
    return out;
  }

  /** Replaces the macro call that starts with `call`, if it is one. */
  private replace(call: Token, work: Work[], active: Set<Definition>): boolean {
    const value = this.dynamic(call.text);
    if (value !== undefined) {
      pushBody(work, tokenize(value), call);
      return true;
    }
    const candidates = this.find(call.text).filter(d => !active.has(d));
    if (candidates.length === 0) return false;
    if (candidates.some(d => d.parameters)) {
      const taken = takeArguments(work);
      if (taken) {
        const count = taken.length === 1 && taken[0].length === 0 ? 0 : taken.length;
        const macro = candidates.find(d => {
          const wanted = d.parameters?.length;
          return wanted === count || wanted === taken.length || (d.greedy && taken.length > wanted!);
        });
        if (!macro)
          throw new SourceError(
            `macro "${call.text}" is defined, but not for ${count} parameter${count === 1 ? '' : 's'}`,
            call.column,
          );
        const body = this.fill(macro, joinGreedy(macro, taken), active);
        work.push({ ends: macro });
        active.add(macro);
        pushBody(work, body, call);
        return true;
      }
    }
    const macro = candidates.find(d => !d.parameters);
    if (!macro) return false;
    work.push({ ends: macro });
    active.add(macro);
    pushBody(work, macro.body, call);
    return true;
  }

  /** The body of a macro with its parameters replaced. */
  private fill(macro: Definition, taken: Token[][], active: Set<Definition>): Token[] {
    const parameters = macro.parameters!;
    const values = parameters.map((parameter, i) => {
      const expanded = this.expandWith(taken[i] ?? [], active);
      if (parameter.evaluated) return tokenize(String(this.evaluate(expanded)));
      return parameter.quoted ? tokenize(quote(untokenize(taken[i] ?? []))) : expanded;
    });
    const body: Token[] = [];
    for (const token of macro.body) {
      const at = token.kind === 'name' ? parameters.findIndex(parameter => parameter.name === token.text) : -1;
      if (at < 0) body.push(token);
      else values[at].forEach((t, i) => body.push(i === 0 ? { ...t, space: token.space } : t));
    }
    return body;
  }
}

const isPasteOperator = (token: Token) => token.kind === 'percent' && token.text === '%+';
const isIndirection = (token: Token) => token.kind === 'percent' && token.text === '%[';

/** The arguments with those behind the last parameter of a greedy macro joined to it. */
function joinGreedy(macro: Definition, taken: Token[][]): Token[][] {
  const count = macro.parameters!.length;
  if (!macro.greedy || taken.length <= count) return taken;
  const comma: Token = { kind: 'operator', text: ',', space: false, column: 1 };
  const rest = taken.slice(count - 1).flatMap((tokens, i) => (i > 0 ? [comma, ...tokens] : tokens));
  return [...taken.slice(0, count - 1), rest];
}

function matchesName(definition: Definition, name: string): boolean {
  return definition.ignoreCase ? definition.name.toLowerCase() === name.toLowerCase() : definition.name === name;
}

/** Joins a name that a macro left with the name or number that touches it: `prefix(x).y`. */
function joinNames(tokens: Token[]): Token[] {
  if (!tokens.some((token, i) => i > 0 && touches(tokens[i - 1], token))) return tokens;
  const out: Token[] = [];
  for (const token of tokens) {
    const last = out[out.length - 1];
    if (last && touches(last, token)) out.push(...join(out.pop()!, token));
    else out.push(token);
  }
  return out;
}

const touches = (a: Token, b: Token) =>
  !b.space && a.kind === 'name' && (b.kind === 'name' || b.kind === 'number') && !/^\$\$?$/.test(a.text);

function pushBody(work: Work[], body: readonly Token[], call: Token): void {
  for (let i = body.length - 1; i >= 0; i--)
    work.push({ ...body[i], column: call.column, space: i === 0 ? call.space : body[i].space });
}

/** Takes the tokens up to the bracket that closes `%[`. */
function takeBracketed(work: Work[], open: Token): Token[] {
  const inner: Token[] = [];
  for (let depth = 1; ;) {
    const item = work.pop();
    if (!item) throw new SourceError('"%[" is never closed', open.column);
    if ('ends' in item) continue;
    if (item.kind === 'operator' && item.text === ']' && --depth === 0) return inner;
    if (item.text === '[' || item.text === '%[') depth++;
    inner.push(item);
  }
}

/** Takes "(a, b, ...)" if it is next; parentheses nest and braces quote. Leaves `work` alone when it is not a call. */
function takeArguments(work: Work[]): Token[][] | undefined {
  let at = work.length - 1;
  while (at >= 0 && 'ends' in work[at]) at--;
  const open = at >= 0 ? (work[at] as Token) : undefined;
  if (!open || open.kind !== 'operator' || open.text !== '(') return undefined;
  const values: Token[][] = [[]];
  let depth = 0;
  let brace = 0;
  for (at--; ; at--) {
    if (at < 0) throw new SourceError('a macro call is missing its ")"', open.column);
    const item = work[at];
    if ('ends' in item) continue;
    const text = item.kind === 'operator' ? item.text : '';
    if (text === '{' && brace++ === 0) continue;
    if (text === '}' && brace > 0 && --brace === 0) continue;
    if (brace === 0) {
      if (text === '(') depth++;
      else if (text === ')' && depth-- === 0) break;
      else if (text === ',' && depth === 0) {
        values.push([]);
        continue;
      }
    }
    values[values.length - 1].push(item);
  }
  work.length = at;
  return values;
}

function join(a: Token, b: Token): Token[] {
  const joined = tokenize(a.text + b.text);
  return joined.map((t, i) => ({ ...t, column: a.column, space: i === 0 ? a.space : t.space }));
}

const WORDLIKE = new Set(['name', 'number', 'float']);

/** Joins a token that a parameter put here with what it touches: `label%1` with 3 becomes `label3`. */
export function pasteTouching(tokens: Token[]): Token[] {
  const out: Token[] = [];
  for (const token of tokens) {
    const last = out[out.length - 1];
    if (last && !token.space && (token.pasted || last.pasted) && WORDLIKE.has(last.kind) && WORDLIKE.has(token.kind)) {
      out.pop();
      out.push(...join(last, token).map(t => ({ ...t, pasted: true })));
    } else out.push(token);
  }
  return out;
}
