/** Facts are sent only when somebody listens: bit `code` of `factMask`. */
import { fact } from './host';
import { FACT } from './layout';
import { StopCode, publishTime, requestStop } from './stop';

export const enum FactCode {
  VmExit = 0,
  VmEntry = 1,
  EntryFailure = 2,
  VmxAbort = 3,
  /** FACT: vector u32, error u32, has error u32. */
  Exception = 4,
  /** FACT: vector u32, external u32. */
  Interrupt = 5,
  /** FACT: register kind u32 (0 CR, 1 MSR), number u32, value u64. */
  Control = 6,
  Halt = 7,
}

let factMask: u32 = 0;
export function setFactMask(mask: u32): void { factMask = mask; }
@inline export function observed(code: u32): bool { return (factMask & (1 << code)) != 0; }
/** Tells the host; a "stop" answer ends run() after the current instruction or transition. */
export function tell(code: u32): void {
  publishTime();
  if (fact(code)) requestStop(StopCode.Fact);
}
export function tellWords(code: u32, a: u32, b: u32, c: u64): void {
  if (!observed(code)) return;
  store<u32>(FACT, a);
  store<u32>(FACT + 4, b);
  store<u64>(FACT + 8, c);
  tell(code);
}
