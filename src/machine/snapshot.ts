/**
 * Snapshots: the machine at one instant, to come back to. One holds the processors, the devices, and of RAM the pages that
 * changed since its parent; the first of a chain holds every page that was ever written, so that an idle machine of 3 GiB
 * costs what it touched.
 */
import {
  PAGES,
  PAGE_DIRTY,
  PAGE_TOUCHED,
  PARKED,
  RAM_PAGE,
  STATE_AND_MACHINE_BYTES,
  STATE_BYTES,
  type Processor,
} from '../core';
import type { Platform } from './platform';

export interface Snapshot {
  readonly parent?: Snapshot;
  /** Retired instructions of all processors. */
  readonly instructions: bigint;
  /** State of the loaded processor with the machine around it, then the parked ones. */
  readonly processors: Uint8Array;
  readonly devices: readonly unknown[];
  /** Numbers of the pages that are here, ascending, and their contents in the same order. */
  readonly pages: Uint32Array;
  readonly contents: Uint8Array;
}

/** Bytes that the snapshot itself occupies, its parents not counted. */
export function snapshotBytes({ processors, pages, contents }: Snapshot): number {
  return processors.length + pages.byteLength + contents.length;
}

/** The page flags of all RAM. */
function pageFlags(processor: Processor): Uint8Array {
  return new Uint8Array(processor.memory.buffer, PAGES, processor.ram.length / RAM_PAGE);
}
/** Numbers of the pages that have one of the flags `mask`. */
function pagesWith(flags: Uint8Array, mask: number): Uint32Array {
  let count = 0;
  for (const flag of flags) if (flag & mask) count++;
  const pages = new Uint32Array(count);
  for (let n = 0, at = 0; at < count; n++) if (flags[n] & mask) pages[at++] = n;
  return pages;
}

/**
 * Takes a snapshot of a machine that stands still. With a parent, which must be the machine's last snapshot or the one it
 * was restored to, only what changed since then is copied.
 */
export function capture(processor: Processor, platform: Platform, instructions: bigint, parent?: Snapshot): Snapshot {
  const flags = pageFlags(processor);
  const pages = pagesWith(flags, parent ? PAGE_DIRTY : PAGE_DIRTY | PAGE_TOUCHED);
  const contents = new Uint8Array(pages.length * RAM_PAGE);
  const { ram } = processor;
  for (let n = 0; n < pages.length; n++) {
    const at = pages[n] * RAM_PAGE;
    contents.set(ram.subarray(at, at + RAM_PAGE), n * RAM_PAGE);
  }
  clean(processor, flags, pages);
  return {
    ...(parent ? { parent } : {}),
    instructions,
    processors: processorsOf(processor),
    devices: platform.save(),
    pages,
    contents,
  };
}
/** The pages are as in the snapshot: what changes from now on is dirty. */
function clean(processor: Processor, flags: Uint8Array, pages: Uint32Array): void {
  for (const page of pages) flags[page] = (flags[page] & ~PAGE_DIRTY) | PAGE_TOUCHED;
  processor.core.pagesCleaned();
}
function areas(processor: Processor): { at: number; bytes: number }[] {
  return [
    { at: 0, bytes: STATE_AND_MACHINE_BYTES },
    { at: PARKED, bytes: processor.processors * STATE_BYTES },
  ];
}
function processorsOf(processor: Processor): Uint8Array {
  const memory = new Uint8Array(processor.memory.buffer);
  const parts = areas(processor).map(({ at, bytes }) => memory.subarray(at, at + bytes));
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let next = 0;
  for (const part of parts) {
    all.set(part, next);
    next += part.length;
  }
  return all;
}

/** Puts the machine back to `snapshot`: bit for bit, whatever it did since. */
export function restore(processor: Processor, platform: Platform, snapshot: Snapshot): void {
  const flags = pageFlags(processor);
  const wanted = pagesOf(snapshot);
  // Pages written since, or in another branch, that the snapshot does not know were zero.
  for (const page of pagesWith(flags, PAGE_DIRTY | PAGE_TOUCHED))
    if (!wanted.has(page)) processor.ram.fill(0, page * RAM_PAGE, (page + 1) * RAM_PAGE);
  for (const [page, content] of wanted) processor.ram.set(content, page * RAM_PAGE);
  for (let n = 0; n < flags.length; n++) flags[n] &= ~(PAGE_DIRTY | PAGE_TOUCHED);
  for (const page of wanted.keys()) flags[page] |= PAGE_TOUCHED;
  const memory = new Uint8Array(processor.memory.buffer);
  let next = 0;
  for (const { at, bytes } of areas(processor)) {
    memory.set(snapshot.processors.subarray(next, next + bytes), at);
    next += bytes;
  }
  processor.core.reload();
  platform.load(snapshot.devices);
}
/** Every page of the snapshot, its own or the nearest parent's. */
function pagesOf(snapshot: Snapshot): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let at: Snapshot | undefined = snapshot; at; at = at.parent)
    at.pages.forEach((page, n) => {
      if (!found.has(page)) found.set(page, at!.contents.subarray(n * RAM_PAGE, (n + 1) * RAM_PAGE));
    });
  return found;
}
