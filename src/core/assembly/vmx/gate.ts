/** What VMX instructions have in common: who may execute them (SDM 3C chapter 30, "Operation" of each). */
import { State } from '../generated/state.generated';
import { MODE_64, cpl, longMode, protectedMode } from '../context';
import { Vector, fault, faultCode } from '../fault';
import { nonRootOperation } from './intercept';

/** Protected mode, not virtual-8086, and not compatibility mode: elsewhere VMX instructions do not exist. */
@inline export function vmxInstructionsExist(): bool {
  return protectedMode() && !(longMode() && !(load<u32>(State.MODE) & MODE_64));
}

/** Noted #UD for an instruction outside VMX operation or in a mode without it. */
@inline export function undefinedHere(): bool {
  if (load<u32>(State.VMX_OPERATION) && vmxInstructionsExist()) return false;
  fault(Vector.UD);
  return true;
}

/** Noted #GP(0) for an instruction in root operation at CPL above 0. */
@inline export function unprivileged(): bool {
  if (!cpl()) return false;
  faultCode(Vector.GP, 0);
  return true;
}

export { nonRootOperation };
