/** INVEPT and INVVPID (SDM 3C 28.3.3.1, 30.3). */
import { ExitReason, InstructionError } from '../generated/exits.generated';
import { memReadable } from '../address';
import { flushAll, flushVpid, longCode } from '../context';
import { dstReg } from '../record';
import { leave } from '../stop';
import { exitWithOperand } from './exit';
import { nonRootOperation, undefinedHere, unprivileged } from './gate';
import { invalidationInformation } from './information';
import { isCanonical, isEptp } from './legal';
import { vmFail, vmSucceed } from './outcome';

@inline function typeOperand(p: usize): u64 { return longCode() ? load<u64>(dstReg(p)) : <u64>load<u32>(dstReg(p)); }

/** False: the instruction was refused (fault noted) or exited. */
function admitted(p: usize, reason: u32): bool {
  if (undefinedHere()) return false;
  if (nonRootOperation()) {
    exitWithOperand(p, reason, invalidationInformation(p));
    return false;
  }
  return !unprivileged();
}

/** INVEPT r, m128: type 1 the mappings of one EPTP, type 2 of all. */
export function invept(p: usize): usize {
  if (!admitted(p, ExitReason.INVEPT)) return 0;
  const type = typeOperand(p);
  const descriptor = memReadable(p, 16);
  if (!descriptor) return 0;
  if (type == 2 || (type == 1 && isEptp(load<u64>(descriptor)))) {
    // More may be invalidated than asked for (SDM 3C 28.3.3.1).
    flushAll();
    vmSucceed();
  } else vmFail(InstructionError.INVALIDATION_OPERAND);
  return leave(p);
}

/** INVVPID r, m128: type 0 one linear address of a VPID, 1 one VPID, 2 all VPIDs but 0, 3 one VPID but for global pages. */
export function invvpid(p: usize): usize {
  if (!admitted(p, ExitReason.INVVPID)) return 0;
  const type = typeOperand(p);
  const descriptor = memReadable(p, 16);
  if (!descriptor) return 0;
  const vpid = <u32>load<u64>(descriptor);
  let legal = type <= 3 && load<u64>(descriptor) >> 16 == 0 && (type == 2 || vpid != 0);
  if (type == 0 && !isCanonical(load<u64>(descriptor, 8))) legal = false;
  if (!legal) vmFail(InstructionError.INVALIDATION_OPERAND);
  else {
    // More may be invalidated than asked for (SDM 3C 28.3.3.1).
    if (type == 2) flushAll(); else flushVpid(vpid);
    vmSucceed();
  }
  return leave(p);
}
