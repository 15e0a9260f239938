import type { Typed } from '../variables/typed';
import type { Names } from './names';
import { ExpressionError, type Expression } from './syntax';

/**
 * The variable, or the part of one, that an expression names: `list`, `list->next`, `values[3]`, `*p`, `(*p).x`. Undefined
 * when the expression has no type of a source: a register, a number, memory in brackets. `number` evaluates an index.
 */
export function typedOf(
  expression: Expression,
  names: Names,
  number: (expression: Expression) => bigint,
): Typed | undefined {
  switch (expression.kind) {
    case 'name':
      return names.variable(expression.name);
    case 'member': {
      const whole = need(expression.of, names, number);
      const holder = whole.type.kind === 'pointer' ? (whole.pointee() ?? whole) : whole;
      const found = holder.member(expression.name);
      if (!found) throw new ExpressionError(`${whole.type.name} has no member ${expression.name} here`, expression.at);
      return found;
    }
    case 'index': {
      const whole = need(expression.of, names, number);
      const found = whole.pointee(BigInt.asIntN(64, number(expression.index)));
      if (!found) throw new ExpressionError(`a ${whole.type.name} has no elements here`, expression.at);
      return found;
    }
    case 'indirect': {
      const pointer = need(expression.of, names, number);
      const found = pointer.pointee();
      if (!found) throw new ExpressionError(`a ${pointer.type.name} points to nothing here`, expression.at);
      return found;
    }
    default:
      return undefined;
  }
}

function need(expression: Expression, names: Names, number: (expression: Expression) => bigint): Typed {
  const found = typedOf(expression, names, number);
  if (found) return found;
  const at = 'at' in expression ? expression.at : 0;
  const what = expression.kind === 'name' ? expression.name : 'this';
  throw new ExpressionError(`${what} is no variable of this frame; memory is written dword [address]`, at);
}
