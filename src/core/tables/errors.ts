/** VM-instruction errors (SDM 3C 30.4): what VMfailValid leaves in the VM-instruction error field. */

export interface InstructionError {
  number: number;
  /** Constant name. */
  name: string;
  meaning: string;
}

export const instructionErrors: readonly InstructionError[] = [
  { number: 1, name: 'VMCALL_IN_ROOT', meaning: 'VMCALL executed in VMX root operation' },
  { number: 2, name: 'VMCLEAR_ADDRESS', meaning: 'VMCLEAR with invalid physical address' },
  { number: 3, name: 'VMCLEAR_VMXON_POINTER', meaning: 'VMCLEAR with VMXON pointer' },
  { number: 4, name: 'VMLAUNCH_NOT_CLEAR', meaning: 'VMLAUNCH with non-clear VMCS' },
  { number: 5, name: 'VMRESUME_NOT_LAUNCHED', meaning: 'VMRESUME with non-launched VMCS' },
  {
    number: 6,
    name: 'VMRESUME_AFTER_VMXOFF',
    meaning: 'VMRESUME after VMXOFF (VMXOFF and VMXON between VMLAUNCH and VMRESUME)',
  },
  { number: 7, name: 'ENTRY_CONTROLS', meaning: 'VM entry with invalid control field(s)' },
  { number: 8, name: 'ENTRY_HOST_STATE', meaning: 'VM entry with invalid host-state field(s)' },
  { number: 9, name: 'VMPTRLD_ADDRESS', meaning: 'VMPTRLD with invalid physical address' },
  { number: 10, name: 'VMPTRLD_VMXON_POINTER', meaning: 'VMPTRLD with VMXON pointer' },
  { number: 11, name: 'VMPTRLD_REVISION', meaning: 'VMPTRLD with incorrect VMCS revision identifier' },
  { number: 12, name: 'UNSUPPORTED_FIELD', meaning: 'VMREAD or VMWRITE from or to unsupported VMCS component' },
  { number: 13, name: 'READ_ONLY_FIELD', meaning: 'VMWRITE to read-only VMCS component' },
  { number: 15, name: 'VMXON_IN_ROOT', meaning: 'VMXON executed in VMX root operation' },
  { number: 16, name: 'EXECUTIVE_POINTER', meaning: 'VM entry with invalid executive-VMCS pointer' },
  { number: 17, name: 'EXECUTIVE_NOT_LAUNCHED', meaning: 'VM entry with non-launched executive VMCS' },
  { number: 18, name: 'EXECUTIVE_NOT_VMXON', meaning: 'VM entry with executive-VMCS pointer not VMXON pointer' },
  { number: 19, name: 'DUAL_VMCALL_NOT_CLEAR', meaning: 'VMCALL with non-clear VMCS' },
  { number: 20, name: 'DUAL_VMCALL_EXIT_CONTROLS', meaning: 'VMCALL with invalid VM-exit control fields' },
  { number: 22, name: 'DUAL_VMCALL_MSEG', meaning: 'VMCALL with incorrect MSEG revision identifier' },
  { number: 23, name: 'DUAL_VMXOFF', meaning: 'VMXOFF under dual-monitor treatment of SMIs and SMM' },
  { number: 24, name: 'DUAL_VMCALL_FEATURES', meaning: 'VMCALL with invalid SMM-monitor features' },
  {
    number: 25,
    name: 'EXECUTIVE_CONTROLS',
    meaning: 'VM entry with invalid VM-execution control fields in executive VMCS',
  },
  { number: 26, name: 'BLOCKED_BY_MOV_SS', meaning: 'VM entry with events blocked by MOV SS' },
  { number: 28, name: 'INVALIDATION_OPERAND', meaning: 'invalid operand to INVEPT/INVVPID' },
];

/** The error with that number. */
export function instructionError(number: number): InstructionError | undefined {
  return instructionErrors.find(error => error.number === number);
}

/** VMX aborts (SDM 3C 27.7): what the processor writes to the VMX-abort indicator before it shuts down. */
export const vmxAborts: readonly InstructionError[] = [
  { number: 1, name: 'SAVE_GUEST_MSRS', meaning: 'there was a failure in saving guest MSRs' },
  { number: 2, name: 'HOST_PDPTES', meaning: 'host checking of the page-directory-pointer-table entries failed' },
  { number: 3, name: 'VMCS_CORRUPTED', meaning: 'the current VMCS has been corrupted' },
  { number: 4, name: 'LOAD_HOST_MSRS', meaning: 'there was a failure on loading host MSRs' },
  { number: 5, name: 'MACHINE_CHECK', meaning: 'there was a machine-check event during VM exit' },
  {
    number: 6,
    name: 'HOST_NOT_64_BIT',
    meaning: 'the logical processor was in IA-32e mode before the exit and the host is not',
  },
];
