/** The x87 opcodes D8 to DF (SDM 2 tables ). What each of a family is goes into the record's immediate. */
import { Op } from './generated/op.generated';
import { Feature, has } from './generated/features.generated';
import * as D from './decoder';

/** Memory formats of arithmetic by the low three bits of the opcode: m32real, m32int, m64real, m16int. */
@inline function arithmeticFormat(b: u32): u32 { return b == 0xd8 ? 1 : b == 0xda ? 3 : b == 0xdc ? 2 : 4; }

/** 11 bits: the low bits of the opcode and ModRM (SDM 1 8.1.9). */
let opcodeBits: u64 = 0;
/** Parts of the immediate as fpu/environment.ts reads them. */
function family(op: u32, parameter: u32, format: u32, pops: u32, toSti: u32): void {
  D.setImmediate(<u64>(parameter | ((D.rm & 7) << 8) | (format << 12) | (pops << 16) | (toSti << 20)) | (opcodeBits << 32));
  D.choose(op);
}

/** `b`: D8 to DF. */
export function x87(b: u32): void {
  D.modrm();
  if (!has(Feature.FPU)) { D.undefined_(); return; }
  const g = D.reg & 7, i = D.rm & 7;
  opcodeBits = <u64>(((b & 7) << 8) | (D.mod << 6) | (g << 3) | i);
  if (D.memoryOperand()) memoryForm(b, g);
  else registerForm(b, g, i);
}

/** FLD to FSTP and their kin by opcode and ModRM.reg. */
function memoryForm(b: u32, g: u32): void {
  if (!(b & 1)) {
    // D8, DA, DC, DE: ADD MUL COM COMP SUB SUBR DIV DIVR
    if (g == 2 || g == 3) family(Op.FCOMPARE, 0, arithmeticFormat(b), g - 2, 0);
    else family(Op.FARITHMETIC, g, arithmeticFormat(b), 0, 0);
    return;
  }
  // Formats of fpu/transfer.ts: reals 32 64 80 are 1 2 3, integers 16 32 64 are 4 5 6, BCD is 7.
  const format: u32 = b == 0xd9 ? 1 : b == 0xdb ? 5 : b == 0xdd ? 2 : 4;
  switch (g) {
    case 0: family(Op.FLOAD, 0, format, 0, 0); return;
    case 1:
      if (b == 0xd9 || !has(Feature.SSE3)) { D.undefined_(); return; }
      family(Op.FSTORE, 1, b == 0xdd ? 6 : format, 1, 0); // FISTTP
      return;
    case 2: family(Op.FSTORE, 0, format, 0, 0); return;
    case 3: family(Op.FSTORE, 0, format, 1, 0); return;
    default:
  }
  switch (((b & 6) << 2) | g) {
    case 0o04: D.choose(Op.FLDENV); return;
    case 0o05: D.choose(Op.FLDCW); return;
    case 0o06: D.choose(Op.FNSTENV); return;
    case 0o07: D.choose(Op.FNSTCW); return;
    case 0o15: family(Op.FLOAD, 0, 3, 0, 0); return;
    case 0o17: family(Op.FSTORE, 0, 3, 1, 0); return;
    case 0o24: D.choose(Op.FRSTOR); return;
    case 0o26: D.choose(Op.FNSAVE); return;
    case 0o27: D.choose(Op.FNSTSW); return;
    case 0o34: family(Op.FLOAD, 0, 7, 0, 0); return;
    case 0o35: family(Op.FLOAD, 0, 6, 0, 0); return;
    case 0o36: family(Op.FSTORE, 0, 7, 1, 0); return;
    case 0o37: family(Op.FSTORE, 0, 6, 1, 0); return;
    default: D.undefined_();
  }
}

function registerForm(b: u32, g: u32, i: u32): void {
  switch (b) {
    case 0xd8:
      if (g == 2 || g == 3) family(Op.FCOMPARE, 0, 0, g - 2, 0);
      else family(Op.FARITHMETIC, g, 0, 0, 0);
      return;
    case 0xdc: case 0xde: {
      // The other direction; DE pops. FCOM, FCOMP and FCOMPP among them; DC D0, DC D8 and DE D0 are old aliases.
      const pops: u32 = b == 0xde ? 1 : 0;
      if (g == 2) family(Op.FCOMPARE, 0, 0, pops, 0);
      else if (g == 3) {
        if (!pops) family(Op.FCOMPARE, 0, 0, 1, 0);
        else if (i == 1) family(Op.FCOMPARE, 0, 0, 2, 0);
        else D.undefined_();
      } else family(Op.FARITHMETIC, g, 0, pops, 1);
      return;
    }
    case 0xd9: registerD9(g, i); return;
    case 0xda:
      if (g < 4) conditional(g, false);
      else if (g == 5 && i == 1) family(Op.FCOMPARE, 1, 0, 2, 0);
      else D.undefined_();
      return;
    case 0xdb: registerDb(g, i); return;
    case 0xdd:
      switch (g) {
        case 0: family(Op.FFREE, 0, 0, 0, 0); return;
        case 1: family(Op.FXCH, 0, 0, 0, 0); return; // alias
        case 2: case 3: family(Op.FSTST, 0, 0, g - 2, 0); return;
        case 4: case 5: family(Op.FCOMPARE, 1, 0, g - 4, 0); return;
        default: D.undefined_(); return;
      }
    default: // DF; the first four are aliases
      switch (g) {
        case 0: family(Op.FFREE, 0, 0, 1, 0); return;
        case 1: family(Op.FXCH, 0, 0, 0, 0); return;
        case 2: case 3: family(Op.FSTST, 0, 0, 1, 0); return;
        case 4: if (i == 0) D.choose(Op.FNSTSWAX); else D.undefined_(); return;
        case 5: case 6: compareFlags(g == 5, 1); return;
        default: D.undefined_();
      }
  }
}
/** FCMOVB, FCMOVE, FCMOVBE and FCMOVU by `g`; `not` for their opposites. */
function conditional(g: u32, not: bool): void {
  if (!has(Feature.CMOV)) { D.undefined_(); return; }
  const condition: u32 = g == 0 ? 2 : g == 1 ? 4 : g == 2 ? 6 : 10;
  family(Op.FCMOV, condition | (not ? 1 : 0), 0, 0, 0);
}
function compareFlags(quiet: bool, pops: u32): void {
  if (has(Feature.CMOV)) family(Op.FCOMI, quiet ? 1 : 0, 0, pops, 0); else D.undefined_();
}
function registerDb(g: u32, i: u32): void {
  if (g < 4) { conditional(g, true); return; }
  if (g == 5 || g == 6) { compareFlags(g == 5, 0); return; }
  if (g != 4) { D.undefined_(); return; }
  switch (i) {
    case 2: D.choose(Op.FNCLEX); return;
    case 3: D.choose(Op.FNINIT); return;
    case 0: case 1: case 4: D.choose(Op.FNOTHING); return;
    default: D.undefined_();
  }
}
function registerD9(g: u32, i: u32): void {
  switch (g) {
    case 0: family(Op.FLDST, 0, 0, 0, 0); return;
    case 1: family(Op.FXCH, 0, 0, 0, 0); return;
    case 2: if (i == 0) family(Op.FNOP, 0, 0, 0, 0); else D.undefined_(); return;
    case 3: family(Op.FSTST, 0, 0, 1, 0); return; // alias
    case 5: if (i < 7) family(Op.FCONSTANT, i, 0, 0, 0); else D.undefined_(); return;
    default:
  }
  switch ((g << 3) | i) {
    case 0o40: family(Op.FCHS, 0, 0, 0, 0); return;
    case 0o41: family(Op.FABS, 0, 0, 0, 0); return;
    case 0o44: family(Op.FTST, 0, 0, 0, 0); return;
    case 0o45: family(Op.FXAM, 0, 0, 0, 0); return;
    case 0o60: family(Op.F2XM1, 0, 0, 0, 0); return;
    case 0o61: family(Op.FYL2X, 0, 0, 0, 0); return;
    case 0o62: family(Op.FPTAN, 0, 0, 0, 0); return;
    case 0o63: family(Op.FPATAN, 0, 0, 0, 0); return;
    case 0o64: family(Op.FXTRACT, 0, 0, 0, 0); return;
    case 0o65: family(Op.FPREM1, 0, 0, 0, 0); return;
    case 0o66: family(Op.FMOVETOP, 7, 0, 0, 0); return;
    case 0o67: family(Op.FMOVETOP, 1, 0, 0, 0); return;
    case 0o70: family(Op.FPREM, 0, 0, 0, 0); return;
    case 0o71: family(Op.FYL2XP1, 0, 0, 0, 0); return;
    case 0o72: family(Op.FSQRT, 0, 0, 0, 0); return;
    case 0o73: family(Op.FSINCOS, 0, 0, 0, 0); return;
    case 0o74: family(Op.FRNDINT, 0, 0, 0, 0); return;
    case 0o75: family(Op.FSCALE, 0, 0, 0, 0); return;
    case 0o76: family(Op.FSIN, 0, 0, 0, 0); return;
    case 0o77: family(Op.FCOS, 0, 0, 0, 0); return;
    default: D.undefined_();
  }
}
