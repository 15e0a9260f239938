/** SSE4.1 and SSE4.2 but for CRC32 and POPCNT (SDM 1 12.9 to 12.11). */
import { P66, row, type OpcodeMap, type Shape, type SimdFeature, type SimdRow } from './row';

const sse4 = (map: OpcodeMap, opcode: number, name: string, shape: Shape, options: Partial<SimdRow> = {}): SimdRow =>
  row(map, P66, opcode, name, 'SSE4.1', { module: 'simd/sse4', shape, ...options });
const integer = { module: 'simd/integer' } as const;
const lanes = { module: 'simd/lanes', immediate: true } as const;
const text = (opcode: number, name: string): SimdRow =>
  row(2, P66, opcode, name, 'SSE4.2', { module: 'simd/text', immediate: true });

const WIDEN: readonly [number, string, Shape][] = [
  [0, 'bw', 'widen8'],
  [1, 'bd', 'widen4'],
  [2, 'bq', 'widen2'],
  [3, 'wd', 'widen8'],
  [4, 'wq', 'widen4'],
  [5, 'dq', 'widen8'],
];
const SSE42: SimdFeature = 'SSE4.2';

export const sse4Rows: readonly SimdRow[] = [
  sse4(1, 0x10, 'pblendvb', 'binary'),
  sse4(1, 0x14, 'blendvps', 'binary'),
  sse4(1, 0x15, 'blendvpd', 'binary'),
  sse4(1, 0x17, 'ptest', 'plain'),
  ...WIDEN.map(([n, types, shape]) => sse4(1, 0x20 + n, `pmovsx${types}`, shape)),
  sse4(1, 0x28, 'pmuldq', 'binary', integer),
  sse4(1, 0x29, 'pcmpeqq', 'binary', integer),
  sse4(1, 0x2a, 'mova', 'plain', { module: 'simd/move', rm: 'memory' }), // MOVNTDQA
  sse4(1, 0x2b, 'packusdw', 'binary', { module: 'simd/shuffle' }),
  ...WIDEN.map(([n, types, shape]) => sse4(1, 0x30 + n, `pmovzx${types}`, shape)),
  sse4(1, 0x37, 'pcmpgtq', 'binary', { ...integer, feature: SSE42 }),
  ...['pminsb', 'pminsd', 'pminuw', 'pminud', 'pmaxsb', 'pmaxsd', 'pmaxuw', 'pmaxud', 'pmulld'].map((name, n) =>
    sse4(1, 0x38 + n, name, 'binary', integer),
  ),
  sse4(1, 0x41, 'phminposuw', 'unary'),
  sse4(2, 0x0c, 'blendps', 'binaryImmediate'),
  sse4(2, 0x0d, 'blendpd', 'binaryImmediate'),
  sse4(2, 0x0e, 'pblendw', 'binaryImmediate'),
  sse4(2, 0x14, 'pextrb', 'plain', { ...lanes, store: true }),
  sse4(2, 0x15, 'pextrwStore', 'plain', { ...lanes, store: true }),
  sse4(2, 0x16, 'pextrd', 'plain', { ...lanes, store: true }),
  sse4(2, 0x17, 'extractps', 'plain', { ...lanes, store: true }),
  sse4(2, 0x20, 'pinsrb', 'plain', lanes),
  sse4(2, 0x21, 'insertps', 'plain', lanes),
  sse4(2, 0x22, 'pinsrd', 'plain', lanes),
  sse4(2, 0x42, 'mpsadbw', 'binaryImmediate'),
  text(0x60, 'pcmpestrm'),
  text(0x61, 'pcmpestri'),
  text(0x62, 'pcmpistrm'),
  text(0x63, 'pcmpistri'),
];
