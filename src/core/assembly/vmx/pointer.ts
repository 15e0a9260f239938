/** VMCLEAR, VMPTRLD, VMPTRST: which VMCS is current, and its launch state (SDM 3C 24.1, 30.3). */
import { State } from '../generated/state.generated';
import { ExitReason, InstructionError } from '../generated/exits.generated';
import { REVISION_IDENTIFIER } from '../generated/capabilities.generated';
import { Vmcs } from '../generated/fields.generated';
import { memReadable, memWritable } from '../address';
import { inRam, readPhysical, writePhysical } from '../physical';
import { RECORD } from '../record';
import { leave } from '../stop';
import { commitWrite } from '../tlb';
import { exitWithOperand } from './exit';
import { nonRootOperation, undefinedHere, unprivileged } from './gate';
import { memoryInformation } from './information';
import { vmFail, vmSucceed } from './outcome';
import { NO_VMCS, isPage } from './region';

/** First doubleword of the region at `pointer`; all ones, which is no revision identifier, where there is no RAM. */
export function physicalWord(pointer: u64): u32 { return inRam(pointer, 4096) ? readPhysical<u32>(pointer) : u32.MAX_VALUE; }

/** The pointer in the memory operand; `pointerFault` tells a fault from any pointer. */
let pointerFault: bool = false;
function pointerOperand(p: usize): u64 {
  const operand = memReadable(p, 8);
  pointerFault = operand == 0;
  return operand ? load<u64>(operand) : 0;
}
/** False: the instruction was refused (fault noted) or exited. */
function admitted(p: usize, reason: u32): bool {
  if (undefinedHere()) return false;
  if (nonRootOperation()) {
    exitWithOperand(p, reason, memoryInformation(p));
    return false;
  }
  return !unprivileged();
}

/** VMCLEAR m64: makes the VMCS at the address inactive, not current and clear. */
export function vmclear(p: usize): usize {
  if (!admitted(p, ExitReason.VMCLEAR)) return 0;
  const pointer = pointerOperand(p);
  if (pointerFault) return 0;
  if (!isPage(pointer)) vmFail(InstructionError.VMCLEAR_ADDRESS);
  else if (pointer == load<u64>(State.VMXON_POINTER)) vmFail(InstructionError.VMCLEAR_VMXON_POINTER);
  else {
    if (inRam(pointer, 4096)) writePhysical<u32>(pointer + Vmcs.LAUNCH_STATE, 0);
    if (pointer == load<u64>(State.CURRENT_VMCS)) store<u64>(State.CURRENT_VMCS, NO_VMCS);
    vmSucceed();
  }
  return leave(p);
}

/** VMPTRLD m64: makes the VMCS at the address current. */
export function vmptrld(p: usize): usize {
  if (!admitted(p, ExitReason.VMPTRLD)) return 0;
  const pointer = pointerOperand(p);
  if (pointerFault) return 0;
  if (!isPage(pointer)) vmFail(InstructionError.VMPTRLD_ADDRESS);
  else if (pointer == load<u64>(State.VMXON_POINTER)) vmFail(InstructionError.VMPTRLD_VMXON_POINTER);
  else if (physicalWord(pointer) != REVISION_IDENTIFIER) vmFail(InstructionError.VMPTRLD_REVISION);
  else {
    store<u64>(State.CURRENT_VMCS, pointer);
    vmSucceed();
  }
  return leave(p);
}

/** VMPTRST m64: stores the current-VMCS pointer, all ones when there is none. */
export function vmptrst(p: usize): usize {
  if (!admitted(p, ExitReason.VMPTRST)) return 0;
  const operand = memWritable(p, 8);
  if (!operand) return 0;
  store<u64>(operand, load<u64>(State.CURRENT_VMCS));
  commitWrite(operand);
  vmSucceed();
  return p + RECORD;
}
