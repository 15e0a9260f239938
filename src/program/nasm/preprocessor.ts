/**
 * The preprocessor: files and macro bodies in, lines to assemble out.
 *
 * It runs line by line together with the pass that assembles its lines, because `%if` and `%assign` may use labels that
 * stand above them. Whether any did is `usedLabels`: if not, its output is the same in every pass.
 */
import { conditionHolds } from './condition';
import { Definitions, pasteTouching } from './definitions';
import { evaluate, parseExpression, type Scope } from './expression';
import { Cursor } from './cursor';
import { parseMacroHeader, substitute, type Invocation, type Macro, type RawLine } from './macro';
import { MacroTable } from './macro-table';
import { Problems, SourceError, type Place } from './problem';
import type { SourceCache } from './source';
import { isStandardMacro } from './keywords';
import { closest } from './suggest';
import { stringText } from './text';
import { defineText, nameOf } from './text-directives';
import { tokenize, untokenize, type Token } from './token';
import { isSimple, type Value } from './value';

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
  /** Where the next byte goes: `$` in a directive. */
  next(): Value;
  tooManyErrors(): boolean;
}

const MOST_LINES = 2_000_000;
const MOST_DEPTH = 400;
const MOST_SELF_INCLUDES = 20;

const DIRECTIVES = new Set(
  (
    'define idefine xdefine ixdefine undef assign iassign defstr idefstr deftok ideftok strlen istrlen substr isubstr strcat istrcat ' +
    'macro imacro rmacro irmacro endmacro endm unmacro unimacro rotate rep endrep exitrep exitmacro include error warning fatal push pop repl ' +
    'else endif clear line use depend pragma pathsearch arg local stacksize note if elif'
  ).split(' '),
);

export class Preprocessor {
  readonly definitions: Definitions;
  /** True once a directive asked for the value of a label. */
  usedLabels = false;
  private readonly macros = new MacroTable();
  private readonly frames: Frame[] = [];
  private readonly contexts: { name: string; id: number }[] = [];
  /** Lines put in front of what is read next. */
  private readonly pending: SourceLine[] = [];
  /** The body being collected; one whose header is wrong has no macro or a count of 0. */
  private capture?: {
    kind: 'macro' | 'rep';
    macro?: Macro;
    body: RawLine[];
    nesting: number;
    count: number;
    at: RawLine;
  };
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
      if (this.stopped || this.problems.tooMany || this.state.tooManyErrors()) return undefined;
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
          // Directives are listed where they stand, not again in every expansion.
          if (line.depth === 0) this.pending.push(line);
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
      const { kind, macro, at } = this.capture;
      const what = kind === 'macro' ? `%macro ${macro?.name ?? ''}` : '%rep';
      this.problems.report(
        'error',
        { file: at.file, line: at.line },
        `${what} is never closed with ${kind === 'macro' ? '%endmacro' : '%endrep'}`,
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
    const opens = capture.kind === 'macro' ? ['macro', 'imacro', 'rmacro', 'irmacro'] : ['rep'];
    const closes = capture.kind === 'macro' ? ['endmacro', 'endm'] : ['endrep'];
    if (directive !== undefined && opens.includes(directive)) capture.nesting++;
    if (directive !== undefined && closes.includes(directive) && capture.nesting-- === 0) {
      this.capture = undefined;
      if (capture.macro) this.macros.add({ ...capture.macro, body: capture.body });
      else if (capture.kind === 'rep') this.enterRep(capture.body, capture.count);
      return;
    }
    capture.body.push(raw);
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
      // While its condition is evaluated, and should that fail, no branch is taken.
      const entry: Condition = { emitting: false, decided: true, inElse: false };
      stack.push(entry);
      if (!skipped) entry.emitting = entry.decided = this.holds(directive.slice(2), tokens);
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
      // NASM's own directives are macros to it.
      isMacro: header => isStandardMacro(header[0].text) || this.macros.has(header),
      context: () => this.contexts[this.contexts.length - 1]?.name,
    });
  }

  /** The number that the (unexpanded) tokens make; labels must stand above. */
  number(tokens: readonly Token[], what: string): bigint {
    return this.evaluate(this.definitions.expand(tokens), what);
  }

  private evaluate(expanded: readonly Token[], what: string): bigint {
    const cursor = new Cursor(expanded);
    if (cursor.done) throw new SourceError(`${what} needs an expression`, 1);
    const used = () => void (this.usedLabels = true);
    const scope: Scope = {
      symbol: (name, column, length) => (used(), this.state.symbol(name, column, length)),
      here: () => (used(), this.state.next()),
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
    if (defineText(directive, rest, this)) return;
    switch (directive) {
      case 'macro':
      case 'imacro':
      case 'rmacro':
      case 'irmacro':
        this.capture = { kind: 'macro', body: [], nesting: 0, count: 0, at: raw };
        this.capture.macro = parseMacroHeader(rest, directive, raw);
        return;
      case 'unmacro':
      case 'unimacro':
        this.macros.remove(nameOf(rest, directive));
        return;
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
        this.capture = { kind: 'rep', body: [], nesting: 0, count: 0, at: raw };
        const count = Number(
          this.number(
            rest.filter(t => t.text.toLowerCase() !== '.nolist'),
            '%rep',
          ),
        );
        if (count > MOST_LINES) throw new SourceError(`%rep ${count} is too much: at most ${MOST_LINES}`, column);
        this.capture.count = count;
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
    const found = this.macros.findCall(tokens, macro => this.frames.some(frame => frame.call?.macro === macro));
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
      origin: this.place.inner
        ? { ...this.place, inner: undefined }
        : { ...this.place, column: tokens[at].column, endColumn: tokens[at].column + tokens[at].text.length },
      name: macro.name,
      repeat: 0,
    });
  }
}

/** The name of the directive that starts a line, without `%`, in lower case. */
function directiveOf(tokens: readonly Token[]): string | undefined {
  const [first] = tokens;
  return first?.kind === 'percent' && /^%[A-Za-z]/.test(first.text) ? first.text.slice(1).toLowerCase() : undefined;
}
