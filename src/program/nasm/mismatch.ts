/** Why operands fit no encoding, in words. */
import type { MnemonicInfo } from './mnemonics';
import type { OperandValue } from './operand';
import { SourceError } from './problem';

const SIZE_WORDS: Record<number, string> = {
  8: 'byte',
  16: 'word',
  32: 'dword',
  64: 'qword',
  80: 'tword',
  128: 'oword',
  256: 'yword',
  512: 'zword',
};

export function sizeWords(sizes: Iterable<number>): string {
  const words = [...sizes]
    .sort((a, b) => a - b)
    .map(size => SIZE_WORDS[size])
    .filter(Boolean);
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}` : (words[0] ?? 'a size');
}

function describe(operand: OperandValue): string {
  switch (operand.kind) {
    case 'register':
      return operand.register.name;
    case 'memory':
      return (operand.size ? SIZE_WORDS[operand.size] + ' ' : '') + 'memory';
    case 'immediate':
      return (operand.size ? SIZE_WORDS[operand.size] + ' ' : '') + 'number';
    case 'far':
      return 'far address';
  }
}

/** Says why no encoding fits, as precisely as can be told. */
export function mismatch(mnemonic: MnemonicInfo, operands: readonly OperandValue[], bits: number): SourceError {
  const wide = operands.find(operand => operand.kind === 'register' && operand.register.class === 'gpr64');
  if (wide && bits !== 64)
    return new SourceError(`64-bit registers need "bits 64"; this is "bits ${bits}"`, wide.column, wide.endColumn);
  const counts = [...new Set(mnemonic.encodings.filter(e => e.modes & bits).map(e => e.written.length))].sort();
  const column = operands[0]?.column ?? 1;
  if (!counts.includes(operands.length))
    return new SourceError(
      `"${mnemonic.name}" takes ${counts.join(' or ')} operand${counts.join() === '1' ? '' : 's'}, not ${operands.length}`,
      column,
    );
  const [a, b] = operands;
  if (a?.kind === 'register' && b?.kind === 'register' && a.register.bits !== b.register.bits)
    return new SourceError(
      `"${mnemonic.name} ${a.register.name}, ${b.register.name}": the operands have different sizes (${a.register.bits} and ${b.register.bits} bits)`,
      column,
      b.endColumn,
    );
  return new SourceError(
    `"${mnemonic.name}" cannot take these operands in ${bits}-bit mode: ${operands.map(describe).join(', ')}`,
    column,
    operands[operands.length - 1]?.endColumn,
  );
}
