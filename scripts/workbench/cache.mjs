import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';

/** The per-user folder for things that are too large for a clone: one sub-folder per tool and version. */
export function cacheRoot() {
  if (process.env.RINGSCOPE_CACHE) return process.env.RINGSCOPE_CACHE;
  if (process.platform === 'win32')
    return join(process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'ringscope');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ringscope');
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ringscope');
}

/**
 * The folder `name` of the cache, made by `fill(folder)` the first time.
 * It is filled under a temporary name and renamed when complete, so that two clones (or a broken install) never meet half of it.
 */
export async function cached(name, fill) {
  const folder = join(cacheRoot(), name);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheRoot(), { recursive: true });
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    await fill(partial);
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another clone may have finished first; a rename onto its full folder fails, and its result is as good.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Runs a command to its end; its output is kept and shown only when it fails. */
export function command(cwd, name, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { cwd, shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', text => (output += text));
    child.stderr.on('data', text => (output += text));
    child.on('error', reject);
    child.on('close', code =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${name} ${args.join(' ')} ended with ${code} in ${cwd}\n${output}`)),
    );
  });
}
