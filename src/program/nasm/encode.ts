/** From a chosen encoding and its operands to bytes, by iced-x86's encoder. */
import { Encoder, Instruction, OpCodeOperandKind, OpKind, Register } from 'iced-x86';
import type { Address } from './address';
import type { Encoding } from './encodings';
import {
  addFixup,
  distanceProblem,
  rangeWarning,
  type EncodePlace,
  type Encoded,
  type Field,
  type Fixup,
} from './fields';
import type { OperandValue } from './operand';
import { arrange, leadingPrefixes, now3dRex, type Prefixes } from './prefixes';
import { isSimple } from './value';

/** An operand ready to encode; addresses are resolved. */
export type Ready = { operand: OperandValue; address?: Address };

const encoders = new Map<number, Encoder>();

function encoderFor(bits: number): Encoder {
  let encoder = encoders.get(bits);
  if (!encoder) encoders.set(bits, (encoder = new Encoder(bits)));
  return encoder;
}

const by = (bits: number, of16: OpKind, of32: OpKind, of64: OpKind) => (bits === 16 ? of16 : bits === 32 ? of32 : of64);

/** XBEGIN's distance has no kind of its own: iced wants the mode's. */
const XBEGIN = new Set([OpCodeOperandKind.xbegin_2, OpCodeOperandKind.xbegin_4]);
/** Operands whose register number is in a byte behind the displacement. */
const IN_LAST_BYTE = new Set([
  OpCodeOperandKind.xmm_is4,
  OpCodeOperandKind.xmm_is5,
  OpCodeOperandKind.ymm_is4,
  OpCodeOperandKind.ymm_is5,
]);

/**
 * The bytes of one instruction, or undefined when the encoder refuses the operands (a high byte register with REX, ...).
 * Prefixes come in NASM's order: wait, lock and rep, segment, operand size, address size, those of the opcode, REX.
 */
export function encode(
  encoding: Encoding,
  ready: readonly Ready[],
  prefixes: Prefixes,
  place: EncodePlace,
): Encoded | undefined {
  const { bits } = place;
  const instruction = new Instruction();
  try {
    instruction.code = encoding.code;
    let next = 0;
    let memory: Address | undefined;
    let immediates = 0;
    /** Fields at the end of the instruction that hold a value: immediates and branch distances, in order. */
    const fields: Field[] = [];
    encoding.operands.forEach((rule, i) => {
      if (rule.implicit) {
        if (rule.fixed !== undefined) {
          instruction.setOpKind(i, OpKind.Register);
          instruction.setOpRegister(i, rule.fixed);
        } else setImplicit(instruction, i, rule.kind, prefixes.addressSize ?? encoding.addressSize ?? 0, bits);
        return;
      }
      const { operand, address } = ready[next++];
      if (operand.kind === 'register') {
        instruction.setOpKind(i, OpKind.Register);
        instruction.setOpRegister(i, operand.register.register);
      } else if (operand.kind === 'memory') {
        memory = address!;
        instruction.setOpKind(i, OpKind.Memory);
      } else if (operand.kind === 'far') {
        instruction.setOpKind(i, rule.opKind!);
        instruction.farBranchSelector = Number(operand.segment.number & 0xffffn);
        if (rule.far === 2) instruction.farBranch16 = Number(operand.offset.number & 0xffffn);
        else instruction.farBranch32 = Number(operand.offset.number & 0xffffffffn);
        fields.push({ bytes: rule.far!, value: operand.offset, relative: false });
        fields.push({ bytes: 2, value: operand.segment, relative: false });
      } else if (rule.branch) {
        instruction.setOpKind(
          i,
          XBEGIN.has(rule.kind) ? (bits === 64 ? OpKind.NearBranch64 : OpKind.NearBranch32) : rule.opKind!,
        );
        fields.push({ bytes: rule.branch, value: operand.value, relative: true });
      } else {
        let kind = rule.opKind!;
        if (immediates++ > 0) kind = OpKind.Immediate8_2nd;
        instruction.setOpKind(i, kind);
        const width = 8 * (rule.immediate ?? 1);
        const value = BigInt.asIntN(width, operand.value.number);
        if (rule.extended) instruction.setImmediateI64(i, value);
        else instruction.setImmediateU64(i, BigInt.asUintN(width, value));
        if (rule.immediate)
          fields.push({
            bytes: rule.immediate,
            value: operand.value,
            relative: false,
            extended: rule.extended,
          });
      }
    });
    const added = leadingPrefixes(prefixes, memory);
    if (memory) setMemory(instruction, memory, place, encoding);
    setDecorators(instruction, ready);
    return finish(instruction, encoding, added, memory, fields, prefixes, place);
  } finally {
    instruction.free();
  }
}

/** The memory operand of a string instruction or XLAT, of the wanted address size. */
function setImplicit(instruction: Instruction, i: number, kind: OpCodeOperandKind, size: number, bits: number): void {
  const width = size || bits;
  switch (kind) {
    case OpCodeOperandKind.seg_rSI:
      instruction.setOpKind(i, by(width, OpKind.MemorySegSI, OpKind.MemorySegESI, OpKind.MemorySegRSI));
      break;
    case OpCodeOperandKind.es_rDI:
      instruction.setOpKind(i, by(width, OpKind.MemoryESDI, OpKind.MemoryESEDI, OpKind.MemoryESRDI));
      break;
    case OpCodeOperandKind.seg_rDI:
      instruction.setOpKind(i, by(width, OpKind.MemorySegDI, OpKind.MemorySegEDI, OpKind.MemorySegRDI));
      break;
    case OpCodeOperandKind.seg_rBX_al:
      instruction.setOpKind(i, OpKind.Memory);
      instruction.memoryBase = width === 16 ? Register.BX : width === 32 ? Register.EBX : Register.RBX;
      instruction.memoryIndex = Register.AL;
      break;
  }
}

function setMemory(instruction: Instruction, memory: Address, place: EncodePlace, encoding: Encoding): void {
  const { displacement } = memory;
  if (memory.ripRelative) {
    instruction.memoryBase = memory.bits === 32 ? Register.EIP : Register.RIP;
    instruction.memoryDisplSize = memory.bits === 32 ? 4 : 8;
    // The distance is filled in later; for the encoder the target is near.
    instruction.memoryDisplacementU64 = BigInt(place.offset);
    return;
  }
  instruction.memoryBase = memory.base;
  instruction.memoryIndex = memory.index;
  instruction.memoryIndexScale = memory.scale;
  const offset = encoding.operands.some(rule => rule.memory === 'offset');
  const wide = offset ? memory.bits / 8 : Math.min(memory.bits / 8, 8);
  // EVEX stores displacements in units of the operand: whether one byte will do is the encoder's to find out.
  const compressible =
    encoding.evex && !memory.forced && !memory.direct && memory.displacementBytes > 1 && isSimple(displacement);
  instruction.memoryDisplSize = compressible ? 1 : memory.displacementBytes <= 1 ? memory.displacementBytes : wide;
  const width = offset ? memory.bits : memory.displacementBytes === 2 ? 16 : 32;
  const signed =
    memory.displacementBytes === 1 && !encoding.evex
      ? BigInt.asIntN(8, displacement.number)
      : BigInt.asIntN(width, displacement.number);
  instruction.memoryDisplacementU64 = BigInt.asUintN(memory.bits === 64 ? 64 : memory.bits, signed);
}

function setDecorators(instruction: Instruction, ready: readonly Ready[]): void {
  for (const { operand } of ready)
    for (const decorator of operand.decorators ?? []) {
      if (/^k[1-7]$/.test(decorator)) instruction.opMask = Register.K0 + Number(decorator[1]);
      else if (decorator === 'z') instruction.zeroingMasking = true;
      else if (/^1to\d+$/.test(decorator)) instruction.isBroadcast = true;
      else if (decorator === 'sae') instruction.suppressAllExceptions = true;
      else if (ROUNDING[decorator]) instruction.roundingControl = ROUNDING[decorator];
    }
}

/** iced-x86's rounding controls. */
const ROUNDING: Record<string, number> = { 'rn-sae': 1, 'rd-sae': 2, 'ru-sae': 3, 'rz-sae': 4 };

function finish(
  instruction: Instruction,
  encoding: Encoding,
  added: number[],
  memory: Address | undefined,
  fields: Field[],
  prefixes: Prefixes,
  place: EncodePlace,
): Encoded | undefined {
  const encoder = encoderFor(place.bits);
  const branch = fields.find(field => field.relative);
  // The distance is filled in below; for the encoder the target is near.
  if (branch) setBranchTarget(instruction, encoding, place.offset);
  encoder.preventVEX2 = prefixes.vex === 3;
  try {
    encoder.encode(instruction, BigInt(place.offset));
  } catch {
    // iced reports what cannot be encoded as an error, and keeps what it wrote until then; the next candidate may do.
    encoder.takeBuffer();
    return undefined;
  }
  const raw = encoder.takeBuffer();
  const rex = encoding.now3d && memory ? now3dRex(memory) : [];
  const bytes = Uint8Array.from(arrange(raw, encoding, added, prefixes, place.bits, rex));
  const fixups: Fixup[] = [];
  let at = bytes.length - fields.reduce((sum, field) => sum + field.bytes, 0);
  if (memory && (memory.displacementBytes > 1 || memory.ripRelative)) {
    const offset = encoding.operands.some(rule => rule.memory === 'offset');
    const width = memory.ripRelative ? 4 : offset ? memory.bits / 8 : memory.displacementBytes;
    const tail = encoding.now3d || encoding.operands.some(rule => IN_LAST_BYTE.has(rule.kind)) ? 1 : bytes.length - at;
    addFixup(bytes, fixups, bytes.length - tail - width, width, memory.displacement, memory.ripRelative, place);
  }
  const encoded: Encoded = { bytes, fixups };
  for (const field of fields) {
    if (field.relative) encoded.problem = distanceProblem(field.bytes, field.value, bytes.length, place);
    else encoded.warning ??= rangeWarning(field);
    addFixup(bytes, fixups, at, field.bytes, field.value, field.relative, place);
    at += field.bytes;
  }
  return encoded;
}

function setBranchTarget(instruction: Instruction, encoding: Encoding, target: number): void {
  const i = encoding.operands.findIndex(rule => rule.branch);
  switch (instruction.opKind(i)) {
    case OpKind.NearBranch16:
      instruction.nearBranch16 = target & 0xffff;
      break;
    case OpKind.NearBranch32:
      instruction.nearBranch32 = target;
      break;
    default:
      instruction.nearBranch64 = BigInt(target);
  }
}
