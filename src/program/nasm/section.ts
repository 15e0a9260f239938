/** Sections of a flat binary, and where they go. */
import { store, type Fixup } from './fields';
import { SourceError } from './problem';

/** A growing run of bytes. */
class Bytes {
  private buffer = new Uint8Array(256);
  length = 0;

  grow(count: number): Uint8Array {
    const needed = this.length + count;
    if (needed > this.buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    const start = this.length;
    this.length = needed;
    return this.buffer.subarray(start, needed);
  }
  get view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

export interface SectionAttributes {
  noBits?: boolean;
  align?: number;
  start?: bigint;
  vstart?: bigint;
  follows?: string;
  vfollows?: string;
  valign?: number;
}

export class Section {
  readonly content = new Bytes();
  readonly fixups: Fixup[] = [];
  /** Bytes so far; also the offset of the next one. */
  size = 0;
  noBits: boolean;
  attributes: SectionAttributes = {};
  /** Set by `layOut`: where it lies in memory when loaded. */
  start = 0n;
  /** Set by `layOut`: the address its labels have. */
  vstart = 0n;

  constructor(readonly name: string) {
    this.noBits = name === '.bss';
  }

  append(bytes: Uint8Array | readonly number[], fixups: readonly Fixup[] = []): void {
    for (const fixup of fixups) this.fixups.push({ ...fixup, at: fixup.at + this.size });
    if (!this.noBits) this.content.grow(bytes.length).set(bytes);
    this.size += bytes.length;
  }

  /** The same bytes `count` times. */
  appendRepeated(bytes: Uint8Array, count: number): void {
    if (!this.noBits) {
      const room = this.content.grow(bytes.length * count);
      if (bytes.length === 1) room.fill(bytes[0]);
      else {
        room.set(bytes);
        // Each copy doubles what is there.
        for (let done = bytes.length; done < room.length; done *= 2)
          room.copyWithin(done, 0, Math.min(done, room.length - done));
      }
    }
    this.size += bytes.length * count;
  }

  /** Room without content: zeros in the file, unless the section has none. */
  reserve(count: number): void {
    if (count > MOST_BYTES - this.size) throw new SourceError(`this makes section ${this.name} larger than 1 GiB`);
    if (!this.noBits) this.content.grow(count).fill(0);
    this.size += count;
  }
}

const MOST_BYTES = 1 << 30;
const DEFAULT_ALIGN = 4n;

export interface Layout {
  bytes: Uint8Array;
  /** Load address of the first byte. */
  origin: bigint;
  /** End of everything in memory, sections without bits included. */
  end: bigint;
}

/** The next multiple; addresses may be negative (`org 0xffffffff80000000` wraps). */
const up = (n: bigint, align: bigint) => n + ((align - (((n % align) + align) % align)) % align);

/**
 * Places the sections as NASM's flat format does: `.text` first at the origin, the others in the order of their first
 * use, those without bits last; `start=` and `follows=` override, `vstart=` and `vfollows=` change only the labels.
 */
export function layOut(sections: readonly Section[], origin: bigint): Layout {
  const used = sections.filter(section => section.size > 0 || section.attributes.start !== undefined);
  const ordered = order(used);
  let next = origin;
  let first = true;
  const ends = new Map<string, bigint>();
  for (const section of ordered) {
    const { attributes } = section;
    const align = BigInt(attributes.align ?? 0) || DEFAULT_ALIGN;
    if (attributes.start !== undefined) next = attributes.start;
    else if (attributes.follows !== undefined) next = up(ends.get(attributes.follows) ?? next, align);
    else if (!first) next = up(next, align);
    first = false;
    section.start = next;
    next += BigInt(section.size);
    ends.set(section.name, next);
  }
  for (const section of ordered) section.vstart = virtualStart(section, ordered);
  for (const section of sections) if (!ordered.includes(section)) section.vstart = section.attributes.vstart ?? origin;
  const filled = ordered.filter(section => !section.noBits);
  const low = filled.reduce(
    (least, section) => (section.start < least ? section.start : least),
    filled[0]?.start ?? origin,
  );
  const high = filled.reduce((most, s) => (s.start + BigInt(s.size) > most ? s.start + BigInt(s.size) : most), low);
  if (high - low > BigInt(MOST_BYTES))
    throw new SourceError('the sections are placed too far apart for one flat binary');
  const bytes = new Uint8Array(Number(high - low));
  for (const section of filled) bytes.set(section.content.view, Number(section.start - low));
  const end = ordered.reduce((most, s) => (s.start + BigInt(s.size) > most ? s.start + BigInt(s.size) : most), high);
  return { bytes, origin: low, end };
}

/** The address that the labels of a section count from; those of the sections before it are known. */
function virtualStart(section: Section, ordered: readonly Section[]): bigint {
  const { attributes } = section;
  if (attributes.vstart !== undefined) return attributes.vstart;
  const valign = BigInt(attributes.valign ?? attributes.align ?? 0) || DEFAULT_ALIGN;
  const endOf = (other: Section) => other.vstart + BigInt(other.size);
  const named = ordered.find(other => other.name === attributes.vfollows);
  if (named) return up(endOf(named), valign);
  // Sections without bits go on where the labels before them end; `.bss` follows those with bits.
  const before = ordered.slice(0, ordered.indexOf(section)).filter(other => !(section.name === '.bss' && other.noBits));
  const last = before[before.length - 1];
  if (section.noBits && last && attributes.start === undefined) return up(endOf(last), valign);
  return attributes.valign === undefined ? section.start : up(section.start, valign);
}

function order(used: readonly Section[]): Section[] {
  const text = used.filter(section => section.name === '.text');
  const rest = used.filter(section => section.name !== '.text');
  const list = [...text, ...rest.filter(s => !s.noBits), ...rest.filter(s => s.noBits)];
  for (const section of list.filter(s => s.attributes.follows !== undefined)) {
    const before = list.find(other => other.name === section.attributes.follows);
    if (!before)
      throw new SourceError(`section ${section.name} follows "${section.attributes.follows}", which does not exist`);
    list.splice(list.indexOf(section), 1);
    list.splice(list.indexOf(before) + 1, 0, section);
  }
  return list;
}

/** Fills the fields that hold section-dependent addresses; to call after `layOut`, before the bytes are read. */
export function applyFixups(sections: readonly Section[], layout: Layout): void {
  for (const section of sections) {
    if (section.noBits) continue;
    const base = Number(section.start - layout.origin);
    for (const { at, bytes, value, add, subtract } of section.fixups) {
      const sum =
        value +
        (add === undefined ? 0n : addressIn(sections, add)) -
        (subtract === undefined ? 0n : addressIn(sections, subtract));
      store(layout.bytes, base + at, bytes, sum);
    }
  }
}

/** What a section term stands for once sections are placed: `NAME`, `start:NAME` or `length:NAME`. */
export function addressIn(sections: readonly Section[], key: string): bigint {
  const [, kind, name] = /^(start:|length:)?(.*)$/s.exec(key)!;
  const section = sections.find(other => other.name === name);
  if (!section) return 0n;
  return kind === 'start:' ? section.start : kind === 'length:' ? BigInt(section.size) : section.vstart;
}
