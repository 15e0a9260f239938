/** Which encodings fit the operands of an instruction. */
import { Code, Register } from 'iced-x86';
import type { Prefixes } from './prefixes';
import type { Encoding, OperandRule } from './encodings';
import type { EncodePlace } from './fields';
import type { MnemonicInfo } from './mnemonics';
import type { OperandValue } from './operand';
import { isClass } from './rewrite';
import { isSimple, sectionOf, type Value } from './value';

/** Instructions that had an EVEX form first: NASM takes their later VEX form only when `{vex}` asks for it. */
export const EVEX_FIRST = /^(vpdp(bus|wss)ds?|vpmadd52[lh]uq|vcvtneps2bf16)$/;

/** The encodings that the operands and prefixes fit, in opcode order. */
export function fittingEncodings(
  encodings: readonly Encoding[],
  operands: readonly OperandValue[],
  state: EncodePlace,
  mnemonic: MnemonicInfo,
  prefixes: Prefixes,
): Encoding[] {
  const evexFirst = !prefixes.vex && EVEX_FIRST.test(mnemonic.name);
  return encodings.filter(encoding => {
    const { written } = encoding;
    if (written.length !== operands.length) return false;
    for (let i = 0; i < written.length; i++)
      if (!fits(operands[i], encoding.operands[written[i]], encoding, state, mnemonic, operands)) return false;
    if (prefixes.vex ? encoding.evex || encoding.legacy : prefixes.evex && !encoding.evex) return false;
    if ((evexFirst && !encoding.evex) || UNKNOWN_TO_NASM.has(encoding.code)) return false;
    if (prefixes.elision && encoding.operands.some(rule => rule.memory === 'offset')) return false;
    // 90 is NOP: in 64-bit mode it does not clear the upper half of RAX as an exchange of EAX would.
    if (encoding.code === Code.Xchg_r32_EAX && state.bits === 64 && isRegister(operands[0], Register.EAX)) return false;
    return decoratorsFit(operands, encoding);
  });
}

/** Forms that only decoders know: the destination is as wide as the source. */
const UNKNOWN_TO_NASM = new Set([Code.Movzx_r16_rm16, Code.Movsx_r16_rm16, Code.Movsxd_r16_rm16, Code.Movsxd_r32_rm32]);

const isRegister = (operand: OperandValue, register: Register) =>
  operand.kind === 'register' && operand.register.register === register;

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
  state: EncodePlace,
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
  state: EncodePlace,
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

export const FAR_POINTER = new Set([
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
  state: EncodePlace,
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
