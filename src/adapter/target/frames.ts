import type { InlinedCall } from '../../program/dwarf/functions';
import { exitReason } from '../../core/tables/exits';
import { vmcsFieldNamed } from '../../core/tables/fields';
import { hex } from './format';
import { CallerRegisters, RegistersAt } from './registers';
import { beginsAt } from './module';
import type { Target } from './target';
import { unwind, type Activation, type Root } from './unwind';
import { exitTitle } from './vmcs';
import { linearRip, type View, type World } from './view';

/** A stack frame, or (with `label`) the border between a guest and its hypervisor. */
export type Frame = CodeFrame | { kind: 'label'; label: string };

export interface CodeFrame {
  kind: 'code';
  view: View;
  rip: bigint;
  rsp: bigint;
  returnSlot?: bigint;
  /** Not the innermost of its stack. */
  caller: boolean;
  /** The activation that it shows; inlined calls show the same one. */
  activation: Activation;
  /** The linear address whose function and line it shows: for a caller, a byte of its call. */
  shown: bigint;
  /** What it shows in place of the function and the line at that address: calls that were inlined make several of one. */
  name?: string;
  place?: { file: string; line: number };
  /** The inlined call whose code runs, when it is no function of its own. */
  inlined?: InlinedCall;
}

/**
 * The whole stack, innermost first. A VM entry reads like a call that the hypervisor makes, a VM exit like one that the
 * guest makes: while the handler runs it is on top, with the guest below.
 */
export function frames(target: Target): Frame[] {
  const operation = target.machine.vmxOperation(target.cpu);
  const exit = target.pendingExit;
  if (target.atExit && exit) {
    const launched = `VM entry: ${target.lastEntry?.launch ? 'VMLAUNCH' : 'VMRESUME'}, VMCS ${hex(exit.fact.vmcs)}`;
    return [...world(target, 'guest'), { kind: 'label', label: launched }, ...world(target, 'current')];
  }
  if (target.failedEntry) {
    const label = `VM-entry failure: goes on ${target.failedEntry.form === 'exit' ? 'as at a VM exit' : 'behind it'}`;
    return [failedEntryFrame(target, target.failedEntry.rip), { kind: 'label', label }, ...world(target, 'current')];
  }
  if (operation === 'non-root') {
    const vmcs = target.machine.currentVmcs(target.cpu) ?? 0n;
    const launched = `VM entry: ${target.lastEntry?.launch ? 'VMLAUNCH' : 'VMRESUME'}, VMCS ${hex(vmcs)}`;
    return [...world(target, 'current'), { kind: 'label', label: launched }, ...world(target, 'host')];
  }
  if (exit) {
    const left = `${exitTitle(exit.fact.reason)}, VMCS ${hex(exit.fact.vmcs)}`;
    return [...world(target, 'current', hostRoot(target)), { kind: 'label', label: left }, ...world(target, 'guest')];
  }
  return world(target, 'current');
}

/** Frames of one side of the boundary. `root` ends its stack. */
function world(target: Target, which: World, root?: Root): Frame[] {
  const view = target.view(which);
  // The hypervisor below a guest stands at the instruction that entered it; HOST_RIP is where it will go on.
  const rip = (which === 'host' ? target.lastEntry?.rip : undefined) ?? view.registers.read('RIP') ?? 0n;
  const rsp = view.registers.read('RSP') ?? 0n;
  return unwind(target, view, rip, rsp, root).flatMap((activation, n) =>
    withInlined(target, codeFrame(view, activation, n > 0)),
  );
}

function codeFrame(view: View, activation: Activation, caller: boolean): CodeFrame {
  const { rip, rsp, returnSlot, registers, interrupted } = activation;
  const seen = caller ? { ...view, registers: new CallerRegisters(view.registers, rip, rsp, registers) } : view;
  const linear = linearRip(view, rip);
  // A caller's address is where it goes on; the line of the call is that of the byte before.
  const shown = caller && !interrupted ? linear - 1n : linear;
  const slot = returnSlot === undefined ? {} : { returnSlot };
  return { kind: 'code', view: seen, rip, rsp, caller, activation, shown, ...slot };
}

/** The frame, below one for each call that the compiler replaced by its callee's code. */
function withInlined(target: Target, frame: CodeFrame): CodeFrame[] {
  const found = target.locate(frame.shown, frame.view);
  const calls = found?.module.inlinedAt(found.address) ?? [];
  if (!found || !calls.length) return [frame];
  const { module, address } = found;
  const outer = module.functionAt(address)!.name;
  const entered = frame.caller ? calls.length : enteredCalls(target, calls, address);
  return Array.from({ length: entered + 1 }, (_, n): CodeFrame => {
    const inlined = calls[n - 1];
    const next = calls[n];
    const place = next && module.image.debug?.callSite(next);
    return { ...frame, name: inlined?.name ?? outer, ...(place ? { place } : {}), ...(inlined ? { inlined } : {}) };
  }).reverse();
}

/** How many of the inlined calls around an address have been entered: not those that begin just there. */
export function enteredCalls(target: Target, calls: readonly InlinedCall[], address: bigint): number {
  let entered = calls.length;
  while (entered > 0 && beginsAt(calls[entered - 1], address)) entered--;
  return Math.min(entered + target.enteredCalls, calls.length);
}

/** The VMLAUNCH or VMRESUME that failed: the processor has left it, with RIP (and RSP, as at an exit) already loaded. */
function failedEntryFrame(target: Target, rip: bigint): Frame {
  const view = target.view('current');
  const rsp = view.registers.read('RSP') ?? 0n;
  return codeFrame({ ...view, registers: new RegistersAt(view.registers, rip) }, { rip, rsp }, false);
}

/** Where the handler began: what lies above its RSP belongs to whoever launched the guest. */
function hostRoot(target: Target): Root {
  const { registers } = target.view('host');
  return { rip: registers.read('RIP') ?? 0n, rsp: registers.read('RSP') ?? 0n };
}

/** `CPU 0 · guest (VPID 1)`, `CPU 0 · VMX root`, `CPU 0`; for one that sleeps, why. */
export function threadName(target: Target, cpu: number): string {
  return target.on(cpu, () => `${worldName(target)}${SLEEP[Number(target.machine.register('ACTIVITY', cpu))] ?? ''}`);
}
/** By activity state (SDM 3C 24.4.2). */
const SLEEP: Readonly<Record<number, string>> = { 1: ' · halted', 2: ' · shut down', 3: ' · waits for SIPI' };
function worldName(target: Target): string {
  const { machine, cpu } = target;
  const operation = machine.vmxOperation(cpu);
  if (operation === 'off') return `CPU ${cpu}`;
  if (operation === 'root' && !target.atExit) return `CPU ${cpu} · VMX root`;
  const vmcs = machine.currentVmcs(cpu);
  const field = vmcsFieldNamed('VPID');
  const vpid = vmcs === undefined || !field ? undefined : machine.vmcs(vmcs)?.read(field.encoding);
  return vpid ? `CPU ${cpu} · guest (VPID ${vpid})` : `CPU ${cpu} · guest`;
}

/** The identifier of a basic exit reason, as `exit:…` breakpoints spell it. */
export function exitName(reason: number): string {
  return exitReason(reason)?.id ?? `RESERVED_${reason}`;
}
