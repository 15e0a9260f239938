import type { FactOf } from '../../machine/facts';

export type ExitFact = FactOf<'vm-exit'>;

/** One VM exit of the history. */
export interface Exit {
  /** From 1. */
  sequence: number;
  fact: ExitFact;
  /** Retired instructions at the next VM entry; undefined while the handler runs. */
  entered?: bigint;
}

/** How many exits are kept. A guest that exits all the time must not fill the adapter's memory: about 40 MB at most. */
const KEPT = 100_000;

/** The latest exits, oldest first, numbered since launch. */
export class ExitLog {
  private readonly ring: Exit[] = [];
  private readonly latest = new Map<number, Exit>();
  private count = 0;

  constructor(private readonly kept = KEPT) {}

  get total(): number {
    return this.count;
  }

  /** Sequence number of the oldest that is kept. */
  get first(): number {
    return Math.max(1, this.count - this.kept + 1);
  }

  /** The latest exit of processor `cpu` that is kept. */
  lastOf(cpu: number): Exit | undefined {
    return this.latest.get(cpu);
  }

  at(sequence: number): Exit | undefined {
    return sequence >= this.first && sequence <= this.count ? this.ring[(sequence - 1) % this.kept] : undefined;
  }

  add(fact: ExitFact): void {
    const exit = { sequence: this.count + 1, fact };
    this.ring[this.count % this.kept] = exit;
    this.latest.set(fact.cpu, exit);
    this.count++;
  }

  /** Processor `cpu` entered its guest again: the handler of its last exit is through. */
  entered(cpu: number, instruction: bigint): void {
    const last = this.latest.get(cpu);
    if (last && last.entered === undefined) last.entered = instruction;
  }

  page(from: number, count: number): Exit[] {
    const found: Exit[] = [];
    for (let n = Math.max(from, this.first); n <= this.count && found.length < count; n++) found.push(this.at(n)!);
    return found;
  }
}
