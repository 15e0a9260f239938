import { rflagsBits, type BitField } from '../../core/schema';
import { exitReasonNamed, exitReasons } from '../../core/tables/exits';
import { vmcsFieldNamed, vmcsFields } from '../../core/tables/fields';
import type { Machine } from '../../machine/machine';
import { registerPart } from '../../machine/registers';
import type { Target } from '../target/target';
import { exitName } from '../target/frames';
import { fieldBits, fieldMeaning, fieldWidth } from '../target/vmcs';
import { linearRip, type View } from '../target/view';
import { extract } from '../variables/bits';
import { Locals, type FrameOfVariables } from '../variables/locals';
import type { Typed } from '../variables/typed';

/** What a stop tells by itself, as names and values: `reason`, `qual`, `qual.write`, `gpa`, `port`, ... */
export type EventNames = ReadonlyMap<string, bigint>;

/** What a name means to an expression. `bits` are the members it has. */
export interface Meaning {
  kind: 'variable' | 'register' | 'event' | 'vmcs' | 'exit' | 'symbol' | 'bit';
  value: bigint | undefined;
  /** Bits of the value, for display. */
  width: number;
  bits?: readonly BitField[];
  /** The value in words. */
  words?: string;
  /** Of a variable. */
  typed?: Typed;
}

/** Looks names up for one frame of one stop. Variables of sources come first, registers, then what the stop tells, VMCS fields, exits, symbols. */
export class Names {
  constructor(
    readonly target: Target,
    readonly view: View,
    private readonly event: EventNames = new Map(),
    /** The frame whose variables are meant; the innermost of the view when absent. */
    private readonly frame?: FrameOfVariables,
  ) {}

  find(name: string): Meaning | undefined {
    if (name.startsWith('$')) return this.symbol(name.slice(1));
    const typed = this.variable(name);
    if (typed) return { kind: 'variable', value: typed.value, width: typed.width, typed };
    return (
      this.register(name) ??
      this.flag(name) ??
      this.told(name) ??
      this.field(name) ??
      reason(name) ??
      this.symbol(name) ??
      this.member(name)
    );
  }

  /** A variable of the frame (of compiled code: in assembly there are none), or `variable.member`. */
  variable(name: string): Typed | undefined {
    const [first, ...members] = name.split('.');
    if (!first) return undefined;
    let found = this.locals.find(first);
    for (const member of members) found = (found?.type.kind === 'pointer' ? found.pointee() : found)?.member(member);
    return found;
  }

  /** Why `variable.member` means nothing, when it begins with a variable. */
  missingMember(name: string): string | undefined {
    const members = name.split('.');
    for (let n = members.length - 1; n > 0; n--) {
      const holder = this.variable(members.slice(0, n).join('.'));
      if (holder) return `${holder.type.name} has no member ${members[n]} here`;
    }
    return undefined;
  }

  private get locals(): Locals {
    if (!this.cachedLocals) {
      const { view } = this;
      const rip = view.registers.read('RIP') ?? 0n;
      const activation = { rip, rsp: view.registers.read('RSP') ?? 0n };
      const frame = this.frame ?? { view, activation, shown: linearRip(view), caller: false };
      this.cachedLocals = new Locals(this.target, frame);
    }
    return this.cachedLocals;
  }
  private cachedLocals: Locals | undefined;

  /** Every name there is, for completion and for "did you mean". */
  all(): string[] {
    const fields = vmcsFields.filter(field => field.supported).map(field => field.name);
    const reasons = exitReasons.map(row => row.id).filter(Boolean);
    return [
      ...this.locals.all().map(({ name }) => name),
      ...this.target.machine.registerNames().map(register => register.toLowerCase()),
      ...this.event.keys(),
      ...fields,
      ...reasons,
      ...this.target.symbolNames(),
    ];
  }

  private register(name: string): Meaning | undefined {
    const part = registerPart(name);
    if (!part) return undefined;
    const { bits } = part.field;
    return {
      kind: 'register',
      value: this.view.registers.read(name),
      width: part.width,
      ...(bits && part.shift === 0 ? { bits: bits.filter(bit => bit.high < part.width) } : {}),
    };
  }

  /** `zf`: a flag by its own name. */
  private flag(name: string): Meaning | undefined {
    const bit = rflagsBits.find(candidate => candidate.name === name.toUpperCase());
    const rflags = bit && this.view.registers.read('RFLAGS');
    return (
      bit && {
        kind: 'bit',
        value: rflags === undefined ? undefined : extract(rflags, bit),
        width: bit.high - bit.low + 1,
      }
    );
  }

  private told(name: string): Meaning | undefined {
    const value = this.event.get(name.toLowerCase());
    if (value === undefined) return undefined;
    const words = name.toLowerCase() === 'reason' ? { words: `[${exitName(Number(value))}]` } : {};
    return { kind: 'event', value, width: 64, ...words };
  }

  private field(name: string): Meaning | undefined {
    const field = vmcsFieldNamed(name.toUpperCase());
    if (!field) return undefined;
    const value = readField(this.target.machine, field.encoding, this.view.cpu);
    const words = value === undefined ? undefined : fieldMeaning(field, value);
    return { kind: 'vmcs', value, width: fieldWidth(field), bits: fieldBits(field), ...(words ? { words } : {}) };
  }

  private symbol(name: string): Meaning | undefined {
    const found = this.target.symbolNamed(name);
    return found ? { kind: 'symbol', value: found.linear, width: 64 } : undefined;
  }

  /** `cr0.PE`: a bit-field of what stands before the last dot. */
  private member(name: string): Meaning | undefined {
    const dot = name.lastIndexOf('.');
    if (dot <= 0) return undefined;
    const whole = this.find(name.slice(0, dot));
    const bit = whole?.bits?.find(candidate => sameName(candidate.name, name.slice(dot + 1)));
    if (!whole || !bit) return undefined;
    const width = bit.high - bit.low + 1;
    const value = whole.value === undefined ? undefined : extract(whole.value, bit);
    return { kind: 'bit', value, width };
  }
}

/** A field of the current VMCS, or undefined when there is none. */
function readField(machine: Machine, encoding: number, cpu: number): bigint | undefined {
  const vmcs = machine.currentVmcs(cpu);
  return vmcs === undefined ? undefined : machine.vmcs(vmcs)?.read(encoding);
}

function reason(name: string): Meaning | undefined {
  const found = exitReasonNamed(name.toUpperCase());
  return found ? { kind: 'exit', value: BigInt(found.number), width: 16 } : undefined;
}

/** Bit names hold blanks and slashes; in an expression they are written without. */
function sameName(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return plain(a) === plain(b);
}
