import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';

describe('registers, memory and expressions over DAP', () => {
  let client: Client;
  afterEach(() => client.close());
  const named = async (scope: string, name: string) =>
    (await client.scope(scope)).find(variable => variable.name === name)!;

  it('shows every scope in hex, with bits decoded', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    assert.equal((await named('Registers', 'rip')).value, '0x0000000000100000 <start>');
    assert.equal((await named('Control', 'cr0')).value, '0x0000000080000031 [PE ET NE PG]');
    assert.match((await named('MSRs', 'ia32_efer')).value, /^0x0000000000000d00 \[LME LMA NXE\]$/);
    assert.match((await named('Segments', 'cs')).value, /^0x0008 base 0x0 limit 0xffffffff access 0xa09b$/);
    for (const scope of ['Registers', 'Segments', 'Control', 'MSRs']) {
      const variables = await client.scope(scope);
      assert.ok(variables.length > 5, `${scope} is nearly empty`);
      for (const { name, value } of variables) assert.match(value, /0x[0-9a-f]/, `${scope}.${name} is not in hex`);
    }
    const { scopes } = await client.send('scopes', { frameId: (await client.stack())[0].id });
    assert.deepEqual(
      scopes.filter((scope: { expensive: boolean }) => scope.expensive).map((scope: { name: string }) => scope.name),
      ['MSRs', 'SSE', 'x87', 'Local APIC'],
    );
  });

  it('shows and sets vector registers by their lanes, and the x87 stack by its values', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    const set = async (variablesReference: number, name: string, value: string) =>
      (await client.send('setVariable', { variablesReference, name, value })).value;
    const reference = async (scope: string) => {
      const { scopes } = await client.send('scopes', { frameId: (await client.stack())[0].id });
      return scopes.find(({ name }: { name: string }) => name === scope).variablesReference as number;
    };
    const lanes = async (view: string) => {
      const register = await named('SSE', 'xmm3');
      const views = await client.children(register.variablesReference);
      return views.find(({ name }) => name === view)!;
    };
    assert.equal((await named('SSE', 'mxcsr')).value, '0x00001f80 [IM DM ZM OM UM PM]');
    await set(await reference('SSE'), 'xmm3', '0x40000000000000003ff8000000000000');
    assert.equal((await named('SSE', 'xmm3')).value, '0x40000000000000003ff8000000000000');
    assert.equal((await lanes('f64')).value, '{1.5, 2}');
    assert.equal((await lanes('f32')).value, '{0, 1.9375, 0, 2}');
    assert.equal(await set((await lanes('u32')).variablesReference, '[1]', '0xbff80000'), '0xbff80000');
    const [low] = await client.children((await lanes('f64')).variablesReference);
    assert.equal(low.value, '0xbff8000000000000 [-1.5]');
    const refused = { variablesReference: (await lanes('u8')).variablesReference, name: '[0]', value: '256' };
    assert.match(await client.refused('setVariable', refused), /8 bits/);

    await set(await reference('x87'), 'fsw', '7 << 11');
    assert.equal(await set(await reference('x87'), 'st0', '0x3fffc000000000000000'), '0x3fffc000000000000000 [1.5]');
    assert.equal((await named('x87', 'st0')).evaluateName, 'fpr7');
    assert.equal((await client.send('evaluate', { expression: 'mm7', context: 'watch' })).result, '0xc000000000000000');
    await set(await reference('x87'), 'ftw', '0x7f');
    assert.match((await named('x87', 'st0')).value, /\[empty\]$/);
  });

  it('sets registers, flags and bit-fields, and refuses what cannot be', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    const reference = async (name: string) => {
      const { scopes } = await client.send('scopes', { frameId: (await client.stack())[0].id });
      return scopes.find((scope: { name: string }) => scope.name === name).variablesReference;
    };
    const set = async (scope: string, name: string, value: string) =>
      (await client.send('setVariable', { variablesReference: await reference(scope), name, value })).value;
    assert.equal(await set('Registers', 'rax', '0x10 + 2'), '0x0000000000000012');
    assert.equal(await set('Registers', 'rip', '0x0000000000100065 <outer>'), '0x0000000000100065 <outer>');
    assert.equal(await client.place(), 'calls.asm:33');
    assert.equal(await set('Flags', 'CF', '1'), '1');
    assert.match((await named('Registers', 'rflags')).value, /\[CF\]$/);
    const refused = async (scope: string, name: string, value: string) =>
      client.refused('setVariable', { variablesReference: await reference(scope), name, value });
    assert.match(await refused('Registers', 'rip', '0x8000000000000000'), /not canonical/);
    assert.match(await refused('Control', 'cr3', '-1'), /CR3 cannot be .*physical-address width/);
    assert.match(await refused('Flags', 'CF', '2'), /does not fit/);
    assert.match(await refused('Registers', 'rax', 'nonsense'), /no register, symbol, VMCS field or exit reason/);
    assert.equal(await client.place(), 'calls.asm:33', 'the session goes on');
  });

  it('survives RIP and CR3 that point nowhere: the next step says what the processor did', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    await client.filters('shutdown');
    await client.send('setExpression', { expression: 'rip', value: '0x3000000000' });
    const [top] = await client.stack();
    assert.equal(top.name, '0x3000000000');
    const stop = await client.go('next');
    assert.deepEqual([stop.reason, stop.description], ['exception', 'Triple fault: shutdown']);
    assert.match((await client.send('exceptionInfo', { threadId: 1 })).description, /Triple fault/);
    await client.go('restart');
    await client.send('setExpression', { expression: 'cr3', value: '0x3ff0000' });
    assert.equal((await client.go('next')).description, 'Triple fault: shutdown');
  });

  it('evaluates hovers, watches and assignments in the console', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    const hover = async (expression: string) =>
      (await client.send('evaluate', { expression, context: 'hover' })).result;
    assert.match(await hover('message'), /^0x100085 → 48 65 6c 6c 6f 0a 00 .*Hello/);
    assert.equal(await hover('cr0.PE'), '0x1');
    assert.equal(await client.value('byte [message + 1]'), '0x65');
    assert.equal(await client.value('0xf0 & 0x3c == 0x30 && !(1 > 2)'), '0x1');
    assert.equal(await client.value('1fh + 0b11 + 1_000'), '0x40a');
    assert.match(
      await client.refused('evaluate', { expression: 'rax = 1', context: 'hover' }),
      /in the Debug Console only/,
    );
    assert.equal(
      (await client.send('evaluate', { expression: 'rax = 0x77', context: 'repl' })).result,
      '0x0000000000000077',
    );
    assert.equal(
      (await client.send('evaluate', { expression: 'word [buffer] = 0x1234', context: 'repl' })).result,
      '0x1234',
    );
    assert.match(await client.refused('evaluate', { expression: '1 / 0' }), /division by zero/);
    assert.match(
      await client.refused('evaluate', { expression: 'byte [buffer] = 0x100', context: 'repl' }),
      /does not fit 1 byte/,
    );
    assert.match(await client.refused('evaluate', { expression: 'mesage' }), /did you mean message\?/);
    assert.equal((await client.send('evaluate', { expression: 'rax', format: { hex: false } })).result, '119');
    const { targets } = await client.send('completions', { text: 'mes', column: 4 });
    assert.deepEqual(targets, [{ label: 'message', start: 1, length: 3 }]);
  });

  it('reads and writes memory in every address space', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakAt(fixture('exits/guest.asm'), { line: 9 });
    await client.go('continue');
    const scratch = (await client.value('scratch')).split(' ')[0];
    const read = async (memoryReference: string) => {
      const body = await client.send('readMemory', { memoryReference, count: 4 });
      return Buffer.from(body.data, 'base64').toString('hex');
    };
    assert.equal(await read(scratch), '0d600000');
    assert.equal(await read(`gpa:0x${(BigInt(scratch) + 0x40000000n).toString(16)}`), '0d600000');
    await client.send('writeMemory', {
      memoryReference: `hpa:${scratch}`,
      data: Buffer.from([1, 2]).toString('base64'),
    });
    assert.equal((await client.event('memory')).body.memoryReference, `hpa:${scratch}`);
    assert.equal(await read(scratch), '01020000');
    const nowhere = await client.send('readMemory', { memoryReference: '0xffff800000000000', count: 8 });
    assert.deepEqual([nowhere.data, nowhere.unreadableBytes], [undefined, 8]);
    assert.match(await client.refused('readMemory', { memoryReference: 'somewhere', count: 1 }), /no memory reference/);
    assert.match(
      await client.refused('writeMemory', { memoryReference: '0xffff800000000000', data: 'AAAA' }),
      /no memory is mapped at linear 0xffff800000000000: 0 of 3 bytes/,
    );
  });

  it('sees the guest’s registers and memory from the handler, and sets them', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakOn('hypercall:4');
    await client.go('continue');
    assert.equal(await client.value('rbx'), '0x0000000000000005');
    await client.send('setExpression', { expression: 'rbx', value: '6' });
    await client.send('setExpression', { expression: 'rflags', value: 'rflags | 1' });
    await client.go('stepIn');
    const stack = await client.stack();
    const below = stack.find(frame => frame.source?.name === 'guest.asm')!;
    assert.equal(await client.value('rip', below.id), '0x00000000001003e0 <guest+0x28>');
    assert.equal(await client.value('rsp', stack[0].id), '0x0000000000106000 <stack_end>');
    await client.go('stepOut');
    assert.deepEqual([await client.value('rbx'), await client.value('cf')], ['0x0000000000000006', '0x1']);
  });

  it('reads and sets VMCS fields by name', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakOn('exit:CPUID');
    await client.go('continue');
    assert.equal(await client.value('EXIT_REASON'), '0x0000000a [CPUID]');
    assert.equal(await client.value('reason'), '0xa [CPUID]');
    assert.equal(await client.value('GUEST_CR0.PE && EPTP.memorytype == 6'), '0x1');
    const set = (expression: string) => client.send('evaluate', { expression, context: 'repl' });
    assert.equal((await set('GUEST_RIP = guest')).result, '0x00000000001003b8 <guest>');
    assert.equal(await client.place(), 'guest.asm:3', 'the guest’s frame follows');
    assert.match(
      await client.refused('evaluate', { expression: 'VPID = 0x10000', context: 'repl' }),
      /VPID holds 16 bits: 0x10000 does not fit/,
    );
  });

  it('walks page tables under EPT and counts the references', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakAt(fixture('exits/guest.asm'), { line: 9 });
    await client.go('continue');
    const walk = await client.send('ringscope/walk', {
      address: await client.value('rdi').then(text => text.split(' ')[0]),
      space: 'linear',
      access: 'write',
    });
    assert.equal(walk.result.ok, true);
    assert.equal(walk.references, walk.guestReferences + walk.eptReferences);
    // Guest: PML4E, PDPTE, PDE (2-MByte page); EPT: two references (1-GByte page) for each of them and for the result.
    assert.deepEqual([walk.guestReferences, walk.eptReferences], [3, 8]);
    const failed = await client.send('ringscope/walk', {
      address: '0x80000000',
      space: 'guest-physical',
      access: 'read',
    });
    assert.equal(failed.result.fault.kind, 'ept-violation');
    assert.match(
      await client.refused('ringscope/walk', { address: 'x', space: 'linear', access: 'read' }),
      /no address/,
    );
  });

  it('disassembles forwards and backwards with symbols, data and lines', async () => {
    client = await Client.started({ program: fixture('exits/hypervisor.asm') });
    await client.breakAt(fixture('exits/guest.asm'), { line: 4 });
    await client.go('continue');
    const [top] = await client.stack();
    const list = async (args: object) =>
      (
        await client.send('disassemble', {
          memoryReference: top.instructionPointerReference,
          resolveSymbols: true,
          ...args,
        })
      ).instructions;
    const around = await list({ instructionOffset: -4, instructionCount: 7 });
    assert.deepEqual(
      around.slice(1).map((line: any) => [line.symbol ?? '', line.instruction, line.line]),
      [
        ['vmxon_pointer', 'db 0x00, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00', 147],
        ['vmcs_pointer', 'db 0x00, 0x20, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00', 148],
        ['guest', 'mov eax, 0x7', 3],
        ['', 'cpuid', 4],
        ['', 'mov ecx, 0xc0000080', 5],
        ['', 'rdmsr', 6],
      ],
    );
    assert.equal(BigInt(around[4].address), BigInt(top.instructionPointerReference!));
    const fifty = await list({ instructionOffset: -50, instructionCount: 50 });
    assert.equal(fifty.length, 50);
    for (let n = 1; n < 50; n++)
      assert.equal(
        BigInt(fifty[n].address),
        BigInt(fifty[n - 1].address) + BigInt(fifty[n - 1].instructionBytes.split(' ').length),
        'the lines follow each other without a gap',
      );
    const nowhere = await client.send('disassemble', {
      memoryReference: '0x10',
      instructionOffset: -50,
      instructionCount: 100,
    });
    assert.equal(nowhere.instructions.length, 100);
  });
});
