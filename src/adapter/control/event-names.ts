import type { Fact } from '../../machine/facts';
import type { EventNames } from '../expression/names';
import { exitDetail } from '../target/exit-detail';
import type { ExitFact } from '../target/exits';
import type { Target } from '../target/target';

/**
 * The names that conditions and `evaluate` have for the event of a stop. Without an event of its own, a stop in the exit
 * handler still has those of the exit that it handles.
 */
export function eventNames(target: Target, fact: Fact | undefined): EventNames {
  if (!fact) return target.pendingExit ? exitNames(target.pendingExit.fact) : new Map();
  switch (fact.kind) {
    case 'vm-exit':
      return exitNames(fact);
    case 'vm-entry-failure':
      return map({ error: fact.error, check: fact.check, field: fact.field, value: fact.value });
    case 'exception':
      return map({
        vector: fact.vector,
        error: fact.errorCode ?? 0,
        ...(fact.cr2 === undefined ? {} : { address: fact.cr2 }),
      });
    case 'interrupt':
      return map({ vector: fact.vector, external: fact.external });
    case 'port':
      return map({ port: fact.port, size: fact.size, value: fact.value, write: fact.write });
    case 'device-memory':
      return map({ hpa: fact.physical, size: fact.size, value: fact.value, write: fact.write });
    case 'control':
      return map({ value: fact.value, ...(fact.index === undefined ? {} : { index: fact.index }) });
    default:
      return new Map();
  }
}

function exitNames(fact: ExitFact): EventNames {
  const names = map({
    reason: fact.reason,
    qual: fact.qualification,
    qualification: fact.qualification,
    gpa: fact.guestPhysical,
    gla: fact.guestLinear,
    length: fact.instructionLength,
  });
  for (const { name, value } of exitDetail(fact)) {
    names.set(`qual.${name}`, value);
    if (!names.has(name)) names.set(name, value);
  }
  return names;
}

function map(values: Record<string, bigint | number | boolean>): Map<string, bigint> {
  return new Map(Object.entries(values).map(([name, value]) => [name, BigInt(value)]));
}
