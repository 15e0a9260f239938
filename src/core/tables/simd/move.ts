/** Moves between registers and memory, without arithmetic (SDM 1 10.4.1, 11.4.1, 12.3). */
import { NP, P66, PF2, PF3, row, type MandatoryPrefix, type SimdFeature, type SimdRow } from './row';

type Options = Partial<SimdRow>;
const move = (
  prefix: MandatoryPrefix,
  opcode: number,
  name: string,
  feature: SimdFeature,
  options: Options = {},
): SimdRow => row(0, prefix, opcode, name, feature, { module: 'simd/move', ...options });
const memory = { rm: 'memory' } as const;
const register = { rm: 'register' } as const;
const store = { store: true } as const;
const toMemory = { store: true, rm: 'memory' } as const;
const toMmx = { mmxReg: true, mmxRm: true } as const;

export const moveRows: readonly SimdRow[] = [
  move(NP, 0x10, 'movu', 'SSE'),
  move(P66, 0x10, 'movu', 'SSE2'),
  move(PF3, 0x10, 'movss', 'SSE'),
  move(PF2, 0x10, 'movsd', 'SSE2'),
  move(NP, 0x11, 'movuStore', 'SSE', store),
  move(P66, 0x11, 'movuStore', 'SSE2', store),
  move(PF3, 0x11, 'movssStore', 'SSE', store),
  move(PF2, 0x11, 'movsdStore', 'SSE2', store),
  move(NP, 0x12, 'movlps', 'SSE'), // MOVHLPS with a register
  move(P66, 0x12, 'movlps', 'SSE2', memory),
  move(PF3, 0x12, 'movsldup', 'SSE3', { module: 'simd/shuffle', shape: 'unary' }),
  move(PF2, 0x12, 'movddup', 'SSE3', { module: 'simd/shuffle', shape: 'widen8' }),
  move(NP, 0x13, 'movlpsStore', 'SSE', toMemory),
  move(P66, 0x13, 'movlpsStore', 'SSE2', toMemory),
  move(NP, 0x14, 'unpcklps', 'SSE', { module: 'simd/shuffle', shape: 'binary' }),
  move(P66, 0x14, 'unpcklpd', 'SSE2', { module: 'simd/shuffle', shape: 'binary' }),
  move(NP, 0x15, 'unpckhps', 'SSE', { module: 'simd/shuffle', shape: 'binary' }),
  move(P66, 0x15, 'unpckhpd', 'SSE2', { module: 'simd/shuffle', shape: 'binary' }),
  move(NP, 0x16, 'movhps', 'SSE'), // MOVLHPS with a register
  move(P66, 0x16, 'movhps', 'SSE2', memory),
  move(PF3, 0x16, 'movshdup', 'SSE3', { module: 'simd/shuffle', shape: 'unary' }),
  move(NP, 0x17, 'movhpsStore', 'SSE', toMemory),
  move(P66, 0x17, 'movhpsStore', 'SSE2', toMemory),
  move(NP, 0x28, 'mova', 'SSE'),
  move(P66, 0x28, 'mova', 'SSE2'),
  move(NP, 0x29, 'movaStore', 'SSE', store),
  move(P66, 0x29, 'movaStore', 'SSE2', store),
  move(NP, 0x2b, 'movaStore', 'SSE', toMemory), // MOVNTPS
  move(P66, 0x2b, 'movaStore', 'SSE2', toMemory),
  move(NP, 0x50, 'movmskps', 'SSE', register),
  move(P66, 0x50, 'movmskpd', 'SSE2', register),
  move(NP, 0x54, 'andps', 'SSE', { module: 'simd/integer', shape: 'binary' }),
  move(P66, 0x54, 'andps', 'SSE2', { module: 'simd/integer', shape: 'binary' }),
  move(NP, 0x55, 'andnps', 'SSE', { module: 'simd/integer', shape: 'binary' }),
  move(P66, 0x55, 'andnps', 'SSE2', { module: 'simd/integer', shape: 'binary' }),
  move(NP, 0x56, 'orps', 'SSE', { module: 'simd/integer', shape: 'binary' }),
  move(P66, 0x56, 'orps', 'SSE2', { module: 'simd/integer', shape: 'binary' }),
  move(NP, 0x57, 'xorps', 'SSE', { module: 'simd/integer', shape: 'binary' }),
  move(P66, 0x57, 'xorps', 'SSE2', { module: 'simd/integer', shape: 'binary' }),
  move(NP, 0x6e, 'movdMmx', 'MMX', { mmxReg: true }),
  move(P66, 0x6e, 'movd', 'SSE2'),
  move(NP, 0x6f, 'movqMmx', 'MMX', toMmx),
  move(P66, 0x6f, 'mova', 'SSE2'),
  move(PF3, 0x6f, 'movu', 'SSE2'),
  move(NP, 0x77, 'emms', 'MMX'),
  move(NP, 0x7e, 'movdMmxStore', 'MMX', { ...store, mmxReg: true }),
  move(P66, 0x7e, 'movdStore', 'SSE2', store),
  move(PF3, 0x7e, 'movq', 'SSE2'),
  move(NP, 0x7f, 'movqMmxStore', 'MMX', { ...store, ...toMmx }),
  move(P66, 0x7f, 'movaStore', 'SSE2', store),
  move(PF3, 0x7f, 'movuStore', 'SSE2', store),
  move(NP, 0xc3, 'movnti', 'SSE2', toMemory),
  move(NP, 0xc4, 'pinsrwMmx', 'SSE', { immediate: true, mmxReg: true }),
  move(P66, 0xc4, 'pinsrw', 'SSE2', { immediate: true }),
  move(NP, 0xc5, 'pextrwMmx', 'SSE', { immediate: true, rm: 'register', mmxRm: true }),
  move(P66, 0xc5, 'pextrw', 'SSE2', { immediate: true, rm: 'register' }),
  move(NP, 0xc6, 'shufps', 'SSE', { module: 'simd/shuffle', shape: 'binaryImmediate' }),
  move(P66, 0xc6, 'shufpd', 'SSE2', { module: 'simd/shuffle', shape: 'binaryImmediate' }),
  move(P66, 0xd6, 'movqStore', 'SSE2', store),
  move(PF3, 0xd6, 'movq2dq', 'SSE2', { rm: 'register', mmxRm: true }),
  move(PF2, 0xd6, 'movdq2q', 'SSE2', { rm: 'register', mmxReg: true }),
  move(NP, 0xd7, 'pmovmskbMmx', 'SSE', { rm: 'register', mmxRm: true }),
  move(P66, 0xd7, 'pmovmskb', 'SSE2', register),
  move(NP, 0xe7, 'movqMmxStore', 'SSE', { ...toMemory, ...toMmx }), // MOVNTQ
  move(P66, 0xe7, 'movaStore', 'SSE2', toMemory), // MOVNTDQ
  move(PF2, 0xf0, 'movu', 'SSE3', memory), // LDDQU
  move(NP, 0xf7, 'maskmovq', 'SSE', { rm: 'register', ...toMmx }),
  move(P66, 0xf7, 'maskmovdqu', 'SSE2', register),
];
