/** Sources in memory; paths are names. */
import type { SourceFiles } from '../../../src/program/program';

export function sources(texts: Record<string, string | Uint8Array>): SourceFiles {
  return {
    read: path => {
      const text = texts[path];
      return typeof text === 'string' ? new TextEncoder().encode(text) : text;
    },
    resolve: (_from, relative) => relative,
  };
}
