import type { Location } from '../../program/dwarf/expression';
import { UserError } from '../protocol/errors';
import { dwarfRegister } from '../target/dwarf-registers';
import { littleEndian } from '../target/format';
import { readMemory, writeMemory } from '../target/spaces';
import type { Target } from '../target/target';
import type { View } from '../target/view';

/** Bytes of a variable, wherever they are. Undefined contents are not known here: optimised away, or not mapped. */
export interface Storage {
  /** Linear, for what lies in memory. */
  address?: bigint;
  read(offset: number, bytes: number): Uint8Array | undefined;
  /** Throws UserError when it cannot be changed. */
  write(offset: number, data: Uint8Array): void;
  /** Why there is nothing to read. */
  problem: string;
}

const NOT_HERE = 'not available here';

export function memoryStorage(target: Target, view: View, address: bigint): Storage {
  const at = (offset: number) => ({
    space: 'linear' as const,
    address: BigInt.asUintN(64, address + BigInt(offset)),
    view,
  });
  return {
    address,
    read: (offset, bytes) => {
      const data = readMemory(target, at(offset), bytes);
      return data.length < bytes ? undefined : data;
    },
    write: (offset, data) => {
      if (writeMemory(target, at(offset), data) < data.length) throw new UserError('no memory is mapped there', true);
    },
    problem: 'no memory is mapped there',
  };
}

/** Bytes that are only computed, or that several places make up. */
function fixedStorage(data: Uint8Array | undefined, why: string): Storage {
  return {
    read: (offset, bytes) =>
      data && offset + bytes <= data.length ? data.subarray(offset, offset + bytes) : undefined,
    write: () => {
      throw new UserError(`it cannot be set: ${why}`, true);
    },
    problem: NOT_HERE,
  };
}

export function missingStorage(problem: string): Storage {
  return { ...fixedStorage(undefined, problem), problem };
}

/** The bytes of a place inside of another. */
export function partOf(storage: Storage, offset: number): Storage {
  return {
    ...(storage.address === undefined ? {} : { address: BigInt.asUintN(64, storage.address + BigInt(offset)) }),
    read: (from, bytes) => storage.read(offset + from, bytes),
    write: (from, data) => storage.write(offset + from, data),
    problem: storage.problem,
  };
}

/** What a DWARF location means in a frame. `addressSize` says how its registers are numbered. */
export function storageOf(target: Target, view: View, location: Location | undefined, addressSize: number): Storage {
  switch (location?.kind) {
    case undefined:
      return missingStorage('optimised out');
    case 'memory':
      return memoryStorage(target, view, location.address);
    case 'value':
      return fixedStorage(littleEndian(location.value, 8), 'the compiler keeps no place for it');
    case 'bytes':
      return fixedStorage(location.data, 'it is a constant to the compiler');
    case 'register':
      return registerStorage(view, dwarfRegister(location.register, addressSize));
    case 'pieces':
      return fixedStorage(assembled(target, view, location.pieces, addressSize), 'it lies in several places');
  }
}

function registerStorage(view: View, name: string | undefined): Storage {
  const value = name === undefined ? undefined : view.registers.read(name);
  if (name === undefined || value === undefined) return missingStorage('its register is not known in this frame');
  const data = littleEndian(value, 8);
  return {
    ...fixedStorage(data, ''),
    write: (offset, bytes) => {
      const next = data.slice();
      next.set(bytes, offset);
      view.registers.write(
        name,
        next.reduceRight((whole, byte) => (whole << 8n) | BigInt(byte), 0n),
      );
    },
  };
}

/** Pieces of whole bytes, put together; undefined when one of them is not known. */
function assembled(
  target: Target,
  view: View,
  pieces: (Location & { kind: 'pieces' })['pieces'],
  addressSize: number,
): Uint8Array | undefined {
  const parts: number[] = [];
  for (const { location, bits } of pieces) {
    if (bits % 8 || bits > 8 * 4096) return undefined;
    const data = storageOf(target, view, location, addressSize).read(0, bits / 8);
    if (!data) return undefined;
    parts.push(...data);
  }
  return Uint8Array.from(parts);
}
