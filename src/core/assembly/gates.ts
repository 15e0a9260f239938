/** Call gates: far CALL and JMP to code that the gate names, with a stack switch where the level changes (SDM 3A 5.8.3-5.8.5). */
import { State } from './generated/state.generated';
import { CS, SS } from './address';
import { cpl, longMode, modeChanged } from './context';
import { Vector, faultCode } from './fault';
import { findInnerStack, innerBig, innerDescriptor, innerFits, innerLinear, innerPointer64, innerSelector, innerTop, NO_STACK } from './inner-stack';
import { nextPc, segmentLimit, segmentSelector } from './record';
import { UNUSABLE, descriptor, descriptorAt, dplOf, limitOf, loadHidden, markDescriptor, readDescriptor, readHighHalf, rightsOf, setSegment } from './segments';
import { pushValue, stackReadable } from './stack';
import { leaveAt } from './stop';
import { canonical, commitWrite, systemWrite, writable } from './tlb';

const L: u32 = 0x2000, D: u32 = 0x4000;
const TYPE_32: u32 = 8;

/** Far CALL (`call`) or JMP by `selector` to the call gate that readDescriptor has just read. */
export function throughCallGate(p: usize, selector: u32, call: bool): usize {
  const gate = descriptor, rights = rightsOf(gate), error = selector & 0xfffc, long = longMode();
  const wide = (rights & TYPE_32) != 0;
  let offset = (gate & 0xffff) | (wide ? (gate >> 32) & 0xffff0000 : 0);
  if (dplOf(rights) < cpl() || dplOf(rights) < (selector & 3)) return faultCode(Vector.GP, error);
  if (!(rights & 0x80)) return faultCode(Vector.NP, error);
  if (long) {
    const high = readHighHalf(selector);
    if (high == u64.MAX_VALUE) return 0;
    offset |= high << 32;
  }
  const code = <u32>(gate >> 16) & 0xffff, codeError = code & 0xfffc;
  if (!codeError) return faultCode(Vector.GP, 0);
  if (!readDescriptor(code, Vector.GP, 0)) return 0;
  const codeRights = rightsOf(descriptor), level = dplOf(codeRights);
  if ((codeRights & 0x18) != 0x18 || level > cpl()) return faultCode(Vector.GP, codeError);
  if (long && (codeRights & (L | D)) != L) return faultCode(Vector.GP, codeError);
  const conforming = (codeRights & 4) != 0;
  if (!call && !conforming && level != cpl()) return faultCode(Vector.GP, codeError);
  if (!(codeRights & 0x80)) return faultCode(Vector.NP, codeError);
  if (!call) return fits(offset, descriptor) ? enter(code, offset, cpl()) : 0;
  if (conforming || level == cpl()) return sameLevel(p, code, offset, long, wide);
  return long ? innerLong(p, code, offset, level) : innerLegacy(p, code, offset, level, wide ? 4 : 2, <u32>(gate >> 32) & 31);
}

function fits(offset: u64, raw: u64): bool {
  if (longMode() ? canonical(offset) : offset <= <u64>limitOf(raw)) return true;
  faultCode(Vector.GP, 0);
  return false;
}
/** Continues in the code segment just read, at privilege `level`. */
function enter(selector: u32, offset: u64, level: u32): usize {
  if (!markDescriptor(1)) return 0;
  loadHidden(CS, (selector & 0xfffc) | level, descriptor);
  store<u32>(State.CPL, level);
  modeChanged();
  return leaveAt(offset);
}

function sameLevel(p: usize, selector: u32, offset: u64, long: bool, wide: bool): usize {
  if (!fits(offset, descriptor)) return 0;
  const before = load<u64>(State.RSP);
  let pushed: bool;
  if (long) {
    // The target is 64-bit code, so the pushes are on the stack as 64-bit code sees it.
    const h = writable(before - 16, 16, SS);
    pushed = h != 0;
    if (pushed) {
      store<u64>(h, nextPc(p));
      store<u64>(h, segmentSelector(CS), 8);
      commitWrite(h);
      store<u64>(State.RSP, before - 16);
    }
  } else if (wide) pushed = pushValue<u32>(segmentSelector(CS)) && pushValue<u32>(<u32>nextPc(p));
  else pushed = pushValue<u16>(<u16>segmentSelector(CS)) && pushValue<u16>(<u16>nextPc(p));
  if (!pushed) { store<u64>(State.RSP, before); return 0; }
  return enter(selector, offset, cpl());
}

/** To a more privileged level in 64-bit mode: SS becomes null, nothing is copied. */
function innerLong(p: usize, selector: u32, offset: u64, level: u32): usize {
  const raw = descriptor, at = descriptorAt;
  const pointer = innerPointer64(level, 0, 0);
  if (pointer == NO_STACK || !fits(offset, raw)) return 0;
  const h = systemWrite(pointer - 32, 32, false, 8);
  if (!h) return 0;
  store<u64>(h, nextPc(p));
  store<u64>(h, segmentSelector(CS), 8);
  store<u64>(h, load<u64>(State.RSP), 16);
  store<u64>(h, segmentSelector(SS), 24);
  commitWrite(h);
  setSegment(SS, level, 0, segmentLimit(SS), UNUSABLE | (level << 5));
  store<u64>(State.RSP, pointer - 32);
  if (descriptor != raw || descriptorAt != at) readDescriptor(selector, Vector.GP, 0);
  return enter(selector, offset, level);
}

/** To a more privileged level: SS:ESP, `count` parameters, CS:EIP, each `size` bytes wide, go to the stack of the TSS. */
function innerLegacy(p: usize, selector: u32, offset: u64, level: u32, size: u32, count: u32): usize {
  const raw = descriptor;
  if (!findInnerStack(level, 0)) return 0;
  const bytes = (4 + count) * size, top = innerTop(bytes);
  if (!innerFits(top, bytes, 0) || !fits(offset, raw)) return 0;
  const parameters = innerLinear(top + 2 * size), stack = innerLinear(top + (2 + count) * size);
  // All pieces are probed before the first is written.
  if (!systemWrite(stack, 2 * size, false, size) || (count != 0 && !systemWrite(parameters, count * size, false, size)) || !systemWrite(innerLinear(top), 2 * size, false, size)) return 0;
  for (let n: u32 = 0; n < count; n++) if (!stackReadable(n * size, size)) return 0;
  for (let n: u32 = 0; n < count; n++) {
    const from = stackReadable(n * size, size);
    const value = size == 4 ? load<u32>(from) : <u32>load<u16>(from);
    const to = systemWrite(parameters + n * size, size, false, 0);
    put(to, size, value);
    commitWrite(to);
  }
  pair(stack, size, load<u32>(State.RSP), segmentSelector(SS));
  pair(innerLinear(top), size, <u32>nextPc(p), segmentSelector(CS));
  loadHidden(SS, innerSelector, innerDescriptor);
  if (innerBig) store<u64>(State.RSP, top); else store<u16>(State.RSP, <u16>top);
  if (!readDescriptor(selector, Vector.GP, 0)) return 0;
  return enter(selector, offset, level);
}
@inline function put(to: usize, size: u32, value: u32): void { if (size == 4) store<u32>(to, value); else store<u16>(to, <u16>value); }
function pair(at: u64, size: u32, low: u32, high: u32): void {
  const h = systemWrite(at, 2 * size, false, 0);
  put(h, size, low);
  put(h + size, size, high);
  commitWrite(h);
}
