/**
 * The operations of the core: the one list from which the build makes the numbers that the decoder uses, the operand
 * forms, the function table and the switch of the run loop.
 *
 * A family of kind `binary` is one AssemblyScript function `name<T>(a, b): T`; the build wraps it in its operand forms.
 * A family of kind `plain` is a function from record to next record, written out in its file.
 * `hot` widths go into the switch, where the compiler inlines them; everything else behind the function table.
 */

import { operationName, simdRows } from './tables/simd';

export type Kind =
  /** `f<T>(dst, src): T`, flags inside. Forms RR RM MR RI MI. */
  | 'binary'
  /** `f<T>(a, b): void`: only flags. Forms RR RM MR RI MI. */
  | 'compare'
  /** Forms RR RM MR RI MI, no operation. */
  | 'move'
  /** `f<T>(a): T`. Forms R M. */
  | 'unary'
  /** `f<T>(a, count): T`. Forms RI RC MI MC. */
  | 'shift'
  /** `f<T>(b): T`, dst is only written. Forms RR RM. */
  | 'load'
  /** `f<T>(p): usize`, written out per width. */
  | 'wide'
  /** `f(p): usize`. */
  | 'plain';

export interface Family {
  name: string;
  kind: Kind;
  /** Module under src/core/assembly that defines it. */
  module: string;
  widths: readonly number[];
  /** Widths in the switch, per form (or '' for plain and wide). */
  hot?: Record<string, readonly number[]>;
  /** How a plain or wide one ends: can it fault, does it choose the next record? */
  shape?: 'safe' | 'fault' | 'control';
}

const ALL = [8, 16, 32, 64] as const;
const WIDE = [16, 32, 64] as const;
const HOT = [32, 64] as const;

const binary = (name: string, hot: Family['hot'] = {}): Family => ({
  name,
  kind: 'binary',
  module: 'alu',
  widths: ALL,
  hot,
});
const commonHot = { RR: HOT, RM: HOT, MR: HOT, RI: HOT };
const plain = (module: string, ...names: string[]): Family[] =>
  names.map(name => ({ name, kind: 'plain', module, widths: [0] }));
const wide = (module: string, widths: readonly number[], ...names: string[]): Family[] =>
  names.map(name => ({ name, kind: 'wide', module, widths }));

/** MMX and SSE: one operation for each function and register file. */
const simd = [
  ...new Map(
    simdRows.map(row => [
      operationName(row),
      plain(row.shape === 'plain' ? row.module : 'generated/simd.generated', operationName(row))[0],
    ]),
  ).values(),
];

export const families: readonly Family[] = [
  binary('add', { ...commonHot, MI: HOT }),
  binary('or', { RR: HOT, RM: HOT, RI: HOT }),
  binary('adc'),
  binary('sbb'),
  binary('and', { RR: HOT, RM: HOT, RI: HOT }),
  binary('sub', commonHot),
  binary('xor', { RR: HOT, RM: HOT, RI: HOT }),
  {
    name: 'cmp',
    kind: 'compare',
    module: 'alu',
    widths: ALL,
    hot: { RR: [8, 32, 64], RM: [8, 32, 64], MR: HOT, RI: [8, 32, 64], MI: [8, 32, 64] },
  },
  { name: 'test', kind: 'compare', module: 'alu', widths: ALL, hot: { RR: [8, 32, 64], RI: [8, 32], MI: [8] } },
  {
    name: 'mov',
    kind: 'move',
    module: 'move',
    widths: ALL,
    hot: { RR: HOT, RM: [8, 32, 64], MR: [8, 32, 64], RI: [8, 32, 64], MI: [8, 32, 64] },
  },
  ...['inc', 'dec', 'neg', 'not'].map((name): Family => ({
    name,
    kind: 'unary',
    module: 'alu',
    widths: ALL,
    hot: name.endsWith('c') ? { R: HOT, M: HOT } : { R: HOT },
  })),
  ...['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'sar'].map((name): Family => ({
    name,
    kind: 'shift',
    module: 'shift',
    widths: ALL,
    hot: name[0] === 's' ? { RI: HOT } : {},
  })),
  { name: 'movzx8', kind: 'wide', module: 'move', widths: WIDE, hot: { '': [32] }, shape: 'safe' },
  { name: 'movzx8m', kind: 'wide', module: 'move', widths: WIDE, hot: { '': [32] }, shape: 'fault' },
  { name: 'movsxd', kind: 'plain', module: 'move', widths: [0], hot: { '': [0] }, shape: 'safe' },
  ...wide(
    'move',
    WIDE,
    'movsx8',
    'movsx8m',
    'movzx16',
    'movzx16m',
    'movsx16',
    'movsx16m',
    'movbe_rm',
    'movbe_mr',
    'cmov',
    'cmovm',
    'bswap',
  ),
  ...plain('move', 'movsxdm', 'xlat', 'cbw', 'cwde', 'cdqe', 'cwd', 'cdq', 'cqo', 'lahf', 'sahf', 'salc', 'nop'),
  { name: 'lea', kind: 'wide', module: 'move', widths: WIDE, hot: { '': HOT }, shape: 'safe' },
  { name: 'setcc', kind: 'plain', module: 'move', widths: [0] },
  ...wide('move', ALL, 'xchg', 'xchgm', 'cmpxchg', 'cmpxchgm', 'xadd', 'xaddm', 'setccm').filter(
    f => f.name !== 'setccm',
  ),
  ...plain('move', 'setccm', 'cmpxchg8b', 'cmpxchg16b'),
  { name: 'imul2', kind: 'binary', module: 'multiply', widths: WIDE, hot: { RR: HOT, RM: HOT } },
  ...wide('multiply', WIDE, 'imul3', 'imul3m'),
  ...wide('multiply', ALL, 'mul', 'mulm', 'imul', 'imulm', 'div', 'divm', 'idiv', 'idivm'),
  ...plain('multiply', 'aaa', 'aas', 'daa', 'das', 'aam', 'aad'),
  ...wide('shift', WIDE, 'shld', 'shldm', 'shrd', 'shrdm'),
  ...wide(
    'bits',
    WIDE,
    'bt',
    'bts',
    'btr',
    'btc',
    'btm',
    'btsm',
    'btrm',
    'btcm',
    'btim',
    'btsim',
    'btrim',
    'btcim',
    'bsf',
    'bsr',
  ),
  ...['popcnt_', 'lzcnt', 'tzcnt'].map((name): Family => ({ name, kind: 'load', module: 'bits', widths: WIDE })),
  ...wide('bits', WIDE, 'bsfm', 'bsrm'),
  ...wide('bmi', [32, 64], 'andn', 'blsr', 'blsmsk', 'blsi', 'bextr', 'bzhi', 'pdep', 'pext', 'mulx'),
  ...wide('bmi', [32, 64], 'rorx', 'shlx', 'shrx', 'sarx', 'adcx', 'adox'),
  ...wide('bmi', ALL, 'crc32'),
  ...wide('random', WIDE, 'rdrand', 'rdseed'),
  { name: 'push', kind: 'wide', module: 'stack', widths: WIDE, hot: { '': [64] }, shape: 'fault' },
  { name: 'pop', kind: 'wide', module: 'stack', widths: WIDE, hot: { '': [64] }, shape: 'fault' },
  ...wide('stack', WIDE, 'pushi', 'pushm', 'popm', 'pushseg', 'pushf', 'popf', 'enter', 'leaveFrame'),
  ...wide('stack', [16, 32], 'pusha', 'popa'),
  ...wide('segments', WIDE, 'popseg', 'lfar'),
  ...plain('segments', 'movSegmentR', 'movSegmentM', 'movFromSegmentM'),
  ...wide('segments', WIDE, 'movFromSegment'),
  ...Array.from({ length: 16 }, (_, n): Family => ({
    name: `j${n}`,
    kind: 'plain',
    module: 'branch',
    widths: [0],
    hot: { '': [0] },
    shape: 'control',
  })),
  { name: 'jmp', kind: 'plain', module: 'branch', widths: [0], hot: { '': [0] }, shape: 'control' },
  { name: 'call', kind: 'wide', module: 'branch', widths: WIDE, hot: { '': [64] }, shape: 'control' },
  { name: 'ret', kind: 'wide', module: 'branch', widths: WIDE, hot: { '': [64] }, shape: 'control' },
  ...wide('branch', WIDE, 'reti', 'jmpr', 'jmpm', 'callr', 'callm'),
  ...plain('branch', 'loop', 'loope', 'loopne', 'jcxz'),
  ...wide('far', WIDE, 'farJump', 'farJumpM', 'farCall', 'farCallM', 'farReturn', 'iret'),
  ...plain('far', 'int', 'int3', 'into', 'int1', 'syscall', 'sysret', 'sysenter', 'sysexit'),
  ...plain('flagops', 'clc', 'stc', 'cmc', 'cld', 'std', 'cli', 'sti'),
  ...wide('strings', ALL, 'movs', 'cmps', 'stos', 'lods', 'scas'),
  ...wide('ports', [8, 16, 32], 'ins', 'outs', 'in', 'ini', 'out', 'outi'),
  ...plain(
    'system',
    'hlt',
    'cpuid',
    'rdtsc',
    'rdtscp',
    'rdmsr',
    'wrmsr',
    'rdpmc',
    'wbinvd',
    'invd',
    'invlpg',
    'pause',
    'ud',
    'swapgs',
    'monitor',
    'mwait',
    'rsm',
    'getsec',
    'rdpid',
    'clac',
    'stac',
    'invpcid',
    'tooLong',
    'clflush',
  ),
  ...plain('control', 'clts', 'movToCr', 'movFromCr', 'movToDr', 'movFromDr', 'lmsw', 'lmswm', 'smswm'),
  ...wide('control', WIDE, 'smsw'),
  ...plain(
    'tables',
    'sgdt',
    'sidt',
    'lgdt',
    'lidt',
    'lldt',
    'lldtm',
    'ltr',
    'ltrm',
    'sldtm',
    'strm',
    'arpl',
    'arplm',
    'verr',
    'verrm',
    'verw',
    'verwm',
  ),
  ...wide('tables', WIDE, 'sldt', 'str', 'lar', 'larm', 'lsl', 'lslm'),
  ...wide('tables', [32, 64], 'rdfsbase', 'rdgsbase', 'wrfsbase', 'wrgsbase'),
  ...wide('tables', [16, 32], 'bound'),
  ...plain('vmx/operation', 'vmxon', 'vmxoff', 'vmcall', 'vmfunc'),
  ...plain('vmx/pointer', 'vmclear', 'vmptrld', 'vmptrst'),
  ...plain('vmx/access', 'vmread', 'vmwrite'),
  ...plain('vmx/entry', 'vmlaunch', 'vmresume'),
  ...plain('vmx/invalidate', 'invept', 'invvpid'),
  ...simd,
  ...plain('fpu/fxsave', 'fxsave', 'fxrstor'),
  ...plain('fpu/xsave', 'xsave', 'xrstor', 'xsaveopt', 'xsavec', 'xsaves', 'xrstors', 'xgetbv', 'xsetbv'),
  ...plain('fpu/control', 'fninit', 'fnclex', 'fnothing', 'fldcw', 'fnstcw', 'fnstsw', 'fnstswax', 'fnstenv', 'fldenv'),
  ...plain('fpu/control', 'fnsave', 'frstor', 'wait'),
  ...plain('fpu/arithmetic', 'farithmetic', 'fsqrt', 'frndint', 'fabs', 'fchs', 'fscale', 'fxtract'),
  ...plain('fpu/remainder', 'fprem', 'fprem1'),
  ...plain('fpu/compare', 'fcompare', 'ftst', 'fcomi', 'fxam', 'fcmov'),
  ...plain('fpu/transfer', 'fload', 'fldst', 'fstore', 'fstst', 'fxch', 'fconstant', 'ffree', 'fmovetop', 'fnop'),
  ...plain('fpu/transcendental', 'f2xm1', 'fyl2x', 'fyl2xp1', 'fptan', 'fpatan', 'fsin', 'fcos', 'fsincos'),
  ...plain('simd/control', 'ldmxcsr', 'stmxcsr'),
];

const FORMS: Record<Kind, readonly string[]> = {
  binary: ['RR', 'RM', 'MR', 'RI', 'MI'],
  compare: ['RR', 'RM', 'MR', 'RI', 'MI'],
  move: ['RR', 'RM', 'MR', 'RI', 'MI'],
  unary: ['R', 'M'],
  shift: ['RI', 'RC', 'MI', 'MC'],
  load: ['RR', 'RM'],
  wide: [''],
  plain: [''],
};

export interface Operation {
  /** Name in the `Op` enumeration: ADD_RM32. Widths of one form follow each other from 8 (or the family's first) up. */
  name: string;
  family: Family;
  form: string;
  width: number;
  hot: boolean;
}

/** Every operation, in number order. */
export const operations: readonly Operation[] = families.flatMap(family =>
  FORMS[family.kind].flatMap(form =>
    family.widths.map(width => ({
      name: `${family.name.toUpperCase()}${form ? '_' + form : ''}${width || ''}`,
      family,
      form,
      width,
      hot: family.hot?.[form]?.includes(width) ?? false,
    })),
  ),
);

/** Whether an operation of this form can fault. */
export function shapeOf(operation: Operation): 'safe' | 'fault' | 'control' {
  if (operation.family.shape) return operation.family.shape;
  return operation.form.includes('M') ? 'fault' : 'safe';
}

/**
 * Pairs that the switch also has as one operation: an instruction on registers that sets flags, and the conditional jump
 * behind it. The conditions are those of the manual's table B-1 that compilers use after it.
 */
const ORDER = [2, 3, 4, 5, 6, 7, 12, 13, 14, 15];
const SIGN = [4, 5, 8, 9];
const PAIRS: readonly {
  family: string;
  form: 'RR' | 'RI' | 'R';
  widths: readonly number[];
  conditions: readonly number[];
}[] = [
  { family: 'cmp', form: 'RR', widths: HOT, conditions: ORDER },
  { family: 'cmp', form: 'RI', widths: [8, 32, 64], conditions: ORDER },
  { family: 'test', form: 'RR', widths: [8, 32, 64], conditions: SIGN },
  { family: 'sub', form: 'RI', widths: HOT, conditions: SIGN },
  { family: 'dec', form: 'R', widths: HOT, conditions: SIGN },
];

export interface Pair {
  first: Operation;
  /** Condition 0-15 of the jump. */
  condition: number;
}
export const pairs: readonly Pair[] = PAIRS.flatMap(({ family, form, widths, conditions }) =>
  operations
    .filter(o => o.family.name === family && o.form === form && widths.includes(o.width))
    .flatMap(first => conditions.map(condition => ({ first, condition }))),
);
