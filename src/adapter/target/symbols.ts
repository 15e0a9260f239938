import type { ProgramSymbol } from '../../program/program';
import { hex } from './format';

export interface NearestSymbol {
  symbol: ProgramSymbol;
  /** Bytes from the symbol's address. */
  offset: bigint;
}

/** A label farther away than this says nothing about an address, unless the symbol's size says otherwise. */
const REACH = 0x10000n;

/** Names and addresses, both ways. Addresses are the program's own (where it was linked or assembled to be). */
export class SymbolTable {
  private readonly sorted: ProgramSymbol[];
  private readonly byName = new Map<string, ProgramSymbol>();

  /** `extent`: the addresses that the image covers; nothing outside has a nearest symbol. */
  constructor(
    symbols: readonly ProgramSymbol[],
    private readonly extent: { low: bigint; high: bigint },
  ) {
    this.sorted = symbols.filter(symbol => symbol.kind !== 'constant');
    // At one address the first one named in the source wins: the sort is stable.
    this.sorted.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    for (const symbol of symbols) if (!this.byName.has(symbol.name)) this.byName.set(symbol.name, symbol);
  }

  named(name: string): ProgramSymbol | undefined {
    return this.byName.get(name);
  }

  names(): IterableIterator<string> {
    return this.byName.keys();
  }

  /** The symbol at or before `address` that it belongs to. Local labels (`main.loop`) count. */
  nearest(address: bigint): NearestSymbol | undefined {
    if (address < this.extent.low || address >= this.extent.high) return undefined;
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    let at = low - 1;
    while (at > 0 && this.sorted[at - 1].address === this.sorted[at].address) at--;
    const symbol = this.sorted[at];
    const offset = address - symbol.address;
    return offset < (symbol.bytes ? BigInt(symbol.bytes) : REACH) ? { symbol, offset } : undefined;
  }

  /** The symbol exactly at `address`. */
  at(address: bigint): ProgramSymbol | undefined {
    const found = this.nearest(address);
    return found && found.offset === 0n ? found.symbol : undefined;
  }

  /** `main+0x4`, or undefined when no symbol covers it. */
  describe(address: bigint): string | undefined {
    const found = this.nearest(address);
    if (!found) return undefined;
    return found.offset ? `${found.symbol.name}+${hex(found.offset)}` : found.symbol.name;
  }
}
