/**
 * Data and I/O breakpoints of the debug registers (SDM 3B 17.2.4, 17.2.5). While DR7 enables a breakpoint, instructions
 * run one by one (run.ts), and pages with a data breakpoint stay out of the TLB. Execution breakpoints are run.ts's.
 */
import { State } from './generated/state.generated';
import { CR4_DE } from './context';
import { PAGE_MASK } from './layout';
import { Event, clearEvent, raiseEvent } from './stop';
import { forgetData } from './tlb';

/** DR7: local and global enable bits of the four breakpoints. */
export const ENABLED: u64 = 0xff;
/** Pending debug exceptions: some breakpoint that was met is enabled (SDM 3C table 24-4). */
const ENABLED_BREAKPOINT: u64 = 0x1000;
const enum Access { Execute = 0, Write = 1, Port = 2, ReadWrite = 3 }

/** After DR0-DR7 changed. */
export function breakpointsChanged(): void {
  if (!(load<u64>(State.DR7) & ENABLED)) { clearEvent(Event.Breakpoints); return; }
  raiseEvent(Event.Breakpoints);
  forgetData();
}

@inline function enabled(n: u32): bool { return ((load<u64>(State.DR7) >> <u64>(n * 2)) & 3) != 0; }
@inline function accessOf(n: u32): u32 { return <u32>(load<u64>(State.DR7) >> <u64>(16 + n * 4)) & 3; }
/** LEN: 1, 2, 8 (undefined outside 64-bit mode), 4 bytes. */
function lengthOf(n: u32): u64 {
  const code = <u32>(load<u64>(State.DR7) >> <u64>(18 + n * 4)) & 3;
  return code == 2 ? 8 : code + 1;
}
/** The processor ignores the address bits below the length. */
function addressOf(n: u32): u64 { return load<u64>(<usize>State.DR0 + (<usize>n << 3)) & ~(lengthOf(n) - 1); }

function meet(n: u32): void {
  store<u64>(State.PENDING_DEBUG, load<u64>(State.PENDING_DEBUG) | (<u64>1 << <u64>n) | ENABLED_BREAKPOINT);
  raiseEvent(Event.PendingDebug);
}

/** Whether some data breakpoint lies on the page of linear `va`. */
export function breakpointOnPage(va: u64): bool {
  if (!(load<u64>(State.DR7) & ENABLED)) return false;
  for (let n: u32 = 0; n < 4; n++)
    if (enabled(n) && accessOf(n) & 1 && (addressOf(n) & PAGE_MASK) == (va & PAGE_MASK)) return true;
  return false;
}
/** An instruction accesses `bytes` bytes at linear `va`: the trap of the breakpoints there follows it. */
export function meetBreakpoints(va: u64, bytes: u32, write: bool): void {
  if (!(load<u64>(State.DR7) & ENABLED)) return;
  for (let n: u32 = 0; n < 4; n++) {
    const access = accessOf(n);
    if (!enabled(n) || !(access == Access.ReadWrite || (write && access == Access.Write))) continue;
    const at = addressOf(n);
    if (va < at + lengthOf(n) && at < va + bytes) meet(n);
  }
}
/** An instruction accesses `bytes` ports from `port` on. I/O breakpoints exist with CR4.DE. */
export function meetPortBreakpoints(port: u32, bytes: u32): void {
  if (!(load<u64>(State.DR7) & ENABLED) || !(load<u64>(State.CR4) & CR4_DE)) return;
  for (let n: u32 = 0; n < 4; n++) {
    if (!enabled(n) || accessOf(n) != Access.Port) continue;
    const at = addressOf(n);
    if (<u64>port < at + lengthOf(n) && at < <u64>(port + bytes)) meet(n);
  }
}
