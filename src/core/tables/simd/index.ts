/** Every MMX and SSE instruction that the processor has, but for those with general-purpose registers alone. */
import { floatRows } from './float';
import { integerRows } from './integer';
import { moveRows } from './move';
import type { SimdRow } from './row';
import { sse4Rows } from './sse4';

export * from './row';
export const simdRows: readonly SimdRow[] = [...integerRows, ...moveRows, ...floatRows, ...sse4Rows];
