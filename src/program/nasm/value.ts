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
  /** Set by a register that stands alone: the base of an address, when two registers could be it. */
  base?: string;
  /** Set by `reg*1`: this register shall not be the base. */
  notBase?: string;
  /** A register was added to itself: `rax+rax` stays two registers even under `nosplit`. */
  summed?: boolean;
}

const NO_TERMS: readonly Term[] = [];

export const wrap = (n: bigint): bigint => BigInt.asIntN(64, n);
export const unsigned = (n: bigint): bigint => BigInt.asUintN(64, n);

export function constant(n: bigint): Value {
  return { number: wrap(n), terms: NO_TERMS, unknown: false };
}
export const ZERO = constant(0n);
export const UNKNOWN: Value = { number: 0n, terms: NO_TERMS, unknown: true };

export function inSection(section: string, offset: bigint): Value {
  return { number: offset, terms: [{ key: '@' + section, factor: 1n }], unknown: false };
}
export function register(name: string): Value {
  return { number: 0n, terms: [{ key: name, factor: 1n }], unknown: false, base: name };
}

/** A number and nothing else. */
export const isSimple = (v: Value): boolean => v.terms.length === 0;
/** The section of a value "section start + number", or undefined for anything else. */
export function sectionOf(v: Value): string | undefined {
  const [term] = v.terms;
  return v.terms.length === 1 && term.key[0] === '@' && term.factor === 1n ? term.key.slice(1) : undefined;
}
export const hasRegister = (v: Value): boolean => v.terms.some(term => term.key[0] !== '@');

/** a + factor*b. */
export function add(a: Value, b: Value, factor = 1n): Value {
  const terms = a.terms.map(term => ({ ...term }));
  let summed = false;
  for (const { key, factor: f } of b.terms) {
    const found = terms.find(term => term.key === key);
    if (found) {
      found.factor += f * factor;
      summed = true;
    } else terms.push({ key, factor: f * factor });
  }
  return {
    number: wrap(a.number + b.number * factor),
    terms: terms.filter(term => term.factor !== 0n),
    unknown: a.unknown || b.unknown,
    base: a.base ?? (a.notBase === undefined ? b.base : undefined),
    notBase: a.notBase ?? (a.base === undefined ? b.notBase : undefined),
    ...(summed ? { summed } : {}),
  };
}

/** value * factor, where `value` may hold registers. */
export function scale(value: Value, factor: bigint): Value {
  return {
    number: wrap(value.number * factor),
    terms: factor === 0n ? NO_TERMS : value.terms.map(({ key, factor: f }) => ({ key, factor: f * factor })),
    unknown: value.unknown,
    notBase: value.terms[0]?.key,
  };
}
