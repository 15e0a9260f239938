import type { AddressContext } from '../../machine/walk';
import type { MemorySpace } from '../expression/syntax';
import { hex } from './format';
import type { Target } from './target';
import type { View, World } from './view';

/** A place in memory: a byte address in one of the three spaces. `view` says whose linear or guest-physical space. */
export interface Place {
  space: MemorySpace;
  address: bigint;
  view: View;
}

/** Bytes from there, fewer when the memory ends or is not mapped. No side effects: accessed bits and devices stay as they are. */
export function readMemory(target: Target, place: Place, length: number): Uint8Array {
  const { machine } = target;
  switch (place.space) {
    case 'linear':
      return machine.readLinear(place.address, length, place.view.context);
    case 'guest-physical':
      return machine.readGuestPhysical(place.address, length, guestContext(target, place));
    case 'host-physical':
      return machine.readPhysical(place.address, length);
  }
}

/** How many bytes were written; page protection does not apply to a debugger. */
export function writeMemory(target: Target, place: Place, data: Uint8Array): number {
  const { machine } = target;
  switch (place.space) {
    case 'linear':
      return machine.writeLinear(place.address, data, place.view.context);
    case 'guest-physical':
      return machine.writeGuestPhysical(place.address, data, guestContext(target, place));
    case 'host-physical':
      return machine.writePhysical(place.address, data);
  }
}

/** A frame under EPT has guest-physical addresses of its own; from any other, they are those of the guest below it. */
function guestContext(target: Target, place: Place): AddressContext {
  return place.view.context.eptp === 0n ? target.guestView.context : place.view.context;
}

const PREFIXES: Record<string, MemorySpace> = { gpa: 'guest-physical', hpa: 'host-physical' };
const WORLDS: readonly World[] = ['current', 'guest', 'host'];

/**
 * A DAP memory reference. `0x…` is linear in the context of the stop (memory inspectors read it as a number); other
 * frames and spaces carry a prefix: `guest:0x…`, `host:0x…`, `gpa:0x…`, `hpa:0x…`.
 */
export function memoryReference(target: Target, place: Place): string {
  const address = hex(place.address);
  if (place.space === 'host-physical') return `hpa:${address}`;
  if (place.space === 'guest-physical') return `gpa:${address}`;
  return place.view.world === target.stopView.world ? address : `${place.view.world}:${address}`;
}

/** The place that a memory reference names, or undefined when it is not one. */
export function parseReference(target: Target, reference: string): Place | undefined {
  const match = /^(?:([a-z]+):)?(0x[0-9a-f]+|[0-9]+)$/i.exec(reference.trim());
  if (!match) return undefined;
  const [, prefix, digits] = match;
  const address = BigInt.asUintN(64, BigInt(digits));
  if (!prefix) return { space: 'linear', address, view: target.stopView };
  const space = PREFIXES[prefix.toLowerCase()];
  if (space) return { space, address, view: target.stopView };
  const world = WORLDS.find(name => name === prefix.toLowerCase());
  return world ? { space: 'linear', address, view: target.view(world) } : undefined;
}
