/** Call-frame information: .debug_frame and .eh_frame (DWARF 5, 6.4; LSB Core for the latter). */
import { runCfa, type FrameRow } from './cfa';
import { readPointer } from './pointer';
import { DwarfReader, problemText } from './reader';
import type { DebugSections } from './sections';

/** A common information entry: what many functions share. */
export interface Cie {
  codeAlignment: number;
  dataAlignment: number;
  /** The column of the return address. */
  returnColumn: number;
  addressSize: number;
  /** Of pointers in its frame descriptions. */
  encoding: number;
  /** Frame descriptions have data of their own, with its length first. */
  augmented: boolean;
  /** A signal or interrupt handler: its caller was interrupted, and goes on exactly at the return address. */
  signal: boolean;
  instructions: DwarfReader;
}

/** A frame description: the code [low, high), linear. */
interface Fde {
  low: bigint;
  high: bigint;
  cie: Cie;
  /** Where its instructions begin and end. */
  from: number;
  to: number;
}

const SAME_AS_ADDRESS = 0;

export class CallFrames {
  private tables: FrameTable[] | undefined;

  /** `addressSize`: bytes of an address where the section does not say. */
  constructor(
    private readonly sections: DebugSections,
    private readonly addressSize: number,
  ) {}

  /** How to find the caller of code at `address`, or undefined when nothing describes it. */
  at(address: bigint): FrameRow | undefined {
    this.tables ??= ['.debug_frame', '.eh_frame'].map(name => new FrameTable(this.sections, name, this.addressSize));
    for (const table of this.tables) {
      const found = table.at(address);
      if (found) return found;
    }
    return undefined;
  }

  /** What is wrong with the tables that have been read. */
  get problem(): string | undefined {
    return this.tables?.find(table => table.problem)?.problem;
  }
}

class FrameTable {
  problem: string | undefined;
  private readonly entries: Fde[] = [];
  private readonly cies = new Map<number, Cie | undefined>();
  private readonly data: Uint8Array;
  private readonly base: bigint;
  private readonly exceptions: boolean;

  constructor(
    private readonly sections: DebugSections,
    private readonly name: string,
    private readonly addressSize: number,
  ) {
    this.data = sections.get(name);
    this.base = sections.address(name);
    this.exceptions = name === '.eh_frame';
    for (let at = 0; at < this.data.length;) {
      let end = this.data.length;
      try {
        end = this.entry(at);
      } catch (error) {
        this.problem ??= problemText(error);
        end = this.endOf(at);
      }
      at = end;
    }
    this.entries.sort((a, b) => (a.low < b.low ? -1 : Number(a.low > b.low)));
  }

  at(address: bigint): FrameRow | undefined {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle].low <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.entries[low - 1];
    if (!found || address >= found.high) return undefined;
    try {
      const { cie, from, to } = found;
      return runCfa(cie, new DwarfReader(this.data, this.name, from, to), found.low, address, this.base);
    } catch (error) {
      this.problem ??= problemText(error);
      return undefined;
    }
  }

  /** Reads the entry at an offset; gives where the next one begins. */
  private entry(at: number): number {
    const all = new DwarfReader(this.data, this.name, at);
    const { bytes, wide } = all.initialLength();
    // In .eh_frame a length of zero ends what one object file brought.
    if (bytes === 0) return all.at;
    const r = all.part(bytes);
    const idAt = r.at;
    const id = r.offset32Or64(wide && !this.exceptions);
    if (id === this.mark(wide)) return r.end;
    const cie = this.cie(this.exceptions ? idAt - Number(id) : Number(id));
    if (!cie) return r.end;
    const low = readPointer(r, cie.encoding, cie.addressSize, this.base);
    const length = readPointer(r, cie.encoding & 0x0f, cie.addressSize, 0n);
    if (cie.augmented) r.skip(r.uleb());
    if (low !== undefined && length && this.sections.loaded(low))
      this.entries.push({ low, high: low + length, cie, from: r.at, to: r.end });
    return r.end;
  }

  /** What stands in place of a CIE's offset in a CIE itself. */
  private mark(wide: boolean): bigint {
    if (this.exceptions) return 0n;
    return wide ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  }

  private cie(offset: number): Cie | undefined {
    if (!this.cies.has(offset)) {
      this.cies.set(offset, undefined);
      this.cies.set(offset, this.readCie(offset));
    }
    return this.cies.get(offset);
  }

  private readCie(offset: number): Cie | undefined {
    const all = new DwarfReader(this.data, this.name, offset);
    const { bytes, wide } = all.initialLength();
    const r = all.part(bytes);
    const id = r.offset32Or64(wide && !this.exceptions);
    if (id !== this.mark(wide)) r.fail('a frame description refers to what is no common entry', offset);
    const version = r.u8();
    if (![1, 3, 4].includes(version)) r.fail(`call-frame version ${version} is not known`, offset);
    const augmentation = r.text();
    let addressSize = this.addressSize;
    if (version >= 4) {
      addressSize = r.u8();
      r.u8(); // bytes of a segment selector
    }
    if (addressSize !== 4 && addressSize !== 8) r.fail(`addresses of ${addressSize} bytes`, offset);
    // An old gcc's exception table pointer.
    if (augmentation === 'eh') r.skip(addressSize);
    const codeAlignment = r.uleb();
    const dataAlignment = r.sleb();
    const returnColumn = version === 1 ? r.u8() : r.uleb();
    const cie: Omit<Cie, 'instructions'> = {
      codeAlignment,
      dataAlignment,
      returnColumn,
      addressSize,
      encoding: SAME_AS_ADDRESS,
      augmented: augmentation.startsWith('z'),
      signal: augmentation.includes('S'),
    };
    if (!cie.augmented) {
      // An S alone is how GNU as marks signal frames in .debug_frame. What another augmentation changes, nobody can tell.
      if (!['', 'eh', 'S'].includes(augmentation)) return undefined;
      return { ...cie, instructions: r };
    }
    const data = r.part(r.uleb());
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') cie.encoding = data.u8();
      else if (letter === 'L') data.u8();
      else if (letter === 'P') readPointer(data, data.u8(), addressSize, this.base);
      else if (letter !== 'S' && letter !== 'B') break;
    }
    return { ...cie, instructions: r };
  }

  /** The end of an entry that cannot be read, as far as its length tells. */
  private endOf(at: number): number {
    try {
      const r = new DwarfReader(this.data, this.name, at);
      return r.part(r.initialLength().bytes).end;
    } catch (error) {
      this.problem ??= problemText(error);
      return this.data.length;
    }
  }
}
