/** NASM's names of instructions where they differ from the tables', and what they stand for. */
import { Code } from 'iced-x86';
import { encodingOf, encodingsOf, mnemonics, type Encoding } from './encodings';

/** A mnemonic: its encodings, and an immediate that the name itself contains (`cmpeqps`). */
export interface MnemonicInfo {
  name: string;
  encodings: Encoding[];
  /** Appended as the last operand. */
  immediate?: number;
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
const SUFFIX_SIZE: Record<string, number> = { w: 16, d: 32, q: 64 };

const COMPARISONS = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'];

const known = new Map<string, MnemonicInfo | undefined>();

function find(name: string): MnemonicInfo | undefined {
  const alias = ALIASES[name];
  if (alias) return { name, encodings: alias.flatMap(encodingsOf) };
  if (name in SINGLE) return { name, encodings: [encodingOf(SINGLE[name])] };
  const direct = encodingsOf(name);
  if (direct.length > 0) return { name, encodings: direct };
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
  const comparison = /^(v?cmp)([a-z]+)(ps|pd|ss|sd)$/.exec(name);
  if (comparison) {
    const immediate = COMPARISONS.indexOf(comparison[2]);
    const encodings = encodingsOf(comparison[1] + comparison[3]).filter(e => e.written.length > 2);
    if (immediate >= 0 && encodings.length > 0) return { name, encodings, immediate };
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
  yield* mnemonics();
  yield* Object.keys(ALIASES);
  yield* ['retw', 'retd', 'retq', 'retfw', 'retfd', 'retfq'];
  for (const [, ...others] of CONDITIONS) for (const code of others) yield* [`j${code}`, `set${code}`, `cmov${code}`];
}
