/** One pass over the program: evaluates every statement with the labels known so far and fills the sections. */
import { assembleInstruction } from './choose';
import { encodeData } from './data';
import { carryOut } from './directives';
import type { Encoded } from './fields';
import { prefixBytes } from './prefixes';
import { evaluate, type Expression, type Scope } from './expression';
import { evaluateOperand, valuesOf } from './operand';
import { Problems, SourceError, type Place } from './problem';
import { Section } from './section';
import type { Body, Statement } from './statement';
import { closest } from './suggest';
import { constant, inSection, isSimple, sectionOf, UNKNOWN, type Value } from './value';
import type { SourceFiles } from '../program';

export interface SymbolEntry {
  name: string;
  value: Value;
  kind: 'code' | 'data' | 'constant';
  place: Place;
  column: number;
}

/** Bytes that one statement made, for lines and listing. */
export interface Row {
  section: Section | undefined;
  offset: number;
  bytes: number;
  code: boolean;
  place: Place;
  column: number;
  /** Index of the source line. */
  line: number;
  /** For the listing: how often the bytes repeat, and whether they are reserved or from a file. */
  repeat: number;
  special?: 'res' | 'bin';
}

/** The state of `struc`, which suspends the section. */
interface Suspended {
  section: Section | undefined;
  absolute: Value;
}

const MOST_TIMES = 1 << 28;

export class Pass implements Scope {
  readonly symbols = new Map<string, SymbolEntry>();
  readonly sections = new Map<string, Section>();
  readonly rows: Row[] = [];
  section: Section | undefined;
  /** The place in an `absolute` part or a `struc`. */
  absolute: Value = constant(0n);
  bitsNow = 16;
  /** The mode of the first instruction or, without one, of the start. */
  bitsAtStart: number | undefined;
  defaultRelative = false;
  origin: { value: bigint; place: Place } | undefined;
  /** Symbols that had no value anywhere yet. */
  unresolved = false;
  structure?: { name: string; suspended: Suspended };
  instance?: { name: string; start: Value };
  place: Place = { file: '', line: 0 };
  line = 0;
  /** Names declared `extern`. */
  readonly externals = new Set<string>();
  private parent = '';
  private hereNow: Value = constant(0n);
  /** Labels whose kind the next statement decides. */
  private undecided: SymbolEntry[] = [];

  /**
   * @param before labels of the pass before this, if there was one
   * @param strict true when every symbol must have a value
   */
  constructor(
    readonly files: SourceFiles,
    readonly problems: Problems,
    private readonly before: Pass | undefined,
    private readonly strict: boolean,
  ) {
    this.section = this.sectionNamed('.text');
  }

  bits(): number {
    return this.bitsNow;
  }
  tooManyErrors(): boolean {
    return this.problems.tooMany;
  }
  here(): Value {
    return this.hereNow;
  }
  start(): Value {
    return this.section ? inSection(this.section.name, 0n) : constant(0n);
  }

  sectionNamed(name: string): Section {
    let section = this.sections.get(name);
    if (!section) this.sections.set(name, (section = new Section(name)));
    return section;
  }

  /** `.x` belongs to the last label without a dot; `..@x` belongs to none. */
  qualify(name: string): string {
    return name[0] === '.' && name[1] !== '.' ? this.parent + name : name;
  }

  symbol(name: string, column: number, length: number): Value {
    const known = this.symbols.get(name) ?? this.before?.symbols.get(name);
    if (known) return known.value;
    const attribute = /^section\.(.+)\.(start|vstart|length)$/.exec(name);
    if (attribute) {
      const prefix = attribute[2] === 'vstart' ? '' : attribute[2] + ':';
      return inSection(prefix + attribute[1], 0n);
    }
    this.unresolved = true;
    if (!this.strict) return UNKNOWN;
    if (this.externals.has(name))
      throw new SourceError(
        `"${name}" is extern, but a flat binary is not linked: define it in this program`,
        column,
        column + length,
      );
    const near = closest(name, this.symbols.keys());
    throw new SourceError(
      `"${name}" is not defined${near ? `: did you mean "${near}"?` : ''}`,
      column,
      column + length,
    );
  }

  /** True when a label has another value than in the pass before. */
  differsFrom(before: Pass): boolean {
    if (this.symbols.size !== before.symbols.size) return true;
    for (const [name, { value }] of this.symbols) {
      const old = before.symbols.get(name)?.value;
      if (!old || !same(old, value)) return true;
    }
    for (const [name, section] of this.sections) if (before.sections.get(name)?.size !== section.size) return true;
    return false;
  }

  /** A plain number that is known now, for directives. */
  number(expression: Expression, what: string, column: number): bigint {
    const value = evaluate(expression, this);
    if (value.unknown) return 0n;
    if (!isSimple(value)) throw new SourceError(`${what} must be a number, not an address`, column);
    return value.number;
  }

  /** Assembles one statement; errors go to `problems`. */
  run(statement: Statement, place: Place, line: number): void {
    this.place = place;
    this.line = line;
    this.hereNow = this.next();
    try {
      if (statement.warning) this.problems.report('warning', place, statement.warning, statement.column);
      if (statement.label) this.defineLabel(statement);
      this.runBody(statement);
    } catch (e) {
      if (!(e instanceof SourceError)) throw e;
      this.problems.report('error', place, e.message, e.column ?? statement.column, e.endColumn);
    }
  }

  next(): Value {
    return this.section ? inSection(this.section.name, BigInt(this.section.size)) : this.absolute;
  }

  define(name: string, value: Value, kind: SymbolEntry['kind'], column: number, length = name.length): SymbolEntry {
    const other = this.symbols.get(name);
    if (other && !(kind === 'constant' && other.kind === 'constant' && same(other.value, value))) {
      const where =
        other.place.file === this.place.file ? `line ${other.place.line}` : `${other.place.file}:${other.place.line}`;
      throw new SourceError(`"${name}" is already defined in ${where}`, column, column + length);
    }
    const entry: SymbolEntry = { name, value, kind, place: this.place, column };
    this.symbols.set(name, entry);
    return entry;
  }

  private defineLabel(statement: Statement): void {
    const { name, column, length } = statement.label!;
    const constantValue = statement.body.kind === 'equ';
    // A constant is no parent: local labels behind it still belong to the label before.
    if (!constantValue) this.setParent(name);
    const value = statement.body.kind === 'equ' ? evaluate(statement.body.value, this) : this.hereNow;
    if (value.terms.length > 1 || (value.terms.length === 1 && sectionOf(value) === undefined))
      throw new SourceError(`"${name}" cannot be a register or a sum of labels`, column, column + length);
    const plain = constantValue || (this.section === undefined && isSimple(value));
    const entry = this.define(name, value, plain ? 'constant' : 'code', column, length);
    if (!plain) this.undecided.push(entry);
  }

  /** Makes `name` the parent of the local labels that follow, if it can be one. */
  setParent(name: string): void {
    if (!name.includes('.', 1) && name[0] !== '.') this.parent = name;
  }

  private runBody(statement: Statement): void {
    const { body } = statement;
    if (body.kind === 'empty' || body.kind === 'equ') return;
    if (body.kind === 'directive') {
      if (statement.times)
        throw new SourceError(`"times" cannot repeat the directive "${body.name}"`, statement.times.column);
      carryOut(this, body);
      return;
    }
    let count = 1;
    if (statement.times) {
      const n = this.number(statement.times.count, 'the count of "times"', statement.times.column);
      if (n < 0n) {
        if (!this.strict) return;
        throw new SourceError(
          `"times" has a negative count (${n}): what stands before is ${-n} bytes too long`,
          statement.times.column,
        );
      }
      // NASM keeps the count in 32 bits: `times ((a-b)>>31)+1` is its idiom for "if a equals b".
      const kept = BigInt.asIntN(32, n);
      if (kept > BigInt(MOST_TIMES)) throw new SourceError(`"times ${n}" is too much`, statement.times.column);
      count = Math.max(0, Number(kept));
    }
    this.emit(body, count, statement.column);
  }

  /** Emits a statement `count` times. */
  emit(body: Body, count: number, column: number): void {
    if (body.kind === 'align') {
      this.align(body);
      return;
    }
    const code = body.kind === 'instruction' || body.kind === 'prefixes';
    if (code) this.bitsAtStart ??= this.bitsNow;
    for (const label of this.undecided) label.kind = code ? 'code' : 'data';
    this.undecided = [];
    if (body.kind === 'reserve') {
      const elements = this.number(body.count, 'the number of elements', body.column);
      if (elements < 0n) throw new SourceError(`cannot reserve ${elements} elements`, body.column);
      this.reserve(Number(elements) * body.bytes * count, column);
      return;
    }
    const from = this.section?.size ?? 0;
    let repeat = count;
    let piece: Encoded | undefined;
    for (let i = 0; i < count; i++) {
      if (i > 0 && piece!.fixups.length === 0 && piece!.bytes.length > 0 && body.kind !== 'instruction') {
        this.fill(piece!.bytes, count - i);
        break;
      }
      piece = this.encodeBody(body);
      if (!piece) return;
      this.append(piece, code);
      if (i > 0 && body.kind === 'instruction' && body.fixed && piece.fixups.length === 0 && !isBranch(body)) {
        this.fill(piece.bytes, count - i - 1);
        break;
      }
    }
    if (count === 0) repeat = 0;
    this.addRow(from, code, column, repeat, body.kind === 'incbin' ? 'bin' : undefined);
  }

  private fill(bytes: Uint8Array, count: number): void {
    if (count <= 0) return;
    if (!this.section) {
      this.absolute = { ...this.absolute, number: this.absolute.number + BigInt(bytes.length * count) };
      return;
    }
    this.section.appendRepeated(bytes, count);
  }

  private addRow(from: number, code: boolean, column: number, repeat: number, special?: Row['special']): void {
    if (!this.section || this.section.size === from) return;
    const { place, line, section } = this;
    this.rows.push({ section, offset: from, bytes: section.size - from, code, place, column, line, repeat, special });
  }

  private append(piece: Encoded, code: boolean): void {
    if (!this.section) {
      if (code || piece.bytes.length > 0)
        throw new SourceError('only reservations (resb, ...) may stand in an absolute part or a struc');
      return;
    }
    if (this.section.noBits && piece.bytes.length > 0)
      this.problems.report('warning', this.place, `section ${this.section.name} has no bits: this content is dropped`);
    this.section.append(piece.bytes, this.section.noBits ? [] : piece.fixups);
  }

  reserve(bytes: number, column: number): void {
    if (!this.section) {
      this.absolute = { ...this.absolute, number: this.absolute.number + BigInt(bytes) };
      return;
    }
    const from = this.section.size;
    this.section.reserve(bytes);
    this.addRow(from, false, column, 1, 'res');
  }

  private align(body: Extract<Body, { kind: 'align' }>): void {
    const amount = this.number(body.amount, 'the alignment', body.column);
    if (amount <= 0n) {
      if (!this.strict) return;
      throw new SourceError(`cannot align to ${amount}`, body.column);
    }
    const power = (amount & (amount - 1n)) === 0n;
    if (!power) throw new SourceError(`an alignment must be a power of two, not ${amount}`, body.column);
    if (this.section && amount > BigInt(this.section.attributes.align ?? 1))
      this.section.attributes.align = Number(amount);
    const offset = this.section ? BigInt(this.section.size) : this.absolute.number;
    const gap = Number((amount - (offset % amount)) % amount);
    if (gap === 0) return;
    if (this.section?.noBits || !this.section) this.reserve(gap, body.column);
    else this.emit(body.fill, gap, body.column);
  }

  /** Encodes an instruction, or takes what it was before when nothing that it depends on has changed. */
  private encodeInstruction(body: Extract<Body, { kind: 'instruction' }>): Encoded {
    const state = {
      bits: this.bitsNow,
      section: this.section?.name ?? '',
      offset: this.section?.size ?? Number(this.absolute.number),
      defaultRelative: this.defaultRelative,
    };
    const { cached } = body;
    const sameMode = cached?.state.bits === state.bits && cached.state.defaultRelative === state.defaultRelative;
    const free = body.fixed && !isBranch(body);
    if (cached && sameMode && free) return cached.encoded;
    const operands = body.operands.map(operand => evaluateOperand(operand, this));
    const values = operands.flatMap(valuesOf);
    const samePlace = cached?.state.offset === state.offset && cached.state.section === state.section;
    if (cached && sameMode && samePlace && values.every((value, i) => same(value, cached.values[i])))
      return cached.encoded;
    const encoded = assembleInstruction(body.mnemonic, operands, body.prefixes, state);
    body.cached = { state, values, encoded };
    return encoded;
  }

  private encodeBody(body: Body): Encoded | undefined {
    switch (body.kind) {
      case 'instruction': {
        const encoded = this.encodeInstruction(body);
        if (encoded.problem && this.strict)
          this.problems.report('error', this.place, encoded.problem, body.operands[0]?.column);
        if (encoded.warning) this.problems.report('warning', this.place, encoded.warning, body.operands[0]?.column);
        return encoded;
      }
      case 'prefixes':
        return { bytes: Uint8Array.from(prefixBytes(body.prefixes, this.bitsNow)), fixups: [] };
      case 'data':
        return encodeData(body.items, body.bytes, this);
      case 'incbin':
        return { bytes: this.fileBytes(body), fixups: [] };
      default:
        return undefined;
    }
  }

  private fileBytes(body: Extract<Body, { kind: 'incbin' }>): Uint8Array {
    const path = this.files.resolve(this.place.inner?.file ?? this.place.file, body.path);
    const bytes = this.files.read(path);
    if (!bytes) throw new SourceError(`cannot read the file "${body.path}" (looked for ${path})`, body.column);
    const from = body.from ? Number(this.number(body.from, 'the offset', body.column)) : 0;
    if (from > bytes.length)
      throw new SourceError(`"${body.path}" has ${bytes.length} bytes: it ends before offset ${from}`, body.column);
    const most = body.length ? Number(this.number(body.length, 'the length', body.column)) : bytes.length;
    return bytes.subarray(from, Math.min(bytes.length, from + most));
  }
}

const same = (a: Value, b: Value) =>
  a.number === b.number &&
  a.unknown === b.unknown &&
  a.terms.length === b.terms.length &&
  a.terms.every((term, i) => term.key === b.terms[i].key && term.factor === b.terms[i].factor);

function isBranch(body: Extract<Body, { kind: 'instruction' }>): boolean {
  return body.mnemonic.encodings.some(encoding => encoding.operands.some(rule => rule.branch));
}
