/** MXCSR around an instruction: the environment of its arithmetic before, its exceptions after (SDM 1 11.5). */
import { State } from '../generated/state.generated';
import { DE, EXCEPTIONS, IE, PE, ZE, flags, setEnvironment } from '../float/number';
import { simdException } from './operands';

export const MXCSR_DAZ: u32 = 0x40;
export const MXCSR_FTZ: u32 = 0x8000;
/** Bits that LDMXCSR and FXRSTOR accept: MXCSR_MASK (SDM 1 11.6.6). */
export const MXCSR_MASK: u32 = 0xffff;

export function begin(): void {
  const mxcsr = load<u32>(State.MXCSR);
  setEnvironment((mxcsr >> 13) & 3, (mxcsr >> 7) & EXCEPTIONS, (mxcsr & MXCSR_FTZ) != 0, (mxcsr & MXCSR_DAZ) != 0, false);
}
/** Notes the exceptions met in MXCSR. False: one is not masked, #XM (or #UD) is noted and no result may be written. */
export function end(): bool {
  const mxcsr = load<u32>(State.MXCSR), unmasked = flags & ~(mxcsr >> 7) & EXCEPTIONS;
  // Exceptions found before the operation come alone when one of them is not masked (SDM 1 11.5.2, 4.9.2).
  const early = IE | DE | ZE;
  store<u32>(State.MXCSR, mxcsr | (unmasked & early ? flags & early : flags));
  if (!unmasked) return true;
  simdException();
  return false;
}

/** Whether rounding is to nearest and inexact results change nothing but PE: what native arithmetic does. */
@inline export function nativeRounding(): bool { return (load<u32>(State.MXCSR) & 0x7000) == 0x1000; }
/** Likewise, and PE is set already, so that it does not matter whether a result is exact. */
@inline export function inexactAllowed(): bool { return (load<u32>(State.MXCSR) & PE) != 0; }
