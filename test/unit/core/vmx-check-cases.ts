/** For every enforced VM-entry check, what makes it the first to fail. */
import { VmxMachine, at } from './vmx-machine';

export const NOT_CANONICAL = 0x0000800000000000n;
const WIDTH = 1n << 39n;
const BEYOND_WIDTH = 1n << 52n;

/** What each row needs to fail as the first one: a change of the VMCS or of the processor. */
export type Spoil = (vm: VmxMachine) => void;
export const put =
  (field: string, value: bigint | number): Spoil =>
  vm =>
    vm.write(field, value);
export const all =
  (...spoils: Spoil[]): Spoil =>
  vm =>
    spoils.forEach(spoil => spoil(vm));
const xor =
  (field: string, bits: bigint | number): Spoil =>
  vm =>
    vm.write(field, vm.read(field) ^ BigInt(bits));
const on =
  (...args: Parameters<VmxMachine['enable']>): Spoil =>
  vm =>
    vm.enable(...args);
const injecting = (information: number): Spoil => put('ENTRY_INTERRUPTION_INFORMATION', information | 0x80000000);
const ept: Spoil = vm => vm.enableEpt();
export const unrestricted = all(ept, on('Secondary', 'UNRESTRICTED_GUEST'));
/** A 32-bit guest of a 64-bit host. */
export const guest32: Spoil = vm => {
  vm.disable('Entry', 'IA32E_MODE_GUEST');
  vm.write('GUEST_IA32_EFER', 0);
  vm.write('GUEST_CS_ACCESS_RIGHTS', 0xc09b);
};
/** The host itself is 32-bit: PAE paging of the same pages. */
const host32: Spoil = vm => {
  guest32(vm);
  vm.disable('Exit', 'HOST_ADDRESS_SPACE_SIZE');
  vm.write('HOST_IA32_EFER', 0);
  vm.write('HOST_CR4', 0x2000);
  vm.set('CR4', 0x2000);
  vm.set('IA32_EFER', 0);
  vm.set('CR0', 0x80000031);
  vm.setSegment('CS', 8, 0xffffffff, 0xc09b);
  // A 32-bit page directory with one 4-MByte page over the code.
  vm.setMemory64(at.data, 0x83);
  vm.set('CR3', at.data);
  vm.set('CR4', 0x2010);
};
export const v86 = all(guest32, xor('GUEST_RFLAGS', 0x20000), vm => {
  for (const name of ['CS', 'SS', 'DS', 'ES', 'FS', 'GS']) {
    vm.write(`GUEST_${name}_BASE`, vm.read(`GUEST_${name}_SELECTOR`) << 4n);
    vm.write(`GUEST_${name}_LIMIT`, 0xffff);
    vm.write(`GUEST_${name}_ACCESS_RIGHTS`, 0xf3);
  }
  vm.write('GUEST_RIP', 0);
});
/** CS and SS of DPL 3, so that rules about privilege have room. */
export const user = all(
  put('GUEST_CS_SELECTOR', 0x33),
  put('GUEST_CS_ACCESS_RIGHTS', 0xa0fb),
  put('GUEST_SS_SELECTOR', 0x2b),
  put('GUEST_SS_ACCESS_RIGHTS', 0xc0f3),
);
const area = (prefix: string, address: bigint): Spoil =>
  all(put(`${prefix}_COUNT`, 2), put(`${prefix}_ADDRESS`, address));
const msrEntry = (index: number, value: bigint, high = 0): Spoil =>
  all(area('ENTRY_MSR_LOAD', BigInt(at.msrArea)), put('ENTRY_MSR_LOAD_COUNT', 1), vm => {
    vm.setMemory64(at.msrArea, (BigInt(high) << 32n) | BigInt(index));
    vm.setMemory64(at.msrArea + 8, value);
  });

/** [row, what makes it fail, the field that is named]. Without a field: the row's only one. */
export const checkCases: [name: string, spoil: Spoil, field?: string][] = [
  ['NO_CURRENT_VMCS', vm => vm.set('CURRENT_VMCS', 0xffffffffffffffffn)],
  [
    'MOV_SS_BLOCKING',
    vm => {
      vm.set('BLOCKING', 2);
      vm.set('SHADOW_AT', 1n << 60n);
    },
  ],
  ['LAUNCH_STATE_CLEAR', vm => vm.setMemory64(at.vmcs + 8, 1)],
  ['LAUNCH_STATE_LAUNCHED', () => undefined],
  ['PIN_MUST_BE_1', xor('PIN_CONTROLS', 2)],
  ['PIN_MUST_BE_0', xor('PIN_CONTROLS', 0x80)],
  ['PRIMARY_MUST_BE_1', xor('PRIMARY_CONTROLS', 0x100)],
  ['PRIMARY_MUST_BE_0', xor('PRIMARY_CONTROLS', 0x200000)],
  ['SECONDARY_MUST_BE_0', all(on('Secondary', 'ENABLE_RDTSCP'), xor('SECONDARY_CONTROLS', 0x4000))],
  ['CR3_TARGET_COUNT', put('CR3_TARGET_COUNT', 5)],
  ['IO_BITMAP_A', all(on('Primary', 'USE_IO_BITMAPS'), put('IO_BITMAP_A', 0x3008), put('IO_BITMAP_B', 0x4000))],
  ['IO_BITMAP_B', all(on('Primary', 'USE_IO_BITMAPS'), put('IO_BITMAP_A', 0x3000), put('IO_BITMAP_B', BEYOND_WIDTH))],
  ['MSR_BITMAPS', all(on('Primary', 'USE_MSR_BITMAPS'), put('MSR_BITMAPS', 0x5800))],
  ['VIRTUAL_NMIS_WITHOUT_NMI_EXITING', on('Pin', 'VIRTUAL_NMIS')],
  ['NMI_WINDOW_WITHOUT_VIRTUAL_NMIS', all(on('Pin', 'NMI_EXITING'), on('Primary', 'NMI_WINDOW_EXITING'))],
  ['VPID_ZERO', on('Secondary', 'ENABLE_VPID')],
  ['EPTP_MEMORY_TYPE', all(ept, put('EPTP', at.ept | 0x1c))],
  ['EPTP_WALK_LENGTH', all(ept, put('EPTP', at.ept | 0x26))],
  ['EPTP_RESERVED', all(ept, put('EPTP', at.ept | 0x9e))],
  ['EPTP_ADDRESS', all(ept, put('EPTP', BEYOND_WIDTH | 0x1en))],
  ['UNRESTRICTED_WITHOUT_EPT', on('Secondary', 'UNRESTRICTED_GUEST')],
  ['EXIT_MUST_BE_1', xor('EXIT_CONTROLS', 1)],
  ['EXIT_MUST_BE_0', xor('EXIT_CONTROLS', 0x1000)],
  ['SAVE_TIMER_WITHOUT_TIMER', on('Exit', 'SAVE_PREEMPTION_TIMER')],
  ['EXIT_STORE_AREA_ALIGNMENT', area('EXIT_MSR_STORE', 0x6008n)],
  ['EXIT_STORE_AREA_END', area('EXIT_MSR_STORE', WIDTH - 16n)],
  ['EXIT_LOAD_AREA_ALIGNMENT', area('EXIT_MSR_LOAD', BEYOND_WIDTH)],
  ['EXIT_LOAD_AREA_END', area('EXIT_MSR_LOAD', WIDTH - 16n)],
  ['ENTRY_MUST_BE_1', xor('ENTRY_CONTROLS', 1)],
  ['ENTRY_MUST_BE_0', xor('ENTRY_CONTROLS', 0x400)],
  ['EVENT_TYPE', injecting(0x120)],
  ['EVENT_VECTOR', injecting(0x203)],
  ['EVENT_ERROR_CODE', injecting(0x30d)],
  ['EVENT_RESERVED', injecting(0x1220 & ~0x200)],
  ['EVENT_ERROR_CODE_HIGH', all(injecting(0xb0d), put('ENTRY_EXCEPTION_ERROR_CODE', 0x10000))],
  ['EVENT_INSTRUCTION_LENGTH', all(injecting(0x480), put('ENTRY_INSTRUCTION_LENGTH', 16))],
  ['ENTRY_LOAD_AREA_ALIGNMENT', area('ENTRY_MSR_LOAD', 0x6001n)],
  ['ENTRY_LOAD_AREA_END', area('ENTRY_MSR_LOAD', WIDTH - 16n)],
  ['HOST_SIZE', vm => vm.disable('Exit', 'HOST_ADDRESS_SPACE_SIZE')],
  ['GUEST_SIZE_ABOVE_HOST_SIZE', all(host32, on('Entry', 'IA32E_MODE_GUEST'))],
  ['HOST_CR0_FIXED', put('HOST_CR0', 0x80000011)],
  ['HOST_CR4_FIXED', put('HOST_CR4', 0x20)],
  ['HOST_CR3_WIDTH', put('HOST_CR3', BEYOND_WIDTH)],
  ['HOST_CR4_PAE', put('HOST_CR4', 0x2000)],
  ['HOST_SELECTOR_RPL_TI', put('HOST_FS_SELECTOR', 0x13), 'HOST_FS_SELECTOR'],
  ['HOST_CS_TR_NULL', put('HOST_TR_SELECTOR', 0), 'HOST_TR_SELECTOR'],
  ['HOST_SS_NULL', all(host32, put('HOST_SS_SELECTOR', 0))],
  ['HOST_BASE_CANONICAL', put('HOST_GDTR_BASE', NOT_CANONICAL), 'HOST_GDTR_BASE'],
  ['HOST_SYSENTER_CANONICAL', put('HOST_IA32_SYSENTER_EIP', NOT_CANONICAL), 'HOST_IA32_SYSENTER_EIP'],
  ['HOST_PAT', all(on('Exit', 'LOAD_PAT'), put('HOST_IA32_PAT', 0x0007040600070402n))],
  ['HOST_EFER_RESERVED', xor('HOST_IA32_EFER', 2)],
  ['HOST_EFER_SIZE', xor('HOST_IA32_EFER', 0x100)],
  ['HOST_RIP_CANONICAL', put('HOST_RIP', NOT_CANONICAL)],
  ['HOST_RIP_HIGH', all(host32, put('HOST_RIP', 1n << 32n))],
  ['HOST_PCIDE', all(host32, put('HOST_CR4', 0x22020))],
  ['GUEST_CR0_FIXED', put('GUEST_CR0', 0x80000011)],
  ['GUEST_CR0_PG_WITHOUT_PE', all(unrestricted, put('GUEST_CR0', 0x80000030))],
  ['GUEST_CR4_FIXED', put('GUEST_CR4', 0x2020n | (1n << 63n))],
  ['GUEST_IA32E_PG', all(unrestricted, put('GUEST_CR0', 0x31))],
  ['GUEST_IA32E_PAE', put('GUEST_CR4', 0x2000)],
  ['GUEST_PCIDE_WITHOUT_IA32E', all(guest32, put('GUEST_CR4', 0x22020))],
  ['GUEST_DEBUGCTL', put('GUEST_IA32_DEBUGCTL', 4)],
  ['GUEST_CR3_WIDTH', put('GUEST_CR3', BEYOND_WIDTH)],
  ['GUEST_DR7_HIGH', put('GUEST_DR7', 1n << 32n)],
  ['GUEST_SYSENTER_CANONICAL', put('GUEST_IA32_SYSENTER_ESP', NOT_CANONICAL), 'GUEST_IA32_SYSENTER_ESP'],
  ['GUEST_PAT', all(on('Entry', 'LOAD_PAT'), put('GUEST_IA32_PAT', 0x0807040600070406n))],
  ['GUEST_EFER_RESERVED', xor('GUEST_IA32_EFER', 0x2000)],
  ['GUEST_EFER_LMA', xor('GUEST_IA32_EFER', 0x400)],
  ['GUEST_EFER_LME', xor('GUEST_IA32_EFER', 0x100)],
  ['TR_TI', put('GUEST_TR_SELECTOR', 0x1c)],
  ['LDTR_TI', all(put('GUEST_LDTR_ACCESS_RIGHTS', 0x82), put('GUEST_LDTR_SELECTOR', 4))],
  ['SS_RPL', put('GUEST_SS_SELECTOR', 0x11)],
  ['V86_BASE', all(v86, xor('GUEST_DS_BASE', 0x10)), 'GUEST_DS_BASE'],
  ['V86_LIMIT', all(v86, put('GUEST_GS_LIMIT', 0xfffff)), 'GUEST_GS_LIMIT'],
  ['V86_ACCESS_RIGHTS', all(v86, put('GUEST_ES_ACCESS_RIGHTS', 0x93)), 'GUEST_ES_ACCESS_RIGHTS'],
  ['SEGMENT_BASE_CANONICAL', put('GUEST_FS_BASE', NOT_CANONICAL), 'GUEST_FS_BASE'],
  ['SEGMENT_BASE_HIGH', put('GUEST_DS_BASE', 1n << 32n), 'GUEST_DS_BASE'],
  ['CS_TYPE', put('GUEST_CS_ACCESS_RIGHTS', 0xa098)],
  ['SS_TYPE', put('GUEST_SS_ACCESS_RIGHTS', 0xc091)],
  ['DATA_SEGMENT_ACCESSED', put('GUEST_ES_ACCESS_RIGHTS', 0xc092), 'GUEST_ES_ACCESS_RIGHTS'],
  ['DATA_SEGMENT_READABLE', put('GUEST_GS_ACCESS_RIGHTS', 0xc099), 'GUEST_GS_ACCESS_RIGHTS'],
  ['SEGMENT_S', put('GUEST_DS_ACCESS_RIGHTS', 0xc083), 'GUEST_DS_ACCESS_RIGHTS'],
  ['SEGMENT_PRESENT', put('GUEST_CS_ACCESS_RIGHTS', 0xa01b), 'GUEST_CS_ACCESS_RIGHTS'],
  ['SEGMENT_RESERVED', put('GUEST_DS_ACCESS_RIGHTS', 0xc193), 'GUEST_DS_ACCESS_RIGHTS'],
  ['CS_D_WITH_L', put('GUEST_CS_ACCESS_RIGHTS', 0xe09b)],
  ['SEGMENT_GRANULARITY', put('GUEST_FS_ACCESS_RIGHTS', 0x4093), 'GUEST_FS_ACCESS_RIGHTS'],
  ['CS_DPL', put('GUEST_CS_ACCESS_RIGHTS', 0xa0fb)],
  ['SS_DPL_RPL', all(user, put('GUEST_SS_SELECTOR', 0x2a), put('GUEST_CS_SELECTOR', 0x32))],
  ['SS_DPL_ZERO', all(unrestricted, user, guest32, put('GUEST_CS_ACCESS_RIGHTS', 0xc0fb), put('GUEST_CR0', 0x30))],
  ['DATA_SEGMENT_DPL', put('GUEST_DS_SELECTOR', 0x13), 'GUEST_DS_ACCESS_RIGHTS'],
  ['TR_TYPE', put('GUEST_TR_ACCESS_RIGHTS', 0x89)],
  ['TR_FIXED', put('GUEST_TR_ACCESS_RIGHTS', 0x1008b)],
  ['TR_GRANULARITY', put('GUEST_TR_ACCESS_RIGHTS', 0x808b)],
  ['LDTR_TYPE', put('GUEST_LDTR_ACCESS_RIGHTS', 0x83)],
  ['LDTR_FIXED', put('GUEST_LDTR_ACCESS_RIGHTS', 0x02)],
  ['LDTR_GRANULARITY', put('GUEST_LDTR_ACCESS_RIGHTS', 0x8082)],
  ['GUEST_TABLE_BASE', put('GUEST_IDTR_BASE', NOT_CANONICAL), 'GUEST_IDTR_BASE'],
  ['GUEST_TABLE_LIMIT', put('GUEST_GDTR_LIMIT', 0x10000), 'GUEST_GDTR_LIMIT'],
  ['GUEST_RIP_HIGH', all(guest32, put('GUEST_RIP', 1n << 32n))],
  ['GUEST_RIP_CANONICAL', put('GUEST_RIP', NOT_CANONICAL)],
  ['GUEST_RFLAGS_RESERVED', put('GUEST_RFLAGS', 0)],
  ['GUEST_RFLAGS_VM', all(v86, unrestricted, put('GUEST_CR0', 0x30), put('GUEST_CR4', 0x2000))],
  ['GUEST_RFLAGS_IF', injecting(0x20)],
  ['ACTIVITY_SUPPORTED', put('GUEST_ACTIVITY_STATE', 4)],
  ['HLT_PRIVILEGE', all(user, put('GUEST_ACTIVITY_STATE', 1))],
  [
    'ACTIVITY_WITH_BLOCKING',
    all(put('GUEST_RFLAGS', 0x202), put('GUEST_INTERRUPTIBILITY_STATE', 1), put('GUEST_ACTIVITY_STATE', 1)),
  ],
  ['ACTIVITY_WITH_EVENT', all(injecting(0x306), put('GUEST_ACTIVITY_STATE', 1))],
  ['INTERRUPTIBILITY_RESERVED', put('GUEST_INTERRUPTIBILITY_STATE', 0x10)],
  ['STI_AND_MOV_SS', all(put('GUEST_RFLAGS', 0x202), put('GUEST_INTERRUPTIBILITY_STATE', 3))],
  ['STI_WITHOUT_IF', put('GUEST_INTERRUPTIBILITY_STATE', 1)],
  ['INTERRUPT_WITH_BLOCKING', all(put('GUEST_RFLAGS', 0x202), injecting(0x20), put('GUEST_INTERRUPTIBILITY_STATE', 2))],
  ['NMI_WITH_MOV_SS', all(injecting(0x202), put('GUEST_INTERRUPTIBILITY_STATE', 2))],
  ['SMI_BLOCKING', put('GUEST_INTERRUPTIBILITY_STATE', 4)],
  [
    'NMI_WITH_NMI_BLOCKING',
    all(on('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS'), injecting(0x202), put('GUEST_INTERRUPTIBILITY_STATE', 8)),
  ],
  ['PENDING_DEBUG_RESERVED', put('GUEST_PENDING_DEBUG', 0x10)],
  ['PENDING_DEBUG_BS_MISSING', all(put('GUEST_RFLAGS', 0x302), put('GUEST_INTERRUPTIBILITY_STATE', 1))],
  ['PENDING_DEBUG_BS', all(put('GUEST_PENDING_DEBUG', 0x4000), put('GUEST_INTERRUPTIBILITY_STATE', 2))],
  ['LINK_POINTER_ADDRESS', put('VMCS_LINK_POINTER', 0x800)],
  ['LINK_POINTER_REVISION', put('VMCS_LINK_POINTER', at.data)],
  ['LINK_POINTER_CURRENT', put('VMCS_LINK_POINTER', at.vmcs)],
  ['PDPTE_RESERVED', all(guest32, ept, put('GUEST_PDPTE2', 0x1003)), 'GUEST_PDPTE2'],
  ['MSR_LOAD_FS_GS_BASE', msrEntry(0xc0000100, 0n)],
  ['MSR_LOAD_X2APIC', msrEntry(0x808, 0n)],
  ['MSR_LOAD_SMM', msrEntry(0x9b, 0n)],
  ['MSR_LOAD_RESERVED', msrEntry(0x174, 0n, 1)],
  ['MSR_LOAD_REFUSED', msrEntry(0x175, NOT_CANONICAL)],
];
