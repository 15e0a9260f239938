import type { FrameRow } from '../../src/program/dwarf/cfa';
import { dwarfRegister } from '../../src/adapter/target/dwarf-registers';

const signed = (offset: bigint) => (offset < 0n ? String(offset) : `+${offset}`);

/** A row in readelf's words: `rsp+16 rbp=c-16 ra=c-8`; registers by name, those without a rule left out. */
export function frameText(row: FrameRow | undefined): string {
  if (!row) return 'nothing';
  const { cfa, rules, returnColumn, addressSize } = row;
  const name = (number: number) => {
    const found = dwarfRegister(number, addressSize)?.toLowerCase();
    if (number === returnColumn || found === undefined) return number === returnColumn ? 'ra' : `r${number}`;
    return addressSize === 4 ? found.replace(/^r/, 'e') : found;
  };
  const texts = [...rules].map(([number, rule]) => {
    switch (rule.kind) {
      case 'undefined':
        return '';
      case 'same':
        return `${name(number)}=s`;
      case 'offset':
        return `${name(number)}=c${signed(rule.offset)}`;
      case 'value-offset':
        return `${name(number)}=v${signed(rule.offset)}`;
      case 'register':
        return `${name(number)}=r${rule.register}`;
      case 'expression':
        return `${name(number)}=exp`;
      case 'value-expression':
        return `${name(number)}=vexp`;
    }
  });
  const address = cfa.kind === 'expression' ? 'exp' : `${name(cfa.register)}${signed(cfa.offset)}`;
  return [address, ...texts.filter(Boolean).sort()].join(' ');
}
