import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SourceFiles } from '../../program/program';
import { pathKey } from '../target/lines';

/** Files of this computer. `open` holds texts that an editor has and has not saved, by path. */
export function nodeFiles(open: Readonly<Record<string, string>> = {}): SourceFiles {
  const unsaved = new Map(Object.entries(open).map(([path, text]) => [pathKey(path), text]));
  return {
    read(path) {
      const text = unsaved.get(pathKey(path));
      if (text !== undefined) return new TextEncoder().encode(text);
      try {
        return new Uint8Array(readFileSync(path));
      } catch {
        return undefined; // whoever asked says what it was for
      }
    },
    resolve: (from, relative) => resolve(dirname(from), relative),
  };
}
