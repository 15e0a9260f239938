import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { installWorkbench } from './install.mjs';

/** A workbench that shows the product and nothing else: no welcome page, no update check, no telemetry. */
const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.tips.enabled': false,
  'window.commandCenter': false,
  'workbench.enableExperiments': false,
  'git.enabled': false,
  'npm.autoDetect': 'off',
  'typescript.disableAutomaticTypeAcquisition': true,
  'workbench.colorTheme': 'Default Dark Modern',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

/**
 * Serves the workbench on 127.0.0.1 with the unpacked extension in folder `extension`.
 * Everything it writes goes under `data`. `stop()` resolves when the server and its children are gone.
 */
export async function startServer({ extension, data, settings = {}, log = () => {} }) {
  const entry = await installWorkbench(log);
  const port = await freePort();
  mkdirSync(join(data, 'user', 'User'), { recursive: true });
  mkdirSync(join(data, 'extensions'), { recursive: true });
  writeFileSync(join(data, 'config.yaml'), '');
  writeFileSync(join(data, 'user', 'User', 'settings.json'), JSON.stringify({ ...SETTINGS, ...settings }, null, 2));
  const link = join(data, 'extensions', 'ringscope.ringscope-0.0.0');
  rmSync(link, { force: true });
  symlinkSync(extension, link);

  const env = { ...process.env, HOME: data, XDG_CONFIG_HOME: join(data, 'config'), XDG_DATA_HOME: join(data, 'share') };
  // Set inside a VS Code terminal; the server would hand itself to that window instead of starting.
  delete env.VSCODE_IPC_HOOK_CLI;
  const child = spawn(
    process.execPath,
    // prettier-ignore
    [entry, '--config', join(data, 'config.yaml'), '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`,
      '--user-data-dir', join(data, 'user'), '--extensions-dir', join(data, 'extensions'), '--disable-telemetry',
      '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override'],
    // Its own process group: a stop reaches the extension hosts too.
    { cwd: data, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let output = '';
  child.stdout.on('data', text => (output += text));
  child.stderr.on('data', text => (output += text));
  const ended = new Promise(resolve => child.on('close', resolve));
  const url = `http://127.0.0.1:${port}`;
  const stop = () => stopGroup(child.pid, ended);
  const deadline = Date.now() + 60_000;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`the workbench did not start\n${output}`);
    }
    await pause(100);
  }
  return { url, host: `127.0.0.1:${port}`, stop, output: () => output };
}

/** Ends a process group by its leader's id: politely, then (extension hosts can ignore that) for certain. */
async function stopGroup(pid, ended) {
  signal(pid, 'SIGTERM');
  await Promise.race([ended, pause(3000)]);
  for (let i = 0; i < 30 && signal(pid, 0); i++) await pause(100);
  signal(pid, 'SIGKILL');
}

function signal(group, name) {
  try {
    return process.kill(-group, name);
  } catch {
    return false; // nobody is left
  }
}

const answers = url =>
  fetch(`${url}/healthz`).then(
    response => response.ok,
    () => false,
  );

export const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
