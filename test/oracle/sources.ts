/** Source files of the working tree, for the assembler and the loaders. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { loadProgram, type LoadOptions } from '../../src/program/load';
import type { Program, SourceFiles } from '../../src/program/program';

export const sourceFiles: SourceFiles = {
  read: file => (existsSync(file) ? readFileSync(file) : undefined),
  resolve: (from, relative) => path.resolve(path.dirname(from), relative),
};

/** A program of the working tree, which must load. */
export function programOf(file: string, options: LoadOptions = {}): Program {
  const loaded = loadProgram(path.resolve(file), sourceFiles, options);
  if (!loaded.ok) throw new Error(loaded.errors.map(e => `${e.file}:${e.line}:${e.column}: ${e.message}`).join('\n'));
  return loaded.program;
}
