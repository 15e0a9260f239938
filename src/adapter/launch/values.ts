import { UserError } from '../protocol/errors';

/** Reads the value of a launch attribute. Throws UserError with the attribute's name, what it got and what it wants. */
export type Reader<T> = (value: unknown, name: string) => T;

export const text: Reader<string> = (value, name) => {
  if (typeof value !== 'string') throw wrong(name, `is ${show(value)}; it must be a string`);
  return value;
};

/** An address anywhere in 64 bits. */
export const wideAddress: Reader<bigint> = (value, name) => {
  const good =
    (typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) ||
    (Number.isSafeInteger(value) && (value as number) >= 0);
  const number = good ? BigInt(value as string | number) : -1n;
  if (!good || BigInt.asUintN(64, number) !== number)
    throw wrong(name, `is ${show(value)}; it must be an address such as "0xffffffff80000000"`);
  return number;
};

export function wrong(name: string, what: string): UserError {
  return new UserError(`launch attribute "${name}" ${what}`, true);
}

export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
