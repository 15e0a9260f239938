import type { DebugProtocol } from '@vscode/debugprotocol';
import { forever } from '../control/plan';
import { positionOf } from '../control/position';
import { StepPlan, untilEntry, untilReturn } from '../control/step';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import type { Frame } from '../target/frames';

export function resume(session: Session): DebugProtocol.ContinueResponse['body'] {
  session.resume(forever);
  return { allThreadsContinued: true };
}

export function pause(session: Session): void {
  session.debuggee.control.pause();
}

export function next(session: Session, { threadId, granularity }: DebugProtocol.NextArguments): void {
  session.look(threadId);
  if (session.target.failedEntry) return leaveFailedEntry(session);
  session.resume(new StepPlan(session.target, true, granularity !== 'instruction'));
}

export function stepIn(session: Session, { threadId, granularity }: DebugProtocol.StepInArguments): void {
  session.look(threadId);
  const { target } = session;
  if (target.atExit) {
    // The processor already stands at the handler's first instruction; only the view moves.
    target.atExit = false;
    session.stopHere({ reason: 'step', description: 'Step' });
    return;
  }
  if (target.failedEntry) return leaveFailedEntry(session);
  const { calls, entered } = positionOf(target);
  if (granularity !== 'instruction' && entered < calls.length) {
    // The processor already stands at the first instruction of the inlined call; only the view moves.
    target.enteredCalls++;
    session.stopHere({ reason: 'step', description: 'Step' });
    return;
  }
  session.resume(new StepPlan(target, false, granularity !== 'instruction'));
}

/** The failed VM entry is over: the processor stands at what comes after it; only the view moves. */
function leaveFailedEntry(session: Session): void {
  session.target.failedEntry = undefined;
  session.stopHere({ reason: 'step', description: 'Step' });
}

/** To the caller by its return address; out of an exit handler's outermost frame, until the guest is entered again. */
export function stepOut(session: Session, { threadId }: DebugProtocol.StepOutArguments): void {
  session.look(threadId);
  const { target, frames } = session;
  const [inner] = frames;
  // Code that was inlined is left by going on; there is no return address to wait for.
  if (inner?.kind === 'code' && inner.inlined) return session.resume(new StepPlan(target, true, true, inner.inlined));
  const caller = frames.find(
    (frame, n) => n > 0 && !(frame.kind === 'code' && frame.activation === activationOf(inner)),
  );
  if (inner?.kind === 'code' && caller?.kind === 'code') return session.resume(untilReturn(target, inner, caller));
  if (target.pendingExit && !target.atExit) return session.resume(untilEntry());
  throw new UserError('there is nothing to step out to: the stack holds no return address', true);
}

function activationOf(frame: Frame | undefined) {
  return frame?.kind === 'code' ? frame.activation : undefined;
}
