/** Guest state between processor and VMCS: loading at VM entry (SDM 3C 26.3.2), saving at VM exit (SDM 3C 27.3). */
import { State } from '../generated/state.generated';
import { Entry, Exit, Pin, Secondary } from '../generated/controls.generated';
import { PREEMPTION_TIMER_SHIFT } from '../generated/capabilities.generated';
import { Vmcs } from '../generated/fields.generated';
import { getFlags, setFlags } from '../flags';
import { now } from '../stop';
import { loadPdptes } from './pdpte';

const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const RF: u64 = 1 << 16;
/** Bits of CR0 that neither VM entry nor VM exit changes: ET, CD, NW, bits 63:32, 28:19, 17, 15:6. */
export const CR0_KEPT: u64 = 0xffffffff7ffaffd0;

/** PREEMPTION_AT when no timer runs. */
export const NEVER: u64 = u64.MAX_VALUE;

@inline function stateSegment(n: u32): usize { return <usize>State.ES_BASE + (<usize>n << 5); }

/** Copies segment `n` (ES CS SS DS FS GS LDTR TR) from the VMCS; its fields lie at equal distances in both places. */
@inline function loadSegment(vmcs: usize, n: u32): void {
  const at = stateSegment(n);
  store<u64>(at, load<u64>(vmcs + (<usize>n << 3), Vmcs.GUEST_ES_BASE));
  store<u32>(at, load<u32>(vmcs + (<usize>n << 2), Vmcs.GUEST_ES_LIMIT), State.ES_LIMIT - State.ES_BASE);
  store<u32>(at, load<u32>(vmcs + (<usize>n << 2), Vmcs.GUEST_ES_ACCESS_RIGHTS), State.ES_ACCESS - State.ES_BASE);
  store<u16>(at, load<u16>(vmcs + (<usize>n << 1), Vmcs.GUEST_ES_SELECTOR), State.ES_SELECTOR - State.ES_BASE);
}
@inline function saveSegment(vmcs: usize, n: u32): void {
  const at = stateSegment(n);
  store<u64>(vmcs + (<usize>n << 3), load<u64>(at), Vmcs.GUEST_ES_BASE);
  store<u32>(vmcs + (<usize>n << 2), load<u32>(at, State.ES_LIMIT - State.ES_BASE), Vmcs.GUEST_ES_LIMIT);
  store<u32>(vmcs + (<usize>n << 2), load<u32>(at, State.ES_ACCESS - State.ES_BASE), Vmcs.GUEST_ES_ACCESS_RIGHTS);
  store<u16>(vmcs + (<usize>n << 1), load<u16>(at, State.ES_SELECTOR - State.ES_BASE), Vmcs.GUEST_ES_SELECTOR);
}

/** Loads everything of the guest-state area. RIP is left to the caller's event injection: State.RIP is the guest's. */
export function loadGuest(vmcs: usize): void {
  const entry = load<u32>(vmcs, Vmcs.ENTRY_CONTROLS);
  const longMode = (entry & Entry.IA32E_MODE_GUEST) != 0;
  const cr0 = load<u64>(vmcs, Vmcs.GUEST_CR0);

  store<u64>(State.CR0, (load<u64>(State.CR0) & CR0_KEPT) | (cr0 & ~CR0_KEPT));
  store<u64>(State.CR3, load<u64>(vmcs, Vmcs.GUEST_CR3));
  store<u64>(State.CR4, load<u64>(vmcs, Vmcs.GUEST_CR4));
  if (entry & Entry.LOAD_DEBUG_CONTROLS) {
    store<u64>(State.DR7, load<u64>(vmcs, Vmcs.GUEST_DR7) | 0x400);
    store<u64>(State.IA32_DEBUGCTL, load<u64>(vmcs, Vmcs.GUEST_IA32_DEBUGCTL));
  }
  store<u64>(State.IA32_SYSENTER_CS, <u64>load<u32>(vmcs, Vmcs.GUEST_IA32_SYSENTER_CS));
  store<u64>(State.IA32_SYSENTER_ESP, load<u64>(vmcs, Vmcs.GUEST_IA32_SYSENTER_ESP));
  store<u64>(State.IA32_SYSENTER_EIP, load<u64>(vmcs, Vmcs.GUEST_IA32_SYSENTER_EIP));
  if (entry & Entry.LOAD_EFER) store<u64>(State.IA32_EFER, load<u64>(vmcs, Vmcs.GUEST_IA32_EFER));
  else {
    let efer = (load<u64>(State.IA32_EFER) & ~EFER_LMA) | (longMode ? EFER_LMA : 0);
    if (cr0 & CR0_PG) efer = (efer & ~EFER_LME) | (longMode ? EFER_LME : 0);
    store<u64>(State.IA32_EFER, efer);
  }
  if (entry & Entry.LOAD_PAT) store<u64>(State.IA32_PAT, load<u64>(vmcs, Vmcs.GUEST_IA32_PAT));

  for (let n: u32 = 0; n < 8; n++) loadSegment(vmcs, n);
  store<u32>(State.CPL, (load<u32>(State.SS_ACCESS) >> 5) & 3);
  store<u64>(State.GDTR_BASE, load<u64>(vmcs, Vmcs.GUEST_GDTR_BASE));
  store<u32>(State.GDTR_LIMIT, load<u32>(vmcs, Vmcs.GUEST_GDTR_LIMIT));
  store<u64>(State.IDTR_BASE, load<u64>(vmcs, Vmcs.GUEST_IDTR_BASE));
  store<u32>(State.IDTR_LIMIT, load<u32>(vmcs, Vmcs.GUEST_IDTR_LIMIT));

  store<u64>(State.RSP, load<u64>(vmcs, Vmcs.GUEST_RSP));
  store<u64>(State.RIP, load<u64>(vmcs, Vmcs.GUEST_RIP));
  setFlags(load<u64>(vmcs, Vmcs.GUEST_RFLAGS));
  if (!longMode && cr0 & CR0_PG && load<u64>(State.CR4) & CR4_PAE) loadPdptes(vmcs);

  store<u32>(State.BLOCKING, load<u32>(vmcs, Vmcs.GUEST_INTERRUPTIBILITY_STATE));
  store<u32>(State.ACTIVITY, load<u32>(vmcs, Vmcs.GUEST_ACTIVITY_STATE));
  store<u64>(State.PENDING_DEBUG, load<u64>(vmcs, Vmcs.GUEST_PENDING_DEBUG));
}

/** Saves everything of the guest-state area, with `rflags` as RFLAGS. The processor still is in the guest. */
export function saveGuest(vmcs: usize, rflags: u64): void {
  const exit = load<u32>(State.EXIT_CONTROLS);
  store<u64>(vmcs, load<u64>(State.CR0), Vmcs.GUEST_CR0);
  store<u64>(vmcs, load<u64>(State.CR3), Vmcs.GUEST_CR3);
  store<u64>(vmcs, load<u64>(State.CR4), Vmcs.GUEST_CR4);
  if (exit & Exit.SAVE_DEBUG_CONTROLS) {
    store<u64>(vmcs, load<u64>(State.DR7), Vmcs.GUEST_DR7);
    store<u64>(vmcs, load<u64>(State.IA32_DEBUGCTL), Vmcs.GUEST_IA32_DEBUGCTL);
  }
  store<u32>(vmcs, <u32>load<u64>(State.IA32_SYSENTER_CS), Vmcs.GUEST_IA32_SYSENTER_CS);
  store<u64>(vmcs, load<u64>(State.IA32_SYSENTER_ESP), Vmcs.GUEST_IA32_SYSENTER_ESP);
  store<u64>(vmcs, load<u64>(State.IA32_SYSENTER_EIP), Vmcs.GUEST_IA32_SYSENTER_EIP);
  const efer = load<u64>(State.IA32_EFER);
  if (exit & Exit.SAVE_EFER) store<u64>(vmcs, efer, Vmcs.GUEST_IA32_EFER);
  if (exit & Exit.SAVE_PAT) store<u64>(vmcs, load<u64>(State.IA32_PAT), Vmcs.GUEST_IA32_PAT);
  // SDM 3C 27.2: "IA-32e mode guest" becomes EFER.LMA (IA32_VMX_MISC bit 5).
  const entry = load<u32>(vmcs, Vmcs.ENTRY_CONTROLS) & ~Entry.IA32E_MODE_GUEST;
  store<u32>(vmcs, efer & EFER_LMA ? entry | Entry.IA32E_MODE_GUEST : entry, Vmcs.ENTRY_CONTROLS);

  for (let n: u32 = 0; n < 8; n++) saveSegment(vmcs, n);
  store<u64>(vmcs, load<u64>(State.GDTR_BASE), Vmcs.GUEST_GDTR_BASE);
  store<u32>(vmcs, load<u32>(State.GDTR_LIMIT), Vmcs.GUEST_GDTR_LIMIT);
  store<u64>(vmcs, load<u64>(State.IDTR_BASE), Vmcs.GUEST_IDTR_BASE);
  store<u32>(vmcs, load<u32>(State.IDTR_LIMIT), Vmcs.GUEST_IDTR_LIMIT);

  store<u64>(vmcs, load<u64>(State.RSP), Vmcs.GUEST_RSP);
  store<u64>(vmcs, load<u64>(State.RIP), Vmcs.GUEST_RIP);
  store<u64>(vmcs, rflags, Vmcs.GUEST_RFLAGS);
  store<u32>(vmcs, load<u32>(State.BLOCKING), Vmcs.GUEST_INTERRUPTIBILITY_STATE);
  store<u32>(vmcs, load<u32>(State.ACTIVITY), Vmcs.GUEST_ACTIVITY_STATE);
  store<u64>(vmcs, load<u64>(State.PENDING_DEBUG), Vmcs.GUEST_PENDING_DEBUG);

  if (load<u32>(State.SECONDARY_CONTROLS) & Secondary.ENABLE_EPT) {
    for (let n: usize = 0; n < 32; n += 8) store<u64>(vmcs + n, load<u64>(<usize>State.PDPTE0 + n), Vmcs.GUEST_PDPTE0);
  }
  if (exit & Exit.SAVE_PREEMPTION_TIMER) store<u32>(vmcs, timerLeft(), Vmcs.PREEMPTION_TIMER_VALUE);
}

/** RFLAGS to be saved by an exit: `resume` says whether RF is 1 (SDM 3C 27.3.3). */
@inline export function flagsWithRf(resume: bool): u64 { return resume ? getFlags() | RF : getFlags() & ~RF; }

@inline function timeStamp(): u64 { return now() + load<u64>(State.TSC_BASE); }

/** Starts the VMX-preemption timer if it is activated: it counts when bit PREEMPTION_TIMER_SHIFT of the TSC changes. */
export function startTimer(vmcs: usize): void {
  if (!(load<u32>(State.PIN_CONTROLS) & Pin.ACTIVATE_PREEMPTION_TIMER)) {
    store<u64>(State.PREEMPTION_AT, NEVER);
    return;
  }
  const ticks = (timeStamp() >> PREEMPTION_TIMER_SHIFT) + <u64>load<u32>(vmcs, Vmcs.PREEMPTION_TIMER_VALUE);
  const expires = (ticks << PREEMPTION_TIMER_SHIFT) - load<u64>(State.TSC_BASE);
  // A value of 0 expires at once, even in the middle of a tick.
  store<u64>(State.PREEMPTION_AT, max<u64>(expires, now()));
}
function timerLeft(): u32 {
  const at = load<u64>(State.PREEMPTION_AT);
  if (at <= now()) return 0;
  return <u32>(((at + load<u64>(State.TSC_BASE)) >> PREEMPTION_TIMER_SHIFT) - (timeStamp() >> PREEMPTION_TIMER_SHIFT));
}
