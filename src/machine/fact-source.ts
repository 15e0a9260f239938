/** Turns the core's notices into facts, for those kinds that somebody listens to. */
import { FACT, FactCode, LOADED, OTHERS, RAM, stateField, type Processor } from '../core';
import { vmcsFieldNamed } from '../core/tables/fields';
import { entryCheck } from '../core/tables/checks';
import { fieldOffset } from '../core/tables/layout';
import { vmxAborts } from '../core/tables/errors';
import { readVmcsField, readVmcsHeader } from '../core/vmcs';
import type { Fact, FactKind, FactListener, FactOf } from './facts';

/** The core's code of each kind that it tells itself. `shutdown` is always told: its text is kept for the stop. */
const codes: Partial<Record<FactKind, number>> = {
  'vm-exit': FactCode.VmExit,
  'vm-entry': FactCode.VmEntry,
  'vm-entry-failure': FactCode.EntryFailure,
  exception: FactCode.Exception,
  interrupt: FactCode.Interrupt,
  control: FactCode.Control,
  halt: FactCode.Halt,
};
const ALWAYS = 1 << FactCode.VmxAbort;
const NO_VMCS = 0xffffffffffffffffn;
const CS_LONG = 0x2000;
const IA32E_GUEST = 0x200;

/** Where the parts of an exit lie: looked up once, because a guest may exit a million times a second. */
const place = (name: string): number => fieldOffset(vmcsFieldNamed(name)!.encoding);
const state = (name: string): number => stateField(name)!.offset;
const at = {
  exitReason: place('EXIT_REASON'),
  qualification: place('EXIT_QUALIFICATION'),
  guestRip: place('GUEST_RIP'),
  csBase: place('GUEST_CS_BASE'),
  csAccessRights: place('GUEST_CS_ACCESS_RIGHTS'),
  entryControls: place('ENTRY_CONTROLS'),
  guestLinear: place('GUEST_LINEAR_ADDRESS'),
  guestPhysical: place('GUEST_PHYSICAL_ADDRESS'),
  instructionLength: place('EXIT_INSTRUCTION_LENGTH'),
  interruptionInformation: place('EXIT_INTERRUPTION_INFORMATION'),
  interruptionErrorCode: place('EXIT_INTERRUPTION_ERROR_CODE'),
  vectoringInformation: place('IDT_VECTORING_INFORMATION'),
  instructionInformation: place('EXIT_INSTRUCTION_INFORMATION'),
  currentVmcs: state('CURRENT_VMCS'),
  rax: state('RAX'),
  rcx: state('RCX'),
  instructions: state('INSTRUCTIONS'),
};

export class FactSource {
  private readonly listeners = new Map<FactKind, Set<FactListener<FactKind>>>();
  private stopping: Fact | undefined;
  private abort: string | undefined;

  constructor(private readonly processor: () => Processor) {}

  on<K extends FactKind>(kind: K, listener: FactListener<K>): () => void {
    const set = this.listeners.get(kind) ?? new Set();
    this.listeners.set(kind, set);
    set.add(listener as unknown as FactListener<FactKind>);
    this.updateMask();
    return () => {
      set.delete(listener as unknown as FactListener<FactKind>);
      this.updateMask();
    };
  }
  private updateMask(): void {
    let mask = ALWAYS;
    for (const [kind, code] of Object.entries(codes)) if (this.listeners.get(kind as FactKind)?.size) mask |= 1 << code;
    this.processor().core.setFactMask(mask);
  }

  /** Tells every listener; true when one of them wants to stop. The first such fact is what run() reports. */
  send(fact: Fact): boolean {
    const set = this.listeners.get(fact.kind);
    if (!set?.size) return false;
    let stop = false;
    for (const listener of set) if (listener(fact as never) === true) stop = true;
    if (stop) this.stopping ??= fact;
    return stop;
  }
  takeStopping(): Fact | undefined {
    const fact = this.stopping;
    this.stopping = undefined;
    return fact;
  }
  shutdownDetail(): string {
    return (
      this.abort ??
      'Triple fault: an exception occurred while a double fault was being delivered. The processor is in shutdown.'
    );
  }

  fromCore(code: number): boolean {
    const fact = this.build(code);
    return fact ? this.send(fact) : false;
  }

  private build(code: number): Fact | undefined {
    const p = this.processor();
    const value = (name: string): bigint => p.get(name);
    const common = {
      cpu: p.view.getUint32(LOADED, true),
      instruction: p.view.getBigUint64(at.instructions, true) + p.view.getBigUint64(OTHERS, true),
    };
    const word = (offset: number): number => p.view.getUint32(FACT + offset, true);
    switch (code) {
      case FactCode.VmExit:
        return this.exit(p, common);
      case FactCode.VmEntry:
        return {
          kind: 'vm-entry',
          ...common,
          vmcs: value('CURRENT_VMCS'),
          launch: value('ENTRY_LAUNCH') !== 0n,
          guestRip: value('RIP'),
          rip: value('ENTRY_RIP'),
        };
      case FactCode.EntryFailure:
        return this.entryFailure(value, common);
      case FactCode.VmxAbort: {
        const number = readVmcsHeader(this.region(p)).abort;
        const why = vmxAborts.find(row => row.number === number)?.meaning ?? 'unknown';
        this.abort = `VMX abort ${number}: ${why} (SDM 3C 27.7). The processor is in shutdown.`;
        return { kind: 'shutdown', ...common, cause: 'vmx-abort', detail: this.abort };
      }
      case FactCode.Exception:
        return {
          kind: 'exception',
          ...common,
          vector: word(0),
          ...(word(8) ? { errorCode: word(4) } : {}),
          rip: value('RIP'),
          ...(word(0) === 14 ? { cr2: value('CR2') } : {}),
        };
      case FactCode.Interrupt:
        return { kind: 'interrupt', ...common, vector: word(0), external: word(12) !== 0 };
      case FactCode.Control: {
        const index = word(4);
        const isMsr = word(0) === 1;
        return {
          kind: 'control',
          ...common,
          register: isMsr ? `MSR 0x${index.toString(16)}` : `CR${index}`,
          ...(isMsr ? { index } : {}),
          value: p.view.getBigUint64(FACT + 8, true),
        };
      }
      case FactCode.Halt:
        return { kind: 'halt', ...common, rip: value('RIP'), wakeable: (value('RFLAGS') & 0x200n) !== 0n };
      default:
        return undefined;
    }
  }

  private region(p: Processor): Uint8Array {
    const at = Number(p.get('CURRENT_VMCS'));
    return p.ram.subarray(at, at + 4096);
  }
  private exit(p: Processor, common: { cpu: number; instruction: bigint }): FactOf<'vm-exit'> {
    const { view } = p;
    const vmcs = view.getBigUint64(at.currentVmcs, true);
    const base = RAM + Number(vmcs);
    const word = (offset: number): number => view.getUint32(base + offset, true);
    const quad = (offset: number): bigint => view.getBigUint64(base + offset, true);
    const ia32e64 = (word(at.csAccessRights) & CS_LONG) !== 0 && (word(at.entryControls) & IA32E_GUEST) !== 0;
    const guestRip = quad(at.guestRip);
    return {
      kind: 'vm-exit',
      ...common,
      reason: word(at.exitReason) & 0xffff,
      qualification: quad(at.qualification),
      guestRip,
      guestLinearRip: ia32e64 ? guestRip : BigInt.asUintN(32, quad(at.csBase) + guestRip),
      guestLinear: quad(at.guestLinear),
      guestPhysical: quad(at.guestPhysical),
      instructionLength: word(at.instructionLength),
      interruptionInformation: word(at.interruptionInformation),
      interruptionErrorCode: word(at.interruptionErrorCode),
      vectoringInformation: word(at.vectoringInformation),
      instructionInformation: word(at.instructionInformation),
      vmcs,
      rax: view.getBigUint64(at.rax, true),
      rcx: view.getBigUint64(at.rcx, true),
    };
  }
  private entryFailure(
    value: (name: string) => bigint,
    common: { cpu: number; instruction: bigint },
  ): FactOf<'vm-entry-failure'> {
    const vmcs = value('CURRENT_VMCS');
    const region = vmcs === NO_VMCS ? undefined : this.region(this.processor());
    const field = (name: string): number =>
      region ? Number(readVmcsField(region, vmcsFieldNamed(name)!.encoding)) : 0;
    const exited =
      entryCheck(Number(value('ENTRY_CHECK')))?.failure === 'exit 33' ||
      entryCheck(Number(value('ENTRY_CHECK')))?.failure === 'exit 34';
    return {
      kind: 'vm-entry-failure',
      ...common,
      vmcs,
      check: Number(value('ENTRY_CHECK')),
      field: Number(value('ENTRY_FIELD')),
      value: value('ENTRY_VALUE'),
      error: exited ? field('EXIT_REASON') & 0xffff : field('INSTRUCTION_ERROR'),
      form: exited ? 'exit' : region ? 'VMfailValid' : 'VMfailInvalid',
      rip: value('ENTRY_RIP'),
    };
  }
}
