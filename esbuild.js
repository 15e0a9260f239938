/* Builds everything: generated constants, core.wasm, dist/*.js, and with --tests the bundled tests under out/test. */
const esbuild = require('esbuild');
const { existsSync, mkdirSync, copyFileSync, readdirSync } = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const production = process.argv.includes('--production');
const tests = process.argv.includes('--tests');
const skipCore = process.argv.includes('--no-core');

/** Every file below `dir` that ends with `suffix`. */
function files(dir, suffix) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true })
    .filter(name => name.endsWith(suffix))
    .map(name => path.join(dir, name));
}

function core() {
  execFileSync(process.execPath, ['scripts/generate.mjs'], { stdio: 'inherit' });
  mkdirSync('dist', { recursive: true });
  const asc = path.join('node_modules', 'assemblyscript', 'bin', 'asc.js');
  execFileSync(
    process.execPath,
    [
      asc,
      'src/core/assembly/index.ts',
      '--outFile',
      'dist/core.wasm',
      '-O3',
      '--noAssert',
      '--enable',
      'simd',
      // v128 between functions of the core: nothing that is exported to the host has it.
      '--disableWarning',
      '112',
      '--runtime',
      'stub',
      '--importMemory',
      '--memoryBase',
      String(0x200000),
      '--exportTable',
      ...(production ? [] : ['--debug']),
    ],
    { stdio: 'inherit' },
  );
}

const common = {
  bundle: true,
  platform: 'node',
  mainFields: ['module', 'main'],
  format: 'cjs',
  target: 'node20',
  sourcemap: production ? false : 'linked',
  minify: production,
  logLevel: 'warning',
};

async function bundles() {
  const entries = [
    ['src/extension/extension.ts', 'dist/extension.js', { external: ['vscode'] }],
    ['src/adapter/main.ts', 'dist/adapter.js', {}],
    ['src/cli/main.ts', 'dist/cli.js', { banner: { js: '#!/usr/bin/env node' } }],
  ].filter(([entry]) => existsSync(entry));
  await Promise.all(
    entries.map(([entry, outfile, more]) => esbuild.build({ ...common, entryPoints: [entry], outfile, ...more })),
  );
  const iced = path.join('node_modules', 'iced-x86', 'iced_x86_bg.wasm');
  copyFileSync(iced, path.join('dist', 'iced_x86_bg.wasm'));
}

async function testBundles() {
  await esbuild.build({
    ...common,
    entryPoints: files('test', '.test.ts'),
    outbase: 'test',
    outdir: 'out/test',
    external: ['vscode', 'mocha', '@vscode/*', 'playwright-core', '@sparticuz/chromium', 'iced-x86', 'esbuild'],
  });
}

(async () => {
  if (!skipCore) core();
  await bundles();
  if (tests) await testBundles();
})().catch(error => {
  console.error(error.message ?? error);
  process.exitCode = 1;
});
