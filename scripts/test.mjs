/*
 * npm test [-- GROUP...]: builds, then runs the groups (default: all but `oracle`) and prints one closing line, `N passed, N failed`.
 * `no-build` as a group keeps the bundles that are there.
 *
 *   build      esbuild, and asc for the core        types      tsc -b: one project per layer
 *   format     prettier                             lint       eslint
 *   unit       everything that needs only Node      adapter    DAP transcripts through dist/adapter.js
 *   host       inside VS Code's extension host      workbench  a real workbench, driven by a browser
 *   oracle     against nasm, Bochs, QEMU and the host processor: needs them installed
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runInside } from './workbench/inside.mjs';

const root = resolve(import.meta.dirname, '..');
process.chdir(root);
const bundled = join('out', 'test');
const folders = { adapter: 'adapter', workbench: 'workbench', oracle: 'oracle', host: 'host' };

const groups = {
  build: () => tool('build', process.execPath, 'esbuild.js', '--tests'),
  format: () => tool('format', process.execPath, bin('prettier', 'bin/prettier.cjs'), '--check', '.'),
  lint: () => tool('lint', process.execPath, bin('eslint', 'bin/eslint.js'), '.', '--max-warnings=0'),
  types: () => tool('types', process.execPath, bin('typescript', 'bin/tsc'), '-b'),
  unit: () =>
    mocha(tests().filter(file => !Object.values(folders).some(name => file.startsWith(join(bundled, name, '/'))))),
  adapter: () => mocha(tests('adapter')),
  host: () => retried('host', host),
  workbench: () => retried('workbench', () => mocha(tests('workbench'), 240_000)),
  oracle: () => mocha(tests('oracle'), 600_000),
};

const asked = process.argv.slice(2).filter(name => name !== 'no-build');
const rebuild = !process.argv.includes('no-build');
const unknown = asked.filter(name => !(name in groups));
if (unknown.length) {
  console.error(`npm test: no group named ${unknown.join(', ')}; groups: ${Object.keys(groups).join(' ')}`);
  process.exit(2);
}
const names = asked.length ? asked : Object.keys(groups).filter(name => name !== 'oracle');
if (!names.includes('build') && rebuild) names.unshift('build');

const total = { passed: 0, failed: 0 };
const failing = [];
if (rebuild) rmSync(bundled, { recursive: true, force: true });
for (const name of names) {
  console.log(`\n== ${name}`);
  const { passed, failed } = await groups[name]();
  total.passed += passed;
  total.failed += failed;
  if (failed) failing.push(name);
  // Without bundles every later group would only repeat the same news.
  if (name === 'build' && failed) break;
}
if (failing.length) console.log(`\nfailed: ${failing.join(', ')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed ? 1 : 0);

function bin(name, file) {
  return join('node_modules', name, file);
}

/** The bundled test files, of one folder or all. */
function tests(folder = '') {
  const place = join(bundled, folder);
  if (!existsSync(place)) return [];
  return readdirSync(place, { recursive: true })
    .filter(file => file.endsWith('.test.js'))
    .map(file => join(place, file))
    .sort();
}

/** Runs a child with its output shown; resolves with its exit status. */
function run(name, args, env = {}) {
  return new Promise(done => {
    const child = spawn(name, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.on('error', error => {
      console.error(error.message);
      done(1);
    });
    child.on('close', code => done(code ?? 1));
  });
}

/** A tool that passes or fails as a whole counts as one test. */
async function tool(name, file, ...args) {
  const code = await run(file, args);
  if (code) console.log(`${name} failed with exit status ${code}`);
  return code ? { passed: 0, failed: 1 } : { passed: 1, failed: 0 };
}

async function mocha(files, timeout = 20_000) {
  if (!files.length) {
    console.log('no test files: a group that tests nothing fails');
    return { passed: 0, failed: 1 };
  }
  return withResults(results =>
    run(
      process.execPath,
      // prettier-ignore
      [bin('mocha', 'bin/mocha.js'), '--no-config', '--forbid-only', '--ui', 'bdd', '--reporter', 'scripts/reporter.cjs',
        '--timeout', String(timeout), ...files],
      { RINGSCOPE_TEST_RESULTS: results },
    ),
  );
}

function host() {
  return withResults(async (results, data) => {
    const workbench = [];
    const code = await runInside({
      extension: root,
      folder: join(root, 'samples'),
      suite: join(root, 'test', 'host', 'index.cjs'),
      data,
      env: { RINGSCOPE_TEST_RESULTS: results },
      // Mocha indents all that it says; the rest is the workbench talking to itself, of interest only when tests fail.
      log: text => (/^(\s|$)/.test(text) ? console.log(text) : workbench.push(text)),
    });
    if (code !== 0) console.log(workbench.join('\n'));
    if (code !== 0) console.log(`the extension host ended with ${code}`);
    return code === 0 ? 0 : 1;
  });
}

/** Counts from the file that the reporter writes. A suite that died before its end, or skipped a test, has failed. */
async function withResults(body) {
  const data = mkdtempSync(join(tmpdir(), 'ringscope-test-'));
  const results = join(data, 'results', 'counts.json');
  mkdirSync(dirname(results));
  try {
    const code = await body(results, data);
    if (!existsSync(results)) return { passed: 0, failed: 1 };
    const { passed, failed, skipped } = JSON.parse(readFileSync(results, 'utf8'));
    if (skipped) console.log(`${skipped} skipped tests count as failed`);
    return { passed, failed: Math.max(failed + skipped, code || passed === 0 ? 1 : 0) };
  } catch (error) {
    console.log(error.message);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** A browser and a server on a loaded machine may stumble once: one retry, and it is said aloud. */
async function retried(name, body) {
  const first = await body();
  if (!first.failed) return first;
  console.log(`\n== ${name}: failed, retrying once`);
  return body();
}
