/** NASM's names of instructions where they differ from the tables', and what they stand for. */
import { Code } from 'iced-x86';
import { encodingOf, encodingsOf, mnemonics, type Encoding } from './encodings';

/** A mnemonic: its encodings, and an immediate that the name itself contains (`cmpeqps`). */
export interface MnemonicInfo {
  name: string;
  encodings: Encoding[];
  /** Appended as the last operand. */
  immediate?: number;
  /** The bytes when it stands without operands. */
  raw?: readonly number[];
  /** The encodings when it stands without operands, if those are another instruction's. */
  withoutOperands?: Encoding[];
}

/** Condition codes: the tables' name first, then the other spellings. */
const CONDITIONS: readonly (readonly string[])[] = [
  ['b', 'c', 'nae'],
  ['ae', 'nb', 'nc'],
  ['e', 'z'],
  ['ne', 'nz'],
  ['be', 'na'],
  ['a', 'nbe'],
  ['p', 'pe'],
  ['np', 'po'],
  ['l', 'nge'],
  ['ge', 'nl'],
  ['le', 'ng'],
  ['g', 'nle'],
];

/** NASM's name: the tables' names, whose encodings it unites. */
const ALIASES: Record<string, readonly string[]> = {
  sal: ['shl'],
  retn: ['ret'],
  iret: ['iret', 'iretd'],
  iretw: ['iret'],
  pushf: ['pushf', 'pushfd', 'pushfq'],
  pushfw: ['pushf'],
  popf: ['popf', 'popfd', 'popfq'],
  popfw: ['popf'],
  pusha: ['pusha', 'pushad'],
  pushaw: ['pusha'],
  popa: ['popa', 'popad'],
  popaw: ['popa'],
  fwait: ['wait'],
  int01: ['int1'],
  icebp: ['int1'],
  int03: ['int3'],
  xlat: ['xlatb'],
  ud2a: ['ud2'],
  ud2b: ['ud1'],
  movsx: ['movsx', 'movsxd'],
  loopz: ['loope'],
  loopnz: ['loopne'],
  fsetpm: ['fnsetpm'],
};

/** Names with a suffix for the operand size. */
const SIZED = /^(ret|retn|retf)(w|d|q)$/;
/** Names that mean one encoding. */
const SINGLE: Record<string, Code> = { loadall: Code.Loadall386, loadall286: Code.Loadall286 };
/** Further encodings of a name: MOVD moves 64-bit registers too. */
const MORE: Record<string, readonly Code[]> = {
  movd: [Code.Movq_mm_rm64, Code.Movq_rm64_mm, Code.Movq_xmm_rm64, Code.Movq_rm64_xmm],
};
const SUFFIX_SIZE: Record<string, number> = { w: 16, d: 32, q: 64 };

/** Predicates of SSE and AVX comparisons; the position is the immediate. */
const COMPARISONS = (
  'eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true ' +
  'eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us'
).split(' ');
/** Their second names. */
const COMPARISON_SYNONYMS: Record<string, number> = {
  eq_oq: 0,
  lt_os: 1,
  le_os: 2,
  unord_q: 3,
  neq_uq: 4,
  nlt_us: 5,
  nle_us: 6,
  ord_q: 7,
  nge_us: 9,
  ngt_us: 10,
  false_oq: 11,
  ge_os: 13,
  gt_os: 14,
  true_uq: 15,
};
const INTEGER_COMPARISONS: Record<string, number> = { eq: 0, lt: 1, le: 2, neq: 4, nlt: 5, nle: 6 };
const XOP_COMPARISONS = ['lt', 'le', 'gt', 'ge', 'eq', 'neq', 'false', 'true'];
const CARRYLESS: Record<string, number> = { lqlq: 0x00, hqlq: 0x01, lqhq: 0x10, hqhq: 0x11 };

/** A name that contains the immediate: the mnemonic without it, and the immediate. */
function containedImmediate(name: string): [mnemonic: string, immediate: number | undefined] | undefined {
  let match: RegExpExecArray | null;
  if ((match = /^(v?)cmp(\w+)(ps|pd|ss|sd)$/.exec(name))) {
    const position = COMPARISONS.indexOf(match[2]);
    const known = position < 0 ? COMPARISON_SYNONYMS[match[2]] : position;
    return [`${match[1]}cmp${match[3]}`, match[1] || known < 8 ? known : undefined];
  }
  if ((match = /^vpcmp([a-z]+?)(u?[bwdq])$/.exec(name))) return ['vpcmp' + match[2], INTEGER_COMPARISONS[match[1]]];
  if ((match = /^vpcom([a-z]+?)(u?[bwdq])$/.exec(name))) {
    const position = XOP_COMPARISONS.indexOf(match[1]);
    return ['vpcom' + match[2], position < 0 ? undefined : position];
  }
  if ((match = /^(v?pclmul)([lh]q[lh]q)dq$/.exec(name))) return [match[1] + 'qdq', CARRYLESS[match[2]]];
  return undefined;
}

/** Opcodes without operands that the tables know only with some. */
const RAW: Record<string, readonly number[]> = { ud0: [0x0f, 0xff], ud1: [0x0f, 0xb9], ud2b: [0x0f, 0xb9] };

/** x87 operations that pop when written without operands. */
const X87_WITHOUT_OPERANDS = /^f(add|mul|subr?|divr?)$/;

const known = new Map<string, MnemonicInfo | undefined>();

function find(name: string): MnemonicInfo | undefined {
  const alias = ALIASES[name];
  if (alias) return { name, encodings: alias.flatMap(encodingsOf), raw: RAW[name] };
  if (name in SINGLE) return { name, encodings: [encodingOf(SINGLE[name])] };
  const direct = encodingsOf(name);
  if (direct.length > 0) {
    // `fadd` alone is `faddp st1, st0`: the popping form is the only one with these operands.
    const popping = X87_WITHOUT_OPERANDS.test(name) ? encodingsOf(name + 'p') : [];
    const more = (MORE[name] ?? []).map(encodingOf);
    return {
      name,
      encodings: [...direct, ...more],
      withoutOperands: popping.length > 0 ? popping : undefined,
      raw: RAW[name],
    };
  }
  const sized = SIZED.exec(name);
  if (sized) {
    const encodings = encodingsOf(sized[1] === 'retf' ? 'retf' : 'ret');
    return { name, encodings: encodings.filter(e => e.operandSize === SUFFIX_SIZE[sized[2]]) };
  }
  const conditional = /^(j|set|cmov)([a-z]+)$/.exec(name);
  if (conditional) {
    const names = CONDITIONS.find(list => list.includes(conditional[2]));
    if (names) return { name, encodings: encodingsOf(conditional[1] + names[0]) };
  }
  const contained = containedImmediate(name);
  if (contained?.[1] !== undefined) {
    const [mnemonic, immediate] = contained;
    const encodings = encodingsOf(mnemonic).filter(e => e.written.length > 2);
    if (encodings.length > 0) return { name, encodings, immediate };
  }
  return undefined;
}

/** The instruction that `name` (in lower case) means, if it means one. */
export function mnemonicNamed(name: string): MnemonicInfo | undefined {
  if (!known.has(name)) known.set(name, find(name));
  return known.get(name);
}

/** All names, for suggestions. */
export function* mnemonicNames(): Generator<string> {
  for (const name of mnemonics()) if (mnemonicNamed(name)) yield name;
  yield* Object.keys(ALIASES);
  yield* ['retw', 'retd', 'retq', 'retfw', 'retfd', 'retfq'];
  for (const [, ...others] of CONDITIONS) for (const code of others) yield* [`j${code}`, `set${code}`, `cmov${code}`];
}
