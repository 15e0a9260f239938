/**
 * The instruction set, from iced-x86's tables: which encodings a mnemonic has and what each operand may be.
 *
 * The index over all ~4,900 encodings is built on first use; the details of an encoding when its mnemonic is first met.
 */
import {
  Code,
  CodeExt,
  DecoderOptions,
  EncodingKind,
  Instruction,
  MandatoryPrefix,
  MemorySizeExt,
  Mnemonic,
  OpCodeInfo,
  OpCodeOperandKind,
  OpKind,
  Register,
} from 'iced-x86';
import type { RegisterClass } from './registers';

/** What an operand of an encoding may be. */
export interface OperandRule {
  kind: OpCodeOperandKind;
  /** A register of this class fits. */
  registers?: RegisterClass;
  /** Exactly this register fits. */
  fixed?: Register;
  /** A memory operand fits. */
  memory?: 'any' | 'offset' | 'vsib';
  /** Class of a vsib index. */
  vsib?: RegisterClass;
  /** Bytes of an immediate field. */
  immediate?: 1 | 2 | 4 | 8;
  /** The immediate is extended from its field to this many bits. */
  extended?: 16 | 32 | 64;
  /** The immediate is the constant 1 and has no field. */
  one?: boolean;
  /** Bytes of the distance of a relative branch. */
  branch?: 1 | 2 | 4;
  /** Bytes of the offset of a far pointer. */
  far?: 2 | 4;
  /** The operand is not written in the source; it is memory unless `fixed` says otherwise. */
  implicit?: boolean;
  /** iced-x86's kind for an immediate or branch operand. */
  opKind?: OpKind;
}

export interface Encoding {
  code: Code;
  /** All operands in iced's order, implicit ones included. */
  operands: OperandRule[];
  /** The operands that the source writes. */
  written: number[];
  /** 16, 32 or 64 when the encoding fixes the operand size. */
  operandSize: number;
  /** 16, 32 or 64 when it fixes the address size. */
  addressSize: number;
  /** Size of the memory operand in bits; 0 when it has none or any will do. */
  memoryBits: number;
  /** Size of one element when the memory operand may be broadcast. */
  broadcastBits: number;
  legacy: boolean;
  evex: boolean;
  /** 3DNow!: the opcode is the last byte. */
  now3d: boolean;
  /** 0x66, 0xf2 or 0xf3 when it belongs to the opcode, otherwise 0. */
  mandatoryPrefix: number;
  defaultOperandSize64: boolean;
  modes: number;
  /** A VIA PadLock instruction: its F3 may be written as `rep`. */
  padlock: boolean;
  /** Decoders recognise it only when asked to. */
  historic: boolean;
  /** The EVEX form must name a mask register k1-k7. */
  needsMask: boolean;
}

type Rule = Omit<OperandRule, 'kind'>;
const K = OpCodeOperandKind;
const RULES = new Map<OpCodeOperandKind, Rule>();
const rule = (rules: Rule, ...kinds: OpCodeOperandKind[]) => kinds.forEach(kind => RULES.set(kind, rules));

rule({ far: 2, opKind: OpKind.FarBranch16 }, K.farbr2_2);
rule({ far: 4, opKind: OpKind.FarBranch32 }, K.farbr4_2);
rule({ memory: 'offset' }, K.mem_offs);
rule({ memory: 'any' }, K.mem, K.mem_mpx, K.mem_mib, K.sibmem);
rule({ memory: 'vsib', vsib: 'xmm' }, K.mem_vsib32x, K.mem_vsib64x);
rule({ memory: 'vsib', vsib: 'ymm' }, K.mem_vsib32y, K.mem_vsib64y);
rule({ memory: 'vsib', vsib: 'zmm' }, K.mem_vsib32z, K.mem_vsib64z);
rule({ registers: 'gpr8', memory: 'any' }, K.r8_or_mem);
rule({ registers: 'gpr16', memory: 'any' }, K.r16_or_mem);
rule({ registers: 'gpr32', memory: 'any' }, K.r32_or_mem, K.r32_or_mem_mpx);
rule({ registers: 'gpr64', memory: 'any' }, K.r64_or_mem, K.r64_or_mem_mpx);
rule({ registers: 'mm', memory: 'any' }, K.mm_or_mem);
rule({ registers: 'xmm', memory: 'any' }, K.xmm_or_mem);
rule({ registers: 'ymm', memory: 'any' }, K.ymm_or_mem);
rule({ registers: 'zmm', memory: 'any' }, K.zmm_or_mem);
rule({ registers: 'bound', memory: 'any' }, K.bnd_or_mem_mpx);
rule({ registers: 'mask', memory: 'any' }, K.k_or_mem);
rule({ registers: 'gpr8' }, K.r8_reg, K.r8_opcode);
rule({ registers: 'gpr16' }, K.r16_reg, K.r16_reg_mem, K.r16_rm, K.r16_opcode);
rule({ registers: 'gpr32' }, K.r32_reg, K.r32_reg_mem, K.r32_rm, K.r32_opcode, K.r32_vvvv);
rule({ registers: 'gpr64' }, K.r64_reg, K.r64_reg_mem, K.r64_rm, K.r64_opcode, K.r64_vvvv);
rule({ registers: 'segment' }, K.seg_reg);
rule({ registers: 'mask' }, K.k_reg, K.kp1_reg, K.k_rm, K.k_vvvv);
rule({ registers: 'mm' }, K.mm_reg, K.mm_rm);
rule({ registers: 'xmm' }, K.xmm_reg, K.xmm_rm, K.xmm_vvvv, K.xmmp3_vvvv, K.xmm_is4, K.xmm_is5);
rule({ registers: 'ymm' }, K.ymm_reg, K.ymm_rm, K.ymm_vvvv, K.ymm_is4, K.ymm_is5);
rule({ registers: 'zmm' }, K.zmm_reg, K.zmm_rm, K.zmm_vvvv, K.zmmp3_vvvv);
rule({ registers: 'control' }, K.cr_reg);
rule({ registers: 'debug' }, K.dr_reg);
rule({ registers: 'test' }, K.tr_reg);
rule({ registers: 'bound' }, K.bnd_reg);
rule({ registers: 'tile' }, K.tmm_reg, K.tmm_rm, K.tmm_vvvv);
rule({ registers: 'st' }, K.sti_opcode);
for (const [kind, fixed] of [
  [K.es, Register.ES],
  [K.cs, Register.CS],
  [K.ss, Register.SS],
  [K.ds, Register.DS],
  [K.fs, Register.FS],
  [K.gs, Register.GS],
  [K.al, Register.AL],
  [K.cl, Register.CL],
  [K.ax, Register.AX],
  [K.dx, Register.DX],
  [K.eax, Register.EAX],
  [K.rax, Register.RAX],
  [K.st0, Register.ST0],
])
  rule({ fixed: fixed as Register }, kind as OpCodeOperandKind);
rule({ immediate: 1, opKind: OpKind.Immediate8 }, K.imm8, K.imm4_m2z);
rule({ one: true, opKind: OpKind.Immediate8 }, K.imm8_const_1);
rule({ immediate: 1, extended: 16, opKind: OpKind.Immediate8to16 }, K.imm8sex16);
rule({ immediate: 1, extended: 32, opKind: OpKind.Immediate8to32 }, K.imm8sex32);
rule({ immediate: 1, extended: 64, opKind: OpKind.Immediate8to64 }, K.imm8sex64);
rule({ immediate: 2, opKind: OpKind.Immediate16 }, K.imm16);
rule({ immediate: 4, opKind: OpKind.Immediate32 }, K.imm32);
rule({ immediate: 4, extended: 64, opKind: OpKind.Immediate32to64 }, K.imm32sex64);
rule({ immediate: 8, opKind: OpKind.Immediate64 }, K.imm64);
rule({ implicit: true }, K.seg_rSI, K.es_rDI, K.seg_rDI, K.seg_rBX_al);
rule({ branch: 1, opKind: OpKind.NearBranch16 }, K.br16_1);
rule({ branch: 1, opKind: OpKind.NearBranch32 }, K.br32_1);
rule({ branch: 1, opKind: OpKind.NearBranch64 }, K.br64_1);
rule({ branch: 2, opKind: OpKind.NearBranch16 }, K.br16_2, K.xbegin_2);
rule({ branch: 4, opKind: OpKind.NearBranch32 }, K.br32_4);
rule({ branch: 4, opKind: OpKind.NearBranch64 }, K.br64_4);
rule({ branch: 4, opKind: OpKind.NearBranch32 }, K.xbegin_4);
rule({ branch: 2, opKind: OpKind.NearBranch16 }, K.brdisp_2);
rule({ branch: 4, opKind: OpKind.NearBranch32 }, K.brdisp_4);

/** Codes by the lower-case name of their mnemonic, in iced's order (that of the opcodes). */
let index: Map<string, Code[]> | undefined;
const details = new Map<Code, Encoding>();

function buildIndex(): Map<string, Code[]> {
  const byMnemonic: Code[][] = [];
  const instruction = new Instruction();
  const count = Object.keys(Code).length / 2;
  for (let code = Code.DeclareQword + 1; code < count; code++) {
    instruction.code = code;
    (byMnemonic[instruction.mnemonic] ??= []).push(code);
  }
  instruction.free();
  const names = new Map<string, Code[]>();
  byMnemonic.forEach((codes, mnemonic) => names.set(Mnemonic[mnemonic].toLowerCase(), codes));
  return names;
}

const PREFIX_BYTE: Record<number, number> = {
  [MandatoryPrefix.P66]: 0x66,
  [MandatoryPrefix.PF3]: 0xf3,
  [MandatoryPrefix.PF2]: 0xf2,
};

function describe(code: Code): Encoding | undefined {
  const known = details.get(code);
  if (known) return known;
  const info = CodeExt.opCode(code);
  try {
    // MVEX belongs to a processor family that NASM does not know.
    if (!info.isInstruction || info.isReservedNop || info.encoding === EncodingKind.MVEX) return undefined;
    if (info.decoderOption & DecoderOptions.KNC) return undefined;
    const operands: OperandRule[] = [];
    for (let i = 0; i < info.opCount; i++) {
      const kind = info.opKind(i);
      operands.push({ kind, ...RULES.get(kind)! });
    }
    // String instructions do not write their AL, EAX or DX either.
    if (operands.some(operand => operand.implicit))
      for (const operand of operands) operand.implicit ||= operand.fixed !== undefined;
    const encoding: Encoding = {
      code,
      operands,
      written: operands.flatMap((operand, i) => (operand.implicit ? [] : [i])),
      operandSize: info.operandSize,
      addressSize: info.addressSize,
      memoryBits: 8 * MemorySizeExt.size(info.memorySize),
      broadcastBits: info.canBroadcast ? 8 * MemorySizeExt.size(info.broadcastMemorySize) : 0,
      legacy: info.encoding === EncodingKind.Legacy || info.encoding === EncodingKind.D3NOW,
      evex: info.encoding === EncodingKind.EVEX,
      now3d: info.encoding === EncodingKind.D3NOW,
      mandatoryPrefix: info.encoding === EncodingKind.Legacy ? (PREFIX_BYTE[info.mandatoryPrefix] ?? 0) : 0,
      defaultOperandSize64: info.defaultOpSize64 || info.forceOpSize64,
      modes: (info.mode16 ? 16 : 0) | (info.mode32 ? 32 : 0) | (info.mode64 && !amdBranch(info, operands) ? 64 : 0),
      padlock: /^X(store|crypt|sha)|^Montmul/.test(Code[code]),
      historic: info.decoderOption !== 0,
      needsMask: info.requireOpMaskRegister,
    };
    details.set(code, encoding);
    return encoding;
  } finally {
    info.free();
  }
}

/** Near branches with a 16-bit operand exist in 64-bit mode only on AMD processors; NASM has none. */
function amdBranch(info: OpCodeInfo, operands: readonly OperandRule[]): boolean {
  return !info.intelDecoder64 && (operands.some(rule => rule.branch) || /^(Jmp|Call)_rm16$/.test(Code[info.code]));
}

/** The encodings of one of iced's mnemonics. */
export function encodingsOf(mnemonic: string): Encoding[] {
  index ??= buildIndex();
  const encodings = (index.get(mnemonic) ?? []).map(describe).filter(encoding => encoding !== undefined);
  // Encodings of processors before the Pentium, of which the others took the name.
  const usual = encodings.filter(encoding => !encoding.historic);
  return usual.length > 0 ? usual : encodings;
}

/** One encoding by its code. */
export const encodingOf = (code: Code): Encoding => describe(code)!;

/** iced's mnemonics, in lower case. */
export function mnemonics(): Iterable<string> {
  index ??= buildIndex();
  return index.keys();
}
