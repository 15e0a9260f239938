/** Directives: `bits`, `org`, `section`, `struc`, ... */
import { Cursor } from './cursor';
import { evaluate, parseExpression, type Expression } from './expression';
import type { Pass } from './pass';
import { SourceError } from './problem';
import { parseStatement, type Body } from './statement';
import { untokenize, type Token } from './token';
import { add, isSimple, ZERO, type Value } from './value';

type Directive = Extract<Body, { kind: 'directive' }>;

/** Changes the state of the pass as the directive says. */
export function carryOut(pass: Pass, directive: Directive): void {
  const { name, rest, column } = directive;
  const cursor = new Cursor(rest);
  const missing = rest.length === 0;
  switch (name) {
    case 'bits':
      setBits(pass, Number(plain(pass, cursor, '"bits"', column)), column);
      return;
    case 'use16':
    case 'use32':
    case 'use64':
      setBits(pass, Number(name.slice(3)), column);
      return;
    case 'org': {
      const value = plain(pass, cursor, '"org"', column);
      if (pass.origin && pass.origin.value !== value)
        throw new SourceError(`a second "org": the first is in line ${pass.origin.place.line}`, column);
      pass.origin = { value, place: pass.place };
      return;
    }
    case 'default':
      setDefaults(pass, rest, column);
      return;
    case 'section':
    case 'segment':
      section(pass, cursor, column);
      return;
    case 'absolute': {
      if (missing) throw new SourceError('"absolute" needs an address', column);
      pass.absolute = evaluate(
        parseExpression(cursor, n => pass.qualify(n)),
        pass,
      );
      pass.section = undefined;
      return;
    }
    case 'sectalign':
      return sectionAlign(pass, cursor, column);
    case 'struc':
      return beginStructure(pass, cursor, column);
    case 'endstruc':
      return endStructure(pass, column);
    case 'istruc':
      return beginInstance(pass, cursor, column);
    case 'at':
      return field(pass, cursor, column);
    case 'iend':
      return endInstance(pass, column);
    case 'extern':
    case 'required':
      // Only its use is an error, as in NASM.
      for (const token of rest) if (token.kind === 'name') pass.externals.add(token.text);
      return;
    case 'common':
    case 'import':
      throw new SourceError(`"${name}" needs a linker; a flat binary must define "${untokenize(rest)}" itself`, column);
    // Meaningful to linkers, listings and warnings only.
    case 'global':
    case 'static':
    case 'cpu':
    case 'float':
    case 'map':
    case 'list':
    case 'warning':
    case 'debug':
      return;
  }
  throw new SourceError(`the directive "${name}" has no meaning in a flat binary`, column);
}

function setBits(pass: Pass, bits: number, column: number): void {
  if (bits !== 16 && bits !== 32 && bits !== 64)
    throw new SourceError(`"bits" must be 16, 32 or 64, not ${bits}`, column);
  pass.bitsNow = bits;
}

/** The single number behind a directive. */
function plain(pass: Pass, cursor: Cursor, what: string, column: number): bigint {
  if (cursor.done) throw new SourceError(`${what} needs a number`, column);
  const value = pass.number(
    parseExpression(cursor, n => pass.qualify(n)),
    what,
    cursor.tokens[0].column,
  );
  cursor.expectEnd('the number');
  return value;
}

function setDefaults(pass: Pass, rest: readonly Token[], column: number): void {
  for (const token of rest) {
    const word = token.text.toLowerCase();
    if (word === 'rel') pass.defaultRelative = true;
    else if (word === 'abs') pass.defaultRelative = false;
    else if (!/^(no)?bnd$|^,$/.test(word))
      throw new SourceError(`"default" knows rel and abs, not "${token.text}"`, token.column);
  }
  if (rest.length === 0) throw new SourceError('"default" needs rel or abs', column);
}

function section(pass: Pass, cursor: Cursor, column: number): void {
  if (cursor.done) throw new SourceError('"section" needs a name', column);
  const name = cursor.next().text.replace(/^(["'`])(.*)\1$/, '$2');
  const target = pass.sectionNamed(name);
  const { attributes } = target;
  while (!cursor.done) {
    const token = cursor.next();
    const word = token.text.toLowerCase();
    if (word === 'nobits' || word === 'progbits') {
      if (target.size > 0 && target.noBits !== (word === 'nobits'))
        throw new SourceError(`section ${name} cannot become ${word} after it has content`, token.column);
      target.noBits = word === 'nobits';
      continue;
    }
    // Attributes of formats with a linker are accepted without an effect.
    if (
      ['exec', 'noexec', 'write', 'nowrite', 'alloc', 'noalloc', 'code', 'data', 'bss', 'text', 'rdata'].includes(word)
    )
      continue;
    if (!cursor.take('=')) throw new SourceError(`unknown section attribute "${token.text}"`, token.column);
    if (word === 'follows') attributes.follows = cursor.next().text;
    else if (word === 'vfollows') attributes.vfollows = cursor.next().text;
    else if (word === 'align' || word === 'start' || word === 'vstart' || word === 'valign') {
      const value = pass.number(
        parseExpression(cursor, n => pass.qualify(n)),
        `"${word}="`,
        token.column,
      );
      if (word === 'align' || word === 'valign') {
        if (value <= 0n || (value & (value - 1n)) !== 0n)
          throw new SourceError(`an alignment must be a power of two, not ${value}`, token.column);
        attributes[word] = Number(value);
      } else attributes[word] = value;
    } else throw new SourceError(`unknown section attribute "${token.text}"`, token.column);
  }
  pass.section = target;
}

function sectionAlign(pass: Pass, cursor: Cursor, column: number): void {
  const word = cursor.word();
  if (word === 'on' || word === 'off') return;
  const amount = Number(plain(pass, cursor, '"sectalign"', column));
  if (pass.section && amount > (pass.section.attributes.align ?? 1)) pass.section.attributes.align = amount;
}

function name(cursor: Cursor, directive: string, column: number): string {
  const token = cursor.token;
  if (token?.kind !== 'name') throw new SourceError(`"${directive}" needs the name of a structure`, column);
  cursor.at++;
  return token.text;
}

/** `struc NAME[, OFFSET]`: labels up to `endstruc` are offsets. */
function beginStructure(pass: Pass, cursor: Cursor, column: number): void {
  if (pass.structure)
    throw new SourceError(`"struc" inside of struc ${pass.structure.name}: close that with endstruc`, column);
  const label = name(cursor, 'struc', column);
  let offset: Value = ZERO;
  if (cursor.take(','))
    offset = evaluate(
      parseExpression(cursor, n => pass.qualify(n)),
      pass,
    );
  pass.structure = { name: label, suspended: { section: pass.section, absolute: pass.absolute } };
  pass.section = undefined;
  pass.absolute = offset;
  pass.define(label, offset, 'constant', column);
  pass.setParent(label);
}

function endStructure(pass: Pass, column: number): void {
  if (!pass.structure) throw new SourceError('"endstruc" without "struc"', column);
  const { name: label, suspended } = pass.structure;
  const size = add(pass.absolute, pass.symbols.get(label)?.value ?? ZERO, -1n);
  pass.structure = undefined;
  pass.section = suspended.section;
  pass.absolute = suspended.absolute;
  pass.define(label + '_size', size, 'constant', column);
}

/** `istruc NAME`: `at FIELD, ...` lines up to `iend` fill an instance. */
function beginInstance(pass: Pass, cursor: Cursor, column: number): void {
  if (pass.instance)
    throw new SourceError(`"istruc" inside of istruc ${pass.instance.name}: close that with iend`, column);
  pass.instance = { name: name(cursor, 'istruc', column), start: pass.here() };
}

/** Zeros up to `offset` bytes behind the start of the instance. */
function padTo(pass: Pass, offset: Value, what: string, column: number): void {
  if (offset.unknown) return;
  const filled = add(pass.here(), pass.instance!.start, -1n);
  const gap = add(offset, filled, -1n);
  if (!isSimple(gap)) throw new SourceError(`${what} is not an offset in the structure`, column);
  if (gap.number < 0n)
    throw new SourceError(
      `${what} lies ${-gap.number} bytes before this place: the content before it is too long`,
      column,
    );
  const zero: Body = { kind: 'data', bytes: 1, items: [{ kind: 'bytes', bytes: [0] }] };
  if (gap.number > 0n) pass.emit(zero, Number(gap.number), column);
}

const symbol = (text: string, column: number): Expression => ({
  kind: 'symbol',
  name: text,
  column,
  length: text.length,
});

function field(pass: Pass, cursor: Cursor, column: number): void {
  if (!pass.instance) throw new SourceError('"at" without "istruc"', column);
  const { name: structure } = pass.instance;
  const token = cursor.token;
  const local = token?.kind === 'name' && token.text[0] === '.' && token.text[1] !== '.';
  const expression = parseExpression(cursor, n => (local && n === token.text ? structure + n : pass.qualify(n)));
  const offset = add(evaluate(expression, pass), evaluate(symbol(structure, column), pass), -1n);
  padTo(pass, offset, `"${token!.text}"`, column);
  if (!cursor.take(',')) {
    cursor.expectEnd('the field');
    return;
  }
  const content = parseStatement(cursor.tokens.slice(cursor.at), { qualify: n => pass.qualify(n) });
  pass.run(content, pass.place, pass.line);
}

function endInstance(pass: Pass, column: number): void {
  if (!pass.instance) throw new SourceError('"iend" without "istruc"', column);
  padTo(pass, evaluate(symbol(pass.instance.name + '_size', column), pass), 'the end of the structure', column);
  pass.instance = undefined;
}
