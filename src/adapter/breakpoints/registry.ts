import type { Fact, FactKind, Stop } from '../../machine/facts';
import { eventNames } from '../control/event-names';
import { Names } from '../expression/names';
import type { Target } from '../target/target';
import { linearRip } from '../target/view';
import type { Breakpoint } from './breakpoint';
import type { Verdict } from './guard';

/** A breakpoint that execution met, and what its guard said. */
export interface Hit {
  breakpoint: Breakpoint;
  verdict: Verdict;
}

/** All breakpoints of a session, by the request that sets them: each request replaces its own list. */
export class BreakpointRegistry {
  private readonly lists = new Map<string, Breakpoint[]>();
  private unsubscribe: (() => void)[] = [];
  private nextId = 1;
  /** Counts changes: whoever runs the machine looks whether its watch list is stale. */
  version = 0;

  constructor(private readonly target: Target) {}

  id(): number {
    return this.nextId++;
  }

  /** Replaces the list called `key` (a source's path, or the kind). Breakpoints with a problem must not be in it. */
  replace(key: string, list: Breakpoint[]): void {
    this.lists.set(key, list);
    this.version++;
    this.listen();
    this.target.machine.watchData(
      this.all().flatMap(({ id, data }) => (data && id !== undefined ? [{ id, ...data }] : [])),
    );
  }

  filterOn(name: string): boolean {
    return this.all().some(({ filter }) => filter === name);
  }

  /** Linear addresses where the machine has to stop. */
  codeAddresses(): bigint[] {
    const found = new Set<bigint>();
    for (const { code } of this.all())
      for (const { module, address } of code ?? [])
        if (!module) found.add(address);
        else for (const linear of this.target.linearAddresses({ module, address })) found.add(linear);
    return [...found];
  }

  /** Breakpoints that this stop of the machine meets, with their verdicts. */
  met(stop: Stop): Hit[] {
    const met = this.all().filter(breakpoint => this.meets(breakpoint, stop));
    if (!met.length) return [];
    const fact = stop.kind === 'fact' ? stop.fact : undefined;
    const names = new Names(this.target, this.target.stopView, eventNames(this.target, fact));
    return met.map(breakpoint => ({ breakpoint, verdict: breakpoint.guard.check(names) }));
  }

  dispose(): void {
    for (const stop of this.unsubscribe) stop();
    this.unsubscribe = [];
  }

  private meets({ id, code, event, data }: Breakpoint, stop: Stop): boolean {
    if (stop.kind === 'fact') return event !== undefined && event.matches(stop.fact);
    if (stop.kind === 'data') return data !== undefined && stop.watch === id;
    if (stop.kind !== 'code' || !code) return false;
    const view = this.target.stopView;
    const linear = linearRip(view);
    const here = this.target.locate(linear, view);
    return code.some(({ module, address }) =>
      module ? here?.module === module && here.address === address : address === linear,
    );
  }

  private all(): Breakpoint[] {
    return [...this.lists.values()].flat();
  }

  /** A fact without a listener costs nothing: only the kinds that some breakpoint waits for are listened to. */
  private listen(): void {
    this.dispose();
    const byKind = new Map<FactKind, Breakpoint[]>();
    for (const breakpoint of this.all())
      for (const kind of breakpoint.event?.kinds ?? []) byKind.set(kind, [...(byKind.get(kind) ?? []), breakpoint]);
    for (const [kind, list] of byKind) {
      const wanted = (fact: Fact) => list.some(({ event }) => event!.matches(fact));
      this.unsubscribe.push(this.target.machine.on(kind, wanted));
    }
  }
}
