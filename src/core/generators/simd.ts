import { operations } from '../operations';
import { featureNumber } from '../tables/features';
import { operationName, simdRows, type SimdRow } from '../tables/simd';

const HEADER = '// Generated from src/core/tables/simd.\n';

/** The body of an operation whose row names a function of values; `s` is the source operand's address, `d` the destination's. */
function body({ shape, name, mmx }: SimdRow): string {
  const operand = mmx ? `mmxSource(p, ${shape === 'low' ? 4 : 8})` : 'xmmSource(p)';
  const d = mmx ? 'mmxDst(p)' : 'xmmDst(p)';
  const value = (at: string): string => (mmx ? `v128.load64_zero(${at})` : `v128.load(${at})`);
  const give = (result: string, lane = 0): string =>
    mmx ? `setMmx(d, i64x2.extract_lane(${result}, ${lane}));` : `v128.store(d, ${result});`;
  const begin = `const s = ${operand}; if (!s) return 0; const d = ${d};`;
  const immediate = '<u32>immediate(p)';
  switch (shape) {
    case 'binary':
    case 'low':
      return `${begin} ${give(`${name}(${value('d')}, ${value('s')})`)}`;
    case 'high':
      // The upper half of the low unpack is what the MMX form unpacks from the high halves.
      return `${begin} ${mmx ? give(`${name.replace('h', 'l')}(${value('d')}, ${value('s')})`, 1) : give(`${name}(${value('d')}, ${value('s')})`)}`;
    case 'combined':
      return mmx
        ? `${begin} const both = i64x2(<i64>load<u64>(d), <i64>load<u64>(s)); ${give(`${name}(both, both)`)}`
        : `${begin} ${give(`${name}(${value('d')}, ${value('s')})`)}`;
    case 'unary':
      return `${begin} ${give(`${name}(${value('s')})`)}`;
    case 'binaryImmediate':
      return `${begin} ${give(`${name}(${value('d')}, ${value('s')}, ${immediate})`)}`;
    case 'unaryImmediate':
      return `${begin} ${give(`${name}(${value('s')}, ${immediate})`)}`;
    case 'shiftImmediate':
      // ModRM.rm is source and destination.
      return `const d = ${mmx ? 'mmxSource(p, 8)' : 'xmmSource(p)'}; if (!d) return 0; ${give(`${name}(${value('d')}, ${immediate})`)}`;
    case 'widen8':
      return `const s = xmmBytes(p, 8); if (!s) return 0; v128.store(xmmDst(p), ${name}(v128.load64_zero(s)));`;
    case 'widen4':
      return `const s = xmmBytes(p, 4); if (!s) return 0; v128.store(xmmDst(p), ${name}(v128.load32_zero(s)));`;
    case 'widen2':
      return `const s = xmmBytes(p, 2); if (!s) return 0; v128.store(xmmDst(p), ${name}(i32x4(<i32>load<u16>(s), 0, 0, 0)));`;
    case 'plain':
      throw new Error('a plain row has a function of its own');
  }
}

function wrappers(): string {
  const imports = new Map<string, Set<string>>();
  const lines = new Map<string, string>();
  for (const row of simdRows) {
    if (row.shape === 'plain') continue;
    const names = imports.get(row.module) ?? new Set();
    imports.set(row.module, names.add(row.name));
    lines.set(
      operationName(row),
      `export function ${operationName(row)}(p: usize): usize { ${body(row)} return p + RECORD; }`,
    );
  }
  return [
    HEADER + "import { RECORD, immediate } from '../record';",
    "import { mmxDst, mmxSource, setMmx, xmmBytes, xmmDst, xmmSource } from '../simd/operands';",
    ...[...imports].map(([module, names]) => `import { ${[...names].join(', ')} } from '../${module}';`),
    ...lines.values(),
    '',
  ].join('\n');
}

/** The opcodes that ModRM.reg extends: MMX and SSE shifts by an immediate. */
const EXTENDED = [0x71, 0x72, 0x73];
const DIRECT = 3 * 4 * 256;

/** Index of a row in the table: map, prefix, opcode; extended opcodes follow. */
function place({ map, prefix, opcode, extension }: SimdRow): number {
  if (extension === undefined) return (map * 4 + prefix) * 256 + opcode;
  return DIRECT + (prefix * EXTENDED.length + EXTENDED.indexOf(opcode)) * 8 + extension;
}

/** `SimdFlag` of assembly/opcodes-simd.ts. */
function flags(row: SimdRow): number {
  return (
    (row.store ? 1 : 0) |
    (row.immediate ? 2 : 0) |
    (row.rm === 'memory' ? 4 : row.rm === 'register' ? 8 : 0) |
    (row.mmxReg ? 16 : 0) |
    (row.mmxRm ? 32 : 0) |
    (featureNumber(row.feature) << 8)
  );
}

function rows(): string {
  const numbers = new Map(operations.map((operation, n) => [operation.name, n + 3]));
  const index = Array.from({ length: DIRECT + 4 * EXTENDED.length * 8 }, () => 0);
  const words = [0, 0];
  for (const row of simdRows) {
    const at = place(row);
    if (index[at]) throw new Error(`two rows for opcode ${row.opcode.toString(16)} of ${row.name}`);
    index[at] = words.length / 2;
    words.push(numbers.get(operationName(row).toUpperCase())!, flags(row));
  }
  return `${HEADER}
/** Row of each encoding: (map * 4 + prefix) * 256 + opcode; 0 when there is none. */
export const SIMD_INDEX: usize = memory.data<u16>([${index.join(',')}]);
/** Index of the rows of opcodes 71 to 73, by prefix, opcode and ModRM.reg. */
export const SIMD_EXTENDED: u32 = ${DIRECT};
/** Rows: operation u16, flags u16. */
export const SIMD_ROWS: usize = memory.data<u16>([${words.join(',')}]);
`;
}

/** Operations around the functions of assembly/simd, and the decoder's table. */
export function generate(): { name: string; text: string }[] {
  return [
    { name: 'simd.generated.ts', text: wrappers() },
    { name: 'simd-rows.generated.ts', text: rows() },
  ];
}
