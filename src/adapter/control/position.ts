import type { InlinedCall } from '../../program/dwarf/functions';
import type { LineRow } from '../../program/program';
import { enteredCalls } from '../target/frames';
import type { Module } from '../target/module';
import type { Target } from '../target/target';
import { linearRip } from '../target/view';

/** Where execution stands, as a step judges it. */
export interface Position {
  linear: bigint;
  module: Module | undefined;
  /** The same place as its image was linked. */
  address: bigint;
  row: LineRow | undefined;
  /** The line that a person sees: at the start of an inlined call still that of the call. */
  line: { file: string; line: number } | undefined;
  /** Inlined calls around it, outermost first, and how many of them have been entered. */
  calls: readonly InlinedCall[];
  entered: number;
  /** Where its function begins, as linked. */
  start: bigint | undefined;
}

export function positionOf(target: Target): Position {
  const view = target.stopView;
  const linear = linearRip(view);
  const found = target.locate(linear, view);
  const row = found?.module.lines.at(found.address);
  const calls = found && row?.compiled ? found.module.inlinedAt(found.address) : [];
  const entered = found ? enteredCalls(target, calls, found.address) : 0;
  const waiting = calls[entered];
  return {
    line: (waiting && found?.module.image.debug?.callSite(waiting)) ?? row,
    calls,
    entered,
    linear,
    module: found?.module,
    address: found?.address ?? linear,
    row,
    start: found?.module.functionStart(found.address),
  };
}

/** Whether `now` is in code that was inlined at `origin`: a call, to whoever steps over it. */
export function withinInlined(origin: Position, now: Position): boolean {
  if (origin.module !== now.module || origin.start !== now.start) return false;
  return (
    now.calls.length > origin.entered && origin.calls.slice(0, origin.entered).every((call, n) => now.calls[n] === call)
  );
}
