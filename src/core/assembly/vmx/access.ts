/** VMREAD and VMWRITE (SDM 3C 30.3): fields of the current VMCS by their encoding (SDM 3C 24.11.2, 3D appendix B). */
import { ExitReason, InstructionError } from '../generated/exits.generated';
import { FIELD_PLACES } from '../generated/fields.generated';
import { memReadable, memWritable } from '../address';
import { longCode } from '../context';
import { RECORD, dstNumber, dstReg, isMemory, srcNumber, srcReg } from '../record';
import { commitWrite } from '../tlb';
import { exitWithOperand } from './exit';
import { nonRootOperation, undefinedHere, unprivileged } from './gate';
import { fieldInformation } from './information';
import { vmFailInvalid, vmFailValid, vmSucceed } from './outcome';
import { currentVmcs, hasCurrentVmcs, writableVmcs } from './region';

const READ_ONLY: u32 = 1;
const WIDTH_16: u32 = 0;
const WIDTH_64: u32 = 1;
const WIDTH_32: u32 = 2;

@inline function widthOf(encoding: u64): u32 { return <u32>(encoding >> 13) & 3; }
@inline function typeOf(encoding: u64): u32 { return <u32>(encoding >> 10) & 3; }

/** Offset in the region of the field with that encoding; 0 when there is none. */
@inline function place(encoding: u64): usize {
  // Bits 31:15 and 12 are reserved; no index is above 63; only 64-bit fields have a high half.
  if (encoding & 0xffffffffffff9380) return 0;
  if (encoding & 1 && widthOf(encoding) != WIDTH_64) return 0;
  return <usize>load<u16>(FIELD_PLACES + <usize>(((((encoding >> 13) << 2) | ((encoding >> 10) & 3)) << 6 | ((encoding >> 1) & 63)) << 1));
}

/** Value of the field at host address `at`. */
@inline function readField(at: usize, encoding: u64): u64 {
  const width = widthOf(encoding);
  if (width == WIDTH_16) return <u64>load<u16>(at);
  if (width == WIDTH_32) return <u64>load<u32>(at);
  return encoding & 1 ? <u64>load<u32>(at, 4) : load<u64>(at);
}
/** Writes it; `bits64`: the operand has 64 bits, otherwise a wider field gets zeros above (SDM 2 "VMWRITE"). */
@inline function writeField(at: usize, encoding: u64, value: u64): void {
  const width = widthOf(encoding);
  if (width == WIDTH_16) store<u16>(at, <u16>value);
  else if (width == WIDTH_32) store<u32>(at, <u32>value);
  else if (encoding & 1) store<u32>(at, <u32>value, 4);
  else store<u64>(at, value);
}

/** The register operand that names the field: 64 bits in 64-bit mode, otherwise 32. */
@inline function fieldOperand(register: usize): u64 { return longCode() ? load<u64>(register) : <u64>load<u32>(register); }

/** VMREAD r/m, r: dst is the destination, src holds the encoding. Operands have 64 bits in 64-bit mode, otherwise 32. */
export function vmread(p: usize): usize {
  if (undefinedHere()) return 0;
  if (nonRootOperation()) return exitWithOperand(p, ExitReason.VMREAD, fieldInformation(p, dstNumber(p), srcNumber(p)));
  if (unprivileged()) return 0;
  if (!hasCurrentVmcs()) {
    vmFailInvalid();
    return p + RECORD;
  }
  const encoding = fieldOperand(srcReg(p));
  const at = place(encoding);
  if (!at) {
    vmFailValid(InstructionError.UNSUPPORTED_FIELD);
    return p + RECORD;
  }
  const value = readField(currentVmcs() + at, encoding);
  if (isMemory(p)) {
    const to = memWritable(p, longCode() ? 8 : 4);
    if (!to) return 0;
    if (longCode()) store<u64>(to, value); else store<u32>(to, <u32>value);
    commitWrite(to);
  } else store<u64>(dstReg(p), longCode() ? value : value & 0xffffffff);
  vmSucceed();
  return p + RECORD;
}

/** VMWRITE r, r/m: dst holds the encoding, src is the source. */
export function vmwrite(p: usize): usize {
  if (undefinedHere()) return 0;
  if (nonRootOperation()) return exitWithOperand(p, ExitReason.VMWRITE, fieldInformation(p, srcNumber(p), dstNumber(p)));
  if (unprivileged()) return 0;
  if (!hasCurrentVmcs()) {
    vmFailInvalid();
    return p + RECORD;
  }
  let value: u64;
  if (isMemory(p)) {
    const from = memReadable(p, longCode() ? 8 : 4);
    if (!from) return 0;
    value = longCode() ? load<u64>(from) : <u64>load<u32>(from);
  } else value = fieldOperand(srcReg(p));
  const encoding = fieldOperand(dstReg(p));
  const at = place(encoding);
  if (!at) vmFailValid(InstructionError.UNSUPPORTED_FIELD);
  else if (typeOf(encoding) == READ_ONLY) vmFailValid(InstructionError.READ_ONLY_FIELD);
  else {
    writeField(writableVmcs() + at, encoding, value);
    vmSucceed();
  }
  return p + RECORD;
}
