/**
 * The preprocessor: files and macro bodies in, lines to assemble out.
 *
 * It runs line by line together with the pass that assembles its lines, because `%if` and `%assign` may use labels that
 * stand above them. Whether any did is `usedLabels`: if not, its output is the same in every pass.
 */
import type { SourceFiles } from '../program';
import { conditionHolds } from './condition';
import { Definitions, pasteTouching, type Parameter } from './definitions';
import { evaluate, parseExpression, type Scope } from './expression';
import { Cursor } from './cursor';
import {
  bindParameters,
  nameMatches,
  parseMacroHeader,
  substitute,
  type Invocation,
  type Macro,
  type RawLine,
} from './macro';
import { Problems, SourceError, type Place } from './problem';
import { isStandardMacro } from './statement';
import { closest } from './suggest';
import { fromUtf8, quote, stringText } from './text';
import { tokenize, untokenize, type Token } from './token';
import { isSimple } from './value';

/** A line to assemble (without tokens: only to list). */
export interface SourceLine {
  tokens: readonly Token[];
  place: Place;
  /** As written, for the listing. */
  text: string;
  /** How many macro calls and includes it is deep. */
  depth: number;
  /** Set when a macro's name starts the line but no definition takes that many parameters. */
  note?: string;
}

interface Condition {
  emitting: boolean;
  /** A branch was taken, or the whole `%if` stands in a skipped part. */
  decided: boolean;
  inElse: boolean;
}

/** A file, macro body or `%rep` body being read. */
interface Frame {
  kind: 'file' | 'macro' | 'rep';
  lines: readonly RawLine[];
  at: number;
  conditions: Condition[];
  call?: Invocation;
  /** Place of the outermost call; undefined in a file. */
  origin?: Place;
  name: string;
  /** Further repetitions of a `%rep` body. */
  repeat: number;
}

/** What the preprocessor needs from the pass. */
export interface PassState extends Scope {
  bits(): number;
}

const MOST_LINES = 500_000;
const MOST_DEPTH = 400;
const MOST_SELF_INCLUDES = 20;

const DIRECTIVES = new Set(
  (
    'define idefine xdefine ixdefine undef assign iassign defstr idefstr deftok ideftok strlen istrlen substr isubstr strcat istrcat ' +
    'macro imacro rmacro irmacro endmacro endm unmacro unimacro rotate rep endrep exitrep exitmacro include error warning fatal push pop repl ' +
    'else endif clear line use depend pragma pathsearch arg local stacksize note if elif'
  ).split(' '),
);

/** Where raw lines of files are kept between passes. */
export class SourceCache {
  private readonly lines = new Map<string, RawLine[] | undefined>();
  constructor(readonly files: SourceFiles) {}

  /** Paths in the order of first reading. */
  get read(): string[] {
    return [...this.lines].filter(([, lines]) => lines).map(([path]) => path);
  }

  open(path: string): RawLine[] | undefined {
    if (!this.lines.has(path)) {
      const bytes = this.files.read(path);
      this.lines.set(path, bytes && splitLines(path, fromUtf8(bytes)));
    }
    return this.lines.get(path);
  }
}

/** Physical lines to logical ones: a backslash at the end joins the next. */
function splitLines(file: string, text: string): RawLine[] {
  const lines: RawLine[] = [];
  const physical = text.split(/\r\n|\n|\r/);
  if (physical[physical.length - 1] === '') physical.pop();
  for (let i = 0; i < physical.length; i++) {
    const line = i + 1;
    let joined = physical[i];
    while (joined.endsWith('\\') && i + 1 < physical.length) joined = joined.slice(0, -1) + physical[++i];
    lines.push({ file, line, text: joined, tokens: tokenize(joined) });
  }
  return lines;
}

export class Preprocessor {
  readonly definitions: Definitions;
  /** True once a directive asked for the value of a label. */
  usedLabels = false;
  private readonly macros = new Map<string, Macro[]>();
  private readonly frames: Frame[] = [];
  private readonly contexts: { name: string; id: number }[] = [];
  /** Lines put in front of what is read next. */
  private readonly pending: SourceLine[] = [];
  private capture?: { macro?: Macro; body: RawLine[]; nesting: number; count: number; at: RawLine };
  private calls = 0;
  private produced = 0;
  private stopped = false;
  private place: Place;

  constructor(
    path: string,
    private readonly cache: SourceCache,
    private readonly problems: Problems,
    private readonly state: PassState,
    defines: Record<string, string>,
  ) {
    this.place = { file: path, line: 1 };
    this.definitions = new Definitions(
      name => this.dynamic(name),
      tokens => this.evaluate(tokens, 'a macro parameter'),
    );
    for (const [name, value] of Object.entries(defines))
      this.definitions.define({ name, ignoreCase: false, body: tokenize(value) });
    const lines = cache.open(path);
    if (!lines) problems.report('error', this.place, `cannot read "${path}": there is no such file`);
    else this.frames.push(this.fileFrame(path, lines));
  }

  private fileFrame(path: string, lines: readonly RawLine[]): Frame {
    return { kind: 'file', lines, at: 0, conditions: [], name: path, repeat: 0 };
  }

  private dynamic(name: string): string | undefined {
    if (!name.startsWith('__')) return undefined;
    switch (name.replace(/\?/g, '')) {
      case '__LINE__':
        return String(this.place.line);
      case '__FILE__':
        return `"${this.place.file}"`;
      case '__BITS__':
        return String(this.state.bits());
      case '__OUTPUT_FORMAT__':
        return 'bin';
      case '__NASM_MAJOR__':
        return '2';
      case '__NASM_MINOR__':
        return '16';
      case '__NASM_SUBMINOR__':
        return '1';
      case '__NASM_VERSION_ID__':
        return '0x02100100';
      case '__NASM_VER__':
        return '"2.16.01"';
      default:
        return undefined;
    }
  }

  /** Ends reading, e.g. after `%fatal`. */
  stop(): void {
    this.stopped = true;
  }

  /** The next line, or undefined at the end of the program. */
  next(): SourceLine | undefined {
    for (;;) {
      if (this.pending.length > 0) return this.pending.shift();
      if (this.stopped) return undefined;
      const frame = this.frames[this.frames.length - 1];
      if (!frame) return undefined;
      if (frame.at >= frame.lines.length) {
        this.leave(frame);
        continue;
      }
      const raw = frame.lines[frame.at++];
      this.place = frame.origin
        ? { ...frame.origin, inner: { name: frame.name, file: raw.file, line: raw.line } }
        : { file: raw.file, line: raw.line };
      if (++this.produced > MOST_LINES) {
        this.problems.report(
          'error',
          this.place,
          `more than ${MOST_LINES} lines after expanding macros: is a %rep or macro endless?`,
        );
        this.stop();
        continue;
      }
      const line: SourceLine = { tokens: [], place: this.place, text: raw.text, depth: this.frames.length - 1 };
      try {
        const tokens = this.process(raw, frame);
        if (!tokens) {
          this.pending.push(line);
          continue;
        }
        this.call(tokens, line);
      } catch (e) {
        if (!(e instanceof SourceError)) throw e;
        this.problems.report('error', this.place, e.message, e.column, e.endColumn);
      }
    }
  }

  /** The end of a file or body. */
  private leave(frame: Frame): void {
    if (this.capture && frame.kind === 'file') {
      const { macro, at } = this.capture;
      const what = macro ? `%macro ${macro.name}` : '%rep';
      this.problems.report(
        'error',
        { file: at.file, line: at.line },
        `${what} is never closed with ${macro ? '%endmacro' : '%endrep'}`,
      );
      this.capture = undefined;
    }
    if (frame.conditions.length > 0)
      this.problems.report('error', this.place, 'an %if is not closed with %endif before this ends');
    if (frame.kind === 'rep' && frame.repeat > 0) {
      frame.repeat--;
      frame.at = 0;
      frame.conditions = [];
    } else this.frames.pop();
  }

  private get emitting(): boolean {
    const conditions = this.frames[this.frames.length - 1]?.conditions;
    return !conditions || conditions.length === 0 || conditions[conditions.length - 1].emitting;
  }

  /** Handles directives; returns the tokens of an ordinary line, expanded, or undefined when nothing is left of it. */
  private process(raw: RawLine, frame: Frame): Token[] | undefined {
    let tokens = raw.tokens as Token[];
    let directive = directiveOf(tokens);
    if (this.capture) {
      this.captureLine(raw, directive);
      return undefined;
    }
    if (this.emitting) {
      const call = this.currentCall();
      if (call) tokens = substitute(tokens, call);
      tokens = this.definitions.resolveIndirect(this.replaceContextNames(tokens));
      directive = directiveOf(tokens);
    }
    if (directive !== undefined) {
      if (/^(el)?if/.test(directive) || directive === 'else' || directive === 'endif')
        this.condition(directive, tokens, frame);
      else if (this.emitting) this.directive(directive, tokens, raw);
      return undefined;
    }
    if (!this.emitting) return undefined;
    const bad = tokens.find(token => token.kind === 'error');
    if (bad) {
      const unclosed = /^["'`]/.test(bad.text);
      throw new SourceError(
        unclosed ? 'a string is not closed on its line' : `"${bad.text}" has no meaning here`,
        bad.column,
      );
    }
    return this.definitions.expand(tokens);
  }

  /** The macro whose parameters `%1` means here; the body of a `%rep` sees its macro's. */
  private currentCall(): Invocation | undefined {
    for (let i = this.frames.length - 1; i >= 0; i--) {
      if (this.frames[i].kind === 'file') return undefined;
      if (this.frames[i].call) return this.frames[i].call;
    }
    return undefined;
  }

  /** `%$name` is a name of its own in the innermost context, `%$$name` in the one around it. */
  private replaceContextNames(tokens: Token[]): Token[] {
    if (!tokens.some(token => token.kind === 'percent' && /^%\{?\$/.test(token.text))) return tokens;
    const named = tokens.map(token => {
      const match = token.kind === 'percent' && /^%\{?(\$+)([^}]+)\}?$/.exec(token.text);
      if (!match) return token;
      const context = this.contexts[this.contexts.length - match[1].length];
      if (!context) throw new SourceError(`"${token.text}" needs a context: there is no %push around it`, token.column);
      return { ...token, kind: 'name' as const, text: `..@${context.id}.${match[2]}`, pasted: true };
    });
    return pasteTouching(named);
  }

  private captureLine(raw: RawLine, directive: string | undefined): void {
    const capture = this.capture!;
    const opens = capture.macro ? ['macro', 'imacro', 'rmacro', 'irmacro'] : ['rep'];
    const closes = capture.macro ? ['endmacro', 'endm'] : ['endrep'];
    if (directive !== undefined && opens.includes(directive)) capture.nesting++;
    if (directive !== undefined && closes.includes(directive) && capture.nesting-- === 0) {
      this.capture = undefined;
      if (capture.macro) this.addMacro(capture.macro, capture.body);
      else this.enterRep(capture.body, capture.count);
      return;
    }
    capture.body.push(raw);
  }

  private addMacro(macro: Macro, body: RawLine[]): void {
    macro.body = body;
    const key = macro.name.toLowerCase();
    const others = (this.macros.get(key) ?? []).filter(
      m => !(m.name === macro.name && m.least === macro.least && m.most === macro.most),
    );
    this.macros.set(key, [macro, ...others]);
  }

  private enterRep(body: RawLine[], count: number): void {
    if (count <= 0 || body.length === 0) return;
    const frame = this.frames[this.frames.length - 1];
    this.frames.push({
      kind: 'rep',
      lines: body,
      at: 0,
      conditions: [],
      origin: frame.origin,
      call: this.currentCall(),
      name: frame.origin ? frame.name : '%rep',
      repeat: count - 1,
    });
  }

  private condition(directive: string, tokens: Token[], frame: Frame): void {
    const stack = frame.conditions;
    const top = stack[stack.length - 1];
    if (directive.startsWith('if')) {
      const skipped = !this.emitting;
      const holds = !skipped && this.holds(directive.slice(2), tokens);
      stack.push({ emitting: holds, decided: skipped || holds, inElse: false });
      return;
    }
    if (!top) throw new SourceError(`%${directive} without an %if before it`, tokens[0].column);
    if (directive === 'endif') {
      stack.pop();
      return;
    }
    if (top.inElse) throw new SourceError(`%${directive} after %else`, tokens[0].column);
    if (directive === 'else') {
      top.inElse = true;
      top.emitting = !top.decided;
      return;
    }
    if (top.decided) top.emitting = false;
    else {
      const call = this.currentCall();
      const substituted = this.replaceContextNames(call ? substitute(tokens, call) : tokens);
      top.emitting = top.decided = this.holds(directive.slice(4), substituted);
    }
  }

  private holds(kind: string, tokens: Token[]): boolean {
    return conditionHolds(kind, tokens[0], tokens.slice(1), {
      expand: t => this.definitions.expand(t),
      evaluate: t => this.number(t, 'a condition'),
      isDefined: name => this.definitions.isDefined(name),
      isMacro: header => {
        const wanted = parseMacroHeader(header, '', { file: '', line: 0, text: '', tokens: [] });
        if (header.length === 1) wanted.most = Infinity;
        // NASM's own directives are macros to it.
        if (isStandardMacro(wanted.name)) return true;
        return (this.macros.get(wanted.name.toLowerCase()) ?? []).some(
          m => nameMatches(m, wanted.name) && m.least <= wanted.most && wanted.least <= m.most,
        );
      },
      context: () => this.contexts[this.contexts.length - 1]?.name,
    });
  }

  /** The number that the (unexpanded) tokens make; labels must stand above. */
  private number(tokens: readonly Token[], what: string): bigint {
    return this.evaluate(this.definitions.expand(tokens), what);
  }

  private evaluate(expanded: readonly Token[], what: string): bigint {
    const cursor = new Cursor(expanded);
    if (cursor.done) throw new SourceError(`${what} needs an expression`, 1);
    const used = () => void (this.usedLabels = true);
    const scope: Scope = {
      symbol: (name, column, length) => (used(), this.state.symbol(name, column, length)),
      here: () => (used(), this.state.here()),
      start: () => (used(), this.state.start()),
    };
    const value = evaluate(
      parseExpression(cursor, name => this.qualify(name)),
      scope,
    );
    cursor.expectEnd('the expression');
    if (value.unknown || !isSimple(value))
      throw new SourceError(`${what} must be a plain number that is known above this line`, expanded[0].column);
    return value.number;
  }

  /** Completes local label names; the pass sets it. */
  qualify: (name: string) => string = name => name;

  private directive(directive: string, tokens: Token[], raw: RawLine): void {
    const rest = tokens.slice(1);
    const column = rest[0]?.column ?? tokens[0].column;
    switch (directive) {
      case 'define':
      case 'idefine':
      case 'xdefine':
      case 'ixdefine':
        this.define(directive, rest);
        return;
      case 'undef':
        this.definitions.undefine(this.nameOf(rest, directive));
        return;
      case 'assign':
      case 'iassign': {
        const value = this.number(rest.slice(1), `%${directive}`);
        this.setText(rest, directive, String(value));
        return;
      }
      case 'defstr':
      case 'idefstr':
        this.setText(rest, directive, quote(untokenize(this.definitions.expand(rest.slice(1)))));
        return;
      case 'deftok':
      case 'ideftok':
        this.setText(rest, directive, this.strings(rest, directive).join(''));
        return;
      case 'strlen':
      case 'istrlen':
        this.setText(rest, directive, String([...this.strings(rest, directive).join('')].length));
        return;
      case 'strcat':
      case 'istrcat':
        this.setText(rest, directive, quote(this.strings(rest, directive).join('')));
        return;
      case 'substr':
      case 'isubstr':
        this.substr(rest, directive);
        return;
      case 'macro':
      case 'imacro':
      case 'rmacro':
      case 'irmacro':
        this.capture = {
          macro: parseMacroHeader(rest, directive, raw),
          body: [],
          nesting: 0,
          count: 0,
          at: raw,
        };
        return;
      case 'unmacro':
      case 'unimacro': {
        const name = this.nameOf(rest, directive);
        this.macros.delete(name.toLowerCase());
        return;
      }
      case 'rotate': {
        const call = this.currentCall();
        if (!call) throw new SourceError('%rotate has a meaning only in a macro', column);
        const count = call.parameters.length;
        if (count > 0) {
          const by = Number(BigInt.asIntN(32, this.number(rest, '%rotate')));
          call.rotation = (((call.rotation + by) % count) + count) % count;
        }
        return;
      }
      case 'rep': {
        const count = Number(
          this.number(
            rest.filter(t => t.text.toLowerCase() !== '.nolist'),
            '%rep',
          ),
        );
        if (count > MOST_LINES) throw new SourceError(`%rep ${count} is too much: at most ${MOST_LINES}`, column);
        this.capture = { body: [], nesting: 0, count, at: raw };
        return;
      }
      case 'exitrep':
      case 'exitmacro':
        this.exit(directive === 'exitrep' ? 'rep' : 'macro', directive, column);
        return;
      case 'include':
        this.include(rest, column);
        return;
      case 'error':
      case 'warning':
      case 'fatal':
      case 'note': {
        const text = this.messageText(rest);
        if (directive !== 'note')
          this.problems.report(directive === 'warning' ? 'warning' : 'error', this.place, text, tokens[0].column);
        if (directive === 'fatal') this.stop();
        return;
      }
      case 'push':
        this.contexts.push({ name: rest[0]?.text ?? '', id: ++this.calls });
        return;
      case 'pop':
      case 'repl':
        if (this.contexts.length === 0) throw new SourceError(`%${directive} without a %push before it`, column);
        if (directive === 'pop') this.contexts.pop();
        else this.contexts[this.contexts.length - 1].name = rest[0]?.text ?? '';
        return;
      case 'clear':
      case 'line':
      case 'depend':
      case 'pragma':
        return;
      case 'endmacro':
      case 'endm':
        throw new SourceError('%endmacro without a %macro before it', tokens[0].column);
      case 'endrep':
        throw new SourceError('%endrep without a %rep before it', tokens[0].column);
    }
    if (DIRECTIVES.has(directive))
      throw new SourceError(`%${directive} is not supported by this assembler`, tokens[0].column);
    const near = closest(directive, DIRECTIVES);
    throw new SourceError(
      `unknown preprocessor directive "%${directive}"${near ? `: did you mean "%${near}"?` : ''}`,
      tokens[0].column,
    );
  }

  private nameOf(rest: readonly Token[], directive: string): string {
    const [name] = rest;
    if (!name || name.kind !== 'name') throw new SourceError(`%${directive} needs a name`, name?.column ?? 1);
    return name.text;
  }

  private setText(rest: readonly Token[], directive: string, text: string): void {
    const body = tokenize(text);
    this.definitions.define({ name: this.nameOf(rest, directive), ignoreCase: directive[0] === 'i', body });
  }

  private define(directive: string, rest: Token[]): void {
    const name = this.nameOf(rest, directive);
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
    if (directive.includes('xdefine')) body = this.definitions.expand(body, new Set(parameters?.map(p => p.name)));
    this.definitions.define({ name, ignoreCase: directive[0] === 'i', parameters, greedy, body });
  }

  /** The strings behind the name, as text. */
  private strings(rest: readonly Token[], directive: string): string[] {
    const tokens = this.definitions.expand(rest.slice(1)).filter(t => t.text !== ',');
    const bad = tokens.find(t => t.kind !== 'string');
    if (bad || tokens.length === 0)
      throw new SourceError(`%${directive} needs a string`, bad?.column ?? rest[0]?.column ?? 1);
    return tokens.map(t => stringText(t.text));
  }

  private substr(rest: readonly Token[], directive: string): void {
    const tokens = this.definitions.expand(rest.slice(1));
    const [string, ...more] = tokens;
    if (string?.kind !== 'string') throw new SourceError(`%${directive} needs a string`, rest[0]?.column ?? 1);
    const comma = more.findIndex((t, i) => i > 0 && t.text === ',');
    const first = more[0]?.text === ',' ? 1 : 0;
    const from = Number(this.number(more.slice(first, comma < 0 ? undefined : comma), `%${directive}`));
    const count = comma < 0 ? 1 : Number(this.number(more.slice(comma + 1), `%${directive}`));
    const text = stringText(string.text);
    const end = count < 0 ? text.length + count + 1 : from - 1 + count;
    this.setText(rest, directive, quote(text.slice(Math.max(0, from - 1), Math.max(0, end))));
  }

  private exit(kind: 'rep' | 'macro', directive: string, column: number): void {
    let at = this.frames.length - 1;
    while (at >= 0 && this.frames[at].kind !== kind && this.frames[at].kind !== 'file') at--;
    if (at < 0 || this.frames[at].kind !== kind) throw new SourceError(`%${directive} outside of a %${kind}`, column);
    this.frames.length = at;
  }

  private messageText(rest: Token[]): string {
    const tokens = this.definitions.expand(rest);
    return tokens.length === 1 && tokens[0].kind === 'string'
      ? stringText(tokens[0].text)
      : untokenize(tokens) || 'stopped here';
  }

  private include(rest: Token[], column: number): void {
    const tokens = this.definitions.expand(rest);
    const name = tokens.length === 1 && tokens[0].kind === 'string' ? stringText(tokens[0].text) : untokenize(tokens);
    if (name === '') throw new SourceError('%include needs a file name in quotes', column);
    const path = this.cache.files.resolve(this.place.inner?.file ?? this.place.file, name);
    const chain = this.frames.filter(frame => frame.kind === 'file').map(frame => frame.name);
    if (chain.filter(open => open === path).length >= MOST_SELF_INCLUDES || chain.length > MOST_DEPTH) {
      const first = chain.indexOf(path);
      const second = chain.indexOf(path, first + 1);
      const loop = [...chain.slice(first, second < 0 ? undefined : second), path];
      this.stop();
      throw new SourceError(`%include loop: ${loop.join(' includes ')}; guard the file with %ifndef`, column);
    }
    const lines = this.cache.open(path);
    if (!lines) throw new SourceError(`cannot read the include file "${name}" (looked for ${path})`, column);
    this.frames.push(this.fileFrame(path, lines));
  }

  /** Enters the multi-line macro that the line calls, or passes the line on. */
  private call(tokens: Token[], line: SourceLine): void {
    const found = this.findCall(tokens);
    if (!found) {
      line.tokens = tokens;
      this.pending.push(line);
      return;
    }
    const { at, macro, parameters } = found;
    if (!macro) {
      line.tokens = tokens;
      line.note = found.note;
      this.pending.push(line);
      return;
    }
    if (this.frames.length > MOST_DEPTH)
      throw new SourceError(
        `macros call each other more than ${MOST_DEPTH} deep: does "${macro.name}" call itself?`,
        tokens[at].column,
      );
    const label = tokens.slice(0, at).filter(token => token.text !== ':');
    const usesLabel = macro.body.some(raw => raw.tokens.some(token => token.text === '%00' || token.text === '%{00}'));
    if (label.length > 0 && !usesLabel)
      line.tokens = [label[0], { ...label[0], kind: 'operator', text: ':', space: false }];
    this.pending.push(line);
    this.frames.push({
      kind: 'macro',
      lines: macro.body,
      at: 0,
      conditions: [],
      call: { macro, id: ++this.calls, parameters: parameters!, rotation: 0, label },
      origin: this.place.inner ? { file: this.place.file, line: this.place.line } : this.place,
      name: macro.name,
      repeat: 0,
    });
  }

  /** The macro call in a line: at its start, or behind a label. */
  private findCall(tokens: Token[]): { at: number; macro?: Macro; parameters?: Token[][]; note?: string } | undefined {
    let note: { at: number; note: string } | undefined;
    for (const at of [0, 1, 2]) {
      const token = tokens[at];
      if (token?.kind !== 'name' || token.escaped) {
        if (at === 1 && token?.text === ':') continue;
        return note;
      }
      if (at === 2 && tokens[1].text !== ':') return note;
      const list = (this.macros.get(token.text.toLowerCase()) ?? []).filter(m => nameMatches(m, token.text));
      const rest = tokens.slice(at + 1);
      // `name:` is a label even if there is a macro of that name.
      if (list.length === 0 || (at === 0 && rest[0]?.text === ':' && rest[0].kind === 'operator')) continue;
      for (const macro of list) {
        const parameters = bindParameters(macro, rest);
        // In its own body a macro's name is the instruction of that name, unless the macro may call itself.
        if (parameters && !macro.recursive && this.frames.some(frame => frame.call?.macro === macro)) return undefined;
        if (parameters) return { at, macro, parameters };
      }
      const takes = list.map(m =>
        m.most === m.least ? String(m.least) : `${m.least}-${m.most === Infinity ? '*' : m.most}`,
      );
      note ??= { at, note: `macro "${token.text}" takes ${takes.join(' or ')} parameters` };
    }
    return note;
  }
}

/** The name of the directive that starts a line, without `%`, in lower case. */
function directiveOf(tokens: readonly Token[]): string | undefined {
  const [first] = tokens;
  return first?.kind === 'percent' && /^%[A-Za-z]/.test(first.text) ? first.text.slice(1).toLowerCase() : undefined;
}
