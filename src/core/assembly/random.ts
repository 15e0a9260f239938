/**
 * RDRAND and RDSEED (SDM 2) from a generator whose state is architectural: two runs of the same machine draw the same numbers.
 * The generator is splitmix64.
 */
import { State } from './generated/state.generated';
import { CF, setArithmeticFlags } from './flags';
import { ExitReason } from './generated/exits.generated';
import { RECORD, dstNumber, operandSizeOf, setDst } from './record';
import { exitWithInformation } from './vmx/exit';
import { rdrandExits, rdseedExits } from './vmx/intercept';

function next(): u64 {
  const state = load<u64>(State.RANDOM) + 0x9e3779b97f4a7c15;
  store<u64>(State.RANDOM, state);
  let z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
/** Register in bits 6:3, operand size in bits 12:11 (SDM 3C table 27-13). */
function information(p: usize): u32 { return (dstNumber(p) << 3) | ((operandSizeOf(p) == 8 ? 2 : operandSizeOf(p) == 4 ? 1 : 0) << 11); }

@inline function draw<T>(p: usize): usize {
  setDst<T>(p, <T>next());
  setArithmeticFlags(CF);
  return p + RECORD;
}
export function rdrand<T>(p: usize): usize { return rdrandExits() ? exitWithInformation(p, ExitReason.RDRAND, 0, information(p)) : draw<T>(p); }
export function rdseed<T>(p: usize): usize { return rdseedExits() ? exitWithInformation(p, ExitReason.RDSEED, 0, information(p)) : draw<T>(p); }
