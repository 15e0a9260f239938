/** The Multiboot 1 header ("Multiboot Specification version 0.6.96", 3.1): where it is and what it asks for. */

export const HEADER_MAGIC = 0x1badb002;
/** The header lies in the first 8192 bytes, 4-byte aligned. */
const SEARCH_BYTES = 8192;

/** Flag bits of the header. */
const FLAG_ADDRESSES = 1 << 16;
/** A loader must refuse an image that sets a bit of 0-15 that it does not know: it knows page alignment, memory, video. */
const UNKNOWN_REQUIREMENTS = 0xffff & ~0b111;

/** Sizes of the header without and with address fields, in bytes. */
const SHORT_HEADER = 12;
const ADDRESS_HEADER = 32;

export interface MultibootAddresses {
  /** Guest-physical address of the header itself. */
  header: number;
  /** Of the first byte loaded. */
  load: number;
  /** Behind the last byte loaded; 0 for the whole file. */
  loadEnd: number;
  /** Behind the zeroed part; 0 for none. */
  bssEnd: number;
  entry: number;
}

export interface MultibootHeader {
  version: 1 | 2;
  /** Offset in the file, in bytes. */
  offset: number;
  /** Entry point in place of the ELF file's (version 2). */
  entry?: number;
  /** Present when the header says where the image goes (version 1: flag bit 16). */
  addresses?: MultibootAddresses;
}

export type MultibootSearch = { header: MultibootHeader } | { problem: string } | undefined;

/** Looks for the header in a file. `problem` tells what is wrong with one that is damaged. */
export function findMultibootHeader(file: Uint8Array): MultibootSearch {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let problem: string | undefined;
  for (let offset = 0; offset + 4 <= Math.min(file.length, SEARCH_BYTES); offset += 4) {
    if (view.getUint32(offset, true) !== HEADER_MAGIC) continue;
    const result = readHeader(view, offset);
    if ('header' in result) return result;
    problem ??= result.problem;
  }
  return problem === undefined ? undefined : { problem };
}

function readHeader(view: DataView, offset: number): { header: MultibootHeader } | { problem: string } {
  const where = `the multiboot header at offset ${hex(offset)}`;
  const left = view.byteLength - offset;
  if (left < SHORT_HEADER)
    return { problem: `${where} is truncated: the file ends ${left} bytes into it, it needs ${SHORT_HEADER}` };
  const flags = view.getUint32(offset + 4, true);
  const checksum = view.getUint32(offset + 8, true);
  const wanted = -(HEADER_MAGIC + flags) >>> 0;
  if (checksum !== wanted)
    return {
      problem: `${where} has the checksum ${hex(checksum)}; with flags ${hex(flags)} it must be ${hex(wanted)}`,
    };
  if (flags & UNKNOWN_REQUIREMENTS)
    return {
      problem: `${where} requires features (flags ${hex(flags)}) that no multiboot 1 loader knows: clear bits 3-15`,
    };
  if (!(flags & FLAG_ADDRESSES)) return { header: { version: 1, offset } };
  if (left < ADDRESS_HEADER)
    return {
      problem: `${where} is truncated: flag bit 16 announces address fields (${ADDRESS_HEADER} bytes), but the file ends after ${left}`,
    };
  const [header, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map(at => view.getUint32(offset + at, true));
  return { header: { version: 1, offset, addresses: { header, load, loadEnd, bssEnd, entry } } };
}

const hex = (n: number) => '0x' + n.toString(16);
