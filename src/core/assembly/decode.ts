/** Decoding of instructions into records, block by block (SDM 2 chapter 2 and appendix A). */
import { CODE_WATCHES, CROSSING, PAGE_RAM } from './layout';
import { State } from './generated/state.generated';
import { Op } from './generated/op.generated';
import { paired } from './generated/pairs.generated';
import { addBlock, encodeOp, reserve } from './blocks';
import { MODE_64, MODE_CHECK, MODE_CODE, longCode } from './context';
import { Vector, clearFault, faultCode } from './fault';
import { opcode } from './opcodes';
import { pageFlags, ramPointer, readPhysical } from './physical';
import * as D from './decoder';
import * as R from './record';
import { protectCode, translateCode } from './tlb';

/** Instructions of a block at most. */
const BLOCK: u32 = 60;
/** Where the bytes of an instruction lie that crosses a page or comes from a device. */
const FETCH: usize = CROSSING + 0x200;
/** Instead of a length: the bytes cannot be fetched. */
export const NO_BYTES: u32 = 0xff;

/** Decodes the instruction at `ip` into record `p`. The length, or 0: `available` bytes are not enough. */
function decodeOne(p: usize, ip: usize, available: u32, rip: u64): u32 {
  D.begin(p, ip, available, rip);
  opcode();
  return D.complete();
}

function isWatched(rip: u64, base: u64): bool {
  const count = load<u32>(CODE_WATCHES);
  if (!count) return false;
  const linear = longCode() ? rip : (base + rip) & 0xffffffff;
  for (let n: u32 = 0; n < count; n++) if (load<u64>(CODE_WATCHES + 8 + (<usize>n << 3)) == linear) return true;
  return false;
}
/** A record that is no instruction: END, STALE or WATCH. */
function marker(p: usize, op: u32, rip: u64): void {
  memory.fill(p, 0, R.RECORD);
  store<u16>(p, encodeOp(op));
  store<u64>(p, rip, R.R_RIP);
  store<u64>(p, rip, R.R_NEXT);
}

/**
 * Decodes the block at `rip`, whose first byte is at host-physical `physical`; `base` is that of CS outside 64-bit mode.
 * 0: a fault is noted. A block whose count is 0 holds one instruction that crosses a page, and is not kept.
 */
export function decodeBlock(rip: u64, base: u64, physical: u64): usize {
  if (!(pageFlags(physical) & PAGE_RAM) || !firstFits(rip, physical)) return decodeCrossing(rip, base, physical);
  const block = reserve(BLOCK + 3);
  let p = block + R.RECORD;
  let at = rip;
  const ip = ramPointer(physical);
  const room: u32 = 0x1000 - (<u32>physical & 0xfff);
  let used: u32 = 0, count: u32 = 0;
  while (count < BLOCK) {
    if (count && isWatched(at, base)) break;
    const available = min<u32>(15, room - used);
    const length = decodeOne(p, ip + used, available, at);
    if (!length) {
      if (available < 15) break; // the next one crosses the page
      marker(p, Op.TOOLONG, at);
      store<u64>(p, at + 15, R.R_NEXT);
      used += 15;
    } else if (!withinLimit(at, length)) {
      if (!count) { faultCode(Vector.GP, 0); return 0; }
      break;
    }
    if (!count && isWatched(at, base)) {
      memory.copy(p + R.RECORD, p, R.RECORD);
      marker(p, Op.WATCH, at);
      p += R.RECORD;
      count++;
    }
    if (count) store<u16>(p - R.RECORD, paired(load<u16>(p - R.RECORD), load<u16>(p)));
    p += R.RECORD;
    count++;
    if (!length) break;
    used += length;
    at = D.wrap(at + length);
    if (D.ends || used >= room) break;
  }
  // Also behind an instruction that ends the block: it may complete without choosing where to go on.
  marker(p, Op.END, at);
  p += R.RECORD;
  count++;
  finish(block, rip, base, physical, count, used);
  addBlock(block, physical, p);
  protectCode(longCode() ? rip : (base + rip) & 0xffffffff, physical);
  return block;
}
function finish(block: usize, rip: u64, base: u64, physical: u64, count: u32, bytes: u32): void {
  memory.fill(block, 0, R.RECORD);
  store<u64>(block, physical, R.B_PHYSICAL);
  store<u64>(block, rip, R.B_RIP);
  store<u32>(block, load<u32>(State.MODE), R.B_KEY);
  store<u32>(block, count, R.B_COUNT);
  store<u32>(block, bytes, R.B_BYTES);
  store<u64>(block, base, R.B_CS_BASE);
  store<u32>(block, load<u32>(State.CS_LIMIT), R.B_CS_LIMIT);
}
/** CS limit of the bytes [at, at + length) outside 64-bit mode. */
@inline function withinLimit(at: u64, length: u32): bool {
  return longCode() || at + length - 1 <= <u64>load<u32>(State.CS_LIMIT);
}
function firstFits(rip: u64, physical: u64): bool {
  const available = min<u32>(15, 0x1000 - (<u32>physical & 0xfff));
  return available == 15 || decodeOne(CROSSING + R.RECORD, ramPointer(physical), available, rip) != 0;
}

/** Bytes may lie in two pages, or in no RAM: copies them to decode into `p`. The length; 0: too long; NO_BYTES: a fault is noted. */
function decodeCopy(p: usize, rip: u64, base: u64, physical: u64): u32 {
  const room = min<u32>(15, 0x1000 - (<u32>physical & 0xfff));
  fetch(FETCH, physical, room);
  const length = decodeOne(p, FETCH, room, rip);
  if (length || room == 15) return length;
  const second = translateCode(D.wrap(rip + room), base);
  if (second == u64.MAX_VALUE) return NO_BYTES;
  fetch(FETCH + room, second, 15 - room);
  return decodeOne(p, FETCH, 15, rip);
}
/** One instruction whose bytes lie in two pages, or in no RAM; checked and decoded anew each time it runs. */
function decodeCrossing(rip: u64, base: u64, physical: u64): usize {
  let p = CROSSING + R.RECORD;
  let length = decodeCopy(p, rip, base, physical);
  if (length == NO_BYTES) return 0;
  if (length && !withinLimit(rip, length)) { faultCode(Vector.GP, 0); return 0; }
  if (!length) { marker(p, Op.TOOLONG, rip); length = 15; }
  if (isWatched(rip, base)) {
    memory.copy(p + R.RECORD, p, R.RECORD);
    marker(p, Op.WATCH, rip);
    p += R.RECORD;
  }
  marker(p + R.RECORD, Op.END, D.wrap(rip + length));
  finish(CROSSING, rip, base, physical, 0, length);
  return CROSSING;
}
/**
 * Length in bytes of the instruction at `rip`, decoded in the current mode without running; with UNDEFINED when it would
 * raise #UD. 0: it is longer than 15 bytes. NO_BYTES: it is not mapped. Sets accessed bits as fetching does.
 */
export function instructionAt(rip: u64): u32 {
  const base = longCode() ? 0 : load<u64>(State.CS_BASE);
  const physical = translateCode(rip, base);
  const p = CROSSING + R.RECORD;
  const length = physical == u64.MAX_VALUE ? NO_BYTES : decodeCopy(p, rip, base, physical);
  if (length == NO_BYTES) { clearFault(); return NO_BYTES; }
  return length && load<u16>(p) == encodeOp(Op.UD) ? length | UNDEFINED : length;
}
const UNDEFINED: u32 = 0x100;
function fetch(to: usize, physical: u64, bytes: u32): void {
  if (pageFlags(physical) & PAGE_RAM) { memory.copy(to, ramPointer(physical), bytes); return; }
  for (let n: u32 = 0; n < bytes; n++) store<u8>(to + n, readPhysical<u8>(physical + n));
}
