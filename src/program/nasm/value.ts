/**
 * Values of expressions: a 64-bit number, or a sum of a number, registers and section starts.
 *
 * In a flat binary a label is "start of its section + offset", and the starts are known only when all sections have
 * their length. So a label keeps its section as a term, label differences within a section lose it, and what is left
 * is patched at the end. Registers are terms too: `[rbx + 4*rcx + 8]` is one sum.
 */

export interface Term {
  /** `@NAME` for the start of section NAME, otherwise a register in lower case. */
  key: string;
  factor: bigint;
}

export interface Value {
  /** The constant part, as a signed 64-bit number. */
  number: bigint;
  /** In the order of their first appearance; none has factor 0. */
  terms: readonly Term[];
  /** True when a symbol in it has no value yet in this pass: sizes may be assumed optimistically. */
  unknown: boolean;
  /** True when a number takes part in the sum, even 0: adding another then adds two numbers. */
  hasNumber: boolean;
}

/**
 * What the evaluator noticed about the registers of an address, on its way from left to right: how NASM decides which
 * register is the base when two could be.
 */
export interface Hint {
  /** `base`: the register that came first; `notBase`: it was multiplied; `summed`: two numbers or the same register were added, and nothing holds. */
  kind: 'none' | 'base' | 'notBase' | 'summed';
  register?: string;
}

const NO_TERMS: readonly Term[] = [];

export const wrap = (n: bigint): bigint => BigInt.asIntN(64, n);
export const unsigned = (n: bigint): bigint => BigInt.asUintN(64, n);

export function constant(n: bigint): Value {
  return { number: wrap(n), terms: NO_TERMS, unknown: false, hasNumber: true };
}
export const ZERO = constant(0n);
export const UNKNOWN: Value = { number: 0n, terms: NO_TERMS, unknown: true, hasNumber: true };

export function inSection(section: string, offset: bigint): Value {
  return { number: offset, terms: [{ key: '@' + section, factor: 1n }], unknown: false, hasNumber: true };
}
export function register(name: string): Value {
  return { number: 0n, terms: [{ key: name, factor: 1n }], unknown: false, hasNumber: false };
}

/** A number and nothing else. */
export const isSimple = (v: Value): boolean => v.terms.length === 0 || v.terms.every(term => term.factor === 0n);
/** The section of a value "section start + number", or undefined for anything else. */
export function sectionOf(v: Value): string | undefined {
  const [term] = v.terms;
  return v.terms.length === 1 && term.key[0] === '@' && term.factor === 1n ? term.key.slice(1) : undefined;
}

/** The section starts in "number + start of one section - start of another", or undefined for any other sum. */
export function sectionsOf(v: Value): { add?: string; subtract?: string } | undefined {
  const found: { add?: string; subtract?: string } = {};
  for (const { key, factor } of v.terms) {
    if (factor === 0n) continue;
    const role = factor === 1n ? 'add' : factor === -1n ? 'subtract' : undefined;
    if (key[0] !== '@' || role === undefined || found[role] !== undefined) return undefined;
    found[role] = key.slice(1);
  }
  return found;
}

/** a + factor*b. */
export function add(a: Value, b: Value, factor = 1n, hint?: Hint): Value {
  const number = wrap(a.number + b.number * factor);
  let hasNumber = a.hasNumber || b.hasNumber;
  let summed = false;
  if (a.hasNumber && b.hasNumber) summed = hasNumber = number !== 0n;
  let terms: Term[] = a.terms as Term[];
  if (b.terms.length > 0) {
    terms = terms.map(term => ({ ...term }));
    for (const { key, factor: f } of b.terms) {
      const found = terms.find(term => term.key === key);
      if (!found) terms.push({ key, factor: f * factor });
      else if ((found.factor += f * factor) !== 0n) summed = true;
      else terms.splice(terms.indexOf(found), 1);
    }
  }
  if (hint && summed) hint.kind = 'summed';
  return { number, terms, unknown: a.unknown || b.unknown, hasNumber };
}

/** value * factor, where `value` may hold registers; one that is multiplied by 0 remains, without an effect. */
export function scale(value: Value, factor: bigint, hint?: Hint): Value {
  if (hint?.kind === 'base' && value.terms.some(term => term.key === hint.register)) hint.kind = 'notBase';
  return {
    number: wrap(value.number * factor),
    terms: value.terms.map(({ key, factor: f }) => ({ key, factor: f * factor })),
    unknown: value.unknown,
    hasNumber: value.hasNumber,
  };
}
