/** Before the VMCS is looked at: what VMLAUNCH and VMRESUME themselves require (SDM 3C 26.1, chapter 30). */
import { checkGroup, type EntryCheck } from './row';

export const instructionChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 1, section: '26.1', failure: '#UD' },
    {
      name: 'NOT_IN_VMX_OPERATION',
      fields: '',
      rule: 'VMLAUNCH and VMRESUME need VMX operation, protected mode, and not virtual-8086 or compatibility mode',
      legal: 'execute VMXON first, in 64-bit mode or in 32-bit protected mode',
    },
  ),
  ...checkGroup(
    { group: 1, section: '26.1', failure: '#GP(0)' },
    { name: 'PRIVILEGE', fields: '', rule: 'the current privilege level must be 0', legal: 'CPL 0' },
  ).map(row => ({ ...row, id: 102 })),
  ...checkGroup(
    { group: 2, section: '26.1', failure: 'VMfailInvalid' },
    {
      name: 'NO_CURRENT_VMCS',
      fields: '',
      rule: 'there must be a current VMCS',
      legal: 'execute VMPTRLD first (VMCLEAR of the current VMCS leaves none)',
    },
  ),
  ...checkGroup(
    { group: 3, section: '26.1', failure: 'VMfailValid 26' },
    {
      name: 'MOV_SS_BLOCKING',
      fields: '',
      rule: 'events must not be blocked by MOV SS',
      legal: 'no MOV to SS or POP SS directly before the VM entry',
    },
  ),
  ...checkGroup(
    { group: 4, section: '26.1', failure: 'VMfailValid 4' },
    {
      name: 'LAUNCH_STATE_CLEAR',
      fields: '',
      rule: 'VMLAUNCH needs a VMCS whose launch state is clear',
      legal: 'VMCLEAR, then VMPTRLD, then VMLAUNCH; or VMRESUME for one that is launched',
    },
  ),
  ...checkGroup(
    { group: 4, section: '26.1', failure: 'VMfailValid 5' },
    {
      name: 'LAUNCH_STATE_LAUNCHED',
      fields: '',
      rule: 'VMRESUME needs a VMCS whose launch state is launched',
      legal: 'VMLAUNCH for a VMCS that was cleared',
    },
  ).map(row => ({ ...row, id: 402 })),
];
