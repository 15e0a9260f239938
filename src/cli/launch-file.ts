/** Configurations of a launch.json, so that whatever F5 starts also runs without an editor. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, type ParseError } from 'jsonc-parser';
import { readAttributes, type LaunchAttributes } from '../adapter/launch/attributes';
import { UserError } from '../adapter/protocol/errors';

/** The launch.json of the samples, beside this command line's folder. */
export function defaultLaunchFile(): string {
  return path.join(__dirname, '..', 'samples', '.vscode', 'launch.json');
}

/** The configuration called `name` of the launch.json at `file`, its paths made absolute; or what is wrong, for the user. */
export function configurationNamed(name: string, file: string): LaunchAttributes | { error: string } {
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

/** The attributes as F5 would read them, with paths made absolute. */
function fromAttributes(
  found: Record<string, unknown>,
  file: string,
  name: string,
): LaunchAttributes | { error: string } {
  const folder = path.dirname(path.dirname(path.resolve(file)));
  const absolute = (text: string): string =>
    path.resolve(folder, text.replace(/\$\{workspaceFolder\}/g, folder).replace(/\$\{pathSeparator\}/g, path.sep));
  try {
    const attributes = readAttributes(found);
    const variable = /\$\{(?!workspaceFolder\}|pathSeparator\})[^}]*\}/.exec(attributes.program)?.[0];
    if (variable)
      return {
        error: `${file}: configuration "${name}" runs ${variable}, which only an editor knows; run the program by its path.`,
      };
    return {
      ...attributes,
      program: absolute(attributes.program),
      modules: attributes.modules.map(module => ({ ...module, path: absolute(module.path) })),
      symbols: attributes.symbols.map(symbols => ({ ...symbols, file: absolute(symbols.file) })),
    };
  } catch (error) {
    if (error instanceof UserError) return { error: `${file}: configuration "${name}": ${error.message}` };
    throw error;
  }
}
