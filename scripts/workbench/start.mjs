/* npm start: the samples in VS Code with this extension; without a desktop `code`, in a local browser workbench. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { startServer } from './server.mjs';

const root = resolve(import.meta.dirname, '..', '..');
const folder = join(root, 'samples');

/** Desktop VS Code on the PATH; `RINGSCOPE_WORKBENCH=browser` asks for the browser workbench all the same. */
function desktop() {
  if (process.env.RINGSCOPE_WORKBENCH === 'browser') return undefined;
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map(place => join(place, name))
    .find(path => existsSync(path));
}

const code = desktop();
if (code) {
  const shell = process.platform === 'win32';
  const child = spawn(shell ? `"${code}"` : code, [`--extensionDevelopmentPath=${root}`, folder], {
    stdio: 'inherit',
    shell,
  });
  child.on('close', status => (process.exitCode = status ?? 1));
} else {
  await browserWorkbench();
}

async function browserWorkbench() {
  const data = mkdtempSync(join(tmpdir(), 'ringscope-workbench-'));
  let server;
  let ending = false;
  const end = async status => {
    if (ending) return;
    ending = true;
    await server?.stop();
    rmSync(data, { recursive: true, force: true });
    process.exit(status);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => void end(0));
  try {
    server = await startServer({ extension: root, data, log: text => console.log(text) });
  } catch (error) {
    console.error(`npm start: ${error.message}`);
    await end(1);
  }
  if (ending) return;
  console.log(`Ringscope is at ${server.url}/?folder=${encodeURIComponent(folder)}`);
  console.log('Open first-exits/hypervisor.asm and press F5. Ctrl-C here ends the workbench.');
}
