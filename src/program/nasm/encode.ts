/** From a chosen encoding and its operands to bytes, by iced-x86's encoder. */
import { Code, Encoder, Instruction, OpCodeOperandKind, OpKind, Register, RegisterExt } from 'iced-x86';
import type { Address } from './address';
import type { Encoding } from './encodings';
import type { OperandValue } from './operand';
import { isSimple, sectionOf, wrap, type Value } from './value';

/** A field that needs the start of a section: value + start(add) - start(subtract), in `bytes` bytes at `at`. */
export interface Fixup {
  /** Offset in the bytes it belongs to. */
  at: number;
  bytes: number;
  value: bigint;
  add?: string;
  subtract?: string;
}

export interface Encoded {
  bytes: Uint8Array;
  fixups: Fixup[];
  /** Why it cannot stay so, if it does until the last pass: a short jump too far. */
  problem?: string;
  /** A number whose upper bits are dropped. */
  warning?: string;
}

/** An operand ready to encode; addresses are resolved. */
export type Ready = { operand: OperandValue; address?: Address };

/** Prefixes that the source asks for. */
export interface Prefixes {
  wait?: boolean;
  /** 0xf0, 0xf2, 0xf3 in the order in which they are written out. */
  group1: number[];
  segment?: Register;
  /** o16, o32, o64. */
  operandSize?: number;
  /** a16, a32, a64. */
  addressSize?: number;
  /** `xacquire` or `xrelease`, which the forms without a ModRM byte do not take. */
  elision?: boolean;
  /** `{vex}` or `{vex3}`. */
  vex?: 2 | 3;
  /** `{evex}`. */
  evex?: boolean;
}

export interface EncodePlace {
  bits: number;
  section: string;
  /** Offset in the section. */
  offset: number;
}

const encoders = new Map<number, Encoder>();

function encoderFor(bits: number): Encoder {
  let encoder = encoders.get(bits);
  if (!encoder) encoders.set(bits, (encoder = new Encoder(bits)));
  return encoder;
}

/** A field at the end of an instruction that holds a value. */
interface Field {
  bytes: number;
  value: Value;
  relative: boolean;
  extended?: number;
}

const SEGMENT_BYTE: Partial<Record<Register, number>> = {
  [Register.ES]: 0x26,
  [Register.CS]: 0x2e,
  [Register.SS]: 0x36,
  [Register.DS]: 0x3e,
  [Register.FS]: 0x64,
  [Register.GS]: 0x65,
};

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

/** Prefixes that stand alone on a line, or before an opcode without operands. */
export function prefixBytes(prefixes: Prefixes, bits: number): number[] {
  const { operandSize, addressSize } = prefixes;
  return [
    ...leadingPrefixes(prefixes),
    ...(operandSize === (bits === 16 ? 32 : 16) ? [0x66] : []),
    ...(addressSize !== undefined && addressSize !== bits ? [0x67] : []),
  ];
}

function leadingPrefixes(prefixes: Prefixes, memory?: Address): number[] {
  const added: number[] = [];
  if (prefixes.wait) added.push(0x9b);
  added.push(...prefixes.group1);
  const segment = memory?.segment?.register ?? prefixes.segment;
  if (segment !== undefined) added.push(SEGMENT_BYTE[segment]!);
  return added;
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

function distanceProblem(width: number, target: Value, length: number, place: EncodePlace): string | undefined {
  if (sectionOf(target) !== place.section) return undefined;
  const distance = target.number - BigInt(place.offset + length);
  if (BigInt.asIntN(8 * width, distance) === distance || width > 1) return undefined;
  return `the target is ${distance < 0n ? -distance : distance} bytes away; a short jump reaches 128 back and 127 ahead`;
}

function rangeWarning({ bytes, value, extended }: Field): string | undefined {
  if (!isSimple(value) || value.unknown) return undefined;
  const bits = 8 * bytes;
  const { number } = value;
  const operandBits = extended ?? bits;
  const inOperand = BigInt.asIntN(operandBits, number);
  // Either reading of the number fits the operand, and the field extends to it.
  const fits = inOperand === number || BigInt.asUintN(operandBits, number) === number;
  if (fits && (extended === undefined || BigInt.asIntN(bits, inOperand) === inOperand)) return undefined;
  return `${value.number} does not fit in ${bits} ${extended ? 'bits with a sign' : 'bits'}: its upper bits are dropped`;
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

/** The REX prefix of a 3DNow! instruction, which iced's encoder leaves out. */
function now3dRex(memory: Address): number[] {
  const high = (register: Register) => register !== Register.None && RegisterExt.number(register) > 7;
  const rex = 0x40 | (high(memory.index) ? 2 : 0) | (high(memory.base) ? 1 : 0);
  return rex === 0x40 ? [] : [rex];
}

/** Writes a relative field, or records what has to be added once sections are placed. */
function addFixup(
  bytes: Uint8Array,
  fixups: Fixup[],
  at: number,
  width: number,
  value: Value,
  relative: boolean,
  place: EncodePlace,
): void {
  const section = sectionOf(value);
  if (relative) {
    const distance = wrap(value.number - BigInt(place.offset + bytes.length));
    if (section === place.section) store(bytes, at, width, distance);
    else fixups.push({ at, bytes: width, value: distance, add: section, subtract: place.section });
  } else if (section !== undefined) fixups.push({ at, bytes: width, value: value.number, add: section });
}

/** Stores the low `width` bytes of a number, least significant first. */
export function store(bytes: Uint8Array, at: number, width: number, value: bigint): void {
  let rest = BigInt.asUintN(8 * width, value);
  for (let i = 0; i < width; i++) {
    bytes[at + i] = Number(rest & 255n);
    rest >>= 8n;
  }
}

/** Encodings that are 64 bits wide anyway, and to which `o64` adds REX.W all the same. */
const TAKES_O64 = new Set([Code.Retnq, Code.Retnq_imm16, Code.Pushq_FS, Code.Pushq_GS, Code.Popq_FS, Code.Popq_GS]);

/** Puts the prefixes in NASM's order and adds those that the source asks for. */
function arrange(
  raw: Uint8Array,
  encoding: Encoding,
  added: number[],
  prefixes: Prefixes,
  bits: number,
  rex: number[],
): number[] {
  let operandSize = false;
  let addressSize = false;
  const opcode: number[] = [];
  let at = 0;
  let wait = false;
  for (; at < raw.length; at++) {
    const byte = raw[at];
    if (byte === 0x66 && encoding.mandatoryPrefix !== 0x66) operandSize = true;
    else if (byte === 0x67) addressSize = true;
    else if (byte === 0x66 || byte === 0xf2 || byte === 0xf3) opcode.push(byte);
    else if (byte === 0x9b && at === 0 && raw.length > 1) wait = true;
    else break;
  }
  let rest = [...rex, ...raw.subarray(at)];
  if (prefixes.addressSize !== undefined && prefixes.addressSize !== bits) addressSize = true;
  if (encoding.legacy) {
    const wide = !encoding.defaultOperandSize64 || TAKES_O64.has(encoding.code);
    if (prefixes.operandSize === 64 && bits === 64 && wide) {
      if ((rest[0] & 0xf0) === 0x40) rest[0] |= 8;
      else rest = [0x48, ...rest];
    } else if (prefixes.operandSize === 16 && bits !== 16) operandSize = true;
    else if (prefixes.operandSize === 32 && bits === 16) operandSize = true;
  }
  return [
    ...(wait ? [0x9b] : []),
    // `rep xstore`: the prefix belongs to the opcode already.
    ...added.filter(byte => !(opcode.includes(byte) && byte === 0xf3 && encoding.padlock)),
    ...(operandSize ? [0x66] : []),
    ...(addressSize ? [0x67] : []),
    ...opcode,
    ...rest,
  ];
}
