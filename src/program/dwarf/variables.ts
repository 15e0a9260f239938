/** Parameters and variables by scope (DWARF 5, 3.5 and chapter 4). */
import { AT, TAG } from './constants';
import type { Die } from './die';
import { origin } from './functions';
import { rangesOf, type Range } from './ranges';
import { Tolerant } from './tolerant';
import type { DebugInfo } from './unit';

export interface DebugVariable {
  name: string;
  parameter: boolean;
  /** The block that it belongs to; without ranges, the whole function. */
  scope: readonly Range[];
  /** Blocks around that one. */
  depth: number;
  die: Die;
}

const isVariable = (tag: number) => tag === TAG.variable || tag === TAG.formal_parameter;

/** Reads variables once, by function and by name. */
export class Variables extends Tolerant {
  private readonly byFunction = new Map<Die, DebugVariable[]>();
  private globals: Map<string, Die> | undefined;

  constructor(private readonly info: DebugInfo) {
    super();
  }

  /**
   * What is visible at `address` (linear, as linked) in a function or an inlined call: parameters in their order, then
   * variables from the innermost block outwards.
   */
  at(scope: Die, address: bigint): DebugVariable[] {
    let all = this.byFunction.get(scope);
    if (!all) this.byFunction.set(scope, (all = this.read(scope)));
    const visible = all.filter(
      ({ scope: ranges }) => !ranges.length || ranges.some(({ low, high }) => low <= address && address < high),
    );
    const parameters = visible.filter(({ parameter }) => parameter);
    const others = visible.filter(({ parameter }) => !parameter).sort((a, b) => b.depth - a.depth);
    return [...parameters, ...others];
  }

  /** A variable of no function, by its own name. */
  global(name: string): Die | undefined {
    if (!this.globals) {
      this.globals = new Map();
      for (const unit of this.info.units) this.guarded(() => this.readGlobals(unit.root));
    }
    return this.globals.get(name);
  }

  private readGlobals(root: Die): void {
    root.unit.visit(
      root,
      tag => tag === TAG.variable || tag === TAG.namespace,
      die => {
        if (die.tag === TAG.namespace) return 'children';
        const name = origin(die, AT.name)?.text(AT.name);
        // Declarations say what a variable is, but not where.
        if (name && die.has(AT.location) && !this.globals!.has(name)) this.globals!.set(name, die);
        return 'sibling';
      },
    );
  }

  private read(scope: Die): DebugVariable[] {
    const found: DebugVariable[] = [];
    const blocks: { ranges: Range[]; depth: number }[] = [];
    this.guarded(() =>
      scope.unit.visit(
        scope,
        tag => isVariable(tag) || tag === TAG.lexical_block,
        (die, level) => {
          const outside = level ? blocks[level - 1] : { ranges: [], depth: 0 };
          if (die.tag === TAG.lexical_block) {
            const ranges = this.guarded(() => rangesOf(die)) ?? [];
            // A block without code of its own lies inside of what is around it.
            blocks[level] = { ranges: ranges.length ? ranges : outside.ranges, depth: outside.depth + 1 };
            return 'children';
          }
          const name = this.guarded(() => origin(die, AT.name)?.text(AT.name));
          if (name)
            found.push({
              name,
              parameter: die.tag === TAG.formal_parameter,
              scope: outside.ranges,
              depth: outside.depth,
              die,
            });
          return 'sibling';
        },
      ),
    );
    return found;
  }
}
