/** DWARF expressions (DWARF 5, 2.5 and 2.6): a stack machine that computes values and locations. */
import { OPERATORS } from './operators';
import { DwarfReader } from './reader';

/** What an expression may ask for. Undefined means that nobody knows. */
export interface ExpressionContext {
  addressSize: number;
  wide: boolean;
  version: number;
  /** A register by its DWARF number. */
  register(number: number): bigint | undefined;
  /** An unsigned number in the frame's linear memory. */
  memory(address: bigint, bytes: number): bigint | undefined;
  /** Added to link addresses in the expression. */
  displacement: bigint;
  frameBase?(): bigint | undefined;
  cfa?(): bigint | undefined;
  /** An address by its index in .debug_addr. */
  indexed?(index: number): bigint | undefined;
  /** The caller's context, for values that were there at the entry of the function. */
  caller?(): ExpressionContext | undefined;
  /** Width and sign of a base type, by its offset within the unit. */
  baseType?(offset: number): { bits: number; signed: boolean } | undefined;
}

/** Where an object is, or what it is. */
export type Location =
  | { kind: 'memory'; address: bigint }
  | { kind: 'register'; register: number }
  | { kind: 'value'; value: bigint }
  | { kind: 'bytes'; data: Uint8Array }
  | { kind: 'pieces'; pieces: { location: Location | undefined; bits: number; offset: number }[] };

/** The value cannot be known here: something it needs is gone, or was optimised away. */
export class Unavailable extends Error {}

const MOST_STEPS = 10_000;
const DEEPEST = 256;

/** The value of an expression that computes one (a CFA, a register's rule). Throws DwarfProblem or Unavailable. */
export function evaluateExpression(expression: Uint8Array, context: ExpressionContext, start: bigint[] = []): bigint {
  return new Machine(expression, context, start).value();
}

/** Where an object is. `undefined` for an empty expression: it has been optimised away. Throws DwarfProblem or Unavailable. */
export function locate(expression: Uint8Array, context: ExpressionContext, start: bigint[] = []): Location | undefined {
  return new Machine(expression, context, start).location();
}

class Machine {
  private readonly r: DwarfReader;
  private readonly bits: number;
  private simple: Location | undefined;
  private readonly pieces: { location: Location | undefined; bits: number; offset: number }[] = [];
  private computed = false;
  private steps = 0;

  constructor(
    expression: Uint8Array,
    private readonly context: ExpressionContext,
    private readonly stack: bigint[],
  ) {
    this.r = new DwarfReader(expression, 'a DWARF expression');
    this.bits = context.addressSize * 8;
  }

  value(): bigint {
    this.run();
    if (this.simple?.kind === 'value') return this.simple.value;
    if (this.simple?.kind === 'register') return this.known(this.context.register(this.simple.register), 'a register');
    return this.pop();
  }

  location(): Location | undefined {
    this.run();
    if (this.pieces.length) return { kind: 'pieces', pieces: this.pieces };
    return this.taken();
  }

  /** The location that has been built since the last piece. */
  private taken(): Location | undefined {
    const { simple } = this;
    this.simple = undefined;
    if (simple) return simple;
    if (!this.computed) return undefined;
    this.computed = false;
    return { kind: 'memory', address: this.pop() };
  }

  private run(): void {
    while (!this.r.done) {
      if (++this.steps > MOST_STEPS) this.r.fail('it does not come to an end');
      this.step(this.r.u8());
      if (this.stack.length > DEEPEST) this.r.fail('its stack grows without bounds');
    }
  }

  private pop(): bigint {
    return this.stack.pop() ?? this.r.fail('it takes more from the stack than there is');
  }
  private push(value: bigint): void {
    this.computed = true;
    this.stack.push(BigInt.asUintN(this.bits, value));
  }
  private known<T>(value: T | undefined, what: string): T {
    if (value === undefined) throw new Unavailable(`it needs ${what} that is not known here`);
    return value;
  }
  private peek(depth: number): bigint {
    return this.stack[this.stack.length - 1 - depth] ?? this.r.fail('it looks deeper into the stack than there is');
  }
  private load(bytes: number): void {
    const address = this.pop();
    if (bytes < 1 || bytes > 8) this.r.fail(`it reads ${bytes} bytes at once`);
    this.push(this.known(this.context.memory(address, bytes), 'memory'));
  }
  private register(number: number): bigint {
    return this.known(this.context.register(number), 'a register');
  }
  /** A signed 16-bit distance from behind itself. */
  private jump(taken: boolean): void {
    const distance = BigInt.asIntN(16, BigInt(this.r.u16()));
    const to = this.r.at + Number(distance);
    if (to < 0 || to > this.r.end) this.r.fail('it jumps out of itself');
    if (taken) this.r.at = to;
  }

  private step(opcode: number): void {
    const { r, context } = this;
    const binary = OPERATORS[opcode];
    if (binary) {
      const right = this.pop();
      const result = binary(this.pop(), right, this.bits);
      this.push(result ?? r.fail('it divides by zero'));
      return;
    }
    if (opcode >= 0x30 && opcode <= 0x4f) return this.push(BigInt(opcode - 0x30));
    if (opcode >= 0x50 && opcode <= 0x6f) return void (this.simple = { kind: 'register', register: opcode - 0x50 });
    if (opcode >= 0x70 && opcode <= 0x8f) {
      const offset = r.slebBig();
      return this.push(this.register(opcode - 0x70) + offset);
    }
    switch (opcode) {
      case 0x03: // addr
        return this.push(r.unsigned(context.addressSize) + context.displacement);
      case 0x06: // deref
        return this.load(context.addressSize);
      case 0x08: // const1u to const8s
      case 0x0a:
      case 0x0c:
      case 0x0e:
        return this.push(r.unsigned(1 << ((opcode - 0x08) / 2)));
      case 0x09:
      case 0x0b:
      case 0x0d:
      case 0x0f: {
        const bytes = 1 << ((opcode - 0x09) / 2);
        return this.push(BigInt.asIntN(bytes * 8, r.unsigned(bytes)));
      }
      case 0x10: // constu
        return this.push(r.ulebBig());
      case 0x11: // consts
        return this.push(r.slebBig());
      case 0x12: // dup
        return this.push(this.peek(0));
      case 0x13: // drop
        return void this.pop();
      case 0x14: // over
        return this.push(this.peek(1));
      case 0x15: // pick
        return this.push(this.peek(r.u8()));
      case 0x16: {
        // swap
        const [a, b] = [this.pop(), this.pop()];
        this.push(a);
        return this.push(b);
      }
      case 0x17: {
        // rot
        const [a, b, c] = [this.pop(), this.pop(), this.pop()];
        this.push(a);
        this.push(c);
        return this.push(b);
      }
      case 0x19: {
        // abs
        const value = BigInt.asIntN(this.bits, this.pop());
        return this.push(value < 0n ? -value : value);
      }
      case 0x1f: // neg
        return this.push(-this.pop());
      case 0x20: // not
        return this.push(~this.pop());
      case 0x23: {
        // plus_uconst
        const addend = r.ulebBig();
        return this.push(this.pop() + addend);
      }
      case 0x28: // bra
        return this.jump(this.pop() !== 0n);
      case 0x2f: // skip
        return this.jump(true);
      case 0x90: // regx
        return void (this.simple = { kind: 'register', register: r.uleb() });
      case 0x91: {
        // fbreg
        const offset = r.slebBig();
        return this.push(this.known(context.frameBase?.(), 'a frame base') + offset);
      }
      case 0x92: {
        // bregx
        const number = r.uleb();
        const offset = r.slebBig();
        return this.push(this.register(number) + offset);
      }
      case 0x93: // piece
        return void this.pieces.push({ bits: r.uleb() * 8, offset: 0, location: this.taken() });
      case 0x94: // deref_size
        return this.load(r.u8());
      case 0x96: // nop
      case 0xf0: // GNU_uninit
        return;
      case 0x9c: // call_frame_cfa
        return this.push(this.known(context.cfa?.(), 'a frame address'));
      case 0x9d: // bit_piece
        return void this.pieces.push({ bits: r.uleb(), offset: r.uleb(), location: this.taken() });
      case 0x9e: // implicit_value
        return void (this.simple = { kind: 'bytes', data: r.bytes(r.uleb()) });
      case 0x9f: // stack_value
        this.computed = false;
        return void (this.simple = { kind: 'value', value: this.pop() });
      case 0xa1: // addrx
      case 0xfb: // GNU_addr_index
        return this.push(this.known(context.indexed?.(r.uleb()), 'an address') + context.displacement);
      case 0xa2: // constx
      case 0xfc: // GNU_const_index
        return this.push(this.known(context.indexed?.(r.uleb()), 'a constant'));
      case 0xa3: // entry_value
      case 0xf3:
        return this.entryValue(r.bytes(r.uleb()));
      case 0xa4: // const_type
      case 0xf4: {
        const type = this.type(r.uleb());
        const bytes = r.u8();
        if (bytes > 8) throw new Unavailable('it computes with numbers wider than 64 bits');
        return this.push(cut(r.unsigned(bytes), type));
      }
      case 0xa5: // regval_type
      case 0xf5: {
        const number = r.uleb();
        return this.push(cut(this.register(number), this.type(r.uleb())));
      }
      case 0xa6: // deref_type
      case 0xf6: {
        const bytes = r.u8();
        const type = this.type(r.uleb());
        this.load(bytes);
        return this.push(cut(this.pop(), type));
      }
      case 0xa8: // convert
      case 0xa9: // reinterpret
      case 0xf7:
      case 0xf9:
        return this.push(cut(this.pop(), this.type(r.uleb())));
      case 0xa0: // implicit_pointer: what it points to has no address
      case 0xf2:
        throw new Unavailable('it points to an object that was optimised away');
      case 0x98: // call2, call4, call_ref
      case 0x99:
      case 0x9a:
      case 0x9b: // form_tls_address
      case 0xe0:
      case 0xfa: // GNU_parameter_ref
        throw new Unavailable(`it uses operation 0x${opcode.toString(16)}, which needs more than a frame`);
      default:
        r.fail(`the unknown operation 0x${opcode.toString(16)}`);
    }
  }

  /** What a register held when the function was called: callee-saved ones the caller still has. */
  private entryValue(expression: Uint8Array): void {
    const caller = this.known(this.context.caller?.(), 'a value at the entry of the function');
    this.push(new Machine(expression, caller, []).value());
  }

  private type(offset: number): { bits: number; signed: boolean } {
    if (offset === 0) return { bits: this.bits, signed: false };
    return this.known(this.context.baseType?.(offset), 'a type');
  }
}

function cut(value: bigint, { bits, signed }: { bits: number; signed: boolean }): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}
