/**
 * The custom requests, for any DAP client. Addresses are hex strings with `0x`; instruction counts are decimal strings;
 * every response carries `version: 1`.
 */

/** `ringscope/exits`: the history of VM exits, oldest first, one page. */
export interface ExitsArguments {
  threadId?: number;
  /** Sequence number of the first exit wanted, from 1; the oldest kept when absent. */
  from?: number;
  /** At most so many; 100 when absent. */
  count?: number;
}

export interface ExitRecord {
  sequence: number;
  /** Retired instructions when it happened. */
  instruction: string;
  cpu: number;
  /** Basic exit reason. */
  reason: number;
  /** Its identifier, as in `exit:EPT_VIOLATION`. */
  name: string;
  qualification: string;
  /** The decoded qualification and what else the exit tells. */
  detail: { name: string; value: string }[];
  guestRip: string;
  guestLinear?: string;
  guestPhysical?: string;
  vmcs: string;
  instructionLength: number;
  /** Retired by the handler up to the next VM entry; absent while it runs. */
  hypervisorInstructions?: string;
  /** The nearest symbol and the source line of the guest instruction, when known. */
  symbol?: string;
  source?: { path: string; line: number };
}

export interface ExitsResponse {
  version: 1;
  /** Exits since launch. */
  total: number;
  /** Sequence number of the oldest that is kept. */
  first: number;
  exits: ExitRecord[];
}

/** `ringscope/vmcs`: every field of a VMCS, in the manual's groups. */
export interface VmcsArguments {
  threadId?: number;
  /** Host-physical; the current VMCS when absent. */
  address?: string;
}

export interface VmcsResponse {
  version: 1;
  address: string;
  revision: string;
  launchState: 'clear' | 'launched';
  groups: {
    name: string;
    fields: {
      encoding: string;
      name: string;
      width: number;
      value: string;
      bits: { name: string; value: string }[];
    }[];
  }[];
}

/** `ringscope/walk`: a page walk without side effects. */
export interface WalkArguments {
  threadId?: number;
  frameId?: number;
  address: string;
  space: 'linear' | 'guest-physical';
  access: 'read' | 'write' | 'execute';
  /** Whether as a user-mode access; as the frame's CPL when absent. */
  user?: boolean;
}

export interface WalkResponse {
  version: 1;
  steps: {
    reference: number;
    dimension: string;
    level: number;
    entryAddress: string;
    entrySpace: string;
    guestPhysical?: string;
    value: string;
    flags: string[];
    pageSize?: number;
    verdict: string;
  }[];
  references: number;
  guestReferences: number;
  eptReferences: number;
  result: {
    ok: boolean;
    address?: string;
    guestPhysical?: string;
    fault?: { kind: string; code: string; detail: string };
  };
}

/** `ringscope/check`: what is wrong with a source. Needs no launch, so that an editor can ask while its user types. */
export interface CheckArguments {
  path: string;
  /** Text of files that are not saved, by path. */
  open?: Record<string, string>;
  defines?: Record<string, string>;
}

export interface CheckResponse {
  version: 1;
  /** Every file that took part: what is included belongs to this source, and is not checked by itself. */
  sources: string[];
  diagnostics: {
    file: string;
    line: number;
    column: number;
    endColumn?: number;
    severity: 'error' | 'warning';
    message: string;
  }[];
}
