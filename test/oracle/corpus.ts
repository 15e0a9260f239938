/**
 * Generated source lines over the whole instruction set: every encoding of iced-x86's tables with operands that fit it,
 * in 16, 32 and 64-bit mode. The same seed gives the same lines.
 */
import { Code, CpuidFeature, Instruction, Register } from 'iced-x86';
import type { Encoding, OperandRule } from '../../src/program/nasm/encodings';
import { mnemonicNamed, mnemonicNames } from '../../src/program/nasm/mnemonics';
import type { RegisterClass } from '../../src/program/nasm/registers';

export type Bits = 16 | 32 | 64;

/** Numbers from a seed (xorshift32): the same on every machine. */
export class Random {
  constructor(private state: number) {}
  next(below: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state % below;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)];
  }
}

const LOW: Record<RegisterClass, readonly string[]> = {
  gpr8: ['al', 'cl', 'dl', 'bh', 'ah', 'bl'],
  gpr16: ['ax', 'cx', 'bx', 'si', 'bp', 'sp', 'dx'],
  gpr32: ['eax', 'ecx', 'ebx', 'esi', 'ebp', 'esp', 'edx'],
  gpr64: ['rax', 'rcx', 'rbx', 'rsi', 'rbp', 'rsp', 'r8', 'r12', 'r13', 'r15'],
  segment: ['es', 'cs', 'ss', 'ds', 'fs', 'gs'],
  control: ['cr0', 'cr2', 'cr3', 'cr4'],
  debug: ['dr0', 'dr3', 'dr6', 'dr7'],
  test: ['tr3', 'tr6', 'tr7'],
  st: ['st0', 'st1', 'st4', 'st7'],
  mm: ['mm0', 'mm3', 'mm7'],
  xmm: ['xmm0', 'xmm2', 'xmm7'],
  ymm: ['ymm0', 'ymm2', 'ymm7'],
  zmm: ['zmm0', 'zmm2', 'zmm7'],
  mask: ['k0', 'k1', 'k5', 'k7'],
  bound: ['bnd0', 'bnd1', 'bnd3'],
  tile: ['tmm0', 'tmm2', 'tmm7'],
};
const HIGH: Partial<Record<RegisterClass, readonly string[]>> = {
  gpr8: ['sil', 'spl', 'r8b', 'r15b'],
  gpr16: ['r8w', 'r14w'],
  gpr32: ['r9d', 'r13d'],
  control: ['cr8'],
  xmm: ['xmm8', 'xmm13', 'xmm15'],
  ymm: ['ymm9', 'ymm15'],
  zmm: ['zmm10', 'zmm15'],
};
const EVEX_ONLY: Partial<Record<RegisterClass, readonly string[]>> = {
  xmm: ['xmm16', 'xmm25', 'xmm31'],
  ymm: ['ymm18', 'ymm31'],
  zmm: ['zmm17', 'zmm30'],
};

const SIZE_WORD: Record<number, string> = {
  8: 'byte',
  16: 'word',
  32: 'dword',
  64: 'qword',
  80: 'tword',
  128: 'oword',
  256: 'yword',
  512: 'zword',
};

/** Addresses in all forms that a mode has. */
const ADDRESSES: Record<Bits, readonly string[]> = {
  16: [
    'bx+si',
    'bp+di+2',
    'bp',
    'si-0x81',
    'di+0x7f',
    'bx',
    '0x1234',
    'eax+ecx*4+8',
    'es:bx+4',
    'ebp',
    'esp+0x12345',
    'bp+si-128',
  ],
  32: [
    'eax',
    'ebx+ecx*4+0x10',
    'ebp',
    'esp+4',
    '0x12345678',
    'esi*8-1',
    'fs:edx+0x12345',
    'ecx*2',
    'esi+edi',
    'bx+2',
    'edi-0x80',
    'ebp+eax',
    'eax*3',
    'eax+0x80',
    'byte edx+0',
    'dword ecx+1',
  ],
  64: [
    'rax',
    'r12+rcx*8+0x10',
    'rbp',
    'rsp-0x80',
    '0x1234',
    'r13+r9',
    'ecx+4',
    'gs:rax',
    'rel $+0x20',
    'abs 0x1000',
    'rdi+0x80',
    'r13',
    'r12',
    'rsi*4',
    'rcx*2',
    'rbp+rbx*1',
    'r9d+r10d*2-5',
    'fs:0x28',
    'rsp',
    'rbx*5',
    'byte rdx+0',
    'dword r11+1',
  ],
};

const IMMEDIATES: Record<number, readonly string[]> = {
  1: ['0', '1', '5', '-1', '127', '0x80', '0xff', '-128'],
  2: ['0', '1', '-1', '127', '128', '0x1234', '0xffff', '-129', '0xff80'],
  4: ['0', '1', '-1', '127', '128', '0x1234', '0x12345678', '0x7fffffff', '-128', '-129', '0xfffffff0'],
  8: [
    '0',
    '1',
    '-1',
    '0x7fffffff',
    '0x80000000',
    '0xffffffff',
    '0x100000000',
    '0x123456789abcdef0',
    '-0x80000000',
    '-0x80000001',
  ],
};

/**
 * Encodings on which the manual and NASM 2.16.01 disagree: there the manual decides, and NASM is not asked.
 * The key is a mnemonic, the value what NASM does.
 */
export const NASM_MISTAKES: Record<string, string> = {
  vcvtneps2bf16: 'puts the destination into EVEX.vvvv, which must be 1111b',
  ptwrite: 'leaves out the mandatory F3',
  vmgexit: 'encodes it as F2 0F 01 C1',
  enqcmd: 'ignores that the register operand has the size of the address',
  enqcmds: 'ignores that the register operand has the size of the address',
  movdir64b: 'ignores that the register operand has the size of the address',
  retw: 'leaves out the operand-size prefix when there is an immediate',
  incsspd: 'adds 66 in 16-bit mode, which makes another instruction',
  rdsspd: 'adds 66 in 16-bit mode, which makes another instruction',
  wrssd: 'adds 66 in 16-bit mode, which makes another instruction (ADCX)',
  wrussd: 'adds a second 66 in 16-bit mode',
  rdshr: 'adds 66 in 16-bit mode',
  wrshr: 'adds 66 in 16-bit mode',
  vextractps: 'takes the EVEX form for a 64-bit register although VEX has it',
  vpextrw: 'takes another opcode in the EVEX form',
  pop: 'accepts POP CS beyond the 8086, without the prefix for its 16 bits',
};
/** For this extension NASM has wrong opcodes and scales 8-bit displacements wrongly in many places. */
const MISTAKEN_FEATURE = CpuidFeature.AVX512_FP16;

function mistaken(name: string, encoding: Encoding, line: string): boolean {
  if (name === 'pop') return line === 'pop cs';
  if (name === 'retw') return encoding.written.length > 0;
  if (name === 'vpextrw') return encoding.evex;
  if (name === 'vextractps') return encoding.operands[0].registers === 'gpr64';
  if (name in NASM_MISTAKES) return true;
  const instruction = new Instruction();
  instruction.code = encoding.code;
  const features = instruction.cpuidFeatures();
  instruction.free();
  return features.includes(MISTAKEN_FEATURE);
}

export class CorpusWriter {
  private readonly random: Random;
  constructor(
    private readonly bits: Bits,
    seed: number,
  ) {
    this.random = new Random(seed * 977 + bits);
  }

  /** `variants` lines for each encoding of each mnemonic in this mode. */
  lines(variants: number): string[] {
    const lines: string[] = [];
    for (const name of [...new Set(mnemonicNames())].sort()) {
      const info = mnemonicNamed(name);
      for (const encoding of info?.encodings ?? []) {
        if (!(encoding.modes & this.bits)) continue;
        const made = new Set<string>();
        for (let i = 0; i < variants; i++) {
          const line = this.line(name, encoding);
          if (!mistaken(name, encoding, line)) made.add(line);
        }
        lines.push(...made);
      }
    }
    return lines;
  }

  private line(name: string, encoding: Encoding): string {
    const operands = encoding.written.map((at, i) => this.operand(encoding.operands[at], encoding, i === 0));
    return `${name} ${operands.join(', ')}`.trim();
  }

  private register(registerClass: RegisterClass, encoding: Encoding): string {
    const names = [...LOW[registerClass]];
    if (this.bits === 64) {
      names.push(...(HIGH[registerClass] ?? []));
      if (encoding.evex) names.push(...(EVEX_ONLY[registerClass] ?? []));
    }
    return this.random.pick(names);
  }

  private operand(rule: OperandRule, encoding: Encoding, first: boolean): string {
    const { random } = this;
    if (rule.fixed !== undefined) return Register[rule.fixed].toLowerCase();
    if (rule.memory && (!rule.registers || random.next(2) === 0)) return this.memory(rule, encoding, first);
    if (rule.registers) {
      const decorated = encoding.evex && first && (encoding.needsMask || random.next(3) === 0);
      return (
        this.register(rule.registers, encoding) +
        (decorated ? random.pick(encoding.needsMask ? ['{k1}', '{k7}'] : ['{k1}', '{k3}{z}']) : '')
      );
    }
    if (rule.one) return '1';
    if (rule.immediate) {
      const full = rule.extended === undefined ? rule.immediate : rule.extended === 16 ? 2 : 4;
      return random.pick(IMMEDIATES[full]);
    }
    if (rule.branch) return random.pick(['$+10', '$-100', '$', ...(rule.branch > 1 ? ['$+1000', '$-5000'] : [])]);
    return random.pick(['8:0x1234', '0x10:0x10']);
  }

  private memory(rule: OperandRule, encoding: Encoding, first: boolean): string {
    const { random } = this;
    if (rule.memory === 'vsib') {
      const index = this.register(rule.vsib!, encoding);
      const base = this.bits === 64 ? random.pick(['rax', 'r13', 'ecx']) : random.pick(['eax', 'ebp']);
      return `[${base}+${index}*${random.pick([1, 2, 4, 8])}${random.pick(['', '+8', '-0x1000'])}]${first && encoding.needsMask ? '{k2}' : ''}`;
    }
    const wide = rule.memory === 'offset' && this.bits === 64;
    const address = wide ? 'qword 0x123456789abcdef0' : random.pick(ADDRESSES[this.bits]);
    const size = /^(Jmp|Call)_m16/.test(Code[encoding.code]) ? 'far' : SIZE_WORD[encoding.memoryBits];
    return `${size !== undefined && random.next(4) > 0 ? size + ' ' : ''}[${address}]`;
  }
}
