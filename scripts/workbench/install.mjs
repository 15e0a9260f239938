import { existsSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, command } from './cache.mjs';

/** The newest code-server (VS Code 1.100.3) that runs on Node 20. `engines.vscode` must not exceed it. */
export const WORKBENCH_VERSION = '4.100.3';

/**
 * Installs the browser workbench once per user and returns its entry script.
 * Needs python3, make and a C++ compiler: four native modules are built here, because nothing prebuilt is downloaded.
 */
export async function installWorkbench(log = () => {}) {
  if (process.platform === 'win32')
    throw new Error('the browser workbench does not run on Windows: install VS Code and put `code` on the PATH');
  const folder = await cached(`code-server-${WORKBENCH_VERSION}-node${process.versions.modules}`, async partial => {
    log(`installing the browser workbench (code-server ${WORKBENCH_VERSION}), once per user`);
    await fill(partial);
  });
  return join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
}

async function fill(folder) {
  writeFileSync(join(folder, 'package.json'), '{"name":"workbench","private":true,"version":"0.0.0"}\n');
  // Its own post-install refuses to run as root and downloads; the steps below are what is needed of it.
  await command(
    folder,
    'npm',
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `code-server@${WORKBENCH_VERSION}`,
  );
  await command(folder, 'npm', 'rebuild', 'argon2', '--build-from-source');
  const vscode = join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  await command(vscode, 'npm', 'install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund');
  await command(vscode, 'npm', 'rebuild', '@vscode/spdlog', 'native-watchdog');
  // node-pty's module is built although its post-install step fails: look at the result, not at the exit status.
  await command(vscode, 'npm', 'rebuild', 'node-pty').catch(() => {});
  const pty = join(vscode, 'node_modules', 'node-pty', 'build', 'Release', 'pty.node');
  if (!existsSync(pty)) throw new Error(`node-pty was not built: ${pty} is missing`);
  link('node_modules', join(vscode, 'node_modules.asar'));
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  link(`code-${os}.sh`, join(vscode, 'bin', 'remote-cli', 'code-server'));
  link(`browser-${os}.sh`, join(vscode, 'bin', 'helpers', 'browser.sh'));
  await command(
    join(vscode, 'extensions'),
    'npm',
    'install',
    '--ignore-scripts',
    '--omit=dev',
    '--no-audit',
    '--no-fund',
  );
  const entry = join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
  await command(folder, process.execPath, entry, '--config', '/dev/null', '--version');
}

function link(target, path) {
  if (existsSync(path)) unlinkSync(path);
  symlinkSync(target, path);
}
