/** Sources from the file system. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { SourceFiles } from '../program/program';

/**
 * Paths as the user writes them. An included file is looked for beside the file that includes it, then, as NASM does,
 * from the working directory.
 */
export const fileSources: SourceFiles = {
  read(file) {
    try {
      return readFileSync(file);
    } catch {
      return undefined;
    }
  },
  resolve(from, relative) {
    if (path.isAbsolute(relative)) return relative;
    const beside = path.join(path.dirname(from), relative);
    return !existsSync(beside) && existsSync(relative) ? relative : beside;
  },
};
