/** Reading the VMX capability MSRs (SDM 3D appendix A). They are read-only. */
import { State } from '../generated/state.generated';
import { vmxCapability } from '../generated/capabilities.generated';

/** RDMSR of an MSR in 0x480-0x493: value in State.SCRATCH, or false when there is no such MSR (#GP(0)). */
export function readVmxMsr(index: u32): bool {
  const value = vmxCapability(index);
  if (value == u64.MAX_VALUE) return false;
  store<u64>(State.SCRATCH, value);
  return true;
}
