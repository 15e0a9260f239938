import * as assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requests } from '../../src/adapter/requests';
import { Client, fixture, ROOT, sample } from './client';
import { Transcript } from './transcript';

describe('launching over DAP', () => {
  let client: Client;
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'ringscope-launch-'))));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => client.close());
  const source = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('announces what it serves', async () => {
    client = await Client.connect();
    const transcript = new Transcript(client, 'initialize');
    await transcript.ask('initialize', { adapterID: 'ringscope' });
    transcript.check();
  });

  it('answers requests that come too early with what is missing', async () => {
    client = await Client.connect();
    assert.match(await client.refused('threads'), /threads came before initialize/);
    await client.send('initialize', { adapterID: 'ringscope' });
    for (const [command, { needs }] of Object.entries(requests))
      if (needs === 'launch' || needs === 'stopped')
        assert.match(await client.refused(command), new RegExp(`${command} needs a launched program`));
    assert.match(await client.refused('reverseContinue'), /not supported/);
    await client.send('launch', { program: fixture('calls.asm') });
    assert.equal((await client.go('configurationDone')).reason, 'entry');
  });

  it('refuses attributes with their name, what they are and what they may be', async () => {
    client = await Client.connect();
    await client.send('initialize', { adapterID: 'ringscope' });
    const program = fixture('calls.asm');
    const cases: [object, RegExp][] = [
      [{}, /"program" is missing/],
      [{ program: 7 }, /"program" is 7; it must be a string/],
      [{ program: join(folder, 'none.asm') }, /"program" names .*none\.asm, which cannot be read/],
      [{ program, memory: 64 }, /"memory" is 64; write a size such as "64M"/],
      [{ program, memory: '9999G' }, /"memory" is 9999G; it may be 1M to 3G/],
      [{ program, cpus: 65 }, /"cpus" is 65; it may be 1 to 64/],
      [{ program, cpu: 'skylak' }, /"cpu" names no processor model "skylak": did you mean "skylake"\?/],
      [{ program, features: { smepp: false } }, /"features" names no processor feature "smepp": did you mean "smep"\?/],
      [{ program, features: { smep: 'off' } }, /"features.smep" is "off"; it must be true or false/],
      [{ program, start: 'fast' }, /"start" is "fast"; it may be long, protected/],
      [{ program, loadAddress: 'here' }, /"loadAddress" is "here"; it must be an address/],
      [{ program, stopOnEntry: 'yes' }, /"stopOnEntry" is "yes"; it must be true or false/],
      [{ program, modules: 'a' }, /"modules" is "a"; it must be a list/],
      [{ program, modules: ['/none'] }, /"modules\[0\]" names \/none, which cannot be read/],
      [{ program, defines: { A: [] } }, /"defines.A" is \[\]; it must be a string or a number/],
      [{ program, stopOnEnty: true }, /"stopOnEnty" is not an attribute of this debugger/],
      [{ program, loadAddress: '0x7f00000', memory: '8M' }, /does not fit/],
    ];
    for (const [attributes, message] of cases) assert.match(await client.refused('launch', attributes), message);
    await client.send('launch', { program });
    assert.equal((await client.go('configurationDone')).reason, 'entry');
  });

  it('tells the errors of a source with their places', async () => {
    client = await Client.connect();
    await client.send('initialize', { adapterID: 'ringscope' });
    const path = source('wrong.asm', 'bits 64\nstart:\n  movv rax, 1\n  jmp nowhere\n');
    assert.match(await client.refused('launch', { program: path }), /wrong\.asm:3:3: error: .*movv.*and 1 more/);
    const errors = client.output.filter(event => event.category === 'stderr');
    assert.deepEqual(
      errors.map(event => [event.source?.path, event.line]),
      [
        [path, 3],
        [path, 4],
      ],
    );
  });

  it('refuses programs that cannot be', async () => {
    client = await Client.connect();
    await client.send('initialize', { adapterID: 'ringscope' });
    const loop = source('loop.asm', '%include "loop.asm"\n');
    assert.match(await client.refused('launch', { program: loop }), /loop\.asm:1:\d+: error: /);
    const truncated = join(folder, 'kernel.bin');
    const header = new Uint32Array([0x1badb002, 0x10000, 0xe4514ffe, 0x100000, 0x100000, 0x900000, 0x900000, 0x100020]);
    writeFileSync(truncated, new Uint8Array(header.buffer));
    assert.match(await client.refused('launch', { program: truncated }), /truncated/);
    await client.send('launch', { program: fixture('calls.asm') });
    assert.equal((await client.go('configurationDone')).reason, 'entry');
  });

  it('is what `ringscope dap` serves', async () => {
    client = await Client.connect(join(ROOT, 'dist', 'cli.js'), 'dap');
    await client.send('initialize', { adapterID: 'ringscope' });
    await client.send('launch', { program: fixture('calls.asm') });
    assert.equal((await client.go('configurationDone')).reason, 'entry');
  });

  it('passes defines to the assembler', async () => {
    client = await Client.started({
      program: source('defines.asm', 'bits 64\nmov eax, ANSWER\nhlt\n'),
      defines: { ANSWER: 42 },
    });
    await client.go('next');
    assert.equal(await client.value('eax'), '0x0000002a');
  });

  it('runs to the end with serial output and the exit status', async () => {
    client = await Client.launched({ program: fixture('calls.asm'), stopOnEntry: false });
    await client.send('configurationDone');
    assert.equal((await client.event('exited')).body.exitCode, 0);
    await client.event('terminated');
    assert.equal(client.text('stdout'), 'Hello\n');
  });

  it('restarts where it began', async () => {
    client = await Client.started({ program: fixture('calls.asm') });
    await client.go('next');
    assert.equal((await client.go('restart')).reason, 'entry');
    assert.equal(await client.place(), 'calls.asm:6');
    await client.breakOn('print');
    await client.send('continue', { threadId: 1 });
    await client.event('stopped');
    assert.equal((await client.go('restart')).reason, 'entry');
  });

  it('says why a HLT never returns, and stays there', async () => {
    client = await Client.started({ program: source('halt.asm', 'bits 64\ncli\nhlt\n') });
    await client.filters('shutdown');
    const stop = await client.go('continue');
    assert.deepEqual([stop.reason, stop.description], ['exception', 'Halted for good']);
    assert.match(stop.text!, /interrupts disabled \(RFLAGS.IF = 0\)/);
    assert.equal((await client.go('continue')).description, 'Halted for good');
    assert.equal((await client.stack()).length, 1);
  });

  it('ends the session at a triple fault when nobody wants to see it', async () => {
    client = await Client.started({ program: source('triple.asm', 'bits 64\nud2\n') });
    await client.filters();
    await client.send('continue', { threadId: 1 });
    assert.equal((await client.event('exited')).body.exitCode, 1);
    await client.event('terminated');
    assert.match(client.text('console'), /Triple fault/);
  });

  it('stops at processor exceptions by vector', async () => {
    client = await Client.started({ program: source('fault.asm', 'bits 64\nnop\nud2\n') });
    await client.filters({ filterId: 'exception', condition: '#UD' });
    const stop = await client.go('continue');
    assert.deepEqual([stop.reason, stop.description], ['exception', 'Exception #UD']);
  });

  it('explains a VM entry that fails: check, field, value, rule, section', async () => {
    client = await Client.started({ program: sample('broken-entry/hypervisor.asm') });
    const transcript = new Transcript(client, 'broken-entry');
    await client.filters('entryfail', 'shutdown');
    await transcript.go('continue');
    await transcript.ask('exceptionInfo', { threadId: 1 });
    // The stop belongs to VMLAUNCH; a step goes to where the processor stands, without executing anything.
    await transcript.go('next');
    await transcript.go('next');
    transcript.check();
  });

  it('names every source that took part', async () => {
    client = await Client.started({ program: sample('first-exits/hypervisor.asm') });
    const { sources } = await client.send('loadedSources');
    const names = sources.map((item: { name: string }) => item.name);
    assert.ok(names.includes('hypervisor.asm') && names.includes('guest.asm'), names.join());
    for (const { path } of sources) assert.ok(existsSync(path), path);
  });

  it('checks a source that nobody has saved', async () => {
    client = await Client.connect();
    await client.send('initialize', { adapterID: 'ringscope' });
    const path = fixture('exits/hypervisor.asm');
    const good = await client.send('ringscope/check', { path });
    assert.deepEqual([good.version, good.diagnostics, good.sources.length], [1, [], 2]);
    const bad = await client.send('ringscope/check', {
      path,
      open: { [fixture('exits/guest.asm')]: 'guest:\n  mov eax, [\n' },
    });
    const [first] = bad.diagnostics;
    assert.deepEqual(
      [first.file, first.line, first.column, first.severity],
      [fixture('exits/guest.asm'), 2, first.column, 'error'],
    );
  });
});
