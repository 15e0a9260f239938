import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import { BuildFolder } from '../dwarf/build';
import { Client } from './client';
import { Transcript } from './transcript';

describe('the sample kernel in C over DAP', () => {
  const built = new BuildFolder();
  let program: string;
  let client: Client;
  const source = (name: string) => join(built.path, 'c-kernel', name);
  before(() => (program = built.sampleKernel()));
  after(() => built.remove());
  beforeEach(async () => (client = await Client.launched({ program })));
  afterEach(() => client.close());

  it('is stepped by source lines, in and over and out of functions', async () => {
    const transcript = new Transcript(client, 'c-kernel');
    await transcript.go('configurationDone');
    await client.breakOn('kernel_main');
    await transcript.go('continue');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('stepIn');
    await transcript.go('next');
    await transcript.go('stepOut');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('stepIn');
    await transcript.go('next');
    await transcript.go('next', { granularity: 'instruction' });
    await transcript.go('next');
    transcript.check();
  });

  it('shows the stack through a page fault: handler, entry, and the code that was interrupted', async () => {
    const transcript = new Transcript(client, 'c-kernel-fault');
    await client.breakOn('page_fault');
    await client.go('configurationDone');
    await transcript.go('continue');
    const [, entry, interrupted] = await client.stack();
    assert.equal(await client.value('rax', interrupted.id), '0x0000000040000000', 'as it was at the fault');
    assert.match(await client.refused('evaluate', { expression: 'rax', frameId: entry.id }), /rax has no value here/);
    await transcript.go('stepOut');
    await transcript.go('stepOut');
    await transcript.go('next');
    transcript.check();
  });

  it('steps over a recursion, and shows it', async () => {
    const transcript = new Transcript(client, 'c-kernel-recursion');
    const [breakpoint] = await client.breakAt(source('kernel.c'), { line: 25 });
    assert.deepEqual([breakpoint.verified, breakpoint.line], [true, 25]);
    await client.go('configurationDone');
    await transcript.go('continue');
    await client.breakAt(source('kernel.c'));
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('next');
    transcript.check();
  });

  it('runs to its end', async () => {
    await client.go('configurationDone');
    await client.send('continue', { threadId: 1 });
    assert.equal((await client.event('exited')).body.exitCode, 0);
    assert.equal(client.text('stdout'), 'C kernel: hello\npage fault 1 (write)\nsum 55\n');
  });

  it('places breakpoints where statements begin, and slides to the next line that has code', async () => {
    const breakpoints = await client.breakAt(source('kernel.c'), { line: 1 }, { line: 15 }, { line: 22 }, { line: 99 });
    assert.deepEqual(
      breakpoints.map(({ verified, line, message }) => [verified, line, message]),
      [
        [true, 15, 'line 1 has no code; moved to the next line that has'],
        [true, 15, undefined],
        [true, 23, 'line 22 has no code; moved to the next line that has'],
        [false, undefined, 'there is no code at or after line 99'],
      ],
    );
    const { sources } = await client.send('loadedSources');
    assert.deepEqual(
      sources.map(({ path }: { path: string }) => path).sort(),
      ['boot.S', 'console.c', 'kernel.c', 'kernel.h', 'memory.c'].map(source),
    );
  });
});
