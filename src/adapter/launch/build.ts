import { loadProgram, type LoadOptions } from '../../program/load';
import type { Diagnostic, Program, SourceFiles } from '../../program/program';
import { UserError } from '../protocol/errors';
import type { Module } from '../target/module';
import type { LaunchAttributes } from './attributes';
import { symbolModules } from './symbols';

export interface Built {
  program: Program;
  warnings: Diagnostic[];
  modules: { data: Uint8Array; commandLine: string }[];
  /** Of the attribute `symbols`. */
  symbols: Module[];
}

/**
 * The program and modules that a configuration names. Throws UserError when one of them is missing; what is wrong inside
 * the program comes back as errors with their places.
 */
export function build(attributes: LaunchAttributes, files: SourceFiles): Built | { errors: Diagnostic[] } {
  const options: LoadOptions = {
    ...(attributes.start === undefined ? {} : { start: attributes.start }),
    ...(attributes.loadAddress === undefined ? {} : { loadAddress: attributes.loadAddress }),
    ...(attributes.entry === undefined ? {} : { entry: attributes.entry }),
    defines: attributes.defines,
    memoryBytes: attributes.memoryBytes,
    sourceMap: attributes.sourceMap,
  };
  if (!files.read(attributes.program))
    throw new UserError(
      `launch attribute "program" names ${attributes.program}, which cannot be read; if a build makes it, build it first ("preLaunchTask" can)`,
      true,
    );
  const result = loadProgram(attributes.program, files, options);
  if (!result.ok) return { errors: result.errors };
  const modules = attributes.modules.map(({ path, append }, n) => {
    const data = files.read(path);
    if (!data) throw new UserError(`launch attribute "modules[${n}]" names ${path}, which cannot be read`, true);
    return { data, commandLine: append };
  });
  const { program, warnings } = result;
  const symbols = symbolModules(attributes.symbols, files, attributes.sourceMap, warnings);
  return { program, warnings, modules, symbols };
}

/** `guest.asm:12:5: error: …` */
export function diagnosticText({ file, line, column, severity, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${severity}: ${message}`;
}
