/** Location lists: where a variable is, by address (DWARF 4, 2.6.2; DWARF 5, 2.6.2 and 7.7.3). */
import { AT, FORM, LLE } from './constants';
import type { Die } from './die';
import { DwarfReader } from './reader';
import type { Unit } from './unit';

/** The expression that is in force at `address` (linear, as linked); undefined when there is none. Throws DwarfProblem. */
export function expressionAt(die: Die, attribute: number, address: bigint): Uint8Array | undefined {
  const block = die.block(attribute);
  if (block) return block;
  if (!die.isList(attribute)) return undefined;
  const { unit } = die;
  const value = die.number(attribute)!;
  const base = unit.root.address(AT.low_pc) ?? 0n;
  if (unit.version < 5) return oldList(unit, value, base, address);
  return newList(unit, die.form(attribute) === FORM.loclistx ? listOffset(unit, value) : value, base, address);
}

function listOffset(unit: Unit, index: number): number {
  const width = unit.wide ? 8 : 4;
  const base = unit.root.number(AT.loclists_base) ?? (unit.wide ? 20 : 12);
  const r = new DwarfReader(unit.debug.sections.get('.debug_loclists'), '.debug_loclists');
  r.skip(base + index * width);
  return base + r.offset(unit.wide);
}

function oldList(unit: Unit, offset: number, base: bigint, address: bigint): Uint8Array | undefined {
  const r = new DwarfReader(unit.debug.sections.get('.debug_loc'), '.debug_loc', offset);
  const select = (1n << BigInt(8 * unit.addressSize)) - 1n;
  for (;;) {
    const low = r.unsigned(unit.addressSize);
    const high = r.unsigned(unit.addressSize);
    if (low === 0n && high === 0n) return undefined;
    if (low === select) {
      base = high;
      continue;
    }
    const expression = r.bytes(r.u16());
    if (base + low <= address && address < base + high) return expression;
  }
}

function newList(unit: Unit, offset: number, base: bigint, address: bigint): Uint8Array | undefined {
  const r = new DwarfReader(unit.debug.sections.get('.debug_loclists'), '.debug_loclists', offset);
  let otherwise: Uint8Array | undefined;
  const plain = () => r.unsigned(unit.addressSize);
  const indexed = () => unit.indexedAddress(r.uleb());
  for (;;) {
    const kind = r.u8();
    let low: bigint;
    let high: bigint;
    switch (kind) {
      case LLE.end_of_list:
        return otherwise;
      case LLE.base_addressx:
        base = indexed();
        continue;
      case LLE.base_address:
        base = plain();
        continue;
      case LLE.default_location:
        otherwise = r.bytes(r.uleb());
        continue;
      case LLE.startx_endx:
        low = indexed();
        high = indexed();
        break;
      case LLE.startx_length:
        low = indexed();
        high = low + r.ulebBig();
        break;
      case LLE.offset_pair:
        low = base + r.ulebBig();
        high = base + r.ulebBig();
        break;
      case LLE.start_end:
        low = plain();
        high = plain();
        break;
      case LLE.start_length:
        low = plain();
        high = low + r.ulebBig();
        break;
      case 9: // GNU_view_pair: which of several views of one address is meant
        r.uleb();
        r.uleb();
        continue;
      default:
        return r.fail(`the unknown location entry ${kind}`);
    }
    const expression = r.bytes(r.uleb());
    if (low <= address && address < high) return expression;
  }
}
