/** What the tables of MMX and SSE instructions are made of: one row for each encoding (SDM 2 appendix A). */

/** CPUID features that announce the rows (src/core/tables/features.ts). */
export type SimdFeature = 'MMX' | 'SSE' | 'SSE2' | 'SSE3' | 'SSSE3' | 'SSE4.1' | 'SSE4.2';

/** Opcode maps 0F, 0F 38 and 0F 3A. */
export type OpcodeMap = 0 | 1 | 2;
/** Mandatory prefix: none, 66, F3, F2. */
export const NP = 0;
export const P66 = 1;
export const PF3 = 2;
export const PF2 = 3;
export type MandatoryPrefix = 0 | 1 | 2 | 3;

/** How the build wraps a function into an operation. */
export type Shape =
  /** `f(p): usize`, written out in its module. */
  | 'plain'
  /** `f(d, s): v128`; XMM with an aligned 16-byte operand, or MMX with one of 8 bytes. */
  | 'binary'
  /** As `binary`; an MMX register gets what both operands together, as one XMM register, would give. */
  | 'combined'
  /** As `binary`; the MMX form reads only the low 4 bytes of its operand. */
  | 'low'
  /** As `binary`, but of the MMX form's result the upper 8 bytes count. */
  | 'high'
  /** `f(s): v128`. */
  | 'unary'
  /** `f(d, s, immediate): v128`. */
  | 'binaryImmediate'
  /** `f(s, immediate): v128`. */
  | 'unaryImmediate'
  /** `f(d, count): v128`, the count in the immediate: register operand rm. */
  | 'shiftImmediate'
  /** `f(s): v128` of the low 8, 4 or 2 bytes of an operand that need not be aligned. */
  | 'widen8'
  | 'widen4'
  | 'widen2';

export interface SimdRow {
  map: OpcodeMap;
  prefix: MandatoryPrefix;
  opcode: number;
  /** ModRM.reg, of the opcodes that it extends. */
  extension?: number;
  /** The function's name. */
  name: string;
  /** Module under src/core/assembly that defines it. */
  module: string;
  feature: SimdFeature;
  shape: Shape;
  /** Whether `binary` and its kin work on MMX registers. */
  mmx: boolean;
  /** The r/m operand is the destination. */
  store: boolean;
  immediate: boolean;
  /** What r/m must be; either without it. */
  rm?: 'memory' | 'register';
  /** ModRM.reg or ModRM.rm names an MMX register: REX does not extend it. */
  mmxReg: boolean;
  mmxRm: boolean;
}

type Options = Partial<SimdRow>;

/** A row; `module` and whatever differs from a plain XMM operation in `options`. */
export function row(
  map: OpcodeMap,
  prefix: MandatoryPrefix,
  opcode: number,
  name: string,
  feature: SimdFeature,
  options: Options & { module: string },
): SimdRow {
  const mmx = options.mmx ?? false;
  const shape = options.shape ?? 'plain';
  return {
    map,
    prefix,
    opcode,
    name,
    feature,
    shape,
    mmx,
    store: false,
    immediate: shape.endsWith('mmediate'),
    mmxReg: mmx,
    mmxRm: mmx,
    ...options,
  };
}

/** The MMX form without prefix and the XMM form with 66. */
export function both(
  map: OpcodeMap,
  opcode: number,
  name: string,
  features: readonly [SimdFeature, SimdFeature],
  options: Options & { module: string; shape: Shape },
): SimdRow[] {
  return [
    row(map, NP, opcode, name, features[0], { ...options, mmx: true }),
    row(map, P66, opcode, name, features[1], options),
  ];
}

/** Name of the operation: MMX forms are told apart by a suffix. */
export function operationName({ name, mmx, shape }: SimdRow): string {
  return shape === 'plain' ? name : `${name}_${mmx ? 'm' : 'x'}`;
}
