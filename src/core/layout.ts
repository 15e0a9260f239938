/** The addresses in the core's memory that its host uses; the core's own copy is assembly/layout.ts (a test compares them). */
/** See assembly/layout.ts: the machine around the processors. */
export const PROCESSORS = 0x1000;
export const SCHEDULED = 0x1004;
export const LOADED = 0x1008;
export const OTHERS = 0x1010;
export const TURN_END = 0x1018;
export const WALK_STEPS = 0x2400;
export const STEP_BYTES = 40;
export const CODE_WATCHES = 0x34000;
export const CODE_WATCHES_MAX = 1000;
export const DATA_WATCHES = 0x36000;
export const DATA_WATCHES_MAX = 200;
export const FACT = 0x3f000;
export const PAGES = 0x40000;
export const PAGE_RAM = 1;
/** Written since the last snapshot. */
export const PAGE_DIRTY = 4;
/** Written before the last snapshot. */
export const PAGE_TOUCHED = 8;
/** Bytes of a page of RAM. */
export const RAM_PAGE = 0x1000;
/** A processor's state, and with the machine around the processors behind it. */
export const STATE_BYTES = 0x1000;
export const STATE_AND_MACHINE_BYTES = 0x1100;
/** States of the processors that do not run. */
export const PARKED = 0x300000;
export const RAM = 0x2000000;
export const WASM_PAGE = 0x10000;
/** What the processor is (identity.ts): two words of features, legal CR4 and EFER bits, allowed controls. */
export const IDENTITY = 0x1f0000;
/** CPUID: number of leaves u32, then from byte 8 on LEAF_BYTES each: leaf, subleaf, EAX, EBX, ECX, EDX. */
export const IDENTITY_LEAVES = 0x1f0100;
export const IDENTITY_LEAVES_MAX = 100;
export const LEAF_BYTES = 24;
