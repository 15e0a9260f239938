/** Memory-type range registers (SDM 3A 11.11). Memory has one type here; the registers keep what they are given, if it is legal. */
import { PHYSICAL_RESERVED } from './layout';

const DEF_TYPE: u32 = 0x2ff;

/** Variable and fixed ranges, and the default type. */
export function isMtrr(index: u32): bool {
  return (index >= 0x200 && index <= 0x20f) || index == 0x250 || index == 0x258 || index == 0x259 || (index >= 0x268 && index <= 0x26f) || index == DEF_TYPE;
}
/** UC, WC, WT, WP, WB. */
@inline function isType(type: u64): bool { return type <= 6 && type != 2 && type != 3; }

/** Whether WRMSR may write `value` to MTRR `index`. */
export function mtrrAccepts(index: u32, value: u64): bool {
  if (index == DEF_TYPE) return (value & ~<u64>0xc07) == 0 && isType(value & 7);
  if (index < 0x210) {
    if (value & (PHYSICAL_RESERVED | 0xfff0000000000000)) return false;
    return index & 1 ? (value & 0x7ff) == 0 : (value & 0xf00) == 0 && isType(value & 0xff);
  }
  for (let n: u64 = 0; n < 64; n += 8) if (!isType((value >> n) & 0xff)) return false;
  return true;
}
