/** Guest accesses to CR0, CR3, CR4 and CR8: masks, shadows, exits and qualifications (SDM 3C 24.6.6, 25.1.3, 25.3, table 27-3). */
import { State } from '../generated/state.generated';
import { Primary } from '../generated/controls.generated';
import { Vmcs } from '../generated/fields.generated';
import { nonRootOperation } from './intercept';
import { currentVmcs } from './region';

const PE: u64 = 1;
const TS: u64 = 8;

@inline function primary(mask: u32): bool { return (load<u32>(State.PRIMARY_CONTROLS) & mask) != 0; }
@inline function cr0Mask(): u64 { return load<u64>(State.CR0_MASK); }
@inline function cr4Mask(): u64 { return load<u64>(State.CR4_MASK); }

/** CR0 as software reads it: masked bits come from the read shadow. The masks are 0 outside non-root operation. */
@inline export function cr0Seen(): u64 {
  return (load<u64>(State.CR0) & ~cr0Mask()) | (load<u64>(State.CR0_SHADOW) & cr0Mask());
}
/** CR4 as software reads it. */
@inline export function cr4Seen(): u64 {
  return (load<u64>(State.CR4) & ~cr4Mask()) | (load<u64>(State.CR4_SHADOW) & cr4Mask());
}
/** What a MOV to CR0 that does not exit leaves in CR0: masked bits stay. */
@inline export function cr0Written(value: u64): u64 { return (value & ~cr0Mask()) | (load<u64>(State.CR0) & cr0Mask()); }
/** What a MOV to CR4 that does not exit leaves in CR4. */
@inline export function cr4Written(value: u64): u64 { return (value & ~cr4Mask()) | (load<u64>(State.CR4) & cr4Mask()); }

/** MOV to CR0 exits if it would give a masked bit a value that differs from the read shadow. */
@inline export function cr0WriteExits(value: u64): bool { return ((value ^ load<u64>(State.CR0_SHADOW)) & cr0Mask()) != 0; }
/** MOV to CR4 likewise. */
@inline export function cr4WriteExits(value: u64): bool { return ((value ^ load<u64>(State.CR4_SHADOW)) & cr4Mask()) != 0; }

/** MOV to CR3 exits with "CR3-load exiting" unless the value is one of the CR3-target values in use. */
export function cr3WriteExits(value: u64): bool {
  if (!primary(Primary.CR3_LOAD_EXITING)) return false;
  const vmcs = currentVmcs();
  const count = load<u32>(vmcs, Vmcs.CR3_TARGET_COUNT);
  for (let n: u32 = 0; n < count; n++) {
    if (load<u64>(vmcs + (<usize>n << 3), Vmcs.CR3_TARGET_VALUE_0) == value) return false;
  }
  return true;
}
@inline export function cr3ReadExits(): bool { return primary(Primary.CR3_STORE_EXITING); }
@inline export function cr8WriteExits(): bool { return primary(Primary.CR8_LOAD_EXITING); }
@inline export function cr8ReadExits(): bool { return primary(Primary.CR8_STORE_EXITING); }

/** CLTS exits if the host owns CR0.TS and the guest sees it set. */
@inline export function cltsExits(): bool { return (cr0Mask() & load<u64>(State.CR0_SHADOW) & TS) != 0; }
/** CLTS leaves CR0.TS alone if the host owns it and the guest sees it clear (SDM 3C 25.3). */
@inline export function cltsIgnored(): bool { return (cr0Mask() & ~load<u64>(State.CR0_SHADOW) & TS) != 0; }

/** LMSW exits like MOV to CR0 on bits 3:0, except that it cannot clear PE. */
export function lmswExits(source: u64): bool {
  if (!nonRootOperation()) return false;
  const mask = cr0Mask(), shadow = load<u64>(State.CR0_SHADOW);
  return (mask & source & ~shadow & PE) != 0 || (mask & (source ^ shadow) & 0xe) != 0;
}

/** Access types of the qualification. */
export const CR_MOV_TO: u32 = 0;
export const CR_MOV_FROM: u32 = 1;
const CR_CLTS: u32 = 2;
const CR_LMSW: u32 = 3;

/** Qualification of MOV CR: `cr` 0, 3, 4 or 8; `register` the general-purpose register's number. */
@inline export function crQualification(cr: u32, access: u32, register: u32): u64 {
  return <u64>(cr | (access << 4) | (register << 8));
}
@inline export function cltsQualification(): u64 { return <u64>(CR_CLTS << 4); }
/** Qualification of LMSW; `memory` if its operand is in memory (the guest-linear address goes into its own field). */
@inline export function lmswQualification(source: u64, memory: bool): u64 {
  return <u64>((CR_LMSW << 4) | (<u32>memory << 6) | ((<u32>source & 0xffff) << 16));
}
/** Qualification of MOV DR (SDM 3C table 27-4). */
@inline export function drQualification(dr: u32, read: bool, register: u32): u64 {
  return <u64>(dr | (<u32>read << 4) | (register << 8));
}
