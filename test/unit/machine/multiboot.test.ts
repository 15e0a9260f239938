/** What a kernel finds when a Multiboot loader starts it: versions 1 and 2, and headers that are wrong. */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { Machine } from '../../../src/machine/machine';
import { loadProgram } from '../../../src/program/load';
import type { Program } from '../../../src/program/program';

const core = readFileSync('dist/core.wasm');

const header2 = (tags: string): string => `bits 32
  org 0x200000
  header: dd 0xe85250d6, 0, header_end - header, -(0xe85250d6 + header_end - header)
  ${tags}
  align 8
  dw 0, 0
  dd 8
  header_end:
  start: mov esp, 0x80000
  hlt`;
const addresses = `dw 2, 0
  dd 24, header, header, 0, 0
  align 8
  dw 3, 0
  dd 12, start`;

function load(source: string): ReturnType<typeof loadProgram> {
  const files = { read: () => new TextEncoder().encode(source), resolve: (_from: string, to: string) => to };
  return loadProgram('kernel.asm', files, { memoryBytes: 64 << 20 });
}
async function boot(program: Program): Promise<{ machine: Machine; bytes(at: number, length: number): DataView }> {
  const machine = await Machine.create({ core, memoryBytes: 64 << 20 });
  machine.load(program, {
    commandLine: 'one two',
    modules: [{ data: Uint8Array.of(1, 2, 3), commandLine: 'module args' }],
  });
  const bytes = (at: number, length: number): DataView => {
    const copy = machine.readPhysical(BigInt(at), length);
    return new DataView(copy.buffer, copy.byteOffset, copy.length);
  };
  return { machine, bytes };
}
const text = (view: DataView, at: number): string => {
  let value = '';
  for (let n = at; view.getUint8(n); n++) value += String.fromCharCode(view.getUint8(n));
  return value;
};

describe('a Multiboot 2 kernel', () => {
  it('gets magic, command line, modules, memory map and the ACPI root pointer', async () => {
    const loaded = load(header2(addresses));
    assert.ok(loaded.ok);
    assert.strictEqual(loaded.program.multiboot, 2);
    const { machine, bytes } = await boot(loaded.program);
    assert.strictEqual(machine.register('EAX'), 0x36d76289n);
    assert.strictEqual(machine.register('CR0') & 0x80000001n, 1n);
    const information = Number(machine.register('EBX'));
    assert.strictEqual(information % 8, 0);
    const total = bytes(information, 8).getUint32(0, true);
    const view = bytes(information, total);
    const tags = new Map<number, number>();
    for (let at = 8; at < total; at += (view.getUint32(at + 4, true) + 7) & ~7) tags.set(view.getUint32(at, true), at);
    assert.deepStrictEqual(
      [...tags.keys()].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 6, 15],
    );
    assert.strictEqual(text(view, tags.get(1)! + 8), 'kernel.asm one two');
    const module = tags.get(3)!;
    assert.strictEqual(text(view, module + 16), 'module args');
    const [start, end] = [view.getUint32(module + 8, true), view.getUint32(module + 12, true)];
    assert.deepStrictEqual([...machine.readPhysical(BigInt(start), end - start)], [1, 2, 3]);
    const map = tags.get(6)!;
    assert.strictEqual(view.getUint32(map + 8, true), 24);
    assert.strictEqual(view.getBigUint64(map + 16 + 48, true), 0x100000n);
    assert.strictEqual(view.getBigUint64(map + 24 + 48, true), BigInt(63 << 20));
    assert.strictEqual(text(view, tags.get(15)! + 8).slice(0, 8), 'RSD PTR ');
  });

  for (const [what, source, message] of [
    ['a wrong checksum', header2(addresses).replace('-(0xe85250d6', '-(0xe85250d7'), /checksum/],
    [
      'a feature that is not there',
      header2(`${addresses}\nalign 8\ndw 5, 0\ndd 20, 0, 0, 32`),
      /framebuffer.*optional/,
    ],
    ['no addresses', header2(''), /no address tag/],
    ['addresses without entry', header2('dw 2, 0\ndd 24, header, header, 0, 0'), /entry/],
    ['a tag that does not fit', header2('dw 1, 0\ndd 4000'), /does not fit/],
  ] as const)
    it(`is refused for ${what}`, () => {
      const loaded = load(source);
      assert.ok(!loaded.ok);
      assert.match(loaded.errors[0].message, message);
    });
});

describe('ACPI tables', () => {
  it('are found below 1 MiB, with sums of zero, and name every processor', async () => {
    const loaded = load('bits 64\nhlt');
    assert.ok(loaded.ok);
    const machine = await Machine.create({ core, memoryBytes: 64 << 20, processors: 3 });
    machine.load(loaded.program);
    const area = machine.readPhysical(0xe0000n, 0x20000);
    const at = Buffer.from(area).indexOf('RSD PTR ');
    assert.strictEqual(at % 16, 0);
    const view = new DataView(area.buffer, area.byteOffset);
    const sum = (from: number, length: number): number =>
      area.subarray(from, from + length).reduce((total, byte) => (total + byte) & 0xff, 0);
    assert.deepStrictEqual([sum(at, 20), sum(at, 36)], [0, 0]);
    const offset = (address: number): number => address - 0xe0000;
    const xsdt = offset(Number(view.getBigUint64(at + 24, true)));
    const tables = new Map<string, number>();
    for (let n = xsdt + 36; n < xsdt + view.getUint32(xsdt + 4, true); n += 8) {
      const table = offset(Number(view.getBigUint64(n, true)));
      tables.set(Buffer.from(area.subarray(table, table + 4)).toString('latin1'), table);
      assert.strictEqual(sum(table, view.getUint32(table + 4, true)), 0);
    }
    assert.deepStrictEqual([...tables.keys()].sort(), ['APIC', 'FACP', 'HPET', 'MCFG']);
    assert.strictEqual(view.getUint32(tables.get('FACP')! + 4, true), 244);
    const madt = tables.get('APIC')!;
    let processors = 0;
    for (let n = madt + 44; n < madt + view.getUint32(madt + 4, true); n += view.getUint8(n + 1))
      if (view.getUint8(n) === 0) processors++;
    assert.strictEqual(processors, 3);
  });
});
