import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { BuildFolder, fixture } from '../dwarf/build';
import { sectionsOf } from '../dwarf/sections';
import { Client } from './client';

describe('compiled code over DAP', () => {
  const built = new BuildFolder();
  const source = fixture('shapes.c');
  const line = (text: string) => built.lineOf('shapes.c', text);
  let client: Client;
  after(() => built.remove());
  afterEach(() => client.close());

  async function stoppedAt(program: string, text: string): Promise<void> {
    client = await Client.launched({ program });
    const [breakpoint] = await client.breakAt(source, { line: line(text) });
    assert.ok(breakpoint.verified, breakpoint.message);
    await client.go('configurationDone');
    await client.go('continue');
  }
  const names = async () => (await client.stack()).map(({ name, line: at }) => `${name}:${at}`);

  /** The recursion of factorial(5) at its innermost, from _start. */
  const recursion = () => [
    `factorial:${line('return 1;')}`,
    ...Array(4).fill(`factorial:${line('n * factorial')}`),
    `_start:${line('result += factorial')}`,
  ];

  const stacks: Record<string, () => string> = {
    '.eh_frame': () => built.gcc('frames', 'shapes.c', '-g'),
    '.debug_frame': () => built.gcc('frames', 'shapes.c', '-g', '-fno-asynchronous-unwind-tables'),
    'the code alone': () =>
      built.copied(built.gcc('frames', 'shapes.c', '-g'), 'none', '-R', '.eh_frame', '-R', '.debug_frame'),
  };
  for (const [how, build] of Object.entries(stacks))
    it(`shows its stack by ${how}`, async () => {
      await stoppedAt(build(), 'return 1;');
      assert.deepEqual(await names(), recursion());
    });

  it('shows the registers that callers will have back', async () => {
    await stoppedAt(built.gcc('registers', 'shapes.c', '-g', '-O1', '-fno-optimize-sibling-calls'), 'result += sum');
    await client.breakOn('sum');
    await client.go('continue');
    const [, caller] = await client.stack();
    const registers = await client.scope('Registers', caller.id);
    const known = registers.map(({ name }) => name);
    for (const name of ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15', 'rsp', 'rip']) assert.ok(known.includes(name), name);
    for (const name of ['rax', 'rcx', 'rdi', 'r10']) assert.ok(!known.includes(name), `${name} is not the caller’s`);
    assert.equal(await client.value('rbp', caller.id), await client.value('rbp'));
  });

  it('says once what is damaged, and goes on without it', async () => {
    const elf = built.gcc('damaged', 'shapes.c', '-g', '-fno-asynchronous-unwind-tables');
    const file = readFileSync(elf);
    // The first instruction of every frame description of one length: an opcode that does not exist.
    const frames = sectionsOf(file).get('.debug_frame');
    const at = frames.byteOffset - file.byteOffset;
    for (let offset = at + 4; offset < at + frames.length; offset++) if (file[offset] === 0x41) file[offset] = 0x3f;
    writeFileSync(elf, file);
    await stoppedAt(elf, 'return 1;');
    assert.deepEqual(await names(), recursion());
    await client.go('next');
    await client.stack();
    assert.equal(client.text('stderr').match(/damaged debug information/g)?.length, 1, client.text('stderr'));
  });

  it('whose variables are described elsewhere still has its lines', async () => {
    await stoppedAt(built.gcc('split', 'shapes.c', '-g', '-gsplit-dwarf'), 'return 1;');
    assert.match(client.text('stderr'), /warning: functions and variables are described in \.dwo files/);
    assert.equal((await names())[0], recursion()[0]);
  });

  it('in 64-bit code that is wrapped in ELF32', async () => {
    const elf = built.sampleKernel();
    const program = built.copied(elf, 'kernel32.elf', '-O', 'elf32-i386');
    client = await Client.launched({ program });
    await client.breakOn('page_fault');
    await client.go('configurationDone');
    await client.go('continue');
    assert.deepEqual(
      (await client.stack()).map(({ name }) => name.replace(/\+.*/, '')),
      ['page_fault', 'page_fault_entry', 'push', 'kernel_main', 'long_mode'],
    );
    assert.equal(await client.value('address'), '1073741824');
  });

  it('in 32-bit code', async () => {
    await stoppedAt(built.gcc('narrow', 'shapes.c', '-g', '-m32'), 'return 1;');
    assert.deepEqual(await names(), recursion());
    await client.go('stepOut');
    assert.deepEqual(await names(), recursion().slice(1));
  });

  it('goes over and into inlined calls', async () => {
    await stoppedAt(built.gcc('inlined', 'shapes.c', '-g'), 'int w = width');
    assert.deepEqual((await names())[0], `area:${line('int w = width')}`, 'not yet entered');
    await client.go('stepIn');
    assert.deepEqual((await names()).slice(0, 2), [`width:${line('corners[2].x')}`, `area:${line('int w = width')}`]);
    assert.match((await client.scope('Locals'))[0].value, /<square>$/);
    await client.go('stepOut');
    assert.deepEqual((await names())[0], `area:${line('int w = width')}`);
    await client.go('next');
    assert.deepEqual((await names())[0], `area:${line('int h =')}`);
    await client.go('restart');
    await client.go('continue');
    await client.go('next');
    assert.deepEqual((await names())[0], `area:${line('int h =')}`, 'over the inlined call as a whole');
  });

  it('steps over a loop on one line as one step, and stops in it at a breakpoint', async () => {
    const loop = fixture('loop.c');
    client = await Client.launched({ program: built.gcc('loop', 'loop.c', '-g') });
    await client.breakAt(loop, { line: built.lineOf('loop.c', 'for (volatile') });
    await client.go('configurationDone');
    await client.go('continue');
    await client.breakOn('visit');
    assert.equal((await client.go('next')).reason, 'function breakpoint');
    await client.breakOn();
    await client.go('stepOut');
    assert.equal((await client.stack())[0].line, built.lineOf('loop.c', 'for (volatile'));
    assert.equal((await client.go('next')).reason, 'step');
    assert.equal((await client.stack())[0].line, built.lineOf('loop.c', 'visits = 0') + 2);
    assert.equal(await client.value('visits'), '1000');
    // Into the callee of the line, not through the loop.
    await client.go('next');
    await client.go('stepIn');
    assert.equal((await client.stack())[0].name, 'visit');
  });

  it('steps over the interrupts that come meanwhile', async () => {
    const ticks = fixture('ticks.c');
    const at = (text: string) => built.lineOf('ticks.c', text);
    client = await Client.launched({ program: built.gcc('ticks', 'ticks.c', '-g') });
    await client.breakAt(ticks, { line: at('work = 1;') });
    await client.go('configurationDone');
    await client.go('continue');
    const lines: (number | undefined)[] = [];
    for (let n = 0; n < 5; n++) {
      await client.go(n === 2 ? 'stepIn' : 'next');
      const [top] = await client.stack();
      assert.equal(top.name, '_start');
      lines.push(top.line);
    }
    const first = at('busy();');
    assert.deepEqual(lines, [first, first + 1, first + 2, first + 3, first + 4]);
    assert.ok(BigInt(await client.value('ticks + 0')) > 3n, 'there were interrupts');
  });
});
