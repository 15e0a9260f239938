/**
 * Damaged images: Multiboot 1 and 2 headers and ELF kernels with random bytes, sizes and addresses. Each is refused with a
 * message, or loads and runs; nothing throws anything else. RINGSCOPE_LONG_CASES says how many (100,000 in a long run).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BootError } from '../../../src/machine/boot';
import { Machine } from '../../../src/machine/machine';
import { loadProgram } from '../../../src/program/load';
import { Random } from '../../random';

const CASES = Number(process.env.RINGSCOPE_LONG_CASES ?? 600);
const MEMORY = 4 << 20;
const INSTRUCTIONS = 2000;

function multiboot1(random: Random): Uint8Array {
  const bytes = new Uint8Array(64 + random.below(2000));
  const view = new DataView(bytes.buffer);
  const at = random.below(8) * 4;
  const flags = random.pick([0x10000, 0x10003, 3, 0, 0x10007, random.u32()]);
  const base = random.pick([0x100000, 0x100000, 0x1000, 0x3ff000, random.u32()]);
  const words = [
    0x1badb002,
    flags,
    -(0x1badb002 + flags),
    base + at,
    base,
    random.pick([0, base + bytes.length]),
    random.pick([0, base + 0x3000, random.u32()]),
    base + random.below(64),
  ];
  words.forEach((word, n) => at + n * 4 + 4 <= bytes.length && view.setUint32(at + n * 4, word >>> 0, true));
  return bytes;
}
function multiboot2(random: Random): Uint8Array {
  const bytes = new Uint8Array(256 + random.below(2000));
  const view = new DataView(bytes.buffer);
  const at = random.below(8) * 8;
  let next = at + 16;
  const tag = (type: number, ...words: number[]): void => {
    const size = random.chance(0.1) ? random.below(100) : 8 + words.length * 4;
    view.setUint16(next, type, true);
    view.setUint16(next + 2, random.below(2), true);
    view.setUint32(next + 4, size, true);
    words.forEach((word, n) => view.setUint32(next + 8 + n * 4, word >>> 0, true));
    next += (8 + words.length * 4 + 7) & ~7;
  };
  const base = random.pick([0x100000, 0x100000, 0x3ff000, random.u32()]);
  if (random.chance(0.8)) tag(2, base + at, base, 0, 0);
  if (random.chance(0.8)) tag(3, base + random.below(200));
  if (random.chance(0.3)) tag(random.below(20), random.u32());
  tag(0);
  const length = random.chance(0.1) ? random.u32() : next - at;
  [0xe85250d6, 0, length, -(0xe85250d6 + length)].forEach((word, n) => view.setUint32(at + n * 4, word >>> 0, true));
  return bytes;
}
function elf(random: Random): Uint8Array {
  const wide = random.chance(0.5);
  const bytes = new Uint8Array(512 + random.below(1000));
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, wide ? 62 : 3, true);
  view.setUint32(20, 1, true);
  const base = random.pick([0x100000, 0x100000, 0x8000, random.u32()]);
  const size = random.pick([64, 200, bytes.length, random.u32()]);
  if (wide) {
    view.setUint32(24, base + 0x100, true);
    view.setUint32(32, 64, true);
    [64, 56, random.pick([1, 2, 60000])].forEach((value, n) => view.setUint16(52 + n * 2, value, true));
    [1, 5, 0, 0, base, 0, base, 0, size, 0, size + random.below(4096), 0, 0x1000, 0].forEach((word, n) =>
      view.setUint32(64 + n * 4, word >>> 0, true),
    );
  } else {
    view.setUint32(24, base + 0x100, true);
    view.setUint32(28, 52, true);
    [52, 32, random.pick([1, 2, 60000])].forEach((value, n) => view.setUint16(40 + n * 2, value, true));
    [1, 0, base, base, size, size + random.below(4096), 5, 0x1000].forEach((word, n) =>
      view.setUint32(52 + n * 4, word >>> 0, true),
    );
  }
  return bytes;
}
/** The image itself, with a multiboot header inside sometimes, and a few wrong bytes often. */
function image(random: Random): Uint8Array {
  const bytes = random.pick([multiboot1, multiboot2, elf])(random);
  for (let n = 200; n < bytes.length; n++) bytes[n] = random.below(256);
  if (random.chance(0.6))
    for (let n = 1 + random.below(6); n > 0; n--) bytes[random.below(Math.min(200, bytes.length))] = random.below(256);
  return random.chance(0.1) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

describe('damaged images', () => {
  it(`are refused with a message or run (${CASES} images)`, async function () {
    this.timeout(0);
    const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: MEMORY });
    const seen = { refused: 0, unplaced: 0, ran: 0 };
    for (let seed = 0; seed < CASES; seed++) {
      const data = image(new Random(seed));
      const name = `image${seed}.elf`;
      const loaded = loadProgram(name, { read: () => data, resolve: (_from, to) => to }, { memoryBytes: MEMORY });
      if (!loaded.ok) {
        seen.refused++;
        for (const { message } of loaded.errors) assert.match(message, /^[^\n]{5,}$/, `seed ${seed}`);
        continue;
      }
      try {
        machine.load(loaded.program, { modules: [{ data: new Uint8Array(100), commandLine: 'module' }] });
      } catch (error) {
        assert.ok(error instanceof BootError, `seed ${seed}: ${String(error)}`);
        assert.match(error.message, /^[^\n]{5,}$/);
        seen.unplaced++;
        continue;
      }
      machine.run(INSTRUCTIONS);
      assert.ok(machine.instructions <= BigInt(INSTRUCTIONS), `seed ${seed}`);
      seen.ran++;
    }
    if (process.env.RINGSCOPE_LONG_CASES) console.log(seen);
    assert.ok(seen.refused > CASES / 20 && seen.ran > CASES / 20, JSON.stringify(seen));
  });
});
