import type { LineRow } from '../../program/program';
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
  /** Where its function begins, as linked. */
  start: bigint | undefined;
}

export function positionOf(target: Target): Position {
  const view = target.stopView;
  const linear = linearRip(view);
  const found = target.locate(linear, view);
  return {
    linear,
    module: found?.module,
    address: found?.address ?? linear,
    row: found?.module.lines.at(found.address),
    start: found?.module.functionStart(found.address),
  };
}

/** Whether `now` is in code that was inlined at `origin`: a call, to whoever steps over it. */
export function withinInlined(origin: Position, now: Position): boolean {
  if (origin.module !== now.module || !origin.module || !now.module) return false;
  const outer = origin.module.inlinedAt(origin.address);
  const inner = now.module.inlinedAt(now.address);
  return inner.length > outer.length && outer.every((call, n) => inner[n] === call) && origin.start === now.start;
}
