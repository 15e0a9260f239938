import type { LineRow } from '../../program/program';
import { decode, MAX_INSTRUCTION_BYTES, type Instruction } from './code';
import { bytesText } from './format';
import type { Module } from './module';
import type { Target } from './target';
import type { View } from './view';

/** One line of a disassembly. */
export interface ListingEntry {
  /** Linear. */
  address: bigint;
  bytes: Uint8Array;
  text: string;
  /** The label that stands here. */
  symbol?: string;
  /** The source line that begins here. */
  row?: LineRow;
  /** False where no memory is mapped. */
  valid: boolean;
}

const PAGE = 4096n;
/** Data is listed in lines of so many bytes. */
const DATA_LINE = 8;

/**
 * Disassembles around an address of one frame's address space.
 *
 * x86 cannot be read backwards: an earlier start is chosen and decoded forwards. The line table and the labels say where
 * instructions begin and where data lies; without them decoding starts far enough back to fall into step, and the base
 * address is always the start of an entry.
 */
export class Listing {
  private readonly base: bigint;

  constructor(
    private readonly target: Target,
    private readonly view: View,
  ) {
    this.base = view.codeSize === 64 ? 0n : (view.registers.read('CS_BASE') ?? 0n);
  }

  /** `count` entries from `address` on. */
  after(address: bigint, count: number): ListingEntry[] {
    const found: ListingEntry[] = [];
    let at = address;
    while (found.length < count) {
      const length = (count - found.length) * MAX_INSTRUCTION_BYTES;
      const data = this.target.machine.readLinear(at, length, this.view.context);
      if (!data.length) {
        found.push(unmapped(at));
        at = BigInt.asUintN(64, at + 1n);
        continue;
      }
      // The last bytes of what could be read may cut an instruction; they are read again in the next round.
      const swept = this.sweep(at, data, data.length < length);
      if (!swept.length) break;
      found.push(...swept.slice(0, count - found.length));
      const last = found[found.length - 1];
      at = last.address + BigInt(last.bytes.length);
    }
    return found;
  }

  /** `count` entries that end at `address`. */
  before(address: bigint, count: number): ListingEntry[] {
    const low = this.lowestMapped(address, BigInt(count * MAX_INSTRUCTION_BYTES));
    const start = this.firstStart(low, address);
    const data = this.target.machine.readLinear(start, Number(address - start), this.view.context);
    const found = this.sweep(start, data, true).slice(-count);
    const first = found[0]?.address ?? address;
    const missing = Array.from({ length: count - found.length }, (_, n) =>
      unmapped(BigInt.asUintN(64, first - BigInt(count - found.length - n))),
    );
    return [...missing, ...found];
  }

  /** All entries of `data`, which lies at `address`. `whole`: nothing readable follows, so the last bytes count too. */
  private sweep(address: bigint, data: Uint8Array, whole: boolean): ListingEntry[] {
    const end = address + BigInt(data.length);
    const here = this.target.locate(address, this.view);
    const shift = here ? address - here.address : 0n;
    const rows = new Map(
      (here?.module.lines.between(address - shift, end - shift) ?? []).map(row => [row.address + shift, row]),
    );
    const starts = [...rows.keys(), end].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const found: ListingEntry[] = [];
    let at = address;
    let next = 0;
    while (at < end) {
      while (starts[next] <= at) next++;
      const offset = Number(at - address);
      const room = Number(starts[next] - at);
      const entry = this.entry(at, data.subarray(offset), room, rows.get(at), here?.module, shift);
      if (!whole && data.length - offset < MAX_INSTRUCTION_BYTES) break;
      found.push(entry);
      at += BigInt(entry.bytes.length);
    }
    return found;
  }

  /** One entry of at most `room` bytes. */
  private entry(
    address: bigint,
    data: Uint8Array,
    room: number,
    row: LineRow | undefined,
    module: Module | undefined,
    shift: bigint,
  ): ListingEntry {
    const covering = row ?? module?.lines.at(address - shift);
    const decoded =
      covering && !covering.code ? undefined : decode(data.subarray(0, room), address - this.base, this.view.codeSize);
    const bytes = decoded?.bytes ?? data.slice(0, Math.min(room, covering && !covering.code ? DATA_LINE : 1));
    const symbol = module?.symbols.at(address - shift);
    return {
      address,
      bytes,
      text: decoded
        ? this.annotated(decoded)
        : `db ${bytesText(bytes)
            .replace(/\b(?=\w\w\b)/g, '0x')
            .replace(/ /g, ', ')}`,
      ...(symbol ? { symbol: symbol.name } : {}),
      ...(row ? { row } : {}),
      valid: true,
    };
  }

  /** The text with the symbol that a branch, a memory operand or an immediate means. */
  private annotated({ text, target, refers }: Instruction): string {
    const jump = target === undefined ? undefined : this.target.describe(target + this.base, this.view);
    // A number that happens to lie inside the program is no reference; one that is a label's address very likely is.
    const referred = refers === undefined ? undefined : this.target.locate(refers, this.view);
    const label = referred?.module.symbols.at(referred.address)?.name;
    const symbol = jump ?? label;
    return symbol ? `${text} <${symbol}>` : text;
  }

  /** The lowest address from which everything up to `address` is mapped, at most `length` below. */
  private lowestMapped(address: bigint, length: bigint): bigint {
    const least = address > length ? address - length : 0n;
    let low = address;
    while (low > least) {
      const page = (low - 1n) & ~(PAGE - 1n);
      const from = page > least ? page : least;
      const data = this.target.machine.readLinear(from, 1, this.view.context);
      if (!data.length) break;
      low = from;
    }
    return low;
  }

  /** Where to begin so as to arrive at `address`: the first known start at or above `low`. */
  private firstStart(low: bigint, address: bigint): bigint {
    const here = this.target.locate(address, this.view);
    const shift = here ? address - here.address : 0n;
    const row = here?.module.lines.between(low - shift, address - shift)[0];
    return row ? row.address + shift : low;
  }
}

function unmapped(address: bigint): ListingEntry {
  return { address, bytes: new Uint8Array(), text: '??', valid: false };
}
