/** Interruption-information fields: VM-entry, VM-exit and IDT-vectoring (SDM 3C tables 24-14, 24-16, 24-17). */
import { choice, flag, slice, type Detail } from './details';

export const interruptionTypes: readonly string[] = [
  'external interrupt',
  'reserved',
  'NMI',
  'hardware exception',
  'software interrupt',
  'privileged software exception',
  'software exception',
  'other event',
];

/** Mnemonics of exceptions by vector (SDM 3A table 6-1). */
export const exceptionNames: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  2: 'NMI',
  3: '#BP',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
};

/** What an interruption-information field says; nothing if its valid bit 31 is 0. */
export function decodeInterruption(information: number): Detail[] {
  const value = BigInt(information >>> 0);
  if (!slice(value, 31, 31)) return [];
  const vector = slice(value, 7, 0),
    type = Number(slice(value, 10, 8));
  const exception = type === 0 || type === 4 ? undefined : exceptionNames[Number(vector)];
  return [
    { name: 'vector', value: vector, text: exception ? `${vector} ${exception}` : `0x${vector.toString(16)}` },
    choice('type', value, 10, 8, interruptionTypes),
    flag('errorCode', value, 11),
    flag('nmiUnblocking', value, 12),
  ];
}
