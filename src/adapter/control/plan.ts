import type { Stop } from '../../machine/facts';

/** What a request to run wants: how far to go with each call of the machine, and when it is there. */
export interface Plan {
  /** `one`: a single instruction, with a look at every border; `many`: until something stops the machine. */
  pace(): 'one' | 'many';
  /** A linear address to stop at, besides the breakpoints. */
  watch(): bigint | undefined;
  /** Whether it wants to look at each VM exit, each VM entry. */
  atExits(): boolean;
  atEntries(): boolean;
  /** The machine came back: true when the plan is fulfilled. */
  reached(stop: Stop): boolean;
}

/** Run until something else stops it. */
export const forever: Plan = {
  pace: () => 'many',
  watch: () => undefined,
  atExits: () => false,
  atEntries: () => false,
  reached: () => false,
};
