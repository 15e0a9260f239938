import type { DebugProtocol } from '@vscode/debugprotocol';
import { assign, evaluate, memoryBytes } from '../expression/evaluate';
import type { Meaning, Names } from '../expression/names';
import { parse, parseStatement } from '../expression/parse';
import type { Expression } from '../expression/syntax';
import { typedOf } from '../expression/typed';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import { bytesText, hex, hexOf } from '../target/format';
import { memoryReference, readMemory } from '../target/spaces';
import type { Typed } from '../variables/typed';
import { childrenOf } from '../variables/typed-container';
import { bitsText, BitsContainer } from '../variables/bits';
import { withoutNotes } from './variables';

/** Bytes of a data label that a hover shows. */
const PREVIEW = 16;

/** A line that begins so is not an expression, but input for the program's serial port. */
const SERIAL_INPUT = '>';
/** `> text` in the Debug Console: the text and a line feed go to COM1, also while the program runs. */
function sendInput(session: Session, line: string): DebugProtocol.EvaluateResponse['body'] {
  const text = line.slice(SERIAL_INPUT.length).replace(/^ /, '');
  const bytes = new TextEncoder().encode(`${text}\n`);
  session.target.machine.sendSerial(bytes);
  return { result: `${bytes.length} byte${bytes.length === 1 ? '' : 's'} sent to COM1`, variablesReference: 0 };
}

export function evaluateRequest(
  session: Session,
  args: DebugProtocol.EvaluateArguments,
): DebugProtocol.EvaluateResponse['body'] {
  if (args.context === 'repl' && args.expression.startsWith(SERIAL_INPUT)) return sendInput(session, args.expression);
  const names = session.names(args.frameId);
  const { place, value } = parseStatement(args.expression);
  if (!place) return result(session, value, names, args);
  // Only what the user typed into the console may change the machine; a hover or a watch must not.
  if (args.context !== 'repl') throw new UserError('an assignment works in the Debug Console only');
  assign(place, evaluate(value, names), names);
  session.changed(['stacks', 'variables']);
  return result(session, place, names, args);
}

export function setExpression(
  session: Session,
  args: DebugProtocol.SetExpressionArguments,
): DebugProtocol.SetExpressionResponse['body'] {
  const names = session.names(args.frameId);
  const place = parse(args.expression);
  assign(place, evaluate(parse(withoutNotes(args.value)), names), names);
  session.changed(['stacks', 'variables']);
  const { result: value, variablesReference } = result(session, place, names, args);
  return { value, variablesReference };
}

export function completions(
  session: Session,
  args: DebugProtocol.CompletionsArguments,
): DebugProtocol.CompletionsResponse['body'] {
  const column = args.column - (session.client.columnsStartAt1 ? 1 : 0);
  const typed = /[A-Za-z_.?@$][\w.$#@~?]*$/.exec(args.text.slice(0, column))?.[0] ?? '';
  if (!typed) return { targets: [] };
  const start = column - typed.length + (session.client.columnsStartAt1 ? 1 : 0);
  const wanted = typed.toLowerCase();
  const found = session
    .names(args.frameId)
    .all()
    .filter(name => name.toLowerCase().startsWith(wanted));
  return { targets: [...new Set(found)].slice(0, 100).map(label => ({ label, start, length: typed.length })) };
}

type Format = Pick<DebugProtocol.EvaluateArguments, 'expression' | 'context' | 'format'>;

function result(
  session: Session,
  expression: Expression,
  names: Names,
  { expression: text, context, format }: Format,
): DebugProtocol.EvaluateResponse['body'] {
  const typed = typedOf(expression, names, index => evaluate(index, names));
  if (typed) return typedResult(session, typed, text);
  const value = evaluate(expression, names);
  const meaning = expression.kind === 'name' ? names.find(expression.name) : undefined;
  const decimal = format?.hex === false;
  const width =
    expression.kind === 'memory'
      ? memoryBytes(expression, names) * 8
      : meaning?.kind === 'register' || meaning?.kind === 'vmcs'
        ? meaning.width
        : 0;
  const digits = decimal ? value.toString(10) : width ? hexOf(value, width) : hex(value);
  const note = notes(session, value, meaning, names, context === 'hover');
  const bits = meaning?.bits;
  return {
    result: note ? `${digits} ${note}` : digits,
    variablesReference: bits?.length
      ? session.handles.reference(new BitsContainer(() => value, bits, (expression as { name: string }).name))
      : 0,
    memoryReference: memoryReference(session.target, { space: 'linear', address: value, view: names.view }),
  };
}

/** A variable of the sources, in the words of its type. */
function typedResult(session: Session, typed: Typed, text: string): DebugProtocol.EvaluateResponse['body'] {
  // `*p` has to be bracketed before a member can follow.
  const children = childrenOf(typed, /^\s*\*/.test(text) ? `(${text})` : text);
  const address = typed.type.kind === 'pointer' ? typed.raw : typed.storage.address;
  return {
    result: typed.text(),
    type: typed.type.name,
    variablesReference: children ? session.handles.reference(children) : 0,
    ...(address === undefined
      ? {}
      : { memoryReference: memoryReference(session.target, { space: 'linear', address, view: typed.view }) }),
  };
}

/** What the value means: set bits, the symbol it points at, the bytes that a label stands for. */
function notes(session: Session, value: bigint, meaning: Meaning | undefined, names: Names, hover: boolean): string {
  if (meaning?.words) return meaning.words;
  if (meaning?.bits?.length) return bitsText(value, meaning.bits);
  const { target } = session;
  if (meaning?.kind === 'symbol') {
    const data = hover
      ? readMemory(target, { space: 'linear', address: value, view: names.view }, PREVIEW)
      : new Uint8Array();
    return data.length ? `→ ${bytesText(data)}  ${printable(data)}` : '';
  }
  const symbol =
    meaning?.kind === 'register' || meaning?.kind === 'vmcs' || !meaning
      ? target.describe(value, names.view)
      : undefined;
  return symbol ? `<${symbol}>` : '';
}

function printable(data: Uint8Array): string {
  return Array.from(data, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
}
