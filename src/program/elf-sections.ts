/** Compressed sections (gABI, "Section Compression") and GNU's older `.zdebug_` form of them. */
import { unzlibSync } from 'fflate';

const COMPRESS_ZLIB = 1;
const COMPRESS_ZSTD = 2;
/** Deflate cannot do better than this: a header that claims more is damaged. */
const BEST_RATIO = 1032;
const GNU_MAGIC = 'ZLIB';

export type Content = { data: Uint8Array } | { problem: string };

/** The content of a section with SHF_COMPRESSED: an Elf32_Chdr or Elf64_Chdr, then the stream. */
export function decompress(name: string, section: Uint8Array, wide: boolean): Content {
  const header = wide ? 24 : 12;
  if (section.length < header) return { problem: `the compressed section ${name} is shorter than its header` };
  const view = new DataView(section.buffer, section.byteOffset);
  const type = view.getUint32(0, true);
  const size = wide ? Number(view.getBigUint64(8, true)) : view.getUint32(4, true);
  if (type === COMPRESS_ZSTD)
    return {
      problem: `${name} is compressed with zstd, which is not read here: link with --compress-debug-sections=zlib or none`,
    };
  if (type !== COMPRESS_ZLIB) return { problem: `${name} is compressed by the unknown method ${type}` };
  return inflate(name, section.subarray(header), size);
}

/** The content of a `.zdebug_` section: "ZLIB", the size (8 bytes, big-endian), the stream. */
export function decompressGnu(name: string, section: Uint8Array): Content {
  if (section.length < 12 || String.fromCharCode(...section.subarray(0, 4)) !== GNU_MAGIC)
    return { problem: `${name} does not begin with ${GNU_MAGIC}` };
  const view = new DataView(section.buffer, section.byteOffset);
  return inflate(name, section.subarray(12), Number(view.getBigUint64(4, false)));
}

function inflate(name: string, stream: Uint8Array, size: number): Content {
  const damaged = { problem: `the compressed section ${name} is damaged: rebuild the program` };
  if (size > stream.length * BEST_RATIO) return damaged;
  try {
    const data = unzlibSync(stream, { out: new Uint8Array(size) });
    return data.length === size ? { data } : damaged;
  } catch {
    return damaged; // whatever the library says of the stream, the remedy is the same
  }
}
