import { families, operations, pairs, shapeOf, type Family, type Operation, type Pair } from '../operations';

const HEADER = '// Generated from src/core/operations.ts.\n';
const type = (width: number): string => `u${width}`;

/** The body of one operand form; `f` is the family's function. */
function formBody(kind: Family['kind'], form: string, f: string): string {
  const immediate = '<T>immediate(p)';
  const memory = (access: string): string => `const h = ${access}(p, sizeof<T>()); if (!h) return 0;`;
  const count = form.endsWith('C') ? '<u32>load<u8>(State.RCX)' : '<u32>immediate(p)';
  switch (kind) {
    case 'binary':
      if (form === 'RR') return `setDst<T>(p, ${f}<T>(dst<T>(p), src<T>(p)));`;
      if (form === 'RI') return `setDst<T>(p, ${f}<T>(dst<T>(p), ${immediate}));`;
      if (form === 'RM') return `${memory('memReadable')} setDst<T>(p, ${f}<T>(dst<T>(p), load<T>(h)));`;
      return `${memory('memModifiable')} store<T>(h, ${f}<T>(load<T>(h), ${form === 'MR' ? 'src<T>(p)' : immediate})); commitWrite(h);`;
    case 'compare':
      if (form === 'RR') return `${f}<T>(dst<T>(p), src<T>(p));`;
      if (form === 'RI') return `${f}<T>(dst<T>(p), ${immediate});`;
      if (form === 'RM') return `${memory('memReadable')} ${f}<T>(dst<T>(p), load<T>(h));`;
      return `${memory('memReadable')} ${f}<T>(load<T>(h), ${form === 'MR' ? 'src<T>(p)' : immediate});`;
    case 'move':
      if (form === 'RR') return 'setDst<T>(p, src<T>(p));';
      if (form === 'RI') return `setDst<T>(p, ${immediate});`;
      if (form === 'RM') return `${memory('memReadable')} setDst<T>(p, load<T>(h));`;
      return `${memory('memWritable')} store<T>(h, ${form === 'MR' ? 'src<T>(p)' : immediate}); commitWrite(h);`;
    case 'unary':
      if (form === 'R') return `setDst<T>(p, ${f}<T>(dst<T>(p)));`;
      return `${memory('memModifiable')} store<T>(h, ${f}<T>(load<T>(h))); commitWrite(h);`;
    case 'shift':
      if (form[0] === 'R') return `setDst<T>(p, ${f}<T>(dst<T>(p), ${count}));`;
      return `${memory('memModifiable')} store<T>(h, ${f}<T>(load<T>(h), ${count})); commitWrite(h);`;
    case 'load':
      if (form === 'RR') return `setDst<T>(p, ${f}<T>(src<T>(p)));`;
      return `${memory('memReadable')} setDst<T>(p, ${f}<T>(load<T>(h)));`;
    default:
      throw new Error(`${kind} has no forms`);
  }
}

/** AssemblyScript names: keywords and built-ins get an underscore. */
const functionName = (name: string): string =>
  ['or', 'and', 'xor', 'in', 'not', 'test', 'bswap', 'int', 'loop', 'wait'].includes(name) ? `${name}_` : name;

function call(operation: Operation): string {
  const { family, form, width } = operation;
  const name = form ? `${family.name}_${form}` : functionName(family.name);
  return `${name}${width ? `<${type(width)}>` : ''}(p)`;
}

function forms(): string {
  const imports = new Map<string, Set<string>>();
  const lines: string[] = [];
  for (const family of families) {
    if (family.kind === 'plain' || family.kind === 'wide') continue;
    if (family.kind !== 'move')
      (imports.get(family.module) ?? imports.set(family.module, new Set()).get(family.module)!).add(
        functionName(family.name),
      );
    for (const form of new Set(operations.filter(o => o.family === family).map(o => o.form)))
      lines.push(
        `@inline export function ${family.name}_${form}<T>(p: usize): usize { ${formBody(family.kind, form, functionName(family.name))} return p + RECORD; }`,
      );
  }
  return [
    HEADER + "import { RECORD, dst, immediate, setDst, src } from '../record';",
    "import { State } from './state.generated';",
    "import { memModifiable, memReadable, memWritable } from '../address';",
    "import { commitWrite } from '../tlb';",
    ...[...imports].map(([module, names]) => `import { ${[...names].join(', ')} } from '../${module}';`),
    ...lines,
    '',
  ].join('\n');
}

function opEnum(): string {
  const rows = ['END', 'STALE', 'WATCH', ...operations.map(o => o.name)];
  return `${HEADER}export const enum Op {\n${rows.map((name, n) => `  ${name} = ${n},`).join('\n')}\n}\n`;
}

function hotCase(operation: Operation, number: number): string {
  const body = call(operation);
  switch (shapeOf(operation)) {
    case 'safe':
      return `      case ${number}: ${body}; p += RECORD; left--; continue;`;
    case 'fault':
      return `      case ${number}: if (!${body}) return ended(zeroed(p), left, end); p += RECORD; left--; continue;`;
    case 'control':
      return `      case ${number}: { const q = ${body}; if (!q) return ended(zeroed(p), left, end); p = q; left--; continue; }`;
  }
}

/** Whether the condition holds after the operation on `a` and `b`, of which `r` is the result; only those of `pairs`. */
function holds({ first, condition }: Pair): string {
  const { family, width } = first;
  const compares = family.name === 'cmp' || family.name === 'sub';
  const signed = (value: string): string => `<i${width}>${value}`;
  const test = [
    '',
    'a < b',
    compares ? 'a == b' : 'r == 0',
    'a <= b',
    `${signed('r')} < 0`,
    '',
    `${signed('a')} < ${signed('b')}`,
    `${signed('a')} <= ${signed('b')}`,
  ][condition >> 1];
  return condition & 1 ? `!(${test})` : test;
}
/** The first instruction, then the jump, unless the slice ends between them: the jump's own record follows. */
function pairCase(pair: Pair, number: number): string {
  const { family, form, width } = pair.first;
  const t = type(width);
  const a = `const a = dst<${t}>(p)`;
  const b = form === 'RR' ? `, b = src<${t}>(p)` : form === 'RI' ? `, b = <${t}>immediate(p)` : '';
  const name = functionName(family.name);
  const operands = form === 'R' ? 'a' : 'a, b';
  const result =
    family.kind === 'compare'
      ? `${name}<${t}>(${operands}); const r = ${family.name === 'test' ? 'a & b' : `<${t}>(a - b)`};`
      : `const r = ${name}<${t}>(${operands}); setDst<${t}>(p, r);`;
  return `      case ${number}: { ${a}${b}; ${result} left--; p += RECORD; if (!left) continue; const q = branch(p, ${holds(pair)}); if (!q) return ended(zeroed(p), left, end); p = q; left--; continue; }`;
}
/** From what two records store to what the first stores when the pair is one operation. */
function pairing(): string {
  const { numbers, firstPair } = numbering();
  const jump = operations.findIndex(o => o.name === 'J0');
  const rows = [...new Set(pairs.map(pair => pair.first))].map(first => {
    const cases = pairs.flatMap((pair, n) =>
      pair.first === first
        ? [`      case ${numbers.get(operations[jump + pair.condition])!}: return ${firstPair + n};`]
        : [],
    );
    return `    case ${numbers.get(first)!}: switch (<u32>second) {\n${cases.join('\n')}\n      default: return first;\n    }`;
  });
  return `${HEADER}
/** What a record that stores \`first\` stores when the next one, which stores \`second\`, may follow it in one step. */
export function paired(first: u16, second: u16): u16 {
  switch (<u32>first) {
${rows.join('\n')}
    default: return first;
  }
}
`;
}
/** The switch's numbers: END, STALE and WATCH, the hot operations, the pairs. */
function numbering(): { hot: Operation[]; numbers: Map<Operation, number>; firstPair: number; count: number } {
  const hot = operations.filter(o => o.hot);
  const numbers = new Map(hot.map((o, n) => [o, n + 3]));
  const firstPair = hot.length + 3;
  return { hot, numbers, firstPair, count: firstPair + pairs.length };
}

function dispatch(): string {
  const { hot, numbers, firstPair, count: HOT } = numbering();
  const modules = new Map<string, Set<string>>();
  const use = (module: string, name: string): void =>
    void (modules.get(module) ?? modules.set(module, new Set()).get(module)!).add(name);
  for (const o of operations) {
    if (o.form) use('generated/forms.generated', `${o.family.name}_${o.form}`);
    else use(o.family.module, functionName(o.family.name));
  }
  for (const { first } of pairs) use(first.family.module, functionName(first.family.name));
  use('branch', 'branch');
  const setup = operations.map(o => {
    const hotNumber = numbers.get(o);
    const value = hotNumber ?? `<u16>(HOT + changetype<Handler>((p: usize): usize => ${call(o)}).index)`;
    return `  encode(Op.${o.name}, ${value});`;
  });
  return `${HEADER}
${[...modules].map(([module, names]) => `import { ${[...names].join(', ')} } from '../${module}';`).join('\n')}
import { Op } from './op.generated';
import { State } from './state.generated';
import { OP_ENCODING } from '../layout';
import { R_FALL, RECORD, dst, immediate, nextPc, pcOf, setDst, src } from '../record';
import { follow, lookup, lookupSlow } from '../blocks';
import { FAULTED, LEFT, WATCHED, UNCOUNTED, takeLeft, watchStops } from '../stop';
import { clearFault } from '../fault';

type Handler = (p: usize) => usize;
const HOT: u32 = ${HOT};

@inline function encode(op: u32, value: u16): void { store<u16>(OP_ENCODING + (<usize>op << 1), value); }

/** Fills the table from operation to what records store. */
export function registerOperations(): void {
  encode(Op.END, 0);
  encode(Op.STALE, 1);
  encode(Op.WATCH, 2);
${setup.join('\n')}
}

/** An operation returned 0: it completed and left the loop, or it faulted. */
function zeroed(p: usize): u32 {
  if (takeLeft()) return LEFT;
  store<u64>(State.RIP, pcOf(p));
  return FAULTED;
}

/** The slice is over with \`rc\`, and of its instructions \`left\` have not begun, besides one that left the loop. */
function ended(rc: u32, left: u64, end: u64): u32 {
  if (rc == LEFT) left--;
  store<u64>(State.LEFT, left);
  store<u64>(State.INSTRUCTIONS, end - left);
  return rc;
}

/** Retires at most \`limit\` instructions from State.RIP; 0 when it retired them all, else LEFT, FAULTED or WATCHED. */
export function dispatch(limit: u64): u32 {
  takeLeft(); // a VM exit between instructions left it set
  let p = lookup(load<u64>(State.RIP));
  if (!p) return FAULTED;
  const end = load<u64>(State.INSTRUCTIONS) + limit;
  store<u64>(State.SLICE_END, end);
  let left = limit;
  store<u64>(State.LEFT, left);
  while (left) {
    switch (<u32>load<u16>(p)) {
      case 0: { const q = follow(p, R_FALL); if (!q) { takeLeft(); return ended(UNCOUNTED, left, end); } p = q; continue; }
      case 1: {
        if (load<u32>(State.STOP)) { store<u64>(State.RIP, pcOf(p)); return ended(UNCOUNTED, left, end); }
        const q = lookupSlow(pcOf(p));
        if (!q) { clearFault(); store<u64>(State.RIP, pcOf(p)); return ended(UNCOUNTED, left, end); }
        p = q; continue;
      }
      case 2: {
        if (watchStops(end - left, pcOf(p))) { store<u64>(State.RIP, pcOf(p)); return ended(WATCHED, left, end); }
        p += RECORD; continue;
      }
${hot.map(o => hotCase(o, numbers.get(o)!)).join('\n')}
${pairs.map((pair, n) => pairCase(pair, firstPair + n)).join('\n')}
      default: {
        store<u64>(State.LEFT, left);
        const q = call_indirect<usize>(<u32>load<u16>(p) - HOT, p);
        if (!q) return ended(zeroed(p), left, end);
        p = q; left--; continue;
      }
    }
  }
  store<u64>(State.RIP, pcOf(p));
  return ended(0, 0, end);
}
`;
}

/** Numbers, operand forms, function table and run loop. */
export function generate(): { name: string; text: string }[] {
  return [
    { name: 'op.generated.ts', text: opEnum() },
    { name: 'forms.generated.ts', text: forms() },
    { name: 'pairs.generated.ts', text: pairing() },
    { name: 'dispatch.generated.ts', text: dispatch() },
  ];
}
