import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';
import { Transcript } from './transcript';

describe('stepping over DAP', () => {
  let client: Client;
  afterEach(() => client.close());

  it('goes over and into calls, and out by the return address', async () => {
    client = await Client.launched({ program: fixture('calls.asm') });
    const transcript = new Transcript(client, 'stepping');
    await transcript.go('configurationDone');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('stepIn');
    await transcript.go('next');
    await transcript.go('stepIn');
    await transcript.go('stepOut');
    await transcript.go('stepOut');
    transcript.check();
  });

  it('takes a repeated string instruction as one', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    await client.breakAt(fixture('calls.asm'), { line: 14 });
    await client.go('continue');
    assert.equal(await client.value('ecx'), '0x00000008');
    await client.go('next', { granularity: 'instruction' });
    assert.deepEqual([await client.place(), await client.value('ecx')], ['calls.asm:15', '0x00000000']);
  });

  it('steps out of a recursion of its own exit handler only when the guest is entered', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakOn('handle');
    await client.go('continue');
    assert.equal(await client.place(), 'hypervisor.asm:124');
    await client.go('stepOut');
    assert.equal(await client.place(), 'hypervisor.asm:116', 'first to the caller');
    await client.go('stepOut');
    assert.equal(await client.place(), 'guest.asm:5', 'then to the guest');
  });

  it('says so when there is nothing to step out to', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    assert.match(await client.refused('stepOut', { threadId: 1 }), /nothing to step out to/);
    assert.equal(await client.place(), 'calls.asm:6');
  });

  it('enters the guest with a step over VMLAUNCH, and leaves it with a step into an instruction that exits', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakOn('launch');
    await client.go('continue');
    await client.go('next');
    assert.equal(await client.place(), 'guest.asm:3');
    await client.go('next');
    await client.go('stepIn');
    assert.equal(await client.place(), 'hypervisor.asm:110');
  });

  it('pauses a loop that never ends, and acts on breakpoints meanwhile', async () => {
    client = await Client.started({ program: fixture('spin.asm') });
    await client.send('continue', { threadId: 1 });
    assert.match(await client.refused('stackTrace', { threadId: 1 }), /running: pause it first/);
    await client.send('pause', { threadId: 1 });
    assert.equal((await client.event('stopped')).body.reason, 'pause');
    await client.send('continue', { threadId: 1 });
    await client.breakAt(fixture('spin.asm'), { line: 5 });
    assert.equal((await client.event('stopped')).body.reason, 'breakpoint');
  });
});
