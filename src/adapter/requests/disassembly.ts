import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import { Listing, type ListingEntry } from '../target/listing';
import { bytesText, hex } from '../target/format';
import { parseReference } from '../target/spaces';
import { describeSource } from './sources';

/** More lines than a view asks for; a mistaken request must not hold up everything else. */
const MOST = 5000;

export function disassemble(
  session: Session,
  args: DebugProtocol.DisassembleArguments,
): DebugProtocol.DisassembleResponse['body'] {
  const place = parseReference(session.target, args.memoryReference);
  if (!place || place.space !== 'linear')
    throw new UserError(`${args.memoryReference} is no linear address: write 0x1000`);
  const base = BigInt.asUintN(64, place.address + BigInt(args.offset ?? 0));
  const skip = args.instructionOffset ?? 0;
  if (args.instructionCount < 0 || args.instructionCount > MOST || Math.abs(skip) > MOST)
    throw new UserError(`ask for at most ${MOST} instructions at once`);
  const listing = new Listing(session.target, place.view);
  const before = skip < 0 ? listing.before(base, -skip).slice(0, args.instructionCount) : [];
  const ahead = args.instructionCount - before.length;
  const after = ahead > 0 ? listing.after(base, Math.max(skip, 0) + ahead).slice(Math.max(skip, 0)) : [];
  return { instructions: [...before, ...after].map(entry => present(session, entry, args.resolveSymbols ?? true)) };
}

function present(session: Session, entry: ListingEntry, symbols: boolean): DebugProtocol.DisassembledInstruction {
  const { address, bytes, text, symbol, row, valid } = entry;
  return {
    address: hex(address, 16),
    instruction: text,
    ...(bytes.length ? { instructionBytes: bytesText(bytes) } : {}),
    ...(symbols && symbol ? { symbol } : {}),
    ...(row ? { location: describeSource(session, row.file), line: session.toClientLine(row.line) } : {}),
    ...(valid ? {} : { presentationHint: 'invalid' as const }),
  };
}
