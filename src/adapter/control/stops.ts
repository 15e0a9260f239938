import { instructionError } from '../../core/tables/errors';
import { entryCheck } from '../../core/tables/checks';
import { vmcsField } from '../../core/tables/fields';
import type { Fact, FactOf, Stop } from '../../machine/facts';
import type { Breakpoint } from '../breakpoints/breakpoint';
import { exitSummary } from '../target/exit-detail';
import { hex } from '../target/format';
import { exitName } from '../target/frames';
import { exitTitle, vectorName } from '../target/vmcs';

/** Why execution stopped, in the words that a client shows. */
export interface StopReport {
  /** DAP's reason: a client may act on `exception` and the breakpoint kinds. */
  reason: string;
  description: string;
  text?: string;
  hitBreakpointIds?: number[];
  /** What exceptionInfo answers for this stop. */
  exception?: { id: string; description: string; details: string };
  fact?: Fact;
}

/** Why the session is over. */
export interface EndReport {
  status: number;
  detail: string;
}

/** A stop that the machine made by itself: nothing further can run. */
export function finalReport(stop: Extract<Stop, { kind: 'dead-halt' | 'shutdown' }>): StopReport {
  const halt = stop.kind === 'dead-halt';
  const description = halt ? 'Halted for good' : 'Triple fault: shutdown';
  return {
    reason: 'exception',
    description,
    text: stop.detail,
    exception: { id: halt ? 'dead-halt' : 'triple-fault', description, details: stop.detail },
  };
}

/** A stop at an event that breakpoints or filters asked for. */
export function eventReport(fact: Fact, met: readonly Breakpoint[]): StopReport {
  const ids = met.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const filter = met.some(breakpoint => breakpoint.filter);
  const { description, text, id } = describe(fact);
  // Only what went wrong is an exception to a client; a VM exit is a place where execution was asked to stop.
  const wrong = fact.kind === 'vm-entry-failure' || fact.kind === 'exception' || fact.kind === 'shutdown';
  return {
    reason: ids.length ? 'function breakpoint' : wrong && filter ? 'exception' : REASONS[fact.kind],
    description,
    ...(text ? { text } : {}),
    ...(ids.length ? { hitBreakpointIds: ids } : {}),
    exception: {
      id,
      description,
      details: fact.kind === 'vm-entry-failure' ? entryFailure(fact) : (text ?? description),
    },
    fact,
  };
}

const REASONS: Record<Fact['kind'], string> = {
  'vm-exit': 'VM exit',
  'vm-entry': 'VM entry',
  'vm-entry-failure': 'exception',
  exception: 'exception',
  interrupt: 'interrupt',
  port: 'port I/O',
  'device-memory': 'device memory',
  control: 'control register',
  halt: 'halt',
  shutdown: 'exception',
};

function describe(fact: Fact): { id: string; description: string; text?: string } {
  switch (fact.kind) {
    case 'vm-exit':
      return { id: exitName(fact.reason), description: exitTitle(fact.reason), text: exitSummary(fact) };
    case 'vm-entry':
      return { id: 'vm-entry', description: fact.launch ? 'VMLAUNCH' : 'VMRESUME' };
    case 'vm-entry-failure': {
      const check = entryCheck(fact.check);
      const title = fact.form === 'exit' ? exitTitle(fact.error) : `VM entry failed: ${errorMeaning(fact.error)}`;
      return { id: check?.name ?? 'VM-entry failure', description: title, text: entryFailure(fact) };
    }
    case 'exception': {
      const code = fact.errorCode === undefined ? '' : `, error code ${hex(fact.errorCode)}`;
      const address = fact.cr2 === undefined ? '' : `, address ${hex(fact.cr2)}`;
      return {
        id: vectorName(fact.vector),
        description: `Exception ${vectorName(fact.vector)}${code}${address}`,
        text: `raised at RIP ${hex(fact.rip)}; the next instruction is its handler's first`,
      };
    }
    case 'interrupt':
      return { id: 'interrupt', description: `Interrupt ${hex(fact.vector)}${fact.external ? '' : ' (software)'}` };
    case 'port':
      return {
        id: 'port',
        description: `Port ${hex(fact.port)} ${fact.write ? 'write' : 'read'} ${hex(fact.value)}`,
        text: `${fact.size} byte${fact.size > 1 ? 's' : ''}${fact.unclaimed ? '; no device answers there' : ''}`,
      };
    case 'device-memory':
      return {
        id: 'device-memory',
        description: `Device memory ${hex(fact.physical)} ${fact.write ? 'write' : 'read'}`,
      };
    case 'control': {
      const name = fact.index === undefined ? fact.register : `${fact.register} (MSR ${hex(fact.index)})`;
      return { id: fact.register, description: `${name} := ${hex(fact.value)}` };
    }
    case 'halt':
      return { id: 'halt', description: 'HLT' };
    case 'shutdown':
      return {
        id: fact.cause,
        description: fact.cause === 'triple-fault' ? 'Triple fault' : 'VMX abort',
        text: fact.detail,
      };
  }
}

/** The failing check by name, field, value, rule and section of the manual. */
function entryFailure(fact: FactOf<'vm-entry-failure'>): string {
  const check = entryCheck(fact.check);
  if (!check) return errorMeaning(fact.error);
  const field = vmcsField(fact.field);
  return [
    `Check: ${check.name}`,
    ...(field ? [`Field: ${field.name} (${hex(field.encoding, 4)}) = ${hex(fact.value)}`] : []),
    `Rule: ${check.rule}`,
    `Legal: ${check.legal}`,
    `Manual: SDM volume 3C, section ${check.section}`,
    `Result: ${fact.form === 'exit' ? exitTitle(fact.error) : `${fact.form}, error ${fact.error}`}`,
  ].join('\n');
}

function errorMeaning(error: number): string {
  return instructionError(error)?.meaning ?? `error ${error}`;
}
