/** The one-byte opcode map (SDM 2 table A-2). Widths of an operation follow each other, so `Op.X8 + width` selects one. */
import { State } from './generated/state.generated';
import { Op } from './generated/op.generated';
import { virtual8086, protectedMode } from './context';
import { Feature, has } from './generated/features.generated';
import * as D from './decoder';
import { escape } from './opcodes-0f';
import { vexOpcode } from './opcodes-vex';
import { x87 } from './opcodes-x87';
import * as R from './record';

/** Operand forms of binary operations: distances from the RR form. */
const RM: u32 = 4, MR: u32 = 8, RI: u32 = 12, MI: u32 = 16;
/** Operations of one binary family. */
const FAMILY: u32 = 20;

/** r/m, reg. `w` is the width index, `op` the RR form at 8 bits. */
function rmReg(op: u32, w: u32): void {
  D.modrm();
  D.setSrc(D.register(D.reg, w));
  if (D.memoryOperand()) D.choose(op + MR + w);
  else { D.setDst(D.register(D.rm, w)); D.choose(op + w); }
}
/** reg, r/m. */
function regRm(op: u32, w: u32): void {
  D.modrm();
  D.setDst(D.register(D.reg, w));
  if (D.memoryOperand()) D.choose(op + RM + w);
  else { D.setSrc(D.register(D.rm, w)); D.choose(op + w); }
}
/** r/m, immediate (ModRM read already). */
function rmImmediate(op: u32, w: u32, immediate: u64): void {
  D.setImmediate(immediate);
  if (D.memoryOperand()) D.choose(op + MI + w);
  else { D.setDst(D.register(D.rm, w)); D.choose(op + RI + w); }
}
/** A register or memory form that lie `distance` apart. */
export function rmOnly(op: u32, distance: u32, w: u32): void {
  if (D.memoryOperand()) D.choose(op + distance + w);
  else { D.setDst(D.register(D.rm, w)); D.choose(op + w); }
}
/** Width index of stack operations and near branches: 64 bits in 64-bit mode unless prefix 66. */
export function stackWidth(): u32 { return D.code == 2 ? (D.operandPrefix ? 1 : 3) : D.width; }
@inline function branchWidth(): u32 { return D.code == 2 ? 3 : D.width; }
@inline function notInLongMode(): bool {
  if (D.code != 2) return true;
  D.undefined_();
  return false;
}

export function opcode(): void {
  const b = D.prefixes();
  const w: u32 = b & 1 ? D.width : 0;
  if (b < 0x40 && (b & 7) < 6) {
    const op = Op.ADD_RR8 + (b >> 3) * FAMILY;
    switch (b & 7) {
      case 0: case 1: rmReg(op, w); if (b >> 3 != 7) D.mayLock(); return;
      case 2: case 3: regRm(op, w); return;
      default:
        D.setDst(State.RAX);
        D.setImmediate(D.immediateOf(w));
        D.choose(op + RI + w);
        return;
    }
  }
  switch (b) {
    case 0x0f: escape(); return;
    case 0x06: case 0x0e: case 0x16: case 0x1e: if (notInLongMode()) pushSegment(b >> 3); return;
    case 0x07: case 0x17: case 0x1f: if (notInLongMode()) popSegment(b >> 3); return;
    case 0x27: if (notInLongMode()) D.choose(Op.DAA); return;
    case 0x2f: if (notInLongMode()) D.choose(Op.DAS); return;
    case 0x37: if (notInLongMode()) D.choose(Op.AAA); return;
    case 0x3f: if (notInLongMode()) D.choose(Op.AAS); return;
    case 0x40: case 0x41: case 0x42: case 0x43: case 0x44: case 0x45: case 0x46: case 0x47:
      D.setDst((b & 7) << 3); D.choose(Op.INC_R8 + D.width); return;
    case 0x48: case 0x49: case 0x4a: case 0x4b: case 0x4c: case 0x4d: case 0x4e: case 0x4f:
      D.setDst((b & 7) << 3); D.choose(Op.DEC_R8 + D.width); return;
    case 0x50: case 0x51: case 0x52: case 0x53: case 0x54: case 0x55: case 0x56: case 0x57:
      D.setDst(opcodeRegister(b)); D.choose(Op.PUSH16 + stackWidth() - 1); return;
    case 0x58: case 0x59: case 0x5a: case 0x5b: case 0x5c: case 0x5d: case 0x5e: case 0x5f:
      D.setDst(opcodeRegister(b)); D.choose(Op.POP16 + stackWidth() - 1); return;
    case 0x60: if (notInLongMode()) D.choose(Op.PUSHA16 + D.width - 1); return;
    case 0x61: if (notInLongMode()) D.choose(Op.POPA16 + D.width - 1); return;
    case 0x62:
      if (!notInLongMode()) return;
      D.modrm();
      if (!D.memoryOperand()) { D.undefined_(); return; }
      D.setDst(D.reg << 3);
      D.choose(Op.BOUND16 + D.width - 1);
      return;
    case 0x63:
      D.modrm();
      if (D.code != 2) {
        if (!protectedMode()) { D.undefined_(); return; }
        D.setSrc(D.reg << 3);
        D.setDst(D.rm << 3);
        D.choose(D.memoryOperand() ? Op.ARPLM : Op.ARPL);
        return;
      }
      D.setDst(D.reg << 3);
      D.setSrc(D.rm << 3);
      // MOVSXD; without REX.W it is a plain move of its width.
      if (D.width == 3) D.choose(D.memoryOperand() ? Op.MOVSXDM : Op.MOVSXD);
      else D.choose((D.memoryOperand() ? Op.MOV_RM8 : Op.MOV_RR8) + D.width);
      return;
    case 0x68: D.setImmediate(D.immediateOf(min<u32>(D.code == 2 && !D.operandPrefix ? 2 : D.width, 2))); D.choose(Op.PUSHI16 + stackWidth() - 1); return;
    case 0x6a: D.setImmediate(D.signedByte()); D.choose(Op.PUSHI16 + stackWidth() - 1); return;
    case 0x69: case 0x6b: {
      D.modrm();
      D.setDst(D.reg << 3);
      D.setSrc(D.rm << 3);
      D.setImmediate(b == 0x6b ? D.signedByte() : D.immediateOf(D.width));
      D.choose((D.memoryOperand() ? Op.IMUL3M16 : Op.IMUL316) + D.width - 1);
      return;
    }
    case 0x6c: case 0x6d: stringOperation(Op.INS8, min<u32>(w, 2), 0, true); return;
    case 0x6e: case 0x6f: stringOperation(Op.OUTS8, min<u32>(w, 2), 3, true); return;
    case 0x70: case 0x71: case 0x72: case 0x73: case 0x74: case 0x75: case 0x76: case 0x77:
    case 0x78: case 0x79: case 0x7a: case 0x7b: case 0x7c: case 0x7d: case 0x7e: case 0x7f:
      D.target(D.signedByte(), branchWidth() == 1);
      D.chooseLast(Op.J0 + (b & 15));
      return;
    case 0x82: if (!notInLongMode()) return; // falls into 80: the same group
    case 0x80: case 0x81: case 0x83: {
      const width: u32 = b == 0x82 ? 0 : w;
      D.modrm();
      rmImmediate(Op.ADD_RR8 + (D.reg & 7) * FAMILY, width, b == 0x81 ? D.immediateOf(width) : D.signedByte());
      if ((D.reg & 7) != 7) D.mayLock();
      return;
    }
    case 0x84: case 0x85: rmReg(Op.TEST_RR8, w); return;
    case 0x86: case 0x87: exchange(Op.XCHG8, Op.XCHGM8, w); return;
    case 0x88: case 0x89: rmReg(Op.MOV_RR8, w); return;
    case 0x8a: case 0x8b: regRm(Op.MOV_RR8, w); return;
    case 0x8c:
      D.modrm();
      if ((D.reg & 7) > 5) { D.undefined_(); return; }
      D.setImmediate(D.reg & 7);
      if (D.memoryOperand()) D.choose(Op.MOVFROMSEGMENTM);
      else { D.setDst(D.rm << 3); D.choose(Op.MOVFROMSEGMENT16 + D.width - 1); }
      return;
    case 0x8d:
      D.modrm();
      if (!D.memoryOperand()) { D.undefined_(); return; }
      D.setDst(D.reg << 3);
      D.choose(Op.LEA16 + D.width - 1);
      return;
    case 0x8e: {
      D.modrm();
      const n = D.reg & 7;
      if (n > 5 || n == 1) { D.undefined_(); return; }
      D.setImmediate(n);
      D.setSrc(D.rm << 3);
      D.chooseLast(D.memoryOperand() ? Op.MOVSEGMENTM : Op.MOVSEGMENTR);
      return;
    }
    case 0x8f:
      D.modrm();
      if (D.reg & 7) { D.undefined_(); return; }
      rmOnly(Op.POP16 - 1, Op.POPM16 - Op.POP16, stackWidth());
      return;
    case 0x90:
      if (!(D.rex & 1)) { D.choose(D.rep == R.F_REPE ? Op.PAUSE : Op.NOP); return; } // falls through: XCHG R8, RAX
    case 0x91: case 0x92: case 0x93: case 0x94: case 0x95: case 0x96: case 0x97:
      D.setDst(State.RAX); D.setSrc(opcodeRegister(b)); D.choose(Op.XCHG8 + D.width); return;
    case 0x98: D.choose(D.width == 1 ? Op.CBW : D.width == 2 ? Op.CWDE : Op.CDQE); return;
    case 0x99: D.choose(D.width == 1 ? Op.CWD : D.width == 2 ? Op.CDQ : Op.CQO); return;
    case 0x9a: if (notInLongMode()) farImmediate(Op.FARCALL16); return;
    case 0x9b: D.choose(Op.WAIT); return;
    case 0x9c: D.choose(Op.PUSHF16 + stackWidth() - 1); return;
    case 0x9d: D.choose(Op.POPF16 + stackWidth() - 1); return;
    case 0x9e: case 0x9f: if (D.code == 2 && !has(Feature.LAHF)) D.undefined_(); else D.choose(b == 0x9e ? Op.SAHF : Op.LAHF); return;
    case 0xa0: case 0xa1: D.absolute(); D.setDst(State.RAX); D.choose(Op.MOV_RM8 + w); return;
    case 0xa2: case 0xa3: D.absolute(); D.setSrc(State.RAX); D.choose(Op.MOV_MR8 + w); return;
    case 0xa4: case 0xa5: stringOperation(Op.MOVS8, w, 3, false); return;
    case 0xa6: case 0xa7: stringOperation(Op.CMPS8, w, 3, false); return;
    case 0xa8: case 0xa9: D.setDst(State.RAX); D.setImmediate(D.immediateOf(w)); D.choose(Op.TEST_RI8 + w); return;
    case 0xaa: case 0xab: stringOperation(Op.STOS8, w, 0, false); return;
    case 0xac: case 0xad: stringOperation(Op.LODS8, w, 3, false); return;
    case 0xae: case 0xaf: stringOperation(Op.SCAS8, w, 0, false); return;
    case 0xb0: case 0xb1: case 0xb2: case 0xb3: case 0xb4: case 0xb5: case 0xb6: case 0xb7:
      D.setDst(D.register((b & 7) | ((D.rex & 1) << 3), 0)); D.setImmediate(D.byte()); D.choose(Op.MOV_RI8); return;
    case 0xb8: case 0xb9: case 0xba: case 0xbb: case 0xbc: case 0xbd: case 0xbe: case 0xbf:
      D.setDst(opcodeRegister(b));
      D.setImmediate(D.width == 3 ? D.qword() : D.immediateOf(D.width));
      D.choose(Op.MOV_RI8 + D.width);
      return;
    case 0xc0: case 0xc1: D.modrm(); shift(w, true, D.byte()); return;
    case 0xd0: case 0xd1: D.modrm(); shift(w, true, 1); return;
    case 0xd2: case 0xd3: D.modrm(); shift(w, false, 0); return;
    case 0xc2: D.setImmediate(D.word()); D.chooseLast(Op.RETI16 + branchWidth() - 1); return;
    case 0xc3: D.chooseLast(Op.RET16 + branchWidth() - 1); return;
    case 0xc4: case 0xc5:
      // LES and LDS have a memory operand; with two ones there it is VEX, as always in 64-bit mode (SDM 2A 2.3.5).
      if (D.code == 2 || D.peek() >= 0xc0) {
        if (protectedMode()) vexOpcode(b == 0xc5); else D.undefined_();
        return;
      }
      D.modrm();
      farPointer(b == 0xc4 ? 0 : 3);
      return;
    case 0xc6: case 0xc7:
      D.modrm();
      if (D.reg & 7) { D.undefined_(); return; }
      rmImmediate(Op.MOV_RR8, w, D.immediateOf(w));
      return;
    case 0xc8: { const size = D.word(); D.setImmediate(<u64>(size | (D.byte() << 16))); D.choose(Op.ENTER16 + stackWidth() - 1); return; }
    case 0xc9: D.choose(Op.LEAVEFRAME16 + stackWidth() - 1); return;
    case 0xca: D.setImmediate(D.word()); D.chooseLast(Op.FARRETURN16 + D.width - 1); return;
    case 0xcb: D.chooseLast(Op.FARRETURN16 + D.width - 1); return;
    case 0xcc: D.chooseLast(Op.INT3); return;
    case 0xcd: D.setImmediate(D.byte()); D.chooseLast(Op.INT); return;
    case 0xce: if (notInLongMode()) D.chooseLast(Op.INTO); return;
    case 0xcf: D.chooseLast(Op.IRET16 + D.width - 1); return;
    case 0xd4: if (notInLongMode()) { D.setImmediate(D.byte()); D.choose(Op.AAM); } return;
    case 0xd5: if (notInLongMode()) { D.setImmediate(D.byte()); D.choose(Op.AAD); } return;
    case 0xd6: if (notInLongMode()) D.choose(Op.SALC); return;
    case 0xd7: D.setSegment(3); D.choose(Op.XLAT); return;
    case 0xd8: case 0xd9: case 0xda: case 0xdb: case 0xdc: case 0xdd: case 0xde: case 0xdf: x87(b); return;
    case 0xe0: case 0xe1: case 0xe2: case 0xe3:
      D.target(D.signedByte(), branchWidth() == 1);
      D.chooseLast(b == 0xe0 ? Op.LOOPNE : b == 0xe1 ? Op.LOOPE : b == 0xe2 ? Op.LOOP : Op.JCXZ);
      return;
    case 0xe4: case 0xe5: D.setImmediate(D.byte()); D.choose(Op.INI8 + min<u32>(w, 2)); return;
    case 0xe6: case 0xe7: D.setImmediate(D.byte()); D.choose(Op.OUTI8 + min<u32>(w, 2)); return;
    case 0xec: case 0xed: D.choose(Op.IN8 + min<u32>(w, 2)); return;
    case 0xee: case 0xef: D.choose(Op.OUT8 + min<u32>(w, 2)); return;
    case 0xe8: near(Op.CALL16 + branchWidth() - 1); return;
    case 0xe9: near(Op.JMP); return;
    case 0xea: if (notInLongMode()) farImmediate(Op.FARJUMP16); return;
    case 0xeb: D.target(D.signedByte(), branchWidth() == 1); D.chooseLast(Op.JMP); return;
    case 0xf1: D.chooseLast(Op.INT1); return;
    case 0xf4: D.chooseLast(Op.HLT); return;
    case 0xf5: D.choose(Op.CMC); return;
    case 0xf6: case 0xf7: unaryGroup(w); return;
    case 0xf8: D.choose(Op.CLC); return;
    case 0xf9: D.choose(Op.STC); return;
    case 0xfa: D.choose(Op.CLI); return;
    case 0xfb: D.chooseLast(Op.STI); return;
    case 0xfc: D.choose(Op.CLD); return;
    case 0xfd: D.choose(Op.STD); return;
    case 0xfe: case 0xff: incrementGroup(b, w); return;
    default: D.undefined_();
  }
}

@inline function opcodeRegister(b: u32): u32 { return ((b & 7) | ((D.rex & 1) << 3)) << 3; }
export function pushSegment(n: u32): void { D.setImmediate(n); D.choose(Op.PUSHSEG16 + stackWidth() - 1); }
export function popSegment(n: u32): void { D.setImmediate(n); D.chooseLast(Op.POPSEG16 + stackWidth() - 1); }
export function exchange(op: u32, memoryOp: u32, w: u32): void {
  D.modrm();
  D.setSrc(D.register(D.reg, w));
  if (D.memoryOperand()) D.choose(memoryOp + w);
  else { D.setDst(D.register(D.rm, w)); D.choose(op + w); }
  D.mayLock();
}
function near(op: u32): void {
  const bits16 = branchWidth() == 1;
  D.target(bits16 ? <u64><i64><i16>D.word() : <u64><i64><i32>D.dword(), bits16);
  D.chooseLast(op);
}
function farImmediate(op: u32): void {
  const offset = D.width == 1 ? <u64>D.word() : <u64>D.dword();
  D.setImmediate(offset | (<u64>D.word() << 32));
  D.chooseLast(op + D.width - 1);
}
/** LES, LDS, LSS, LFS, LGS. */
export function farPointer(segment: u32): void {
  D.setDst(D.reg << 3);
  D.setImmediate(segment);
  D.chooseLast(Op.LFAR16 + D.width - 1);
}
/** String and port-string operations; `segment` is that of the source, which a prefix may override. */
function stringOperation(op: u32, w: u32, segment: u32, port: bool): void {
  D.setFlags(D.rep);
  D.setSegment(segment);
  if (D.rep || port) D.chooseLast(op + w); else D.choose(op + w);
}

/** Shift families: RI, RC, MI, MC, four widths each; the group's order is ROL ROR RCL RCR SHL SHR SHL SAR. */
function shift(w: u32, immediate: bool, count: u32): void {
  const g = D.reg & 7;
  const family: u32 = g == 6 ? 4 : g == 7 ? 6 : g;
  D.setImmediate(count);
  const op = Op.ROL_RI8 + family * 16 + (immediate ? 0 : 4) + w;
  if (D.memoryOperand()) D.choose(op + 8);
  else { D.setDst(D.register(D.rm, w)); D.choose(op); }
}
function unaryGroup(w: u32): void {
  D.modrm();
  switch (D.reg & 7) {
    case 0: case 1: rmImmediate(Op.TEST_RR8, w, D.immediateOf(w)); return;
    case 2: rmOnly(Op.NOT_R8, 4, w); D.mayLock(); return;
    case 3: rmOnly(Op.NEG_R8, 4, w); D.mayLock(); return;
    case 4: rmOnly(Op.MUL8, Op.MULM8 - Op.MUL8, w); return;
    case 5: rmOnly(Op.IMUL8, Op.IMULM8 - Op.IMUL8, w); return;
    case 6: rmOnly(Op.DIV8, Op.DIVM8 - Op.DIV8, w); return;
    default: rmOnly(Op.IDIV8, Op.IDIVM8 - Op.IDIV8, w);
  }
}
function incrementGroup(b: u32, w: u32): void {
  D.modrm();
  const g = D.reg & 7;
  if (g == 0) { rmOnly(Op.INC_R8, 4, w); D.mayLock(); return; }
  if (g == 1) { rmOnly(Op.DEC_R8, 4, w); D.mayLock(); return; }
  if (b == 0xfe || g == 7) { D.undefined_(); return; }
  if (g == 6) { rmOnly(Op.PUSH16 - 1, Op.PUSHM16 - Op.PUSH16, stackWidth()); return; }
  if (g == 2 || g == 4) {
    const wide = branchWidth();
    if (g == 2) rmOnly(Op.CALLR16 - 1, Op.CALLM16 - Op.CALLR16, wide); else rmOnly(Op.JMPR16 - 1, Op.JMPM16 - Op.JMPR16, wide);
    D.chooseLast(chosenNow(g == 2, wide));
    return;
  }
  if (!D.memoryOperand()) { D.undefined_(); return; }
  D.chooseLast((g == 3 ? Op.FARCALLM16 : Op.FARJUMPM16) + D.width - 1);
}
function chosenNow(call: bool, wide: u32): u32 {
  const memory = D.memoryOperand();
  return (call ? (memory ? Op.CALLM16 : Op.CALLR16) : memory ? Op.JMPM16 : Op.JMPR16) + wide - 1;
}
