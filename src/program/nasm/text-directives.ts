/** The directives that define single-line macros: `%define`, `%assign`, `%strlen`, ... */
import type { Definitions, Parameter } from './definitions';
import { SourceError } from './problem';
import { quote, stringText } from './text';
import { tokenize, untokenize, type Token } from './token';

interface TextContext {
  readonly definitions: Definitions;
  /** The number that the (unexpanded) tokens make. */
  number(tokens: readonly Token[], what: string): bigint;
}

/** Carries out the directive if it is one of these. `rest` is what follows it. */
export function defineText(directive: string, rest: readonly Token[], pre: TextContext): boolean {
  switch (directive) {
    case 'define':
    case 'idefine':
    case 'xdefine':
    case 'ixdefine':
      define(directive, rest, pre);
      return true;
    case 'undef':
      pre.definitions.undefine(nameOf(rest, directive));
      return true;
    case 'assign':
    case 'iassign': {
      const value = pre.number(rest.slice(1), `%${directive}`);
      setText(rest, directive, String(value), pre);
      return true;
    }
    case 'defstr':
    case 'idefstr':
      setText(rest, directive, quote(untokenize(pre.definitions.expand(rest.slice(1)))), pre);
      return true;
    case 'deftok':
    case 'ideftok':
      setText(rest, directive, strings(rest, directive, pre).join(''), pre);
      return true;
    case 'strlen':
    case 'istrlen':
      setText(rest, directive, String([...strings(rest, directive, pre).join('')].length), pre);
      return true;
    case 'strcat':
    case 'istrcat':
      setText(rest, directive, quote(strings(rest, directive, pre).join('')), pre);
      return true;
    case 'substr':
    case 'isubstr':
      substr(rest, directive, pre);
      return true;
    default:
      return false;
  }
}

export function nameOf(rest: readonly Token[], directive: string): string {
  const [name] = rest;
  if (!name || name.kind !== 'name') throw new SourceError(`%${directive} needs a name`, name?.column ?? 1);
  return name.text;
}

function setText(rest: readonly Token[], directive: string, text: string, pre: TextContext): void {
  const body = tokenize(text);
  pre.definitions.define({ name: nameOf(rest, directive), ignoreCase: directive[0] === 'i', body });
}

function define(directive: string, rest: readonly Token[], pre: TextContext): void {
  const name = nameOf(rest, directive);
  let parameters: Parameter[] | undefined;
  let greedy = false;
  let at = 1;
  if (rest[1]?.text === '(' && rest[1].kind === 'operator' && !rest[1].space) {
    parameters = [];
    let parameter: Parameter = { name: '' };
    for (at = 2; rest[at] && rest[at].text !== ')'; at++) {
      const { text, kind, column } = rest[at];
      if (text === ',') parameter = { name: '' };
      else if (text === '=') parameter.evaluated = true;
      else if (text === '&' || text === '&&') parameter.quoted = true;
      else if (text === '+' && parameter.name !== '') greedy = true;
      else if (kind === 'name') {
        parameter.name = text;
        parameters.push(parameter);
      } else throw new SourceError('a macro parameter must be a name', column);
    }
    if (!rest[at]) throw new SourceError(`the parameters of "${name}" are not closed with ")"`, rest[1].column);
    at++;
  }
  let body = rest.slice(at);
  if (directive.includes('xdefine')) body = pre.definitions.expand(body, new Set(parameters?.map(p => p.name)));
  pre.definitions.define({ name, ignoreCase: directive[0] === 'i', parameters, greedy, body });
}

/** The strings behind the name, as text. */
function strings(rest: readonly Token[], directive: string, pre: TextContext): string[] {
  const tokens = pre.definitions.expand(rest.slice(1)).filter(t => t.text !== ',');
  const bad = tokens.find(t => t.kind !== 'string');
  if (bad || tokens.length === 0)
    throw new SourceError(`%${directive} needs a string`, bad?.column ?? rest[0]?.column ?? 1);
  return tokens.map(t => stringText(t.text));
}

function substr(rest: readonly Token[], directive: string, pre: TextContext): void {
  const tokens = pre.definitions.expand(rest.slice(1));
  const [string, ...more] = tokens;
  if (string?.kind !== 'string') throw new SourceError(`%${directive} needs a string`, rest[0]?.column ?? 1);
  const comma = more.findIndex((t, i) => i > 0 && t.text === ',');
  const first = more[0]?.text === ',' ? 1 : 0;
  const from = Number(pre.number(more.slice(first, comma < 0 ? undefined : comma), `%${directive}`));
  const count = comma < 0 ? 1 : Number(pre.number(more.slice(comma + 1), `%${directive}`));
  const text = stringText(string.text);
  const end = count < 0 ? text.length + count + 1 : from - 1 + count;
  setText(rest, directive, quote(text.slice(Math.max(0, from - 1), Math.max(0, end))), pre);
}
