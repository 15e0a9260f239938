import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';

describe('modes and address spaces over DAP', () => {
  let client: Client;
  afterEach(() => client.close());

  it('steps and unwinds 16-bit code with a stack segment', async () => {
    client = await Client.started({ program: fixture('boot.asm') });
    await client.breakOn('print.next');
    await client.go('continue');
    const stack = await client.stack();
    assert.deepEqual(
      stack.map(({ name, line }) => `${name}:${line}`),
      ['print.next:18', 'start+0xd:10'],
    );
    const { instructions } = await client.send('disassemble', {
      memoryReference: stack[0].instructionPointerReference,
      instructionOffset: -1,
      instructionCount: 3,
    });
    assert.deepEqual(
      instructions.map((line: any) => line.instruction),
      ['push ax', 'lodsb', 'test al, al'],
    );
    await client.breakOn();
    await client.go('stepOut');
    assert.equal(await client.place(), 'boot.asm:12');
    assert.equal(client.text('stdout'), 'boot\n');
  });

  it('finds the source of a guest whose memory EPT put elsewhere', async () => {
    const guest = fixture('exits/guest.asm');
    client = await Client.launched({
      program: fixture('exits/hypervisor.asm'),
      defines: { GUEST_OFFSET: '0x40000000' },
    });
    await client.breakAt(guest, { line: 5 });
    await client.breakOn('exit:RDMSR');
    await client.go('configurationDone');
    await client.go('continue');
    const stack = await client.stack();
    assert.match(stack[0].instructionPointerReference!, /^0x4010[0-9a-f]{4}$/);
    assert.deepEqual([stack[0].name, stack[0].source?.name, stack[0].line], ['guest+0x7', 'guest.asm', 5]);
    assert.equal(stack[2].source?.name, 'hypervisor.asm');
    const exit = await client.go('continue');
    assert.equal(exit.description, 'VM exit 31: RDMSR');
    assert.equal(await client.place(), 'guest.asm:6');
    const { exits } = await client.send('ringscope/exits', {});
    assert.deepEqual(
      exits.map(({ symbol, source }: any) => [symbol, source.line]),
      [
        ['guest+0x5', 4],
        ['guest+0xc', 6],
      ],
    );
  });
});
