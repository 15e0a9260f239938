import type { Stop } from '../../machine/facts';

/** What a request to run wants: how far to go with each call of the machine, and when it is there. */
export interface Plan {
  /** `one`: a single instruction, with a look at every border; `many`: until something stops the machine. */
  pace(): 'one' | 'many';
  /** Linear addresses to stop at, besides the breakpoints. The same list as long as they are the same. */
  watch(): readonly bigint[];
  /** Whether it wants to look when an exception or an interrupt has been delivered, before its handler's first instruction. */
  atEvents(kind: 'exception' | 'interrupt'): boolean;
  /** Whether it wants to look at each VM exit, each VM entry. */
  atExits(): boolean;
  atEntries(): boolean;
  /** The machine came back: true when the plan is fulfilled. */
  reached(stop: Stop): boolean;
}

export const NOWHERE: readonly bigint[] = [];

/** Run until something else stops it. */
export const forever: Plan = {
  pace: () => 'many',
  watch: () => NOWHERE,
  atEvents: () => false,
  atExits: () => false,
  atEntries: () => false,
  reached: () => false,
};
