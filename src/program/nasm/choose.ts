/**
 * Which of a mnemonic's encodings NASM would take.
 *
 * Of those that fit the operands, the shortest; of equally short ones a sign-extended byte immediate before a full one,
 * then the first in opcode order (so `mov eax, ebx` is 89 D8). VEX comes before EVEX even where EVEX were shorter.
 */
import { Code, OpCodeOperandKind, Register } from 'iced-x86';
import { resolveAddress, type Address } from './address';
import { encode, prefixBytes, type EncodePlace, type Encoded, type Prefixes, type Ready } from './encode';
import { encodingOf, type Encoding, type OperandRule } from './encodings';
import type { MnemonicInfo } from './mnemonics';
import type { OperandValue } from './operand';
import { SourceError } from './problem';
import { isClass, rewriteOperands, withAddressOperand } from './rewrite';
import { generalRegister } from './registers';
import { isSimple, sectionOf, unsigned, type Value } from './value';

export interface ChooseState extends EncodePlace {
  defaultRelative: boolean;
}

/** Instructions that had an EVEX form first: NASM takes their later VEX form only when `{vex}` asks for it. */
const EVEX_FIRST = /^(vpdp(bus|wss)ds?|vpmadd52[lh]uq|vcvtneps2bf16)$/;

/** Instructions whose memory operand has the size of the mode when the source gives none. */
const DEFAULT_MEMORY_SIZE = new Set(
  'call jmp lgdt lidt sgdt sidt fldenv fnstenv fstenv frstor fnsave fsave cvtsi2ss cvtsi2sd vcvtsi2ss vcvtsi2sd movd vcvtpd2dq vcvttpd2dq vcvtpd2ps vcvtpd2ph vcvtdq2ph vcvtudq2ph vcvtqq2ph vcvtuqq2ph vcvtneps2bf16'.split(
    ' ',
  ),
);

export function assembleInstruction(
  mnemonic: MnemonicInfo,
  operands: readonly OperandValue[],
  prefixes: Prefixes,
  state: ChooseState,
): Encoded {
  if (prefixes.operandSize === 64 && state.bits !== 64)
    throw new SourceError(`"o64" needs "bits 64"; this is "bits ${state.bits}"`);
  if (operands.length === 0) {
    if (mnemonic.raw)
      return { bytes: Uint8Array.from([...prefixBytes(prefixes, state.bits), ...mnemonic.raw]), fixups: [] };
    const { name, withoutOperands } = mnemonic;
    if (withoutOperands) mnemonic = { name: name + 'p', encodings: withoutOperands };
  }
  if (mnemonic.name === 'invpcid' && state.bits === 64) prefixes = { ...prefixes, operandSize: 64 };
  prefixes = withAddressOperand(mnemonic, operands, prefixes);
  let all = rewriteOperands(mnemonic, operands, state.bits);
  const addresses = new Map<OperandValue, Map<boolean, Address>>();
  const inMode = mnemonic.encodings.filter(e => e.modes & state.bits);
  if (inMode.length === 0) throw new SourceError(`"${mnemonic.name}" does not exist in ${state.bits}-bit mode`);
  let best: { encoding: Encoding; encoded: Encoded } | undefined;
  let fitting = fittingEncodings(inMode, all, state, mnemonic, prefixes);
  if (fitting.length === 0 && all.length >= 2 && inMode.every(e => !e.legacy)) {
    // `vaddps xmm0, xmm1` is `vaddps xmm0, xmm0, xmm1`.
    all = [all[0], { ...all[0], decorators: undefined }, ...all.slice(1)];
    fitting = fittingEncodings(inMode, all, state, mnemonic, prefixes);
  }
  if (fitting.length === 0 || EXCHANGE.has(mnemonic.name)) {
    const swapped = EITHER_ORDER.has(mnemonic.name) && all.length === 2 ? [all[1], all[0]] : undefined;
    const more = swapped ? fittingEncodings(inMode, swapped, state, mnemonic, prefixes) : [];
    // `xchg rax, rbx` has the short form too, with the operands the other way round.
    if (fitting.length === 0 || more.some(e => e.operands.some(rule => rule.fixed !== undefined))) {
      if (more.length > 0) [all, fitting] = [swapped!, more];
    }
  }
  if (fitting.length === 0) throw mismatch(mnemonic, all, state);
  const overridden = all.find(operand => operand.kind === 'memory' && operand.segment);
  if (overridden && prefixes.segment !== undefined)
    throw new SourceError(
      'the segment is overridden twice: in front and in the brackets',
      overridden.column,
      overridden.endColumn,
    );
  // `[qword ...]` asks for the form with a 64-bit address where there is one.
  const offsetForms = fitting.filter(e => e.operands.some(rule => rule.memory === 'offset'));
  if (state.bits === 64 && offsetForms.length > 0) fitting = offsetForms;
  const memory = all.find(operand => operand.kind === 'memory');
  if (memory && memory.size === undefined && !DEFAULT_MEMORY_SIZE.has(mnemonic.name)) {
    const sizes = new Set(fitting.filter(e => e.operands.some(rule => rule.memory)).map(e => e.memoryBits));
    if (sizes.size > 1)
      throw new SourceError(
        `the size of the memory operand is not clear: write ${sizeWords(sizes)} before "["`,
        memory.column,
        memory.endColumn,
      );
  }
  const sizeless = all.every(
    o =>
      o.kind !== 'register' && (o.size === undefined || o.size === 8) && (o.kind !== 'memory' || o.distance === 'far'),
  );
  const plainVex = fitting.some(e => !e.evex) && !prefixes.evex && !EVEX_FIRST.test(mnemonic.name);
  // VEX comes before EVEX, which remains for operands that only it can encode.
  const rounds = plainVex ? [fitting.filter(e => !e.evex), fitting.filter(e => e.evex)] : [fitting];
  for (const encoding of rounds.flat()) {
    if (best && encoding.evex && !best.encoding.evex) break;
    const ready: Ready[] = all.map((operand, i) => ({
      operand,
      address: operand.kind === 'memory' ? address(operand, encoding.operands[encoding.written[i]]) : undefined,
    }));
    const encoded = encode(encoding, ready, prefixes, state);
    if (!encoded) continue;
    if (!best || compare(encoding, encoded, best.encoding, best.encoded, prefixes, sizeless ? state.bits : 0) < 0)
      best = { encoding, encoded };
  }
  if (!best) throw mismatch(mnemonic, all, state);
  return shortenMove(best.encoding, best.encoded, all, prefixes, state);

  function address(operand: OperandValue & { kind: 'memory' }, rule: OperandRule): Address {
    const vsib = rule.memory === 'vsib';
    // MPX and AMX use base and index as two values.
    const mib = rule.kind === OpCodeOperandKind.mem_mib || rule.kind === OpCodeOperandKind.sibmem;
    let list = addresses.get(operand);
    if (!list) addresses.set(operand, (list = new Map()));
    let resolved = list.get(vsib);
    if (!resolved)
      list.set(
        vsib,
        (resolved = resolveAddress(
          mib ? { ...operand, noSplit: true } : operand,
          state.bits,
          state.defaultRelative,
          vsib,
        )),
      );
    return withAddressSize(resolved, prefixes, state);
  }
}

/** Instructions whose operands may stand in either order. */
const EITHER_ORDER = new Set(['test', 'xchg']);
const EXCHANGE = new Set(['xchg']);

function fittingEncodings(
  encodings: readonly Encoding[],
  operands: readonly OperandValue[],
  state: ChooseState,
  mnemonic: MnemonicInfo,
  prefixes: Prefixes,
): Encoding[] {
  return encodings.filter(encoding => {
    if (encoding.written.length !== operands.length) return false;
    // 90 is NOP: in 64-bit mode it does not clear the upper half of RAX as an exchange of EAX would.
    if (prefixes.vex ? encoding.evex || encoding.legacy : prefixes.evex && !encoding.evex) return false;
    if (!prefixes.vex && !encoding.evex && EVEX_FIRST.test(mnemonic.name)) return false;
    if (UNKNOWN_TO_NASM.has(encoding.code)) return false;
    if (prefixes.elision && encoding.operands.some(operandRule => operandRule.memory === 'offset')) return false;
    if (encoding.code === Code.Xchg_r32_EAX && state.bits === 64 && isRegister(operands[0], Register.EAX)) return false;
    const rule = (i: number) => encoding.operands[encoding.written[i]];
    return (
      operands.every((operand, i) => fits(operand, rule(i), encoding, state, mnemonic, operands)) &&
      decoratorsFit(operands, encoding)
    );
  });
}

/** Forms that only decoders know: the destination is as wide as the source. */
const UNKNOWN_TO_NASM = new Set([Code.Movzx_r16_rm16, Code.Movsx_r16_rm16, Code.Movsxd_r16_rm16, Code.Movsxd_r32_rm32]);

const isRegister = (operand: OperandValue, register: Register) =>
  operand.kind === 'register' && operand.register.register === register;

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

function decoratorsFit(operands: readonly OperandValue[], encoding: Encoding): boolean {
  for (const operand of operands)
    for (const decorator of operand.decorators ?? [])
      if (!encoding.evex && decorator !== 'to' && decorator !== 'only') return false;
  return true;
}

function fits(
  operand: OperandValue,
  rule: OperandRule,
  encoding: Encoding,
  state: ChooseState,
  mnemonic: MnemonicInfo,
  all: readonly OperandValue[],
): boolean {
  switch (operand.kind) {
    case 'register':
      if (rule.fixed !== undefined) return rule.fixed === operand.register.register;
      if (rule.registers !== operand.register.class) return false;
      // `insertps xmm0, dword xmm1, 2`: the size may be that of the part used.
      return (
        operand.size === undefined || operand.size === operand.register.bits || operand.size === encoding.memoryBits
      );
    case 'memory':
      return memoryFits(operand, rule, encoding, state);
    case 'far':
      return rule.far !== undefined && (operand.size === undefined || operand.size === 8 * rule.far);
    case 'immediate':
      if (rule.branch) return branchFits(operand, rule.branch, encoding, state);
      if (rule.one)
        return (
          isSimple(operand.value) && operand.value.number === 1n && !operand.value.unknown && operand.size === undefined
        );
      if (!rule.immediate || operand.distance) return false;
      if (
        encoding.code === Code.Mov_rm64_imm32 &&
        (operand.size === undefined || operand.size === 64) &&
        isClass(all[0], 'gpr64') &&
        !fitsSigned32(operand.value)
      )
        return false;
      return immediateFits(operand, rule, encoding, mnemonic);
  }
}

function memoryFits(
  operand: OperandValue & { kind: 'memory' },
  rule: OperandRule,
  encoding: Encoding,
  state: ChooseState,
): boolean {
  if (!rule.memory) return false;
  const farForm =
    encoding.memoryBits === 8 * (2 + 2) || encoding.memoryBits === 8 * (2 + 4) || encoding.memoryBits === 80;
  if (operand.distance === 'far') {
    // `far dword [x]` is a 16-bit selector behind a 32-bit offset.
    if (!FAR_POINTER.has(encoding.code)) return false;
    return operand.size === undefined || operand.size === encoding.memoryBits - 16;
  }
  if (farForm && FAR_POINTER.has(encoding.code)) return false;
  const selector = rule.memory === 'any' && encoding.operands.some(other => other.registers === 'segment');
  if (selector && (operand.size === 32 || operand.size === 64)) return true;
  const wanted = operand.decorators?.some(d => d.startsWith('1to')) ? encoding.broadcastBits : encoding.memoryBits;
  if (operand.size !== undefined && wanted !== 0 && operand.size !== wanted) return false;
  const vectors = operand.address.terms.filter(term => /^[xyz]mm\d/.test(term.key));
  if (rule.memory === 'vsib') return vectors.length === 1 && vectors[0].key.startsWith(rule.vsib!);
  if (vectors.length > 0) return false;
  if (rule.memory === 'offset') {
    const direct = operand.address.terms.every(term => term.key[0] === '@');
    if (!direct || (operand.relative && state.bits === 64) || operand.displacementSize === 8) return false;
    if (state.bits === 64) return operand.displacementSize === 64;
    return true;
  }
  return true;
}

const FAR_POINTER = new Set([
  Code.Jmp_m1616,
  Code.Jmp_m1632,
  Code.Jmp_m1664,
  Code.Call_m1616,
  Code.Call_m1632,
  Code.Call_m1664,
]);

function branchFits(
  operand: OperandValue & { kind: 'immediate' },
  bytes: number,
  encoding: Encoding,
  state: ChooseState,
): boolean {
  if (operand.distance === 'far') return false;
  if (
    operand.size !== undefined &&
    encoding.operandSize !== operand.size &&
    !(state.bits === 64 && operand.size === 32)
  )
    return false;
  const onlyShort = SHORT_ONLY.test(Code[encoding.code]);
  if (bytes > 1) return operand.distance !== 'short';
  if (onlyShort || operand.distance === 'short') return true;
  // A size says how wide the distance is.
  if (operand.distance === 'near' || operand.strict || operand.size !== undefined) return false;
  if (operand.value.unknown) return true;
  if (sectionOf(operand.value) !== state.section) return false;
  const distance = operand.value.number - BigInt(state.offset + 2);
  return distance >= -128n && distance <= 127n;
}

/** Branches that have no near form. */
const SHORT_ONLY = /^(Loop|J[er]?cxz)/;

/**
 * True when the field for a number, 16 or 32 bits wide, is the sign extension of a byte. A 64-bit operand has a 32-bit
 * field too, so `and rax, 0xfffffff0` is `and rax, -16`.
 */
function isSignedByte(value: Value, bits: number): boolean {
  if (value.unknown) return true;
  if (!isSimple(value)) return false;
  const n = BigInt.asIntN(Math.min(bits, 32), value.number);
  return n >= -128n && n <= 127n;
}

function immediateFits(
  operand: OperandValue & { kind: 'immediate' },
  rule: OperandRule,
  encoding: Encoding,
  mnemonic: MnemonicInfo,
): boolean {
  const { size } = operand;
  const field = 8 * rule.immediate!;
  if (mnemonic.name === 'push' && size !== undefined && size !== 8 && encoding.operandSize !== size) {
    if (!(encoding.operandSize === 64 && size === 32)) return false;
  }
  if (rule.immediate === 1 && rule.extended) {
    if (size === 8) return true;
    if (operand.strict) return false;
    if (size !== undefined && size !== rule.extended && !(rule.extended === 64 && size === 32)) return false;
    return isSignedByte(operand.value, rule.extended);
  }
  if (size === undefined || mnemonic.name === 'push') return size !== 8 || field === 8;
  if (rule.extended === 64 && (size === 32 || size === 64)) return true;
  return size === field;
}

function fitsSigned32(value: Value): boolean {
  if (value.unknown) return true;
  return isSimple(value) && value.number === BigInt.asIntN(32, value.number);
}

const SIZE_WORDS: Record<number, string> = {
  8: 'byte',
  16: 'word',
  32: 'dword',
  64: 'qword',
  80: 'tword',
  128: 'oword',
  256: 'yword',
  512: 'zword',
};

function sizeWords(sizes: Iterable<number>): string {
  const words = [...sizes]
    .sort((a, b) => a - b)
    .map(size => SIZE_WORDS[size])
    .filter(Boolean);
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}` : (words[0] ?? 'a size');
}

function describe(operand: OperandValue): string {
  switch (operand.kind) {
    case 'register':
      return operand.register.name;
    case 'memory':
      return (operand.size ? SIZE_WORDS[operand.size] + ' ' : '') + 'memory';
    case 'immediate':
      return (operand.size ? SIZE_WORDS[operand.size] + ' ' : '') + 'number';
    case 'far':
      return 'far address';
  }
}

/** Says why no encoding fits, as precisely as can be told. */
function mismatch(mnemonic: MnemonicInfo, operands: readonly OperandValue[], state: ChooseState): SourceError {
  const wide = operands.find(operand => operand.kind === 'register' && operand.register.class === 'gpr64');
  if (wide && state.bits !== 64)
    return new SourceError(
      `64-bit registers need "bits 64"; this is "bits ${state.bits}"`,
      wide.column,
      wide.endColumn,
    );
  const counts = [...new Set(mnemonic.encodings.filter(e => e.modes & state.bits).map(e => e.written.length))].sort();
  const column = operands[0]?.column ?? 1;
  if (!counts.includes(operands.length))
    return new SourceError(
      `"${mnemonic.name}" takes ${counts.join(' or ')} operand${counts.join() === '1' ? '' : 's'}, not ${operands.length}`,
      column,
    );
  const [a, b] = operands;
  if (a?.kind === 'register' && b?.kind === 'register' && a.register.bits !== b.register.bits)
    return new SourceError(
      `"${mnemonic.name} ${a.register.name}, ${b.register.name}": the operands have different sizes (${a.register.bits} and ${b.register.bits} bits)`,
      column,
      b.endColumn,
    );
  return new SourceError(
    `"${mnemonic.name}" cannot take these operands in ${state.bits}-bit mode: ${operands.map(describe).join(', ')}`,
    column,
    operands[operands.length - 1]?.endColumn,
  );
}

/** Registers that only instructions with a REX prefix reach. */
export const NEEDS_REX = new Set([Register.SPL, Register.BPL, Register.SIL, Register.DIL]);
