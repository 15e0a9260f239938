import { Code, Decoder, DecoderOptions, FlowControl, Mnemonic, OpKind, Register, type Instruction } from 'iced-x86';
import { MAX_INSTRUCTION_BYTES } from './code';

/** What one instruction does to the stack and where execution can go on, within one activation of a function. */
export interface StackEffect {
  /** Bytes of the instruction. */
  length: number;
  /** Offsets in CS where execution may go on; a call goes on behind itself. */
  next: bigint[];
  /** Execution may also go on where nobody can tell: an indirect jump. */
  open: boolean;
  rsp:
    | { kind: 'moves'; down: bigint }
    | { kind: 'saved-to-rbp' }
    /** Back to where RBP was set; `up` bytes are then popped. */
    | { kind: 'restored-from-rbp'; up: bigint }
    | { kind: 'unknown' };
}

const STACK_POINTERS = new Set([Register.RSP, Register.ESP, Register.SP]);
const FRAME_POINTERS = new Set([Register.RBP, Register.EBP, Register.BP]);
const IMMEDIATES = new Set([
  OpKind.Immediate8,
  OpKind.Immediate16,
  OpKind.Immediate32,
  OpKind.Immediate8to16,
  OpKind.Immediate8to32,
  OpKind.Immediate8to64,
  OpKind.Immediate32to64,
]);
const NEAR = new Set([OpKind.NearBranch16, OpKind.NearBranch32, OpKind.NearBranch64]);

/** The effect of the instruction at `ip`, or undefined when the bytes are none. */
export function stackEffect(bytes: Uint8Array, ip: bigint, size: 16 | 32 | 64): StackEffect | undefined {
  const decoder = new Decoder(size, bytes.subarray(0, MAX_INSTRUCTION_BYTES), DecoderOptions.None);
  decoder.ip = ip;
  const instruction = decoder.decode();
  try {
    if (instruction.code === Code.INVALID) return undefined;
    const { length } = instruction;
    return { length, ...successors(instruction, ip + BigInt(length)), rsp: movement(instruction) };
  } finally {
    instruction.free();
    decoder.free();
  }
}

function successors(instruction: Instruction, after: bigint): { next: bigint[]; open: boolean } {
  const target = instruction.opCount > 0 && NEAR.has(instruction.opKind(0)) ? [instruction.nearBranchTarget] : [];
  switch (instruction.flowControl) {
    case FlowControl.UnconditionalBranch:
      return { next: target, open: !target.length };
    case FlowControl.ConditionalBranch:
      return { next: [after, ...target], open: false };
    case FlowControl.IndirectBranch:
      return { next: [], open: true };
    case FlowControl.Return:
      return { next: [], open: false };
    default:
      return { next: [after], open: false };
  }
}

function movement(instruction: Instruction): StackEffect['rsp'] {
  const { mnemonic } = instruction;
  // A call, near or far or into another world, comes back with the stack as it was.
  if (instruction.flowControl === FlowControl.Call || instruction.flowControl === FlowControl.IndirectCall)
    return still;
  if (mnemonic === Mnemonic.Leave) {
    const word = BigInt(instruction.stackPointerIncrement) || 8n;
    return { kind: 'restored-from-rbp', up: word };
  }
  const first =
    instruction.opCount > 0 && instruction.opKind(0) === OpKind.Register ? instruction.opRegister(0) : undefined;
  const second =
    instruction.opCount > 1 && instruction.opKind(1) === OpKind.Register ? instruction.opRegister(1) : undefined;
  if (
    mnemonic === Mnemonic.Mov &&
    first !== undefined &&
    FRAME_POINTERS.has(first) &&
    second !== undefined &&
    STACK_POINTERS.has(second)
  )
    return { kind: 'saved-to-rbp' };
  if (first !== undefined && STACK_POINTERS.has(first)) return assigned(instruction, second);
  return { kind: 'moves', down: -BigInt(instruction.stackPointerIncrement) };
}

const still = { kind: 'moves', down: 0n } as const;

/** An instruction whose first operand is the stack pointer. */
function assigned(instruction: Instruction, second: Register | undefined): StackEffect['rsp'] {
  switch (instruction.mnemonic) {
    case Mnemonic.Add:
    case Mnemonic.Sub: {
      if (!IMMEDIATES.has(instruction.opKind(1))) return { kind: 'unknown' };
      const amount = BigInt.asIntN(64, instruction.immediate(1));
      return { kind: 'moves', down: instruction.mnemonic === Mnemonic.Sub ? amount : -amount };
    }
    case Mnemonic.Lea:
      if (!STACK_POINTERS.has(instruction.memoryBase) || instruction.memoryIndex !== Register.None)
        return { kind: 'unknown' };
      return { kind: 'moves', down: -BigInt.asIntN(64, instruction.memoryDisplacement) };
    case Mnemonic.Mov:
      return second !== undefined && FRAME_POINTERS.has(second)
        ? { kind: 'restored-from-rbp', up: 0n }
        : { kind: 'unknown' };
    case Mnemonic.Push:
      return { kind: 'moves', down: -BigInt(instruction.stackPointerIncrement) };
    case Mnemonic.Cmp:
    case Mnemonic.Test:
      return still;
    default:
      return { kind: 'unknown' };
  }
}
