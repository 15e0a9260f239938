import { hex } from '../target/format';
import { memoryReference } from '../target/spaces';
import type { Container, Variable } from './container';
import type { Local } from './locals';
import type { Typed } from './typed';

/** A part of a value with the expression that means it. */
interface Part {
  name: string;
  value: Typed;
  /** What `evaluate` would give the same for. */
  expression: string;
}

/** Elements that a view gets at once; longer arrays are cut into ranges of so many. */
const CHUNK = 100;

/** Variables with types: a frame's, or the parts of one. */
export class TypedContainer implements Container {
  constructor(
    private readonly parts: () => readonly Part[],
    /** Containers of ranges, for arrays. */
    private readonly ranges: () => readonly Variable[] = () => [],
  ) {}

  static locals(locals: () => readonly Local[]): TypedContainer {
    return new TypedContainer(() => locals().map(({ name, value }) => ({ name, value, expression: name })));
  }

  variables(): Variable[] {
    return [...this.parts().map(present), ...this.ranges()];
  }

  set(name: string, value: bigint): void {
    this.parts()
      .find(part => part.name === name)
      ?.value.set(value);
  }

  place(name: string): { address: bigint; bytes: number } | undefined {
    const value = this.parts().find(part => part.name === name)?.value;
    const address = value?.storage.address;
    return value && address !== undefined && value.type.bytes ? { address, bytes: value.type.bytes } : undefined;
  }
}

function present({ name, value, expression }: Part): Variable {
  const children = childrenOf(value, expression);
  const { address } = value.storage;
  const pointer = value.type.kind === 'pointer' ? value.raw : undefined;
  const refers = pointer ?? address;
  return {
    name: name || `(${value.type.name})`,
    value: value.text(),
    type: address === undefined ? value.type.name : `${value.type.name} at ${hex(address)}`,
    evaluateName: expression,
    ...(children ? { children } : {}),
    ...(refers === undefined
      ? {}
      : { memoryReference: memoryReference(value.target, { space: 'linear', address: refers, view: value.view }) }),
  };
}

/** What a value opens into; undefined for numbers and for pointers to nowhere. */
export function childrenOf(value: Typed, expression: string): Container | undefined {
  const { type } = value;
  if (type.kind === 'structure') return new TypedContainer(() => members(value, `${expression}.`));
  if (type.kind === 'array') return type.count ? elements(value, expression, 0, type.count) : undefined;
  if (type.kind !== 'pointer' || !value.raw) return undefined;
  const target = value.pointee();
  if (!target || target.type.kind === 'function' || !target.type.bytes) return undefined;
  if (target.type.kind === 'structure') return new TypedContainer(() => members(target, `${expression}->`));
  return new TypedContainer(() => [{ name: `*${expression}`, value: target, expression: `*${expression}` }]);
}

function members(value: Typed, prefix: string): Part[] {
  return value.members().map(({ name, value: part }) => ({ name, value: part, expression: prefix + name }));
}

function elements(value: Typed, expression: string, from: number, to: number): TypedContainer {
  if (to - from <= CHUNK)
    return new TypedContainer(() =>
      Array.from({ length: to - from }, (_, n) => ({
        name: `[${from + n}]`,
        value: value.element(from + n)!,
        expression: `${expression}[${from + n}]`,
      })),
    );
  // Ranges of ranges, so that no list is longer than one chunk.
  let step = CHUNK;
  while ((to - from) / step > CHUNK) step *= CHUNK;
  return new TypedContainer(
    () => [],
    () =>
      Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => {
        const low = from + n * step;
        const high = Math.min(low + step, to);
        return {
          name: `[${low}..${high - 1}]`,
          value: '',
          children: elements(value, expression, low, high),
          readOnly: true,
        };
      }),
  );
}
