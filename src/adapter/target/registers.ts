import { segmentNames, stateField } from '../../core/schema';
import { vmcsFieldNamed } from '../../core/tables/fields';
import type { Machine } from '../../machine/machine';
import { UserError } from '../protocol/errors';
import { fieldPlace, fieldWidth } from './vmcs';

/**
 * A processor's registers as one stack frame sees them. Reading gives undefined for what is not known there: after a VM
 * exit the guest's state is in the VMCS, and the processor's own registers are the hypervisor's.
 */
export interface Registers {
  read(name: string): bigint | undefined;
  /** Throws UserError with the reason when the value cannot be there. */
  write(name: string, value: bigint): void;
  /** Names that mean something here: schema names, without the segment parts. */
  has(name: string): boolean;
}

/** The processor's own registers. */
export class LiveRegisters implements Registers {
  constructor(
    private readonly machine: Machine,
    private readonly cpu: number,
  ) {}

  read(name: string): bigint | undefined {
    return isRegister(name) ? this.machine.register(name, this.cpu) : undefined;
  }

  write(name: string, value: bigint): void {
    try {
      this.machine.setRegister(name, value, this.cpu);
    } catch (error) {
      // The machine refuses what no processor could hold, and says why.
      if (error instanceof RangeError) throw new UserError(error.message, true);
      throw error;
    }
  }

  has(name: string): boolean {
    return isRegister(name);
  }
}

/** General-purpose registers are not in the VMCS: `general` holds those known from elsewhere. */
export class VmcsRegisters implements Registers {
  constructor(
    private readonly machine: Machine,
    private readonly vmcs: bigint,
    private readonly area: 'GUEST' | 'HOST',
    private readonly general: Registers | undefined,
  ) {}

  read(name: string): bigint | undefined {
    if (name.toUpperCase() === 'CPL') return this.privilege();
    const parts = partOf(name);
    const whole = parts ? parts.register : name.toUpperCase();
    const field = vmcsFieldNamed(`${this.area}_${vmcsName(whole)}`);
    const value = field ? this.machine.vmcs(this.vmcs)?.read(field.encoding) : this.general?.read(whole);
    if (value === undefined || !parts) return value;
    return (value >> BigInt(parts.low)) & ((1n << BigInt(parts.bits)) - 1n);
  }

  write(name: string, value: bigint): void {
    const field = vmcsFieldNamed(`${this.area}_${vmcsName(name.toUpperCase())}`);
    if (!field) {
      if (!this.general?.has(name))
        throw new UserError(`${name} is not known in this frame, so it cannot be set`, true);
      return this.general.write(name, value);
    }
    const bits = fieldWidth(field);
    if (BigInt.asUintN(bits, value) !== value)
      throw new UserError(`${field.name} holds ${bits} bits: 0x${value.toString(16)} does not fit`, true);
    const { offset, bytes } = fieldPlace(field);
    this.machine.writePhysical(this.vmcs + offset, littleEndian(value, bytes));
  }

  has(name: string): boolean {
    return this.read(name) !== undefined;
  }

  /** The VMCS has no CPL: a guest's is the DPL of its SS (SDM 3C 24.4.1), the host's is 0. */
  private privilege(): bigint | undefined {
    return this.area === 'HOST' ? 0n : ((this.read('SS_ACCESS') ?? 0n) >> 5n) & 3n;
  }
}

/** A caller's frame: of its registers, unwinding recovers only these two. */
export class CallerRegisters implements Registers {
  constructor(
    private readonly inner: Registers,
    private readonly rip: bigint,
    private readonly rsp: bigint,
  ) {}

  read(name: string): bigint | undefined {
    const upper = name.toUpperCase();
    if (upper === 'RIP' || upper === 'EIP') return this.rip;
    if (upper === 'RSP' || upper === 'ESP') return this.rsp;
    // Segments and control registers do not change over a near call.
    return GENERAL.has(partOf(name)?.register ?? upper) ? undefined : this.inner.read(name);
  }

  write(name: string): void {
    throw new UserError(`${name} cannot be set in a caller’s frame: select the top frame of its processor`, true);
  }

  has(name: string): boolean {
    return this.read(name) !== undefined;
  }
}

/** The same registers, but seen from the instruction at `rip`, which the processor has just left. */
export class RegistersAt implements Registers {
  constructor(
    private readonly inner: Registers,
    private readonly rip: bigint,
  ) {}

  read(name: string): bigint | undefined {
    return this.isPointer(name) ? this.rip : this.inner.read(name);
  }

  write(name: string, value: bigint): void {
    if (this.isPointer(name))
      throw new UserError(
        `${name} cannot be set in this frame: the processor has left it; select the frame below`,
        true,
      );
    this.inner.write(name, value);
  }

  has(name: string): boolean {
    return this.inner.has(name);
  }

  private isPointer(name: string): boolean {
    return ['RIP', 'EIP'].includes(name.toUpperCase());
  }
}

/** The value as `bytes` bytes, lowest first. */
export function littleEndian(value: bigint, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let n = 0; n < bytes; n++) data[n] = Number((value >> BigInt(8 * n)) & 0xffn);
  return data;
}

/** The unsigned number in `data`, lowest byte first. */
export function fromLittleEndian(data: Uint8Array): bigint {
  return data.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

interface Part {
  register: string;
  low: number;
  bits: number;
}

const GENERAL_NAMES = [
  'RAX',
  'RCX',
  'RDX',
  'RBX',
  'RSP',
  'RBP',
  'RSI',
  'RDI',
  'R8',
  'R9',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
];
const GENERAL = new Set(GENERAL_NAMES);

/** Every name of a part of a general-purpose register, RIP or RFLAGS (SDM 1 3.4.1). */
const parts = new Map<string, Part>();
for (const [n, register] of GENERAL_NAMES.entries()) {
  const short = register.slice(1);
  const add = (name: string, low: number, bits: number) => parts.set(name, { register, low, bits });
  if (n >= 8) {
    add(`${register}D`, 0, 32);
    add(`${register}W`, 0, 16);
    add(`${register}B`, 0, 8);
    add(`${register}L`, 0, 8);
  } else {
    add(`E${short}`, 0, 32);
    add(short, 0, 16);
    if (short.endsWith('X')) {
      add(`${short[0]}L`, 0, 8);
      add(`${short[0]}H`, 8, 8);
    } else add(`${short}L`, 0, 8);
  }
}
for (const register of ['RIP', 'RFLAGS']) {
  parts.set(`E${register.slice(1)}`, { register, low: 0, bits: 32 });
  parts.set(register.slice(1), { register, low: 0, bits: 16 });
}

/** What part of which register `name` means; undefined for a whole register. */
export function partOf(name: string): Part | undefined {
  return parts.get(name.toUpperCase());
}

/** A segment register's bare name means its selector. */
export function registerName(name: string): string {
  const upper = name.toUpperCase();
  return (segmentNames as readonly string[]).includes(upper) ? `${upper}_SELECTOR` : upper;
}

/** Whether `name` is a register or a part of one, in any case. */
export function isRegister(name: string): boolean {
  const field = stateField(registerName(name));
  return parts.has(name.toUpperCase()) || (field !== undefined && field.group !== 'internal');
}

/** The schema's name as the VMCS spells it. */
function vmcsName(name: string): string {
  const renamed = registerName(name).replace(/_ACCESS$/, '_ACCESS_RIGHTS');
  return SPELLED.get(renamed) ?? renamed;
}

const SPELLED = new Map([
  ['ACTIVITY', 'ACTIVITY_STATE'],
  ['BLOCKING', 'INTERRUPTIBILITY_STATE'],
]);
