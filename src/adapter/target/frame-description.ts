import type { FrameRow, RegisterRule } from '../../program/dwarf/cfa';
import { evaluateExpression, Unavailable, type ExpressionContext } from '../../program/dwarf/expression';
import { DwarfProblem } from '../../program/dwarf/reader';
import { calleeSaved, dwarfRegister, dwarfRegisters } from './dwarf-registers';
import { fromLittleEndian } from './format';
import type { Target } from './target';
import type { Activation } from './unwind';
import { linearRip, linearStack, type View } from './view';

/** What the description of a frame says of its caller: `end` when it says that there is none. */
export type Described = { caller: Activation; returnSlot: bigint } | 'end' | undefined;

/**
 * The caller of an activation by call-frame information; undefined when no image describes the frame, or when what the
 * description needs is not known.
 */
export function describedCaller(target: Target, view: View, inner: Activation, innermost: boolean): Described {
  const row = frameRow(target, view, inner, innermost);
  if (!row || row.addressSize * 8 !== view.codeSize) return undefined;
  try {
    return unwound(target, view, inner, row);
  } catch (error) {
    // Damage, or memory and registers that are not there: other ways to unwind may do better.
    if (error instanceof Unavailable || error instanceof DwarfProblem) return undefined;
    throw error;
  }
}

/** The canonical frame address of an activation, when its frame is described. */
export function frameAddress(target: Target, view: View, at: Activation, innermost: boolean): bigint | undefined {
  const row = frameRow(target, view, at, innermost);
  if (!row || row.addressSize * 8 !== view.codeSize) return undefined;
  try {
    return cfaOf(row, contextOf(target, view, at, row.addressSize));
  } catch (error) {
    if (error instanceof Unavailable || error instanceof DwarfProblem) return undefined;
    throw error;
  }
}

function frameRow(target: Target, view: View, at: Activation, innermost: boolean): FrameRow | undefined {
  const linear = linearRip(view, at.rip);
  // A return address may be the first byte behind a function that never returns from its last call.
  const found = target.locate(innermost || at.interrupted ? linear : linear - 1n, view);
  return found?.module.image.debug?.frames.at(found.address);
}

/** What expressions of a frame see: its registers, and the stack. */
export function contextOf(target: Target, view: View, at: Activation, addressSize: number): ExpressionContext {
  return {
    addressSize,
    wide: false,
    version: 5,
    displacement: 0n,
    register: number => {
      const name = dwarfRegister(number, addressSize);
      return name === undefined ? undefined : activationRegister(view, at, name);
    },
    memory: (address, bytes) => {
      const data = target.machine.readLinear(linearStack(view, address), bytes, view.context);
      return data.length < bytes ? undefined : fromLittleEndian(data);
    },
  };
}

/** A register as an activation sees it: of callers only what unwinding recovered is known. */
export function activationRegister(view: View, at: Activation, name: string): bigint | undefined {
  if (name === 'RIP') return at.rip;
  if (name === 'RSP') return at.rsp;
  return at.registers ? at.registers.get(name) : view.registers.read(name);
}

function cfaOf(row: FrameRow, context: ExpressionContext): bigint {
  if (row.cfa.kind === 'expression') return evaluateExpression(row.cfa.expression, context);
  const base = context.register(row.cfa.register);
  if (base === undefined) throw new Unavailable('the frame address needs a register that is not known');
  return BigInt.asUintN(row.addressSize * 8, base + row.cfa.offset);
}

function unwound(target: Target, view: View, inner: Activation, row: FrameRow): Described {
  const { addressSize, rules, returnColumn } = row;
  const context = contextOf(target, view, inner, addressSize);
  const cfa = cfaOf(row, context);
  const apply = (rule: RegisterRule, name: string): bigint | undefined => {
    switch (rule.kind) {
      case 'undefined':
        return undefined;
      case 'same':
        return activationRegister(view, inner, name);
      case 'offset':
        return context.memory(BigInt.asUintN(addressSize * 8, cfa + rule.offset), addressSize);
      case 'value-offset':
        return BigInt.asUintN(addressSize * 8, cfa + rule.offset);
      case 'register':
        return context.register(rule.register);
      case 'expression':
        return context.memory(evaluateExpression(rule.expression, context, [cfa]), addressSize);
      case 'value-expression':
        return evaluateExpression(rule.expression, context, [cfa]);
    }
  };
  const returns = rules.get(returnColumn);
  if (!returns || returns.kind === 'undefined') return 'end';
  const rip = apply(returns, 'RIP');
  if (rip === undefined) return undefined;
  if (rip === 0n) return 'end';
  const saved = calleeSaved(addressSize);
  const registers = new Map<string, bigint>();
  let rsp = cfa;
  dwarfRegisters(addressSize).forEach((name, number) => {
    if (name === 'RIP') return;
    const rule = rules.get(number) ?? (saved.includes(name) ? ({ kind: 'same' } as const) : undefined);
    const value = rule && apply(rule, name);
    if (value === undefined) return;
    if (name === 'RSP') rsp = value;
    else registers.set(name, value);
  });
  const returnSlot = returns.kind === 'offset' ? cfa + returns.offset : cfa - BigInt(addressSize);
  return { caller: { rip, rsp, registers, ...(row.signal ? { interrupted: true } : {}) }, returnSlot };
}
