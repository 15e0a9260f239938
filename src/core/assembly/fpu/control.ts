/** x87 control instructions (SDM 1 8.3.11, SDM 2). */
import { State } from '../generated/state.generated';
import { CR0_EM, CR0_TS } from '../context';
import { Vector, fault } from '../fault';
import { RECORD } from '../record';
import * as S from './stack';

/** Instructions that do not wait for pending exceptions: false with #NM noted (SDM 3A 2.5, table 2-2). */
export function ready(): bool {
  if (!(load<u64>(State.CR0) & (CR0_EM | CR0_TS))) return true;
  fault(Vector.NM);
  return false;
}

export function fninit(p: usize): usize {
  if (!ready()) return 0;
  S.initialize();
  return p + RECORD;
}
export function fnclex(p: usize): usize {
  if (!ready()) return 0;
  store<u16>(State.FSW, load<u16>(State.FSW) & 0x7f00);
  return p + RECORD;
}
