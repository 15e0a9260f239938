import type { DebugProtocol } from '@vscode/debugprotocol';
import { filterCapabilities } from '../breakpoints/filters';
import { BreakpointRegistry } from '../breakpoints/registry';
import { forever } from '../control/plan';
import { RunControl } from '../control/run';
import { readAttributes } from '../launch/attributes';
import { build, diagnosticText } from '../launch/build';
import { Console } from '../launch/console';
import { BootError } from '../../machine/boot';
import { Machine } from '../../machine/machine';
import type { Diagnostic } from '../../program/program';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import { Target } from '../target/target';

/** Only what a test covers is announced. */
export function initialize(
  session: Session,
  args: DebugProtocol.InitializeRequestArguments,
): DebugProtocol.Capabilities {
  session.client = {
    linesStartAt1: args.linesStartAt1 ?? true,
    columnsStartAt1: args.columnsStartAt1 ?? true,
    supportsInvalidatedEvent: args.supportsInvalidatedEvent ?? false,
    supportsMemoryEvent: args.supportsMemoryEvent ?? false,
  };
  return {
    supportsConfigurationDoneRequest: true,
    supportsFunctionBreakpoints: true,
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsEvaluateForHovers: true,
    exceptionBreakpointFilters: filterCapabilities(),
    supportsExceptionFilterOptions: true,
    supportsExceptionInfoRequest: true,
    supportsSetVariable: true,
    supportsSetExpression: true,
    supportsRestartRequest: true,
    supportsTerminateRequest: true,
    supportsValueFormattingOptions: true,
    supportsDataBreakpoints: true,
    supportsDataBreakpointBytes: true,
    supportsReadMemoryRequest: true,
    supportsWriteMemoryRequest: true,
    supportsDisassembleRequest: true,
    supportsSteppingGranularity: true,
    supportsInstructionBreakpoints: true,
    supportsBreakpointLocationsRequest: true,
    supportsCompletionsRequest: true,
    completionTriggerCharacters: ['.'],
    supportsLoadedSourcesRequest: true,
  };
}

export async function launch(session: Session, args: DebugProtocol.LaunchRequestArguments): Promise<void> {
  if (session.isLaunched) throw new UserError('a program is launched already');
  const attributes = readAttributes(args);
  const built = build(attributes, session.host.files());
  if ('errors' in built) throw refused(session, built.errors);
  for (const warning of built.warnings) report(session, warning);
  const machine = await Machine.create({
    core: await session.host.core(),
    memoryBytes: attributes.memoryBytes,
    cpu: attributes.cpu,
    processors: attributes.processors,
    onReset: attributes.onReset,
    seed: attributes.seed,
  });
  const options = { commandLine: attributes.append, modules: built.modules };
  place(() => machine.load(built.program, options));
  const target = new Target(machine, built.program, built.symbols);
  const breakpoints = new BreakpointRegistry(target);
  const output = new Console(session, machine);
  const control = new RunControl(
    target,
    breakpoints,
    text => session.output('console', `${text}\n`),
    () => output.flush(),
  );
  session.begin({
    target,
    breakpoints,
    control,
    stopOnEntry: attributes.stopOnEntry && !args.noDebug,
    reset: () => {
      machine.load(built.program, options);
      target.reset();
    },
  });
  // Breakpoints can be placed only now that the program is known, so this is when the client may send them.
  session.afterResponse(() => session.event('initialized'));
}

export function configurationDone(session: Session): void {
  start(session);
}

export async function restart(session: Session): Promise<void> {
  await session.interrupt();
  session.debuggee.reset();
  start(session);
}

export async function terminate(session: Session): Promise<void> {
  await session.end();
  session.afterResponse(() => session.event('terminated'));
}

export async function disconnect(session: Session): Promise<void> {
  await session.end();
  session.over = true;
}

function start(session: Session): void {
  if (session.debuggee.stopOnEntry) session.stopHere({ reason: 'entry', description: 'Stopped on entry' });
  else session.resume(forever);
}

/** What the machine cannot place (a program or module beyond its memory) is the user's to mend. */
function place(load: () => void): void {
  try {
    load();
  } catch (error) {
    throw error instanceof BootError ? new UserError(error.message, true) : error;
  }
}

/** The first error in the dialog, all of them in the console with their places. */
function refused(session: Session, errors: readonly Diagnostic[]): UserError {
  for (const error of errors) report(session, error);
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more in the Debug Console)` : '';
  return new UserError(`${diagnosticText(errors[0])}${more}`, true);
}

function report(session: Session, diagnostic: Diagnostic): void {
  session.output('stderr', `${diagnosticText(diagnostic)}\n`, { path: diagnostic.file, line: diagnostic.line });
}
