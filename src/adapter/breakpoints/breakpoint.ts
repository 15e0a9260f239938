import type { Module } from '../target/module';
import type { EventMatch } from './events';
import type { Guard } from './guard';

/**
 * Where in code a breakpoint waits: at an address of an image, matched wherever paging puts it, or (without a module) at
 * that linear address.
 */
export interface CodePlace {
  module?: Module;
  address: bigint;
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
  code?: readonly CodePlace[];
  event?: EventMatch;
  data?: DataPlace;
  filter?: string;
}
