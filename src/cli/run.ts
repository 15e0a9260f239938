/** `ringscope run`: a program from its first instruction to its end, without a debugger. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readAttributes, type LaunchAttributes } from '../adapter/launch/attributes';
import { UserError } from '../adapter/protocol/errors';
import { exitReason } from '../core/tables/exits';
import { decodeQualification } from '../core/tables/qualifications';
import { BootError, type BootModule } from '../machine/boot';
import type { FactOf, Stop } from '../machine/facts';
import { Machine } from '../machine/machine';
import { loadProgram } from '../program/load';
import { fileSources } from './files';
import { configurationNamed, defaultLaunchFile } from './launch-file';

const USAGE = `usage: ringscope run PROGRAM [--append ARGS] [--module FILE[=ARGS]]... [--memory 64M] [--cpus N] [--cpu MODEL,-FEATURE,...]
                     [-D NAME[=VALUE]]... [--start long|protected|real|boot-sector|multiboot] [--load-address N] [--entry N] [--seed N]
                     [--max-instructions N]
                     [--on-reset stop|restart] [--timeout SECONDS] [--trace exits] [--json FILE]
       ringscope run --config NAME [--launch FILE] [the same options]`;

/** Exit status when a limit was reached. */
const LIMIT_STATUS = 124;
/** Usage or input error. */
const INPUT_STATUS = 2;
/** The machine came to an end that is no clean shutdown: triple fault, dead HLT. */
const DEAD_STATUS = 3;
const SLICE = 2_000_000;

class UsageError extends Error {}

const options = {
  append: { type: 'string' },
  module: { type: 'string', multiple: true },
  memory: { type: 'string' },
  cpus: { type: 'string' },
  cpu: { type: 'string' },
  'on-reset': { type: 'string' },
  define: { type: 'string', short: 'D', multiple: true },
  start: { type: 'string' },
  'load-address': { type: 'string' },
  entry: { type: 'string' },
  seed: { type: 'string' },
  'max-instructions': { type: 'string' },
  timeout: { type: 'string' },
  trace: { type: 'string' },
  json: { type: 'string' },
  config: { type: 'string' },
  launch: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export async function runCommand(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (
      error instanceof UsageError ||
      error instanceof UserError ||
      error instanceof BootError ||
      error instanceof RangeError
    ) {
      process.stderr.write(`${error.message}\n`);
      return INPUT_STATUS;
    }
    throw error;
  }
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const request = requestOf(values, positionals);
  const limit = numberOf(values['max-instructions'], '--max-instructions') ?? Infinity;
  const timeout = numberOf(values.timeout, '--timeout') ?? Infinity;
  if (values.trace !== undefined && values.trace !== 'exits')
    throw new UsageError(`--trace knows "exits", not "${values.trace}".`);
  const loaded = loadProgram(request.program, fileSources, { ...request, debug: false });
  if (!loaded.ok) {
    for (const { file, line, column, message } of loaded.errors)
      process.stderr.write(`${file}:${line}:${column}: error: ${message}\n`);
    return INPUT_STATUS;
  }
  const machine = await Machine.create({
    core: readCore(),
    memoryBytes: request.memoryBytes,
    cpu: request.cpu,
    processors: request.processors,
    onReset: request.onReset,
    seed: request.seed,
  });
  machine.load(loaded.program, { commandLine: request.append, modules: request.modules.map(readModule) });
  const output = new Output(machine);
  machine.onUnclaimed(message => process.stderr.write(`ringscope: ${message}\n`));
  const counts = new Map<string, number>();
  if (values.trace || values.json)
    machine.on('vm-exit', exit => {
      const name = exitReason(exit.reason)?.id ?? String(exit.reason);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (values.trace) process.stderr.write(`${traceLine(exit, name)}\n`);
    });

  const started = process.hrtime.bigint();
  const seconds = (): number => Number(process.hrtime.bigint() - started) / 1e9;
  const input = new Input(machine);
  let stop: Stop = { kind: 'limit' };
  while (stop.kind === 'limit' || (stop.kind === 'waiting' && !input.ended)) {
    const left = limit - Number(machine.instructions);
    if (left <= 0 || seconds() >= timeout) break;
    stop = machine.run(Math.min(SLICE, left));
    output.flush();
    await input.next(stop.kind === 'waiting');
  }
  output.flush();
  input.close();
  const elapsed = seconds();
  // Nobody will type any more: that sleep is the last.
  if (stop.kind === 'waiting' && input.ended)
    stop = { kind: 'dead-halt', detail: `${stop.detail} There is none: standard input has ended.` };
  const outcome = outcomeOf(stop, Number(machine.instructions) >= limit);
  if (outcome.status !== 0 || stop.kind !== 'exit') process.stderr.write(`ringscope: ${outcome.detail}\n`);
  if (values.json !== undefined) {
    const report = {
      instructions: Number(machine.instructions),
      exits: Object.fromEntries(counts),
      seconds: elapsed,
      stop: { kind: stop.kind, detail: outcome.detail },
    };
    writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return outcome.status;
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`ringscope run: ${(error as Error).message}\n${USAGE}`);
  }
}

function requestOf(values: ReturnType<typeof parsed>['values'], positionals: string[]): LaunchAttributes {
  const fromFile = values.config === undefined ? undefined : configuration(values.config, values.launch);
  if (fromFile ? positionals.length : positionals.length !== 1) throw new UsageError(USAGE);
  const { memory, cpus, cpu, start, append, module } = values;
  const given = readAttributes({
    program: fromFile?.program ?? positionals[0],
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(values['on-reset'] === undefined ? {} : { onReset: values['on-reset'] }),
    ...(start === undefined ? {} : { start }),
    ...(values['load-address'] === undefined ? {} : { loadAddress: values['load-address'] }),
    ...(values.entry === undefined ? {} : { entry: values.entry }),
    ...(values.seed === undefined ? {} : { seed: values.seed }),
    ...(append === undefined ? {} : { append }),
    modules: module ?? [],
    defines: Object.fromEntries((values.define ?? []).map(nameAndValue)),
  });
  if (!fromFile) return given;
  // What the command line says wins over the configuration; lists add up.
  return {
    ...fromFile,
    ...(memory === undefined ? {} : { memoryBytes: given.memoryBytes }),
    ...(cpus === undefined ? {} : { processors: given.processors }),
    ...(cpu === undefined ? {} : { cpu: given.cpu }),
    ...(given.entry === undefined ? {} : { entry: given.entry }),
    ...(values.seed === undefined ? {} : { seed: given.seed }),
    ...(values['on-reset'] === undefined ? {} : { onReset: given.onReset }),
    ...(given.start === undefined ? {} : { start: given.start }),
    ...(given.loadAddress === undefined ? {} : { loadAddress: given.loadAddress }),
    ...(append === undefined ? {} : { append }),
    modules: [...fromFile.modules, ...given.modules],
    defines: { ...fromFile.defines, ...given.defines },
  };
}
function nameAndValue(define: string): [string, string] {
  const [name, ...value] = define.split('=');
  return [name, value.join('=')];
}
function configuration(name: string, launch: string | undefined) {
  const result = configurationNamed(name, launch ?? defaultLaunchFile());
  if ('error' in result) throw new UsageError(result.error);
  return result;
}
function numberOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 0)) throw new UsageError(`${name} needs a number, not "${text}".`);
  return value;
}
function readModule({ path: file, append }: { path: string; append: string }): BootModule {
  try {
    return { data: readFileSync(file), commandLine: append };
  } catch {
    throw new UsageError(`${file}: there is no such module file.`);
  }
}
/** core.wasm lies beside the bundled command line. */
function readCore(): Uint8Array {
  return readFileSync(path.join(__dirname, 'core.wasm'));
}

/** One exit on one line: time, reason, qualification, where, how long the instruction is, and the decoded details. */
function traceLine(exit: FactOf<'vm-exit'>, name: string): string {
  const details = decodeQualification(exit.reason, exit.qualification)
    .map(({ name: part, value }) => `${part}=${value}`)
    .join(' ');
  return `${exit.instruction} exit ${exit.reason} ${name} qualification 0x${exit.qualification.toString(16)} rip 0x${exit.guestRip.toString(16)} length ${exit.instructionLength}${details ? ` ${details}` : ''}`;
}

function outcomeOf(stop: Stop, limited: boolean): { status: number; detail: string } {
  switch (stop.kind) {
    case 'exit':
      return { status: stop.status, detail: stop.detail };
    case 'dead-halt':
    case 'shutdown':
      return { status: DEAD_STATUS, detail: stop.detail };
    default:
      return {
        status: LIMIT_STATUS,
        detail: limited
          ? 'the instruction limit (--max-instructions) was reached'
          : 'the time limit (--timeout) was reached',
      };
  }
}

/** How often a machine that waits for input is looked at, in milliseconds: the time limit holds meanwhile. */
const INPUT_POLL = 50;
/** Standard input, which is the serial port's. */
class Input {
  ended = false;
  private arrived: (() => void) | undefined;
  constructor(machine: Machine) {
    process.stdin.on('data', (data: Buffer) => {
      machine.sendSerial(data);
      this.arrived?.();
    });
    process.stdin.on('end', () => this.end());
    process.stdin.on('error', () => this.end());
  }
  private end(): void {
    this.ended = true;
    this.arrived?.();
  }
  /** Lets input come in; `waits` until it does, or for a moment. */
  next(waits: boolean): Promise<void> {
    return new Promise(resolve => {
      if (!waits || this.ended) return void setImmediate(resolve);
      const timer = setTimeout(resolve, INPUT_POLL);
      this.arrived = () => (clearTimeout(timer), resolve());
    });
  }
  close(): void {
    process.stdin.destroy();
  }
}

/** Serial output, gathered for one write a slice. */
class Output {
  private bytes: number[] = [];
  constructor(machine: Machine) {
    machine.onSerial(bytes => {
      this.bytes.push(...bytes);
      if (this.bytes.length > 8192) this.flush();
    });
  }
  flush(): void {
    if (this.bytes.length) process.stdout.write(Uint8Array.from(this.bytes));
    this.bytes = [];
  }
}
