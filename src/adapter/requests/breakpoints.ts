import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint, DataPlace } from '../breakpoints/breakpoint';
import { eventNamed } from '../breakpoints/events';
import { filterCondition, filters } from '../breakpoints/filters';
import { Guard, problemOf } from '../breakpoints/guard';
import { evaluate, memoryBytes } from '../expression/evaluate';
import { parse } from '../expression/parse';
import { typedOf } from '../expression/typed';
import type { Session } from '../session';
import { count, hex } from '../target/format';
import { pathKey } from '../target/lines';
import { parseReference } from '../target/spaces';

/** A breakpoint as the client sees it, and (when it can work) as the machine does. */
interface Placed {
  answer: DebugProtocol.Breakpoint;
  breakpoint?: Breakpoint;
}

export function setBreakpoints(
  session: Session,
  args: DebugProtocol.SetBreakpointsArguments,
): DebugProtocol.SetBreakpointsResponse['body'] {
  const path = args.source.path ?? '';
  const wanted = args.breakpoints ?? (args.lines ?? []).map(line => ({ line }));
  const placed = wanted.map(one => sourceBreakpoint(session, path, one));
  return take(session, `source ${pathKey(path)}`, placed);
}

function sourceBreakpoint(session: Session, path: string, wanted: DebugProtocol.SourceBreakpoint): Placed {
  const modules = session.target.modules.filter(({ lines }) => lines.knows(path));
  if (!modules.length) return refused(session, 'no code of the program comes from this file');
  const line = session.fromClientLine(wanted.line);
  const lines = modules.flatMap(module => module.lines.codeLine(path, line) ?? []);
  const found = lines.length ? Math.min(...lines) : undefined;
  if (found === undefined) return refused(session, `there is no code at or after line ${wanted.line}`);
  return place(session, wanted, id => ({
    answer: {
      id,
      verified: true,
      line: session.toClientLine(found),
      source: { path },
      ...(found === line ? {} : { message: `line ${wanted.line} has no code; moved to the next line that has` }),
    },
    breakpoint: {
      kind: 'breakpoint',
      code: modules.flatMap(module => module.breakpointsAt(path, found).map(address => ({ module, address }))),
    },
  }));
}

export function setFunctionBreakpoints(
  session: Session,
  args: DebugProtocol.SetFunctionBreakpointsArguments,
): DebugProtocol.SetFunctionBreakpointsResponse['body'] {
  return take(
    session,
    'function',
    args.breakpoints.map(wanted => functionBreakpoint(session, wanted)),
  );
}

function functionBreakpoint(session: Session, wanted: DebugProtocol.FunctionBreakpoint): Placed {
  try {
    const event = eventNamed(wanted.name);
    if (event)
      return place(session, wanted, id => ({
        answer: { id, verified: true },
        breakpoint: { kind: 'function breakpoint', event },
      }));
  } catch (error) {
    return refused(session, problemOf(error));
  }
  const name = wanted.name.trim();
  const code = session.target.modules.flatMap(module =>
    module.entriesNamed(name).map(entry => ({ module, address: module.afterPrologue(entry) })),
  );
  if (!code.length) {
    const other = session.target.symbolNamed(name)?.symbol;
    if (other) return refused(session, `${wanted.name} is ${other.kind === 'data' ? 'data' : 'a constant'}, not code`);
    return refused(session, `no symbol is called ${wanted.name}; events are exit:…, port:…, msr:… and hypercall:…`);
  }
  const [{ module, address }] = code;
  const row = module.lines.at(address);
  return place(session, wanted, id => ({
    answer: {
      id,
      verified: true,
      ...(row ? { source: { path: row.file }, line: session.toClientLine(row.line) } : {}),
    },
    breakpoint: { kind: 'function breakpoint', code },
  }));
}

export function setInstructionBreakpoints(
  session: Session,
  args: DebugProtocol.SetInstructionBreakpointsArguments,
): DebugProtocol.SetInstructionBreakpointsResponse['body'] {
  return take(
    session,
    'instruction',
    args.breakpoints.map(wanted => instructionBreakpoint(session, wanted)),
  );
}

function instructionBreakpoint(session: Session, wanted: DebugProtocol.InstructionBreakpoint): Placed {
  const found = parseReference(session.target, wanted.instructionReference);
  if (!found || found.space !== 'linear')
    return refused(session, `${wanted.instructionReference} is no linear address`);
  const address = BigInt.asUintN(64, found.address + BigInt(wanted.offset ?? 0));
  return place(session, wanted, id => ({
    answer: { id, verified: true, instructionReference: hex(address) },
    breakpoint: { kind: 'instruction breakpoint', code: [{ address }] },
  }));
}

export function setExceptionBreakpoints(
  session: Session,
  args: DebugProtocol.SetExceptionBreakpointsArguments,
): DebugProtocol.SetExceptionBreakpointsResponse['body'] {
  const options = [...(args.filters ?? []).map(filterId => ({ filterId })), ...(args.filterOptions ?? [])];
  const placed = options.map(option => filterBreakpoint(session, option));
  session.debuggee.breakpoints.replace(
    'filters',
    placed.flatMap(({ breakpoint }) => (breakpoint ? [breakpoint] : [])),
  );
  return { breakpoints: placed.map(({ answer }) => answer) };
}

function filterBreakpoint(_session: Session, option: DebugProtocol.ExceptionFilterOptions): Placed {
  const filter = filters.find(candidate => candidate.filter === option.filterId);
  if (!filter) return { answer: { verified: false, message: `there is no filter ${option.filterId}` } };
  try {
    const condition = option.condition?.trim() ? filterCondition(filter.filter, option.condition) : undefined;
    const guard = new Guard(condition === undefined ? {} : { condition });
    if (guard.problem) return { answer: { verified: false, message: guard.problem } };
    return {
      answer: { verified: true },
      breakpoint: { kind: 'filter', filter: filter.filter, event: filter.match, guard },
    };
  } catch (error) {
    return { answer: { verified: false, message: problemOf(error) } };
  }
}

export function dataBreakpointInfo(
  session: Session,
  args: DebugProtocol.DataBreakpointInfoArguments,
): DebugProtocol.DataBreakpointInfoResponse['body'] {
  session.requireStopped();
  const found = dataPlace(session, args);
  if (typeof found === 'string') return { dataId: null, description: found };
  const { space, address, length } = found;
  const symbol = space === 'linear' ? session.target.describe(address, session.target.stopView) : undefined;
  return {
    dataId: `${space}:${hex(address)}:${length}`,
    description: `${count(length, 'byte')} at ${space} ${hex(address)}${symbol ? ` <${symbol}>` : ''}`,
    accessTypes: ['read', 'write', 'readWrite'],
    canPersist: true,
  };
}

/** What to watch, or why it cannot be. */
function dataPlace(
  session: Session,
  args: DebugProtocol.DataBreakpointInfoArguments,
): Omit<DataPlace, 'access'> | string {
  if (args.variablesReference) {
    const place = session.handles.get(args.variablesReference).place?.(args.name);
    if (place) return { space: 'linear', address: place.address, length: args.bytes ?? place.bytes };
    return `${args.name} is in no memory: only what lies in memory can be watched`;
  }
  const reference = args.asAddress ? parseReference(session.target, args.name) : undefined;
  if (reference) return { space: reference.space, address: reference.address, length: args.bytes ?? 1 };
  const names = session.names(args.frameId);
  try {
    const expression = parse(args.name);
    if (expression.kind === 'memory')
      return {
        space: expression.space,
        address: evaluate(expression.address, names),
        length: args.bytes ?? memoryBytes(expression, names),
      };
    const typed = typedOf(expression, names, index => evaluate(index, names));
    if (typed && typed.storage.address === undefined)
      return `${args.name} is in no memory: only what lies in memory can be watched`;
    if (typed)
      return { space: 'linear', address: typed.storage.address!, length: args.bytes ?? (typed.type.bytes || 1) };
    const meaning = expression.kind === 'name' ? names.find(expression.name) : undefined;
    if (!args.asAddress && meaning?.kind !== 'symbol')
      return `${args.name} is no memory: write a label, or an address in brackets`;
    const symbol = expression.kind === 'name' ? session.target.symbolNamed(expression.name)?.symbol : undefined;
    return {
      space: 'linear',
      address: evaluate(expression, names),
      length: args.bytes ?? (symbol?.bytes || names.view.codeSize / 8),
    };
  } catch (error) {
    return problemOf(error);
  }
}

export function setDataBreakpoints(
  session: Session,
  args: DebugProtocol.SetDataBreakpointsArguments,
): DebugProtocol.SetDataBreakpointsResponse['body'] {
  return take(
    session,
    'data',
    args.breakpoints.map(wanted => dataBreakpoint(session, wanted)),
  );
}

function dataBreakpoint(session: Session, wanted: DebugProtocol.DataBreakpoint): Placed {
  const match = /^(linear|guest-physical|host-physical):(0x[0-9a-f]+):(\d+)$/.exec(wanted.dataId);
  if (!match) return refused(session, `${wanted.dataId} is not from dataBreakpointInfo`);
  const data: DataPlace = {
    space: match[1] as DataPlace['space'],
    address: BigInt(match[2]),
    length: Number(match[3]),
    access: wanted.accessType ?? 'write',
  };
  return place(session, wanted, id => ({
    answer: { id, verified: true },
    breakpoint: { kind: 'data breakpoint', data },
  }));
}

export function breakpointLocations(
  session: Session,
  args: DebugProtocol.BreakpointLocationsArguments,
): DebugProtocol.BreakpointLocationsResponse['body'] {
  const from = session.fromClientLine(args.line);
  const to = args.endLine === undefined ? from : session.fromClientLine(args.endLine);
  const path = args.source.path ?? '';
  const lines = new Set(session.target.modules.flatMap(module => module.lines.codeLines(path, from, to)));
  return { breakpoints: [...lines].sort((a, b) => a - b).map(line => ({ line: session.toClientLine(line) })) };
}

interface Guarded {
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
}

/** Gives the breakpoint an id and its guard; a guard that cannot be read leaves it unverified, with the reason. */
function place(
  session: Session,
  guarded: Guarded,
  make: (id: number) => { answer: DebugProtocol.Breakpoint; breakpoint: Omit<Breakpoint, 'guard' | 'id'> },
): Placed {
  const id = session.debuggee.breakpoints.id();
  const guard = new Guard(guarded);
  const { answer, breakpoint } = make(id);
  if (guard.problem) return { answer: { ...answer, verified: false, message: guard.problem } };
  return { answer, breakpoint: { ...breakpoint, id, guard } };
}

function refused(session: Session, message: string): Placed {
  return { answer: { id: session.debuggee.breakpoints.id(), verified: false, message } };
}

function take(session: Session, key: string, placed: readonly Placed[]): { breakpoints: DebugProtocol.Breakpoint[] } {
  session.debuggee.breakpoints.replace(
    key,
    placed.flatMap(({ breakpoint }) => (breakpoint ? [breakpoint] : [])),
  );
  return { breakpoints: placed.map(({ answer }) => answer) };
}
