/** The code of an entry: one range, or a list of them (DWARF 4, 2.17.3; DWARF 5, 2.17.3 and 7.25). */
import { AT, FORM, RLE } from './constants';
import type { Die } from './die';
import { DwarfReader } from './reader';
import type { Unit } from './unit';

/** Linear (link) addresses: [low, high). */
export interface Range {
  low: bigint;
  high: bigint;
}

/** The ranges of an entry; empty when it has no code. Throws DwarfProblem. */
export function rangesOf(die: Die): Range[] {
  if (die.has(AT.ranges)) return rangeList(die);
  const low = die.address(AT.low_pc);
  const high = low === undefined ? undefined : die.highPc(low);
  return low === undefined || high === undefined || high <= low ? [] : [{ low, high }];
}

function rangeList(die: Die): Range[] {
  const { unit } = die;
  const value = die.number(AT.ranges)!;
  const base = unit.root.address(AT.low_pc) ?? 0n;
  if (unit.version < 5) return oldList(unit, value, base);
  return newList(unit, die.form(AT.ranges) === FORM.rnglistx ? listOffset(unit, value) : value, base);
}

/** The offset of an indexed list: the table of offsets begins at the base, and counts from there (7.28). */
function listOffset(unit: Unit, index: number): number {
  const width = unit.wide ? 8 : 4;
  const base = unit.root.number(AT.rnglists_base) ?? (unit.wide ? 20 : 12);
  const r = new DwarfReader(unit.debug.sections.get('.debug_rnglists'), '.debug_rnglists');
  r.skip(base + index * width);
  return base + r.offset(unit.wide);
}

/** .debug_ranges: pairs of offsets from the unit's base, until a pair of zeros. */
function oldList(unit: Unit, offset: number, base: bigint): Range[] {
  const r = new DwarfReader(unit.debug.sections.get('.debug_ranges'), '.debug_ranges', offset);
  const select = (1n << BigInt(8 * unit.addressSize)) - 1n;
  const found: Range[] = [];
  for (;;) {
    const low = r.unsigned(unit.addressSize);
    const high = r.unsigned(unit.addressSize);
    if (low === 0n && high === 0n) return found;
    if (low === select) base = high;
    else if (high > low) found.push({ low: base + low, high: base + high });
  }
}

function newList(unit: Unit, offset: number, base: bigint): Range[] {
  const r = new DwarfReader(unit.debug.sections.get('.debug_rnglists'), '.debug_rnglists', offset);
  const found: Range[] = [];
  const add = (low: bigint, high: bigint) => void (high > low && found.push({ low, high }));
  const address = () => r.unsigned(unit.addressSize);
  for (;;) {
    const kind = r.u8();
    switch (kind) {
      case RLE.end_of_list:
        return found;
      case RLE.base_addressx:
        base = unit.indexedAddress(r.uleb());
        break;
      case RLE.startx_endx: {
        const low = unit.indexedAddress(r.uleb());
        add(low, unit.indexedAddress(r.uleb()));
        break;
      }
      case RLE.startx_length: {
        const low = unit.indexedAddress(r.uleb());
        add(low, low + r.ulebBig());
        break;
      }
      case RLE.offset_pair: {
        const low = base + r.ulebBig();
        add(low, base + r.ulebBig());
        break;
      }
      case RLE.base_address:
        base = address();
        break;
      case RLE.start_end: {
        const low = address();
        add(low, address());
        break;
      }
      case RLE.start_length: {
        const low = address();
        add(low, low + r.ulebBig());
        break;
      }
      default:
        r.fail(`the unknown range entry ${kind}`);
    }
  }
}
