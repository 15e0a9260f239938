import type { DebugProtocol } from '@vscode/debugprotocol';
import { describeSource } from './sources';
import { threadOf, type Session } from '../session';
import { hex } from '../target/format';
import { threadName, type Frame } from '../target/frames';
import { memoryReference } from '../target/spaces';
import { linearRip } from '../target/view';

export function threads(session: Session): DebugProtocol.ThreadsResponse['body'] {
  const { target } = session;
  const cpus = Array.from({ length: target.machine.cpus }, (_, cpu) => cpu);
  // While the machine runs nobody may look at a processor that does not.
  const name = (cpu: number): string => (session.debuggee.control.running ? `CPU ${cpu}` : threadName(target, cpu));
  return { threads: cpus.map(cpu => ({ id: threadOf(cpu), name: name(cpu) })) };
}

export function stackTrace(
  session: Session,
  args: DebugProtocol.StackTraceArguments,
): DebugProtocol.StackTraceResponse['body'] {
  session.look(args.threadId);
  const { frames } = session;
  tellDamage(session);
  const start = args.startFrame ?? 0;
  const end = args.levels ? start + args.levels : frames.length;
  return {
    stackFrames: frames.slice(start, end).map((frame, n) => stackFrame(session, frame, start + n)),
    totalFrames: frames.length,
  };
}

/** Frames and variables are read as they are needed: what was found to be damaged is told once. */
function tellDamage(session: Session): void {
  for (const { image } of session.target.modules)
    if (image.debug?.damage)
      session.once(
        `${image.path}: damaged debug information (${image.debug.damage}): frames or variables are missing; rebuild the program`,
      );
}

function stackFrame(session: Session, frame: Frame, index: number): DebugProtocol.StackFrame {
  const id = session.frameId(index);
  if (frame.kind === 'label') return { id, name: frame.label, line: 0, column: 0, presentationHint: 'label' };
  const { target } = session;
  const linear = linearRip(frame.view, frame.rip);
  const row = frame.place ?? target.row(frame.shown, frame.view);
  const name = frame.name ?? target.describe(frame.shown, frame.view) ?? hex(linear);
  return {
    id,
    name,
    line: row ? session.toClientLine(row.line) : 0,
    column: row ? (session.client.columnsStartAt1 ? 1 : 0) : 0,
    ...(row ? { source: describeSource(session, row.file) } : {}),
    instructionPointerReference: memoryReference(target, { space: 'linear', address: linear, view: frame.view }),
  };
}

export function exceptionInfo(session: Session): DebugProtocol.ExceptionInfoResponse['body'] {
  const { stop } = session;
  const exception = stop?.exception;
  if (!exception)
    return { exceptionId: stop?.reason ?? 'stop', description: stop?.description ?? 'Stopped', breakMode: 'always' };
  return {
    exceptionId: exception.id,
    description: exception.description,
    breakMode: 'always',
    // Clients show the details as a block of text, as they do a stack trace.
    details: { message: exception.description, typeName: exception.id, stackTrace: exception.details },
  };
}
