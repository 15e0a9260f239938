import type { AddressContext } from '../../machine/walk';
import type { Registers } from './registers';

/** Whose state: the processor's as it is, or the guest's or the host's as the current VMCS holds it. */
export type World = 'current' | 'guest' | 'host';

/** The machine as one side of the guest/hypervisor boundary sees it. */
export interface View {
  cpu: number;
  world: World;
  registers: Registers;
  /** The address space that its linear addresses are in. */
  context: AddressContext;
  /** Default operation size, for decoding and for the width of stack slots. */
  codeSize: 16 | 32 | 64;
}

/** CS base + RIP, cut to what the mode addresses. */
export function linearRip(view: View, rip = view.registers.read('RIP') ?? 0n): bigint {
  if (view.codeSize === 64) return rip;
  return BigInt.asUintN(32, (view.registers.read('CS_BASE') ?? 0n) + rip);
}

/** SS base + RSP likewise. */
export function linearStack(view: View, rsp = view.registers.read('RSP') ?? 0n): bigint {
  if (view.codeSize === 64) return rsp;
  return BigInt.asUintN(32, (view.registers.read('SS_BASE') ?? 0n) + BigInt.asUintN(view.codeSize, rsp));
}
