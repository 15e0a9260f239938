import { hexOf } from '../target/format';
import type { Target } from '../target/target';
import type { View } from '../target/view';
import type { Container, Variable } from './container';
import { RegisterScope, schemaFields } from './registers';

const DATA_REGISTERS = 8;
/** FSW.TOP. */
const TOP_SHIFT = 11n;
const BIAS = 16383;
const LARGEST = 0x7fff;
const INTEGER_BIT = 1n << 63n;

/** The x87 FPU: ST(0) to ST(7) from the top of the stack with their values, then the control registers. */
export class X87Scope implements Container {
  private readonly control: RegisterScope;

  constructor(
    target: Target,
    private readonly view: View,
  ) {
    const fields = schemaFields('x87').filter(field => !/^FPR\d$/.test(field.name));
    this.control = new RegisterScope(target, view, fields);
  }

  variables(): Variable[] {
    const { registers } = this.view;
    const [status, tags] = [registers.read('FSW'), registers.read('FTW')];
    if (status === undefined || tags === undefined) return [];
    const stack = Array.from({ length: DATA_REGISTERS }, (_, n): Variable => {
      const number = this.physical(n, status);
      const value = registers.read(`FPR${number}`) ?? 0n;
      const text = (tags >> BigInt(number)) & 1n ? real80Text(value) : 'empty';
      return {
        name: `st${n}`,
        value: `${hexOf(value, 80)} [${text}]`,
        type: `x87 data register ${number}; bits 63:0 are mm${number}`,
        evaluateName: `fpr${number}`,
      };
    });
    return [...stack, ...this.control.variables()];
  }

  set(name: string, value: bigint): void {
    const n = /^st(\d)$/.exec(name)?.[1];
    if (n === undefined) return this.control.set(name, value);
    this.view.registers.write(`FPR${this.physical(Number(n), this.view.registers.read('FSW') ?? 0n)}`, value);
  }

  /** Number of the register that ST(n) is now. */
  private physical(n: number, status: bigint): number {
    return (Number((status >> TOP_SHIFT) & 7n) + n) % DATA_REGISTERS;
  }
}

/** A double extended-precision number in words: as close as a double gets, or its power of two beyond that. */
export function real80Text(value: bigint): string {
  const sign = value >> 79n ? '-' : '';
  const exponent = Number((value >> 64n) & 0x7fffn);
  const significand = BigInt.asUintN(64, value);
  if (exponent === 0 && significand === 0n) return `${sign}0`;
  if (exponent && !(significand & INTEGER_BIT)) return 'unsupported';
  if (exponent === LARGEST) {
    if (significand === INTEGER_BIT) return `${sign}infinity`;
    return (significand >> 62n) & 1n ? 'QNaN' : 'SNaN';
  }
  const power = (exponent || 1) - BIAS;
  const fraction = Number(significand) / 2 ** 63;
  if (Math.abs(power) > 1000) return `${sign}${fraction} * 2^${power}`;
  return `${sign}${fraction * 2 ** power}`;
}
