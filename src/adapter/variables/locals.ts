import { AT } from '../../program/dwarf/constants';
import type { Die } from '../../program/dwarf/die';
import { evaluateExpression, locate, Unavailable, type ExpressionContext } from '../../program/dwarf/expression';
import { expressionAt } from '../../program/dwarf/locations';
import { DwarfProblem } from '../../program/dwarf/reader';
import { describe, typeOf } from '../../program/dwarf/types';
import { littleEndian } from '../target/format';
import { contextOf, frameAddress } from '../target/frame-description';
import type { CodeFrame } from '../target/frames';
import type { Located } from '../target/module';
import { placedAt } from '../target/placement';
import type { Target } from '../target/target';
import { missingStorage, storageOf, type Storage } from './storage';
import { Typed } from './typed';

/** What a frame has to do with finding variables. */
export type FrameOfVariables = Pick<CodeFrame, 'view' | 'activation' | 'shown' | 'caller' | 'inlined'>;

export interface Local {
  name: string;
  parameter: boolean;
  value: Typed;
}

/** Parameters and variables of a frame, by debug information. */
export class Locals {
  private readonly here: Located | undefined;
  private readonly scope: Die | undefined;

  constructor(
    private readonly target: Target,
    private readonly frame: FrameOfVariables,
  ) {
    this.here = target.locate(frame.shown, frame.view);
    // Names of assembly are its labels and registers.
    const compiled = this.here?.module.lines.at(this.here.address)?.compiled;
    this.scope = compiled ? (frame.inlined?.die ?? this.here!.module.functionAt(this.here!.address)?.die) : undefined;
  }

  get known(): boolean {
    return this.scope !== undefined;
  }

  /** In their order; where names hide others, only the innermost. */
  all(): Local[] {
    const variables = this.here?.module.image.debug?.variables;
    if (!variables || !this.scope) return [];
    const seen = new Set<string>();
    return variables.at(this.scope, this.here!.address).flatMap(({ name, parameter, die }) => {
      if (seen.has(name)) return [];
      seen.add(name);
      return [{ name, parameter, value: this.value(die) }];
    });
  }

  /** A variable by its name: of the frame, or of no function at all. */
  find(name: string): Typed | undefined {
    const variables = this.here?.module.image.debug?.variables;
    if (!variables || !this.scope) return undefined;
    const local = variables.at(this.scope, this.here!.address).find(one => one.name === name);
    if (local) return this.value(local.die);
    const global = variables.global(name);
    return global && this.value(global);
  }

  private value(die: Die): Typed {
    const { view } = this.frame;
    const { type, storage } = this.guarded(
      () => ({ type: typeOf(die), storage: this.storage(die) }),
      problem => ({
        type: { kind: 'base', name: '', bytes: 1, encoding: 'other', signed: false } as const,
        storage: missingStorage(problem),
      }),
    );
    return new Typed(this.target, view, type, storage);
  }

  private storage(die: Die): Storage {
    const { target, frame } = this;
    const constant = die.raw(AT.const_value);
    if (constant instanceof Uint8Array) return storageOf(target, frame.view, { kind: 'bytes', data: constant }, 8);
    if (constant !== undefined && !die.has(AT.location)) {
      const data = littleEndian(BigInt.asUintN(64, die.signed(AT.const_value) ?? 0n), 8);
      return storageOf(target, frame.view, { kind: 'bytes', data }, 8);
    }
    const expression = expressionAt(die, AT.location, this.here!.address);
    if (!expression) return missingStorage('optimised out');
    const context = this.context(die);
    return this.guarded(
      () => storageOf(target, frame.view, locate(expression, context), context.addressSize),
      missingStorage,
    );
  }

  private context(die: Die): ExpressionContext {
    const { target, frame } = this;
    const { module, address } = this.here!;
    const { addressSize } = die.unit;
    const linear = frame.shown;
    const base = contextOf(target, frame.view, frame.activation, addressSize);
    const cfa = () => frameAddress(target, frame.view, frame.activation, !frame.caller);
    const owner = module.functionAt(address)?.die;
    const frameBase = () => {
      const expression = owner && expressionAt(owner, AT.frame_base, address);
      return expression && evaluateExpression(expression, { ...base, cfa });
    };
    return {
      ...base,
      wide: die.unit.wide,
      version: die.unit.version,
      // Data lies as far from where it was linked as the code does.
      displacement: BigInt.asIntN(
        64,
        module.placement.kind === 'program' ? linear - address : placedAt(module.placement, address) - address,
      ),
      cfa,
      frameBase,
      indexed: index => die.unit.indexedAddress(index),
      baseType: offset => {
        const type = die.unit.debug.die(die.unit.offset + offset);
        const described = type && describe(type);
        return described?.kind === 'base' ? { bits: described.bytes * 8, signed: described.signed } : undefined;
      },
    };
  }

  /** What cannot be read is shown with the reason; it never ends a request. */
  private guarded<T>(read: () => T, otherwise: (problem: string) => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof Unavailable) return otherwise('not available here');
      if (error instanceof DwarfProblem) return otherwise('damaged debug information');
      throw error;
    }
  }
}
