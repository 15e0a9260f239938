/** Call-frame instructions (DWARF 5, 6.4.2): how to find the caller's registers at one address of a function. */
import type { Cie } from './frames';
import { readPointer } from './pointer';
import type { DwarfReader } from './reader';

/** Where a register of the caller is: in memory at or equal to CFA + offset, in a register, or where an expression says. */
export type RegisterRule =
  | { kind: 'undefined' }
  | { kind: 'same' }
  | { kind: 'offset'; offset: bigint }
  | { kind: 'value-offset'; offset: bigint }
  | { kind: 'register'; register: number }
  | { kind: 'expression'; expression: Uint8Array }
  | { kind: 'value-expression'; expression: Uint8Array };

/** The canonical frame address: on x86 the value of the stack pointer before the call's return address was pushed. */
export type CfaRule =
  { kind: 'register'; register: number; offset: bigint } | { kind: 'expression'; expression: Uint8Array };

export interface FrameRow {
  cfa: CfaRule;
  rules: ReadonlyMap<number, RegisterRule>;
  returnColumn: number;
  addressSize: number;
  signal: boolean;
}

interface State {
  cfa: CfaRule | undefined;
  rules: Map<number, RegisterRule>;
}

/** More columns and deeper nesting than any compiler writes: damage must not make us hoard. */
const MOST_COLUMNS = 256;
const DEEPEST = 64;

/** The row in force at `address` of the function that begins at `low`. Throws DwarfProblem. */
export function runCfa(cie: Cie, fde: DwarfReader, low: bigint, address: bigint, base: bigint): FrameRow | undefined {
  const { instructions } = cie;
  const initial: State = { cfa: undefined, rules: new Map() };
  // A CIE's reader is used many times.
  const from = instructions.at;
  try {
    run(cie, instructions, initial, { cfa: undefined, rules: new Map() }, low, undefined, base);
  } finally {
    instructions.at = from;
  }
  const state: State = { cfa: initial.cfa, rules: new Map(initial.rules) };
  run(cie, fde, state, initial, low, address, base);
  return (
    state.cfa && {
      cfa: state.cfa,
      rules: state.rules,
      returnColumn: cie.returnColumn,
      addressSize: cie.addressSize,
      signal: cie.signal,
    }
  );
}

/** Executes until the location passes `until`. */
function run(
  cie: Cie,
  r: DwarfReader,
  state: State,
  initial: State,
  low: bigint,
  until: bigint | undefined,
  base: bigint,
): void {
  let location = low;
  const remembered: State[] = [];
  const data = (factored: bigint) => factored * BigInt(cie.dataAlignment);
  const advance = (delta: number | bigint) => void (location += BigInt(delta) * BigInt(cie.codeAlignment));
  const set = (register: number, rule: RegisterRule) => {
    if (register >= MOST_COLUMNS) r.fail(`column ${register} of a frame description`);
    state.rules.set(register, rule);
  };
  const restore = (register: number) => {
    const rule = initial.rules.get(register);
    if (rule) state.rules.set(register, rule);
    else state.rules.delete(register);
  };
  const block = () => r.bytes(r.uleb());
  const cfaRegister = () =>
    state.cfa?.kind === 'register' ? state.cfa : r.fail('no register holds the frame address yet');

  while (!r.done) {
    const opcode = r.u8();
    const operand = opcode & 0x3f;
    switch (opcode >> 6) {
      case 1:
        advance(operand);
        break;
      case 2:
        set(operand, { kind: 'offset', offset: data(r.ulebBig()) });
        break;
      case 3:
        restore(operand);
        break;
      default:
        switch (opcode) {
          case 0x00: // nop
            break;
          case 0x01: // set_loc
            location = readPointer(r, cie.encoding, cie.addressSize, base) ?? location;
            break;
          case 0x02: // advance_loc1, 2, 4
            advance(r.u8());
            break;
          case 0x03:
            advance(r.u16());
            break;
          case 0x04:
            advance(r.u32());
            break;
          case 0x05: // offset_extended
            set(r.uleb(), { kind: 'offset', offset: data(r.ulebBig()) });
            break;
          case 0x06: // restore_extended
            restore(r.uleb());
            break;
          case 0x07: // undefined
            set(r.uleb(), { kind: 'undefined' });
            break;
          case 0x08: // same_value
            set(r.uleb(), { kind: 'same' });
            break;
          case 0x09: // register
            set(r.uleb(), { kind: 'register', register: r.uleb() });
            break;
          case 0x0a: // remember_state
            if (remembered.length >= DEEPEST) r.fail('too many remembered states');
            remembered.push({ cfa: state.cfa, rules: new Map(state.rules) });
            break;
          case 0x0b: {
            // restore_state
            const before = remembered.pop() ?? r.fail('no state was remembered');
            state.cfa = before.cfa;
            state.rules = before.rules;
            break;
          }
          case 0x0c: // def_cfa
            state.cfa = { kind: 'register', register: r.uleb(), offset: r.ulebBig() };
            break;
          case 0x0d: // def_cfa_register
            state.cfa = { ...cfaRegister(), register: r.uleb() };
            break;
          case 0x0e: // def_cfa_offset
            state.cfa = { ...cfaRegister(), offset: r.ulebBig() };
            break;
          case 0x0f: // def_cfa_expression
            state.cfa = { kind: 'expression', expression: block() };
            break;
          case 0x10: // expression
            set(r.uleb(), { kind: 'expression', expression: block() });
            break;
          case 0x11: // offset_extended_sf
            set(r.uleb(), { kind: 'offset', offset: data(r.slebBig()) });
            break;
          case 0x12: // def_cfa_sf
            state.cfa = { kind: 'register', register: r.uleb(), offset: data(r.slebBig()) };
            break;
          case 0x13: // def_cfa_offset_sf
            state.cfa = { ...cfaRegister(), offset: data(r.slebBig()) };
            break;
          case 0x14: // val_offset
            set(r.uleb(), { kind: 'value-offset', offset: data(r.ulebBig()) });
            break;
          case 0x15: // val_offset_sf
            set(r.uleb(), { kind: 'value-offset', offset: data(r.slebBig()) });
            break;
          case 0x16: // val_expression
            set(r.uleb(), { kind: 'value-expression', expression: block() });
            break;
          case 0x2e: // GNU_args_size: how much a throw pops
            r.ulebBig();
            break;
          case 0x2f: // GNU_negative_offset_extended
            set(r.uleb(), { kind: 'offset', offset: data(-r.ulebBig()) });
            break;
          default:
            r.fail(`the unknown call-frame instruction 0x${opcode.toString(16)}`);
        }
    }
    if (until !== undefined && location > until) return;
  }
}
