import { stateSchema } from '../schema';

/** `State`: the byte offset of every field of the state schema. */
export function generate(): { name: string; text: string }[] {
  const rows = stateSchema.map(row => `  ${row.name} = ${row.offset}, // ${row.width} bits: ${row.description}`);
  const text = `// Generated from src/core/schema.ts.\nexport const enum State {\n${rows.join('\n')}\n}\n`;
  return [{ name: 'state.generated.ts', text }];
}
