/** The addresses in the core's memory that its host uses; the core's own copy is assembly/layout.ts (a test compares them). */
export const WALK_STEPS = 0x2400;
export const STEP_BYTES = 40;
export const CODE_WATCHES = 0x34000;
export const CODE_WATCHES_MAX = 1000;
export const DATA_WATCHES = 0x36000;
export const DATA_WATCHES_MAX = 200;
export const FACT = 0x3f000;
export const PAGES = 0x40000;
export const PAGE_RAM = 1;
export const PAGE_DIRTY = 4;
export const RAM = 0x2000000;
export const WASM_PAGE = 0x10000;
