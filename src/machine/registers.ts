/** Registers by the names that people write: RAX, EAX, AX, AL, AH, R8D, EIP, EFLAGS, CS, GDTR_LIMIT, IA32_EFER, ... */
import { stateField, stateSchema, type Processor, type StateField } from '../core';

interface RegisterPart {
  field: StateField;
  /** Bits of the field that the name covers. */
  shift: number;
  width: number;
}

const parts = new Map<string, RegisterPart>();
function define(name: string, field: StateField, shift: number, width: number): void {
  parts.set(name, { field, shift, width });
}
for (const field of stateSchema) if (field.group !== 'internal') define(field.name, field, 0, field.width);
for (const letter of ['A', 'B', 'C', 'D']) {
  const field = stateField(`R${letter}X`)!;
  define(`E${letter}X`, field, 0, 32);
  define(`${letter}X`, field, 0, 16);
  define(`${letter}L`, field, 0, 8);
  define(`${letter}H`, field, 8, 8);
}
for (const name of ['SI', 'DI', 'BP', 'SP']) {
  const field = stateField(`R${name}`)!;
  define(`E${name}`, field, 0, 32);
  define(name, field, 0, 16);
  define(`${name}L`, field, 0, 8);
}
for (let n = 8; n < 16; n++) {
  const field = stateField(`R${n}`)!;
  define(`R${n}D`, field, 0, 32);
  define(`R${n}W`, field, 0, 16);
  define(`R${n}B`, field, 0, 8);
}
for (const name of ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'])
  define(name, stateField(`${name}_SELECTOR`)!, 0, 16);
for (let n = 0; n < 8; n++) define(`MM${n}`, stateField(`FPR${n}`)!, 0, 64);
define('EIP', stateField('RIP')!, 0, 32);
define('IP', stateField('RIP')!, 0, 16);
define('EFLAGS', stateField('RFLAGS')!, 0, 32);
define('FLAGS', stateField('RFLAGS')!, 0, 16);
define('EFER', stateField('IA32_EFER')!, 0, 64);

/** The part of the state that `name` (any case) means, or undefined. */
export function registerPart(name: string): RegisterPart | undefined {
  return parts.get(name.toUpperCase());
}
/** Every name, for completions. */
export function registerNames(): string[] {
  return [...parts.keys()];
}

export function readRegister(processor: Processor, name: string): bigint {
  const part = named(name);
  return BigInt.asUintN(part.width, processor.get(part.field.name) >> BigInt(part.shift));
}

/** Bits that no processor of this kind can hold, by field; messages name them. */
const reserved: Record<string, { mask: bigint; why: string }> = {
  CR0: { mask: ~0xe005003fn, why: 'reserved bits of CR0 (SDM 3A 2.5)' },
  CR3: { mask: 0xffffff8000000000n, why: 'address bits beyond the physical-address width of 39 bits' },
  CR4: { mask: ~0x352ffcn, why: 'bits of CR4 that this processor does not have' },
  CR8: { mask: ~0xfn, why: 'bits beyond the task priority 3:0' },
  XCR0: { mask: ~3n, why: 'state that this processor does not have' },
  MXCSR: { mask: ~0xffffn, why: 'reserved bits of MXCSR' },
  FCW: { mask: ~0x1f7fn, why: 'reserved bits of the x87 control word' },
  IA32_EFER: { mask: ~0xd01n, why: 'reserved bits of IA32_EFER' },
  RFLAGS: { mask: ~0x3f7fd7n, why: 'reserved bits of RFLAGS' },
  DR6: { mask: ~0xffffffffn, why: 'the upper half of DR6' },
  DR7: { mask: ~0xffffffffn, why: 'the upper half of DR7' },
};

/**
 * Writes a register as a user does. Throws RangeError for a value that does not fit or that the processor cannot hold.
 * A 32-bit name keeps the upper half: an edit is not an instruction.
 */
export function writeRegister(processor: Processor, name: string, value: bigint): void {
  const part = named(name);
  if (value < 0n) value = BigInt.asUintN(part.width, value);
  if (value >> BigInt(part.width))
    throw new RangeError(`0x${value.toString(16)} does not fit ${name.toUpperCase()}, which has ${part.width} bits.`);
  const old = processor.get(part.field.name);
  const mask = ((1n << BigInt(part.width)) - 1n) << BigInt(part.shift);
  const whole = (old & ~mask) | (value << BigInt(part.shift));
  const rule = reserved[part.field.name];
  if (rule && BigInt.asUintN(64, whole & rule.mask))
    throw new RangeError(
      `${name.toUpperCase()} cannot be 0x${value.toString(16)}: it sets ${rule.why} (0x${BigInt.asUintN(64, whole & rule.mask).toString(16)}).`,
    );
  if (part.field.name === 'RIP' && !isCanonical(whole))
    throw new RangeError(`RIP cannot be 0x${whole.toString(16)}: the address is not canonical (SDM 1 3.3.7.1).`);
  processor.set(part.field.name, part.field.name === 'RFLAGS' ? whole | 2n : whole);
  processor.core.changed();
}

/** Bits 63:47 all alike (SDM 1 3.3.7.1). */
export function isCanonical(address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, address)) === BigInt.asUintN(64, address);
}

function named(name: string): RegisterPart {
  const part = registerPart(name);
  if (!part) throw new RangeError(`There is no register "${name}".`);
  return part;
}
