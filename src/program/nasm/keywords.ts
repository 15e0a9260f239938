/** The words that start a statement: instructions, prefixes, directives. */
import { mnemonicNamed, mnemonicNames } from './mnemonics';
import { closest } from './suggest';

export const DATA_BYTES: Record<string, number> = {
  db: 1,
  dw: 2,
  dd: 4,
  dq: 8,
  dt: 10,
  do: 16,
  ddq: 16,
  dy: 32,
  dz: 64,
};
export const RESERVE_BYTES: Record<string, number> = {
  resb: 1,
  resw: 2,
  resd: 4,
  resq: 8,
  rest: 10,
  reso: 16,
  resdq: 16,
  resy: 32,
  resz: 64,
};

export const DIRECTIVES = new Set(
  (
    'bits use16 use32 use64 org section segment default global extern static common required cpu absolute struc endstruc istruc at iend ' +
    'sectalign float map list warning debug import export group uppercase library'
  ).split(' '),
);

/** True for a directive that NASM implements as a macro, for `%ifmacro`. */
export const isStandardMacro = (name: string): boolean => DIRECTIVES.has(name.toLowerCase()) || /^alignb?$/i.test(name);

export const GROUP1: Record<string, number> = {
  lock: 0xf0,
  rep: 0xf3,
  repe: 0xf3,
  repz: 0xf3,
  repne: 0xf2,
  repnz: 0xf2,
  bnd: 0xf2,
  xacquire: 0xf2,
  xrelease: 0xf3,
};
export const OPERAND_SIZE: Record<string, number> = { o16: 16, o32: 32, o64: 64 };
export const ADDRESS_SIZE: Record<string, number> = { a16: 16, a32: 32, a64: 64 };

const isPrefix = (word: string) => word in GROUP1 || word in OPERAND_SIZE || word in ADDRESS_SIZE || word === 'times';

/** True for a word that can start a statement. */
export function isKeyword(word: string): boolean {
  return (
    word in DATA_BYTES ||
    word in RESERVE_BYTES ||
    isPrefix(word) ||
    word === 'equ' ||
    word === 'incbin' ||
    word === 'align' ||
    word === 'alignb' ||
    word === 'wait' ||
    DIRECTIVES.has(word) ||
    mnemonicNamed(word) !== undefined
  );
}

function* keywords(): Generator<string> {
  yield* mnemonicNames();
  yield* Object.keys(DATA_BYTES);
  yield* Object.keys(RESERVE_BYTES);
  yield* DIRECTIVES;
  yield* ['equ', 'incbin', 'align', 'alignb', 'times', ...Object.keys(GROUP1)];
}

const suggestions = new Map<string, string | undefined>();

/** The keyword that was probably meant. */
export function suggested(word: string): string | undefined {
  if (!suggestions.has(word)) suggestions.set(word, closest(word, keywords()));
  return suggestions.get(word);
}
