/**
 * Effective addresses: from a sum of registers and numbers to base, index, scale and displacement.
 *
 * The choices where several encodings mean the same are NASM's: the register that stands first and alone is the base,
 * `[2*rax]` becomes `[rax+rax]` unless `nosplit`, `[3*rax]` becomes `[rax+2*rax]`, ESP is never an index.
 */
import { Register } from 'iced-x86';
import type { OperandValue } from './operand';
import { SourceError } from './problem';
import { registerNamed, type RegisterInfo } from './registers';
import { add, isSimple, sectionsOf, type Value } from './value';

export interface Address {
  base: Register;
  index: Register;
  /** 1, 2, 4 or 8. */
  scale: number;
  /** The constant part; its section term, if any, is patched when sections are placed. */
  displacement: Value;
  /** Bytes of the displacement field: 0, 1, 2, 4 or 8. */
  displacementBytes: number;
  /** Address size in bits. */
  bits: number;
  ripRelative: boolean;
  segment?: RegisterInfo;
  /** True for `[number]` without registers, which may use the moffs forms. */
  direct: boolean;
  /** True when the source gave the displacement a full size. */
  forced: boolean;
  /** Explicit `[qword ...]`. */
  wide: boolean;
}

type Memory = Extract<OperandValue, { kind: 'memory' }>;

interface Part {
  register: RegisterInfo;
  factor: number;
}

/** Splits the value of `[...]` into parts. `vsib` allows a vector register as the index. */
export function resolveAddress(operand: Memory, bits: number, defaultRelative: boolean, vsib: boolean): Address {
  const fail = (message: string): never => {
    throw new SourceError(message, operand.column, operand.endColumn);
  };
  let value = operand.address;
  if (operand.index) value = add(value, operand.index);
  const parts: Part[] = [];
  const sections: Value['terms'][number][] = [];
  for (const term of value.terms) {
    if (term.key[0] === '@') {
      sections.push(term);
      continue;
    }
    const register = registerNamed(term.key)!;
    if (term.factor === 0n) continue;
    if (term.factor < 1n || term.factor > 9n)
      fail(`"${register.name}" cannot be multiplied by ${term.factor} in an address`);
    parts.push({ register, factor: Number(term.factor) });
  }
  if (parts.length > 2) fail('an address can have at most a base and an index register');
  const displacement: Value = { number: value.number, terms: sections, unknown: value.unknown, hasNumber: true };
  if (!sectionsOf(displacement)) fail('an address can hold one label (or a difference of labels in the same section)');

  const general = parts.filter(part => part.register.class.startsWith('gpr'));
  const vectors = parts.filter(part => /^[xyz]mm$/.test(part.register.class));
  if (general.length + vectors.length !== parts.length || (vectors.length > 0 && !vsib))
    fail(`"${parts.find(part => !part.register.class.startsWith('gpr'))!.register.name}" cannot be part of an address`);
  const size = general[0]?.register.bits;
  if (general.some(part => part.register.bits !== size)) fail('the registers of an address must have the same size');
  if (size === 8) fail('8-bit registers cannot be part of an address');
  if (size === 16 && bits === 64) fail('16-bit addresses do not exist in 64-bit mode');
  if (size === 64 && bits !== 64) fail(`64-bit registers need "bits 64"; this is "bits ${bits}"`);

  const forcedSize = operand.displacementSize;
  if (forcedSize === 16 && (bits === 64 || (size !== undefined && size !== 16)))
    fail(bits === 64 ? '16-bit addresses do not exist in 64-bit mode' : 'a "word" displacement needs 16-bit registers');
  if (forcedSize !== undefined && forcedSize >= 32 && size === 16)
    fail('16-bit registers take a displacement of a byte or a word');

  const address: Address = {
    base: Register.None,
    index: Register.None,
    scale: 1,
    displacement,
    displacementBytes: 0,
    bits: size ?? bits,
    ripRelative: false,
    segment: operand.segment,
    direct: parts.length === 0,
    forced: operand.displacementSize !== undefined && operand.displacementSize !== 8,
    wide: operand.displacementSize === 64,
  };
  if (parts.length === 0) return direct(address, operand, bits, defaultRelative);
  if (size === 16) return sixteen(address, parts, operand);
  return scaled(address, parts, vectors, operand);
}

/** `[number]`. */
function direct(address: Address, operand: Memory, bits: number, defaultRelative: boolean): Address {
  if (operand.displacementSize === 16 || operand.displacementSize === 32) address.bits = operand.displacementSize;
  if (bits === 64 && address.bits === 16)
    throw new SourceError('16-bit addresses do not exist in 64-bit mode', operand.column, operand.endColumn);
  address.displacementBytes = address.bits === 16 ? 2 : 4;
  if (bits === 64 && operand.displacementSize === 32) address.bits = 64;
  const flat = operand.segment === undefined || !/^[fg]s$/.test(operand.segment.name);
  // A plain number is the same address from everywhere: NASM leaves it absolute.
  const plain = isSimple(address.displacement) && !address.displacement.unknown;
  address.ripRelative =
    !plain &&
    bits === 64 &&
    !address.wide &&
    !operand.absolute &&
    (operand.relative === true || (defaultRelative && flat));
  return address;
}

/** Bytes of the displacement beside registers: `wide` is 2 or 4. `unit` > 1 is EVEX's compressed 8-bit form. */
function displacementBytes(address: Address, operand: Memory, wide: number, needed: boolean): number {
  const { displacement } = address;
  if (operand.displacementSize === 8) return 1;
  if (operand.displacementSize !== undefined) return wide;
  if (!isSimple(displacement) || displacement.unknown) return wide;
  const signed = BigInt.asIntN(8 * wide, displacement.number);
  if (signed === 0n && !needed) return 0;
  return signed >= -128n && signed <= 127n ? 1 : wide;
}

function sixteen(address: Address, parts: Part[], operand: Memory): Address {
  const fail = (): never => {
    throw new SourceError(
      'a 16-bit address is made of BX or BP, SI or DI, and a number',
      operand.column,
      operand.endColumn,
    );
  };
  for (const { register, factor } of parts) {
    if (factor !== 1) fail();
    if (register.name === 'bx' || register.name === 'bp') {
      if (address.base !== Register.None) fail();
      address.base = register.register;
    } else if (register.name === 'si' || register.name === 'di') {
      if (address.index !== Register.None) fail();
      address.index = register.register;
    } else fail();
  }
  if (address.base === Register.None) [address.base, address.index] = [address.index, Register.None];
  const needed = address.base === Register.BP && address.index === Register.None;
  address.displacementBytes = displacementBytes(address, operand, 2, needed);
  return address;
}

/** The order in which NASM sees the registers of a sum: by name. */
const byName = (a: Part, b: Part) => (a.register.name < b.register.name ? -1 : 1);

const isStackPointer = (part: Part | undefined) =>
  part !== undefined && part.register.class.startsWith('gpr') && part.register.index === 4;

function scaled(address: Address, parts: Part[], vectors: Part[], operand: Memory): Address {
  const fail = (message: string): never => {
    throw new SourceError(message, operand.column, operand.endColumn);
  };
  let base: Part | undefined;
  let index: Part | undefined;
  if (vectors.length > 0) {
    index = vectors[0];
    base = parts.find(part => part !== index);
    if (vectors.length > 1 || (base && base.factor !== 1))
      fail('an address can have one vector register, as the index');
  } else if (operand.index && parts.length === 2) {
    [base, index] = parts;
  } else {
    for (const part of [...parts].sort(byName)) {
      if (!base && part.factor === 1) base = part;
      else if (!index) index = part;
      else fail('an address can have only one scaled register');
    }
    [base, index] = arrange(base, index, operand);
  }
  if (isStackPointer(index)) {
    if (index!.factor !== 1 || isStackPointer(base)) fail(`"${index!.register.name}" cannot be an index`);
    [base, index] = [index, base];
  }
  // `[3*rax]` is `[rax+2*rax]`; the halves of a sum stay two registers even under `nosplit`.
  let scale = index?.factor ?? 1;
  const split =
    scale === 3 || scale === 5 || scale === 9 || (scale === 2 && (!operand.noSplit || operand.hint.kind === 'summed'));
  if (index && !base && vectors.length === 0 && split) {
    base = index;
    scale--;
  }
  if (index && ![1, 2, 4, 8].includes(scale))
    fail(`"${index.register.name}" can be scaled only by 1, 2, 4 or 8, not by ${scale}`);
  address.base = base?.register.register ?? Register.None;
  address.index = index?.register.register ?? Register.None;
  address.scale = index ? scale : 1;
  if (!base) address.displacementBytes = 4;
  else address.displacementBytes = displacementBytes(address, operand, 4, (base.register.index & 7) === 5);
  return address;
}

/** Which of two registers is the base, and whether a single one is. */
function arrange(
  base: Part | undefined,
  index: Part | undefined,
  { hint, noSplit }: Memory,
): [base: Part | undefined, index: Part | undefined] {
  const hinted = (part: Part | undefined, kind: 'base' | 'notBase') =>
    part !== undefined && hint.kind === kind && hint.register === part.register.name;
  if (base && index) {
    const swap = index.factor === 1 && (hinted(base, 'notBase') || hinted(index, 'base'));
    return swap ? [index, base] : [base, index];
  }
  if (!base && index?.factor === 1 && !hinted(index, 'notBase')) return [index, undefined];
  // `[nosplit rax*1]` keeps its index. NASM takes R12 for RSP here, which cannot be one.
  const single = base ?? index;
  if (single?.factor !== 1) return [base, index];
  return noSplit && hinted(single, 'notBase') && (single.register.index & 7) !== 4
    ? [undefined, single]
    : [single, undefined];
}
