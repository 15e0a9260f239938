import { exitReasonNamed, exitReasons } from '../../core/tables/exits';
import type { Fact, FactKind } from '../../machine/facts';
import { UserError } from '../protocol/errors';

/** A set of facts to stop at, told apart without evaluating anything. */
export interface EventMatch {
  kinds: readonly FactKind[];
  matches(fact: Fact): boolean;
}

const VMCALL = 18;
const IO = 30;
const RDMSR = 31;
const WRMSR = 32;

/**
 * A function breakpoint's name that means an event: `exit:CPUID`, `exit:10`, `exit:*`, `port:0x3f8`, `port:0x3f8-0x3ff`,
 * `msr:0x174`, `hypercall:4`, `hypercall:*`. Undefined when it has no such prefix, so that it is a symbol.
 */
export function eventNamed(name: string): EventMatch | undefined {
  const match = /^\s*(exit|port|msr|hypercall)\s*:\s*(.*?)\s*$/i.exec(name);
  if (!match) return undefined;
  const what = match[2];
  switch (match[1].toLowerCase()) {
    case 'exit':
      return exits(what === '*' ? undefined : new Set([reasonNumber(what)]));
    case 'hypercall':
      return hypercalls(what === '*' ? undefined : parseInteger(what, 'a hypercall number, as in hypercall:4'));
    case 'msr':
      return msrs(parseInteger(what, 'an MSR index, as in msr:0x174'));
    default:
      return ports(what);
  }
}

/** VM exits with one of these reasons, or with any. */
export function exits(reasons: ReadonlySet<number> | undefined): EventMatch {
  return { kinds: ['vm-exit'], matches: fact => fact.kind === 'vm-exit' && (!reasons || reasons.has(fact.reason)) };
}

/** VMCALL in a guest. The number is in RAX, where the ABIs of KVM, Xen and Hyper-V have theirs or can be told to. */
export function hypercalls(number: bigint | undefined): EventMatch {
  return {
    kinds: ['vm-exit'],
    matches: fact => fact.kind === 'vm-exit' && fact.reason === VMCALL && (number === undefined || fact.rax === number),
  };
}

/** An access that reached the bus, or one of a guest that exited before it could. */
function ports(range: string): EventMatch {
  const [first, last] = range.split('-');
  const wanted = 'a port, as in port:0x3f8 or port:0x3f8-0x3ff';
  const low = Number(parseInteger(first, wanted));
  const high = last === undefined ? low : Number(parseInteger(last, wanted));
  if (low > high || high > 0xffff) throw new UserError(`ports ${range}: expected ${wanted}`);
  const overlaps = (port: number, size: number) => port <= high && port + size > low;
  return {
    kinds: ['port', 'vm-exit'],
    matches: fact =>
      fact.kind === 'port'
        ? overlaps(fact.port, fact.size)
        : fact.kind === 'vm-exit' &&
          fact.reason === IO &&
          overlaps(Number((fact.qualification >> 16n) & 0xffffn), Number(fact.qualification & 7n) + 1),
  };
}

/** A write that took effect, or an RDMSR or WRMSR of a guest that exited. */
function msrs(index: bigint): EventMatch {
  return {
    kinds: ['control', 'vm-exit'],
    matches: fact =>
      fact.kind === 'control'
        ? fact.index !== undefined && BigInt(fact.index) === index
        : fact.kind === 'vm-exit' &&
          (fact.reason === RDMSR || fact.reason === WRMSR) &&
          BigInt.asUintN(32, fact.rcx) === index,
  };
}

/** The basic exit reason that an identifier or a number names. */
export function reasonNumber(text: string): number {
  const named = exitReasonNamed(text.toUpperCase());
  if (named) return named.number;
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
  if (exitReasons.some(row => row.number === number)) return number;
  const wanted = text.toUpperCase();
  const close =
    wanted && (exitReasons.find(row => row.id.startsWith(wanted)) ?? exitReasons.find(row => row.id.includes(wanted)));
  throw new UserError(
    `no VM exit is called ${text || '(nothing)'}${close ? `; did you mean ${close.id}?` : ', as in exit:EPT_VIOLATION'}`,
  );
}

function parseInteger(text: string, wanted: string): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text.trim())) throw new UserError(`${text || '(nothing)'}: expected ${wanted}`);
  return BigInt(text.trim());
}
