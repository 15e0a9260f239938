/** The registers by their NASM names. */
import { Register } from 'iced-x86';

export type RegisterClass =
  | 'gpr8'
  | 'gpr16'
  | 'gpr32'
  | 'gpr64'
  | 'segment'
  | 'control'
  | 'debug'
  | 'test'
  | 'st'
  | 'mm'
  | 'xmm'
  | 'ymm'
  | 'zmm'
  | 'mask'
  | 'bound'
  | 'tile';

export interface RegisterInfo {
  name: string;
  /** iced-x86's number. */
  register: Register;
  class: RegisterClass;
  /** Its number in encodings: 0-15, or 0-31 for vector registers. */
  index: number;
  /** Width in bits; 0 where it is not an operand size (control, debug, ...). */
  bits: number;
}

const byName = new Map<string, RegisterInfo>();

function define(
  registerClass: RegisterClass,
  bits: number,
  first: Register,
  names: readonly string[],
  index = (i: number) => i,
): void {
  names.forEach((name, i) =>
    byName.set(name, { name, register: first + i, class: registerClass, index: index(i), bits }),
  );
}
const numbered = (prefix: string, count: number, suffix = '', from = 0) =>
  Array.from({ length: count }, (_, i) => `${prefix}${from + i}${suffix}`);

define('gpr8', 8, Register.AL, ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh']);
define('gpr8', 8, Register.SPL, ['spl', 'bpl', 'sil', 'dil', ...numbered('r', 8, 'b', 8)], i => i + 4);
define('gpr8', 8, Register.R8L, numbered('r', 8, 'l', 8), i => i + 8);
define('gpr16', 16, Register.AX, ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', ...numbered('r', 8, 'w', 8)]);
define('gpr32', 32, Register.EAX, [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  ...numbered('r', 8, 'd', 8),
]);
define('gpr64', 64, Register.RAX, ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', ...numbered('r', 8, '', 8)]);
define('segment', 16, Register.ES, ['es', 'cs', 'ss', 'ds', 'fs', 'gs']);
define('control', 0, Register.CR0, numbered('cr', 16));
define('debug', 0, Register.DR0, numbered('dr', 16));
define('test', 0, Register.TR0, numbered('tr', 8));
define('st', 80, Register.ST0, numbered('st', 8));
define('mm', 64, Register.MM0, numbered('mm', 8));
define('xmm', 128, Register.XMM0, numbered('xmm', 32));
define('ymm', 256, Register.YMM0, numbered('ymm', 32));
define('zmm', 512, Register.ZMM0, numbered('zmm', 32));
define('mask', 0, Register.K0, numbered('k', 8));
define('bound', 0, Register.BND0, numbered('bnd', 4));
define('tile', 0, Register.TMM0, numbered('tmm', 8));

/** The register that `name` (any case) spells, if it spells one. */
export function registerNamed(name: string): RegisterInfo | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase());
}

/** The 16, 32 or 64-bit general register number `index`. */
export function generalRegister(index: number, bits: 16 | 32 | 64): RegisterInfo {
  const name = GENERAL[index] ?? 'r' + index;
  if (index > 7) return byName.get(name + { 16: 'w', 32: 'd', 64: '' }[bits])!;
  return byName.get({ 16: '', 32: 'e', 64: 'r' }[bits] + name)!;
}
const GENERAL = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
