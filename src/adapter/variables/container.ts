import { UserError } from '../protocol/errors';

/** One row of the Variables view. */
export interface Variable {
  name: string;
  value: string;
  type?: string;
  /** What it opens into. */
  children?: Container;
  /** What `evaluate` would give the same for. */
  evaluateName?: string;
  memoryReference?: string;
  readOnly?: boolean;
}

/** Something with children: a scope, a register with bit-fields, a VMCS area. */
export interface Container {
  variables(): Variable[];
  /** Gives the child a new value; absent when nothing in it can be set. */
  set?(name: string, value: bigint): void;
  /** Where a child lies in linear memory; undefined for one that does not. */
  place?(name: string): { address: bigint; bytes: number } | undefined;
}

/** Numbers for containers, as DAP wants them; valid until the machine moves. */
export class Handles {
  private list: Container[] = [];
  /** Never reused within a session: a late request for an old one gets an error, not another's children. */
  private base = 1;

  reference(container: Container): number {
    this.list.push(container);
    return this.base + this.list.length - 1;
  }

  get(reference: number): Container {
    const container = this.list[reference - this.base];
    if (!container) throw new UserError(`variablesReference ${reference} is not valid: the machine has moved since`);
    return container;
  }

  clear(): void {
    this.base += this.list.length;
    this.list = [];
  }
}
