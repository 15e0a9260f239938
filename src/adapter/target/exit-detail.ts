import type { Detail } from '../../core/tables/details';
import { decodeInformation } from '../../core/tables/information';
import { decodeInterruption } from '../../core/tables/interruptions';
import { decodeQualification } from '../../core/tables/qualifications';
import type { ExitFact } from './exits';
import { hex } from './format';

const EXCEPTION = 0;
const INTERRUPT = 1;
const VMCALL = 18;
const RDMSR = 31;
const WRMSR = 32;
const EPT_VIOLATION = 48;
const EPT_MISCONFIG = 49;

/** What the exit tells, decoded: qualification, interruption and instruction information, the registers that matter. */
export function exitDetail(fact: ExitFact): Detail[] {
  const found = decodeQualification(fact.reason, fact.qualification, fact.interruptionInformation);
  const add = (name: string, value: bigint) => found.push({ name, value, text: hex(value) });
  if (fact.reason === EXCEPTION || fact.reason === INTERRUPT)
    found.push(...decodeInterruption(fact.interruptionInformation));
  if (fact.reason === VMCALL) add('number', fact.rax);
  if (fact.reason === RDMSR || fact.reason === WRMSR) add('index', BigInt.asUintN(32, fact.rcx));
  if (fact.reason === EPT_VIOLATION || fact.reason === EPT_MISCONFIG) add('gpa', fact.guestPhysical);
  return [...found, ...decodeInformation(fact.reason, fact.instructionInformation)];
}

/** `write, readable, gpa 0x200000`: one line for a stop or a tree item. */
export function exitSummary(fact: ExitFact): string {
  return exitDetail(fact)
    .filter(item => item.text !== 'no')
    .map(item => (item.text === 'yes' ? item.name : `${item.name} ${item.text}`))
    .join(', ');
}
