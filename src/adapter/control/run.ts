import type { Stop } from '../../machine/facts';
import type { BreakpointRegistry, Hit } from '../breakpoints/registry';
import type { Target } from '../target/target';
import { linearRip } from '../target/view';
import { forever, NOWHERE, type Plan } from './plan';
import { eventReport, finalReport, type EndReport, type StopReport } from './stops';

/** How long the machine runs before requests are served, in milliseconds: a pause acts within it. */
const SLICE = 10;
/** Activity state of a processor that nothing but a reset can wake (SDM 3C 24.4.2). */
const SHUTDOWN = 2n;
/** How soon input wakes a machine that waits for it, in milliseconds. */
const INPUT_POLL = 20;
const FEWEST = 1_000;
const MOST = 100_000_000;

export type Outcome = { kind: 'stopped'; report: StopReport } | { kind: 'ended'; report: EndReport };

/** Runs the machine in slices, so that the adapter stays responsive, and decides what each stop of it means. */
export class RunControl {
  running = false;
  private pausing = false;
  /** Instructions a slice, adapted so that it takes about SLICE milliseconds. */
  private quantum = 200_000;
  private watched = new Set<bigint>();
  private watchedVersion = -1;
  private watchedExtra = NOWHERE;
  private plan: Plan | undefined;
  /** The machine sleeps until somebody types. */
  private waiting = false;
  /** The processor that the plan is about. */
  private planned = 0;
  private current: Promise<void> = Promise.resolve();

  constructor(
    private readonly target: Target,
    private readonly breakpoints: BreakpointRegistry,
    private readonly log: (text: string, hit: Hit) => void,
    /** Called between slices: output that the program made meanwhile. */
    private readonly flush: () => void,
  ) {
    // A plan is about the processor in view; others may exit and enter as they like.
    target.machine.on('vm-exit', fact => (fact.cpu === this.planned && this.plan?.atExits()) ?? false);
    target.machine.on('vm-entry', fact => (fact.cpu === this.planned && this.plan?.atEntries()) ?? false);
  }

  pause(): void {
    this.pausing = this.running;
  }

  /** Stops the machine for good reasons of the session's own; resolves when it stands. */
  async halt(): Promise<void> {
    this.pause();
    await this.current;
  }

  /** Runs until the plan is fulfilled, a breakpoint is met, the user pauses, or nothing can run any more. */
  run(plan: Plan, stepReason: string): Promise<Outcome> {
    const outcome = this.loop(plan, stepReason);
    this.current = outcome.then(
      () => {},
      () => {},
    );
    return outcome;
  }

  private async loop(plan: Plan, stepReason: string): Promise<Outcome> {
    this.running = true;
    this.pausing = false;
    this.plan = plan;
    this.planned = this.target.cpu;
    const { machine } = this.target;
    const kinds = ['exception', 'interrupt'] as const;
    const unsubscribe =
      plan === forever
        ? []
        : kinds.map(kind => machine.on(kind, fact => fact.cpu === this.planned && plan.atEvents(kind)));
    try {
      for (;;) {
        const outcome = this.slice(plan, stepReason);
        this.flush();
        if (outcome) return outcome;
        await (this.waiting
          ? new Promise(resolve => setTimeout(resolve, INPUT_POLL))
          : new Promise(resolve => setImmediate(resolve)));
        if (this.pausing) {
          this.target.cpu = this.target.machine.scheduledCpu;
          return stopped({ reason: 'pause', description: 'Paused' });
        }
      }
    } finally {
      for (const end of unsubscribe) end();
      this.running = false;
      this.plan = undefined;
    }
  }

  /** One slice; undefined when it ended without a reason to stop. */
  private slice(plan: Plan, stepReason: string): Outcome | undefined {
    const start = performance.now();
    const before = this.target.machine.instructions;
    this.waiting = false;
    do {
      this.watch(plan.watch());
      this.target.goOn();
      const stop = this.advance(plan.pace());
      if (!stop) continue;
      if (stop.kind === 'waiting') {
        this.waiting = true;
        return undefined;
      }
      const outcome = this.judge(stop, plan, stepReason);
      if (outcome) return outcome;
    } while (performance.now() - start < SLICE);
    this.adapt(performance.now() - start, Number(this.target.machine.instructions - before));
    return undefined;
  }

  /** Undefined: the planned processor sleeps, and the others went on for a while. */
  private advance(pace: 'one' | 'many'): Stop | undefined {
    const { machine } = this.target;
    const stop = pace === 'one' ? machine.step(this.planned) : machine.run(this.quantum);
    if (!stop) return undefined;
    // Where it happened is what the user looks at.
    this.target.cpu = machine.scheduledCpu;
    if (stop.kind === 'fact' && stop.fact.kind === 'vm-exit') this.target.atExit = true;
    if (stop.kind === 'fact' && stop.fact.kind === 'vm-entry-failure') this.target.failedEntry = stop.fact;
    // A step's limit comes first; that it ended on a breakpoint is for us to see.
    if (stop.kind === 'limit' && pace === 'one') {
      const linear = linearRip(this.target.view('current'));
      if (this.watched.has(linear)) return { kind: 'code', linear };
    }
    return stop;
  }

  private judge(stop: Stop, plan: Plan, stepReason: string): Outcome | undefined {
    if (stop.kind === 'exit') return { kind: 'ended', report: stop };
    if (stop.kind === 'dead-halt' || stop.kind === 'shutdown') {
      if (this.breakpoints.filterOn('shutdown')) return stopped(finalReport(stop));
      return { kind: 'ended', report: { status: 1, detail: stop.detail } };
    }
    const hits = stop.kind === 'limit' ? [] : this.breakpoints.met(stop);
    for (const hit of hits) if (hit.verdict.kind === 'log') this.log(hit.verdict.text, hit);
    const stopping = hits.filter(hit => hit.verdict.kind === 'stop');
    // Before the plan is asked: a step that would enter the handler stays at the exit when the user wants to see exits.
    if (stopping.length) return stopped(hitReport(stop, stopping));
    // An exception that could not even be delivered: the next run tells how that ended.
    if (this.target.machine.register('ACTIVITY', this.target.cpu) === SHUTDOWN) return undefined;
    const elsewhere = this.target.cpu !== this.planned && stop.kind !== 'limit';
    this.target.cpu = this.planned;
    if (elsewhere) return undefined;
    return plan.reached(stop) ? stopped({ reason: stepReason, description: 'Step' }) : undefined;
  }

  private watch(extra: readonly bigint[]): void {
    const version = this.breakpoints.version + this.target.displacements.size;
    if (this.watchedVersion === version && this.watchedExtra === extra) return;
    const addresses = this.breakpoints.codeAddresses();
    this.watched = new Set(addresses);
    this.target.machine.watchCode([...addresses, ...extra]);
    this.watchedVersion = version;
    this.watchedExtra = extra;
  }

  private adapt(milliseconds: number, retired: number): void {
    if (retired < FEWEST) return;
    const wanted = (retired / Math.max(milliseconds, 0.1)) * SLICE;
    this.quantum = Math.round(Math.min(MOST, Math.max(FEWEST, wanted)));
  }
}

function stopped(report: StopReport): Outcome {
  return { kind: 'stopped', report };
}

function hitReport(stop: Stop, hits: readonly Hit[]): StopReport {
  const problem = hits.map(hit => (hit.verdict.kind === 'stop' ? hit.verdict.problem : undefined)).find(Boolean);
  const text = problem ? `the breakpoint’s condition cannot be evaluated: ${problem}` : undefined;
  const breakpoints = hits.map(hit => hit.breakpoint);
  if (stop.kind === 'fact') {
    const report = eventReport(stop.fact, breakpoints);
    return text ? { ...report, text } : report;
  }
  const kind = breakpoints[0].kind;
  const description = stop.kind === 'data' ? `Data ${stop.write ? 'written' : 'read'}` : 'Breakpoint';
  return {
    reason: kind === 'filter' ? 'breakpoint' : kind,
    description,
    ...(text ? { text } : {}),
    hitBreakpointIds: breakpoints.flatMap(({ id }) => (id === undefined ? [] : [id])),
  };
}
