/** Types of variables (DWARF 5, chapter 5), read when somebody looks at a value. */
import { AT, TAG } from './constants';
import type { Die } from './die';
import { origin } from './functions';

export interface Member {
  name: string;
  type: DebugType;
  /** Bytes from the start of the whole. */
  offset: number;
  /** A bit-field: its lowest bit from the start of the byte at `offset`, and its width. */
  bits?: { low: number; width: number };
}

/** One shape that a tagged union may have; without a value it is the one for all other tags. */
export interface Variant {
  value: bigint | undefined;
  members: Member[];
}

export type Encoding = 'boolean' | 'signed' | 'unsigned' | 'character' | 'float' | 'other';

interface Common {
  /** As the language writes it. */
  name: string;
  /** Bytes; 0 when unknown. */
  bytes: number;
}

export type DebugType =
  | (Common & { kind: 'base'; encoding: Encoding; signed: boolean })
  | (Common & { kind: 'pointer'; target: () => DebugType; reference: boolean })
  | (Common & {
      kind: 'structure';
      members: () => Member[];
      tag: () => { discriminant: Member; variants: Variant[] } | undefined;
    })
  | (Common & { kind: 'array'; element: DebugType; count: number })
  | (Common & { kind: 'enumeration'; signed: boolean; values: () => { name: string; value: bigint }[] })
  | (Common & { kind: 'function' })
  | (Common & { kind: 'void' });

export const VOID: DebugType = { kind: 'void', name: 'void', bytes: 0 };
/** Types of types are nested this deep at most: damage may make a ring of them. */
const DEEPEST = 32;
/** More elements than any machine here has bytes of memory: a damaged bound. */
const MOST_ELEMENTS = 2 ** 32;

const ENCODINGS: Readonly<Record<number, Encoding>> = {
  0x02: 'boolean',
  0x04: 'float',
  0x05: 'signed',
  0x06: 'character',
  0x07: 'unsigned',
  // Bytes are more often numbers than letters.
  0x08: 'unsigned',
  0x10: 'character',
};
const SIGNED_ENCODINGS = [0x05, 0x06];
const QUALIFIERS: Readonly<Record<number, string>> = {
  [TAG.const_type]: 'const',
  [TAG.volatile_type]: 'volatile',
  [TAG.restrict_type]: 'restrict',
  [TAG.atomic_type]: '_Atomic',
};
const KEYWORDS: Readonly<Record<number, string>> = {
  [TAG.structure_type]: 'struct',
  [TAG.class_type]: 'class',
  [TAG.union_type]: 'union',
};

/** The type that an entry's DW_AT_type names; `void` when it names none. Throws DwarfProblem. */
export function typeOf(die: Die, depth = 0): DebugType {
  const holder = origin(die, AT.type);
  const offset = holder?.reference(AT.type);
  const type = offset === undefined ? undefined : die.unit.debug.die(offset);
  return type && depth < DEEPEST ? describe(type, depth + 1) : VOID;
}

/** The type that an entry is. Throws DwarfProblem. */
export function describe(die: Die, depth = 0): DebugType {
  const bytes = die.number(AT.byte_size) ?? 0;
  const named = die.text(AT.name) ?? '';
  switch (die.tag) {
    case TAG.base_type: {
      const code = die.number(AT.encoding) ?? 0;
      const encoding = ENCODINGS[code] ?? 'other';
      return { kind: 'base', name: named, bytes, encoding, signed: SIGNED_ENCODINGS.includes(code) };
    }
    case TAG.pointer_type:
    case TAG.reference_type:
    case TAG.rvalue_reference_type: {
      const reference = die.tag !== TAG.pointer_type;
      const target = () => typeOf(die, depth);
      const name = named || pointerName(nameOf(die, depth), reference);
      return { kind: 'pointer', name, bytes: bytes || die.unit.addressSize, target, reference };
    }
    case TAG.structure_type:
    case TAG.class_type:
    case TAG.union_type: {
      // What is only declared here may be defined elsewhere in the unit; without that it has no members.
      const name = named ? (die.unit.c ? `${KEYWORDS[die.tag]} ${named}` : named) : `${KEYWORDS[die.tag]} {…}`;
      return { kind: 'structure', name, bytes, members: () => membersOf(die, depth), tag: () => tagOf(die, depth) };
    }
    case TAG.enumeration_type: {
      const base = typeOf(die, depth);
      const name = named ? (die.unit.c ? `enum ${named}` : named) : 'enum {…}';
      const signed = base.kind === 'base' && base.signed;
      return { kind: 'enumeration', name, bytes: bytes || base.bytes, signed, values: () => enumerators(die) };
    }
    case TAG.array_type:
      return arrayOf(die, depth);
    case TAG.subroutine_type:
      return { kind: 'function', name: `${nameOf(die, depth)} ()`, bytes: 0 };
    case TAG.typedef: {
      const type = typeOf(die, depth);
      return { ...type, name: named || type.name };
    }
    case TAG.unspecified_type:
      return { ...VOID, name: named || 'void' };
    default: {
      const qualifier = QUALIFIERS[die.tag];
      const type = typeOf(die, depth);
      if (!qualifier) return type;
      return { ...type, name: type.kind === 'pointer' ? `${type.name} ${qualifier}` : `${qualifier} ${type.name}` };
    }
  }
}

/** The name of what an entry refers to, without making its type: names of rings come to an end at the first struct. */
function nameOf(die: Die, depth: number): string {
  return typeOf(die, depth).name;
}

function pointerName(target: string, reference: boolean): string {
  const sign = reference ? '&' : '*';
  if (target.endsWith(' ()')) return `${target.slice(0, -3)} (${sign})()`;
  return /[*&]$/.test(target) ? `${target}${sign}` : `${target} ${sign}`;
}

function arrayOf(die: Die, depth: number): DebugType {
  const counts: number[] = [];
  die.unit.visit(
    die,
    tag => tag === TAG.subrange_type || tag === TAG.enumeration_type,
    range => {
      const upper = range.raw(AT.upper_bound) instanceof Uint8Array ? undefined : range.number(AT.upper_bound);
      // Written as an unsigned -1, gcc's bound of an array without elements.
      const last = upper === undefined || upper >= 0xffffffff ? -1 : upper;
      counts.push(Math.min(range.number(AT.count) ?? last + 1, MOST_ELEMENTS));
      return 'sibling';
    },
  );
  let type = typeOf(die, depth);
  const element = type.name;
  // The last dimension is the innermost array.
  for (let n = counts.length - 1; n >= 0; n--) {
    const inner = counts[n];
    const dimensions = counts.slice(n).map(count => `[${count}]`);
    type = {
      kind: 'array',
      name: `${element} ${dimensions.join('')}`,
      bytes: type.bytes * inner,
      element: type,
      count: inner,
    };
  }
  return type;
}

function enumerators(die: Die): { name: string; value: bigint }[] {
  const found: { name: string; value: bigint }[] = [];
  die.unit.visit(
    die,
    tag => tag === TAG.enumerator,
    one => {
      found.push({ name: one.text(AT.name) ?? '', value: one.signed(AT.const_value) ?? 0n });
      return 'sibling';
    },
  );
  return found;
}

const isMember = (tag: number) => tag === TAG.member || tag === TAG.inheritance;

function membersOf(die: Die, depth: number): Member[] {
  const found: Member[] = [];
  die.unit.visit(die, isMember, one => {
    // Static members of C++ have no place in the object.
    if (!one.flag(AT.declaration) && !one.has(AT.const_value)) found.push(memberOf(one, depth));
    return 'sibling';
  });
  return found;
}

function memberOf(die: Die, depth: number): Member {
  const type = typeOf(die, depth);
  const name = die.text(AT.name) ?? (die.tag === TAG.inheritance ? type.name : '');
  const block = die.block(AT.data_member_location);
  // DWARF 2 writes the offset as an expression: DW_OP_plus_uconst N.
  let offset = block ? constantBlock(block) : (die.number(AT.data_member_location) ?? 0);
  const width = die.number(AT.bit_size);
  if (width === undefined) return { name, type, offset };
  const fromStart = die.number(AT.data_bit_offset);
  let low = fromStart ?? 0;
  if (fromStart === undefined) {
    // The older attribute counts from the most significant bit of the storage unit.
    const storage = (die.number(AT.byte_size) ?? type.bytes) * 8;
    low = storage - (die.number(AT.bit_offset) ?? 0) - width;
  }
  offset += low >> 3;
  return { name, type, offset, bits: { low: low & 7, width } };
}

function constantBlock(block: Uint8Array): number {
  if (block[0] !== 0x23 && block[0] !== 0x10) return 0;
  let value = 0;
  for (let n = 1, scale = 1; n < block.length && n < 6; n++, scale *= 128) value += (block[n] & 0x7f) * scale;
  return value;
}

/** The discriminated part of a Rust enum: which variant there is, the discriminant tells. */
function tagOf(die: Die, depth: number): { discriminant: Member; variants: Variant[] } | undefined {
  let discriminant: Member | undefined;
  const variants: Variant[] = [];
  die.unit.visit(
    die,
    tag => tag === TAG.variant_part || tag === TAG.variant || isMember(tag),
    (one, level) => {
      if (one.tag === TAG.variant_part) {
        const member = one.reference(AT.discr);
        const found = member === undefined ? undefined : one.unit.debug.die(member);
        if (found) discriminant = memberOf(found, depth);
        return 'children';
      }
      if (one.tag === TAG.variant) {
        const value = one.has(AT.discr_value) ? BigInt.asUintN(64, one.signed(AT.discr_value) ?? 0n) : undefined;
        variants.push({ value, members: [] });
        return 'children';
      }
      if (level >= 2 && variants.length) variants[variants.length - 1].members.push(memberOf(one, depth));
      return 'sibling';
    },
  );
  return discriminant && { discriminant, variants };
}
