/** x87 instructions (SDM 2 tables ), with a random stack, control word and status. */
import { OPERANDS, Draft } from './draft';
import type { Family } from './families';
import { extended, floatBits } from './fx';

/** Memory forms: opcode, ModRM.reg, and what the operand holds. */
type Content = 'real32' | 'real64' | 'real80' | 'integer' | 'decimal' | 'control' | 'environment' | 'state';
const memory: [number, number, Content, string][] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((g): [number, number, Content, string][] => [
    [0xd8, g, 'real32', 'farithmetic m32'],
    [0xdc, g, 'real64', 'farithmetic m64'],
    [0xda, g, 'integer', 'fiarithmetic m32'],
    [0xde, g, 'integer', 'fiarithmetic m16'],
  ]),
  [0xd9, 0, 'real32', 'fld m32'],
  [0xdd, 0, 'real64', 'fld m64'],
  [0xdb, 5, 'real80', 'fld m80'],
  [0xdf, 0, 'integer', 'fild m16'],
  [0xdb, 0, 'integer', 'fild m32'],
  [0xdf, 5, 'integer', 'fild m64'],
  [0xdf, 4, 'decimal', 'fbld'],
  ...[2, 3].flatMap((g): [number, number, Content, string][] => [
    [0xd9, g, 'real32', 'fst m32'],
    [0xdd, g, 'real64', 'fst m64'],
    [0xdb, g, 'integer', 'fist m32'],
    [0xdf, g, 'integer', 'fist m16'],
  ]),
  [0xdb, 7, 'real80', 'fstp m80'],
  [0xdf, 7, 'integer', 'fistp m64'],
  [0xdf, 6, 'decimal', 'fbstp'],
  [0xdb, 1, 'integer', 'fisttp m32'],
  [0xdd, 1, 'integer', 'fisttp m64'],
  [0xdf, 1, 'integer', 'fisttp m16'],
  [0xd9, 5, 'control', 'fldcw'],
  [0xd9, 7, 'control', 'fnstcw'],
  [0xdd, 7, 'control', 'fnstsw'],
  [0xd9, 4, 'environment', 'fldenv'],
  [0xd9, 6, 'environment', 'fnstenv'],
  [0xdd, 4, 'state', 'frstor'],
  [0xdd, 6, 'state', 'fnsave'],
];

/** Register forms: opcode, lowest and highest ModRM. */
const registers: [number, number, number, string][] = [
  [0xd8, 0xc0, 0xff, 'farithmetic st'],
  [0xdc, 0xc0, 0xff, 'farithmetic sti'],
  [0xde, 0xc0, 0xd7, 'farithmeticp'],
  [0xde, 0xd9, 0xd9, 'fcompp'],
  [0xde, 0xe0, 0xff, 'farithmeticp'],
  [0xd9, 0xc0, 0xc7, 'fld st'],
  [0xd9, 0xc8, 0xcf, 'fxch'],
  [0xd9, 0xd0, 0xd0, 'fnop'],
  [0xd9, 0xe0, 0xe1, 'fchs'],
  [0xd9, 0xe4, 0xe4, 'ftst'],
  [0xd9, 0xe5, 0xe5, 'fxam'],
  [0xd9, 0xe8, 0xee, 'fconstant'],
  [0xd9, 0xf4, 0xf4, 'fxtract'],
  [0xd9, 0xf5, 0xf5, 'fprem1'],
  [0xd9, 0xf6, 0xf7, 'fincstp'],
  [0xd9, 0xf8, 0xf8, 'fprem'],
  [0xd9, 0xfa, 0xfa, 'fsqrt'],
  [0xd9, 0xfc, 0xfc, 'frndint'],
  [0xd9, 0xfd, 0xfd, 'fscale'],
  [0xda, 0xc0, 0xdf, 'fcmov'],
  [0xda, 0xe9, 0xe9, 'fucompp'],
  [0xdb, 0xc0, 0xdf, 'fcmovn'],
  [0xdb, 0xe2, 0xe3, 'fninit'],
  [0xdb, 0xe8, 0xf7, 'fcomi'],
  [0xdd, 0xc0, 0xc7, 'ffree'],
  [0xdd, 0xd0, 0xdf, 'fst st'],
  [0xdd, 0xe0, 0xef, 'fucom'],
  [0xdf, 0xc0, 0xc7, 'ffreep'],
  [0xdf, 0xe0, 0xe0, 'fnstsw ax'],
  [0xdf, 0xe8, 0xf7, 'fcomip'],
];
/** What the manual bounds by an error of one unit in the last place; its range of arguments, and of both for two. */
const series: [number, string][] = [
  [0xf0, 'f2xm1'],
  [0xf1, 'fyl2x'],
  [0xf2, 'fptan'],
  [0xf3, 'fpatan'],
  [0xf9, 'fyl2xp1'],
  [0xfb, 'fsincos'],
  [0xfe, 'fsin'],
  [0xff, 'fcos'],
];

const BYTES: Record<Content, number> = {
  real32: 4,
  real64: 8,
  real80: 10,
  integer: 8,
  decimal: 10,
  control: 2,
  environment: 28,
  state: 108,
};

function content(d: Draft, kind: Content): Uint8Array {
  const bytes = new Uint8Array(BYTES[kind]);
  const view = new DataView(bytes.buffer);
  const { random } = d;
  switch (kind) {
    case 'real32':
      view.setUint32(0, Number(floatBits(random, 32)), true);
      break;
    case 'real64':
      view.setBigUint64(0, floatBits(random, 64), true);
      break;
    case 'real80':
      bytes.set(extended(random));
      break;
    case 'integer':
      view.setBigUint64(0, random.operand(), true);
      break;
    case 'decimal':
      // Digits above 9 have no meaning.
      for (let n = 0; n < 9; n++) bytes[n] = random.below(10) | (random.below(10) << 4);
      bytes[9] = random.pick([0, 0x80]);
      break;
    case 'control':
      view.setUint16(0, random.chance(0.8) ? random.u32() & 0xf7f : random.u32() & 0xffff, true);
      break;
    default:
      for (let n = 0; n < bytes.length; n++) bytes[n] = random.u32();
  }
  return bytes;
}

function memoryForm(d: Draft): void {
  const [opcode, g, kind, name] = d.random.pick(memory);
  d.operation = name;
  d.opcode(opcode);
  d.extension(g);
  const bytes = BYTES[kind];
  const at = d.random.below(OPERANDS - bytes);
  const short = bytes >= 28 && d.random.chance(0.3);
  if (short) d.prefix(0x66);
  d.memory(8 * bytes, { at });
  d.data.set(content(d, kind), at);
  if (bytes < 28) return;
  // Pointers and opcode: some processors keep them only for pending exceptions.
  d.ignored.push(short ? { at: at + 6, bytes: 8 } : { at: at + 12, bytes: 16 });
}
function registerForm(d: Draft): void {
  const [opcode, first, last, name] = d.random.pick(registers);
  d.operation = name;
  const modrm = first + d.random.below(last - first + 1);
  d.opcode(opcode);
  d.extension((modrm >> 3) & 7);
  d.rmRegister(64, modrm & 7);
}
function transcendental(d: Draft): void {
  const [modrm, name] = d.random.pick(series);
  d.operation = name;
  d.opcode(0xd9);
  d.extension((modrm >> 3) & 7);
  d.rmRegister(64, modrm & 7);
  d.series = true;
  // Arguments in the range for which the manual defines results.
  const exponent = d.random.chance(0.8) ? -1 - d.random.below(12) : -1 - d.random.below(70);
  const positive = name === 'fyl2x';
  if (d.random.chance(0.85))
    d.fx.setSt(0, {
      negative: !positive && d.random.chance(0.5),
      exponent: name === 'f2xm1' || name === 'fyl2xp1' ? exponent - 1 : exponent + d.random.below(14),
    });
  // Beyond, the result is undefined: sqrt(2) - 1 on one side, 1 on the other.
  const largest = name === 'fyl2xp1' ? -2 : name === 'f2xm1' ? -1 : Infinity;
  d.undefinedResult = d.fx.exponentOf(0) > largest;
  if (d.random.chance(0.85)) d.fx.setSt(1, { negative: d.random.chance(0.5), exponent: d.random.below(40) - 20 });
}
function wait(d: Draft): void {
  d.operation = 'wait';
  d.opcode(0x9b);
}

export const x87: Family[] = [
  { weight: 24, make: memoryForm },
  { weight: 24, make: registerForm },
  { weight: 8, make: transcendental },
  { weight: 1, make: wait },
];
