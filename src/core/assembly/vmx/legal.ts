/** What values VMX accepts, shared by VM entry, VM exit, INVEPT and the instructions that write control registers. */
import { State } from '../generated/state.generated';
import { CR0_FIXED0, CR0_FIXED1, CR4_FIXED0 } from '../generated/capabilities.generated';
import { Secondary } from '../generated/controls.generated';
import { CR4_LEGAL } from '../layout';
import { withinWidth } from './region';

/** CR0.PE and CR0.PG, which an unrestricted guest may clear. */
export const CR0_PAGED_PROTECTED: u64 = 0x80000001;
/** LBR, BTF: what this processor keeps of IA32_DEBUGCTL. */
export const DEBUGCTL_BITS: u64 = 3;

/** Whether a linear address is canonical: bits 63:47 all equal. */
@inline export function isCanonical(address: u64): bool { return <u64>((<i64>(address << 16)) >> 16) == address; }

/** Whether each byte of a PAT value is a memory type: 0, 1, 4, 5, 6, 7 (SDM 3A 11.12.2). */
@inline export function isPat(value: u64): bool {
  // Bits 7:3 clear, and no byte is 2 or 3: bit 1 only together with bit 2.
  return (value & 0xf8f8f8f8f8f8f8f8) == 0 && (value & 0x0202020202020202 & ~(value >> 1)) == 0;
}

/** Whether CR0 may have `value` in VMX operation; `waived` are bits that need not be 1 (SDM 3C 23.8). */
@inline export function isCr0(value: u64, waived: u64): bool {
  return (~value & CR0_FIXED0 & ~waived) == 0 && (value & ~CR0_FIXED1) == 0;
}
/** Whether CR4 may have `value` in VMX operation. */
@inline export function isCr4(value: u64): bool { return (~value & CR4_FIXED0) == 0 && (value & ~load<u64>(CR4_LEGAL)) == 0; }

/** Whether MOV to CR0 and LMSW may write `value` in the processor's present operation. */
export function cr0Allowed(value: u64): bool {
  if (!load<u32>(State.VMX_OPERATION)) return true;
  return isCr0(value, load<u32>(State.SECONDARY_CONTROLS) & Secondary.UNRESTRICTED_GUEST ? CR0_PAGED_PROTECTED : 0);
}
/** Whether MOV to CR4 may write `value` in the processor's present operation. */
export function cr4Allowed(value: u64): bool {
  return load<u32>(State.VMX_OPERATION) == 0 || (~value & CR4_FIXED0) == 0;
}

/** Whether an EPT pointer would pass VM entry (SDM 3C 26.2.1.1). */
export function isEptp(eptp: u64): bool {
  const type = eptp & 7;
  return (type == 0 || type == 6) && ((eptp >> 3) & 7) == 3 && (eptp & 0xf80) == 0 && withinWidth(eptp);
}
