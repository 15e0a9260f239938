/** MMX and SSE instructions: a table of rows (src/core/tables/simd) instead of code (SDM 2 tables ). */
import { has } from './generated/features.generated';
import { SIMD_EXTENDED, SIMD_INDEX, SIMD_ROWS } from './generated/simd-rows.generated';
import * as D from './decoder';
import * as R from './record';

/** What a row says besides its operation; the feature's number is in bits 15:8. */
const enum SimdFlag { STORE = 1, IMMEDIATE = 2, MEMORY = 4, REGISTER = 8, MMX_REG = 16, MMX_RM = 32 }

/** Opcode `b` of map 0 (0F), 1 (0F 38) or 2 (0F 3A). False: no row of the tables, nothing was read. */
export function simd(map: u32, b: u32): bool {
  // F3 and F2 win over 66 (SDM 2 3.1.1.1).
  const prefix: u32 = D.rep == R.F_REPE ? 2 : D.rep == R.F_REPNE ? 3 : D.operandPrefix ? 1 : 0;
  if (map == 0 && b >= 0x71 && b <= 0x73) {
    D.modrm();
    const n = SIMD_EXTENDED + ((prefix * 3 + (b - 0x71)) << 3) + (D.reg & 7);
    const extended = row(n);
    if (extended) operands(extended, true); else D.undefined_();
    return true;
  }
  const at = row((((map << 2) | prefix) << 8) | b);
  if (!at) return false;
  if (map == 0 && b == 0x77) {
    // EMMS has no operands.
    if (has(<u32>load<u16>(at, 2) >> 8)) D.choose(<u32>load<u16>(at)); else D.undefined_();
    return true;
  }
  D.modrm();
  operands(at, false);
  if (map == 0 && b == 0xf7) D.setSegment(3); // MASKMOVQ stores to DS:rDI
  return true;
}
@inline function row(n: u32): usize {
  const at = <usize>load<u16>(SIMD_INDEX + (<usize>n << 1));
  return at ? SIMD_ROWS + (at << 2) : 0;
}
function operands(at: usize, extended: bool): void {
  const flags = <u32>load<u16>(at, 2);
  if (!has(flags >> 8)) { D.undefined_(); return; }
  const memory = D.memoryOperand();
  if (flags & SimdFlag.IMMEDIATE) D.setImmediate(<u64>D.byte());
  if (flags & (memory ? SimdFlag.REGISTER : SimdFlag.MEMORY)) { D.undefined_(); return; }
  const reg = (flags & SimdFlag.MMX_REG ? D.reg & 7 : D.reg) << 3;
  const rm = (flags & SimdFlag.MMX_RM ? D.rm & 7 : D.rm) << 3;
  const store = (flags & SimdFlag.STORE) != 0 || extended;
  D.setDst(store ? rm : reg);
  D.setSrc(store ? reg : rm);
  if (extended) D.setSrc(rm);
  D.choose(<u32>load<u16>(at));
}
