/** The event to be injected: the VM-entry interruption-information field and its companions (SDM 3C 26.2.1.3). */
import { Check } from '../../generated/checks.generated';
import { Secondary } from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { secondaryInEffect } from './controls';
import { reject } from './reject';

export const VALID: u32 = 0x80000000;
export const EXTERNAL_INTERRUPT: u32 = 0;
export const NMI: u32 = 2;
export const HARDWARE_EXCEPTION: u32 = 3;
const SOFTWARE_INTERRUPT: u32 = 4;
const SOFTWARE_EXCEPTION: u32 = 6;
const ERROR_CODE: u32 = 1 << 11;
/** #DF, #TS, #NP, #SS, #GP, #PF, #AC push an error code. */
const WITH_ERROR_CODE: u32 = (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17);

export function injectionSound(vmcs: usize): bool {
  const event = load<u32>(vmcs, Vmcs.ENTRY_INTERRUPTION_INFORMATION);
  if (!(event & VALID)) return true;
  const vector = event & 0xff, type = (event >> 8) & 7;
  // Type 1 is reserved; type 7 (a pending MTF exit) needs the monitor trap flag, which is not announced.
  if ((type == 1 || type == 7) && reject(Check.EVENT_TYPE, Field.ENTRY_INTERRUPTION_INFORMATION, event)) return false;
  const strayVector = (type == NMI && vector != 2) || (type == HARDWARE_EXCEPTION && vector > 31);
  if (strayVector && reject(Check.EVENT_VECTOR, Field.ENTRY_INTERRUPTION_INFORMATION, event)) return false;

  const realMode = secondaryInEffect(vmcs) & Secondary.UNRESTRICTED_GUEST && !(load<u64>(vmcs, Vmcs.GUEST_CR0) & 1);
  const expected = !realMode && type == HARDWARE_EXCEPTION && vector < 32 && (WITH_ERROR_CODE >> vector) & 1;
  const delivers = (event & ERROR_CODE) != 0;
  if (delivers != <bool>expected && reject(Check.EVENT_ERROR_CODE, Field.ENTRY_INTERRUPTION_INFORMATION, event)) return false;
  if (event & 0x7ffff000 && reject(Check.EVENT_RESERVED, Field.ENTRY_INTERRUPTION_INFORMATION, event)) return false;
  const error = load<u32>(vmcs, Vmcs.ENTRY_EXCEPTION_ERROR_CODE);
  if (delivers && error >> 16 && reject(Check.EVENT_ERROR_CODE_HIGH, Field.ENTRY_EXCEPTION_ERROR_CODE, error)) return false;
  const length = load<u32>(vmcs, Vmcs.ENTRY_INSTRUCTION_LENGTH);
  const software = type >= SOFTWARE_INTERRUPT && type <= SOFTWARE_EXCEPTION;
  return !(software && length > 15) || !reject(Check.EVENT_INSTRUCTION_LENGTH, Field.ENTRY_INSTRUCTION_LENGTH, length);
}
