import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';

describe('serial input over DAP', () => {
  let client: Client;
  afterEach(() => client.close());

  it('goes from the Debug Console to a program that sleeps until it comes', async () => {
    client = await Client.started({ program: fixture('echo.asm') });
    await client.send('continue', { threadId: 1 });
    const { result } = await client.send('evaluate', { expression: '> hello', context: 'repl' });
    assert.equal(result, '6 bytes sent to COM1');
    // Nothing else would answer while the program runs.
    assert.match(await client.refused('evaluate', { expression: 'eax', context: 'repl' }), /running/);
    await client.send('evaluate', { expression: '> q', context: 'repl' });
    const exited = (await client.event('exited')).body;
    assert.equal(exited.exitCode, 1);
    assert.equal(client.text('stdout'), 'hello\nq');
  });

  it('can be awaited: a pause stops the sleeping processor', async () => {
    client = await Client.started({ program: fixture('echo.asm') });
    await client.send('continue', { threadId: 1 });
    const stop = await client.go('pause');
    assert.equal(stop.reason, 'pause');
    assert.equal((await client.send('threads')).threads[0].name, 'CPU 0 · halted');
  });
});
