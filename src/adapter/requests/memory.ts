import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import { hex } from '../target/format';
import { parseReference, readMemory, writeMemory, type Place } from '../target/spaces';

/** More than this at once is more than any view shows, and would hold up everything else. */
const MOST = 16 * 1024 * 1024;

export function readMemoryRequest(
  session: Session,
  args: DebugProtocol.ReadMemoryArguments,
): DebugProtocol.ReadMemoryResponse['body'] {
  if (args.count < 0 || args.count > MOST)
    throw new UserError(`count ${args.count}: read at most ${MOST} bytes at once`);
  const place = placeOf(session, args.memoryReference, args.offset);
  const data = readMemory(session.target, place, args.count);
  const missing = args.count - data.length;
  return {
    address: hex(place.address),
    ...(data.length ? { data: Buffer.from(data).toString('base64') } : {}),
    ...(missing ? { unreadableBytes: missing } : {}),
  };
}

export function writeMemoryRequest(
  session: Session,
  args: DebugProtocol.WriteMemoryArguments,
): DebugProtocol.WriteMemoryResponse['body'] {
  const place = placeOf(session, args.memoryReference, args.offset);
  const data = Buffer.from(args.data, 'base64');
  const written = writeMemory(session.target, place, data);
  if (written < data.length && !args.allowPartial)
    throw new UserError(
      `no memory is mapped at ${place.space} ${hex(place.address + BigInt(written))}: ${written} of ${data.length} bytes were written`,
    );
  session.changed(['stacks', 'variables'], { reference: args.memoryReference, count: written });
  return { bytesWritten: written };
}

function placeOf(session: Session, reference: string, offset = 0): Place {
  const place = parseReference(session.target, reference);
  if (!place) throw new UserError(`${reference} is no memory reference: write 0x1000, gpa:0x1000 or hpa:0x1000`);
  return { ...place, address: BigInt.asUintN(64, place.address + BigInt(offset)) };
}
