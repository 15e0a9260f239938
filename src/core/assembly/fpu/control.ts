/** x87 control instructions, and the environments that FLDENV, FSTENV, FRSTOR and FSAVE move (SDM 1 8.1.10, SDM 2). */
import { State } from '../generated/state.generated';
import { linear, memReadable, memWritable } from '../address';
import { CR0_MP, CR0_TS, longMode, protectedMode } from '../context';
import { Vector, fault } from '../fault';
import { RECORD, operandSizeOf, segmentOf } from '../record';
import { commitWrite, readable } from '../tlb';
import { pending, ready, waiting } from './environment';
import * as S from './stack';

export function fninit(p: usize): usize {
  if (!ready()) return 0;
  S.initialize();
  return p + RECORD;
}
/** Clears exceptions, stack fault, ES and B. */
export function fnclex(p: usize): usize {
  if (!ready()) return 0;
  store<u16>(State.FSW, load<u16>(State.FSW) & 0x7f00);
  return p + RECORD;
}
/** FNENI, FNDISI and FNSETPM of the older coprocessors do nothing. */
export function fnothing(p: usize): usize { return ready() ? p + RECORD : 0; }
/** WAIT looks at TS only when MP is set (SDM 3A table 2-2). */
export function wait_(p: usize): usize {
  const both = CR0_MP | CR0_TS;
  if ((load<u64>(State.CR0) & both) == both) return fault(Vector.NM);
  return pending() ? fault(Vector.MF) : p + RECORD;
}

export function fldcw(p: usize): usize {
  if (!waiting()) return 0;
  const h = memReadable(p, 2);
  if (!h) return 0;
  S.setControlWord(load<u16>(h));
  return p + RECORD;
}
function storeWord(p: usize, value: u16): usize {
  const h = memWritable(p, 2);
  if (!h) return 0;
  store<u16>(h, value);
  commitWrite(h);
  return p + RECORD;
}
export function fnstcw(p: usize): usize { return ready() ? storeWord(p, load<u16>(State.FCW)) : 0; }
export function fnstsw(p: usize): usize { return ready() ? storeWord(p, load<u16>(State.FSW)) : 0; }
export function fnstswax(p: usize): usize {
  if (!ready()) return 0;
  store<u16>(State.RAX, load<u16>(State.FSW));
  return p + RECORD;
}

/** The full tag word: 0 valid, 1 zero, 2 special, 3 empty, by the registers' contents (SDM 1 8.1.7). */
function tagWord(): u32 {
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    const at = <usize>State.FPR0 + (<usize>n << 4);
    let tag: u32 = 3;
    if ((load<u8>(State.FTW) >> <u8>n) & 1) {
      const significand = load<u64>(at), exponent = load<u16>(at, 8) & 0x7fff;
      if (exponent == 0) tag = significand ? 2 : 1;
      else tag = exponent == 0x7fff || !(significand >> 63) ? 2 : 0;
    }
    tags |= tag << (n << 1);
  }
  return tags;
}
function setTagWord(tags: u32): void {
  let valid: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) if (((tags >> (n << 1)) & 3) != 3) valid |= 1 << n;
  store<u8>(State.FTW, <u8>valid);
}

/** Whether the environment is that of 16-bit operand size: 14 bytes instead of 28. */
@inline function short(p: usize): bool { return operandSizeOf(p) == 2; }
@inline function environmentBytes(p: usize): u32 { return short(p) ? 14 : 28; }
/** Real-address and virtual-8086 formats have linear addresses cut into pieces; IA-32e mode has the protected ones. */
@inline function pieces(): bool { return !protectedMode() && !longMode(); }

/** Fields in the environment: the longer format has upper halves of ones beside 16-bit fields. */
@inline function putField(h: usize, n: u32, wide: bool, value: u32): void {
  if (wide) store<u32>(h + (<usize>n << 2), value | 0xffff0000); else store<u16>(h + (<usize>n << 1), <u16>value);
}
function putEnvironment(p: usize, h: usize): void {
  const wide = !short(p), ip = load<u32>(State.FIP), dp = load<u32>(State.FDP), opcode = <u32>load<u16>(State.FOP);
  putField(h, 0, wide, load<u16>(State.FCW));
  putField(h, 1, wide, load<u16>(State.FSW));
  putField(h, 2, wide, tagWord());
  if (pieces()) {
    putField(h, 3, wide, ip & 0xffff);
    putField(h, 5, wide, dp & 0xffff);
    if (wide) {
      store<u32>(h, ((ip >> 16) << 12) | opcode, 16);
      store<u32>(h, (dp >> 16) << 12, 24);
    } else {
      store<u16>(h, <u16>(((ip >> 4) & 0xf000) | opcode), 8);
      store<u16>(h, <u16>((dp >> 4) & 0xf000), 12);
    }
  } else if (wide) {
    store<u32>(h, ip, 12);
    store<u32>(h, <u32>load<u16>(State.FCS) | (opcode << 16), 16);
    store<u32>(h, dp, 20);
    store<u32>(h, <u32>load<u16>(State.FDS) | 0xffff0000, 24);
  } else {
    store<u16>(h, <u16>ip, 6);
    store<u16>(h, load<u16>(State.FCS), 8);
    store<u16>(h, <u16>dp, 10);
    store<u16>(h, load<u16>(State.FDS), 12);
  }
}
@inline function field(h: usize, n: u32, wide: bool): u32 { return <u32>load<u16>(h + (<usize>n << (wide ? 2 : 1))); }
function takeEnvironment(p: usize, h: usize): void {
  const wide = !short(p);
  store<u16>(State.FSW, <u16>field(h, 1, wide));
  S.setControlWord(<u16>field(h, 0, wide));
  setTagWord(field(h, 2, wide));
  let ip: u32, dp: u32, opcode: u32 = load<u16>(State.FOP);
  if (pieces()) {
    const high = wide ? load<u32>(h, 16) : <u32>load<u16>(h, 8), data = wide ? load<u32>(h, 24) : <u32>load<u16>(h, 12);
    ip = field(h, 3, wide) | ((high >> 12) << 16);
    dp = field(h, 5, wide) | ((data >> 12) << 16);
    opcode = high & 0x7ff;
  } else if (wide) {
    ip = load<u32>(h, 12);
    opcode = (load<u32>(h, 16) >> 16) & 0x7ff;
    dp = load<u32>(h, 20);
  } else {
    ip = <u32>load<u16>(h, 6);
    dp = <u32>load<u16>(h, 10);
  }
  store<u64>(State.FIP, <u64>ip);
  store<u64>(State.FDP, <u64>dp);
  store<u16>(State.FOP, <u16>opcode);
}

/** FNSTENV masks all exceptions afterwards. */
export function fnstenv(p: usize): usize {
  if (!ready()) return 0;
  const h = memWritable(p, environmentBytes(p));
  if (!h) return 0;
  putEnvironment(p, h);
  commitWrite(h);
  S.setControlWord(load<u16>(State.FCW) | 0x3f);
  return p + RECORD;
}
export function fldenv(p: usize): usize {
  if (!waiting()) return 0;
  const h = memReadable(p, environmentBytes(p));
  if (!h) return 0;
  takeEnvironment(p, h);
  return p + RECORD;
}
/** The environment, then ST(0) to ST(7) in 10 bytes each. */
export function fnsave(p: usize): usize {
  if (!ready()) return 0;
  const bytes = environmentBytes(p), h = memWritable(p, bytes + 80);
  if (!h) return 0;
  putEnvironment(p, h);
  for (let n: u32 = 0; n < 8; n++) {
    const at = S.stAt(n), to = h + bytes + n * 10;
    store<u64>(to, load<u64>(at));
    store<u16>(to, load<u16>(at, 8), 8);
  }
  commitWrite(h);
  S.initialize();
  return p + RECORD;
}
/** Read in pieces into scratch, because the read buffer of the translation holds 64 bytes; then all at once. */
const IMAGE: usize = memory.data(112, 16);
export function frstor(p: usize): usize {
  if (!waiting()) return 0;
  const bytes = environmentBytes(p) + 80, at = linear(p, bytes, false);
  for (let n: u32 = 0; n < bytes; n += 2) {
    const h = readable(at + n, 2, segmentOf(p));
    if (!h) return 0;
    store<u16>(IMAGE + n, load<u16>(h));
  }
  takeEnvironment(p, IMAGE);
  for (let n: u32 = 0; n < 8; n++) {
    const from = IMAGE + environmentBytes(p) + n * 10, to = S.stAt(n);
    store<u64>(to, load<u64>(from));
    store<u16>(to, load<u16>(from, 8), 8);
  }
  return p + RECORD;
}
