/** VMX abort (SDM 3C 27.7): the VM exit cannot be completed; the processor notes why and shuts down. */
import { State } from '../generated/state.generated';
import { Vmcs } from '../generated/fields.generated';
import { FactCode, tell, observed } from '../facts';
import { leaveAt } from '../stop';
import { StopCode, requestStop } from '../stop';
import { writableVmcs } from './region';

const SHUTDOWN: u32 = 2;

/** Writes `indicator` (an `Abort`) to the VMCS and shuts down. Always 0. */
export function vmxAbort(indicator: u32): usize {
  store<u32>(writableVmcs(), indicator, Vmcs.ABORT);
  store<u32>(State.ACTIVITY, SHUTDOWN);
  if (observed(FactCode.VmxAbort)) tell(FactCode.VmxAbort);
  requestStop(StopCode.Shutdown);
  return leaveAt(load<u64>(State.RIP));
}
