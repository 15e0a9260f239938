/** Configurations of a launch.json, so that whatever F5 starts also runs without an editor. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, type ParseError } from 'jsonc-parser';
import type { LoadOptions } from '../program/load';

export interface LaunchConfiguration {
  program: string;
  append?: string;
  modules: string[];
  memory?: string;
  load: LoadOptions;
}

/** The launch.json of the samples, beside this command line's folder. */
export function defaultLaunchFile(): string {
  return path.join(__dirname, '..', 'samples', '.vscode', 'launch.json');
}

/** The configuration called `name` of the launch.json at `file`, its paths made absolute; or what is wrong, for the user. */
export function configurationNamed(name: string, file: string): LaunchConfiguration | { error: string } {
  if (!existsSync(file)) return { error: `${file}: there is no such launch file; name one with --launch.` };
  const errors: ParseError[] = [];
  const content = parse(readFileSync(file, 'utf8'), errors, { allowTrailingComma: true }) as unknown;
  if (errors.length) return { error: `${file}: not valid JSON near character ${errors[0].offset}.` };
  const configurations = (content as { configurations?: unknown })?.configurations;
  if (!Array.isArray(configurations)) return { error: `${file}: has no list "configurations".` };
  const found = configurations.find((c: { name?: unknown }) => c?.name === name) as Record<string, unknown> | undefined;
  if (!found) {
    const names = configurations.map((c: { name?: unknown }) => `"${String(c?.name)}"`).join(', ');
    return { error: `${file}: has no configuration "${name}"; it has ${names}.` };
  }
  return fromAttributes(found, file, name);
}

function fromAttributes(
  found: Record<string, unknown>,
  file: string,
  name: string,
): LaunchConfiguration | { error: string } {
  const folder = path.dirname(path.dirname(path.resolve(file)));
  const wrong = (attribute: string, want: string): { error: string } => ({
    error: `${file}: configuration "${name}": "${attribute}" must be ${want}.`,
  });
  const absolute = (text: string): string =>
    path.resolve(folder, text.replace(/\$\{workspaceFolder\}/g, folder).replace(/\$\{pathSeparator\}/g, path.sep));
  const { program, append, modules, memory, start, loadAddress, entry, defines } = found;
  if (typeof program !== 'string') return wrong('program', 'the path of a program');
  const variable = /\$\{(?!workspaceFolder\}|pathSeparator\})[^}]*\}/.exec(program)?.[0];
  if (variable)
    return {
      error: `${file}: configuration "${name}" runs ${variable}, which only an editor knows; run the program by its path.`,
    };
  if (append !== undefined && typeof append !== 'string') return wrong('append', 'a string');
  if (memory !== undefined && typeof memory !== 'string' && typeof memory !== 'number')
    return wrong('memory', 'a size such as "64M"');
  if (modules !== undefined && !(Array.isArray(modules) && modules.every(m => typeof m === 'string')))
    return wrong('modules', 'a list of FILE or FILE=ARGS');
  const number = typeof loadAddress === 'string' ? Number(loadAddress) : loadAddress;
  if (number !== undefined && !(typeof number === 'number' && number >= 0)) return wrong('loadAddress', 'an address');
  return {
    program: absolute(program),
    append,
    modules: ((modules as string[] | undefined) ?? []).map(absolute),
    memory: memory === undefined ? undefined : String(memory),
    load: {
      start: start as LoadOptions['start'],
      loadAddress: number as number | undefined,
      entry: entry as LoadOptions['entry'],
      defines: defines as Record<string, string> | undefined,
    },
  };
}
