import * as assert from 'node:assert/strict';
import { BuildFolder, fixture } from '../dwarf/build';
import { Client } from './client';
import { Transcript } from './transcript';

describe('variables of C over DAP', () => {
  const built = new BuildFolder();
  const source = fixture('shapes.c');
  let client: Client;
  after(() => built.remove());
  afterEach(() => client.close());

  /** Stopped where a line contains `text`. */
  async function stoppedAt(text: string, ...flags: string[]): Promise<void> {
    client = await Client.launched({ program: built.gcc('shapes', 'shapes.c', ...flags) });
    await client.breakAt(source, { line: built.lineOf('shapes.c', text) });
    await client.go('configurationDone');
    await client.go('continue');
  }

  /** Name and value of each variable of a frame. */
  const locals = async (frame?: number) =>
    Object.fromEntries((await client.scope('Locals', frame)).map(({ name, value }) => [name, value]));

  it('are shown with their types, and open into their parts', async () => {
    await stoppedAt('result += sum', '-g');
    const transcript = new Transcript(client, 'locals');
    const show = async (reference: number, depth: number): Promise<void> => {
      for (const { name, value, type, evaluateName, variablesReference } of await client.children(reference)) {
        transcript.say(`${'    '.repeat(depth)}${name}: ${value}  (${type}) = ${evaluateName}`);
        if (variablesReference && depth < 2) await show(variablesReference, depth + 1);
      }
    };
    const { scopes } = await client.send('scopes', { frameId: (await client.stack())[0].id });
    assert.deepEqual([scopes[0].name, scopes[0].presentationHint], ['Locals', 'locals']);
    await show(scopes[0].variablesReference, 0);
    const body = await transcript.ask('evaluate', { expression: 'square', context: 'hover' });
    await show(body.variablesReference, 1);
    transcript.check();
  });

  for (const version of [2, 3, 4, 5])
    it(`are the same in every version of DWARF (${version})`, async () => {
      await stoppedAt('int h =', `-gdwarf-${version}`, '-gstrict-dwarf');
      const frames = await client.stack();
      assert.match((await locals()).s, /<square>$/);
      assert.equal((await locals()).w, '3');
      assert.equal((await locals(frames[1].id)).values, '{1, 2, 3, 4, 5}');
      assert.equal(await client.value('s->corners[2].y + s->flags * 100 + s->depth'), '0x208');
    });

  it('of optimised code are found by location lists, or said to be gone', async () => {
    for (const version of [4, 5]) {
      await stoppedAt('total += values', `-gdwarf-${version}`, '-O1');
      assert.deepEqual(
        (({ count, total }) => ({ count, total }))(await locals()),
        { count: '5', total: '0' },
        `DWARF ${version}`,
      );
      await client.close();
    }
    await stoppedAt('return w * h', '-g', '-O2');
    assert.match(await client.refused('evaluate', { expression: 'ratio' }), /ratio is no register/);
  });

  it('of 32-bit code are read by its own registers', async () => {
    await stoppedAt('int h =', '-g', '-m32');
    assert.equal(await client.value('s->corners[2].x'), '3');
    assert.equal((await client.stack())[1].name, '_start');
  });

  it('are part of expressions, and win over registers of the same name', async () => {
    await stoppedAt('result += sum', '-g');
    const cases: [string, string][] = [
      ['values[2]', '3'],
      ['*values', '1'],
      ['values[values[0]] + 1', '0x3'],
      ['word.bytes[0]', '4'],
      ['square.next->next->corners[3].y', '3'],
      ['(*square.next).colour', 'GREEN (5)'],
      ['square.name', '"square"'],
      ['&square == square.next', '0x1'],
      ['ratio', '0.5'],
      ['ready', 'true'],
      ['measure', '<area>'],
      ['result', '129'],
    ];
    for (const [expression, value] of cases)
      assert.ok((await client.value(expression)).includes(value), `${expression}: ${await client.value(expression)}`);
    assert.match(await client.refused('evaluate', { expression: 'square.size' }), /shape_t has no member size/);
    assert.match(await client.refused('evaluate', { expression: 'ready->x' }), /_Bool has no member x/);
    assert.match(await client.refused('evaluate', { expression: 'rax->x' }), /rax is no variable of this frame/);
    assert.match(await client.refused('evaluate', { expression: 'values[0' }), /expected \]/);
  });

  it('can be set, also bit-fields, and by assignments in the console', async () => {
    await stoppedAt('result += sum', '-g');
    const [top] = await client.stack();
    const { scopes } = await client.send('scopes', { frameId: top.id });
    const variablesReference = scopes[0].variablesReference;
    const set = async (name: string, value: string) =>
      (await client.send('setVariable', { variablesReference, name, value })).value;
    assert.equal(await set('ready', '0'), 'false');
    assert.match(await client.refused('setVariable', { variablesReference, name: 'values', value: '1' }), /as a whole/);
    const type = (expression: string) => client.send('evaluate', { expression, context: 'repl' });
    assert.equal((await type('values[4] = 6')).result, '6');
    assert.equal((await type('square.depth = 9')).result, '9');
    assert.match(
      await client.refused('evaluate', { expression: 'square.flags = 8', context: 'repl' }),
      /does not fit 3 bits/,
    );
    assert.equal(await client.value('square.flags'), '5');
    await client.go('next');
    assert.equal(await client.value('result'), String(129 + 1 + 2 + 3 + 4 + 6 + 4));
  });

  it('serve conditions and data breakpoints', async () => {
    client = await Client.launched({ program: built.gcc('shapes', 'shapes.c', '-g') });
    await client.breakAt(source, { line: built.lineOf('shapes.c', 'total += values'), condition: 'i == 3' });
    await client.go('configurationDone');
    await client.go('continue');
    assert.deepEqual([await client.value('i'), await client.value('total')], ['3', '6']);
    const info = await client.send('dataBreakpointInfo', { name: 'total', frameId: (await client.stack())[0].id });
    assert.match(info.description, /^8 bytes at linear 0x/);
    await client.send('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId, accessType: 'write' }] });
    await client.breakAt(source);
    assert.equal((await client.go('continue')).reason, 'data breakpoint');
    assert.equal(await client.value('total'), '10');
  });
});
