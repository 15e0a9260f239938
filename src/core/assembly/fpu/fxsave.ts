/** FXSAVE and FXRSTOR (SDM 2). Without CR4.OSFXSR they leave XMM registers and MXCSR alone, as the manual allows. */
import { State } from '../generated/state.generated';
import { CR0_EM, CR0_TS, CR4_OSFXSR } from '../context';
import { Vector, fault, faultCode } from '../fault';
import { RECORD } from '../record';
import * as A from './area';

function ready(): bool {
  if (!(load<u64>(State.CR0) & (CR0_EM | CR0_TS))) return true;
  fault(Vector.NM);
  return false;
}
@inline function withSse(): bool { return (load<u64>(State.CR4) & CR4_OSFXSR) != 0; }

export function fxsave(p: usize): usize {
  if (!ready() || !A.locate(p, A.LEGACY_BYTES, 16, true)) return 0;
  const end = withSse() ? A.xmmEnd() : A.ST_END;
  if (!A.canStore(0, end)) return 0;
  A.putX87(p);
  A.putMxcsr();
  A.putXmm();
  A.storePieces(0, end);
  return p + RECORD;
}
export function fxrstor(p: usize): usize {
  if (!ready() || !A.locate(p, A.LEGACY_BYTES, 16, false)) return 0;
  const sse = withSse();
  if (!A.loadPieces(0, sse ? A.xmmEnd() : A.ST_END)) return 0;
  if (!A.mxcsrLegal()) return faultCode(Vector.GP, 0);
  A.takeX87(p);
  if (sse) {
    A.takeMxcsr();
    A.takeXmm();
  }
  return p + RECORD;
}
