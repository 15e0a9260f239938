import * as assert from 'node:assert/strict';
import { Client, sample } from './client';
import { Transcript } from './transcript';

describe('the sample first-exits over DAP', () => {
  let client: Client;
  const program = sample('first-exits/hypervisor.asm');
  beforeEach(async () => (client = await Client.launched({ program })));
  afterEach(() => client.close());

  it('stops at exits, steps into the handler and back', async () => {
    const transcript = new Transcript(client, 'first-exits');
    await transcript.ask('setExceptionBreakpoints', { filters: ['vmexit', 'entryfail', 'shutdown'] });
    await transcript.go('configurationDone');
    await transcript.go('continue');
    await transcript.ask('exceptionInfo', { threadId: 1 });
    await transcript.go('stepIn');
    await transcript.go('next');
    await transcript.go('stepOut');
    await transcript.go('continue');
    await transcript.go('next');
    await transcript.go('next');
    await transcript.go('next', { granularity: 'instruction' });
    transcript.check();
  });

  it('lists the exits with what they cost', async () => {
    const transcript = new Transcript(client, 'exit-history');
    await client.go('configurationDone');
    await client.send('continue', { threadId: 1 });
    await client.event('terminated');
    const { total, exits } = await transcript.ask('ringscope/exits', { count: 100 });
    assert.equal(total, exits.length);
    const page = await client.send('ringscope/exits', { from: 2, count: 2 });
    assert.deepEqual(
      page.exits.map((exit: { sequence: number }) => exit.sequence),
      [2, 3],
    );
    assert.match(client.text('stdout'), /guest: hello through a hypercall/);
    transcript.check();
  });

  it('shows the VMCS of a stop in the manual’s groups, with decoded bits', async () => {
    const transcript = new Transcript(client, 'vmcs');
    await client.breakOn('exit:CPUID');
    await client.go('configurationDone');
    await client.go('continue');
    for (const variable of await client.scope('VMCS')) {
      transcript.say(`${variable.name}: ${variable.value}`);
      if (!variable.variablesReference) continue;
      for (const field of await client.children(variable.variablesReference)) {
        assert.match(field.value, /^0x[0-9a-f]+/, `${field.name} is not in hex`);
        transcript.say(`    ${field.name} ${field.value}`);
      }
    }
    const body = await client.send('ringscope/vmcs', { threadId: 1 });
    assert.equal(body.version, 1);
    assert.deepEqual(
      body.groups.map((group: { name: string }) => group.name),
      ['Guest state', 'Host state', 'Controls', 'Exit information'],
    );
    assert.equal(body.launchState, 'launched');
    transcript.check();
  });
});
