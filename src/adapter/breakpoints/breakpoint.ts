import type { EventMatch } from './events';
import type { Guard } from './guard';

/** Addresses of code where a breakpoint waits. */
export interface CodePlace {
  /** `program`: where the image was loaded, matched wherever paging puts it. `linear`: that linear address. */
  space: 'program' | 'linear';
  addresses: readonly bigint[];
}

export interface DataPlace {
  space: 'linear' | 'guest-physical' | 'host-physical';
  address: bigint;
  length: number;
  access: 'read' | 'write' | 'readWrite';
}

/** One breakpoint of any kind. Filters have no id, because clients never see one for them. */
export interface Breakpoint {
  id?: number;
  /** The DAP reason of its stops. */
  kind: 'breakpoint' | 'function breakpoint' | 'instruction breakpoint' | 'data breakpoint' | 'filter';
  guard: Guard;
  code?: CodePlace;
  event?: EventMatch;
  data?: DataPlace;
  filter?: string;
}
