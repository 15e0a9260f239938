/** The x87 opcodes D8 to DF (SDM 2 tables ). */
import { Op } from './generated/op.generated';
import { Feature, has } from './generated/features.generated';
import * as D from './decoder';

/** `b`: D8 to DF. */
export function x87(b: u32): void {
  D.modrm();
  if (!has(Feature.FPU)) { D.undefined_(); return; }
  const g = D.reg & 7, i = D.rm & 7;
  if (!D.memoryOperand() && b == 0xdb && g == 4 && i == 3) { D.choose(Op.FNINIT); return; }
  if (!D.memoryOperand() && b == 0xdb && g == 4 && i == 2) { D.choose(Op.FNCLEX); return; }
  D.undefined_();
}
