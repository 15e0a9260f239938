import type { DebugInformation } from '../../src/program/dwarf/debug';
import { locate, Unavailable, type ExpressionContext } from '../../src/program/dwarf/expression';
import { inlinedAt } from '../../src/program/dwarf/functions';
import { expressionAt } from '../../src/program/dwarf/locations';
import { DwarfProblem } from '../../src/program/dwarf/reader';
import { typeOf, type DebugType } from '../../src/program/dwarf/types';
import { AT } from '../../src/program/dwarf/constants';

/** Parts of types that are looked at: damage makes rings, which only the viewer's patience ends. */
const MOST_TYPES = 500;

const registers: ExpressionContext = {
  addressSize: 8,
  wide: false,
  version: 5,
  displacement: 0n,
  register: number => (number < 17 ? BigInt(number) * 0x1000n : undefined),
  memory: address => (address < 0x100000n ? address * 3n : undefined),
  cfa: () => 0x7000n,
  frameBase: () => 0x7000n,
  indexed: () => 0x100000n,
  baseType: () => ({ bits: 32, signed: true }),
};

/** Asks everything that a debugger may ask of debug information. What its readers refuse is fine; anything else throws. */
export function exercise(debug: DebugInformation): { functions: number; frames: number; variables: number } {
  let frames = 0;
  let variables = 0;
  let types = 0;
  const see = (type: DebugType, depth: number): void => {
    if (depth > 6 || ++types > MOST_TYPES) return;
    if (type.kind === 'pointer') see(type.target(), depth + 1);
    else if (type.kind === 'array') see(type.element, depth + 1);
    else if (type.kind === 'enumeration') type.values();
    else if (type.kind === 'structure') {
      for (const member of type.members()) see(member.type, depth + 1);
      for (const variant of type.tag()?.variants ?? [])
        for (const member of variant.members) see(member.type, depth + 1);
    }
  };
  const step = Math.ceil(debug.lines.length / 50);
  for (const row of debug.lines.filter((_, n) => n % step === 0)) {
    if (debug.frames.at(row.address)) frames++;
    const found = debug.functions.at(row.address);
    if (!found) continue;
    const calls = inlinedAt(found, row.address);
    for (const call of calls) tolerate(() => debug.callSite(call));
    for (const scope of [found.die, ...calls.map(call => call.die)])
      for (const { die } of debug.variables.at(scope, row.address)) {
        variables++;
        tolerate(() => see(typeOf(die), 0));
        tolerate(() => {
          const expression = expressionAt(die, AT.location, row.address);
          if (expression) locate(expression, registers);
        });
      }
  }
  debug.functions.named('main');
  debug.variables.global('square');
  return { functions: debug.functions.all().length, frames, variables };
}

function tolerate(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DwarfProblem) && !(error instanceof Unavailable)) throw error;
  }
}
