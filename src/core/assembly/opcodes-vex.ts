/** VEX-encoded instructions (SDM 2A 2.3). Those announced are the general-purpose ones of BMI1 and BMI2. */
import { Op } from './generated/op.generated';
import { Feature, has } from './generated/features.generated';
import * as D from './decoder';

const PP_NONE: u32 = 0, PP_66: u32 = 1, PP_F3: u32 = 2, PP_F2: u32 = 3;

/** After C4 or C5 (`short`). */
export function vexOpcode(short: bool): void {
  const map = D.vex(short);
  const b = D.byte();
  D.modrm();
  const op = map == 2 ? map38(b) : map == 3 ? map3A(b) : 0;
  if (!op || D.vectorLength) { D.undefined_(); return; }
  D.choose(op + D.width - 2);
}
/** dst reg, src r/m, second source vvvv; the feature, else none. */
function three(op: u32, feature: u32): u32 {
  if (!has(feature)) return 0;
  D.setDst(D.reg << 3);
  D.setSrc(D.rm << 3);
  D.setImmediate(<u64>(D.vvvv << 3));
  return op;
}
function map38(b: u32): u32 {
  const pp = D.impliedPrefix;
  switch (b) {
    case 0xf2: return pp == PP_NONE ? three(Op.ANDN32, Feature.BMI1) : 0;
    case 0xf3: {
      const g = D.reg & 7;
      if (pp != PP_NONE || g < 1 || g > 3 || !has(Feature.BMI1)) return 0;
      D.setDst(D.vvvv << 3);
      D.setSrc(D.rm << 3);
      return g == 1 ? Op.BLSR32 : g == 2 ? Op.BLSMSK32 : Op.BLSI32;
    }
    case 0xf5: return pp == PP_NONE ? three(Op.BZHI32, Feature.BMI2) : pp == PP_F3 ? three(Op.PEXT32, Feature.BMI2) : pp == PP_F2 ? three(Op.PDEP32, Feature.BMI2) : 0;
    case 0xf6: return pp == PP_F2 ? three(Op.MULX32, Feature.BMI2) : 0;
    case 0xf7: return pp == PP_NONE ? three(Op.BEXTR32, Feature.BMI1) : three(pp == PP_66 ? Op.SHLX32 : pp == PP_F3 ? Op.SARX32 : Op.SHRX32, Feature.BMI2);
    default: return 0;
  }
}
function map3A(b: u32): u32 {
  const count = D.byte();
  if (b != 0xf0 || D.impliedPrefix != PP_F2 || D.vvvv) return 0;
  const op = three(Op.RORX32, Feature.BMI2);
  D.setImmediate(count);
  return op;
}
