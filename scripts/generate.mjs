/* Turns the TypeScript tables into constants for the AssemblyScript core. Output: src/core/assembly/generated (not committed). */
import { build } from 'esbuild';
import { mkdirSync, readdirSync, existsSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import os from 'node:os';

const out = 'src/core/assembly/generated';
mkdirSync(out, { recursive: true });

/** Loads a TypeScript module of ours by bundling it to a temporary file. */
async function load(file) {
  const outfile = path.join(os.tmpdir(), `ringscope-generate-${process.pid}-${path.basename(file, '.ts')}.mjs`);
  await build({ entryPoints: [file], bundle: true, format: 'esm', platform: 'neutral', outfile, logLevel: 'warning' });
  const module = await import(pathToFileURL(outfile).href);
  rmSync(outfile);
  return module;
}

/** Writes only what changed, so that a build without changes stays quick. */
function write(name, text) {
  const file = path.join(out, name);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

/** `{name, text}` of every generator in src/core/generators: each module exports `generate()`. */
const generators = 'src/core/generators';
for (const file of readdirSync(generators).filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))) {
  const { generate } = await load(path.join(generators, file));
  if (generate) for (const { name, text } of generate()) write(name, text);
}
