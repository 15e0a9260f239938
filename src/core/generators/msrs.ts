import { stateSchema } from '../schema';

/** `msrOffset(index)`: where the state keeps an MSR; 0 when there is none. */
export function generate(): { name: string; text: string }[] {
  const cases = stateSchema
    .filter(row => row.msr !== undefined)
    .map(row => `    case 0x${row.msr!.toString(16)}: return ${row.offset}; // ${row.name}`);
  const text = `// Generated from src/core/schema.ts.
export function msrOffset(index: u32): usize {
  switch (index) {
${cases.join('\n')}
    default: return 0;
  }
}
`;
  return [{ name: 'msrs.generated.ts', text }];
}
