/**
 * What a program is to every layer above: bytes at guest-physical addresses, an entry, a start state, names and lines.
 *
 * This layer knows neither files nor editors: whoever calls brings a `SourceFiles`.
 */

import type { DebugInformation } from './dwarf/debug';

/** Where sources and binaries come from. Paths are whatever the caller uses; only the caller interprets them. */
export interface SourceFiles {
  /** The bytes of `path`, or undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
  /** `relative` as it is meant in a file at `from` (an `%include` or `incbin`). */
  resolve(from: string, relative: string): string;
}

/** One message about a source. Lines and columns start at 1. `end` is exclusive. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  endColumn?: number;
  severity: 'error' | 'warning';
  message: string;
}

/** A piece of the image at a guest-physical address. `memoryBytes` may exceed the data: the rest is zero. */
export interface Segment {
  address: number;
  data: Uint8Array;
  memoryBytes: number;
}

/** A name for a linear address (the start states map linear = guest-physical). `bytes` is 0 when unknown. */
export interface ProgramSymbol {
  name: string;
  address: bigint;
  bytes: number;
  kind: 'code' | 'data' | 'constant';
}

/** One row of the line table: the bytes [address, address + bytes) come from this line. */
export interface LineRow {
  address: bigint;
  bytes: number;
  file: string;
  line: number;
  column?: number;
  /** False for data (`db`, `resb`): shown, but no place for a breakpoint. */
  code: boolean;
  /** From a compiler: the line is a statement, which may be many instructions in several places. */
  compiled?: boolean;
  /** False: not the start of a statement, so no place for a breakpoint or to end a step. */
  statement?: false;
  /** Here the function has its frame and its parameters in place. */
  prologueEnd?: true;
  /** Statements that begin here too, without a byte of their own: a call whose callee was inlined, an empty prologue. */
  others?: { file: string; line: number }[];
  /** For bytes that a macro made: the line in the macro's body. `file` and `line` are then those of the call. */
  inner?: { file: string; line: number };
}

/**
 * The processor's state at the first instruction.
 * - `long`: 64-bit mode, CPL 0, identity paging over all memory with 2 MiB pages, flat segments, interrupts off.
 * - `protected`: 32-bit protected mode, paging off, flat segments.
 * - `real`: real mode, CS:IP = 0:entry (entry below 1 MiB).
 * - `boot-sector`: real mode at 0:0x7C00, DL = 0x80.
 * - `multiboot`: as Multiboot prescribes: `protected`, EAX = 0x2BADB002 (version 2: 0x36D76289), EBX -> information.
 */
export type StartState = 'long' | 'protected' | 'real' | 'boot-sector' | 'multiboot';

/** What carries names and lines: a program, or a file with symbols of code that gets into memory by other ways. */
export interface Image {
  /** The path it was made from. */
  path: string;
  symbols: ProgramSymbol[];
  /** Sorted by address; empty when the format carries no lines. */
  lines: LineRow[];
  /** Every source file that took part (includes too), for loadedSources and diagnostics. */
  sources: string[];
  /** Functions, frames and variables, when a compiler or assembler described them. */
  debug?: DebugInformation;
}

export interface Program extends Image {
  format: 'asm' | 'elf32' | 'elf64' | 'multiboot1' | 'multiboot2' | 'boot-sector' | 'flat';
  segments: Segment[];
  entry: number;
  start: StartState;
  /** Version of the specification by which `multiboot` starts it. */
  multiboot?: 1 | 2;
}

/** A program, or what is wrong with it: never both, never an exception for bad input. */
export type ProgramResult =
  { ok: true; program: Program; warnings: Diagnostic[] } | { ok: false; errors: Diagnostic[] };
