/** Multi-line macros: their definition, their parameters, and the substitution in a line of their body. */
import { pasteTouching } from './definitions';
import { SourceError } from './problem';
import { tokenize, type Token } from './token';

/** A line as it stands in a file. */
export interface RawLine {
  file: string;
  line: number;
  text: string;
  tokens: readonly Token[];
}

export interface Macro {
  name: string;
  ignoreCase: boolean;
  /** `%rmacro`: its body may call it again. */
  recursive: boolean;
  least: number;
  /** Infinity for `*`. */
  most: number;
  /** The last parameter takes the rest of the line, commas included. */
  greedy: boolean;
  defaults: Token[][];
  body: RawLine[];
  file: string;
  line: number;
}

/** One call of a macro. */
export interface Invocation {
  macro: Macro;
  /** Makes `%%label` of each call a different name. */
  id: number;
  parameters: Token[][];
  rotation: number;
  /** The label in front of the call, for `%00`. */
  label: Token[];
}

/** Reads what follows `%macro`: NAME COUNT[-MOST|-*][+] [.nolist] [DEFAULT, ...]. */
export function parseMacroHeader(tokens: readonly Token[], directive: string, at: RawLine): Macro {
  const [name, count] = tokens;
  if (!name) throw new SourceError('%macro needs a name and a number of parameters: %macro NAME COUNT', 1);
  const macro: Macro = {
    name: name.text,
    ignoreCase: directive[0] === 'i',
    recursive: directive.includes('rmacro'),
    least: 0,
    most: 0,
    greedy: false,
    defaults: [],
    body: [],
    file: at.file,
    line: at.line,
  };
  if (!count) return macro;
  // `3.nolist` reads as the number "3." and a name.
  if (!/^[0-9]+\.?$/.test(count.text))
    throw new SourceError(`%macro ${name.text} needs a number of parameters, found "${count.text}"`, count.column);
  macro.least = macro.most = parseInt(count.text, 10);
  let next = 2;
  if (tokens[next]?.text === '-') {
    const most = tokens[next + 1];
    if (most?.text === '*') macro.most = Infinity;
    else if (most && /^[0-9]+\.?$/.test(most.text)) macro.most = parseInt(most.text, 10);
    else throw new SourceError('expected a number or "*" after "-"', most?.column ?? count.column);
    if (macro.most < macro.least) throw new SourceError('the range of parameters ends before it starts', most.column);
    next += 2;
  }
  if (tokens[next]?.text === '+' && !tokens[next].space) {
    macro.greedy = true;
    next++;
  }
  if (/^\.?nolist$/i.test(tokens[next]?.text ?? '')) next++;
  if (next < tokens.length) macro.defaults = splitParameters(tokens.slice(next), Infinity);
  return macro;
}

export function nameMatches(macro: Macro, name: string): boolean {
  return macro.ignoreCase ? macro.name.toLowerCase() === name.toLowerCase() : macro.name === name;
}

/** Splits at commas; a parameter in braces keeps its commas. With `greedyAt`, that parameter takes all the rest. */
export function splitParameters(tokens: readonly Token[], greedyAt: number): Token[][] {
  if (tokens.length === 0) return [];
  const parameters: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  let braced = false;
  for (const token of tokens) {
    const text = token.kind === 'operator' ? token.text : '';
    if (text === '{' && (depth > 0 || current.length === 0) && !(depth === 0 && braced)) {
      if (depth++ === 0) {
        braced = true;
        continue;
      }
    } else if (text === '}' && depth > 0 && --depth === 0) continue;
    else if (text === ',' && depth === 0 && parameters.length + 1 < greedyAt) {
      parameters.push(current);
      current = [];
      braced = false;
      continue;
    }
    current.push(token);
  }
  parameters.push(current);
  return parameters;
}

/** The parameters of a call completed with the defaults; undefined when their number does not fit. */
export function bindParameters(macro: Macro, tokens: readonly Token[]): Token[][] | undefined {
  const parameters = splitParameters(tokens, macro.greedy ? macro.most : Infinity);
  if (parameters.length < macro.least || parameters.length > macro.most) {
    // One empty parameter is what a call without any looks like.
    return undefined;
  }
  for (let i = parameters.length; i < macro.least + macro.defaults.length && i < macro.most; i++)
    parameters.push(macro.defaults[i - macro.least]);
  return parameters;
}

/** Condition codes and their opposites, for `%-1`. */
const OPPOSITE: Record<string, string> = {
  a: 'na',
  ae: 'nae',
  b: 'nb',
  be: 'nbe',
  c: 'nc',
  e: 'ne',
  g: 'ng',
  ge: 'nge',
  l: 'nl',
  le: 'nle',
  o: 'no',
  p: 'np',
  s: 'ns',
  z: 'nz',
  pe: 'po',
  po: 'pe',
  cxz: '',
  ecxz: '',
  rcxz: '',
};
for (const [code, opposite] of Object.entries(OPPOSITE)) if (opposite) OPPOSITE[opposite] ??= code;

/** A body line with `%1`, `%0`, `%%label`, `%{...}` and `%+1`/`%-1` replaced. */
export function substitute(tokens: readonly Token[], call: Invocation): Token[] {
  if (!tokens.some(token => token.kind === 'percent')) return tokens as Token[];
  const out: Token[] = [];
  for (const token of tokens) {
    const replaced = token.kind === 'percent' ? replacement(token, call) : undefined;
    if (!replaced) out.push(token);
    else
      replaced.forEach((t, i) =>
        out.push({ ...t, column: token.column, space: i === 0 ? token.space : t.space, pasted: true }),
      );
  }
  return pasteTouching(out);
}

function parameter(call: Invocation, number: number): readonly Token[] {
  const count = call.parameters.length;
  if (number < 1 || number > count) return [];
  return call.parameters[(number - 1 + call.rotation) % count];
}

function replacement(token: Token, call: Invocation): readonly Token[] | undefined {
  const text = token.text[1] === '{' ? token.text.slice(2, -1).trim() : token.text.slice(1);
  const braced = token.text[1] === '{';
  const count = call.parameters.length;
  if (text === '0') return tokenize(String(count));
  if (text === '00') return call.label;
  if (text === '?' || text === '??') return tokenize(call.macro.name);
  if (/^[0-9]+$/.test(text)) return parameter(call, Number(text));
  if (text[0] === '%' && text.length > 1) return tokenize(`..@${call.id}.${text.slice(1)}`);
  let match: RegExpExecArray | null;
  if (braced && (match = /^-?[0-9]+$/.exec(text))) return parameter(call, count + 1 + Number(text));
  if (braced && (match = /^(-?[0-9]+):(-?[0-9]+)$/.exec(text))) {
    const index = (n: number) => (n < 0 ? count + 1 + n : n);
    const [from, to] = [index(Number(match[1])), index(Number(match[2]))];
    const out: Token[] = [];
    for (let i = from; from <= to ? i <= to : i >= to; i += from <= to ? 1 : -1) {
      if (out.length > 0) out.push({ kind: 'operator', text: ',', space: false, column: token.column });
      out.push(...parameter(call, i));
    }
    return out;
  }
  if ((match = /^([+-])([0-9]+)$/.exec(text))) {
    const code = parameter(call, Number(match[2]))[0]?.text.toLowerCase() ?? '';
    const result = match[1] === '+' ? (code in OPPOSITE ? code : undefined) : OPPOSITE[code];
    if (!result) throw new SourceError(`"${code}" is not a condition code that %${text} can use`, token.column);
    return tokenize(result);
  }
  return undefined;
}
