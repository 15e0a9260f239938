import type { DebugProtocol } from '@vscode/debugprotocol';
import { evaluate } from '../expression/evaluate';
import { parse } from '../expression/parse';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import type { Container, Variable } from '../variables/container';
import { scopesOf } from '../variables/scopes';

export function scopes(
  session: Session,
  { frameId }: DebugProtocol.ScopesArguments,
): DebugProtocol.ScopesResponse['body'] {
  const frame = session.frame(frameId);
  return {
    scopes: scopesOf(session.target, frame).map(({ name, container, expensive, hint }) => ({
      name,
      expensive,
      variablesReference: session.handles.reference(container),
      ...(hint ? { presentationHint: hint } : {}),
    })),
  };
}

export function variables(
  session: Session,
  args: DebugProtocol.VariablesArguments,
): DebugProtocol.VariablesResponse['body'] {
  const container = session.handles.get(args.variablesReference);
  const all = container.variables();
  const start = args.start ?? 0;
  const page = all.slice(start, args.count ? start + args.count : undefined);
  return { variables: page.map(variable => present(session, variable, container, args.format)) };
}

export function setVariable(
  session: Session,
  args: DebugProtocol.SetVariableArguments,
): DebugProtocol.SetVariableResponse['body'] {
  const container = session.handles.get(args.variablesReference);
  const before = container.variables().find(({ name }) => name === args.name);
  if (!before) throw new UserError(`there is no variable ${args.name} here`);
  if (!container.set || before.readOnly) throw new UserError(`${args.name} cannot be set`, true);
  container.set(args.name, evaluate(parse(withoutNotes(args.value)), session.names(undefined)));
  const after = container.variables().find(({ name }) => name === args.name)!;
  session.changed(['stacks', 'variables']);
  return {
    value: format(after.value, args.format),
    ...(after.type ? { type: after.type } : {}),
    variablesReference: after.children ? session.handles.reference(after.children) : 0,
  };
}

function present(
  session: Session,
  variable: Variable,
  container: Container,
  wanted?: DebugProtocol.ValueFormat,
): DebugProtocol.Variable {
  const { name, value, type, children, evaluateName, memoryReference, readOnly } = variable;
  return {
    name,
    value: format(value, wanted),
    variablesReference: children ? session.handles.reference(children) : 0,
    ...(type ? { type } : {}),
    ...(evaluateName ? { evaluateName } : {}),
    ...(memoryReference ? { memoryReference } : {}),
    ...(readOnly || !container.set ? { presentationHint: { attributes: ['readOnly'] } } : {}),
  };
}

/** Views edit the text they show: what stands behind the number (a symbol, the names of set bits) is not part of it. */
export function withoutNotes(text: string): string {
  return text.replace(/\s*(<[^>]*>|\[[^\]]*\])\s*$/, '').replace(/\s*<[^>]*>\s*$/, '');
}

/** Hex is what the views hold; a client that asks for decimal gets the leading number in decimal. */
function format(value: string, wanted?: DebugProtocol.ValueFormat): string {
  if (wanted?.hex !== false) return value;
  return value.replace(/^0x[0-9a-f]+/, digits => BigInt(digits).toString(10));
}
