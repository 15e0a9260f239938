import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionNames } from '../../core/tables/interruptions';
import type { FactKind } from '../../machine/facts';
import { UserError } from '../protocol/errors';
import { exits, hypercalls, reasonNumber, type EventMatch } from './events';

interface Filter {
  filter: string;
  label: string;
  description: string;
  default: boolean;
  conditionDescription: string;
  match: EventMatch;
}

const kinds = (list: readonly FactKind[]): EventMatch => ({ kinds: list, matches: fact => list.includes(fact.kind) });

const EXPRESSION = 'an expression, such as';
const EPT_VIOLATION = 48;
const EPT_MISCONFIG = 49;

/** The fixed list (clients read it once, at initialize): what else varies is in the conditions. */
export const filters: readonly Filter[] = [
  {
    filter: 'vmexit',
    label: 'VM exits',
    description: 'Stop at the guest instruction that causes a VM exit, before the hypervisor’s first instruction',
    default: false,
    conditionDescription: `exit reasons (CPUID, EPT_VIOLATION), or ${EXPRESSION} reason == IO && qual.port == 0x3f8`,
    match: exits(undefined),
  },
  {
    filter: 'hypercall',
    label: 'Hypercalls',
    description: 'Stop at VMCALL in a guest',
    default: false,
    conditionDescription: `hypercall numbers (1, 4), or ${EXPRESSION} rax == 4 && rbx != 0`,
    match: hypercalls(undefined),
  },
  {
    filter: 'ept',
    label: 'EPT violations and misconfigurations',
    description: 'Stop at the guest instruction whose access the EPT structures refuse',
    default: false,
    conditionDescription: `${EXPRESSION} qual.write && gpa >= 0x200000`,
    match: exits(new Set([EPT_VIOLATION, EPT_MISCONFIG])),
  },
  {
    filter: 'entryfail',
    label: 'Failed VM entries',
    description: 'Stop when a VM entry fails, and tell the check, field, value and rule',
    default: true,
    conditionDescription: `${EXPRESSION} error == 7`,
    match: kinds(['vm-entry-failure']),
  },
  {
    filter: 'io',
    label: 'Port I/O',
    description: 'Stop after an access to an I/O port that reached the bus',
    default: false,
    conditionDescription: `${EXPRESSION} port == 0x3f8 && write`,
    match: kinds(['port']),
  },
  {
    filter: 'crmsr',
    label: 'Control-register and MSR writes',
    description: 'Stop after a control register or an MSR was written',
    default: false,
    conditionDescription: `${EXPRESSION} index == 0xc0000080`,
    match: kinds(['control']),
  },
  {
    filter: 'exception',
    label: 'Processor exceptions',
    description: 'Stop when an exception is delivered',
    default: false,
    conditionDescription: `vectors (13, #PF), or ${EXPRESSION} vector == 14 && cr2 < 0x1000`,
    match: kinds(['exception']),
  },
  {
    filter: 'interrupt',
    label: 'Interrupts',
    description: 'Stop when an interrupt is delivered',
    default: false,
    conditionDescription: `vectors (0x20), or ${EXPRESSION} vector >= 32`,
    match: kinds(['interrupt']),
  },
  {
    filter: 'shutdown',
    label: 'Triple fault and dead halt',
    description: 'Stop when nothing can ever run again: a triple fault, or HLT that no interrupt can end',
    default: true,
    conditionDescription: '',
    // The machine stops by itself; this filter decides whether that is a stop or the end of the session.
    match: kinds([]),
  },
];

/** As the initialize response lists them. */
export function filterCapabilities(): DebugProtocol.ExceptionBreakpointsFilter[] {
  return filters.map(({ filter, label, description, default: on, conditionDescription }) => ({
    filter,
    label,
    description,
    default: on,
    supportsCondition: conditionDescription !== '',
    ...(conditionDescription ? { conditionDescription } : {}),
  }));
}

/** A condition that is a list of reasons, vectors or numbers, as an expression. */
export function filterCondition(filter: string, condition: string): string {
  const items = condition.split(/[\s,]+/).filter(Boolean);
  switch (filter) {
    case 'vmexit':
      if (!items.every(item => /^([A-Za-z_]\w*|\d+|0x[0-9a-fA-F]+)$/.test(item))) return condition;
      return items.map(item => `reason == ${reasonNumber(item)}`).join(' || ');
    case 'hypercall':
      if (!items.every(item => /^(\d+|0x[0-9a-fA-F]+)$/.test(item))) return condition;
      return items.map(item => `rax == ${item}`).join(' || ');
    case 'exception':
    case 'interrupt':
      if (!items.every(item => /^(#[A-Za-z]{2}|\d+|0x[0-9a-fA-F]+)$/.test(item))) return condition;
      return items.map(item => `vector == ${vectorNumber(item)}`).join(' || ');
    default:
      return condition;
  }
}

function vectorNumber(text: string): string {
  if (!text.startsWith('#')) return text;
  const found = Object.entries(exceptionNames).find(([, name]) => name === text.toUpperCase());
  if (!found)
    throw new UserError(`no exception is called ${text}; the names are ${Object.values(exceptionNames).join(' ')}`);
  return found[0];
}
