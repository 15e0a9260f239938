/** LDMXCSR and STMXCSR (SDM 2). */
import { State } from '../generated/state.generated';
import { memReadable, memWritable } from '../address';
import { Vector, faultCode } from '../fault';
import { RECORD } from '../record';
import { commitWrite } from '../tlb';
import { MXCSR_MASK } from './environment';
import { sseReady } from './operands';

export function ldmxcsr(p: usize): usize {
  if (!sseReady()) return 0;
  const h = memReadable(p, 4);
  if (!h) return 0;
  const value = load<u32>(h);
  if (value & ~MXCSR_MASK) return faultCode(Vector.GP, 0);
  store<u32>(State.MXCSR, value);
  return p + RECORD;
}
export function stmxcsr(p: usize): usize {
  if (!sseReady()) return 0;
  const h = memWritable(p, 4);
  if (!h) return 0;
  store<u32>(h, load<u32>(State.MXCSR));
  commitWrite(h);
  return p + RECORD;
}
