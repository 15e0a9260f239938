/** The two-byte opcode map, and what of the three-byte maps is announced (SDM 2 tables ). */
import { State } from './generated/state.generated';
import { Op } from './generated/op.generated';
import { Feature, has } from './generated/features.generated';
import * as D from './decoder';
import { simd } from './opcodes-simd';
import { exchange, farPointer, popSegment, pushSegment, rmOnly } from './opcodes';
import * as R from './record';

/** reg <- r/m by operations whose register and memory forms have numbers of their own; `w` counts from 16 bits. */
function regRm(op: u32, memoryOp: u32, w: u32): void {
  D.modrm();
  D.setDst(D.reg << 3);
  D.setSrc(D.rm << 3);
  D.choose((D.memoryOperand() ? memoryOp : op) + w);
}
function extend(op: u32, memoryOp: u32, byteSource: bool): void {
  D.modrm();
  D.setDst(D.reg << 3);
  D.setSrc(byteSource ? D.register(D.rm, 0) : D.rm << 3);
  D.choose((D.memoryOperand() ? memoryOp : op) + D.width - 1);
}
/** Bit tests with a register index. */
function bitTest(op: u32, memoryOp: u32): void {
  D.modrm();
  D.setSrc(D.reg << 3);
  D.setDst(D.rm << 3);
  D.choose((D.memoryOperand() ? memoryOp : op) + D.width - 1);
}
function hint(): void { D.modrm(); D.choose(Op.NOP); }
/** r/m16 or a register of the operand width. */
function selectorOut(op: u32, memoryOp: u32): void {
  if (D.memoryOperand()) D.choose(memoryOp);
  else { D.setDst(D.rm << 3); D.choose(op + D.width - 1); }
}
function selectorIn(op: u32, memoryOp: u32): void {
  D.setSrc(D.rm << 3);
  D.choose(D.memoryOperand() ? memoryOp : op);
}

/** Whether the feature that brings the instruction is there; otherwise it is #UD. */
@inline function needs(feature: u32): bool {
  if (has(feature)) return true;
  D.undefined_();
  return false;
}

/** "NP": 66, F2 and F3 before the opcode make another, or none (SDM 2 3.1.1.1). */
@inline function noPrefix(): bool { return !D.rep && !D.operandPrefix; }

export function escape(): void {
  const b = D.byte();
  const w: u32 = b & 1 ? D.width : 0;
  if ((b & 0xf0) == 0x40) { if (needs(Feature.CMOV)) extendCmov(b); return; }
  if ((b & 0xf0) == 0x80) {
    const bits16 = D.code != 2 && D.width == 1;
    D.target(bits16 ? <u64><i64><i16>D.word() : <u64><i64><i32>D.dword(), bits16);
    D.chooseLast(Op.J0 + (b & 15));
    return;
  }
  if ((b & 0xf0) == 0x90) {
    D.modrm();
    D.setImmediate(b & 15);
    if (D.memoryOperand()) D.choose(Op.SETCCM);
    else { D.setDst(D.register(D.rm, 0)); D.choose(Op.SETCC); }
    return;
  }
  switch (b) {
    case 0x00:
      D.modrm();
      switch (D.reg & 7) {
        case 0: selectorOut(Op.SLDT16, Op.SLDTM); return;
        case 1: selectorOut(Op.STR16, Op.STRM); return;
        case 2: selectorIn(Op.LLDT, Op.LLDTM); return;
        case 3: selectorIn(Op.LTR, Op.LTRM); D.chooseLast(D.memoryOperand() ? Op.LTRM : Op.LTR); return;
        case 4: selectorIn(Op.VERR, Op.VERRM); return;
        case 5: selectorIn(Op.VERW, Op.VERWM); return;
        default: D.undefined_(); return;
      }
    case 0x01: group7(); return;
    case 0x02: regRm(Op.LAR16, Op.LARM16, D.width - 1); return;
    case 0x03: regRm(Op.LSL16, Op.LSLM16, D.width - 1); return;
    case 0x05: if (D.code == 2 && has(Feature.SYSCALL)) D.chooseLast(Op.SYSCALL); else D.undefined_(); return;
    case 0x06: D.chooseLast(Op.CLTS); return;
    case 0x07: if (D.code == 2 && has(Feature.SYSCALL)) D.chooseLast(Op.SYSRET); else D.undefined_(); return;
    case 0x08: D.choose(Op.INVD); return;
    case 0x09: D.choose(Op.WBINVD); return;
    case 0x0d: hint(); return; // PREFETCHW
    case 0x18: case 0x19: case 0x1a: case 0x1b: case 0x1c: case 0x1d: case 0x1e: case 0x1f: hint(); return; // with ENDBR
    case 0x20: case 0x21: case 0x22: case 0x23: moveControl(b); return;
    case 0x30: if (needs(Feature.MSR)) D.chooseLast(Op.WRMSR); return;
    case 0x31: if (needs(Feature.TSC)) D.choose(Op.RDTSC); return;
    case 0x32: if (needs(Feature.MSR)) D.choose(Op.RDMSR); return;
    case 0x33: D.choose(Op.RDPMC); return;
    case 0x34: if (needs(Feature.SEP)) D.chooseLast(Op.SYSENTER); return;
    case 0x35: if (needs(Feature.SEP)) D.chooseLast(Op.SYSEXIT); return;
    case 0x37: if (noPrefix()) D.chooseLast(Op.GETSEC); else D.undefined_(); return;
    case 0x38: escape38(); return;
    case 0x3a: if (!simd(2, D.byte())) { D.modrm(); D.undefined_(); } return;
    case 0x78: case 0x79: fieldAccess(b); return;
    case 0xa0: pushSegment(4); return;
    case 0xa1: popSegment(4); return;
    case 0xa8: pushSegment(5); return;
    case 0xa9: popSegment(5); return;
    case 0xa2: D.choose(Op.CPUID); return;
    case 0xa3: bitTest(Op.BT16, Op.BTM16); return;
    case 0xab: bitTest(Op.BTS16, Op.BTSM16); D.mayLock(); return;
    case 0xb3: bitTest(Op.BTR16, Op.BTRM16); D.mayLock(); return;
    case 0xbb: bitTest(Op.BTC16, Op.BTCM16); D.mayLock(); return;
    case 0xba: bitImmediate(); return;
    case 0xa4: case 0xa5: case 0xac: case 0xad: doubleShift(b); return;
    case 0xaa: D.chooseLast(Op.RSM); return;
    case 0xae: group15(); return;
    case 0xaf:
      D.modrm();
      D.setDst(D.reg << 3);
      D.setSrc(D.rm << 3);
      D.choose((D.memoryOperand() ? Op.IMUL2_RM16 : Op.IMUL2_RR16) + D.width - 1);
      return;
    case 0xb0: case 0xb1: exchange(Op.CMPXCHG8, Op.CMPXCHGM8, w); return;
    case 0xc0: case 0xc1: exchange(Op.XADD8, Op.XADDM8, w); return;
    case 0xb2: case 0xb4: case 0xb5:
      D.modrm();
      if (!D.memoryOperand()) { D.undefined_(); return; }
      farPointer(b == 0xb2 ? 2 : b & 7);
      return;
    case 0xb6: extend(Op.MOVZX816, Op.MOVZX8M16, true); return;
    case 0xb7: extend(Op.MOVZX1616, Op.MOVZX16M16, false); return;
    case 0xbe: extend(Op.MOVSX816, Op.MOVSX8M16, true); return;
    case 0xbf: extend(Op.MOVSX1616, Op.MOVSX16M16, false); return;
    case 0xb8: if (D.rep == R.F_REPE && has(Feature.POPCNT)) regRm(Op.POPCNT__RR16, Op.POPCNT__RM16, D.width - 1); else D.undefined_(); return;
    case 0xb9: case 0xff: D.modrm(); D.undefined_(); return;
    case 0xbc: if (D.rep == R.F_REPE && has(Feature.BMI1)) regRm(Op.TZCNT_RR16, Op.TZCNT_RM16, D.width - 1); else regRm(Op.BSF16, Op.BSFM16, D.width - 1); return;
    case 0xbd: if (D.rep == R.F_REPE && has(Feature.LZCNT)) regRm(Op.LZCNT_RR16, Op.LZCNT_RM16, D.width - 1); else regRm(Op.BSR16, Op.BSRM16, D.width - 1); return;
    case 0xc7: group9(); return;
    case 0xc8: case 0xc9: case 0xca: case 0xcb: case 0xcc: case 0xcd: case 0xce: case 0xcf:
      D.setDst(((b & 7) | ((D.rex & 1) << 3)) << 3);
      D.choose(Op.BSWAP16 + D.width - 1);
      return;
    default: if (!simd(0, b)) D.undefined_();
  }
}

function extendCmov(b: u32): void {
  regRm(Op.CMOV16, Op.CMOVM16, D.width - 1);
  D.setImmediate(b & 15);
}
function moveControl(b: u32): void {
  // The mod field is ignored: always registers (SDM 2: MOV CR).
  const m = D.byte();
  const n = ((m >> 3) & 7) | ((D.rex & 4) << 1), r = ((m & 7) | ((D.rex & 1) << 3)) << 3;
  const debug = (b & 1) != 0, to = (b & 2) != 0;
  if (debug ? n > 7 : n != 0 && n != 2 && n != 3 && n != 4 && (n != 8 || D.code != 2)) { D.undefined_(); return; }
  D.setImmediate(n);
  if (to) { D.setSrc(r); D.chooseLast(debug ? Op.MOVTODR : Op.MOVTOCR); }
  else { D.setDst(r); D.choose(debug ? Op.MOVFROMDR : Op.MOVFROMCR); }
}
function group7(): void {
  D.modrm();
  const g = D.reg & 7;
  if (D.memoryOperand()) {
    switch (g) {
      case 0: D.choose(Op.SGDT); return;
      case 1: D.choose(Op.SIDT); return;
      case 2: D.chooseLast(Op.LGDT); return;
      case 3: D.chooseLast(Op.LIDT); return;
      case 4: D.choose(Op.SMSWM); return;
      case 6: D.chooseLast(Op.LMSWM); return;
      case 7: D.chooseLast(Op.INVLPG); return;
      default: D.undefined_(); return;
    }
  }
  if (g == 4) { D.setDst(D.rm << 3); D.choose(Op.SMSW16 + D.width - 1); return; }
  if (g == 6) { D.setSrc(D.rm << 3); D.chooseLast(Op.LMSW); return; }
  if (g < 4 && !noPrefix()) { D.undefined_(); return; }
  switch ((g << 3) | (D.rm & 7)) {
    case 0o01: D.chooseLast(Op.VMCALL); return;
    case 0o02: D.chooseLast(Op.VMLAUNCH); return;
    case 0o03: D.chooseLast(Op.VMRESUME); return;
    case 0o04: D.chooseLast(Op.VMXOFF); return;
    case 0o10: if (needs(Feature.MONITOR)) { D.setSegment(3); D.choose(Op.MONITOR); } return;
    case 0o11: if (needs(Feature.MONITOR)) D.choose(Op.MWAIT); return;
    case 0o12: if (needs(Feature.SMAP)) D.chooseLast(Op.CLAC); return;
    case 0o13: if (needs(Feature.SMAP)) D.chooseLast(Op.STAC); return;
    case 0o20: if (needs(Feature.XSAVE)) D.choose(Op.XGETBV); return;
    case 0o21: if (needs(Feature.XSAVE)) D.choose(Op.XSETBV); return;
    case 0o24: D.chooseLast(Op.VMFUNC); return;
    case 0o70: if (D.code == 2) D.choose(Op.SWAPGS); else D.undefined_(); return;
    case 0o71: if (needs(Feature.RDTSCP)) D.choose(Op.RDTSCP); return;
    default: D.undefined_();
  }
}
function escape38(): void {
  const b = D.byte();
  if (b >= 0x80 && b <= 0x82 && D.operandPrefix && !D.rep) {
    D.modrm();
    if (!D.memoryOperand() || (b == 0x82 && !has(Feature.INVPCID))) { D.undefined_(); return; }
    D.setDst(D.reg << 3);
    D.chooseLast(b == 0x80 ? Op.INVEPT : b == 0x81 ? Op.INVVPID : Op.INVPCID);
    return;
  }
  if ((b == 0xf0 || b == 0xf1) && !D.rep && has(Feature.MOVBE)) {
    D.modrm();
    if (!D.memoryOperand()) { D.undefined_(); return; }
    if (b == 0xf0) { D.setDst(D.reg << 3); D.choose(Op.MOVBE_RM16 + D.width - 1); }
    else { D.setSrc(D.reg << 3); D.choose(Op.MOVBE_MR16 + D.width - 1); }
    return;
  }
  if ((b & 0xfe) == 0xf0 && D.rep == R.F_REPNE && has(Feature.SSE4_2)) {
    const w: u32 = b & 1 ? D.width : 0;
    D.modrm();
    D.setDst(D.reg << 3);
    D.setSrc(D.register(D.rm, w));
    D.choose(Op.CRC328 + w);
    return;
  }
  // 66 ADCX, F3 ADOX; F3 with 66 is ADOX.
  if (b == 0xf6 && D.rep != R.F_REPNE && (D.operandPrefix || D.rep) && has(Feature.ADX)) {
    D.modrm();
    D.setDst(D.reg << 3);
    D.setSrc(D.rm << 3);
    D.choose((D.rep ? Op.ADOX32 : Op.ADCX32) + (D.rex & 8 ? 1 : 0));
    return;
  }
  if (b == 0xf9 && noPrefix() && has(Feature.MOVDIRI)) {
    D.modrm();
    if (!D.memoryOperand()) { D.undefined_(); return; }
    D.setSrc(D.reg << 3);
    D.choose(Op.MOV_MR8 + D.width);
    return;
  }
  if (simd(1, b)) return;
  D.modrm();
  D.undefined_();
}
/** VMREAD r/m, reg and VMWRITE reg, r/m: dst is what is written or selected, as in the manual's operand order. */
function fieldAccess(b: u32): void {
  D.modrm();
  if (D.operandPrefix || D.rep) { D.undefined_(); return; }
  if (b == 0x78) { D.setDst(D.rm << 3); D.setSrc(D.reg << 3); D.chooseLast(Op.VMREAD); }
  else { D.setDst(D.reg << 3); D.setSrc(D.rm << 3); D.chooseLast(Op.VMWRITE); }
}
function bitImmediate(): void {
  D.modrm();
  const g = D.reg & 7;
  if (g < 4) { D.undefined_(); return; }
  D.setImmediate(D.byte());
  D.setSrc(0xff);
  D.setDst(D.rm << 3);
  // BT BTS BTR BTC, register and immediate-memory forms three widths apart.
  D.choose((D.memoryOperand() ? Op.BTIM16 : Op.BT16) + (g - 4) * 3 + D.width - 1);
  if (g > 4) D.mayLock();
}
function doubleShift(b: u32): void {
  D.modrm();
  D.setDst(D.rm << 3);
  D.setSrc(D.reg << 3);
  // An immediate above a byte means CL.
  D.setImmediate(b & 1 ? 0x100 : D.byte());
  const left = b < 0xa8;
  D.choose((left ? (D.memoryOperand() ? Op.SHLDM16 : Op.SHLD16) : D.memoryOperand() ? Op.SHRDM16 : Op.SHRD16) + D.width - 1);
}
/** FXSAVE, LDMXCSR, XSAVE and kin: the memory forms of group 15. */
function saveGroup(g: u32): void {
  // Cache lines: CLFLUSH, CLFLUSHOPT, CLWB.
  const flushes = g == 7 && !D.rep ? (D.operandPrefix ? has(Feature.CLFLUSHOPT) : has(Feature.CLFSH)) : g == 6 && !D.rep && D.operandPrefix && has(Feature.CLWB);
  if (flushes) { D.choose(Op.CLFLUSH); return; }
  if (!noPrefix()) { D.undefined_(); return; }
  switch (g) {
    case 0: if (needs(Feature.FXSR)) D.choose(Op.FXSAVE); return;
    case 1: if (needs(Feature.FXSR)) D.choose(Op.FXRSTOR); return;
    case 2: if (needs(Feature.SSE)) D.choose(Op.LDMXCSR); return;
    case 3: if (needs(Feature.SSE)) D.choose(Op.STMXCSR); return;
    case 4: if (needs(Feature.XSAVE)) D.choose(Op.XSAVE); return;
    case 5: if (needs(Feature.XSAVE)) D.choose(Op.XRSTOR); return;
    case 6: if (needs(Feature.XSAVEOPT)) D.choose(Op.XSAVEOPT); return;
    default: D.undefined_();
  }
}
function group15(): void {
  D.modrm();
  const g = D.reg & 7;
  if (D.memoryOperand()) { saveGroup(g); return; }
  if (D.rep == R.F_REPE && g < 4) {
    if (D.code != 2) { D.undefined_(); return; }
    D.setDst(D.rm << 3);
    const w = D.width == 3 ? 1 : 0;
    D.choose((g == 0 ? Op.RDFSBASE32 : g == 1 ? Op.RDGSBASE32 : g == 2 ? Op.WRFSBASE32 : Op.WRGSBASE32) + w);
    return;
  }
  if (g >= 5 && !D.rep && !D.operandPrefix) { D.choose(Op.NOP); return; } // LFENCE, MFENCE, SFENCE: one processor, in order
  D.undefined_();
}
function group9(): void {
  D.modrm();
  const g = D.reg & 7;
  if (!D.memoryOperand()) {
    D.setDst(D.rm << 3);
    if (g == 7 && D.rep == R.F_REPE && has(Feature.RDPID)) D.choose(Op.RDPID);
    else if (g >= 6 && !D.rep && has(g == 6 ? Feature.RDRAND : Feature.RDSEED)) D.choose((g == 6 ? Op.RDRAND16 : Op.RDSEED16) + D.width - 1);
    else D.undefined_();
    return;
  }
  if (g == 1) {
    if (!needs(D.width == 3 ? Feature.CMPXCHG16B : Feature.CX8)) return;
    D.choose(D.width == 3 ? Op.CMPXCHG16B : Op.CMPXCHG8B);
    D.mayLock();
    return;
  }
  if (g == 6 && D.rep != R.F_REPNE) { D.chooseLast(D.rep == R.F_REPE ? Op.VMXON : D.operandPrefix ? Op.VMCLEAR : Op.VMPTRLD); return; }
  if (g == 7 && noPrefix()) { D.chooseLast(Op.VMPTRST); return; }
  if (g >= 3 && g <= 5 && noPrefix()) {
    if (needs(g == 4 ? Feature.XSAVEC : Feature.XSAVES)) D.choose(g == 3 ? Op.XRSTORS : g == 4 ? Op.XSAVEC : Op.XSAVES);
    return;
  }
  D.undefined_();
}
