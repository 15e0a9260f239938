import * as assert from 'node:assert/strict';
import { Client, fixture } from './client';

const program = fixture('processors.asm');
const line = { wait: 15, both: 18, count: 27, sleep: 32 };

describe('several processors over DAP', () => {
  let client: Client;
  afterEach(() => client.close());
  const threads = async (): Promise<string[]> =>
    (await client.send('threads')).threads.map(({ id, name }: { id: number; name: string }) => `${id} ${name}`);

  it('are threads with stacks and registers of their own', async () => {
    client = await Client.started({ program, cpus: 3 });
    assert.deepEqual(await threads(), ['1 CPU 0', '2 CPU 1 · waits for SIPI', '3 CPU 2 · waits for SIPI']);
    await client.breakAt(program, { line: line.sleep });
    const stop = await client.go('continue');
    assert.equal(stop.allThreadsStopped, true);
    assert.equal(stop.threadId, 2);
    const [mine] = await client.stack(2);
    const [boots] = await client.stack(1);
    assert.equal(mine.line, line.sleep);
    assert.ok(boots.line >= line.wait - 1 && boots.line <= line.wait + 1, `line ${boots.line}`);
    assert.equal(await client.value('bx', mine.id), '0x1234');
    assert.notEqual(await client.value('bx', boots.id), '0x1234');
    assert.equal(await client.value('cs', mine.id), '0x0800');
    const registers = await client.scope('Registers', boots.id);
    assert.equal(registers.find(({ name }) => name === 'rbx')?.value, '0x00000000fee00000');
    // A value set in one thread stays in it.
    await client.send('setExpression', { expression: 'bx', value: '0x77', frameId: mine.id });
    assert.equal(await client.value('bx', mine.id), '0x0077');
    assert.equal(await client.value('rbx', boots.id), '0x00000000fee00000');
  });

  it('are stepped one by one: a step ends in its own thread', async () => {
    client = await Client.started({ program, cpus: 2 });
    await client.breakAt(program, { line: line.count });
    assert.equal((await client.go('continue')).threadId, 2);
    await client.breakAt(program);
    const stepped = await client.go('next', { threadId: 2 });
    assert.deepEqual([stepped.threadId, await client.place(2)], [2, `processors.asm:${line.count + 1}`]);
    for (let n = 0; n < 4; n++) assert.equal((await client.go('next', { threadId: 2 })).threadId, 2);
    assert.match(await client.place(2), /processors\.asm:(2[7-9]|3[0-2])/);
    const before = await client.place(1);
    const other = await client.go('next', { threadId: 1 });
    assert.equal(other.threadId, 1);
    assert.notEqual(await client.place(1), before);
  });

  it('meet breakpoints in whoever gets there, also while another one is stepped', async () => {
    client = await Client.started({ program, cpus: 2 });
    await client.breakAt(program, { line: line.sleep }, { line: line.both });
    const seen: string[] = [];
    for (let n = 0; n < 2; n++) {
      const { threadId } = await client.go('continue');
      seen.push(`${threadId} ${await client.place(threadId)}`);
    }
    assert.deepEqual(seen.sort(), [`1 processors.asm:${line.both}`, `2 processors.asm:${line.sleep}`]);
  });

  it('refuse a thread that is not there', async () => {
    client = await Client.started({ program, cpus: 2 });
    assert.match(await client.refused('stackTrace', { threadId: 3 }), /no thread 3.*1 to 2/);
    assert.match(await client.refused('next', { threadId: 9 }), /no thread 9/);
  });
});
