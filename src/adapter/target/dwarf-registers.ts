/** Registers by their DWARF numbers (System V psABI: x86-64 figure 3.36, i386 table 2.14), as the state schema names them. */

// prettier-ignore
const NAMES_64 = ['RAX', 'RDX', 'RCX', 'RBX', 'RSI', 'RDI', 'RBP', 'RSP', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15', 'RIP'];
const NAMES_32 = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI', 'RIP'];

/** What a function must leave as it was: where nothing else is said, the caller's are the callee's. */
const SAVED_64: readonly string[] = ['RBX', 'RBP', 'R12', 'R13', 'R14', 'R15'];
const SAVED_32: readonly string[] = ['RBX', 'RBP', 'RSI', 'RDI'];

export function dwarfRegister(number: number, addressSize: number): string | undefined {
  return (addressSize === 8 ? NAMES_64 : NAMES_32)[number];
}

export function dwarfRegisters(addressSize: number): readonly string[] {
  return addressSize === 8 ? NAMES_64 : NAMES_32;
}

export function calleeSaved(addressSize: number): readonly string[] {
  return addressSize === 8 ? SAVED_64 : SAVED_32;
}
