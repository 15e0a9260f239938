/** How VMX instructions report: VMsucceed, VMfailInvalid, VMfailValid (SDM 3C 30.2). They complete in every case. */
import { CF, ZF, setArithmeticFlags } from '../flags';
import { Vmcs } from '../generated/fields.generated';
import { hasCurrentVmcs, writableVmcs } from './region';

/** CF, PF, AF, ZF, SF, OF become 0. */
export function vmSucceed(): void { setArithmeticFlags(0); }

/** CF becomes 1, the others 0. */
export function vmFailInvalid(): void { setArithmeticFlags(CF); }

/** ZF becomes 1, the others 0; the current VMCS records the error (SDM 3C 30.4). */
export function vmFailValid(error: u32): void {
  store<u32>(writableVmcs(), error, Vmcs.INSTRUCTION_ERROR);
  setArithmeticFlags(ZF);
}

/** VMfailValid if there is a current VMCS, otherwise VMfailInvalid. */
export function vmFail(error: u32): void {
  if (hasCurrentVmcs()) vmFailValid(error); else vmFailInvalid();
}
