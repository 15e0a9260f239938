import type { LineRow } from '../../program/program';
import { decodeFlow } from '../target/code';
import { sameLine } from '../target/module';
import type { Target } from '../target/target';
import { linearRip } from '../target/view';
import type { Position } from './position';

/** A line with more code than this is stepped by instruction. */
const LARGEST = 8192n;

/**
 * Where control can leave the code of a line: so that a step runs through it at full speed, and not instruction by
 * instruction. Calls, returns and jumps that go elsewhere or nobody knows where are places to stop at, too.
 */
export class LineRanges {
  private readonly known = new Map<bigint, readonly bigint[]>();

  /** Linear addresses; none when the place has no lines of compiled code. */
  exits(target: Target, origin: Position, now: Position): readonly bigint[] {
    if (!now.row?.compiled || !now.module) return [];
    const { low, high } = extent(origin, now, now.row);
    if (high - low > LARGEST) return [];
    let found = this.known.get(low);
    if (!found) this.known.set(low, (found = scan(target, now, low, high)));
    return found;
  }
}

/** The row, with those around it that are of the line where the step began: of another line each start may end it. */
function extent(origin: Position, now: Position, row: LineRow): { low: bigint; high: bigint } {
  let low = row.address;
  let high = row.address + BigInt(row.bytes);
  if (!origin.line || !sameLine(origin.line, row)) return { low, high };
  const { lines } = now.module!;
  // A macro may make several functions on one line: the step stays in its own.
  const joins = (next: LineRow | undefined): next is LineRow =>
    next !== undefined && sameLine(next, row) && now.module!.functionStart(next.address) === now.start;
  for (let before = lines.at(low - 1n); joins(before); before = lines.at(low - 1n)) low = before.address;
  for (let after = lines.at(high); joins(after); after = lines.at(high)) high += BigInt(after.bytes);
  return { low, high };
}

function scan(target: Target, now: Position, low: bigint, high: bigint): bigint[] {
  const view = target.stopView;
  const shift = now.linear - now.address;
  /** CS base: instructions count from there. */
  const base = linearRip(view, 0n);
  const code = target.machine.readLinear(low + shift, Number(high - low), view.context);
  const exits = new Set<bigint>();
  let at = 0;
  while (at < code.length) {
    const linear = low + shift + BigInt(at);
    const flow = decodeFlow(code.subarray(at), linear - base, view.codeSize);
    if (!flow) break;
    const goes = flow.target === undefined ? undefined : flow.target + base;
    const stays = goes !== undefined && low + shift <= goes && goes < high + shift;
    if (flow.flow === 'branch') {
      const within = goes !== undefined && now.module!.functionStart(goes - shift) === now.start;
      if (!stays) exits.add(within ? goes : linear);
    } else if (flow.flow !== 'next') exits.add(linear);
    at += flow.length;
  }
  exits.add(low + shift + BigInt(at));
  return [...exits];
}
