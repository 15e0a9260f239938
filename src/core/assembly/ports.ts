/** IN, OUT, INS and OUTS (SDM 2). Ports belong to the host's devices; the I/O permission bitmap is SDM 1 18.5.2. */
import { State } from './generated/state.generated';
import { ES, addressMask, implicitLinear, ioAllowed, setAddressRegister } from './address';
import { meetPortBreakpoints } from './breakpoints';
import { nonRoot, protectedMode, virtual8086 } from './context';
import { Vector, faultCode } from './fault';
import { DF, flag } from './flags';
import { portRead, portWrite } from './host';
import { F_REP, RECORD, R_FLAGS, immediate, segmentAccess, segmentBase, segmentLimit, segmentOf, setRegister } from './record';
import { countOff, finish, iterations } from './strings';
import { leave, publishTime } from './stop';
import { commitWrite, readable, systemRead, writable } from './tlb';
import { exitOnIo, exitOnStringIo, ioExits } from './vmx/intercept';

const TR: u32 = 7;

/** Privilege for `bytes` ports from `port`: IOPL, else the TSS's bitmap. False with #GP(0) noted. */
export function portsAllowed(port: u32, bytes: u32): bool {
  if (!protectedMode() && !virtual8086()) return true;
  if (!virtual8086() && ioAllowed()) return true;
  const access = segmentAccess(TR), limit = segmentLimit(TR);
  if ((access & 0x1009f) == 0x8b || (access & 0x1009f) == 0x89) {
    if (limit >= 103) {
      const base = systemRead(segmentBase(TR) + 102, 2);
      if (!base) return false;
      const at = <u32>load<u16>(base) + (port >> 3);
      if (at + 1 <= limit) {
        const h = systemRead(segmentBase(TR) + at, 2);
        if (!h) return false;
        if (!((<u32>load<u16>(h) >> (port & 7)) & ((1 << bytes) - 1))) return true;
      }
    }
  }
  faultCode(Vector.GP, 0);
  return false;
}

@inline function read<T>(port: u32): T {
  publishTime();
  meetPortBreakpoints(port, sizeof<T>());
  return <T>portRead(port, sizeof<T>());
}
@inline function write<T>(port: u32, value: T): void {
  publishTime();
  meetPortBreakpoints(port, sizeof<T>());
  portWrite(port, sizeof<T>(), <u32>value);
}
@inline function input<T>(p: usize, port: u32, immediateForm: bool): usize {
  if (!portsAllowed(port, sizeof<T>())) return 0;
  if (nonRoot() && ioExits(port, sizeof<T>())) return exitOnIo(p, port, sizeof<T>(), true, immediateForm);
  setRegister<T>(State.RAX, read<T>(port));
  return leave(p);
}
@inline function output<T>(p: usize, port: u32, immediateForm: bool): usize {
  if (!portsAllowed(port, sizeof<T>())) return 0;
  if (nonRoot() && ioExits(port, sizeof<T>())) return exitOnIo(p, port, sizeof<T>(), false, immediateForm);
  write<T>(port, load<T>(State.RAX));
  // A device may have moved its deadline, raised an interrupt, or asked to stop.
  return leave(p);
}
export function in_<T>(p: usize): usize { return input<T>(p, <u32>load<u16>(State.RDX), false); }
export function ini<T>(p: usize): usize { return input<T>(p, <u32>immediate(p), true); }
export function out<T>(p: usize): usize { return output<T>(p, <u32>load<u16>(State.RDX), false); }
export function outi<T>(p: usize): usize { return output<T>(p, <u32>immediate(p), true); }

/** A device may have asked to stop, or raised an interrupt: between iterations too (SDM 2: REP). */
@inline function finishPort(p: usize, mask: u64): usize {
  const next = finish(p, mask);
  return next != 0 ? leave(p) : next;
}
export function ins<T>(p: usize): usize {
  const port = <u32>load<u16>(State.RDX), mask = addressMask(p), step = flag(DF) ? 0 - <u64>sizeof<T>() : <u64>sizeof<T>();
  if (!portsAllowed(port, sizeof<T>())) return 0;
  if (nonRoot() && ioExits(port, sizeof<T>()))
    return exitOnStringIo(p, port, sizeof<T>(), true, (load<u8>(p, R_FLAGS) & F_REP) != 0, implicitLinear(ES, load<u64>(State.RDI) & mask, sizeof<T>(), true));
  for (let n = iterations(p, mask); n; n--) {
    const to = writable(implicitLinear(ES, load<u64>(State.RDI) & mask, sizeof<T>(), true), sizeof<T>(), ES);
    if (!to) return 0;
    store<T>(to, read<T>(port));
    commitWrite(to);
    setAddressRegister(p, State.RDI, (load<u64>(State.RDI) + step) & mask);
    countOff(p, mask);
    if (load<u32>(State.EVENTS)) break;
  }
  return finishPort(p, mask);
}
export function outs<T>(p: usize): usize {
  const port = <u32>load<u16>(State.RDX), mask = addressMask(p), segment = segmentOf(p);
  const step = flag(DF) ? 0 - <u64>sizeof<T>() : <u64>sizeof<T>();
  if (!portsAllowed(port, sizeof<T>())) return 0;
  if (nonRoot() && ioExits(port, sizeof<T>()))
    return exitOnStringIo(p, port, sizeof<T>(), false, (load<u8>(p, R_FLAGS) & F_REP) != 0, implicitLinear(segment, load<u64>(State.RSI) & mask, sizeof<T>(), false));
  for (let n = iterations(p, mask); n; n--) {
    const from = readable(implicitLinear(segment, load<u64>(State.RSI) & mask, sizeof<T>(), false), sizeof<T>(), segment);
    if (!from) return 0;
    write<T>(port, load<T>(from));
    setAddressRegister(p, State.RSI, (load<u64>(State.RSI) + step) & mask);
    countOff(p, mask);
    if (load<u32>(State.EVENTS)) break;
  }
  return finishPort(p, mask);
}
