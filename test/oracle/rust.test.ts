/** A Rust program in the debugger: names with their modules, enums with their variants, generics, inlined calls. */
import * as assert from 'node:assert/strict';
import { Client } from '../adapter/client';
import { BuildFolder, fixture } from '../dwarf/build';

describe('Rust over DAP', () => {
  const built = new BuildFolder();
  const source = fixture('counter.rs');
  const line = (text: string) => built.lineOf('counter.rs', text);
  let client: Client;
  after(() => built.remove());
  afterEach(() => client.close());

  it('is stepped by its lines, with its names and variables', async () => {
    client = await Client.launched({ program: built.rustc('counter', 'counter.rs') });
    const [breakpoint] = await client.breakOn('counter::device::Counter::add');
    assert.ok(breakpoint.verified, breakpoint.message);
    assert.equal(breakpoint.line, line('self.value = '));
    await client.go('configurationDone');
    await client.go('continue');
    const names = async () => (await client.stack()).map(({ name, line: at }) => `${name}:${at}`);
    assert.deepEqual(await names(), [
      `counter::device::Counter::add:${line('self.value = ')}`,
      `counter::_start:${line('counter.add(')}`,
    ]);
    assert.equal(await client.value('amount'), '3');
    assert.equal(await client.value('self->value'), '1');
    await client.go('next');
    assert.deepEqual((await names())[0], `counter::device::Counter::add:${line('self.value = ') + 1}`);
    await client.go('stepOut');
    const [top] = await client.stack();
    const variables = Object.fromEntries(
      (await client.scope('Locals', top.id)).map(({ name, value }) => [name, value]),
    );
    assert.equal(variables.counter, '{value: 4, limit: {Some: {…}}}');
    assert.equal(await client.value('counter.limit'), '{Some: {__0: 7}}');
    await client.breakAt(source, { line: line('if a > b') });
    await client.go('continue');
    assert.equal((await client.stack())[0].name, 'counter::largest<u64>');
  });
});
