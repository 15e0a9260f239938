import type { ElfImage } from '../../program/elf';

/**
 * Where an image lies: how linear addresses of the running code become the image's own.
 *
 * - `program`: where the machine loaded it, found wherever paging or EPT puts it.
 * - `linear`: at linear addresses of whatever runs outside of a guest.
 * - `guest`: at linear addresses of a guest (any, or the one with that VPID, or with the EPT tables at that address).
 * - `physical`: at host-physical addresses, found wherever paging or EPT puts them.
 */
export interface Placement {
  kind: 'program' | 'linear' | 'guest' | 'physical';
  /** Added to the addresses that the image was linked for: its linear ones, or (`physical`) its physical ones. */
  displacement: bigint;
  loads: ElfImage['loads'];
  vpid?: bigint;
  /** Of the EPTP only the address counts: its low 12 bits are attributes. */
  eptp?: bigint;
}

/** The guest whose address space a view looks at. */
export interface GuestSpace {
  vpid: bigint | undefined;
  eptp: bigint;
}

const ATTRIBUTES = 0xfffn;
const wrap = (address: bigint) => BigInt.asUintN(64, address);

/** How far an image that begins at `base` lies from where it was linked. */
export function displacementOf(kind: Placement['kind'], loads: ElfImage['loads'], base: bigint | undefined): bigint {
  if (base === undefined || !loads.length) return 0n;
  const starts = loads.map(({ linear, physical }) => (kind === 'physical' ? physical : linear));
  return base - starts.reduce((a, b) => (b < a ? b : a));
}

/** The image's address of what lies at `linear`, or undefined when the image is not in that space. */
export function linkAddress(
  placement: Placement,
  linear: bigint,
  guest: GuestSpace | undefined,
  physical: () => bigint | undefined,
): bigint | undefined {
  switch (placement.kind) {
    case 'program':
      return undefined; // the rules for the program itself are the target's
    case 'linear':
      return guest ? undefined : wrap(linear - placement.displacement);
    case 'guest':
      return guest && isMeant(placement, guest) ? wrap(linear - placement.displacement) : undefined;
    case 'physical': {
      const address = physical();
      return address === undefined ? undefined : linkedAt(placement, address);
    }
  }
}

/** The image's address of a host-physical one. */
export function linkedAt({ loads, displacement }: Placement, physical: bigint): bigint | undefined {
  const asLinked = physical - displacement;
  const load = loads.find(one => one.physical <= asLinked && asLinked < one.physical + one.bytes);
  return load && load.linear + (asLinked - load.physical);
}

/** Where an address of the image lies: a linear address, or (`physical`) a host-physical one. */
export function placedAt({ kind, loads, displacement }: Placement, address: bigint): bigint {
  if (kind !== 'physical') return wrap(address + displacement);
  const load = loads.find(one => one.linear <= address && address < one.linear + one.bytes);
  return wrap((load ? load.physical + (address - load.linear) : address) + displacement);
}

function isMeant({ vpid, eptp }: Placement, guest: GuestSpace): boolean {
  if (vpid !== undefined && vpid !== guest.vpid) return false;
  return eptp === undefined || (eptp & ~ATTRIBUTES) === (guest.eptp & ~ATTRIBUTES);
}
