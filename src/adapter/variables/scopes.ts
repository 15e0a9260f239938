import { stateField, type StateField } from '../../core/schema';
import type { Frame } from '../target/frames';
import type { Target } from '../target/target';
import type { View } from '../target/view';
import type { Container } from './container';
import { Locals } from './locals';
import { TypedContainer } from './typed-container';
import { flagsScope, RegisterScope, schemaFields, SegmentScope } from './registers';
import { VmcsScope } from './vmcs';
import { X87Scope } from './x87';

export interface Scope {
  name: string;
  container: Container;
  /** Not to be fetched unless the user opens it. */
  expensive: boolean;
  hint?: 'registers' | 'locals';
}

const GENERAL_64 = schemaFields('general');
const PDPTES = /^PDPTE\d$/;
const PAGING = 1n << 31n;
const PAE = 1n << 5n;
const LONG_MODE = 1n << 10n;
const CONDITION = ['CPL', 'ACTIVITY', 'BLOCKING'].map(name => stateField(name)!);

/** The scopes of a frame, in the order of use. */
export function scopesOf(target: Target, frame: Frame): Scope[] {
  const vmcs = target.machine.currentVmcs(frame.kind === 'label' ? target.cpu : frame.view.cpu);
  const vmcsScope: Scope[] =
    vmcs === undefined ? [] : [{ name: 'VMCS', container: new VmcsScope(target, vmcs), expensive: true }];
  if (frame.kind === 'label') return vmcsScope;
  const { view, caller } = frame;
  const registers: Scope = {
    name: 'Registers',
    container: new RegisterScope(target, view, [...GENERAL_64, stateField('RFLAGS')!], true),
    expensive: false,
    hint: 'registers',
  };
  const variables = new Locals(target, frame);
  const locals: Scope[] = variables.known
    ? [{ name: 'Locals', container: TypedContainer.locals(() => variables.all()), expensive: false, hint: 'locals' }]
    : [];
  // Of a caller only what unwinding recovers is known; the rest would be the callee's.
  if (caller) return [...locals, registers];
  const groups = (name: string, container: Container, expensive = false): Scope => ({ name, container, expensive });
  return [
    ...locals,
    registers,
    groups('Flags', flagsScope(view)),
    groups('Segments', new SegmentScope(target, view)),
    groups('Control', new RegisterScope(target, view, controlFields(frame.view))),
    groups('MSRs', new RegisterScope(target, view, schemaFields('msr')), true),
    groups('SSE', new RegisterScope(target, view, schemaFields('sse')), true),
    groups('x87', new X87Scope(target, view), true),
    ...(apicIsOn(view) ? [groups('Local APIC', new RegisterScope(target, view, schemaFields('apic')), true)] : []),
    ...vmcsScope,
  ];
}
/** IA32_APIC_BASE.EN */
const apicIsOn = ({ registers }: View): boolean => ((registers.read('IA32_APIC_BASE') ?? 0n) & 0x800n) !== 0n;

/** Control and debug registers, and the processor's condition. The PDPTEs exist with PAE paging only (SDM 3A 4.4.1). */
function controlFields({ registers }: View): StateField[] {
  const set = (name: string, bit: bigint) => ((registers.read(name) ?? 0n) & bit) !== 0n;
  const pae = set('CR0', PAGING) && set('CR4', PAE) && !set('IA32_EFER', LONG_MODE);
  return [...schemaFields('control', 'debug').filter(({ name }) => pae || !PDPTES.test(name)), ...CONDITION];
}
