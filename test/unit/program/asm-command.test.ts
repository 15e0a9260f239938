import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { asmCommand } from '../../../src/cli/asm';

describe('ringscope asm', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'ringscope-asm-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (name: string) => path.join(folder, name);

  /** Runs the command; gives its status and what it wrote to stderr. */
  async function run(...args: string[]): Promise<{ status: number; stderr: string }> {
    const write = process.stderr.write;
    let stderr = '';
    process.stderr.write = (chunk: string | Uint8Array) => ((stderr += String(chunk)), true);
    try {
      return { status: await asmCommand(args), stderr };
    } finally {
      process.stderr.write = write;
    }
  }

  it('writes the binary and the listing, with defines and files beside the source', async () => {
    writeFileSync(at('main.asm'), '%include "part.inc"\ndb VALUE\n%ifdef FLAG\ndb 9\n%endif\n');
    writeFileSync(at('part.inc'), 'db 1\n');
    const result = await run(at('main.asm'), '-o', at('out.bin'), '-D', 'VALUE=0x2a', '-DFLAG', '-l', at('out.lst'));
    assert.deepEqual(result, { status: 0, stderr: '' });
    assert.deepEqual([...readFileSync(at('out.bin'))], [1, 42, 9]);
    assert.match(readFileSync(at('out.lst'), 'utf8'), /^ {5}2 00000001 2A {18} *db VALUE$/m);
  });

  it('says where each error is and writes nothing', async () => {
    writeFileSync(at('bad.asm'), 'nop\nmov eax, nothing\ndb 1/0\n');
    const { status, stderr } = await run(at('bad.asm'), '-o', at('out.bin'));
    assert.equal(status, 2);
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      `${at('bad.asm')}:2:10: error: "nothing" is not defined`,
      `${at('bad.asm')}:3:5: error: division by zero: the right side of "/" is 0`,
    ]);
    assert.throws(() => readFileSync(at('out.bin')));
  });

  it('explains wrong usage and files that are not there', async () => {
    assert.match((await run()).stderr, /^usage: ringscope asm FILE -o OUT/);
    assert.equal((await run('--what')).status, 2);
    const { status, stderr } = await run(at('gone.asm'), '-o', at('out.bin'));
    assert.equal(status, 2);
    assert.match(stderr, /gone\.asm:1:1: error: cannot read ".*gone\.asm": there is no such file/);
    writeFileSync(at('ok.asm'), 'nop\n');
    assert.match((await run(at('ok.asm'), '-o', at('no/such/out.bin'))).stderr, /cannot write this file \(ENOENT\)/);
  });
});
