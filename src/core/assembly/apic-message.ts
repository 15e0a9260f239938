/** Interrupt messages between local APICs, and from I/O APICs and devices to them (SDM 3A 10.6, 10.7). */
import { State } from './generated/state.generated';
import { ApicError, acceptInterrupt, apicEnabled, apicError, interruptsChanged, processorPriority, softwareEnabled, x2apic } from './apic';
import { Event } from './stop';
import { processorCount, stateOf } from './processors';

/** Delivery modes. */
export const enum Mode { Fixed = 0, LowestPriority = 1, Smi = 2, Nmi = 4, Init = 5, StartUp = 6, External = 7 }
const LOGICAL: u32 = 1 << 11;
const ASSERT: u32 = 1 << 14;
const LEVEL: u32 = 1 << 15;
const enum Shorthand { None = 0, Self = 1, All = 2, Others = 3 }

/** Whether the processor whose state is at `c` is addressed. `wide`: the destination has 32 bits. */
function addressed(c: usize, destination: u32, logical: bool, wide: bool): bool {
  if (!apicEnabled(c)) return false;
  if (destination == (wide ? 0xffffffff : 0xff)) return true;
  const ldr = load<u32>(c, State.APIC_LDR);
  if (!logical) return destination == load<u32>(c, State.APIC_ID);
  if (x2apic(c)) {
    if (wide) return destination >> 16 == ldr >> 16 && (destination & ldr & 0xffff) != 0;
    return ldr >> 16 == 0 && (destination & ldr & 0xff) != 0;
  }
  const id = ldr >> 24;
  if (load<u32>(c, State.APIC_DFR) >> 28 == 0xf) return (destination & id) != 0;
  return destination >> 4 == id >> 4 && (destination & id & 15) != 0;
}

/** Delivers to the processor whose state is at `c`. */
function deliverTo(c: usize, mode: u32, vector: u32, level: bool): void {
  switch (mode) {
    case Mode.Fixed: case Mode.LowestPriority: acceptInterrupt(c, vector, level); return;
    case Mode.Nmi: store<u32>(c, 1, State.PENDING_NMI); note(c, Event.Nmi); return;
    case Mode.Init: store<u32>(c, 1, State.PENDING_INIT); store<u32>(c, 0, State.PENDING_STARTUP); note(c, Event.Init); return;
    case Mode.StartUp: store<u32>(c, 0x100 | vector, State.PENDING_STARTUP); note(c, Event.Init); return;
    // SMI: there is no system-management mode. ExtINT messages need an 8259 behind them, which has its own line.
    default: return;
  }
}
@inline function note(c: usize, event: u32): void { store<u32>(c, load<u32>(c, State.EVENTS) | event, State.EVENTS); }

/** A message on the bus: mode and vector as in the ICR's low word. Answers whether somebody was addressed. */
export function broadcast(low: u32, destination: u32, wide: bool): bool {
  const mode = (low >> 8) & 7, vector = low & 0xff, level = (low & LEVEL) != 0;
  let chosen: i32 = -1, best: u32 = 0x100, any = false;
  for (let n: u32 = 0; n < processorCount(); n++) {
    const c = stateOf(n);
    if (!addressed(c, destination, (low & LOGICAL) != 0, wide)) continue;
    any = true;
    if (mode != Mode.LowestPriority) { deliverTo(c, mode, vector, level); continue; }
    const priority = processorPriority(c);
    if (softwareEnabled(c) && priority < best) { best = priority; chosen = <i32>n; }
  }
  if (chosen >= 0) deliverTo(stateOf(chosen), mode, vector, level);
  return any;
}

/** The running processor writes its interrupt command register. */
export function send(low: u32, destination: u32): void {
  const mode = (low >> 8) & 7, vector = low & 0xff, shorthand = (low >> 18) & 3;
  // INIT level de-assert is for processors older than local APICs inside (SDM 3A 10.6.1).
  if (mode == Mode.Init && low & LEVEL && !(low & ASSERT)) return;
  if (vector < 16 && mode <= <u32>Mode.LowestPriority) {
    apicError(0, ApicError.SendIllegalVector);
    if (shorthand == Shorthand.None) return;
  }
  // The trigger mode of an IPI counts for INIT de-assert only: all others are edges.
  const edge = low & ~LEVEL;
  if (shorthand == Shorthand.None) { broadcast(edge, destination, x2apic(0)); return; }
  if (shorthand == Shorthand.Self) { deliverTo(0, mode, vector, false); return; }
  const self = load<u32>(State.PROCESSOR);
  for (let n: u32 = 0; n < processorCount(); n++)
    if ((n != self || shorthand == Shorthand.All) && apicEnabled(stateOf(n))) deliverTo(stateOf(n), mode, vector, false);
}

/** The 8259's INTR line, which is wired to the first processor. */
export function setExternalLine(level: u32): void {
  const c = stateOf(0);
  store<u32>(c, level, State.EXTERNAL_LINE);
  interruptsChanged(c);
}
/** INIT for the first processor: a device pulled its reset line. */
export function initializeFirst(): void { deliverTo(stateOf(0), Mode.Init, 0, false); }
