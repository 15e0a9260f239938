/**
 * CPUID (SDM 2). The leaves are a table that src/core/identity.ts writes when the processor is made, from its model and
 * features; here are the parts that follow the processor's state.
 */
import { State } from './generated/state.generated';
import { apicEnabled } from './apic';
import { CR4_OSXSAVE } from './context';
import { IDENTITY_LEAVES, LEAF_BYTES } from './layout';
import { setRegister } from './record';

/** CPUID.1:ECX: the operating system has set CR4.OSXSAVE. */
const OSXSAVE: u32 = 1 << 27;
const LEAF: usize = 0, SUBLEAF: usize = 4, EAX: usize = 8, EBX: usize = 12, ECX: usize = 16, EDX: usize = 20;
const LEAF1_EDX_APIC: u32 = 1 << 9;
const LEAF1_ECX_MONITOR: u32 = 1 << 3;
const MONITOR_ENABLE: u64 = 1 << 18;
/** Leaves whose answer depends on ECX. */
@inline function hasSubleaves(leaf: u32): bool { return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd; }

/** Address of the row for a leaf; 0 when it has none. */
function rowOf(leaf: u32, subleaf: u32): usize {
  const end = IDENTITY_LEAVES + 8 + <usize>load<u32>(IDENTITY_LEAVES) * LEAF_BYTES;
  for (let at = IDENTITY_LEAVES + 8; at < end; at += LEAF_BYTES) {
    if (load<u32>(at, LEAF) == leaf && load<u32>(at, SUBLEAF) == subleaf) return at;
  }
  return 0;
}
/** A leaf above the highest is answered as the highest basic one (SDM 2: CPUID). */
function leafAnswered(leaf: u32): u32 {
  const basic = load<u32>(rowOf(0, 0), EAX);
  const highest = leaf & 0x80000000 ? load<u32>(rowOf(0x80000000, 0), EAX) : basic;
  return leaf > highest ? basic : leaf;
}

/** Leaves the answer in EAX, EBX, ECX and EDX. */
export function identify(asked: u32, index: u32): void {
  const leaf = leafAnswered(asked), subleaf: u32 = hasSubleaves(leaf) ? index : 0;
  const row = rowOf(leaf, subleaf);
  let a: u32 = 0, b: u32 = 0, c: u32 = 0, d: u32 = 0;
  if (row) { a = load<u32>(row, EAX); b = load<u32>(row, EBX); c = load<u32>(row, ECX); d = load<u32>(row, EDX); }
  // The APIC bit is that of IA32_APIC_BASE, and identifiers are the processor's own (SDM 2: CPUID leaves 1 and 0BH).
  if (leaf == 1) {
    b |= load<u32>(State.PROCESSOR) << 24;
    if (!apicEnabled(0)) d &= ~LEAF1_EDX_APIC;
    if (load<u64>(State.CR4) & CR4_OSXSAVE) c |= OSXSAVE;
    if (!(load<u64>(State.IA32_MISC_ENABLE) & MONITOR_ENABLE)) c &= ~LEAF1_ECX_MONITOR;
  }
  if (leaf == 0xb) d = load<u32>(State.PROCESSOR);
  // Levels of the topology that do not exist repeat the number that was asked (SDM 2: CPUID leaf 0BH).
  if (leaf == 0xb && !row) c = subleaf & 0xff;
  setRegister<u32>(State.RAX, a);
  setRegister<u32>(State.RBX, b);
  setRegister<u32>(State.RCX, c);
  setRegister<u32>(State.RDX, d);
}
