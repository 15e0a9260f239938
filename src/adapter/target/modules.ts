import type { Image } from '../../program/program';
import type { Module } from './module';

/** An address of an image, and what lies there now. */
export interface Located {
  module: Module;
  /** As the image was linked. */
  address: bigint;
}

/** The addresses from the first to the last that an image has anything at. */
export function extentOf(
  image: Image,
  loaded: readonly { low: bigint; high: bigint }[],
): { low: bigint; high: bigint } {
  let low: bigint | undefined;
  let high = 0n;
  const include = (from: bigint, to: bigint) => {
    if (low === undefined || from < low) low = from;
    if (to > high) high = to;
  };
  for (const piece of loaded) include(piece.low, piece.high);
  for (const { kind, address } of image.symbols) if (kind !== 'constant') include(address, address + 1n);
  return { low: low ?? 0n, high };
}
