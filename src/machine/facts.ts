/**
 * Facts: what the machine tells whoever asks. A listener may answer `true`: stop here. With no listener for a kind,
 * that kind costs nothing. Addresses are numbers of the spaces their names say; instruction counts are retired instructions.
 */
export type Fact =
  /** After the guest's state is saved and the host's loaded, before the hypervisor's first instruction. */
  | {
      kind: 'vm-exit';
      cpu: number;
      instruction: bigint;
      /** Basic exit reason. */
      reason: number;
      qualification: bigint;
      guestRip: bigint;
      /** Guest CS base + RIP. */
      guestLinearRip: bigint;
      guestLinear: bigint;
      guestPhysical: bigint;
      instructionLength: number;
      interruptionInformation: number;
      interruptionErrorCode: number;
      vectoringInformation: number;
      instructionInformation: number;
      vmcs: bigint;
      /** RAX at the exit: hypercall number, port data. */
      rax: bigint;
      rcx: bigint;
    }
  /** After the guest's state is loaded, before its first instruction. */
  | {
      kind: 'vm-entry';
      cpu: number;
      instruction: bigint;
      vmcs: bigint;
      launch: boolean;
      guestRip: bigint;
      /** RIP of the VMLAUNCH or VMRESUME. */
      rip: bigint;
    }
  /** `check` is a row of the VM-entry check table. `error` is a VM-instruction error (7, 8, ...) or an exit reason 33/34. */
  | {
      kind: 'vm-entry-failure';
      cpu: number;
      instruction: bigint;
      vmcs: bigint;
      check: number;
      field: number;
      value: bigint;
      error: number;
      form: 'VMfailInvalid' | 'VMfailValid' | 'exit';
      rip: bigint;
    }
  | {
      kind: 'exception';
      cpu: number;
      instruction: bigint;
      vector: number;
      errorCode?: number;
      rip: bigint;
      cr2?: bigint;
    }
  | { kind: 'interrupt'; cpu: number; instruction: bigint; vector: number; external: boolean }
  | {
      kind: 'port';
      cpu: number;
      instruction: bigint;
      port: number;
      size: 1 | 2 | 4;
      value: number;
      write: boolean;
      /** No device answers here. */
      unclaimed: boolean;
    }
  | {
      kind: 'device-memory';
      cpu: number;
      instruction: bigint;
      physical: bigint;
      size: number;
      value: bigint;
      write: boolean;
      unclaimed: boolean;
    }
  /** A control register or MSR was written (`register`: "CR3", "IA32_EFER"; `index` the MSR's number). */
  | { kind: 'control'; cpu: number; instruction: bigint; register: string; index?: number; value: bigint }
  | { kind: 'halt'; cpu: number; instruction: bigint; rip: bigint; wakeable: boolean }
  | { kind: 'shutdown'; cpu: number; instruction: bigint; cause: 'triple-fault' | 'vmx-abort'; detail: string };

export type FactKind = Fact['kind'];
export type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>;

/** Answers true to stop the machine at this fact. */
export type FactListener<K extends FactKind> = (fact: FactOf<K>) => boolean | void;

/** Why `run` came back. */
export type Stop =
  /** The instruction limit was reached. */
  | { kind: 'limit' }
  /** A fact's listener asked for it. */
  | { kind: 'fact'; fact: Fact }
  /** The next instruction lies at a watched address (`watchCode`); it has not run. */
  | { kind: 'code'; linear: bigint }
  /** A watched datum was accessed; the instruction has completed. `value` bytes are there to read. */
  | { kind: 'data'; watch: number; linear: bigint; physical: bigint; size: number; write: boolean }
  /** HLT with nothing that could end it: interrupts off, or no interrupt source. Nothing will ever run again. */
  | { kind: 'dead-halt'; detail: string }
  /** All processors sleep, and only input can wake one (`sendSerial`): nothing runs until it comes. */
  | { kind: 'waiting'; detail: string }
  /** Triple fault in root operation or outside VMX: the processor is in shutdown. */
  | { kind: 'shutdown'; detail: string }
  /** The program ended the machine: `status` is the process exit status that it means. */
  | { kind: 'exit'; status: number; detail: string };
