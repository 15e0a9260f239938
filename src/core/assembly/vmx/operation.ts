/** VMXON and VMXOFF: into and out of VMX operation (SDM 3C 23.6-23.8, 30.3). */
import { State } from '../generated/state.generated';
import { ExitReason, InstructionError } from '../generated/exits.generated';
import { REVISION_IDENTIFIER } from '../generated/capabilities.generated';
import { memReadable } from '../address';
import { CR4_VMXE, cpl } from '../context';
import { Vector, fault, faultCode } from '../fault';
import { physicalWord } from './pointer';
import { leave } from '../stop';
import { exitInstruction, exitWithOperand } from './exit';
import { nonRootOperation, undefinedHere, unprivileged, vmxInstructionsExist } from './gate';
import { memoryInformation } from './information';
import { isCr0, isCr4 } from './legal';
import { vmFail, vmFailInvalid, vmSucceed } from './outcome';
import { NO_VMCS, isPage } from './region';

/** IA32_FEATURE_CONTROL: lock, and VMXON outside SMX operation. */
const LOCK_AND_VMXON: u64 = 5;

/** VMXON m64: enters VMX root operation with the VMXON region whose address is in memory. */
export function vmxon(p: usize): usize {
  if (!vmxInstructionsExist() || !(load<u64>(State.CR4) & CR4_VMXE)) return fault(Vector.UD);
  if (nonRootOperation()) return exitWithOperand(p, ExitReason.VMXON, memoryInformation(p));
  if (load<u32>(State.VMX_OPERATION)) {
    if (unprivileged()) return 0;
    vmFail(InstructionError.VMXON_IN_ROOT);
    return leave(p);
  }
  const enabled = (load<u64>(State.IA32_FEATURE_CONTROL) & LOCK_AND_VMXON) == LOCK_AND_VMXON;
  if (cpl() || !enabled || !isCr0(load<u64>(State.CR0), 0) || !isCr4(load<u64>(State.CR4))) return faultCode(Vector.GP, 0);
  const operand = memReadable(p, 8);
  if (!operand) return 0;
  const pointer = load<u64>(operand);
  if (!isPage(pointer) || physicalWord(pointer) != REVISION_IDENTIFIER) vmFailInvalid();
  else {
    store<u64>(State.VMXON_POINTER, pointer);
    store<u64>(State.CURRENT_VMCS, NO_VMCS);
    store<u32>(State.VMX_OPERATION, 1);
    vmSucceed();
  }
  return leave(p);
}

/** VMXOFF: leaves VMX operation. */
export function vmxoff(p: usize): usize {
  if (undefinedHere()) return 0;
  if (nonRootOperation()) return exitInstruction(p, ExitReason.VMXOFF, 0);
  if (unprivileged()) return 0;
  store<u32>(State.VMX_OPERATION, 0);
  store<u64>(State.CURRENT_VMCS, NO_VMCS);
  vmSucceed();
  return leave(p);
}

/** VMCALL: a hypercall in non-root operation; in root operation there is no SMM monitor to call (error 1). */
export function vmcall(p: usize): usize {
  if (nonRootOperation()) return exitInstruction(p, ExitReason.VMCALL, 0);
  if (undefinedHere() || unprivileged()) return 0;
  vmFail(InstructionError.VMCALL_IN_ROOT);
  return leave(p);
}

/** VMFUNC: without "enable VM functions", which is not announced, #UD everywhere (SDM 3C 25.5.6.2). */
export function vmfunc(p: usize): usize { return fault(Vector.UD); }
