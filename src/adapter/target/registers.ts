import { vmcsFieldNamed, type VmcsField } from '../../core/tables/fields';
import type { Machine } from '../../machine/machine';
import { registerPart } from '../../machine/registers';
import { UserError } from '../protocol/errors';
import { hex } from './format';
import { writeField } from './vmcs';

/**
 * A processor's registers as one stack frame sees them. Reading gives undefined for what is not known there: after a VM
 * exit the guest's state is in the VMCS, and the processor's own registers are the hypervisor's.
 */
export interface Registers {
  read(name: string): bigint | undefined;
  /** Throws UserError with the reason when the value cannot be there. */
  write(name: string, value: bigint): void;
  /** Whether the name, of a register or a part of one, has a value here. */
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
    const part = registerPart(name);
    if (!part) return undefined;
    const whole = part.field.name;
    if (whole === 'CPL') return this.privilege();
    const field = areaField(this.area, whole);
    const value = field ? this.machine.vmcs(this.vmcs)?.read(field.encoding) : this.general?.read(whole);
    return value === undefined ? undefined : BigInt.asUintN(part.width, value >> BigInt(part.shift));
  }

  write(name: string, value: bigint): void {
    const part = registerPart(name);
    const field = part && areaField(this.area, part.field.name);
    if (!field) {
      if (!this.general?.has(name))
        throw new UserError(`${name} is not known in this frame, so it cannot be set`, true);
      return this.general.write(name, value);
    }
    if (BigInt.asUintN(part.width, value) !== value)
      throw new UserError(`${name} holds ${part.width} bits: ${hex(value)} does not fit`, true);
    const old = this.read(part.field.name) ?? 0n;
    const mask = ((1n << BigInt(part.width)) - 1n) << BigInt(part.shift);
    writeField(this.machine, this.vmcs, field, (old & ~mask) | (value << BigInt(part.shift)));
  }

  has(name: string): boolean {
    return this.read(name) !== undefined;
  }

  /** The VMCS has no CPL: a guest's is the DPL of its SS (SDM 3C 24.4.1), the host's is 0. */
  private privilege(): bigint | undefined {
    return this.area === 'HOST' ? 0n : ((this.read('SS_ACCESS') ?? 0n) >> 5n) & 3n;
  }
}

/** A caller's frame: of its registers, those that unwinding recovers. */
export class CallerRegisters implements Registers {
  constructor(
    private readonly inner: Registers,
    private readonly rip: bigint,
    private readonly rsp: bigint,
    private readonly known: ReadonlyMap<string, bigint> = new Map(),
  ) {}

  read(name: string): bigint | undefined {
    const part = registerPart(name);
    if (part?.field.name === 'RIP') return BigInt.asUintN(part.width, this.rip);
    if (part?.field.name === 'RSP') return BigInt.asUintN(part.width, this.rsp);
    const known = part && this.known.get(part.field.name);
    if (part && known !== undefined) return BigInt.asUintN(part.width, known >> BigInt(part.shift));
    // Segments and control registers do not change over a near call.
    return part?.field.group === 'general' ? undefined : this.inner.read(name);
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

/** Whether `name` is a register or a part of one, in any case. */
export function isRegister(name: string): boolean {
  return registerPart(name) !== undefined;
}

/** The field of a VMCS area that holds a field of the state schema. */
function areaField(area: 'GUEST' | 'HOST', name: string): VmcsField | undefined {
  const renamed = SPELLED.get(name) ?? name.replace(/_ACCESS$/, '_ACCESS_RIGHTS');
  return vmcsFieldNamed(`${area}_${renamed}`);
}

/** Names that the manual gives to the VMCS field only. */
const SPELLED = new Map([
  ['ACTIVITY', 'ACTIVITY_STATE'],
  ['BLOCKING', 'INTERRUPTIBILITY_STATE'],
]);
