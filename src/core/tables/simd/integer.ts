/** Packed integers: MMX, and what SSE to SSSE3 add to both register files (SDM 2). */
import { NP, P66, PF2, PF3, both, row, type Shape, type SimdFeature, type SimdRow } from './row';

const MMX = ['MMX', 'SSE2'] as const;
/** New with SSE for MMX registers. */
const SSE = ['SSE', 'SSE2'] as const;
const SSE2 = ['SSE2', 'SSE2'] as const;
const SSSE3 = ['SSSE3', 'SSSE3'] as const;
type Features = readonly [SimdFeature, SimdFeature];
const integer = (opcode: number, name: string, features: Features = MMX, shape: Shape = 'binary'): SimdRow[] =>
  both(0, opcode, name, features, { module: 'simd/integer', shape });
const shuffle = (opcode: number, name: string, shape: Shape): SimdRow[] =>
  both(0, opcode, name, MMX, { module: 'simd/shuffle', shape });
const xmmOnly = (opcode: number, name: string): SimdRow =>
  row(0, P66, opcode, name, 'SSE2', { module: 'simd/shuffle', shape: 'binary' });
const third = (opcode: number, name: string, shape: Shape = 'binary'): SimdRow[] =>
  both(1, opcode, name, SSSE3, { module: 'simd/integer', shape });
const shift = (opcode: number, name: string): SimdRow[] =>
  both(0, opcode, name, MMX, { module: 'simd/shift', shape: 'binary' });
const byImmediate = (opcode: number, extension: number, name: string): SimdRow[] =>
  both(0, opcode, name, MMX, { module: 'simd/shift', shape: 'shiftImmediate', extension, rm: 'register' });

export const integerRows: readonly SimdRow[] = [
  ...shuffle(0x60, 'punpcklbw', 'low'),
  ...shuffle(0x61, 'punpcklwd', 'low'),
  ...shuffle(0x62, 'punpckldq', 'low'),
  ...shuffle(0x63, 'packsswb', 'combined'),
  ...integer(0x64, 'pcmpgtb'),
  ...integer(0x65, 'pcmpgtw'),
  ...integer(0x66, 'pcmpgtd'),
  ...shuffle(0x67, 'packuswb', 'combined'),
  ...shuffle(0x68, 'punpckhbw', 'high'),
  ...shuffle(0x69, 'punpckhwd', 'high'),
  ...shuffle(0x6a, 'punpckhdq', 'high'),
  ...shuffle(0x6b, 'packssdw', 'combined'),
  xmmOnly(0x6c, 'punpcklqdq'),
  xmmOnly(0x6d, 'punpckhqdq'),
  row(0, NP, 0x70, 'pshufw', 'SSE', { module: 'simd/shuffle', shape: 'unaryImmediate', mmx: true }),
  row(0, P66, 0x70, 'pshufd', 'SSE2', { module: 'simd/shuffle', shape: 'unaryImmediate' }),
  row(0, PF3, 0x70, 'pshufhw', 'SSE2', { module: 'simd/shuffle', shape: 'unaryImmediate' }),
  row(0, PF2, 0x70, 'pshuflw', 'SSE2', { module: 'simd/shuffle', shape: 'unaryImmediate' }),
  ...byImmediate(0x71, 2, 'psrlwi'),
  ...byImmediate(0x71, 4, 'psrawi'),
  ...byImmediate(0x71, 6, 'psllwi'),
  ...byImmediate(0x72, 2, 'psrldi'),
  ...byImmediate(0x72, 4, 'psradi'),
  ...byImmediate(0x72, 6, 'pslldi'),
  ...byImmediate(0x73, 2, 'psrlqi'),
  byImmediate(0x73, 3, 'psrldqi')[1],
  ...byImmediate(0x73, 6, 'psllqi'),
  byImmediate(0x73, 7, 'pslldqi')[1],
  ...integer(0x74, 'pcmpeqb'),
  ...integer(0x75, 'pcmpeqw'),
  ...integer(0x76, 'pcmpeqd'),
  ...shift(0xd1, 'psrlw'),
  ...shift(0xd2, 'psrld'),
  ...shift(0xd3, 'psrlq'),
  ...integer(0xd4, 'paddq', SSE2),
  ...integer(0xd5, 'pmullw'),
  ...integer(0xd8, 'psubusb'),
  ...integer(0xd9, 'psubusw'),
  ...integer(0xda, 'pminub', SSE),
  ...integer(0xdb, 'pand'),
  ...integer(0xdc, 'paddusb'),
  ...integer(0xdd, 'paddusw'),
  ...integer(0xde, 'pmaxub', SSE),
  ...integer(0xdf, 'pandn'),
  ...integer(0xe0, 'pavgb', SSE),
  ...shift(0xe1, 'psraw'),
  ...shift(0xe2, 'psrad'),
  ...integer(0xe3, 'pavgw', SSE),
  ...integer(0xe4, 'pmulhuw', SSE),
  ...integer(0xe5, 'pmulhw'),
  ...integer(0xe8, 'psubsb'),
  ...integer(0xe9, 'psubsw'),
  ...integer(0xea, 'pminsw', SSE),
  ...integer(0xeb, 'por'),
  ...integer(0xec, 'paddsb'),
  ...integer(0xed, 'paddsw'),
  ...integer(0xee, 'pmaxsw', SSE),
  ...integer(0xef, 'pxor'),
  ...shift(0xf1, 'psllw'),
  ...shift(0xf2, 'pslld'),
  ...shift(0xf3, 'psllq'),
  ...integer(0xf4, 'pmuludq', SSE2),
  ...integer(0xf5, 'pmaddwd'),
  ...integer(0xf6, 'psadbw', SSE),
  ...integer(0xf8, 'psubb'),
  ...integer(0xf9, 'psubw'),
  ...integer(0xfa, 'psubd'),
  ...integer(0xfb, 'psubq', SSE2),
  ...integer(0xfc, 'paddb'),
  ...integer(0xfd, 'paddw'),
  ...integer(0xfe, 'paddd'),

  // The low bits of an MMX register select among 8 bytes only: two functions.
  row(1, NP, 0x00, 'pshufb8', 'SSSE3', { module: 'simd/shuffle', shape: 'binary', mmx: true }),
  row(1, P66, 0x00, 'pshufb', 'SSSE3', { module: 'simd/shuffle', shape: 'binary' }),
  ...third(0x01, 'phaddw', 'combined'),
  ...third(0x02, 'phaddd', 'combined'),
  ...third(0x03, 'phaddsw', 'combined'),
  ...third(0x04, 'pmaddubsw'),
  ...third(0x05, 'phsubw', 'combined'),
  ...third(0x06, 'phsubd', 'combined'),
  ...third(0x07, 'phsubsw', 'combined'),
  ...third(0x08, 'psignb'),
  ...third(0x09, 'psignw'),
  ...third(0x0a, 'psignd'),
  ...third(0x0b, 'pmulhrsw'),
  ...third(0x1c, 'pabsb', 'unary'),
  ...third(0x1d, 'pabsw', 'unary'),
  ...third(0x1e, 'pabsd', 'unary'),
  row(2, NP, 0x0f, 'palignr8', 'SSSE3', { module: 'simd/shuffle', shape: 'binaryImmediate', mmx: true }),
  row(2, P66, 0x0f, 'palignr', 'SSSE3', { module: 'simd/shuffle', shape: 'binaryImmediate' }),
];
