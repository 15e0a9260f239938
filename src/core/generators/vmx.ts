import {
  CR0_FIXED0,
  CR0_FIXED1,
  CR3_TARGETS,
  CR4_FIXED0,
  MSR_AREA_ENTRIES,
  PREEMPTION_TIMER_SHIFT,
  REVISION_IDENTIFIER,
  capabilities,
} from '../tables/capabilities';
import { entryChecks } from '../tables/checks';
import { controlWords, mustBeOne } from '../tables/controls';
import { instructionErrors, vmxAborts } from '../tables/errors';
import { ENTRY_FAILURE, exitReasons } from '../tables/exits';
import { vmcsFields } from '../tables/fields';
import { ABORT, LAUNCH_STATE, REVISION, fieldOffset } from '../tables/layout';

/** As a literal that is an i32 where it fits: enumerations hold those. */
const hex = (value: number | bigint): string => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
const constEnum = (name: string, rows: readonly [string, number, string][]): string =>
  `export const enum ${name} {\n${rows.map(([key, value, text]) => `  ${key} = ${hex(value)}, // ${text}`).join('\n')}\n}\n`;
/** An unsigned 32-bit value as the i32 that enumerations hold. */
const mask = (bit: number): number => 1 << bit;

function fields(): string {
  const supported = vmcsFields.filter(field => field.supported);
  // By width and type (16 classes) and index (64): the offset in the region, 0 for a field that does not exist.
  const places = new Array<number>(1024).fill(0);
  for (const { encoding } of supported)
    places[((encoding >> 13) << 8) | (((encoding >> 10) & 3) << 6) | ((encoding >> 1) & 63)] = fieldOffset(encoding);
  return [
    '// Generated from src/core/tables/fields.ts and layout.ts.',
    '/** Byte offsets in the VMCS region. */',
    constEnum('Vmcs', [
      ['REVISION', REVISION, 'VMCS revision identifier'],
      ['ABORT', ABORT, 'VMX-abort indicator'],
      ['LAUNCH_STATE', LAUNCH_STATE, '0 clear, 1 launched'],
      ...vmcsFields.map((field): [string, number, string] => [field.name, fieldOffset(field.encoding), field.title]),
    ]),
    '/** Encodings of fields. */',
    constEnum(
      'Field',
      vmcsFields.map(field => [field.name, field.encoding, field.title]),
    ),
    '/** u16 by (width << 2 | type) << 6 | index: offset in the region, 0 when there is no such field. */',
    `export const FIELD_PLACES: usize = memory.data<u16>([${places.join(',')}]);\n`,
  ].join('\n');
}

function controls(): string {
  const enums = controlWords.map(word =>
    constEnum(
      word.name,
      word.controls.map(row => [row.name, mask(row.bit), row.title]),
    ),
  );
  const limits = controlWords.map(word => {
    const name = word.name.toUpperCase();
    return `export const ${name}_MUST_BE_1: u32 = ${hex(mustBeOne(word))};`;
  });
  return ['// Generated from src/core/tables/controls.ts.', ...enums, ...limits, ''].join('\n');
}

function exits(): string {
  return [
    '// Generated from src/core/tables/exits.ts and errors.ts.',
    `export const ENTRY_FAILURE: u32 = ${hex(ENTRY_FAILURE)};\n`,
    constEnum(
      'ExitReason',
      exitReasons.map(reason => [reason.id, reason.number, reason.name]),
    ),
    constEnum(
      'InstructionError',
      instructionErrors.map(error => [error.name, error.number, error.meaning]),
    ),
    constEnum(
      'Abort',
      vmxAborts.map(abort => [abort.name, abort.number, abort.meaning]),
    ),
  ].join('\n');
}

function capabilityConstants(): string {
  return [
    '// Generated from src/core/tables/capabilities.ts.',
    `export const REVISION_IDENTIFIER: u32 = ${hex(REVISION_IDENTIFIER)};`,
    `export const PREEMPTION_TIMER_SHIFT: u64 = ${PREEMPTION_TIMER_SHIFT};`,
    `export const CR3_TARGETS: u32 = ${CR3_TARGETS};`,
    `export const MSR_AREA_ENTRIES: u32 = ${MSR_AREA_ENTRIES};`,
    `export const CR0_FIXED0: u64 = ${hex(CR0_FIXED0)};`,
    `export const CR0_FIXED1: u64 = ${hex(CR0_FIXED1)};`,
    `export const CR4_FIXED0: u64 = ${hex(CR4_FIXED0)};`,
    '/** Value of a VMX capability MSR; all ones when there is no such MSR (no capability has that value). */',
    'export function vmxCapability(index: u32): u64 {',
    '  switch (index) {',
    ...capabilities.map(row => `    case ${hex(row.msr)}: return ${hex(row.value)}; // ${row.name}`),
    '    default: return u64.MAX_VALUE;',
    '  }',
    '}',
    '',
  ].join('\n');
}

function checks(): string {
  const rows = entryChecks.map((row): [string, number, string] => [row.name, row.id, row.rule]);
  return `// Generated from src/core/tables/checks.\n${constEnum(
    'Check',
    rows.map(([name, id, rule]) => [name, id, rule]),
  )}`;
}

/** Constants of VMX: `Vmcs`, `Field`, control masks, `ExitReason`, `InstructionError`, `Abort`, capabilities, `Check`. */
export function generate(): { name: string; text: string }[] {
  return [
    { name: 'fields.generated.ts', text: fields() },
    { name: 'controls.generated.ts', text: controls() },
    { name: 'exits.generated.ts', text: exits() },
    { name: 'capabilities.generated.ts', text: capabilityConstants() },
    { name: 'checks.generated.ts', text: checks() },
  ];
}
