/** Compressed sections, in the forms that linkers write and in damaged ones. */
import * as assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { decompress, decompressGnu } from '../../../src/program/elf-sections';

const content = new TextEncoder().encode('lines '.repeat(100));
const stream = deflateSync(content);

/** Elf64_Chdr or Elf32_Chdr, and the stream. */
function section(type: number, size: number, wide: boolean, data: Uint8Array = stream): Uint8Array {
  const header = new DataView(new ArrayBuffer(wide ? 24 : 12));
  header.setUint32(0, type, true);
  if (wide) header.setBigUint64(8, BigInt(size), true);
  else header.setUint32(4, size, true);
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data]);
}
const problem = (result: ReturnType<typeof decompress>) => ('problem' in result ? result.problem : 'none');

describe('compressed sections', () => {
  it('are read in both classes of ELF, and in GNU’s older form', () => {
    for (const wide of [false, true])
      assert.deepEqual(decompress('.debug_line', section(1, content.length, wide), wide), { data: content });
    const size = new DataView(new ArrayBuffer(8));
    size.setBigUint64(0, BigInt(content.length), false);
    const gnu = Uint8Array.from([...Buffer.from('ZLIB'), ...new Uint8Array(size.buffer), ...stream]);
    assert.deepEqual(decompressGnu('.debug_line', gnu), { data: content });
    assert.match(problem(decompressGnu('.debug_line', gnu.subarray(1))), /\.debug_line does not begin with ZLIB/);
  });

  it('say what is wrong, and what to do', () => {
    assert.match(
      problem(decompress('.debug_info', section(2, 600, true), true)),
      /zstd.*--compress-debug-sections=zlib/,
    );
    assert.match(problem(decompress('.debug_info', section(9, 600, true), true)), /unknown method 9/);
    assert.match(problem(decompress('.debug_info', new Uint8Array(5), true)), /shorter than its header/);
    const damaged = stream.slice();
    damaged[10] ^= 0xff;
    for (const [size, data] of [
      [600, damaged],
      [599, stream],
      [601, stream],
      [600, stream.subarray(0, 9)],
      [2 ** 40, stream],
    ] as const)
      assert.match(
        problem(decompress('.debug_info', section(1, size, true, data), true)),
        /damaged: rebuild/,
        `${size}`,
      );
  });
});
