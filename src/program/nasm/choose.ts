/**
 * Which of a mnemonic's encodings NASM would take.
 *
 * Of those that fit the operands, the shortest; of equally short ones a sign-extended byte immediate before a full one,
 * then the first in opcode order (so `mov eax, ebx` is 89 D8). VEX comes before EVEX even where EVEX were shorter.
 */
import { Code, OpCodeOperandKind } from 'iced-x86';
import { resolveAddress, type Address } from './address';
import { encode, type Ready } from './encode';
import { encodingOf, type Encoding, type OperandRule } from './encodings';
import type { EncodePlace, Encoded } from './fields';
import { EVEX_FIRST, FAR_POINTER, fittingEncodings } from './fit';
import { mismatch, sizeWords } from './mismatch';
import type { MnemonicInfo } from './mnemonics';
import type { OperandValue } from './operand';
import { prefixBytes, type Prefixes } from './prefixes';
import { SourceError } from './problem';
import { rewriteOperands, withAddressOperand } from './rewrite';
import { generalRegister } from './registers';
import { isSimple, unsigned } from './value';

export interface ChooseState extends EncodePlace {
  defaultRelative: boolean;
}

/** Instructions whose memory operand may come without a size: it is the mode's, or the one of the form listed first. */
const DEFAULT_MEMORY_SIZE = new Set([
  ...[
    'call',
    'jmp',
    'lgdt',
    'lidt',
    'sgdt',
    'sidt',
    'fldenv',
    'fnstenv',
    'fstenv',
    'frstor',
    'fnsave',
    'fsave',
    'movd',
  ],
  ...['cvtsi2ss', 'cvtsi2sd', 'vcvtsi2ss', 'vcvtsi2sd', 'vcvtpd2dq', 'vcvttpd2dq', 'vcvtpd2ps', 'vcvtneps2bf16'],
  ...['vcvtpd2ph', 'vcvtdq2ph', 'vcvtudq2ph', 'vcvtqq2ph', 'vcvtuqq2ph'],
]);

/** Operands, perhaps rewritten, and the encodings that fit them. */
interface Forms {
  operands: readonly OperandValue[];
  encodings: Encoding[];
}

/** The bytes of an instruction at a place. Throws a SourceError that says what is wrong with it. */
export function assembleInstruction(
  mnemonic: MnemonicInfo,
  operands: readonly OperandValue[],
  prefixes: Prefixes,
  state: ChooseState,
): Encoded {
  if (prefixes.operandSize === 64 && state.bits !== 64)
    throw new SourceError(`"o64" needs "bits 64"; this is "bits ${state.bits}"`);
  if (operands.length === 0) {
    const { name, raw, withoutOperands } = mnemonic;
    if (raw) return { bytes: Uint8Array.from([...prefixBytes(prefixes, state.bits), ...raw]), fixups: [] };
    if (withoutOperands) mnemonic = { name: name + 'p', encodings: withoutOperands };
  }
  // NASM gives INVPCID a REX.W that it does not need.
  if (mnemonic.name === 'invpcid' && state.bits === 64) prefixes = { ...prefixes, operandSize: 64 };
  prefixes = withAddressOperand(mnemonic, operands, prefixes);
  const forms = findForms(mnemonic, rewriteOperands(mnemonic, operands, state.bits), prefixes, state);
  checkMemory(mnemonic, forms, prefixes);
  const best = shortest(mnemonic, forms, prefixes, state);
  if (!best) throw mismatch(mnemonic, forms.operands, state.bits);
  return shortenMove(best.encoding, best.encoded, forms.operands, prefixes, state);
}

function findForms(
  mnemonic: MnemonicInfo,
  operands: readonly OperandValue[],
  prefixes: Prefixes,
  state: ChooseState,
): Forms {
  const inMode = mnemonic.encodings.filter(e => e.modes & state.bits);
  if (inMode.length === 0) throw new SourceError(`"${mnemonic.name}" does not exist in ${state.bits}-bit mode`);
  const fitting = (list: readonly OperandValue[]): Forms => ({
    operands: list,
    encodings: fittingEncodings(inMode, list, state, mnemonic, prefixes),
  });
  let forms = fitting(operands);
  if (forms.encodings.length === 0 && operands.length >= 2 && inMode.every(e => !e.legacy)) {
    // `vaddps xmm0, xmm1` is `vaddps xmm0, xmm0, xmm1`.
    forms = fitting([operands[0], { ...operands[0], decorators: undefined }, ...operands.slice(1)]);
  }
  if (EITHER_ORDER.has(mnemonic.name) && operands.length === 2) {
    const swapped = fitting([operands[1], operands[0]]);
    // `xchg rbx, rax` has the short form too, with the operands the other way round.
    const short =
      mnemonic.name === 'xchg' && swapped.encodings.some(e => e.operands.some(rule => rule.fixed !== undefined));
    if (swapped.encodings.length > 0 && (forms.encodings.length === 0 || short)) forms = swapped;
  }
  if (forms.encodings.length === 0) throw mismatch(mnemonic, operands, state.bits);
  // `[qword ...]` asks for the form with a 64-bit address where there is one.
  const offsetForms = forms.encodings.filter(e => e.operands.some(rule => rule.memory === 'offset'));
  return state.bits === 64 && offsetForms.length > 0 ? { ...forms, encodings: offsetForms } : forms;
}

/** Refuses a memory operand of unclear size and a segment that is overridden twice. */
function checkMemory(mnemonic: MnemonicInfo, { operands, encodings }: Forms, prefixes: Prefixes): void {
  const memory = operands.find(operand => operand.kind === 'memory');
  if (!memory) return;
  if (memory.segment && prefixes.segment !== undefined)
    throw new SourceError(
      'the segment is overridden twice: in front and in the brackets',
      memory.column,
      memory.endColumn,
    );
  if (memory.size !== undefined || DEFAULT_MEMORY_SIZE.has(mnemonic.name)) return;
  const sizes = new Set(encodings.filter(e => e.operands.some(rule => rule.memory)).map(e => e.memoryBits));
  if (sizes.size > 1)
    throw new SourceError(
      `the size of the memory operand is not clear: write ${sizeWords(sizes)} before "["`,
      memory.column,
      memory.endColumn,
    );
}

function shortest(
  mnemonic: MnemonicInfo,
  { operands, encodings }: Forms,
  prefixes: Prefixes,
  state: ChooseState,
): { encoding: Encoding; encoded: Encoded } | undefined {
  const sizeless = operands.every(
    ({ kind, size, distance }) =>
      kind !== 'register' && (size === undefined || size === 8) && (kind !== 'memory' || distance === 'far'),
  );
  const vexFirst = encodings.some(e => !e.evex) && !prefixes.evex && !EVEX_FIRST.test(mnemonic.name);
  // VEX comes before EVEX, which remains for operands that only it can encode.
  const ordered = vexFirst ? [...encodings.filter(e => !e.evex), ...encodings.filter(e => e.evex)] : encodings;
  let best: { encoding: Encoding; encoded: Encoded } | undefined;
  for (const encoding of ordered) {
    if (best && encoding.evex && !best.encoding.evex) break;
    const ready = operands.map((operand, i) =>
      withAddress(operand, encoding.operands[encoding.written[i]], prefixes, state),
    );
    const encoded = encode(encoding, ready, prefixes, state);
    if (!encoded) continue;
    const better = best && compare(encoding, encoded, best.encoding, best.encoded, prefixes, sizeless ? state.bits : 0);
    if (better === undefined || better < 0) best = { encoding, encoded };
  }
  return best;
}

function withAddress(operand: OperandValue, rule: OperandRule, prefixes: Prefixes, state: ChooseState): Ready {
  if (operand.kind !== 'memory') return { operand };
  // MPX and AMX use base and index as two values.
  const separate = rule.kind === OpCodeOperandKind.mem_mib || rule.kind === OpCodeOperandKind.sibmem;
  const memory = separate ? { ...operand, noSplit: true } : operand;
  const address = resolveAddress(memory, state.bits, state.defaultRelative, rule.memory === 'vsib');
  return { operand, address: withAddressSize(address, prefixes, state) };
}

/** Instructions whose operands may stand in either order. */
const EITHER_ORDER = new Set(['test', 'xchg']);

/** `a32` in front of an instruction makes a registerless address 32 bits wide. */
function withAddressSize(address: Address, prefixes: Prefixes, state: ChooseState): Address {
  if (!prefixes.addressSize || !address.direct || state.bits === 64 || address.forced) return address;
  return { ...address, bits: prefixes.addressSize, displacementBytes: prefixes.addressSize / 8 };
}

/** `defaultBits` is the mode when no operand says the operand size, otherwise 0. */
function compare(a: Encoding, ea: Encoded, b: Encoding, eb: Encoded, prefixes: Prefixes, defaultBits: number): number {
  if (FAR_POINTER.has(a.code) && defaultBits === 64) {
    const difference = Number(a.operandSize !== 64) - Number(b.operandSize !== 64);
    if (difference !== 0) return difference;
  }
  if (defaultBits && !prefixes.operandSize) {
    const usual = (e: Encoding) => {
      if (e.operandSize === 0) return 0;
      const wanted = defaultBits === 64 ? (e.defaultOperandSize64 ? 64 : 32) : defaultBits;
      return Number(e.operandSize !== wanted);
    };
    const difference = usual(a) - usual(b);
    if (difference !== 0) return difference;
  }
  if (prefixes.operandSize) {
    const matches = (e: Encoding) => Number(e.operandSize !== prefixes.operandSize);
    const difference = matches(a) - matches(b);
    if (difference !== 0) return difference;
  }
  // With VEX and EVEX the first form is taken even if another were shorter (`vmovdqa xmm2, xmm13`).
  if (!a.legacy && !b.legacy) return preference(a) - preference(b);
  if (ea.bytes.length !== eb.bytes.length) return ea.bytes.length - eb.bytes.length;
  const short = (e: Encoding) => (e.operands.some(rule => rule.immediate === 1 && rule.extended) ? 0 : 1);
  return short(a) - short(b) || preference(a) - preference(b);
}

/** Among equals, the encodings that NASM lists first where that is not opcode order; less is better. */
function preference(encoding: Encoding): number {
  return PREFERRED.has(encoding.code) ? 0 : 1;
}
const PREFERRED = new Set([
  Code.Movq_mmm64_mm,
  Code.Movq_mm_mmm64,
  Code.Movq_xmm_xmmm64,
  Code.Movq_xmmm64_xmm,
  Code.VEX_Vmovq_xmm_xmmm64,
  Code.VEX_Vmovq_xmmm64_xmm,
  Code.XOP_Vpperm_xmm_xmm_xmm_xmmm128,
  Code.Fadd_sti_st0,
  Code.Fmul_sti_st0,
  Code.Fsub_sti_st0,
  Code.Fsubr_sti_st0,
  Code.Fdiv_sti_st0,
  Code.Fdivr_sti_st0,
]);

/** `mov r64, imm` in the 32-bit form when the upper half becomes zero. */
function shortenMove(
  encoding: Encoding,
  encoded: Encoded,
  operands: readonly OperandValue[],
  prefixes: Prefixes,
  state: ChooseState,
): Encoded {
  if (encoding.code !== Code.Mov_r64_imm64 && encoding.code !== Code.Mov_rm64_imm32) return encoded;
  const [target, source] = operands;
  if (target.kind !== 'register' || source.kind !== 'immediate') return encoded;
  if (source.size !== undefined && source.size !== 64) return encoded;
  if (!isSimple(source.value) || source.strict)
    return encode(
      encodingOf(Code.Mov_r64_imm64),
      operands.map(operand => ({ operand })),
      prefixes,
      state,
    )!;
  if (unsigned(source.value.number) > 0xffffffffn) return encoded;
  const narrow = generalRegister(target.register.index, 32);
  const ready = [{ operand: { ...target, register: narrow } }, { operand: source }];
  return encode(encodingOf(Code.Mov_r32_imm32), ready, prefixes, state) ?? encoded;
}
