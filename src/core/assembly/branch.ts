/** Near branches (SDM 2). The target of a direct branch is the record's immediate. */
import { State } from './generated/state.generated';
import { addressMask, memReadable, setAddressRegister } from './address';
import { follow, lookup } from './blocks';
import { longCode } from './context';
import { Vector, clearFault, faultCode } from './fault';
import { carry, less, overflow, parity, sign, zero } from './flags';
import { R_FALL, R_TAKEN, dst, immediate, nextPc } from './record';
import { pushValue, setStackPointer, stackPointer, stackReadable } from './stack';
import { leaveAt } from './stop';
import { canonical } from './tlb';

@inline export function branch(p: usize, taken: bool): usize {
  if (taken) return follow(p, R_TAKEN);
  return follow(p, R_FALL);
}
@inline export function j0(p: usize): usize { return branch(p, overflow()); }
@inline export function j1(p: usize): usize { return branch(p, !overflow()); }
@inline export function j2(p: usize): usize { return branch(p, carry()); }
@inline export function j3(p: usize): usize { return branch(p, !carry()); }
@inline export function j4(p: usize): usize { return branch(p, zero()); }
@inline export function j5(p: usize): usize { return branch(p, !zero()); }
@inline export function j6(p: usize): usize { return branch(p, carry() || zero()); }
@inline export function j7(p: usize): usize { return branch(p, !(carry() || zero())); }
@inline export function j8(p: usize): usize { return branch(p, sign()); }
@inline export function j9(p: usize): usize { return branch(p, !sign()); }
@inline export function j10(p: usize): usize { return branch(p, parity()); }
@inline export function j11(p: usize): usize { return branch(p, !parity()); }
@inline export function j12(p: usize): usize { return branch(p, less()); }
@inline export function j13(p: usize): usize { return branch(p, !less()); }
@inline export function j14(p: usize): usize { return branch(p, zero() || less()); }
@inline export function j15(p: usize): usize { return branch(p, !(zero() || less())); }
@inline export function jmp(p: usize): usize { return follow(p, R_TAKEN); }

/** Whether code may continue at `rip`; else #GP(0) is noted for the branch itself. */
export function targetAllowed(rip: u64): bool {
  if (longCode() ? canonical(rip) : rip <= <u64>load<u32>(State.CS_LIMIT)) return true;
  faultCode(Vector.GP, 0);
  return false;
}
/** Continues at `rip`, found by value. */
@inline export function jumpTo(rip: u64): usize {
  const target = lookup(rip);
  if (target) return target;
  clearFault(); // fetching at the target faults when the loop comes back to it
  return leaveAt(rip);
}

@inline export function call<T>(p: usize): usize {
  if (!pushValue<T>(<T>nextPc(p))) return 0;
  return follow(p, R_TAKEN);
}
@inline export function ret<T>(p: usize): usize {
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const target = <u64>load<T>(h);
  if (!targetAllowed(target)) return 0;
  setStackPointer(stackPointer() + sizeof<T>());
  return jumpTo(target);
}
export function reti<T>(p: usize): usize {
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const target = <u64>load<T>(h);
  if (!targetAllowed(target)) return 0;
  setStackPointer(stackPointer() + sizeof<T>() + immediate(p));
  return jumpTo(target);
}
@inline function jumpIndirect(target: u64): usize { return targetAllowed(target) ? jumpTo(target) : 0; }
@inline function callIndirect<T>(p: usize, target: u64): usize {
  return targetAllowed(target) && pushValue<T>(<T>nextPc(p)) ? jumpTo(target) : 0;
}
export function jmpr<T>(p: usize): usize { return jumpIndirect(<u64>dst<T>(p)); }
export function callr<T>(p: usize): usize { return callIndirect<T>(p, <u64>dst<T>(p)); }
export function jmpm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return jumpIndirect(<u64>load<T>(h)); }
export function callm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return callIndirect<T>(p, <u64>load<T>(h)); }

@inline function counted(p: usize, also: bool): usize {
  const count = (load<u64>(State.RCX) - 1) & addressMask(p);
  setAddressRegister(p, State.RCX, count);
  return branch(p, count != 0 && also);
}
export function loop_(p: usize): usize { return counted(p, true); }
export function loope(p: usize): usize { return counted(p, zero()); }
export function loopne(p: usize): usize { return counted(p, !zero()); }
export function jcxz(p: usize): usize { return branch(p, (load<u64>(State.RCX) & addressMask(p)) == 0); }
