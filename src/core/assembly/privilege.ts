/** Privilege checks that many system instructions begin with. */
import { State } from './generated/state.generated';
import { CR4_UMIP, cpl } from './context';
import { Vector, faultCode } from './fault';

/** CPL 0, else #GP(0) is noted. */
@inline export function privileged(): bool {
  if (cpl() == 0) return true;
  faultCode(Vector.GP, 0);
  return false;
}
/** SGDT, SIDT, SLDT, SMSW and STR are privileged under CR4.UMIP (SDM 3A 2.5). */
@inline export function umipAllows(): bool {
  if (cpl() == 0 || !(load<u64>(State.CR4) & CR4_UMIP)) return true;
  faultCode(Vector.GP, 0);
  return false;
}
