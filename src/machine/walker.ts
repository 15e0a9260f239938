/** The debugger's view of the one page walker: the record of a walk that commits nothing. */
import { STEP_BYTES, WALK_STEPS, type Processor } from '../core';
import type { AddressContext, WalkAccess, WalkRecord, WalkSpace, WalkStep } from './walk';

const ACCESS: Record<WalkAccess, number> = { read: 0, write: 1, execute: 2 };
const USER = 4;
const AC_SET = 16;
const RFLAGS_AC = 1n << 18n;
const PDPTES = 0x320;

const verdicts = ['next', 'page', 'not-present', 'reserved', 'denied', 'misconfigured'] as const;
const OUTCOME_OK = 0;
const OUTCOME_PAGE_FAULT = 1;
const OUTCOME_EPT_VIOLATION = 2;

/** Entry flags by name (SDM 3A 4.5; SDM 3C 28.2.2). */
const guestFlags: [bigint, string][] = [
  [1n, 'P'],
  [2n, 'R/W'],
  [4n, 'U/S'],
  [8n, 'PWT'],
  [16n, 'PCD'],
  [0x20n, 'A'],
  [0x40n, 'D'],
  [0x80n, 'PS'],
  [0x100n, 'G'],
  [1n << 63n, 'XD'],
];
const eptFlags: [bigint, string][] = [
  [1n, 'R'],
  [2n, 'W'],
  [4n, 'X'],
  [0x80n, 'PS'],
  [0x100n, 'A'],
  [0x200n, 'D'],
];

export function walkFrom(
  processor: Processor,
  address: bigint,
  space: WalkSpace,
  access: WalkAccess,
  context: AddressContext,
): WalkRecord {
  const { core, view } = processor;
  const long = (context.efer & 0x400n) !== 0n && (context.cr0 & 0x80000000n) !== 0n;
  if (space === 'linear' && long && BigInt.asUintN(64, BigInt.asIntN(48, address)) !== address)
    return {
      steps: [],
      references: 0,
      guestReferences: 0,
      eptReferences: 0,
      result: {
        ok: false,
        fault: { kind: 'non-canonical', code: 0n, detail: 'bits 63:47 of the linear address are not all alike' },
      },
    };
  core.walkRequest(context.cr0, context.cr3, context.cr4, context.efer, context.eptp, PDPTES);
  const how = ACCESS[access] | (context.cpl === 3 ? USER : 0) | (context.rflags & RFLAGS_AC ? AC_SET : 0);
  const ok = space === 'linear' ? core.walkLinear(address, how) : core.walkGuestPhysical(address, ACCESS[access]);
  const pae = (context.cr4 & 0x20n) !== 0n;
  const steps: WalkStep[] = [];
  for (let n = 0; n < core.walkSteps(); n++)
    steps.push(stepAt(view, WALK_STEPS + n * STEP_BYTES, pae, context.eptp !== 0n));
  const eptReferences = steps.filter(step => step.dimension === 'ept').length;
  return {
    steps,
    references: steps.length,
    guestReferences: steps.length - eptReferences,
    eptReferences,
    result: ok
      ? {
          ok: true,
          guestPhysical: BigInt.asUintN(64, core.walkGuestAddress()),
          address: BigInt.asUintN(64, core.walkHostAddress()),
        }
      : {
          ok: false,
          fault: faultOf(
            core.walkOutcome(),
            BigInt.asUintN(64, core.walkCode()),
            BigInt.asUintN(64, core.walkGuestAddress()),
          ),
        },
  };
}

function stepAt(view: DataView, at: number, pae: boolean, ept: boolean): WalkStep {
  const guest = view.getUint8(at) === 0;
  const level = view.getUint8(at + 1);
  const verdict = verdicts[view.getUint8(at + 2)];
  const value = view.getBigUint64(at + 24, true);
  const indexBits = !guest || pae ? 9 : 10;
  return {
    reference: view.getUint32(at + 4, true),
    dimension: guest ? 'guest' : 'ept',
    level,
    entryAddress: view.getBigUint64(at + 8, true),
    entrySpace: 'host-physical',
    ...(guest && ept ? { guestPhysical: view.getBigUint64(at + 16, true) } : {}),
    value,
    flags: (guest ? guestFlags : eptFlags).filter(([mask]) => value & mask).map(([, name]) => name),
    ...(verdict === 'page' ? { pageSize: 2 ** (12 + indexBits * (level - 1)) } : {}),
    verdict,
  };
}

function faultOf(
  outcome: number,
  code: bigint,
  guestPhysical: bigint,
): Extract<WalkRecord['result'], { ok: false }>['fault'] {
  if (outcome === OUTCOME_PAGE_FAULT) return { kind: 'page-fault', code, detail: pageFaultDetail(code) };
  const at = `guest-physical 0x${guestPhysical.toString(16)}`;
  if (outcome === OUTCOME_EPT_VIOLATION) return { kind: 'ept-violation', code, detail: `${at} is not accessible` };
  if (outcome !== OUTCOME_OK)
    return { kind: 'ept-misconfiguration', code, detail: `an EPT entry for ${at} is illegal` };
  throw new Error('a walk that failed has an outcome');
}
/** Page-fault error code in words (SDM 3A 4.7). */
function pageFaultDetail(code: bigint): string {
  const what = code & 16n ? 'instruction fetch' : code & 2n ? 'write' : 'read';
  const who = code & 4n ? 'user' : 'supervisor';
  if (code & 8n) return `${who} ${what}: a reserved bit is set`;
  return code & 1n ? `${who} ${what}: not permitted` : `${who} ${what}: not present`;
}
