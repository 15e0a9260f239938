import type { Cpu, FeatureChange } from '../../core/tables/models';
import { MAX_PROCESSORS } from '../../machine/machine';
import type { StartState } from '../../program/program';
import type { SourceMap } from '../../program/dwarf/paths';
import { readCpu } from './cpu';
import { sourceMap, symbolFiles, type SymbolFile } from './symbols';
import { show, text, wrong, type Reader } from './values';

/** A launch configuration, checked and with its defaults. Paths are as given. */
export interface LaunchAttributes {
  program: string;
  /** As the format says when absent. */
  start?: StartState;
  /** Guest-physical address of a flat binary or an `.asm` without `org`. */
  loadAddress?: number;
  /** A symbol or a guest-physical address. */
  entry?: string | number;
  /** Command line after the program's path, for multiboot. */
  append: string;
  modules: { path: string; append: string }[];
  memoryBytes: number;
  /** The processor's model and features. */
  cpu: Cpu;
  /** Of RDRAND and RDSEED. */
  seed: number;
  /** Logical processors. */
  processors: number;
  /** What a reset by the program does. */
  onReset: OnReset;
  stopOnEntry: boolean;
  /** Symbols for the assembler's preprocessor, as `-D` gives them. */
  defines: Record<string, string>;
  /** Names and lines of code that gets into memory by other ways than being the program. */
  symbols: SymbolFile[];
  /** Folders of the build, and where they are now. */
  sourceMap: SourceMap;
}

const STARTS: readonly StartState[] = ['long', 'protected', 'real', 'boot-sector', 'multiboot'];
/** What a client adds to every configuration; anything else that is unknown is a misspelling worth a message. */
// prettier-ignore
const CLIENTS_OWN = new Set(['type', 'name', 'request', 'noDebug', 'presentation', 'preLaunchTask', 'postDebugTask',
  'internalConsoleOptions', 'debugServer', 'serverReadyAction', 'linux', 'osx', 'windows', 'suppressMultipleSessionWarning']);
const OURS = [
  'program',
  'start',
  'loadAddress',
  'entry',
  'append',
  'modules',
  'memory',
  'cpus',
  'cpu',
  'onReset',
  'seed',
  'features',
  'stopOnEntry',
  'defines',
  'symbols',
  'sourceMap',
];
const ON_RESET = ['stop', 'restart'] as const;
type OnReset = (typeof ON_RESET)[number];
const isOnReset = (value: string): value is OnReset => (ON_RESET as readonly string[]).includes(value);
const MIB = 1024 * 1024;
const LEAST_MEMORY = MIB;
const MOST_MEMORY = 3072 * MIB;

/** Checks a configuration of a launch.json. Throws UserError with the attribute's name, what it got and what it wants. */
export function readAttributes(given: object): LaunchAttributes {
  const config = given as Record<string, unknown>;
  for (const name of Object.keys(config))
    if (!OURS.includes(name) && !CLIENTS_OWN.has(name) && !name.startsWith('__'))
      throw wrong(name, `is not an attribute of this debugger; there are ${OURS.join(', ')}`);
  const program = optional(config, 'program', text);
  if (!program)
    throw wrong('program', 'is missing: the path of an .asm file, a kernel image, a flat binary or a boot sector');
  const start = optional(config, 'start', text);
  if (start !== undefined && !STARTS.includes(start as StartState))
    throw wrong('start', `is ${show(start)}; it may be ${STARTS.join(', ')}`);
  const loadAddress = optional(config, 'loadAddress', address);
  const entry = optional(config, 'entry', entryPoint);
  const onReset = optional(config, 'onReset', text) ?? 'stop';
  if (!isOnReset(onReset)) throw wrong('onReset', `is ${show(onReset)}; it may be ${ON_RESET.join(' or ')}`);
  const processors = optional(config, 'cpus', integer) ?? 1;
  if (processors < 1 || processors > MAX_PROCESSORS)
    throw wrong('cpus', `is ${processors}; it may be 1 to ${MAX_PROCESSORS}`);
  return {
    program,
    ...(start === undefined ? {} : { start: start as StartState }),
    ...(loadAddress === undefined ? {} : { loadAddress }),
    ...(entry === undefined ? {} : { entry }),
    append: optional(config, 'append', text) ?? '',
    modules: optional(config, 'modules', modules) ?? [],
    memoryBytes: memorySize(config.memory ?? '64M'),
    processors,
    onReset,
    cpu: cpuOf(config),
    seed: optional(config, 'seed', address) ?? 1,
    stopOnEntry: optional(config, 'stopOnEntry', boolean) ?? true,
    defines: optional(config, 'defines', defines) ?? {},
    symbols: optional(config, 'symbols', symbolFiles) ?? [],
    sourceMap: optional(config, 'sourceMap', sourceMap) ?? {},
  };
}

/** `64M`, `1G`, `512K`: bytes of guest memory. Throws UserError. */
function memorySize(given: unknown): number {
  const match = typeof given === 'string' ? /^(\d+)([KMG])$/i.exec(given.trim()) : undefined;
  if (!match) throw wrong('memory', `is ${show(given)}; write a size such as "64M" or "1G"`);
  const unit = { K: 1024, M: MIB, G: 1024 * MIB }[match[2].toUpperCase() as 'K' | 'M' | 'G'];
  const bytes = Number(match[1]) * unit;
  if (bytes < LEAST_MEMORY || bytes > MOST_MEMORY) throw wrong('memory', `is ${given}; it may be 1M to 3G`);
  return bytes;
}

function cpuOf(config: Record<string, unknown>): Cpu {
  const given = optional(config, 'cpu', text) ?? '';
  // First without the features, so that the message names the attribute that is wrong.
  const model = readCpu(given);
  if ('error' in model) throw wrong('cpu', model.error);
  const cpu = readCpu(given, optional(config, 'features', featureChanges) ?? []);
  if ('error' in cpu) throw wrong('features', cpu.error);
  return cpu;
}

function optional<T>(config: Record<string, unknown>, name: string, read: Reader<T>): T | undefined {
  return config[name] === undefined || config[name] === null ? undefined : read(config[name], name);
}

const boolean: Reader<boolean> = (value, name) => {
  if (typeof value !== 'boolean') throw wrong(name, `is ${show(value)}; it must be true or false`);
  return value;
};
const integer: Reader<number> = (value, name) => {
  if (!Number.isInteger(value)) throw wrong(name, `is ${show(value)}; it must be a whole number`);
  return value as number;
};
const address: Reader<number> = (value, name) => {
  const number = typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(number) || (number as number) < 0)
    throw wrong(name, `is ${show(value)}; it must be an address such as "0x100000"`);
  return number as number;
};
const entryPoint: Reader<string | number> = (value, name) =>
  typeof value === 'string' && !/^[0-9]/.test(value) ? value : address(value, name);
const modules: Reader<{ path: string; append: string }[]> = (value, name) => {
  if (!Array.isArray(value)) throw wrong(name, `is ${show(value)}; it must be a list of paths`);
  return value.map((item: unknown, n) => {
    const where = `${name}[${n}]`;
    if (typeof item === 'string') return moduleText(item);
    if (typeof item !== 'object' || item === null)
      throw wrong(where, `is ${show(item)}; it must be FILE, FILE=ARGS, or {"path", "append"}`);
    const { path, append } = item as Record<string, unknown>;
    return { path: text(path, `${where}.path`), append: append === undefined ? '' : text(append, `${where}.append`) };
  });
};
/** `FILE` or `FILE=ARGS`, as the command line has it. */
function moduleText(text: string): { path: string; append: string } {
  const equals = text.indexOf('=');
  return equals < 0 ? { path: text, append: '' } : { path: text.slice(0, equals), append: text.slice(equals + 1) };
}
const featureChanges: Reader<FeatureChange[]> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(name, `is ${show(value)}; it must be an object such as {"smep": false}`);
  return Object.entries(value).map(([feature, on]: [string, unknown]) => ({
    name: feature,
    on: boolean(on, `${name}.${feature}`),
  }));
};
const defines: Reader<Record<string, string>> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(name, `is ${show(value)}; it must be an object such as {"DEBUG": "1"}`);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => {
      if (typeof item !== 'string' && typeof item !== 'number')
        throw wrong(`${name}.${key}`, `is ${show(item)}; it must be a string or a number`);
      return [key, String(item)];
    }),
  );
};
