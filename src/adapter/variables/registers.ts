import { segmentNames, stateField, stateSchema, type FieldGroup, type StateField } from '../../core/schema';
import { hexOf } from '../target/format';
import { memoryReference } from '../target/spaces';
import type { Target } from '../target/target';
import type { View } from '../target/view';
import { BitsContainer, bitsText } from './bits';
import type { Container, Variable } from './container';
import { VectorContainer } from './lanes';

/** Width of the registers that open into lanes, in bits. */
const VECTOR = 128;

/** `0x0000000000100004 <main+0x4>`: a register's value, and what it points at. */
function pointerText(target: Target, view: View, value: bigint, bits: number): string {
  const symbol = target.describe(value, view);
  return symbol ? `${hexOf(value, bits)} <${symbol}>` : hexOf(value, bits);
}

/** The registers of one or more groups of the state schema, as one frame sees them. */
export class RegisterScope implements Container {
  constructor(
    private readonly target: Target,
    private readonly view: View,
    private readonly fields: readonly StateField[],
    /** General-purpose registers carry the symbol that they point at. */
    private readonly pointers = false,
  ) {}

  variables(): Variable[] {
    return this.fields.flatMap(field => {
      const value = this.view.registers.read(field.name);
      return value === undefined ? [] : [this.variable(field, value)];
    });
  }

  set(name: string, value: bigint): void {
    this.view.registers.write(name, value);
  }

  private variable(field: StateField, value: bigint): Variable {
    const name = field.name.toLowerCase();
    const { registers } = this.view;
    const text = this.pointers ? pointerText(this.target, this.view, value, field.width) : hexOf(value, field.width);
    const bits = field.bits ? bitsText(value, field.bits) : '';
    const index = field.msr === undefined ? '' : ` (MSR ${hexOf(BigInt(field.msr), 32)})`;
    return {
      name,
      value: bits ? `${text} ${bits}` : text,
      type: `${field.description}${index}`,
      evaluateName: name,
      ...(this.pointers
        ? { memoryReference: memoryReference(this.target, { space: 'linear', address: value, view: this.view }) }
        : {}),
      ...(field.width === VECTOR
        ? {
            children: new VectorContainer(
              () => registers.read(field.name),
              written => registers.write(field.name, written),
            ),
          }
        : {}),
      ...(field.bits
        ? {
            children: new BitsContainer(
              () => registers.read(field.name),
              field.bits,
              name,
              written => registers.write(field.name, written),
            ),
          }
        : {}),
    };
  }
}

/** RFLAGS, bit by bit. */
export function flagsScope(view: View): Container {
  return new BitsContainer(
    () => view.registers.read('RFLAGS'),
    stateField('RFLAGS')!.bits!,
    'rflags',
    value => view.registers.write('RFLAGS', value),
  );
}

/** Segment registers with selector, base, limit and access rights; descriptor-table registers. */
export class SegmentScope implements Container {
  constructor(
    private readonly target: Target,
    private readonly view: View,
  ) {}

  variables(): Variable[] {
    const { registers } = this.view;
    const segments = segmentNames.flatMap(name => {
      const selector = registers.read(`${name}_SELECTOR`);
      if (selector === undefined) return [];
      const fields = ['SELECTOR', 'BASE', 'LIMIT', 'ACCESS'].map(part => stateField(`${name}_${part}`)!);
      const texts = fields.slice(1).flatMap(field => {
        const value = registers.read(field.name);
        return value === undefined
          ? []
          : [`${field.name.slice(name.length + 1).toLowerCase()} 0x${value.toString(16)}`];
      });
      return [
        {
          name: name.toLowerCase(),
          value: [hexOf(selector, 16), ...texts].join(' '),
          type: 'segment register',
          evaluateName: name.toLowerCase(),
          children: new RegisterScope(this.target, this.view, fields),
          readOnly: true,
        },
      ];
    });
    const tables = ['GDTR', 'IDTR'].flatMap(name => {
      const [base, limit] = [registers.read(`${name}_BASE`), registers.read(`${name}_LIMIT`)];
      if (base === undefined) return [];
      const fields = [stateField(`${name}_BASE`)!, stateField(`${name}_LIMIT`)!];
      return [
        {
          name: name.toLowerCase(),
          value: `base 0x${base.toString(16)}${limit === undefined ? '' : ` limit 0x${limit.toString(16)}`}`,
          type: 'descriptor-table register',
          children: new RegisterScope(this.target, this.view, fields),
          readOnly: true,
        },
      ];
    });
    return [...segments, ...tables];
  }
}

/** Fields of the schema in these groups, in its order. */
export function schemaFields(...groups: FieldGroup[]): StateField[] {
  return stateSchema.filter(field => groups.includes(field.group));
}
