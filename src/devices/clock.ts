/** Time as devices see it: nanoseconds of the machine's time, and clocks that divide it. */

export interface Clock {
  /** Nanoseconds since power-on. Does not go on while a device acts. */
  now(): number;
}

/** A device that acts by itself at certain times. */
export interface Timed {
  /** When it next acts in a way that somebody could notice, in nanoseconds; Infinity: not at all. */
  readonly deadline: number;
  /** Does everything that is due at `now`. */
  advance(now: number): void;
}

/** An interrupt line: devices drive its level, controllers look for levels or edges. */
export type Line = (level: boolean) => void;

const SECOND = 1e9;
/** Whole ticks of a clock of `hertz` in `nanoseconds`. Exact below 2^53 ticks and nanoseconds. */
export function ticksIn(nanoseconds: number, hertz: number): number {
  const seconds = Math.floor(nanoseconds / SECOND);
  return seconds * hertz + Math.floor(((nanoseconds - seconds * SECOND) * hertz) / SECOND);
}
/** The first nanosecond at which `ticks` ticks have passed. */
export function timeOfTick(ticks: number, hertz: number): number {
  if (ticks === Infinity) return Infinity;
  const seconds = Math.floor(ticks / hertz);
  return seconds * SECOND + Math.ceil(((ticks - seconds * hertz) * SECOND) / hertz);
}
