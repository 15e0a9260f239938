/**
 * Guests that touch everything: ports, device memory and MSRs of the platform at random, in all widths, with interrupts on,
 * on one and on three processors. Nothing may throw or hang; a run in other slices, and one that was captured and put back
 * on its way, must end in the same state. RINGSCOPE_LONG_CASES says how many (100,000 in a long run).
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Machine } from '../../../src/machine/machine';
import type { Program, StartState } from '../../../src/program/program';
import { loadProgram } from '../../../src/program/load';
import { Random } from '../../random';

const CASES = Number(process.env.RINGSCOPE_LONG_CASES ?? 60);
const BASE = 0x100000;
const CODE_BYTES = 0x4000;
const HANDLER = BASE + 0x4000;
const IDT = BASE + 0x5000;
const GDT = BASE + 0x6000;
const MIB = 1 << 20;

/** Ports with devices, and one of each kind of hole. */
const PORTS: readonly (readonly [number, number])[] = [
  [0x20, 2], [0xa0, 2], [0x4d0, 2], [0x40, 4], [0x61, 1], [0x70, 2], [0x600, 12], [0x510, 2], [0x3f8, 8], [0xe9, 1], [0x80, 1],
  [0x60, 1], [0x64, 1], [0xcf8, 8], [0xe0, 8], [0x2000, 24], [0, 0x10000], [0x1e, 4], [0xffff, 1],
]; // prettier-ignore
const AREAS: readonly (readonly [number, number])[] = [
  [0xfec00000, 0x50], [0xfec00000, 0x1000], [0xfed00000, 0x180], [0xfed00000, 0x400], [0xfee00000, 0x400], [0xfee00000, 0x1000],
  [0xe0000000, 0x2000], [0xe00f8000, 0x1000], [0xff000000, 0x10000], [0xffff0000, 0x10000], [0x200000, 0x1000], [0xfff00, 0x300],
  [0xd0000000, 0x1000], [0xfffffff0, 0x10],
]; // prettier-ignore
/** Ports that end or restart the machine: they would end most cases at once. */
const ENDS = new Set([0xf4, 0xf5, 0xf6, 0xf7, 0x8900, 0xb2, 0xcf9, 0x92, 0x604, 0x605]);

/** One after another, the bytes of a program in 32-bit protected mode. */
function code(random: Random, operations: number): Uint8Array {
  const bytes: number[] = [];
  const word = (value: number): void =>
    void bytes.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  // lidt [IDT - 6 bytes]; lgdt; sti
  bytes.push(0x0f, 0x01, 0x1d);
  word(IDT - 6);
  bytes.push(0x0f, 0x01, 0x15);
  word(IDT - 12);
  const value = (): number =>
    random.chance(0.3) ? random.u32() & random.u32() & random.u32() : Number(random.operand() & 0xffffffffn);
  if (random.chance(0.5)) {
    // A local APIC that takes interrupts.
    bytes.push(0xc7, 0x05);
    word(0xfee000f0);
    word(0x1ff);
  }
  const most = CODE_BYTES - 64;
  for (let n = 0; n < operations && bytes.length < most; n++) {
    switch (random.below(12)) {
      case 0: case 1: case 2: case 3: {
        const [first, count] = random.pick(PORTS);
        const port = first + random.below(count);
        if (ENDS.has(port) && !random.chance(0.02)) break;
        bytes.push(0xba);
        word(port);
        bytes.push(0xb8);
        word(value());
        const size = random.below(3);
        if (size === 1) bytes.push(0x66);
        bytes.push((random.chance(0.6) ? 0xee : 0xec) + (size ? 1 : 0));
        break;
      }
      case 4: case 5: case 6: case 7: {
        const [first, count] = random.pick(AREAS);
        let address = first + random.below(count);
        if (random.chance(0.7)) address &= ~15;
        bytes.push(0xb8);
        word(value());
        const size = random.below(3);
        if (size === 1) bytes.push(0x66);
        bytes.push((random.chance(0.6) ? 0x88 : 0x8a) + (size ? 1 : 0), 0x05);
        word(address >>> 0);
        break;
      }
      case 8:
        // mov ecx / mov eax / xor edx, edx / wrmsr or rdmsr; the handler goes on after #GP
        bytes.push(0xb9);
        word(random.pick([0x1b, 0x6e0, 0x10, 0x800 + random.below(0x40), 0x830]));
        bytes.push(0xb8);
        word(value());
        bytes.push(0x31, 0xd2, 0x0f, random.chance(0.7) ? 0x30 : 0x32);
        break;
      case 9: // an inter-processor interrupt: INIT and start-up among them
        bytes.push(0xc7, 0x05);
        word(0xfee00300);
        word(random.pick([0x40000, 0x80000, 0xc0000]) | random.pick([0x30, 0x91, 0x500, 0x610, 0x400, 0xfe]));
        break;
      case 10:
        bytes.push(random.pick([0xfb, 0xfb, 0xfa, 0x90]));
        break;
      default:
        // mov ecx, n / dec ecx / jnz
        bytes.push(0xb9);
        word(1 + random.below(300));
        bytes.push(0x49, 0x75, 0xfd);
    }
  } // prettier-ignore
  bytes.push(0xfb, random.chance(0.3) ? 0xf4 : 0x90, 0xeb, 0xfd);
  return Uint8Array.from(bytes);
}

/** A handler for everything: it counts, ends the interrupt everywhere, and steps over what faulted with an error code. */
function image(random: Random): Uint8Array {
  const bytes = new Uint8Array(0x7000);
  bytes.set(code(random, 60));
  const view = new DataView(bytes.buffer);
  // inc dword [GDT + 0x100]; push eax; mov al, 0x20; out 0x20, al; out 0xa0, al; mov dword [0xfee000b0], 0; pop eax; iret
  const handler = [
    0xff,
    0x05,
    0,
    1,
    (GDT >> 16) & 0xff,
    0,
    0x50,
    0xb0,
    0x20,
    0xe6,
    0x20,
    0xe6,
    0xa0,
    0xc7,
    0x05,
    0xb0,
    0,
    0xe0,
    0xfe,
  ];
  handler[3] = ((GDT >> 8) & 0xff) + 1;
  bytes.set([...handler, 0, 0, 0, 0, 0x58, 0xcf], HANDLER - BASE);
  // With an error code: add esp, 4; add dword [esp], 2; iret
  bytes.set([0x83, 0xc4, 4, 0x83, 0x04, 0x24, 2, 0xcf], HANDLER - BASE + 0x100);
  for (let n = 0; n < 256; n++) {
    const at = IDT - BASE + n * 8;
    const to = HANDLER + ([8, 10, 11, 12, 13, 14, 17].includes(n) ? 0x100 : 0);
    view.setUint16(at, to & 0xffff, true);
    view.setUint16(at + 2, 8, true);
    view.setUint16(at + 4, 0x8e00, true);
    view.setUint16(at + 6, to >>> 16, true);
  }
  view.setUint16(IDT - BASE - 6, 0x7ff, true);
  view.setUint32(IDT - BASE - 4, IDT, true);
  view.setUint16(IDT - BASE - 12, 23, true);
  view.setUint32(IDT - BASE - 10, GDT, true);
  view.setBigUint64(GDT - BASE + 8, 0x00cf9b000000ffffn, true);
  view.setBigUint64(GDT - BASE + 16, 0x00cf93000000ffffn, true);
  return bytes;
}

const BUDGET = 20_000;
/** Runs at most BUDGET instructions, `slice` at a time; answers how it ended. */
function run(machine: Machine, slice: number, until = BUDGET): string {
  let idle = 0;
  while (machine.instructions < BigInt(until)) {
    const before = machine.instructions;
    const stop = machine.run(Math.min(slice, until - Number(before)));
    if (stop.kind !== 'limit') return JSON.stringify(stop, plain);
    // It sleeps: where it wakes is not bound to slices.
    if (machine.instructions === before && ++idle > 2) return 'sleeps';
  }
  return 'limit';
}
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return createHash('sha1').update(value).digest('hex');
  return typeof value === 'bigint' ? String(value) : value;
}
/** Everything that can be seen: registers of all processors, memory, devices. */
function digest(machine: Machine, processors: number): string {
  const hash = createHash('sha1');
  const names = machine.registerNames();
  for (let cpu = 0; cpu < processors; cpu++) for (const name of names) hash.update(`${machine.register(name, cpu)} `);
  hash.update(Buffer.from(machine.readPhysical(BigInt(BASE), 0x8000)));
  hash.update(Buffer.from(machine.readPhysical(0n, 0x1000)));
  hash.update(JSON.stringify(machine.capture().devices, plain));
  return hash.digest('hex');
}

describe('random programs against the platform', () => {
  let template: Program;
  const machines = new Map<number, Machine>();
  before(async () => {
    const core = readFileSync('dist/core.wasm');
    const loaded = loadProgram(
      'fuzz.bin',
      { read: () => new Uint8Array(16), resolve: (_from, to) => to },
      { start: 'protected' as StartState, memoryBytes: 2 * MIB },
    );
    assert.ok(loaded.ok);
    template = loaded.program;
    for (const processors of [1, 3])
      machines.set(processors, await Machine.create({ core, memoryBytes: 2 * MIB, processors, onReset: 'restart' }));
  });
  function load(machine: Machine, data: Uint8Array): void {
    machine.load({
      ...template,
      entry: BASE,
      segments: [{ ...template.segments[0], address: BASE, data, memoryBytes: data.length }],
    });
  }

  it(`run the same in any slices, and after capture and restore (${CASES} programs)`, function () {
    this.timeout(0);
    const kinds = new Map<string, number>();
    for (let seed = 0; seed < CASES; seed++) {
      const random = new Random(seed);
      const processors = random.chance(0.3) ? 3 : 1;
      const machine = machines.get(processors)!;
      const data = image(random);
      load(machine, data);
      const whole = run(machine, BUDGET);
      kinds.set(whole.slice(0, 30), (kinds.get(whole.slice(0, 30)) ?? 0) + 1);
      const ended = machine.instructions;
      const expected = digest(machine, processors);

      load(machine, data);
      const sliced = run(machine, 1 + random.below(500));
      assert.equal(sliced, whole, `seed ${seed}: in slices`);
      if (whole === 'sleeps') continue;
      assert.equal(digest(machine, processors), expected, `seed ${seed}: in slices`);

      load(machine, data);
      const middle = random.below(Number(ended));
      run(machine, middle + 1, middle);
      const snapshot = machine.capture();
      run(machine, BUDGET, middle + random.below(3000));
      machine.restore(snapshot);
      assert.equal(run(machine, BUDGET), whole, `seed ${seed}: restored at ${middle}`);
      assert.equal(digest(machine, processors), expected, `seed ${seed}: restored at ${middle}`);
    }
    if (process.env.RINGSCOPE_LONG_CASES) console.log(Object.fromEntries(kinds));
    assert.ok((kinds.get('limit') ?? 0) > CASES / 4, `most programs ended early: ${JSON.stringify([...kinds])}`);
  });
});
