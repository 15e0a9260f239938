import { features } from '../tables/features';

const hex = (value: number): string => `0x${value.toString(16)}`;
const identifier = (name: string): string => name.replace(/[^A-Z0-9_]/g, '_');

/** `Feature`: the number of each row of the feature table; `has`; `msrAnnounced`. */
export function generate(): { name: string; text: string }[] {
  const rows = features.map((row, n) => `  ${identifier(row.name)} = ${n}, // ${row.description}`);
  const owners = new Map<number, string[]>();
  for (const { name, msrs } of features)
    for (const [first, last] of msrs ?? [])
      for (let index = first; index <= last; index++)
        owners.set(index, [...(owners.get(index) ?? []), `has(Feature.${identifier(name)})`]);
  const byCondition = new Map<string, number[]>();
  for (const [index, names] of owners) {
    const condition = names.join(' || ');
    byCondition.set(condition, [...(byCondition.get(condition) ?? []), index]);
  }
  const cases = [...byCondition].map(
    ([condition, list]) => `    ${list.map(index => `case ${hex(index)}:`).join(' ')} return ${condition};`,
  );
  const text = `// Generated from src/core/tables/features.ts.
import { IDENTITY } from '../layout';
export const enum Feature {
${rows.join('\n')}
}
/** Whether the processor has the feature. */
@inline export function has(feature: u32): bool {
  return ((load<u64>(IDENTITY + (<usize>(feature >> 6) << 3)) >> <u64>(feature & 63)) & 1) != 0;
}
/** Whether the features that bring MSR \`index\` are there; true for MSRs that belong to none. */
export function msrAnnounced(index: u32): bool {
  switch (index) {
${cases.join('\n')}
    default: return true;
  }
}
`;
  return [{ name: 'features.generated.ts', text }];
}
