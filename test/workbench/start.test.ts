import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pause } from '../../scripts/workbench/server.mjs';
import { ROOT } from './driver';

describe('npm start without a desktop', () => {
  it('prints the address of a workbench on the samples, and ends with all its children on Ctrl-C', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'workbench', 'start.mjs')], {
      env: { ...process.env, RINGSCOPE_WORKBENCH: 'browser' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    let output = '';
    child.stdout.on('data', text => (output += text));
    const address = () => /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(output)?.[0];
    for (let n = 0; n < 600 && !address(); n++) await pause(100);
    const url = address();
    assert.ok(url, `no address was printed:\n${output}`);
    assert.match(decodeURIComponent(url), /folder=.*samples$/);
    assert.equal((await fetch(url)).status, 200);
    child.kill('SIGINT');
    assert.equal(await ended, 0);
    await assert.rejects(fetch(url), 'the server must be gone');
  });
});
