/** The line-number state machine (DWARF 5, 6.2.2 and 6.2.5). */
import { LNE, LNS } from './constants';
import { oldFile, type LineHeader } from './line-header';
import { DwarfReader } from './reader';

/** A row as the machine appends it. */
export interface MachineRow {
  /** Linear (link) address. */
  address: bigint;
  file: number;
  /** 0: no line at all. */
  line: number;
  /** 0: the whole line. */
  column: number;
  /** A recommended place for a breakpoint. */
  statement: boolean;
  prologueEnd: boolean;
}

/** Rows of ascending addresses, up to `end` (exclusive). */
export interface Sequence {
  rows: MachineRow[];
  end: bigint;
}

/** Runs one program. Throws DwarfProblem; the sequences that were whole by then have been given to `take`. */
export function runLineProgram(section: Uint8Array, header: LineHeader, take: (sequence: Sequence) => void): void {
  const r = new DwarfReader(section, '.debug_line', header.program, header.end);
  const { minimumInstructionBytes: unit, lineBase, lineRange, opcodeBase, operands, addressSize } = header;
  let rows: MachineRow[] = [];
  let address = 0n;
  /** Bytes since `address`: numbers are added up faster than BigInts. */
  let ahead = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let statement = header.defaultIsStatement;
  let prologueEnd = false;
  const append = () => {
    address = BigInt.asUintN(64, address + BigInt(ahead));
    ahead = 0;
    rows.push({ address, file, line: line > 0 ? line : 0, column, statement, prologueEnd });
    prologueEnd = false;
  };
  const constAdd = Math.floor((255 - opcodeBase) / lineRange) * unit;

  const extended = () => {
    const length = r.uleb();
    if (length === 0) return;
    const body = r.part(length);
    switch (body.u8()) {
      case LNE.end_sequence:
        take({ rows, end: BigInt.asUintN(64, address + BigInt(ahead)) });
        rows = [];
        address = 0n;
        ahead = 0;
        file = 1;
        line = 1;
        column = 0;
        statement = header.defaultIsStatement;
        prologueEnd = false;
        return;
      case LNE.set_address:
        // The operand's length is the truth: an image copied from ELF64 to ELF32 keeps its 8-byte addresses.
        address = body.unsigned(length - 1 === 4 || length - 1 === 8 ? length - 1 : addressSize);
        ahead = 0;
        return;
      case LNE.define_file:
        header.files.push(oldFile(body, body.text()));
        return;
    }
  };

  while (!r.done) {
    const opcode = r.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      ahead += Math.floor(adjusted / lineRange) * unit;
      line += lineBase + (adjusted % lineRange);
      append();
      continue;
    }
    switch (opcode) {
      case 0:
        extended();
        break;
      case LNS.copy:
        append();
        break;
      case LNS.advance_pc:
        ahead += r.uleb() * unit;
        break;
      case LNS.advance_line:
        line += r.sleb();
        break;
      case LNS.set_file:
        file = r.uleb();
        break;
      case LNS.set_column:
        column = r.uleb();
        break;
      case LNS.negate_stmt:
        statement = !statement;
        break;
      case LNS.const_add_pc:
        ahead += constAdd;
        break;
      case LNS.fixed_advance_pc:
        ahead += r.u16();
        break;
      case LNS.set_prologue_end:
        prologueEnd = true;
        break;
      case LNS.set_basic_block:
      case LNS.set_epilogue_begin:
        break;
      default:
        // Known or not, the header says how many operands it has: each is a LEB128.
        for (let n = operands[opcode]; n > 0; n--) r.ulebBig();
    }
    if (!Number.isSafeInteger(ahead) || !Number.isSafeInteger(line)) r.fail('an address or a line beyond all bounds');
  }
}
