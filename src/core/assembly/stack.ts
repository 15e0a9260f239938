/** The stack: PUSH and POP in all forms, ENTER and LEAVE (SDM 2). */
import { State } from './generated/state.generated';
import { SS, ioAllowed, linear, memReadable, segmented } from './address';
import { MODE_64, MODE_CHECK, MODE_STACK32, codeSize, cpl, longCode, virtual8086 } from './context';
import { AC, ARITHMETIC, DF, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM, flag, getFlags, setFlags } from './flags';
import { Vector, faultCode } from './fault';
import { RECORD, dst, dstReg, immediate, nextPc, segmentSelector, setDst, setRegister, dstNumber } from './record';
import { leave } from './stop';
import { commitWrite, readable, writable } from './tlb';
import { flagsChanged } from './events';

/** The stack pointer as this mode sees it: RSP, ESP or SP. */
@inline export function stackPointer(): u64 {
  const mode = load<u32>(State.MODE);
  return mode & MODE_64 ? load<u64>(State.RSP) : mode & MODE_STACK32 ? <u64>load<u32>(State.RSP) : <u64>load<u16>(State.RSP);
}
@inline export function setStackPointer(value: u64): void {
  const mode = load<u32>(State.MODE);
  if (mode & MODE_64) store<u64>(State.RSP, value);
  else if (mode & MODE_STACK32) store<u64>(State.RSP, value & 0xffffffff);
  else store<u16>(State.RSP, <u16>value);
}
/** `at` wrapped to the stack-address size. */
@inline export function stackOffset(at: u64): u64 {
  const mode = load<u32>(State.MODE);
  return mode & MODE_64 ? at : mode & MODE_STACK32 ? at & 0xffffffff : at & 0xffff;
}
@inline function stackLinear(at: u64, bytes: u32, write: bool): u64 {
  if (load<u32>(State.MODE) & MODE_CHECK) return segmented(SS, at, bytes, write);
  return at;
}
/** Host pointer to what lies `depth` bytes above the stack pointer; 0 with a fault noted. */
@inline export function stackReadable(depth: u64, bytes: u32): usize {
  return readable(stackLinear(stackOffset(stackPointer() + depth), bytes, false), bytes, SS);
}
/** Pushes; false with a fault noted and the stack pointer unchanged. */
@inline export function pushValue<T>(value: T): bool {
  const at = stackOffset(stackPointer() - sizeof<T>());
  const h = writable(stackLinear(at, sizeof<T>(), true), sizeof<T>(), SS);
  if (!h) return false;
  store<T>(h, value);
  commitWrite(h);
  setStackPointer(at);
  return true;
}

@inline export function push<T>(p: usize): usize { return pushValue<T>(dst<T>(p)) ? p + RECORD : 0; }
@inline export function pop<T>(p: usize): usize {
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const value = load<T>(h);
  setStackPointer(stackPointer() + sizeof<T>());
  setDst<T>(p, value);
  return p + RECORD;
}
export function pushi<T>(p: usize): usize { return pushValue<T>(<T>immediate(p)) ? p + RECORD : 0; }
export function pushm<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>());
  return h && pushValue<T>(load<T>(h)) ? p + RECORD : 0;
}
/** The address of POP's memory operand is computed with the stack pointer already incremented (SDM 2: POP). */
export function popm<T>(p: usize): usize {
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  const value = load<T>(h), before = load<u64>(State.RSP);
  setStackPointer(stackPointer() + sizeof<T>());
  const to = writable(linear(p, sizeof<T>(), true), sizeof<T>(), <u32>load<u8>(p, 45));
  if (!to) { store<u64>(State.RSP, before); return 0; }
  store<T>(to, value);
  commitWrite(to);
  return p + RECORD;
}
/** The segment's number is in the immediate. */
export function pushseg<T>(p: usize): usize { return pushValue<T>(<T>segmentSelector(<u32>immediate(p))) ? p + RECORD : 0; }

export function pushf<T>(p: usize): usize {
  if (virtual8086() && (load<u32>(State.RFLAGS) & IOPL) != IOPL) return faultCode(Vector.GP, 0);
  return pushValue<T>(<T>(getFlags() & ~<u64>(VM | RF))) ? p + RECORD : 0;
}
export function popf<T>(p: usize): usize {
  if (virtual8086() && (load<u32>(State.RFLAGS) & IOPL) != IOPL) return faultCode(Vector.GP, 0);
  const h = stackReadable(0, sizeof<T>());
  if (!h) return 0;
  let mask: u64 = ARITHMETIC | TF | DF | NT;
  if (sizeof<T>() > 2) mask |= AC | ID | RF;
  if (cpl() == 0) mask |= IOPL;
  if (ioAllowed()) mask |= IF;
  const old = getFlags();
  // RF reads as 0 from POPF; VIF, VIP and VM keep their values.
  const value = (old & ~mask) | (<u64>load<T>(h) & mask & ~<u64>RF);
  setStackPointer(stackPointer() + sizeof<T>());
  setFlags(value);
  if (!((old ^ value) & (TF | IF | AC)) && !load<u32>(State.EVENTS)) return p + RECORD;
  flagsChanged();
  return leave(p);
}

export function pusha<T>(p: usize): usize {
  const before = load<u64>(State.RSP);
  for (let n: usize = 0; n < 8; n++) {
    const value = n == 4 ? <T>before : load<T>(n << 3);
    if (!pushValue<T>(value)) { store<u64>(State.RSP, before); return 0; }
  }
  return p + RECORD;
}
export function popa<T>(p: usize): usize {
  // All eight are read before any register changes, so that a fault leaves none half done.
  for (let n: u64 = 0; n < 8; n++) if (!stackReadable(n * sizeof<T>(), sizeof<T>())) return 0;
  for (let n: usize = 0; n < 8; n++) {
    const register = (<usize>7 - n) << 3;
    const value = load<T>(stackReadable(<u64>n * sizeof<T>(), sizeof<T>()));
    if (register != State.RSP) setRegister<T>(register, value);
  }
  setStackPointer(stackPointer() + 8 * sizeof<T>());
  return p + RECORD;
}

/** Immediate: frame size in bits 15:0, nesting level in bits 23:16 (SDM 2: ENTER). */
export function enter<T>(p: usize): usize {
  const size = immediate(p) & 0xffff, level = <u32>(immediate(p) >> 16) & 31;
  const before = load<u64>(State.RSP);
  if (!pushValue<T>(load<T>(State.RBP))) return 0;
  const frame = load<u64>(State.RSP);
  let ok = true;
  let link = load<u64>(State.RBP);
  for (let n: u32 = 1; ok && n < level; n++) {
    link -= sizeof<T>();
    const h = readable(stackLinear(stackOffset(link), sizeof<T>(), false), sizeof<T>(), SS);
    ok = h != 0 && pushValue<T>(load<T>(h));
  }
  if (ok && level) ok = pushValue<T>(<T>frame);
  const top = stackOffset(stackPointer() - size);
  // The new top must be writable (SDM 2: ENTER probes it).
  if (!ok || !writable(stackLinear(top, sizeof<T>(), true), sizeof<T>(), SS)) { store<u64>(State.RSP, before); return 0; }
  setRegister<T>(State.RBP, <T>frame);
  setStackPointer(top);
  return p + RECORD;
}
export function leaveFrame<T>(p: usize): usize {
  const at = stackOffset(load<u64>(State.RBP));
  const h = readable(stackLinear(at, sizeof<T>(), false), sizeof<T>(), SS);
  if (!h) return 0;
  const value = load<T>(h);
  setStackPointer(at + sizeof<T>());
  setRegister<T>(State.RBP, value);
  return p + RECORD;
}
