import type { SourceFiles } from '../program/program';
import type { BreakpointRegistry } from './breakpoints/registry';
import { eventNames } from './control/event-names';
import type { Plan } from './control/plan';
import type { Outcome, RunControl } from './control/run';
import type { StopReport } from './control/stops';
import { Sources } from './launch/sources';
import { Names } from './expression/names';
import { UserError } from './protocol/errors';
import { frames, type Frame } from './target/frames';
import type { Target } from './target/target';
import { Handles } from './variables/container';

/** What the surroundings provide: files, and the processor's code. */
export interface Host {
  files(open?: Readonly<Record<string, string>>): SourceFiles;
  core(): Promise<Uint8Array>;
}

/** A launched program and everything that works on it. */
export interface Debuggee {
  target: Target;
  breakpoints: BreakpointRegistry;
  control: RunControl;
  stopOnEntry: boolean;
  /** Loads the program anew. */
  reset(): void;
}

/** What a client can do, as its initialize request says. */
export interface Client {
  linesStartAt1: boolean;
  columnsStartAt1: boolean;
  supportsInvalidatedEvent: boolean;
  supportsMemoryEvent: boolean;
}

/** DAP's thread of a logical processor; identifiers begin at 1. */
export const threadOf = (cpu: number): number => cpu + 1;

/** The stack of one thread at one stop, with the identifier of its innermost frame. */
interface Stack {
  firstId: number;
  frames: Frame[];
}

/** The state of one debug session: what every request handler works with. */
export class Session {
  client: Client = {
    linesStartAt1: true,
    columnsStartAt1: true,
    supportsInvalidatedEvent: false,
    supportsMemoryEvent: false,
  };
  readonly handles = new Handles();
  readonly sources: Sources;
  /** The client has disconnected: nothing follows. */
  over = false;
  /** Why the machine stands where it stands. */
  stop: StopReport | undefined;
  private launched: Debuggee | undefined;
  /** By processor; computed when first asked for. */
  private readonly stacks = new Map<number, Stack>();
  private nextFrameId = 1;
  private deferred: (() => void)[] = [];
  private readonly told = new Set<string>();
  /** Counts what makes a run's outcome nobody's business any more. */
  private abandoned = 0;

  constructor(
    readonly host: Host,
    private readonly emit: (event: string, body?: object) => void,
  ) {
    this.sources = new Sources(host.files());
  }

  event(event: string, body?: object): void {
    this.emit(event, body);
  }

  output(
    category: 'console' | 'stdout' | 'stderr' | 'important',
    text: string,
    where?: { path: string; line: number },
  ): void {
    const source = where ? { source: { path: where.path }, line: this.toClientLine(where.line) } : {};
    this.emit('output', { category, output: text, ...source });
  }

  /** A line in the console, the first time only. */
  once(text: string): void {
    if (this.told.has(text)) return;
    this.told.add(text);
    this.output('stderr', `${text}\n`);
  }

  /** Runs `action` when the response to the current request is out: events that follow from it must not overtake it. */
  afterResponse(action: () => void): void {
    this.deferred.push(action);
  }

  runDeferred(): void {
    const actions = this.deferred;
    this.deferred = [];
    for (const action of actions) action();
  }

  get debuggee(): Debuggee {
    if (!this.launched) throw new UserError('nothing is launched: send a launch request first');
    return this.launched;
  }

  get isLaunched(): boolean {
    return this.launched !== undefined;
  }

  get target(): Target {
    return this.debuggee.target;
  }

  begin(debuggee: Debuggee): void {
    this.launched = debuggee;
  }

  /** Lets the program go; requests that need one get an error from now on. */
  async end(): Promise<void> {
    const debuggee = this.launched;
    this.launched = undefined;
    this.abandoned++;
    await debuggee?.control.halt();
    debuggee?.breakpoints.dispose();
  }

  /** Ends the current run, if any, without a word to the client. */
  async interrupt(): Promise<void> {
    this.abandoned++;
    await this.debuggee.control.halt();
  }

  /** Throws unless the machine stands still. */
  requireStopped(): void {
    if (this.debuggee.control.running) throw new UserError('the processor is running: pause it first');
  }

  /** Starts the machine; the stopped event comes by itself. Call when the response may go out. */
  resume(plan: Plan, reason = 'step'): void {
    const { control } = this.debuggee;
    const run = this.abandoned;
    this.forget();
    this.stop = undefined;
    this.afterResponse(() => {
      control.run(plan, reason).then(
        outcome => {
          if (run === this.abandoned) this.came(outcome);
        },
        error => this.output('stderr', `Ringscope failed while running: ${error}\n`),
      );
    });
  }

  /** Announces a stop that needed no running (entry, or Step In at a VM exit). */
  stopHere(report: StopReport): void {
    this.forget();
    this.afterResponse(() => this.announce(report));
  }

  /** Values were changed by the user: everything shown may be stale. */
  changed(areas: ('stacks' | 'variables')[], memory?: { reference: string; count: number }): void {
    // Frames keep their identifiers: the client shows the same ones.
    for (const [cpu, stack] of this.stacks) {
      const before = stack.frames.length;
      stack.frames = this.target.on(cpu, () => frames(this.target));
      if (stack.frames.length <= before) continue;
      stack.firstId = this.nextFrameId;
      this.nextFrameId += stack.frames.length;
    }
    if (this.client.supportsInvalidatedEvent)
      this.afterResponse(() => this.event('invalidated', { areas, threadId: threadOf(this.target.cpu) }));
    if (memory && this.client.supportsMemoryEvent)
      this.afterResponse(() =>
        this.event('memory', { memoryReference: memory.reference, offset: 0, count: memory.count }),
      );
  }

  /** What follows is about that thread's processor. Throws when there is none. */
  look(threadId: number | undefined): void {
    if (threadId === undefined) return;
    if (!(threadId >= 1 && threadId <= this.target.machine.cpus))
      throw new UserError(
        `there is no thread ${threadId}; the processors are threads 1 to ${this.target.machine.cpus}`,
      );
    this.target.cpu = threadId - 1;
  }
  /** The stack of the thread in view at this stop, computed once. */
  get frames(): Frame[] {
    return this.stack.frames;
  }
  private get stack(): Stack {
    const { cpu } = this.target;
    let stack = this.stacks.get(cpu);
    if (!stack) {
      stack = { firstId: this.nextFrameId, frames: frames(this.target) };
      this.nextFrameId += stack.frames.length;
      this.stacks.set(cpu, stack);
    }
    return stack;
  }

  frameId(index: number): number {
    return this.stack.firstId + index;
  }

  /** The frame with that id, the top one when absent. A label has no registers: its place is taken by the next frame. */
  frame(id: number | undefined): Frame & { kind: 'code' } {
    this.requireStopped();
    if (id !== undefined) this.lookAtFrame(id);
    const { firstId, frames: all } = this.stack;
    const found = all.slice(id === undefined ? 0 : id - firstId).find(frame => frame.kind === 'code');
    if (!found) throw new UserError(`frame ${id} is not valid: the machine has moved since`);
    return found as Frame & { kind: 'code' };
  }
  private lookAtFrame(id: number): void {
    for (const [cpu, { firstId, frames: all }] of this.stacks) {
      if (id < firstId || id >= firstId + all.length) continue;
      this.target.cpu = cpu;
      return;
    }
    throw new UserError(`frame ${id} is not valid: the machine has moved since`);
  }

  /** Names for expressions in that frame. */
  names(frameId: number | undefined): Names {
    const frame = this.frame(frameId);
    return new Names(this.target, frame.view, eventNames(this.target, this.stop?.fact), frame);
  }

  toClientLine(line: number): number {
    return this.client.linesStartAt1 ? line : line - 1;
  }

  fromClientLine(line: number): number {
    return this.client.linesStartAt1 ? line : line + 1;
  }

  private came(outcome: Outcome): void {
    if (outcome.kind === 'stopped') return this.announce(outcome.report);
    this.output('console', `${outcome.report.detail}\n`);
    this.event('exited', { exitCode: outcome.report.status });
    this.event('terminated');
  }

  private announce(report: StopReport): void {
    this.stop = report;
    const { reason, description, text, hitBreakpointIds } = report;
    this.event('stopped', {
      reason,
      description,
      ...(text ? { text } : {}),
      ...(hitBreakpointIds ? { hitBreakpointIds } : {}),
      threadId: threadOf(this.target.cpu),
      allThreadsStopped: true,
    });
  }

  private forget(): void {
    this.handles.clear();
    this.stacks.clear();
  }
}
