/** Branches, stack and string operations. */
import { Draft, NEAR_JUMP, OPERANDS, RBP, RCX, RDI, RSI, RSP, type Place } from './draft';
import type { Family } from './families';
import { DATA } from './layout';

/** The top of the stack. */
const top = (d: Draft): Place => ({ kind: 'memory', at: Number(d.registers[RSP]) - DATA, width: 64 });

function jumpIf(d: Draft): void {
  d.operation = 'jcc';
  const condition = d.random.below(16);
  if (d.random.chance(0.5)) {
    d.opcode(0x70 | condition);
    d.immediate(NEAR_JUMP, 1);
  } else {
    d.opcode(0x0f, 0x80 | condition);
    d.immediate(NEAR_JUMP, 4);
  }
}
function loop(d: Draft): void {
  const n = d.random.below(4);
  d.operation = ['loopne', 'loope', 'loop', 'jrcxz'][n];
  const short = d.random.chance(0.4);
  if (short) d.prefix(0x67);
  if (d.random.chance(0.6)) {
    const junk = short ? d.random.u64() & ~0xffffffffn : 0n;
    d.fix(RCX, BigInt(d.random.below(3)) | junk);
  }
  d.opcode(0xe0 | n);
  d.immediate(NEAR_JUMP, 1);
}
/** JMP and CALL, relative and through registers; RET to the branch target. */
function near(d: Draft): void {
  d.operation = d.random.pick(['jmp', 'call', 'ret']);
  d.rex = false;
  d.stack();
  if (d.operation === 'ret') {
    const more = d.random.chance(0.5);
    d.opcode(more ? 0xc2 : 0xc3);
    if (more) d.immediate(d.random.below(17), 2);
    d.branchesTo(target => d.write(top(d), target));
    return;
  }
  if (d.random.chance(0.4)) {
    d.opcode(d.operation === 'jmp' ? 0xe9 : 0xe8);
    d.immediate(NEAR_JUMP, 4);
    return;
  }
  d.opcode(0xff);
  d.extension(d.operation === 'jmp' ? 4 : 2);
  const place = d.random.chance(0.5)
    ? d.rmRegister(64, d.random.pick([0, 1, 2, 3, 5, 6, 7]))
    : d.memory(64, { canonical: true });
  if (place.kind === 'register') d.fixed.add(place.number);
  d.branchesTo(target => (place.kind === 'register' ? d.fix(place.number, target) : d.write(place, target)));
}

function push(d: Draft): void {
  d.operation = d.random.pick(['push', 'pop']);
  d.stack();
  const short = d.random.chance(0.25);
  if (short) d.prefix(0x66);
  const width = short ? 16 : 64;
  const form = d.random.below(d.operation === 'push' ? 4 : 2);
  switch (form) {
    case 0:
      d.opcode(d.operation === 'push' ? 0x50 : 0x58);
      d.opcodeRegister(width);
      return;
    case 1:
      d.opcode(d.operation === 'push' ? 0xff : 0x8f);
      d.extension(d.operation === 'push' ? 6 : 0);
      d.rm(width);
      return;
    case 2:
      d.opcode(0x68);
      d.immediateOf(short ? 16 : 32);
      return;
    default:
      d.opcode(0x6a);
      d.immediate(d.random.u32(), 1);
  }
}
/** PUSHF and POPF; what is popped leaves IF on, and TF, IOPL, NT and AC off: a program may not have them. */
function flagsOnStack(d: Draft): void {
  const pop = d.random.chance(0.5);
  d.operation = pop ? 'popf' : 'pushf';
  d.stack();
  const short = d.random.chance(0.25);
  if (short) d.prefix(0x66);
  d.opcode(pop ? 0x9d : 0x9c);
  d.showsFlags = !pop;
  if (!pop) return;
  const RESERVED = 0xffffffffffc0802an;
  const image = (d.random.u64() & (0x200cd5n | RESERVED)) | 0x200n;
  d.write(top(d), image);
}
function frame(d: Draft): void {
  d.operation = d.random.pick(['enter', 'leave']);
  d.stack();
  if (d.random.chance(0.25)) d.prefix(0x66);
  // Frame pointers of outer levels are read below RBP.
  d.fix(RBP, BigInt(DATA + 256 + d.random.below(OPERANDS - 256 + 96)));
  if (d.operation === 'leave') {
    d.opcode(0xc9);
    return;
  }
  d.opcode(0xc8);
  d.immediate(d.random.below(17), 2);
  d.immediate(d.random.below(8) | (d.random.below(8) << 5), 1);
}

const STRINGS = [
  { name: 'movs', opcode: 0xa4, source: true, destination: true },
  { name: 'cmps', opcode: 0xa6, source: true, destination: true },
  { name: 'stos', opcode: 0xaa, source: false, destination: true },
  { name: 'lods', opcode: 0xac, source: true, destination: false },
  { name: 'scas', opcode: 0xae, source: false, destination: true },
] as const;
const MOST_ELEMENTS = 12;
function string(d: Draft): void {
  const { name, opcode, source, destination } = d.random.pick(STRINGS);
  d.operation = name;
  const width = d.sized();
  d.opcode(opcode | d.wide);
  const size = width / 8;
  let count = 1;
  const short = d.random.chance(0.2);
  if (short) d.prefix(0x67);
  const junk = (): bigint => (short ? d.random.u64() & ~0xffffffffn : 0n);
  if (d.random.chance(0.7)) {
    d.prefix(d.random.pick([0xf2, 0xf3]));
    count = d.random.below(MOST_ELEMENTS + 1);
    d.fix(RCX, BigInt(count) | junk());
  }
  const down = (d.flags & 0x400n) !== 0n;
  const span = Math.max(count, 1) * size;
  const pointer = (): bigint => {
    const lowest = d.random.below(OPERANDS - span + 1);
    return BigInt(DATA + (down ? lowest + span - size : lowest)) | junk();
  };
  if (source) d.fix(RSI, pointer());
  if (destination) d.fix(RDI, pointer());
  // Comparisons shall sometimes go on.
  if ((name === 'cmps' || name === 'scas') && d.random.chance(0.5)) {
    d.data.fill(d.data[0], 0, OPERANDS);
    if (name === 'scas') d.fix(0, BigInt(d.data[0]) * 0x0101010101010101n);
    d.data[d.random.below(OPERANDS)] ^= 1 << d.random.below(8);
  }
}

export const control: Family[] = [
  { weight: 5, make: jumpIf },
  { weight: 4, make: loop },
  { weight: 3, make: near },
  { weight: 6, make: push },
  { weight: 3, make: flagsOnStack },
  { weight: 3, make: frame },
  { weight: 10, make: string },
];
