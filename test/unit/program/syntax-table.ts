/** Small sources and their bytes; the oracle tests hold the same rows against real NASM. */

/** Sources of a few lines (`|` ends a line) and the bytes that NASM 2.16 makes of them. */
export const TABLE: Record<string, [source: string, bytes: string][]> = {
  expressions: [
    ['db 2 + 3 * 4, (2 + 3) * 4, 10 - 2 - 3, 7 / 2, -7 // 2, 7 % 3, -7 %% 3', '0e1405' + '03fd01ff'],
    ['dq -7 / 2', 'fcffffffffffff7f'],
    ['db 1 << 3, 0x80 >> 3, 6 & 3, 6|1, 6 ^ 3, ~0 & 0xff, !5, !0', '081002' + '0705ff0001'],
    ['db 1 < 2, 2 <= 1, 3 == 3, 3 != 3, 1 && 0, 1 || 0, 1 ^^ 1, 0 ? 5 : 6', '0100010000010006'],
    ['dq -1 >> 60, -1 >>> 60, 1 << 65', '0f00000000000000' + 'ffffffffffffffff' + '0200000000000000'],
    ["dw 'a', 'ab', 'abc' | dd 'abc' + 1", '6100' + '6162' + '61626300' + '62626300'],
    ['a: db b - a, $ - a, $ - $$ | b:', '030000'],
  ],
  numbers: [
    [
      'db 0x1f, 1fh, 0h1f, $1f, 0b101, 101b, 0y11, 0o17, 17o, 17q, 0d10, 10d, 0t10, 1_0',
      '1f1f1f1f0505030f0f0f0a0a0a0a',
    ],
    [
      'dw 1.0, -2.5 | dd 1.0, 0x1p-1, __Infinity__ | dq 1e-3',
      '003c00c1' + '0000803f0000003f0000807f' + 'fca9f1d24d62503f',
    ],
    ['dt 1.0, 12p', '0000000000000080ff3f' + '12000000000000000000'],
  ],
  strings: [
    ['db "a\\n", `a\\n\\x41\\101\\u20ac\\``', '615c6e' + '610a4141e282ac60'],
    ['dw __utf16__("a€") | dd __utf32be__("a")', '6100ac20' + '00000061'],
  ],
  'data and reservations': [
    [
      'db 3 dup (1, 2 dup (0)), ? | times 2 dw 5 | resb 2 | db 9',
      '010000010000010000' + '00' + '05000500' + '0000' + '09',
    ],
    ['db 1 | align 4, db 0xcc | db 2 | alignb 4 | db 3', '01cccccc' + '02000000' + '03'],
    ['incbin "f.bin" | incbin "f.bin", 2 | incbin "f.bin", 1, 2', '0102030405' + '030405' + '0203'],
  ],
  labels: [
    ['a: | .x: db 1 | b: | .x: db a.x - $$, .x - $$', '010001'],
    ['c equ 5 | db c, d | d equ 6', '0506'],
    ['$eax: dw $eax', '0000'],
    ['absolute 0x40 | v: resb 2 | w: | section .text | db v, w', '4042'],
  ],
  structures: [
    [
      'struc s | .a: resb 1 | .b: resw 1 | endstruc | db s.b, s_size | istruc s | at s.b, dw 7 | iend',
      '0103' + '000700',
    ],
  ],
  'single-line macros': [
    ['%define a b | %define b 1 | db a | %xdefine c b | %define b 2 | db a, c', '010201'],
    ['%define f(x, y) x * y | db f(2, (3 + 1)) | %define f 9 | db f', '0809'],
    ['%define rest(x, y+) y | db rest(1, 2, 3)', '0203'],
    ['%define value(=x) x | db value(2 + 3)', '05'],
    ['%assign n 5 | %assign n n * 2 | db n | %undef n | %ifndef n | db 1 | %endif', '0a01'],
    ['%define ab 7 | db a %+ b | %define i 2 | x%[i]: db x2 - $$', '0701'],
    [
      '%strlen l "four" | %substr s "abcdef" 2, 3 | %strcat j "x", "y" | %deftok t "l" | db l, s, j, t',
      '04' + '626364' + '7879' + '04',
    ],
  ],
  'multi-line macros': [
    ['%macro m 1-3 5, 6 | db %0, %1, %2, %3 | %endmacro | m 1 | m 1, 2', '03010506' + '03010206'],
    ['%macro m 2+ | db %1, %2 | %endmacro | m 1, 2, 3', '010203'],
    ['%macro m 1-* | %rep %0 | db %1 | %rotate 1 | %endrep | %endmacro | m 1, {2, 3}, 4', '01020304'],
    ['%macro m 0 | jmp %%a | %%a: | %endmacro | m | m', 'eb00eb00'],
    ['%macro m 1 | j%-1 $ | %endmacro | m z', '75fe'],
    ['%macro nop 0 | nop | db 1 | %endmacro | l: nop | jmp l', '9001' + 'ebfc'],
    ['%macro m 1 | db 1 | %endmacro | %macro m 2 | m %1 | db 2 | %endmacro | m 0, 0 | %unmacro m 1', '0102'],
    ['%push c | %$l: jmp %$l | %push d | %$l: jmp %$$l | %pop | %pop', 'ebfeebfc'],
  ],
  conditions: [
    ['%if 0 | db 1 | %elif 1 | db 2 | %else | db 3 | %endif', '02'],
    ['%ifdef x | db 1 | %elifndef x | db 2 | %endif', '02'],
    ['%ifidni ABC, abc | db 1 | %endif | %ifnum -5 | db 2 | %endif | %ifstr a | db 3 | %endif', '0102'],
    ['nop | %if $ - $$ == 1 | db 1 | %endif', '9001'],
    ['%rep 5 | %assign i __LINE__ | %if 1 | %exitrep | %endif | %endrep | db i', '02'],
  ],
  sections: [
    ['section .data | a: db 1 | section .text | dw a | section .bss | resb 4', '0400000001'],
    ['section x vstart=0x100 | a: db 1 | section .text | dw a | db section.x.start', '000104' + '0001'],
    ['org 0x7c00 | section .text | dw l | section .data align=16 | l: db 1', '107c' + '00'.repeat(14) + '01'],
  ],
};

/** The lines of a row. */
export const linesOf = (source: string): string => source.replace(/ \| /g, '\n');

/** The file that rows include as binary. */
export const BINARY = Uint8Array.of(1, 2, 3, 4, 5);
