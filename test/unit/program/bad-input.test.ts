import { strict as assert } from 'node:assert';
import { assemble } from '../../../src/program/nasm/assemble';
import type { Diagnostic } from '../../../src/program/program';
import { sources } from './sources';

function diagnostics(source: string, more: Record<string, string> = {}): Diagnostic[] {
  return assemble('main.asm', sources({ 'main.asm': source, ...more })).diagnostics;
}

/** Each source has exactly one error, there, with this message. */
const TABLE: [name: string, source: string, line: number, column: number, message: RegExp | string][] = [
  ['unknown mnemonic', 'nop\n  movv eax, ebx', 2, 3, 'unknown instruction "movv": did you mean "mov"?'],
  ['unknown mnemonic behind a label', 'x: vmlunch', 1, 4, 'unknown instruction "vmlunch": did you mean "vmlaunch"?'],
  ['nothing near', 'qqqqqqqq eax', 1, 1, 'unknown instruction "qqqqqqqq"'],
  [
    'label that is not defined',
    'counter: db 1\nmov al, [countr]',
    2,
    10,
    '"countr" is not defined: did you mean "counter"?',
  ],
  ['local label of another parent', 'a:\n.x: nop\nb: jmp .x', 3, 8, '"b.x" is not defined: did you mean "a.x"?'],
  ['label defined twice', 'a: nop\na: nop', 2, 1, '"a" is already defined in line 1'],
  ['division by zero', 'db 10 / (3 - 3)', 1, 7, 'division by zero: the right side of "/" is 0'],
  ['modulo zero in a condition', '%if 5 % 0\n%endif', 1, 7, /division by zero/],
  ['division by a label difference of zero', 'a:\nb: db 1 / (b - a)', 2, 9, /division by zero/],
  [
    'missing include file',
    '%include "gone.inc"',
    1,
    10,
    'cannot read the include file "gone.inc" (looked for gone.inc)',
  ],
  ['missing incbin file', 'incbin "gone.bin"', 1, 1, 'cannot read the file "gone.bin" (looked for gone.bin)'],
  ['unclosed string', 'db "abc', 1, 4, 'a string is not closed on its line'],
  ['operands of different sizes', 'mov eax, bx', 1, 5, /different sizes \(32 and 16 bits\)/],
  [
    'size of a memory operand',
    'bits 64\nmov [rax], 1',
    2,
    5,
    /not clear: write byte, word, dword or qword before "\["/,
  ],
  ['64-bit register in 32-bit code', 'bits 32\nmov rax, 1', 2, 5, '64-bit registers need "bits 64"; this is "bits 32"'],
  ['number of operands', 'lgdt [eax], 5', 1, 6, '"lgdt" takes 1 operand, not 2'],
  ['instruction of another mode', 'bits 64\npusha', 2, 1, '"pusha" does not exist in 64-bit mode'],
  ['short jump too far', 'jmp short x\ntimes 200 nop\nx:', 1, 5, /the target is 200 bytes away; a short jump reaches/],
  [
    'boot sector too long',
    'times 600 nop\ntimes 510-($-$$) db 0',
    2,
    7,
    /negative count \(-90\): .* 90 bytes too long/,
  ],
  ['bad address', 'bits 64\nmov eax, [rax+rbx+rcx]', 2, 10, 'an address can have at most a base and an index register'],
  ['16-bit address', 'mov ax, [ax]', 1, 9, 'a 16-bit address is made of BX or BP, SI or DI, and a number'],
  ['scale', 'bits 64\nmov eax, [rbx*7]', 2, 10, /scaled only by 1, 2, 4 or 8, not by 7/],
  ['MASM syntax', 'mov eax, dword ptr [bx]', 1, 16, '"ptr" is MASM syntax; NASM writes "dword [address]"'],
  ['segment outside of the brackets', 'mov ax, es:[bx]', 1, 9, 'NASM writes the segment inside the brackets: [es:...]'],
  ['register in a number', 'mov eax, ebx+1', 1, 10, /"ebx" cannot be part of a number/],
  ['sum of labels', 'a: dw a + a', 1, 7, /a data element must be a number/],
  ['product of labels', 'a: db a * 2 * a', 1, 13, /needs plain numbers/],
  ['needs a linker', 'extern printf\ncall printf', 2, 6, /is extern, but a flat binary is not linked/],
  ['alignment', 'align 12', 1, 1, 'an alignment must be a power of two, not 12'],
  ['two origins', 'org 0x100\norg 0x200', 2, 1, 'a second "org": the first is in line 1'],
  ['bits', 'bits 8', 1, 1, '"bits" must be 16, 32 or 64, not 8'],
  ['structure without end', 'struc a\n.x: resb 1', 2, 1, 'struc a is never closed with endstruc'],
  ['content in a structure', 'struc a\ndb 1\nendstruc', 2, 1, /only reservations/],
  ['macro with too few parameters', '%macro two 2\n%endmacro\ntwo 1', 3, 1, 'macro "two" takes 2 parameters'],
  ['unclosed macro', 'nop\n%macro open 0\nnop', 2, 1, '%macro open is never closed with %endmacro'],
  ['unclosed repetition', '%rep 2\nnop', 1, 1, '%rep is never closed with %endrep'],
  ['unclosed condition', '%if 1\nnop', 2, 1, 'an %if is not closed with %endif before this ends'],
  ['%else without %if', 'nop\n%else', 2, 1, '%else without an %if before it'],
  [
    'unknown preprocessor directive',
    '%defien x 1',
    1,
    1,
    'unknown preprocessor directive "%defien": did you mean "%define"?',
  ],
  ['message of the source', '%error too old', 1, 1, 'too old'],
  ['condition over a label that follows', '%if later\n%endif\nlater: nop', 1, 5, /known above this line/],
  ['size that depends on itself', 'times 10 - (x - $$) nop\nx:', 1, 1, /do not settle/],
  ['endless macro', '%rmacro a 0\na\n%endmacro\na', 4, 1, /deep: does "a" call itself\?/],
  ['endless repetition', '%rep 1 << 40\nnop\n%endrep', 1, 6, /is too much/],
];

describe('assembler: bad input', () => {
  for (const [name, source, line, column, message] of TABLE)
    it(name, () => {
      const errors = diagnostics(source).filter(d => d.severity === 'error');
      assert.equal(errors.length, 1, JSON.stringify(errors));
      const [error] = errors;
      assert.deepEqual([error.file, error.line, error.column], ['main.asm', line, column], error.message);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
    });

  it('an include loop is told with its chain, also when it is indirect', () => {
    const files = { 'a.inc': '%include "b.inc"', 'b.inc': 'nop\n%include "a.inc"' };
    const errors = diagnostics('%include "a.inc"', files);
    assert.deepEqual(
      errors.map(e => [e.file, e.line, e.message]),
      [['b.inc', 2, '%include loop: a.inc includes b.inc includes a.inc; guard the file with %ifndef']],
    );
  });

  it('a guarded file may include itself', () => {
    const guarded = '%ifndef A_INC\n%define A_INC\n%include "a.inc"\ndb 1\n%endif';
    assert.deepEqual(diagnostics('%include "a.inc"', { 'a.inc': guarded }), []);
  });

  it('an error in an included file names that file', () => {
    const [error] = diagnostics('%include "a.inc"', { 'a.inc': 'nop\nbad eax' });
    assert.deepEqual([error.file, error.line, error.column], ['a.inc', 2, 1]);
  });

  it('an error in a macro stands at the call and names the line in the body', () => {
    const [error] = diagnostics('%macro m 1\n  nop\n  mov %1, xyz\n%endmacro\nnop\n  m eax');
    assert.deepEqual([error.line, error.column, error.endColumn], [6, 3, 4]);
    assert.equal(error.message, '"xyz" is not defined (in m, line 3)');
  });

  it('all errors are told, not only the first, and a wrong line does not make its label unknown', () => {
    const errors = diagnostics('a: movv eax, 1\njmp a\ndb 1 +\nmov eax, undefined_\npop 5');
    assert.deepEqual(
      errors.map(e => e.line),
      [1, 3, 4, 5],
    );
  });

  it('warns of a lone word, of numbers that are too large and of content that is dropped', () => {
    const warnings = diagnostics('bits 64\nhltt\nmov al, 300\nadd rax, 0xffffffff\ndw 70000\nsection .bss\ndb 1');
    assert.deepEqual(
      warnings.map(w => [w.line, w.severity, w.message]),
      [
        [2, 'warning', '"hltt" alone on a line is a label; write a colon behind it, or did you mean "hlt"?'],
        [3, 'warning', '300 does not fit in 8 bits: its upper bits are dropped'],
        [4, 'warning', '4294967295 becomes -1: the instruction holds 8 bits and extends their sign'],
        [5, 'warning', '70000 does not fit in 2 bytes: its upper bits are dropped'],
        [7, 'warning', 'section .bss has no bits: this content is dropped'],
      ],
    );
  });

  it('stops after 200 errors', () => {
    assert.equal(diagnostics('bad eax\n'.repeat(1000)).length, 200);
  });

  it('a file that does not exist is one error', () => {
    const { diagnostics: errors, ok } = assemble('gone.asm', sources({}));
    assert.equal(ok, false);
    assert.deepEqual(
      errors.map(e => e.message),
      ['cannot read "gone.asm": there is no such file'],
    );
  });

  it('never throws, whatever the text', () => {
    // Pieces of syntax in every order: what matters is that each ends in diagnostics or bytes.
    const pieces = [
      '%macro m 1',
      '%endmacro',
      '%rep 2',
      '%[',
      '%{1',
      '(',
      ']',
      '"',
      '`\\',
      'db',
      'times',
      'm',
      '[',
      ',',
      ':',
      '$',
      '?',
      '%if',
      '%endif',
      'struc s',
      'at',
      '1e',
      '{k1}',
    ];
    let state = 1;
    const next = (below: number) => (state = (state * 48271) % 0x7fffffff) % below;
    for (let run = 0; run < 2000; run++) {
      const source = Array.from({ length: 1 + next(8) }, () =>
        Array.from({ length: next(5) }, () => pieces[next(pieces.length)]).join(' '),
      );
      const result = assemble('main.asm', sources({ 'main.asm': source.join('\n') }));
      for (const { line, column, message } of result.diagnostics)
        assert.ok(line >= 1 && column >= 1 && message !== '', source.join('\n'));
    }
  });
});
