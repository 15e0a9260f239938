import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';

describe('breakpoints over DAP', () => {
  const calls = fixture('calls.asm');
  const guest = fixture('exits/guest.asm');
  let client: Client;
  afterEach(() => client.close());

  it('moves to the next line with code, or says why it cannot', async () => {
    client = await Client.started({ program: calls });
    const [moved, beyond] = await client.breakAt(calls, { line: 1 }, { line: 999 });
    assert.deepEqual([moved.verified, moved.line], [true, 6]);
    assert.match(moved.message!, /moved to the next line/);
    assert.deepEqual([beyond.verified, beyond.message], [false, 'there is no code at or after line 999']);
    const [foreign] = await client.breakAt('/nowhere/else.asm', { line: 1 });
    assert.match(foreign.message!, /no code of the program comes from this file/);
    const { breakpoints } = await client.send('breakpointLocations', { source: { path: calls }, line: 5, endLine: 8 });
    assert.deepEqual(breakpoints, [{ line: 6 }, { line: 7 }, { line: 8 }]);
  });

  it('obeys conditions, hit counts and log messages', async () => {
    client = await Client.started({ program: calls });
    await client.breakAt(
      calls,
      { line: 17, condition: 'ecx == 3' },
      { line: 18, hitCondition: '>= 4' },
      { line: 16, logMessage: 'rcx {ecx} {{rax}} {rax + 0x10}' },
    );
    assert.equal((await client.go('continue')).reason, 'breakpoint');
    assert.deepEqual([await client.place(), await client.value('ecx')], ['calls.asm:17', '0x00000003']);
    await client.go('continue');
    assert.deepEqual([await client.place(), await client.value('ecx')], ['calls.asm:18', '0x00000002']);
    assert.match(client.text('console'), /^rcx 0x5 \{rax\} 0x10\nrcx 0x4 \{rax\} 0x15\n/);
  });

  it('refuses conditions that it cannot read, and stops at those that it cannot evaluate', async () => {
    client = await Client.started({ program: calls });
    const [broken, hits] = await client.breakAt(
      calls,
      { line: 7, condition: 'rax ==' },
      { line: 8, hitCondition: 'often' },
    );
    assert.deepEqual([broken.verified, broken.message], [false, 'the expression ends too early']);
    assert.match(hits.message!, /hit condition "often": write 5/);
    await client.breakAt(calls, { line: 7, condition: '[0xffff800000000000] == 0' }, { line: 8, condition: 'rbx / 0' });
    assert.match((await client.go('continue')).text!, /no memory is mapped/);
    assert.match((await client.go('continue')).text!, /division by zero/);
  });

  it('knows symbols, exits, ports, MSRs and hypercalls by name', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    const answers = await client.breakOn('handle', 'nobody', 'exit:NONSENSE', 'exit:EPT', 'port:zero', 'shutdown');
    assert.deepEqual(
      answers.map(({ verified, message }) => (verified ? 'ok' : message)),
      [
        'ok',
        'no symbol is called nobody; events are exit:…, port:…, msr:… and hypercall:…',
        'no VM exit is called NONSENSE, as in exit:EPT_VIOLATION',
        'no VM exit is called EPT; did you mean EPT_VIOLATION?',
        'zero: expected a port, as in port:0x3f8 or port:0x3f8-0x3ff',
        'shutdown is data, not code',
      ],
    );
    await client.breakOn('msr:0xc0000080', 'exit:EPT_VIOLATION', 'hypercall:4', 'port:0x3f8', 'exit:12');
    const stops: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { reason, description } = await client.go('continue');
      stops.push(`${reason}: ${description} at ${await client.place()}`);
    }
    assert.deepEqual(stops, [
      'function breakpoint: VM exit 31: RDMSR at guest.asm:6',
      'function breakpoint: VM exit 48: EPT violation at guest.asm:8',
      'function breakpoint: VM exit 18: VMCALL at guest.asm:11',
      'function breakpoint: VM exit 30: I/O instruction at guest.asm:14',
      'function breakpoint: VM exit 12: HLT at guest.asm:20',
    ]);
  });

  it('takes filters with reasons or an expression as their condition', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    const [good, bad] = await client.filters(
      { filterId: 'vmexit', condition: 'RDMSR, IO' },
      { filterId: 'vmexit', condition: 'SOMETHING' },
    );
    assert.equal(good.verified, true);
    assert.match(bad.message!, /no VM exit is called SOMETHING/);
    await client.filters({ filterId: 'vmexit', condition: 'RDMSR, IO' });
    assert.equal((await client.go('continue')).description, 'VM exit 31: RDMSR');
    await client.filters(
      { filterId: 'ept', condition: 'qual.write && gpa >= 0x40000000' },
      { filterId: 'hypercall', condition: '7' },
    );
    assert.equal((await client.go('continue')).description, 'VM exit 48: EPT violation');
    await client.filters({ filterId: 'vmexit', condition: 'reason == IO && qual.port == 0x3f8' });
    assert.equal((await client.go('continue')).description, 'VM exit 30: I/O instruction');
    assert.equal(await client.value('qual.size'), '0x1');
  });

  it('stops at port accesses and control-register writes that take effect', async () => {
    client = await Client.started({ program: calls });
    await client.filters({ filterId: 'io', condition: 'write && value == 0x6c' });
    assert.equal((await client.go('continue')).description, 'Port 0x3f8 write 0x6c');
    await client.close();
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.filters('crmsr');
    assert.equal((await client.go('continue')).description, 'CR4 := 0x2020');
  });

  it('stops at instruction addresses', async () => {
    client = await Client.started({ program: calls });
    const [top] = await client.stack();
    const { breakpoints } = await client.send('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: top.instructionPointerReference, offset: 15 }],
    });
    assert.equal(breakpoints[0].verified, true);
    assert.equal((await client.go('continue')).reason, 'instruction breakpoint');
    assert.equal(await client.place(), 'calls.asm:8');
  });

  it('stops at accesses to data by address and length', async () => {
    client = await Client.started({ program: calls });
    const info = await client.send('dataBreakpointInfo', { name: 'counter', bytes: 8 });
    assert.match(info.description, /^8 bytes at linear 0x[0-9a-f]+ <counter>$/);
    assert.equal((await client.send('dataBreakpointInfo', { name: 'rax' })).dataId, null);
    await client.send('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId, accessType: 'write' }] });
    assert.equal((await client.go('continue')).reason, 'data breakpoint');
    assert.equal(await client.place(), 'calls.asm:40', 'the write has happened; the next instruction is current');
    assert.equal(await client.value('qword [counter]'), '0x0000000000000001');
    await client.send('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId, accessType: 'read' }] });
    await client.go('continue');
    assert.equal(await client.place(), 'calls.asm:24');
  });

  it('stops in a guest at source lines', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakAt(guest, { line: 9 });
    await client.go('continue');
    assert.equal(await client.place(), 'guest.asm:9');
    assert.equal(await client.value('dword [rdi]'), '0x0000600d', 'the page that the handler mapped');
  });
});
