import type { Stop } from '../../machine/facts';
import type { LineRow } from '../../program/program';
import type { Frame } from '../target/frames';
import type { Target } from '../target/target';
import { linearRip } from '../target/view';
import { forever, type Plan } from './plan';

/** Which side of which boundary executes: a step that waits for an address must not be fooled by another's. */
function side(target: Target): string {
  const operation = target.machine.vmxOperation(target.cpu);
  return operation === 'non-root' ? `guest ${target.machine.currentVmcs(target.cpu)}` : 'host';
}

/** The position before a line step: the same line again, reached by a jump to its start, is a new arrival. */
interface Origin {
  row: LineRow | undefined;
  linear: bigint;
}

/**
 * Step In and Step Over, by instruction or by source line.
 *
 * A VM exit reads like a call: Step In stops at the handler's first instruction, Step Over runs the hypervisor until the
 * guest's next instruction. VMLAUNCH and VMRESUME read like a return: both stop in the guest.
 */
export class StepPlan implements Plan {
  private waiting:
    { kind: 'next' } | { kind: 'entry' } | { kind: 'address'; linear: bigint; rsp: bigint; side: string };
  private origin: Origin;

  constructor(
    private readonly target: Target,
    private readonly over: boolean,
    private readonly byLine: boolean,
  ) {
    this.origin = this.position();
    this.waiting = target.atExit ? { kind: 'entry' } : this.prepare();
  }

  pace(): 'one' | 'many' {
    return this.waiting.kind === 'next' ? 'one' : 'many';
  }

  watch(): bigint | undefined {
    return this.waiting.kind === 'address' ? this.waiting.linear : undefined;
  }

  atExits(): boolean {
    return this.waiting.kind === 'next';
  }

  atEntries(): boolean {
    return this.waiting.kind !== 'address';
  }

  reached(stop: Stop): boolean {
    const fact = stop.kind === 'fact' ? stop.fact.kind : undefined;
    if (this.waiting.kind === 'entry') return fact === 'vm-entry';
    if (this.waiting.kind === 'address') {
      const { linear, rsp, side: wanted } = this.waiting;
      if (stop.kind !== 'code' || stop.linear !== linear || side(this.target) !== wanted) return false;
      // A recursive call comes by here too, deeper in the stack.
      if (this.rsp() < rsp) return false;
    } else if (fact === 'vm-exit') {
      if (this.over) {
        this.waiting = { kind: 'entry' };
        return false;
      }
      this.target.atExit = false;
      return true;
    } else if (fact === 'vm-entry') return true;
    if (!this.byLine || this.arrived()) return true;
    this.waiting = this.prepare();
    return false;
  }

  /** How to get past the current instruction: a call or a software interrupt is stepped over as a whole. */
  private prepare(): StepPlan['waiting'] {
    if (!this.over) return { kind: 'next' };
    const view = this.target.stopView;
    const instruction = this.target.instruction(view);
    if (!instruction) return { kind: 'next' };
    if (instruction.flow !== 'call' && instruction.flow !== 'interrupt') return { kind: 'next' };
    const next = instruction.ip + BigInt(instruction.bytes.length);
    return { kind: 'address', linear: linearRip(view, next), rsp: this.rsp(), side: side(this.target) };
  }

  /** Whether a line step is on another line, at the start of its own, or where there are no lines. */
  private arrived(): boolean {
    const { row, linear } = this.position();
    const from = this.origin;
    if (!row || !from.row) return true;
    if (row.file !== from.row.file || row.line !== from.row.line) return true;
    // Backwards within the line: a jump to itself, or a `times` loop's start.
    return linear <= from.linear;
  }

  private position(): Origin {
    const view = this.target.stopView;
    const linear = linearRip(view);
    return { row: this.target.row(linear, view), linear };
  }

  private rsp(): bigint {
    return this.target.stopView.registers.read('RSP') ?? 0n;
  }
}

/** Runs until the guest is entered. */
export function untilEntry(): Plan {
  return { ...forever, atEntries: () => true, reached: stop => stop.kind === 'fact' && stop.fact.kind === 'vm-entry' };
}

/** Runs until the caller of the innermost frame goes on: Step Out by return address. */
export function untilReturn(
  target: Target,
  inner: Extract<Frame, { kind: 'code' }>,
  caller: Extract<Frame, { kind: 'code' }>,
): Plan {
  const linear = linearRip(inner.view, caller.rip);
  const wanted = side(target);
  const slot = inner.returnSlot ?? inner.rsp;
  return {
    ...forever,
    watch: () => linear,
    reached: stop =>
      stop.kind === 'code' &&
      stop.linear === linear &&
      side(target) === wanted &&
      (target.stopView.registers.read('RSP') ?? 0n) > slot,
  };
}
