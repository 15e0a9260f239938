import { vmcsFieldNamed } from '../../core/tables/fields';
import { UserError } from '../protocol/errors';
import { writeField } from '../target/vmcs';
import { hex, fromLittleEndian, littleEndian } from '../target/format';

import { readMemory, writeMemory } from '../target/spaces';
import type { Names } from './names';
import type { Typed } from '../variables/typed';
import { typedOf } from './typed';
import { ExpressionError, type BinaryOperator, type Expression } from './syntax';

const wrap = (value: bigint) => BigInt.asUintN(64, value);
const truth = (value: boolean) => (value ? 1n : 0n);

/**
 * The value, unsigned: 64 bits, but for vector and x87 registers and numbers by themselves. Throws ExpressionError for unknown names, unmapped
 * memory and division by zero.
 */
export function evaluate(expression: Expression, names: Names): bigint {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'name': {
      const found = names.find(expression.name);
      if (!found)
        throw new ExpressionError(
          names.missingMember(expression.name) ?? unknown(expression.name, names),
          expression.at,
        );
      if (found.value === undefined && found.typed) throw new ExpressionError(noValue(found.typed), expression.at);
      if (found.value === undefined) throw new ExpressionError(`${expression.name} has no value here`, expression.at);
      return found.value;
    }
    case 'memory': {
      const address = addressIn(expression, names);
      const bytes = memoryBytes(expression, names);
      const data = readMemory(names.target, { space: expression.space, address, view: names.view }, bytes);
      if (data.length < bytes)
        throw new ExpressionError(`no memory is mapped at ${expression.space} ${hex(address)}`, expression.at);
      return fromLittleEndian(data);
    }
    case 'member':
    case 'index':
    case 'indirect': {
      const found = typedOf(expression, names, index => evaluate(index, names))!;
      const value = found.value;
      if (value === undefined) throw new ExpressionError(noValue(found), expression.at);
      return value;
    }
    case 'address': {
      const found = typedOf(expression.of, names, index => evaluate(index, names));
      const address = found?.storage.address;
      if (address === undefined)
        throw new ExpressionError('it has no address: it is no variable in memory', expression.at);
      return address;
    }
    case 'unary': {
      const value = evaluate(expression.operand, names);
      if (expression.operator === '!') return truth(value === 0n);
      return wrap(expression.operator === '~' ? ~value : -value);
    }
    case 'binary': {
      const left = evaluate(expression.left, names);
      // The right side is not looked at when the left one decides: it may not even be readable then.
      if (expression.operator === '&&') return left === 0n ? 0n : truth(evaluate(expression.right, names) !== 0n);
      if (expression.operator === '||') return left !== 0n ? 1n : truth(evaluate(expression.right, names) !== 0n);
      const right = evaluate(expression.right, names);
      if (right === 0n && (expression.operator === '/' || expression.operator === '%'))
        throw new ExpressionError('division by zero', expression.at);
      return wrap(operators[expression.operator](left, right));
    }
  }
}

/** Puts a value where a register or memory expression says. Throws ExpressionError or UserError. */
export function assign(place: Expression, value: bigint, names: Names): void {
  const typed = typedOf(place, names, index => evaluate(index, names));
  if (typed) return typed.set(value);
  if (place.kind === 'name') {
    const found = names.find(place.name);
    if (found?.kind === 'vmcs') return setField(place.name, value, names);
    if (found?.kind !== 'register')
      throw new ExpressionError(`${place.name} cannot be set: only registers, VMCS fields and memory can`, place.at);
    names.view.registers.write(place.name, value);
    return;
  }
  if (place.kind === 'memory') {
    const bytes = memoryBytes(place, names);
    if (BigInt.asUintN(bytes * 8, value) !== value)
      throw new ExpressionError(`${hex(value)} does not fit ${bytes} bytes`, place.at);
    const address = addressIn(place, names);
    const written = writeMemory(
      names.target,
      { space: place.space, address, view: names.view },
      littleEndian(value, bytes),
    );
    if (written < bytes) throw new ExpressionError(`no memory is mapped at ${place.space} ${hex(address)}`, place.at);
    return;
  }
  throw new ExpressionError('only registers, variables, VMCS fields and memory can be set', 0);
}

function noValue(typed: Typed): string {
  return `a ${typed.type.name} has no value as a number: ${typed.raw === undefined ? typed.storage.problem : 'look at its parts'}`;
}

function setField(name: string, value: bigint, { target, view }: Names): void {
  const vmcs = target.machine.currentVmcs(view.cpu);
  if (vmcs === undefined) throw new UserError(`${name} cannot be set: there is no current VMCS`);
  writeField(target.machine, vmcs, vmcsFieldNamed(name.toUpperCase())!, value);
}

function addressIn({ address, at }: Extract<Expression, { kind: 'memory' }>, names: Names): bigint {
  const value = evaluate(address, names);
  if (wrap(value) !== value) throw new ExpressionError(`${hex(value)} is no address: it does not fit 64 bits`, at);
  return value;
}

/** Bytes that a memory operand without a size has: one word of the mode. */
export function memoryBytes(expression: Extract<Expression, { kind: 'memory' }>, names: Names): number {
  return expression.bytes ?? names.view.codeSize / 8;
}

const operators: Record<Exclude<BinaryOperator, '&&' | '||'>, (a: bigint, b: bigint) => bigint> = {
  '==': (a, b) => truth(a === b),
  '!=': (a, b) => truth(a !== b),
  '<': (a, b) => truth(a < b),
  '<=': (a, b) => truth(a <= b),
  '>': (a, b) => truth(a > b),
  '>=': (a, b) => truth(a >= b),
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  // A shift by 64 or more leaves nothing; a BigInt shift by the full count would exhaust memory.
  '<<': (a, b) => (b > 63n ? 0n : a << b),
  '>>': (a, b) => (b > 63n ? 0n : a >> b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

function unknown(name: string, names: Names): string {
  const wanted = name.toLowerCase();
  const close = names
    .all()
    .find(candidate => candidate.toLowerCase() === wanted || nearly(candidate.toLowerCase(), wanted));
  return `${name} is no register, symbol, VMCS field or exit reason${close ? `; did you mean ${close}?` : ''}`;
}

/** One letter added, dropped or changed. */
function nearly(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || b.length < 4) return false;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return [a.slice(at + 1) === b.slice(at + 1), a.slice(at) === b.slice(at + 1), a.slice(at + 1) === b.slice(at)].some(
    Boolean,
  );
}
