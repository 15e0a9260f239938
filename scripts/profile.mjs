/* npm run profile -- PROGRAM [OPTIONS]: runs `ringscope run` and prints where processor time went, by function. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const FUNCTIONS = 25;
const root = resolve(import.meta.dirname, '..');
// Not the production build: it has no names of the core's functions.
execFileSync(process.execPath, ['esbuild.js'], { cwd: root, stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'ringscope-profile-'));
try {
  const cli = join(root, 'dist', 'cli.js');
  const args = ['--cpu-prof', `--cpu-prof-dir=${folder}`, cli, 'run', ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
  for (const name of readdirSync(folder)) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(without a name)']));
    const times = new Map();
    samples.forEach((id, n) => times.set(names.get(id), (times.get(names.get(id)) ?? 0) + timeDeltas[n]));
    const total = timeDeltas.reduce((sum, delta) => sum + delta, 0);
    console.error(`${(total / 1e6).toFixed(2)} s`);
    for (const [function_, time] of [...times].sort((a, b) => b[1] - a[1]).slice(0, FUNCTIONS))
      console.error(`${((100 * time) / total).toFixed(1).padStart(6)} %  ${function_}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
