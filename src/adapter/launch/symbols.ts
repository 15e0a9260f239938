import type { SourceMap } from '../../program/dwarf/paths';
import type { Diagnostic, SourceFiles } from '../../program/program';
import { loadSymbols } from '../../program/symbol-file';
import { displacementOf, type Placement } from '../target/placement';
import { Module } from '../target/module';
import { show, text, wideAddress, wrong, type Reader } from './values';

/** One entry of the launch attribute `symbols`. */
export interface SymbolFile {
  file: string;
  /** Where the image's lowest segment begins in its space; as linked when absent. */
  base?: bigint;
  space: SymbolSpace;
}

/** In whose addresses the image lies; a guest may be told apart by its VPID, or by the table that its EPTP names. */
export type SymbolSpace = { kind: 'linear' } | { kind: 'physical' } | { kind: 'guest'; vpid?: bigint; eptp?: bigint };

const KEYS = ['file', 'base', 'space'];
const SPACES = '"linear", "physical", "guest", "vpid:1" or "eptp:0x5000"';

export const symbolFiles: Reader<SymbolFile[]> = (value, name) => {
  if (!Array.isArray(value)) throw wrong(name, `is ${show(value)}; it must be a list of {"file", "base", "space"}`);
  return value.map((item: unknown, n) => {
    const where = `${name}[${n}]`;
    const given = (typeof item === 'string' ? { file: item } : item) as Record<string, unknown>;
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw wrong(where, `is ${show(item)}; it must be {"file", "base", "space"}`);
    for (const key of Object.keys(given))
      if (!KEYS.includes(key)) throw wrong(where, `has the unknown key ${show(key)}; there are ${KEYS.join(', ')}`);
    return {
      file: text(given.file, `${where}.file`),
      ...(given.base === undefined ? {} : { base: wideAddress(given.base, `${where}.base`) }),
      space: space(given.space ?? 'linear', `${where}.space`),
    };
  });
};

const space: Reader<SymbolSpace> = (value, name) => {
  const match =
    typeof value === 'string' ? /^(linear|physical|guest|(vpid|eptp):(0x[0-9a-f]+|\d+))$/i.exec(value) : null;
  if (!match) throw wrong(name, `is ${show(value)}; it may be ${SPACES}`);
  const [, kind, key, number] = match;
  if (key) return { kind: 'guest', [key.toLowerCase()]: BigInt(number) };
  return { kind: kind.toLowerCase() as 'linear' | 'physical' | 'guest' };
};

export const sourceMap: Reader<SourceMap> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(name, `is ${show(value)}; it must be an object such as {"/build/kernel": "\${workspaceFolder}"}`);
  for (const [from, to] of Object.entries(value)) text(to, `${name}.${from}`);
  return value as SourceMap;
};

/** The images that `symbols` names, placed. Throws UserError for a file that cannot be used. */
export function symbolModules(
  list: readonly SymbolFile[],
  files: SourceFiles,
  map: SourceMap,
  warnings: Diagnostic[],
): Module[] {
  return list.map(({ file, base, space: { kind, ...guest } }, n) => {
    const content = files.read(file);
    if (!content) throw wrong(`symbols[${n}].file`, `names ${file}, which cannot be read`);
    const loaded = loadSymbols(file, content, files, { sourceMap: map }, warnings);
    if ('problem' in loaded) throw wrong(`symbols[${n}].file`, `names ${file}: ${loaded.problem}`);
    const { image, loads } = loaded;
    const placement: Placement = { kind, ...guest, loads, displacement: displacementOf(kind, loads, base) };
    const extent = loads.map(({ linear, bytes }) => ({ low: linear, high: linear + bytes }));
    return Module.of(image, extent, placement);
  });
}
