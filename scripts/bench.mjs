/* npm run bench: builds the product, bundles test/bench/bench.ts, runs it. RINGSCOPE_BENCH_RUNS: runs for each median. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from 'esbuild';

process.chdir(resolve(import.meta.dirname, '..'));
const outfile = 'out/bench.cjs';
try {
  execFileSync(process.execPath, ['esbuild.js', '--production'], { stdio: 'inherit' });
  await build({
    entryPoints: ['test/bench/bench.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['iced-x86'],
    logLevel: 'warning',
  });
  execFileSync(process.execPath, [outfile], { stdio: 'inherit' });
} catch {
  process.exitCode = 1;
}
