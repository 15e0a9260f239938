/** What the one page walker reports: every entry it visited, in order, and what came of it (debug-adapter.md, `ringscope/walk`). */

export type WalkAccess = 'read' | 'write' | 'execute';
export type WalkSpace = 'linear' | 'guest-physical';

/** An address space to look from: whose CR3, whose EPT. */
export interface AddressContext {
  cr0: bigint;
  cr3: bigint;
  cr4: bigint;
  efer: bigint;
  rflags: bigint;
  /** 0 when guest-physical addresses are host-physical. */
  eptp: bigint;
  cpl: number;
}

export interface WalkStep {
  /** Running number of the memory reference, from 1. */
  reference: number;
  dimension: 'guest' | 'ept';
  /** 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE. */
  level: number;
  /** Where the entry lies: host-physical. */
  entryAddress: bigint;
  entrySpace: 'host-physical';
  /** For the guest dimension under EPT: the entry's guest-physical address. */
  guestPhysical?: bigint;
  value: bigint;
  /** Set flag names, e.g. ["P", "R/W", "A"]. */
  flags: string[];
  /** Bytes, when this entry maps a page. */
  pageSize?: number;
  verdict: 'next' | 'page' | 'not-present' | 'reserved' | 'denied' | 'misconfigured';
}

export interface WalkRecord {
  steps: WalkStep[];
  references: number;
  guestReferences: number;
  eptReferences: number;
  result:
    | { ok: true; guestPhysical: bigint; address: bigint }
    | {
        ok: false;
        fault: {
          kind: 'page-fault' | 'ept-violation' | 'ept-misconfiguration' | 'non-canonical';
          code: bigint;
          detail: string;
        };
      };
}
