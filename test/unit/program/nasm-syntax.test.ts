import { strict as assert } from 'node:assert';
import { assemble } from '../../../src/program/nasm/assemble';
import { sources } from './sources';
import { BINARY, linesOf, TABLE } from './syntax-table';

/** What a source makes, in hexadecimal; it must have no diagnostics. */
function bytesOf(source: string, more: Record<string, string | Uint8Array> = {}): string {
  const result = assemble('main.asm', sources({ 'main.asm': source, ...more }));
  assert.deepEqual(result.diagnostics, []);
  return Buffer.from(result.bytes).toString('hex');
}

describe('assembler: NASM syntax', () => {
  for (const [group, rows] of Object.entries(TABLE))
    describe(group, () => {
      for (const [source, bytes] of rows)
        it(source, () => {
          assert.equal(bytesOf(linesOf(source), { 'f.bin': BINARY }), bytes);
        });
    });

  it('compares three ways as the manual says (NASM 2.16.01 gives 0 for "less")', () => {
    assert.equal(bytesOf('db 1 <=> 2, 2 <=> 2, 3 <=> 2'), 'ff0001');
  });

  it('includes files where they are named, and says which were read', () => {
    const files = { 'a.inc': 'db 1\n%include "b.inc"\ndb 3', 'b.inc': 'db 2' };
    assert.equal(bytesOf('%include "a.inc"\ndb 4', files), '01020304');
    const result = assemble('main.asm', sources({ 'main.asm': '%include "a.inc"', ...files }));
    assert.deepEqual(result.sources, ['main.asm', 'a.inc', 'b.inc']);
    assert.deepEqual(
      result.lines.map(row => [row.file, row.line]),
      [
        ['a.inc', 1],
        ['b.inc', 1],
        ['a.inc', 3],
      ],
    );
  });

  it('takes definitions from outside', () => {
    const result = assemble('main.asm', sources({ 'main.asm': 'db N\n%ifdef FLAG\ndb 2\n%endif' }), {
      defines: { N: '0x10', FLAG: '' },
    });
    assert.deepEqual([...result.bytes], [0x10, 2]);
  });

  it('lists each line with its bytes, as nasm -l does', () => {
    const source = '%macro two 0\n  db 1\n  nop\n%endmacro\nx: two\ntimes 3 db 7 ; comment\nresb 4';
    const { listing } = assemble('main.asm', sources({ 'main.asm': source }));
    assert.deepEqual(listing().split('\n'), [
      '     1                                  %macro two 0',
      '     2                                    db 1',
      '     3                                    nop',
      '     4                                  %endmacro',
      '     5                                  x: two',
      '     2 00000000 01                  <1>   db 1',
      '     3 00000001 90                  <1>   nop',
      '     6 00000002 07<rep 3h>              times 3 db 7 ; comment',
      '     7 00000005 <res 4h>                resb 4',
      '',
    ]);
  });
});
