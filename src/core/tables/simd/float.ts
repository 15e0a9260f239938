/** Floating-point arithmetic, comparisons and conversions of SSE to SSE4.1 (SDM 1 10.4, 11.4, 12.3, 12.9). */
import { NP, P66, PF2, PF3, row, type MandatoryPrefix, type SimdFeature, type SimdRow } from './row';

const FEATURES: readonly SimdFeature[] = ['SSE', 'SSE2', 'SSE', 'SSE2'];
const SUFFIXES = ['ps', 'pd', 'ss', 'sd'];
/** The four forms of one operation: PS, PD, SS, SD by prefix. */
const four = (opcode: number, name: string, options: Partial<SimdRow> = {}): SimdRow[] =>
  SUFFIXES.map((suffix, prefix) =>
    row(0, prefix as MandatoryPrefix, opcode, name + suffix, FEATURES[prefix], {
      module: 'simd/arithmetic',
      ...options,
    }),
  );
const single = (opcode: number, name: string): SimdRow[] =>
  four(opcode, name, { module: 'simd/estimate' }).filter(r => r.prefix === NP || r.prefix === PF3);
const compare = (opcode: number, name: string): SimdRow[] => [
  row(0, NP, opcode, `${name}ss`, 'SSE', { module: 'simd/compare' }),
  row(0, P66, opcode, `${name}sd`, 'SSE2', { module: 'simd/compare' }),
];
const convert = (
  prefix: MandatoryPrefix,
  opcode: number,
  name: string,
  feature: SimdFeature,
  options: Partial<SimdRow> = {},
): SimdRow => row(0, prefix, opcode, name, feature, { module: 'simd/convert', ...options });
const third = (prefix: MandatoryPrefix, opcode: number, name: string): SimdRow =>
  row(0, prefix, opcode, name, 'SSE3', { module: 'simd/arithmetic' });
const fourth = (opcode: number, name: string): SimdRow =>
  row(2, P66, opcode, name, 'SSE4.1', { module: 'simd/round', immediate: true });
const fromMmx = { mmxRm: true } as const;
const toMmx = { mmxReg: true } as const;

export const floatRows: readonly SimdRow[] = [
  convert(NP, 0x2a, 'cvtpi2ps', 'SSE', fromMmx),
  convert(P66, 0x2a, 'cvtpi2pd', 'SSE2', fromMmx),
  convert(PF3, 0x2a, 'cvtsi2ss', 'SSE'),
  convert(PF2, 0x2a, 'cvtsi2sd', 'SSE2'),
  convert(NP, 0x2c, 'cvttps2pi', 'SSE', toMmx),
  convert(P66, 0x2c, 'cvttpd2pi', 'SSE2', toMmx),
  convert(PF3, 0x2c, 'cvttss2si', 'SSE'),
  convert(PF2, 0x2c, 'cvttsd2si', 'SSE2'),
  convert(NP, 0x2d, 'cvtps2pi', 'SSE', toMmx),
  convert(P66, 0x2d, 'cvtpd2pi', 'SSE2', toMmx),
  convert(PF3, 0x2d, 'cvtss2si', 'SSE'),
  convert(PF2, 0x2d, 'cvtsd2si', 'SSE2'),
  ...compare(0x2e, 'ucomi'),
  ...compare(0x2f, 'comi'),
  ...four(0x51, 'sqrt'),
  ...single(0x52, 'rsqrt'),
  ...single(0x53, 'rcp'),
  ...four(0x58, 'add'),
  ...four(0x59, 'mul'),
  convert(NP, 0x5a, 'cvtps2pd', 'SSE2'),
  convert(P66, 0x5a, 'cvtpd2ps', 'SSE2'),
  convert(PF3, 0x5a, 'cvtss2sd', 'SSE2'),
  convert(PF2, 0x5a, 'cvtsd2ss', 'SSE2'),
  convert(NP, 0x5b, 'cvtdq2ps', 'SSE2'),
  convert(P66, 0x5b, 'cvtps2dq', 'SSE2'),
  convert(PF3, 0x5b, 'cvttps2dq', 'SSE2'),
  ...four(0x5c, 'sub'),
  ...four(0x5d, 'min'),
  ...four(0x5e, 'div'),
  ...four(0x5f, 'max'),
  third(P66, 0x7c, 'haddpd'),
  third(PF2, 0x7c, 'haddps'),
  third(P66, 0x7d, 'hsubpd'),
  third(PF2, 0x7d, 'hsubps'),
  ...four(0xc2, 'cmp', { module: 'simd/compare', immediate: true }),
  third(P66, 0xd0, 'addsubpd'),
  third(PF2, 0xd0, 'addsubps'),
  convert(P66, 0xe6, 'cvttpd2dq', 'SSE2'),
  convert(PF3, 0xe6, 'cvtdq2pd', 'SSE2'),
  convert(PF2, 0xe6, 'cvtpd2dq', 'SSE2'),
  fourth(0x08, 'roundps'),
  fourth(0x09, 'roundpd'),
  fourth(0x0a, 'roundss'),
  fourth(0x0b, 'roundsd'),
  fourth(0x40, 'dpps'),
  fourth(0x41, 'dppd'),
];
