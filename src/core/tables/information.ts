/** VM-exit instruction information by exit reason (SDM 3C tables 27-8 to 27-14). */
import { choice, registers, slice, type Detail } from './details';

const addressSizes = ['16 bits', '32 bits', '64 bits'];
const segments = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];

function memory(value: bigint): Detail[] {
  const scale = 1n << slice(value, 1, 0);
  const details = [choice('addressSize', value, 9, 7, addressSizes), choice('segment', value, 17, 15, segments)];
  if (!slice(value, 22, 22)) {
    details.push(choice('index', value, 21, 18, registers), { name: 'scale', value: scale, text: `${scale}` });
  }
  if (!slice(value, 27, 27)) details.push(choice('base', value, 26, 23, registers));
  return details;
}
const isRegister = (value: bigint): boolean => slice(value, 10, 10) === 1n;

const operand = (value: bigint): Detail[] =>
  isRegister(value) ? [choice('register', value, 6, 3, registers)] : memory(value);

/** What the VM-exit instruction information says after an exit with that reason; nothing where it is not defined. */
export function decodeInformation(reason: number, information: number): Detail[] {
  const value = BigInt(information >>> 0);
  switch (reason & 0xffff) {
    case 19: // VMCLEAR, VMPTRLD, VMPTRST, VMXON
    case 21:
    case 22:
    case 27:
      return memory(value);
    case 23: // VMREAD, VMWRITE
    case 25:
      return [...operand(value), choice('field', value, 31, 28, registers)];
    case 46:
      return [
        choice('instruction', value, 29, 28, ['SGDT', 'SIDT', 'LGDT', 'LIDT']),
        choice('operandSize', value, 11, 11, ['16 bits', '32 bits']),
        ...memory(value),
      ];
    case 47:
      return [choice('instruction', value, 29, 28, ['SLDT', 'STR', 'LLDT', 'LTR']), ...operand(value)];
    case 50: // INVEPT, INVVPID, INVPCID
    case 53:
    case 58:
      return [...memory(value), choice('type', value, 31, 28, registers)];
    default:
      return [];
  }
}
