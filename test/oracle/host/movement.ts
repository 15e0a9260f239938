/** Moves, extensions, exchanges, conditions. */
import { lockable, mayLock } from './arithmetic';
import { Draft, OPERANDS, RAX, RBX, RDX } from './draft';
import type { Family } from './families';
import { DATA } from './layout';

function move(d: Draft): void {
  d.operation = 'mov';
  const width = d.sized();
  switch (d.random.below(4)) {
    case 0:
      d.opcode(0x88 | d.wide);
      d.reg();
      mayLock(d, d.rm(), false);
      return;
    case 1:
      d.opcode(0x8a | d.wide);
      d.reg();
      d.rm();
      return;
    case 2:
      d.opcode(0xc6 | d.wide);
      d.extension(0);
      d.rm();
      d.immediateOf(width);
      return;
    default:
      // The only instruction with an immediate of 64 bits.
      d.opcode(width === 8 ? 0xb0 : 0xb8);
      d.opcodeRegister();
      d.immediate(d.random.operand(), width / 8);
  }
}
/** MOV between the accumulator and an absolute offset of 64 bits (32 with prefix 67). */
function moveOffset(d: Draft): void {
  d.operation = 'mov';
  const width = d.sized();
  d.opcode((d.random.chance(0.5) ? 0xa0 : 0xa2) | d.wide);
  const short = d.random.chance(0.3);
  if (short) d.prefix(0x67);
  d.immediate(DATA + d.random.below(OPERANDS - width / 8), short ? 4 : 8);
}
function extend(d: Draft): void {
  d.operation = d.random.pick(['movzx', 'movsx', 'movsxd']);
  d.sized([16, 32, 64]);
  d.reg();
  if (d.operation === 'movsxd') {
    d.opcode(0x63);
    // MOVSXD without REX.W moves 16 or 32 bits.
    d.rm(Math.min(d.width, 32));
    return;
  }
  const source = d.random.pick([8, 16]);
  d.opcode(0x0f, (d.operation === 'movzx' ? 0xb6 : 0xbe) | (source === 16 ? 1 : 0));
  d.rm(source);
}
function lea(d: Draft): void {
  d.operation = 'lea';
  d.sized([16, 32, 64]);
  d.opcode(0x8d);
  d.reg();
  d.memory(8);
}
function exchange(d: Draft): void {
  d.operation = d.random.pick(['xchg', 'xadd', 'cmpxchg']);
  const width = d.sized();
  if (d.operation === 'xchg' && width !== 8 && d.random.chance(0.3)) {
    d.opcode(0x90);
    d.opcodeRegister();
    return;
  }
  d.opcode(...{ xchg: [0x86 | d.wide], xadd: [0x0f, 0xc0 | d.wide], cmpxchg: [0x0f, 0xb0 | d.wide] }[d.operation]!);
  d.reg();
  const place = d.rm(width, lockable);
  if (d.operation === 'cmpxchg' && d.random.chance(0.5)) d.write(place, d.registers[RAX]);
  mayLock(d, place);
}
/** CMPXCHG8B and CMPXCHG16B; the latter faults when it is not aligned. */
function exchangeWide(d: Draft): void {
  d.operation = 'cmpxchg8b';
  d.sized([32, 64]);
  d.opcode(0x0f, 0xc7);
  d.extension(1);
  const half = d.width;
  const bytes = half / 4;
  const blocks = OPERANDS / bytes;
  let at = d.random.below(blocks) * bytes;
  if (half === 64 && d.random.chance(0.1)) at = Math.min(at + 1 + d.random.below(15), OPERANDS - bytes);
  if (d.random.chance(0.5)) d.lock();
  const place = d.memory(2 * half, { at, sameLine: half === 32 });
  if (d.random.chance(0.6)) {
    const low = BigInt.asUintN(half, d.registers[RAX]);
    const high = BigInt.asUintN(half, d.registers[RDX]);
    d.write(place, (high << BigInt(half)) | low);
  }
}
function swapBytes(d: Draft): void {
  // BSWAP of 16 bits is undefined.
  const move = d.random.chance(0.5);
  d.operation = move ? 'movbe' : 'bswap';
  d.sized(move ? [16, 32, 64] : [32, 64]);
  if (move) {
    d.opcode(0x0f, 0x38, 0xf0 | d.random.below(2));
    d.reg();
    d.memory(d.width);
  } else {
    d.opcode(0x0f, 0xc8);
    d.opcodeRegister();
  }
}
function conditional(d: Draft): void {
  const condition = d.random.below(16);
  if (d.random.chance(0.5)) {
    d.operation = 'setcc';
    d.opcode(0x0f, 0x90 | condition);
    // The reg field means nothing.
    d.extension(d.random.below(8));
    d.rm(8);
  } else {
    d.operation = 'cmovcc';
    d.sized([16, 32, 64]);
    d.opcode(0x0f, 0x40 | condition);
    d.reg();
    d.rm();
  }
}
function xlat(d: Draft): void {
  d.operation = 'xlat';
  const short = d.random.chance(0.3);
  if (short) d.prefix(0x67);
  d.fix(RBX, BigInt(DATA + d.random.below(OPERANDS - 256)) | (short ? d.random.u64() & ~0xffffffffn : 0n));
  d.opcode(0xd7);
}
function flagOperation(d: Draft): void {
  const [operation, opcode] = d.random.pick([
    ['cmc', 0xf5],
    ['clc', 0xf8],
    ['stc', 0xf9],
    ['cld', 0xfc],
    ['std', 0xfd],
    ['lahf', 0x9f],
    ['sahf', 0x9e],
  ] as const);
  d.operation = operation;
  d.opcode(opcode);
  d.showsFlags = operation === 'lahf';
}
/** No operation, in its many encodings; and the encodings that are kept free for #UD. */
function nothing(d: Draft): void {
  d.operation = 'nop';
  switch (d.random.below(4)) {
    case 0:
      d.opcode(0x90);
      d.rex = false;
      return;
    case 1:
      d.sized([16, 32, 64]);
      d.opcode(0x0f, 0x1f);
      d.extension(0);
      d.rm();
      return;
    case 2:
      d.operation = 'ud2';
      d.opcode(0x0f, 0x0b);
      return;
    default:
      d.operation = 'ud0';
      d.opcode(0x0f, 0xff);
      d.reg(32, d.random.below(8));
      d.rmRegister(32, d.random.below(8));
  }
}

export const movement: Family[] = [
  { weight: 8, make: move },
  { weight: 2, make: moveOffset },
  { weight: 5, make: extend },
  { weight: 4, make: lea },
  { weight: 8, make: exchange },
  { weight: 4, make: exchangeWide },
  { weight: 3, make: swapBytes },
  { weight: 8, make: conditional },
  { weight: 1, make: xlat },
  { weight: 2, make: flagOperation },
  { weight: 1, make: nothing },
];
