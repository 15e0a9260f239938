import * as assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BuildFolder, fixture as source } from '../dwarf/build';
import { Client, fixture } from './client';
import { Transcript } from './transcript';

/** Where the fixture hypervisor has its guest: the image begins 256 KiB behind 1 MiB, and EPT moves it up by a GiB. */
const GUEST = 0x140000;
const MOVED = 0x40000000;

describe('symbol files over DAP', () => {
  const built = new BuildFolder();
  const shapes = source('shapes.c');
  let client: Client;
  let elf: string;
  let flat: string;
  before(() => {
    elf = built.gcc('guest', 'shapes.c', '-g', '-fpie');
    flat = built.flat(elf);
  });
  after(() => built.remove());
  afterEach(() => client.close());

  const launch = async (attributes: object) =>
    (client = await Client.launched({ program: flat, entry: 0x300000 + start(), ...attributes }));
  /** The entry's distance from the start of the image: gcc puts _start behind the functions that it calls, or before. */
  let distance: number | undefined;
  const start = () => (distance ??= Number(built.symbol(elf, '_start')) - 0x100000);

  for (const space of ['linear', 'physical'])
    it(`give names and lines to a flat binary that lies elsewhere (${space})`, async () => {
      await launch({ loadAddress: '0x300000', symbols: [{ file: elf, base: '0x300000', space }] });
      const [breakpoint] = await client.breakAt(shapes, { line: line('return 1;') });
      assert.ok(breakpoint.verified);
      await client.go('configurationDone');
      assert.equal((await client.stack())[0].name, '_start');
      await client.go('continue');
      const names = (await client.stack()).map(({ name, line: at }) => `${name}:${at}`);
      assert.deepEqual(names.slice(0, 2), [`factorial:${line('return 1;')}`, `factorial:${line('n * factorial')}`]);
      assert.equal(names.at(-1), `_start:${line('result += factorial')}`);
    });

  const hypervisor = (space: string) => ({
    program: fixture('exits/hypervisor.asm'),
    defines: { GUEST_IMAGE: `"${flat}"`, GUEST_OFFSET: MOVED, GUEST_ENTRY: start() },
    symbols: [{ file: elf, base: GUEST + MOVED, space }],
  });

  it('name what runs in a guest, at the addresses of the guest', async () => {
    client = await Client.launched(hypervisor('guest'));
    const transcript = new Transcript(client, 'guest-symbols');
    await client.breakOn('area');
    await client.go('configurationDone');
    await transcript.go('continue');
    await transcript.go('next');
    await transcript.go('stepOut');
    transcript.check();
  });

  for (const space of ['vpid:7', 'eptp:0x1000', 'linear'])
    it(`of another place say nothing of the guest (${space})`, async () => {
      client = await Client.launched(hypervisor(space));
      await client.breakOn('area');
      await client.go('configurationDone');
      await client.send('continue', { threadId: 1 });
      await client.send('pause', { threadId: 1 });
      assert.equal((await client.event('stopped')).body.reason, 'pause');
      assert.ok(!(await client.stack()).some(({ source: file }) => file?.name === 'shapes.c'));
    });

  it('come with sources that are elsewhere now', async () => {
    const moved = join(built.path, 'moved');
    mkdirSync(moved);
    copyFileSync(shapes, join(moved, 'shapes.c'));
    await launch({
      loadAddress: '0x300000',
      symbols: [{ file: elf, base: '0x300000' }],
      sourceMap: { [join(shapes, '..')]: moved },
    });
    assert.ok((await client.breakAt(join(moved, 'shapes.c'), { line: line('return 1;') }))[0].verified);
    assert.ok(!(await client.breakAt(shapes, { line: line('return 1;') }))[0].verified);
    await client.go('configurationDone');
    assert.equal((await client.stack())[0].source!.path, join(moved, 'shapes.c'));
  });

  it('of sources that are nowhere say so, and how to mend it; the instructions are there', async () => {
    await launch({
      loadAddress: '0x300000',
      symbols: [{ file: elf, base: '0x300000' }],
      sourceMap: { [join(shapes, '..')]: '/gone' },
    });
    await client.go('configurationDone');
    const [top] = await client.stack();
    assert.deepEqual([top.source!.name, top.line], ['shapes.c', line('void _start')]);
    assert.equal(top.source!.origin, 'not found on this computer');
    const { content } = await client.send('source', {
      source: top.source,
      sourceReference: top.source!.sourceReference,
    });
    assert.match(content, /"sourceMap": \{ "\/gone": "\$\{workspaceFolder\}" \}/);
    const { instructions } = await client.send('disassemble', {
      memoryReference: top.instructionPointerReference,
      instructionCount: 2,
    });
    assert.equal(instructions[0].instruction, 'push rbp');
    assert.match(await client.refused('source', { sourceReference: 99 }), /no text for this source/);
  });

  it('that cannot be used are refused with the reason', async () => {
    client = await Client.connect();
    await client.send('initialize', { adapterID: 'ringscope' });
    const cases: [unknown, RegExp][] = [
      ['kernel.elf', /"symbols" is "kernel.elf"; it must be a list/],
      [[7], /"symbols\[0\]" is 7; it must be/],
      [[{ file: elf, at: 1 }], /"symbols\[0\]" has the unknown key "at"; there are file, base, space/],
      [[{ file: elf, base: 'high' }], /"symbols\[0\].base" is "high"; it must be an address/],
      [[{ file: elf, space: 'moon' }], /"symbols\[0\].space" is "moon"; it may be "linear"/],
      [['/none.elf'], /"symbols\[0\].file" names \/none.elf, which cannot be read/],
      [[shapes], /names .*shapes.c: it is no ELF file/],
    ];
    for (const [symbols, message] of cases)
      assert.match(await client.refused('launch', { program: flat, symbols }), message);
    assert.match(await client.refused('launch', { program: flat, sourceMap: { a: 1 } }), /"sourceMap.a" is 1/);
  });

  /** The line of the source that contains a text. */
  function line(text: string): number {
    return built.lineOf('shapes.c', text);
  }
});
