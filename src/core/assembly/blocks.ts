/**
 * Decoded blocks: found by RIP within a generation (one address space, privilege and mode), else by physical address,
 * else decoded. A write to their page turns their records into STALE operations, so that even the running block notices.
 */
import {
  ARENA, ARENA_END, BLOCKS_BY_ADDRESS, BLOCKS_BY_ADDRESS_ENTRIES, BLOCKS_BY_PAGE, BLOCKS_BY_PAGE_ENTRIES, BLOCKS_BY_RIP,
  BLOCKS_BY_RIP_MASK, CODE_LINES, CROSSING, OP_ENCODING,
} from './layout';
import { State } from './generated/state.generated';
import { Op } from './generated/op.generated';
import * as B from './record';
import { generation } from './context';
import { decodeBlock } from './decode';
import { clearFault } from './fault';
import { leaveAt } from './stop';
import { translateCode } from './tlb';

let arena: usize = ARENA;
/** Grows whenever the arena is emptied: links into it are void then. */
let arenaEpoch: u32 = 0;

@inline function addressHead(physical: u64): usize {
  return BLOCKS_BY_ADDRESS + ((<usize>(physical ^ (physical >> 14)) & (BLOCKS_BY_ADDRESS_ENTRIES - 1)) << 2);
}
@inline function pageHead(physical: u64): usize {
  return BLOCKS_BY_PAGE + ((<usize>(physical >> 12) & (BLOCKS_BY_PAGE_ENTRIES - 1)) << 2);
}
@inline function ripEntry(rip: u64): usize {
  return BLOCKS_BY_RIP + ((<usize>(rip ^ (rip >> 12)) << 4) & BLOCKS_BY_RIP_MASK);
}

/** Forgets every block. */
export function forgetBlocks(): void {
  arena = ARENA;
  arenaEpoch++;
  memory.fill(BLOCKS_BY_RIP, 0, BLOCKS_BY_RIP_MASK + 0x10);
  memory.fill(BLOCKS_BY_ADDRESS, 0, BLOCKS_BY_ADDRESS_ENTRIES * 4);
  memory.fill(BLOCKS_BY_PAGE, 0, BLOCKS_BY_PAGE_ENTRIES * 4);
  memory.fill(CODE_LINES, 0, BLOCKS_BY_PAGE_ENTRIES * 8);
}

@inline function linesOf(physical: u64): usize {
  return CODE_LINES + ((<usize>(physical >> 12) & (BLOCKS_BY_PAGE_ENTRIES - 1)) << 3);
}
/** The lines of `bytes` bytes from `physical` on, which lie in one page. */
@inline function lines(physical: u64, bytes: u32): u64 {
  const first = (physical >> 6) & 63, last = ((physical + bytes - 1) >> 6) & 63;
  return (u64.MAX_VALUE << first) & (u64.MAX_VALUE >> (63 - last));
}
/** Whether the bytes surely hold no decoded code. */
@inline export function besideCode(physical: u64, bytes: u32): bool {
  return (load<u64>(linesOf(physical)) & lines(physical, bytes)) == 0;
}

/** Makes whatever block is running come back to the loop before its next instruction (a data watch was hit). */
export function interruptBlocks(): void {
  const stale = encodeOp(Op.STALE);
  for (let at = ARENA; at < arena; at += B.RECORD) store<u16>(at, stale);
  for (let at = CROSSING; at < CROSSING + 3 * B.RECORD; at += B.RECORD) store<u16>(at, stale);
  forgetBlocks();
}

/** Room for a header and `records` records; empties the arena when it is full. */
export function reserve(records: u32): usize {
  if (arena + (<usize>records + 1) * B.RECORD > ARENA_END) forgetBlocks();
  return arena;
}

/** Makes the decoded block at `block` findable. */
export function addBlock(block: usize, physical: u64, end: usize): void {
  arena = end;
  let head = addressHead(physical);
  store<u32>(block, load<u32>(head), B.B_NEXT_ADDRESS);
  store<u32>(head, <u32>block);
  head = pageHead(physical);
  store<u32>(block, load<u32>(head), B.B_NEXT_PAGE);
  store<u32>(head, <u32>block);
  const at = linesOf(physical);
  store<u64>(at, load<u64>(at) | lines(physical, load<u32>(block, B.B_BYTES)));
}

/**
 * The bytes [physical, physical + bytes), within one page, are about to change: blocks decoded from them become stale.
 * Data beside code is common in small programs, so other blocks of the page stay. Answers whether any are left.
 */
export function invalidateCode(physical: u64, bytes: u32): bool {
  const page = physical >> 12;
  let rest = false;
  let link = pageHead(physical);
  for (let block = <usize>load<u32>(link); block; block = <usize>load<u32>(link)) {
    const next = load<u32>(block, B.B_NEXT_PAGE);
    const from = load<u64>(block, B.B_PHYSICAL);
    const same = from >> 12 == page;
    if (!same || from >= physical + bytes || from + load<u32>(block, B.B_BYTES) <= physical) {
      if (same) rest = true;
      link = block + B.B_NEXT_PAGE;
      continue;
    }
    store<u32>(link, next);
    unlinkAddress(block);
    const stale = encodeOp(Op.STALE);
    let record = block + B.RECORD;
    for (let n = load<u32>(block, B.B_COUNT); n; n--, record += B.RECORD) store<u16>(record, stale);
  }
  if (!load<u32>(pageHead(physical))) store<u64>(linesOf(physical), 0);
  return rest;
}
function unlinkAddress(block: usize): void {
  let link = addressHead(load<u64>(block, B.B_PHYSICAL));
  for (let at = <usize>load<u32>(link); at; at = <usize>load<u32>(link)) {
    if (at == block) { store<u32>(link, load<u32>(block, B.B_NEXT_ADDRESS)); return; }
    link = at + B.B_NEXT_ADDRESS;
  }
}

/** What a record stores for `op`: its number in the switch, or an index into the function table. */
@inline export function encodeOp(op: u32): u16 { return load<u16>(OP_ENCODING + (<usize>op << 1)); }

/** The first record at `rip` in the current mode, or 0 with a fault noted. */
@inline export function lookup(rip: u64): usize {
  const e = ripEntry(rip);
  if (load<u64>(e) == rip && load<u32>(e, 8) == generation()) return <usize>load<u32>(e, 12);
  return lookupSlow(rip);
}

/** Likewise, past the table by RIP (whose entry may be stale). */
export function lookupSlow(rip: u64): usize {
  const base = load<u32>(State.MODE) & 2 ? 0 : load<u64>(State.CS_BASE);
  const physical = translateCode(rip, base);
  if (physical == u64.MAX_VALUE) return 0;
  const key = load<u32>(State.MODE);
  for (let block = <usize>load<u32>(addressHead(physical)); block; block = <usize>load<u32>(block, B.B_NEXT_ADDRESS)) {
    if (load<u64>(block, B.B_PHYSICAL) == physical && load<u64>(block, B.B_RIP) == rip && load<u32>(block, B.B_KEY) == key &&
      load<u64>(block, B.B_CS_BASE) == base && load<u32>(block, B.B_CS_LIMIT) == load<u32>(State.CS_LIMIT))
      return remember(rip, block + B.RECORD);
  }
  const block = decodeBlock(rip, base, physical);
  if (!block) return 0;
  if (!load<u32>(block, B.B_COUNT)) return block + B.RECORD; // crosses a page: never kept
  return remember(rip, block + B.RECORD);
}
function remember(rip: u64, record: usize): usize {
  const e = ripEntry(rip);
  store<u64>(e, rip);
  store<u32>(e, generation(), 8);
  store<u32>(e, <u32>record, 12);
  return record;
}

/** Follows the link at `at` of the record `p`: R_TAKEN to its immediate, R_FALL to the next instruction. */
@inline export function follow(p: usize, at: usize): usize {
  // No generation is 0, which links have at first.
  if (load<u32>(p + at, 4) == generation()) return <usize>load<u32>(p + at);
  return followSlow(p, at);
}
function followSlow(p: usize, link: usize): usize {
  const rip = link == B.R_TAKEN ? B.immediate(p) : B.nextPc(p), at = p + link;
  const epoch = arenaEpoch;
  const target = lookup(rip);
  // The jump is complete; fetching from its target faults when the loop comes back.
  if (!target) { clearFault(); return leaveAt(rip); }
  if (epoch == arenaEpoch && !uncached(target)) {
    store<u32>(at, <u32>target);
    store<u32>(at, generation(), 4);
  }
  return target;
}
/** Blocks that cross a page live until the next decode only. */
@inline function uncached(record: usize): bool { return load<u32>(record - B.RECORD, B.B_COUNT) == 0; }
