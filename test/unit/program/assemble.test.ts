import { strict as assert } from 'node:assert';
import { assemble, type AssemblyResult } from '../../../src/program/nasm/assemble';
import { sources } from './sources';

function assembled(source: string, more: Record<string, string | Uint8Array> = {}): AssemblyResult {
  return assemble('main.asm', sources({ 'main.asm': source, ...more }));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function bytesOf(source: string): string {
  const result = assembled(source);
  assert.deepEqual(result.diagnostics, []);
  return hex(result.bytes);
}

describe('assembler: bytes', () => {
  // Each row as `nasm -f bin` 2.16 makes it.
  const table: [source: string, bytes: string][] = [
    ['bits 64\nmov rax, 1', 'b801000000'],
    ['bits 64\nmov rax, -1', '48c7c0ffffffff'],
    ['bits 64\nl: mov rax, l', '48b80000000000000000'],
    ['bits 64\nmov ax, [ecx]', '66678b01'],
    ['bits 64\nlock add word [fs:ecx+4], 5', 'f064666783410405'],
    ['bits 64\nxchg eax, eax', '87c0'],
    ['bits 64\nxchg rax, rbx', '4893'],
    ['bits 64\nmov ds, ax', '8ed8'],
    ['bits 64\njmp far [rax]', '48ff28'],
    ['bits 64\no64 sysret', '480f07'],
    ['bits 64\nand eax, 0xffffffff', '83e0ff'],
    ['bits 64\nvmwrite rdx, rax', '0f79d0'],
    ['bits 16\njmp dword 8:0x1234', '66ea341200000800'],
    ['bits 32\ndefault rel\nmov eax, [rax_ - 4]\nrax_:', 'a101000000'],
    ['jmp l\ntimes 126 nop\nl:', 'eb7e' + '90'.repeat(126)],
    ['jmp l\ntimes 128 nop\nl:', 'e98000' + '90'.repeat(128)],
    ['db "ab", 0, `\\n`, 0x1F, 1Fh, 0b11, 17q', '6162000a1f1f030f'],
    ['dd 1.5\ndq -0.1\ndt 1.0', '0000c03f' + '9a9999999999b9bf' + '0000000000000080ff3f'],
  ];
  for (const [source, bytes] of table)
    it(source.replace(/\n/g, ' / '), () => {
      assert.equal(bytesOf(source), bytes);
    });
});

describe('assembler: labels and lines', () => {
  const source = [
    'org 0x7c00',
    'bits 16',
    '%macro twice 1',
    '  %1',
    '  %1',
    '%endmacro',
    'start: mov ax, .end - start',
    '  twice nop',
    '.end: hlt',
    'table: dw start, .x',
    '.x: db 1',
    'SIZE equ $ - table',
  ].join('\n');

  it('names local labels after their parent and tells code from data and constants', () => {
    const { symbols } = assembled(source);
    assert.deepEqual(
      symbols.map(s => [s.name, Number(s.address), s.kind, s.bytes]),
      [
        ['start', 0x7c00, 'code', 6],
        ['start.end', 0x7c05, 'code', 1],
        ['table', 0x7c06, 'data', 5],
        ['table.x', 0x7c0a, 'data', 1],
        ['SIZE', 5, 'constant', 0],
      ],
    );
  });

  it('gives the line of the call for bytes that a macro made, and remembers the line in its body', () => {
    const { lines } = assembled(source);
    assert.deepEqual(
      lines.map(row => [Number(row.address), row.bytes, row.line, row.inner?.line, row.code]),
      [
        [0x7c00, 3, 7, undefined, true],
        [0x7c03, 1, 8, 4, true],
        [0x7c04, 1, 8, 5, true],
        [0x7c05, 1, 9, undefined, true],
        [0x7c06, 4, 10, undefined, false],
        [0x7c0a, 1, 11, undefined, false],
      ],
    );
  });
});
