/** Bytes as code: random, but often with the prefixes, escapes and opcodes that lead somewhere. */
import { Random } from '../../random';

const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65];
const REX = 0x40;
const ESCAPE = 0x0f;
const GROUPS = [0x00, 0x01, 0xba, 0xae, 0xc7, 0x18, 0x1e, 0x38, 0x3a, 0x20, 0x78, 0xff, 0xb9];

export function randomCode(seed: number, bytes: number): Uint8Array {
  const random = new Random(seed);
  const code: number[] = [];
  while (random.chance(0.3) && code.length < bytes) code.push(random.pick(PREFIXES));
  if (random.chance(0.2)) code.push(REX | random.below(16));
  if (random.chance(0.4)) {
    code.push(ESCAPE);
    if (random.chance(0.4)) code.push(random.pick(GROUPS));
  }
  while (code.length < bytes) code.push(random.u32() & 0xff);
  return Uint8Array.from(code.slice(0, bytes));
}
