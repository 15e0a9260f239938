import {
  Code,
  Decoder,
  DecoderOptions,
  FlowControl,
  Formatter,
  FormatterSyntax,
  Mnemonic,
  OpKind,
  Register,
  type Instruction as Iced,
} from 'iced-x86';

/** The longest instruction, in bytes (SDM 2A 2.3.11). */
export const MAX_INSTRUCTION_BYTES = 15;

/** What stepping and the disassembly need to know of one instruction. */
export interface Instruction {
  /** Offset in the code segment of its first byte. */
  ip: bigint;
  bytes: Uint8Array;
  /** NASM syntax, numbers in hex with `0x`. */
  text: string;
  flow: 'next' | 'call' | 'return' | 'branch' | 'interrupt';
  /** Where a direct near call or branch goes. */
  target?: bigint;
  /** What a memory operand without registers or an immediate operand of address size holds. */
  refers?: bigint;
}

let formatter: Formatter | undefined;

/** NASM syntax as people write it: `0x` numbers, no leading zeros, a space after the comma. */
function nasm(): Formatter {
  if (formatter) return formatter;
  formatter = new Formatter(FormatterSyntax.Nasm);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.branchLeadingZeros = false;
  formatter.smallHexNumbersInDecimal = false;
  formatter.ripRelativeAddresses = false;
  formatter.nasmShowSignExtendedImmediateSize = false;
  formatter.showBranchSize = false;
  return formatter;
}

const TARGETS = new Set([OpKind.NearBranch16, OpKind.NearBranch32, OpKind.NearBranch64]);

/** Decodes the instruction at `ip` from the bytes there, or undefined when they are no instruction (or end too early). */
export function decode(bytes: Uint8Array, ip: bigint, size: 16 | 32 | 64): Instruction | undefined {
  const decoder = new Decoder(size, bytes.subarray(0, MAX_INSTRUCTION_BYTES), DecoderOptions.None);
  decoder.ip = ip;
  const instruction = decoder.decode();
  try {
    if (instruction.code === Code.INVALID) return undefined;
    return {
      ip,
      bytes: bytes.slice(0, instruction.length),
      text: nasm().format(instruction),
      ...flowFields(instruction),
      ...reference(instruction),
    };
  } finally {
    // These live in WebAssembly memory, which no garbage collector looks at.
    instruction.free();
    decoder.free();
  }
}

/** What an instruction does to the flow of control, without its text. */
export interface Flow extends Pick<Instruction, 'ip' | 'flow' | 'target'> {
  /** In bytes. */
  length: number;
}

/** As `decode`, for stepping: many instructions are looked at there, and none is shown. */
export function decodeFlow(bytes: Uint8Array, ip: bigint, size: 16 | 32 | 64): Flow | undefined {
  const decoder = new Decoder(size, bytes.subarray(0, MAX_INSTRUCTION_BYTES), DecoderOptions.None);
  decoder.ip = ip;
  const instruction = decoder.decode();
  try {
    if (instruction.code === Code.INVALID) return undefined;
    return { ip, length: instruction.length, ...flowFields(instruction) };
  } finally {
    instruction.free();
    decoder.free();
  }
}

function flowFields(instruction: Iced): Pick<Instruction, 'flow' | 'target'> {
  // A VM entry does not come back to the instruction after it, unless it fails.
  const enters = instruction.mnemonic === Mnemonic.Vmlaunch || instruction.mnemonic === Mnemonic.Vmresume;
  const direct = instruction.opCount > 0 && TARGETS.has(instruction.opKind(0));
  return {
    flow: enters ? 'next' : flowOf(instruction.flowControl),
    ...(direct ? { target: instruction.nearBranchTarget } : {}),
  };
}

/** An address that the instruction names outright. */
function reference(instruction: Iced): { refers?: bigint } {
  if (instruction.isIpRelMemoryOperand) return { refers: instruction.ipRelMemoryAddress };
  for (let n = 0; n < instruction.opCount; n++) {
    const kind = instruction.opKind(n);
    if (kind === OpKind.Immediate64 || kind === OpKind.Immediate32 || kind === OpKind.Immediate32to64)
      return { refers: instruction.immediate(n) };
    if (kind === OpKind.Memory && instruction.memoryBase === Register.None && instruction.memoryIndex === Register.None)
      return { refers: instruction.memoryDisplacement };
  }
  return {};
}

function flowOf(flow: FlowControl): Instruction['flow'] {
  switch (flow) {
    case FlowControl.Call:
    case FlowControl.IndirectCall:
      return 'call';
    case FlowControl.Return:
      return 'return';
    case FlowControl.Interrupt:
      return 'interrupt';
    case FlowControl.UnconditionalBranch:
    case FlowControl.IndirectBranch:
    case FlowControl.ConditionalBranch:
      return 'branch';
    default:
      return 'next';
  }
}
