/** The Multiboot 2 header ("Multiboot2 Specification version 2.0", 3.1): where it is and what it asks for. */
import type { MultibootAddresses, MultibootHeader, MultibootSearch } from './multiboot';

export const HEADER2_MAGIC = 0xe85250d6;
/** The header lies in the first 32768 bytes, 8-byte aligned. */
const SEARCH_BYTES = 32768;
const HEADER_BYTES = 16;
const ARCHITECTURE_I386 = 0;
const OPTIONAL = 1;

/** Header tags. */
const enum Tag {
  End = 0,
  InformationRequest = 1,
  Addresses = 2,
  Entry = 3,
  ConsoleFlags = 4,
  Framebuffer = 5,
  ModuleAlignment = 6,
  EfiBootServices = 7,
  EntryEfi32 = 8,
  EntryEfi64 = 9,
  Relocatable = 10,
}
/** What this loader does, or need not do: modules are page-aligned anyway, an image may stay where it was linked. */
const KNOWN: readonly number[] = [
  Tag.InformationRequest, Tag.Addresses, Tag.Entry, Tag.ConsoleFlags, Tag.ModuleAlignment, Tag.EntryEfi32, Tag.EntryEfi64, Tag.Relocatable,
]; // prettier-ignore

/** Looks for the header in a file. `problem` tells what is wrong with one that is damaged. */
export function findMultiboot2Header(file: Uint8Array): MultibootSearch {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let problem: string | undefined;
  for (let offset = 0; offset + 4 <= Math.min(file.length, SEARCH_BYTES); offset += 8) {
    if (view.getUint32(offset, true) !== HEADER2_MAGIC) continue;
    const result = readHeader(view, offset);
    if ('header' in result) return result;
    problem ??= result.problem;
  }
  return problem === undefined ? undefined : { problem };
}

function readHeader(view: DataView, offset: number): { header: MultibootHeader } | { problem: string } {
  const where = `the multiboot 2 header at offset ${hex(offset)}`;
  const left = view.byteLength - offset;
  if (left < HEADER_BYTES)
    return { problem: `${where} is truncated: the file ends ${left} bytes into it, it needs ${HEADER_BYTES}` };
  const [architecture, length, checksum] = [4, 8, 12].map(at => view.getUint32(offset + at, true));
  const wanted = -(HEADER2_MAGIC + architecture + length) >>> 0;
  if (checksum !== wanted) return { problem: `${where} has the checksum ${hex(checksum)}; it must be ${hex(wanted)}` };
  if (architecture !== ARCHITECTURE_I386)
    return { problem: `${where} is for architecture ${architecture}, not for x86 (0)` };
  if (length < HEADER_BYTES || length > left)
    return { problem: `${where} says that it has ${length} bytes, but the file has ${left} from there` };
  return readTags(view, offset, length, where);
}

function readTags(
  view: DataView,
  offset: number,
  length: number,
  where: string,
): { header: MultibootHeader } | { problem: string } {
  let addresses: Omit<MultibootAddresses, 'entry'> | undefined;
  let entry: number | undefined;
  const end = offset + length;
  for (let at = offset + HEADER_BYTES; at + 8 <= end;) {
    const type = view.getUint16(at, true);
    const flags = view.getUint16(at + 2, true);
    const size = view.getUint32(at + 4, true);
    if (type === Tag.End) break;
    if (size < 8 || at + size > end)
      return { problem: `${where} has a tag (type ${type}) of ${size} bytes that does not fit` };
    const word = (n: number): number => (8 + 4 * n + 4 <= size ? view.getUint32(at + 8 + 4 * n, true) : 0);
    if (type === Tag.Addresses) addresses = { header: word(0), load: word(1), loadEnd: word(2), bssEnd: word(3) };
    else if (type === Tag.Entry) entry = word(0);
    else if (!KNOWN.includes(type) && !(flags & OPTIONAL))
      return {
        problem: `${where} requires what this loader does not have (tag type ${type}${type === Tag.Framebuffer ? ', a framebuffer' : ''}): mark the tag optional (flag bit 0)`,
      };
    at += (size + 7) & ~7;
  }
  if (addresses && entry === undefined)
    return { problem: `${where} has an address tag, but no entry-address tag (type 3)` };
  return {
    header: {
      version: 2,
      offset,
      ...(entry === undefined ? {} : { entry }),
      ...(addresses ? { addresses: { ...addresses, entry: entry! } } : {}),
    },
  };
}

const hex = (n: number) => '0x' + n.toString(16);
