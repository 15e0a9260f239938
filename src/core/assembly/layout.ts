/**
 * Where everything lies in the core's one memory. State (schema.ts) is at 0; guest RAM comes last, so that it can grow.
 */
/** A processor's state (schema.ts). */
export const STATE_BYTES: usize = 0x1000;
/**
 * The machine around the processors (processors.ts, time.ts): how many there are, whose turn it is, whose state lies at 0,
 * instructions that the others retired; when the turn ends and when devices act, in time; length of a turn.
 */
export const PROCESSORS: usize = 0x1000;
/** Up to here the host's snapshots go. */
export const STATE_AND_MACHINE_BYTES: usize = 0x1100;
export const SCHEDULED: usize = 0x1004;
export const LOADED: usize = 0x1008;
/** Turns in a row in which a processor did nothing but sleep. */
export const IDLE_TURNS: usize = 0x100c;
export const OTHERS: usize = 0x1010;
export const TURN_END: usize = 0x1018;
export const DEVICE_AT: usize = 0x1020;
export const QUANTUM: usize = 0x1028;
/** Bounce buffer for reads that cross a page or reach a device. */
export const READ_BUFFER: usize = 0x2000;
/** Bounce buffer for writes that cross a page or reach a device; `commitWrite` carries them out. */
export const WRITE_BUFFER: usize = 0x2080;
export const WRITE_BUFFER_END: usize = 0x2100;
/** What the walker visited (walk.ts). */
export const WALK_STEPS: usize = 0x2400;
export const WALK_STEPS_END: usize = 0x3000;
/** What a record stores for each operation, u16 each (dispatch). */
export const OP_ENCODING: usize = 0x3000;
/** Software TLB for code: direct-mapped, 16 bytes an entry: tag u64, page number u32. */
export const TLB_EXECUTE: usize = 0xc000;
export const TLB_CODE_BYTES: usize = 0x4000;
export const TLB_CODE_INDEX_MASK: usize = 0x3ff0;
/** Blocks by RIP and generation: 4096 entries of 16 bytes: rip u64, generation u32, block u32. */
export const BLOCKS_BY_RIP: usize = 0x10000;
export const BLOCKS_BY_RIP_MASK: usize = 0xfff0;
/** Block chains by physical address: 16384 heads. */
export const BLOCKS_BY_ADDRESS: usize = 0x20000;
export const BLOCKS_BY_ADDRESS_ENTRIES: usize = 16384;
/** Block chains by physical page: 4096 heads. */
export const BLOCKS_BY_PAGE: usize = 0x30000;
export const BLOCKS_BY_PAGE_ENTRIES: usize = 4096;
/** Linear addresses at which to stop before execution: count u32, then u64 each. */
export const CODE_WATCHES: usize = 0x34000;
export const CODE_WATCHES_MAX: u32 = 1000;
/** Watched data: count u32, then from byte 8 on 40 bytes each: space u32, access u32, address u64, length u64, id u32. */
export const DATA_WATCHES: usize = 0x36000;
export const DATA_WATCHES_MAX: u32 = 200;
/** The one block that crosses a page: decoded anew each time. */
export const CROSSING: usize = 0x3e000;
/** Address-space tags (context.ts). */
export const CONTEXTS: usize = 0x38000;
export const GENERATIONS: usize = 0x3c000;
/** For the host: exact text of facts that do not fit the state, 256 bytes. */
export const FACT: usize = 0x3f000;
/** One byte per 4-KByte page of physical memory: PAGE_ flags. */
export const PAGES: usize = 0x40000;
export const PAGES_BYTES: usize = 0x100000;
export const PAGE_RAM: u8 = 1;
export const PAGE_CODE: u8 = 2;
/** Written since the last snapshot. */
export const PAGE_DIRTY: u8 = 4;
/** Written before the last snapshot: the host's bit. */
export const PAGE_TOUCHED: u8 = 8;
export const RAM_PAGE: u32 = 0x1000;
/** Which 64-byte lines of a page hold decoded code, one bit each: u64 for each entry of BLOCKS_BY_PAGE. */
export const CODE_LINES: usize = 0x140000;
/** As TLB_WRITE, but of TLB_CODE_BYTES, for pages that hold code too: a store must ask CODE_LINES. */
export const TLB_BESIDE_CODE: usize = 0x148000;
/** Software TLBs for data: direct-mapped, 16 bytes an entry: tag u64, addend u32. They reach over 32 MiB. */
export const TLB_READ: usize = 0x150000;
export const TLB_WRITE: usize = 0x170000;
export const TLB_BYTES: usize = 0x20000;
export const TLB_INDEX_MASK: usize = 0x1fff0;

/** Global pages (global-pages.ts). */
export const GLOBAL_PAGES: usize = 0x1e0000;

/** What the processor is (src/core/identity.ts writes it): features, a bit each by their number; then the fields below. */
export const IDENTITY: usize = 0x1f0000;
export const CR4_LEGAL: usize = IDENTITY + 0x10;
export const EFER_LEGAL: usize = IDENTITY + 0x18;
/** Allowed-1 settings of the pin-based, primary, secondary, exit and entry controls, u32 each. */
export const PIN_ALLOWED: usize = IDENTITY + 0x20;
export const PRIMARY_ALLOWED: usize = IDENTITY + 0x24;
export const SECONDARY_ALLOWED: usize = IDENTITY + 0x28;
export const EXIT_ALLOWED: usize = IDENTITY + 0x2c;
export const ENTRY_ALLOWED: usize = IDENTITY + 0x30;
/** CPUID: number of leaves u32, then from byte 8 on LEAF_BYTES each: leaf, subleaf, EAX, EBX, ECX, EDX. */
export const IDENTITY_LEAVES: usize = 0x1f0100;
export const IDENTITY_LEAVES_MAX: u32 = 100;
export const LEAF_BYTES: usize = 24;

/** States of the processors that do not run: 64 at most. */
export const PARKED: usize = 0x300000;
/** The compiler's own data follow at 0x200000 (build option). */
export const ARENA: usize = 0x400000;
export const ARENA_END: usize = 0x1400000;
/** Host address of guest-physical address 0 when no guest runs above: host-physical 0. */
export const RAM: usize = 0x2000000;

export const PAGE_MASK: u64 = 0xfffffffffffff000;
/** Physical-address width in bits that CPUID announces. */
export const MAXPHYADDR: u32 = 39;
export const PHYSICAL_RESERVED: u64 = 0x000fffffffffffff & ~((1 << 39) - 1);
