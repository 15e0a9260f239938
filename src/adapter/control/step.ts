import type { Stop } from '../../machine/facts';
import type { InlinedCall } from '../../program/dwarf/functions';
import type { Instruction } from '../target/code';
import { fromLittleEndian } from '../target/format';
import type { Frame } from '../target/frames';
import { sameLine } from '../target/module';
import type { Target } from '../target/target';
import { linearRip, linearStack } from '../target/view';
import { LineRanges } from './line-range';
import { forever, NOWHERE, type Plan } from './plan';
import { positionOf, withinInlined, type Position } from './position';

/** Which side of which boundary executes: a step that waits for an address must not be fooled by another's. */
function side(target: Target): string {
  const operation = target.machine.vmxOperation(target.cpu);
  return operation === 'non-root' ? `guest ${target.machine.currentVmcs(target.cpu)}` : 'host';
}

/**
 * Step In and Step Over, by instruction or by source line.
 *
 * A VM exit reads like a call: Step In stops at the handler's first instruction, Step Over runs the hypervisor until the
 * guest's next instruction. VMLAUNCH and VMRESUME read like a return: both stop in the guest.
 *
 * In compiled code a step ends where a statement of another line begins, or in the caller after a return. It goes over
 * functions without lines, and over a hardware interrupt's handler.
 */
export class StepPlan implements Plan {
  private waiting:
    | { kind: 'next' }
    | { kind: 'entry' }
    | { kind: 'address'; exits: readonly bigint[]; rsp: bigint; side: string; arrived?: true }
    // The line's own instructions run at full speed, up to whatever leaves them.
    | { kind: 'range'; exits: readonly bigint[]; side: string };
  private readonly origin: Position;
  private readonly ranges = new LineRanges();
  /** The instruction that is stepped next, and the stack before it. */
  private last: { linear: bigint; rsp: bigint; flow: Instruction['flow'] | undefined };

  constructor(
    private readonly target: Target,
    private readonly over: boolean,
    private readonly byLine: boolean,
    /** Step Out of it: an inlined call whose code runs. */
    private readonly leaving?: InlinedCall,
  ) {
    this.origin = positionOf(target);
    this.last = { linear: this.origin.linear, rsp: this.rsp(), flow: undefined };
    this.waiting = target.atExit ? { kind: 'entry' } : this.prepare();
  }

  pace(): 'one' | 'many' {
    return this.waiting.kind === 'next' ? 'one' : 'many';
  }

  watch(): readonly bigint[] {
    return 'exits' in this.waiting ? this.waiting.exits : NOWHERE;
  }

  /** An exception in the line's own code is seen; an interrupt's handler comes back by itself. */
  atEvents(kind: 'exception' | 'interrupt'): boolean {
    return this.waiting.kind === 'next' || (this.waiting.kind === 'range' && kind === 'exception');
  }

  atExits(): boolean {
    return this.waiting.kind === 'next' || this.waiting.kind === 'range';
  }

  atEntries(): boolean {
    return this.waiting.kind !== 'address';
  }

  reached(stop: Stop): boolean {
    const fact = stop.kind === 'fact' ? stop.fact.kind : undefined;
    if (this.waiting.kind === 'entry') return fact === 'vm-entry';
    if (this.waiting.kind === 'address') {
      const { rsp, side: wanted } = this.waiting;
      if (!this.isAt(stop, this.waiting.exits) || side(this.target) !== wanted) return false;
      // A recursive call comes by here too, deeper in the stack.
      if (this.rsp() < rsp) return false;
      if (this.waiting.arrived) return true;
      this.last.flow = undefined;
    } else if (this.waiting.kind === 'range' && stop.kind !== 'fact') {
      if (!this.isAt(stop, this.waiting.exits) || side(this.target) !== this.waiting.side) return false;
      this.last.flow = undefined;
    } else if (fact === 'vm-exit') {
      if (this.over) {
        this.waiting = { kind: 'entry' };
        return false;
      }
      this.target.atExit = false;
      return true;
    } else if (fact === 'vm-entry') return true;
    if (!this.byLine) return true;
    const detour = this.detour(stop);
    if (!detour && this.arrived()) return true;
    this.waiting = detour ?? this.prepare();
    return false;
  }

  private isAt(stop: Stop, exits: readonly bigint[]): boolean {
    return stop.kind === 'code' && exits.includes(stop.linear);
  }

  /** What is entered, but not to be stepped through: it runs until it comes back, or until its prologue is over. */
  private detour(stop: Stop): StepPlan['waiting'] | undefined {
    const { origin, last } = this;
    if (!origin.row?.compiled) return undefined;
    const wanted = side(this.target);
    if (stop.kind === 'fact' && stop.fact.kind === 'interrupt' && stop.fact.external)
      return { kind: 'address', exits: [last.linear], rsp: last.rsp, side: wanted };
    const now = positionOf(this.target);
    // A call, or a jump to the start of another function, which then returns for both.
    const enters =
      last.flow === 'call' || (last.flow === 'branch' && now.start === now.address && now.start !== origin.start);
    if (!enters) return undefined;
    if (!now.row || (this.over && last.flow === 'branch')) {
      const view = this.target.stopView;
      const back = this.target.machine.readLinear(linearStack(view), view.codeSize / 8, view.context);
      const exits = [linearRip(view, fromLittleEndian(back))];
      return { kind: 'address', exits, rsp: this.rsp() + 1n, side: wanted };
    }
    const inside = now.module?.afterPrologue(now.address) ?? now.address;
    if (inside === now.address) return undefined;
    return { kind: 'address', exits: [now.linear + inside - now.address], rsp: 0n, side: wanted, arrived: true };
  }

  /** How to get past the current instruction: a call or a software interrupt is stepped over as a whole. */
  private prepare(): StepPlan['waiting'] {
    const view = this.target.stopView;
    const instruction = this.byLine || this.over ? this.target.flow(view) : undefined;
    this.last = { linear: linearRip(view), rsp: this.rsp(), flow: instruction?.flow };
    if (!instruction) return { kind: 'next' };
    if (instruction.flow === 'call' || instruction.flow === 'interrupt') {
      if (!this.over) return { kind: 'next' };
      const exits = [linearRip(view, instruction.ip + BigInt(instruction.length))];
      return { kind: 'address', exits, rsp: this.rsp(), side: side(this.target) };
    }
    if (!this.byLine || !this.origin.row?.compiled || this.leaving) return { kind: 'next' };
    const now = positionOf(this.target);
    const exits = this.ranges.exits(this.target, this.origin, now);
    return exits.length && !exits.includes(now.linear)
      ? { kind: 'range', exits, side: side(this.target) }
      : { kind: 'next' };
  }

  /** Whether a line step is on another line, at the start of its own, or where there are no lines. */
  private arrived(): boolean {
    const { origin } = this;
    const now = positionOf(this.target);
    if (this.leaving) return !now.calls.includes(this.leaving);
    if (!origin.row) return true;
    // Compilers leave code without a line inside of functions; elsewhere there is nothing to step through.
    if (!now.row) return now.start === undefined || now.start !== origin.start;
    if (!now.row.compiled) {
      if (!sameLine(now.row, origin.row)) return true;
      // Backwards within the line: a jump to itself, or a `times` loop's start.
      return now.linear <= origin.linear;
    }
    if (this.last.flow === 'return' || this.last.flow === 'call') return true;
    if (now.row.address !== now.address || now.row.statement === false) return false;
    if (this.over && withinInlined(origin, now)) return false;
    // Into an inlined call of the same line: nothing lies between its call and its code.
    if (!this.over && now.entered < now.calls.length && now.line && sameLine(now.line, origin.line!)) {
      this.target.enteredCalls = 1;
      return true;
    }
    return !sameLine(now.row, origin.line!);
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
  const exits = [linear];
  const wanted = side(target);
  const slot = inner.returnSlot ?? inner.rsp;
  return {
    ...forever,
    watch: () => exits,
    reached: stop =>
      stop.kind === 'code' &&
      stop.linear === linear &&
      side(target) === wanted &&
      // Behind a return RSP is above the slot; an interrupted caller has its own back, perhaps on another stack.
      ((target.stopView.registers.read('RSP') ?? 0n) > slot || target.stopView.registers.read('RSP') === caller.rsp),
  };
}
