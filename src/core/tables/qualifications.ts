/** Exit qualifications by exit reason (SDM 3C 27.2.1, tables 27-1 to 27-7). */
import { choice, flag, hex, number, registers, slice, type Detail } from './details';

type Decoder = (qualification: bigint) => Detail[];

const address =
  (name: string): Decoder =>
  q => [{ name, value: q, text: hex(q) }];

function controlRegister(q: bigint): Detail[] {
  const access = choice('access', q, 5, 4, ['MOV to CR', 'MOV from CR', 'CLTS', 'LMSW']);
  if (access.value === 2n) return [{ name: 'cr', value: 0n, text: 'CR0' }, access];
  const cr = slice(q, 3, 0);
  const which = { name: 'cr', value: cr, text: `CR${cr}` };
  if (access.value === 3n) return [which, access, flag('memory', q, 6), number('source', q, 31, 16)];
  return [which, access, choice('register', q, 11, 8, registers)];
}

const debugRegister: Decoder = q => [
  { name: 'dr', value: slice(q, 2, 0), text: `DR${slice(q, 2, 0)}` },
  choice('access', q, 4, 4, ['MOV to DR', 'MOV from DR']),
  choice('register', q, 11, 8, registers),
];

const io: Decoder = q => {
  const size = slice(q, 2, 0) + 1n;
  return [
    number('port', q, 31, 16),
    { name: 'size', value: size, text: `${size}` },
    flag('in', q, 3),
    flag('string', q, 4),
    flag('rep', q, 5),
    choice('operand', q, 6, 6, ['DX', 'immediate']),
  ];
};

const taskSwitch: Decoder = q => [
  number('selector', q, 15, 0),
  choice('source', q, 31, 30, ['CALL', 'IRET', 'JMP', 'task gate in the IDT']),
];

/** Vectors and debug conditions share reason 0: the interruption information tells which one it was. */
const exception: Decoder = q => [{ name: 'address', value: q, text: hex(q) }];

const eptViolation: Decoder = q => [
  flag('read', q, 0),
  flag('write', q, 1),
  flag('execute', q, 2),
  flag('readable', q, 3),
  flag('writable', q, 4),
  flag('executable', q, 5),
  flag('linearValid', q, 7),
  choice('translation', q, 8, 8, ['a paging-structure entry of the guest', 'the address itself']),
  flag('nmiUnblocking', q, 12),
];

const apicAccess: Decoder = q => [
  number('offset', q, 11, 0),
  choice('access', q, 15, 12, ['data read', 'data write', 'instruction fetch', 'event delivery']),
];

const guestStateFailures: Readonly<Record<string, string>> = {
  0: 'a check of the guest state',
  2: 'page-directory-pointer-table entries',
  3: 'NMI injected with blocking by STI',
  4: 'VMCS link pointer',
};

const decoders: Readonly<Record<number, Decoder>> = {
  0: exception,
  4: q => [number('vector', q, 7, 0)],
  5: io,
  9: taskSwitch,
  14: address('address'),
  19: address('displacement'),
  21: address('displacement'),
  22: address('displacement'),
  23: address('displacement'),
  25: address('displacement'),
  27: address('displacement'),
  28: controlRegister,
  29: debugRegister,
  30: io,
  33: q => [{ name: 'cause', value: q, text: guestStateFailures[`${q}`] ?? hex(q) }],
  34: q => [{ name: 'entry', value: q, text: `${q}` }],
  36: q => [flag('armed', q, 0)],
  44: apicAccess,
  45: q => [number('vector', q, 7, 0)],
  46: address('displacement'),
  47: address('displacement'),
  48: eptViolation,
  50: address('displacement'),
  53: address('displacement'),
  56: q => [number('offset', q, 11, 0)],
  58: address('displacement'),
  62: q => [flag('nmiUnblocking', q, 12)],
  63: address('displacement'),
  64: address('displacement'),
  66: q => [choice('cause', q, 11, 11, ['misconfiguration', 'miss'])],
};

const debugConditions: Decoder = q => [
  ...[0, 1, 2, 3].map(n => flag(`b${n}`, q, n)),
  flag('bd', q, 13),
  flag('bs', q, 14),
];

/**
 * The parts of an exit qualification; none for reasons without one. For reason 0, `interruption` (VM-exit interruption
 * information) tells page faults and debug exceptions, which have one, from the others.
 */
export function decodeQualification(reason: number, qualification: bigint, interruption = 0): Detail[] {
  if ((reason & 0xffff) === 0) {
    const vector = interruption & 0xff;
    if (vector === 14) return exception(qualification);
    return vector === 1 ? debugConditions(qualification) : [];
  }
  return decoders[reason & 0xffff]?.(qualification) ?? [];
}
