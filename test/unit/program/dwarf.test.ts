/** The encodings of DWARF, byte by byte. */
import * as assert from 'node:assert/strict';
import { runCfa } from '../../../src/program/dwarf/cfa';
import { evaluateExpression, locate, Unavailable, type ExpressionContext } from '../../../src/program/dwarf/expression';
import type { Cie } from '../../../src/program/dwarf/frames';
import { readLineHeader } from '../../../src/program/dwarf/line-header';
import { runLineProgram } from '../../../src/program/dwarf/line-program';
import { joinPath, mapPath } from '../../../src/program/dwarf/paths';
import { DwarfReader, utf8 } from '../../../src/program/dwarf/reader';
import { frameText } from '../../dwarf/text';

const reader = (...bytes: number[]) => new DwarfReader(Uint8Array.from(bytes), '.debug_test');
const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const text = (value: string) => [...Buffer.from(value), 0];

describe('DWARF: numbers and texts', () => {
  it('LEB128 as the standard’s examples have it', () => {
    const unsigned: [number[], number][] = [
      [[2], 2],
      [[127], 127],
      [[0x80, 1], 128],
      [[0x81, 1], 129],
      [[0xb9, 0x64], 12857],
    ];
    for (const [bytes, value] of unsigned) {
      assert.equal(reader(...bytes).uleb(), value);
      assert.equal(reader(...bytes).ulebBig(), BigInt(value));
    }
    const signed: [number[], number][] = [
      [[2], 2],
      [[0x7e], -2],
      [[0xff, 0], 127],
      [[0x81, 0x7f], -127],
      [[0x80, 1], 128],
      [[0x80, 0x7f], -128],
    ];
    for (const [bytes, value] of signed) assert.equal(reader(...bytes).sleb(), value);
    assert.equal(reader(...Array(9).fill(0xff), 0x7f).slebBig(), -1n);
    assert.equal(reader(...Array(9).fill(0xff), 1).ulebBig(), (1n << 64n) - 1n);
    // Padding is legal; a number beyond any file is not.
    assert.equal(reader(0x85, 0x80, 0x80, 0).uleb(), 5);
    assert.throws(
      () => reader(...Array(20).fill(0xff), 1).uleb(),
      /\.debug_test at offset 0x15: a number beyond any file/,
    );
    assert.throws(() => reader(...Array(300).fill(0x80), 0).uleb(), /beyond any file/);
  });

  it('lengths announce 64-bit DWARF', () => {
    assert.deepEqual(reader(...u32(0x10)).initialLength(), { bytes: 0x10, wide: false });
    assert.deepEqual(reader(...u32(0xffffffff), ...u32(0x20), ...u32(0)).initialLength(), { bytes: 0x20, wide: true });
    assert.throws(() => reader(...u32(0xfffffff1)).initialLength(), /reserved length 0xfffffff1/);
    assert.throws(() => reader(...u32(0xffffffff), ...u32(0), ...u32(0x80000000)).initialLength(), /beyond any file/);
  });

  it('fields end with their section', () => {
    assert.throws(() => reader(1, 2, 3).u32(), /ends in the middle of a field/);
    assert.throws(() => reader(0x61).text(), /text without an end/);
    assert.throws(() => new DwarfReader(new Uint8Array(4), '.x', 5), /refers to offset 0x5, outside of it/);
    assert.throws(() => reader(1, 2).part(3), /ends in the middle/);
  });

  it('UTF-8, also where it is damaged', () => {
    for (const sample of ['plain', 'größe', '日本', '😀.c']) assert.equal(utf8(Buffer.from(sample)), sample);
    for (const damaged of [[0xff], [0xc3], [0xe2, 0x82], [0x80], [0xf8, 0x88], [0xf7, 0xbf, 0xbf, 0xbf], [0xc0, 0x80]])
      assert.match(utf8(Uint8Array.from(damaged)), /^\ufffd+$/);
  });
});

describe('DWARF: expressions', () => {
  const context: ExpressionContext = {
    addressSize: 8,
    wide: false,
    version: 5,
    displacement: 0x10n,
    register: number => (number < 8 ? BigInt(number * 0x100) : undefined),
    memory: (address, bytes) =>
      address === 0x708n ? 0x1122334455667788n & ((1n << BigInt(8 * bytes)) - 1n) : undefined,
    cfa: () => 0x7000n,
    frameBase: () => 0x8000n,
    indexed: index => BigInt(index) * 0x1000n,
    baseType: () => ({ bits: 8, signed: true }),
    caller: () => ({ ...context, register: () => 0x77n }),
  };
  const value = (...bytes: number[]) => evaluateExpression(Uint8Array.from(bytes), context);
  const place = (...bytes: number[]) => locate(Uint8Array.from(bytes), context);

  // prettier-ignore
  const TABLE: [name: string, bytes: number[], value: bigint][] = [
    ['lit5 lit3 minus', [0x35, 0x33, 0x1c], 2n],
    ['addr is displaced', [0x03, 1, 0, 0, 0, 0, 0, 0, 0], 0x11n],
    ['const1s -1 const2u', [0x09, 0xff, 0x0a, 2, 0, 0x22], 1n],
    ['const4s const8u', [0x0d, 0xfe, 0xff, 0xff, 0xff, 0x0e, 5, 0, 0, 0, 0, 0, 0, 0, 0x22], 3n],
    ['constu consts', [0x10, 0x80, 1, 0x11, 0x7f, 0x22], 127n],
    ['dup over pick swap rot drop', [0x31, 0x32, 0x33, 0x17, 0x16, 0x14, 0x15, 2, 0x12, 0x13, 0x22], 4n],
    ['breg7+8 deref', [0x77, 8, 0x06], 0x1122334455667788n],
    ['deref_size 2', [0x77, 8, 0x94, 2], 0x7788n],
    ['bregx fbreg', [0x92, 1, 2, 0x91, 0x7e, 0x22], 0x102n + 0x7ffen],
    ['call_frame_cfa plus_uconst', [0x9c, 0x23, 0x10], 0x7010n],
    ['abs neg not', [0x09, 0xfb, 0x19, 0x1f, 0x20], 4n],
    ['signed division', [0x09, 0xf9, 0x32, 0x1b], BigInt.asUintN(64, -3n)],
    ['modulo, and, or, xor, multiply', [0x37, 0x34, 0x1d, 0x36, 0x1a, 0x38, 0x21, 0x31, 0x27, 0x32, 0x1e], 22n],
    ['shifts', [0x09, 0xf0, 0x32, 0x26, 0x31, 0x24, 0x08, 60, 0x25], 0xfn],
    ['a shift by everything', [0x35, 0x10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x24], 0n],
    ['signed comparison', [0x09, 0xff, 0x31, 0x2d], 1n],
    ['bra over', [0x31, 0x28, 1, 0, 0x3f, 0x34], 4n],
    ['skip', [0x33, 0x2f, 1, 0, 0x3f, 0x96], 3n],
    ['entry_value of a register', [0xa3, 1, 0x55, 0x9f], 0x77n],
    ['const_type convert', [0xa4, 1, 1, 0xff, 0xa8, 0], BigInt.asUintN(64, -1n)],
    ['addrx constx', [0xa1, 2, 0xa2, 1, 0x1c], 0x1010n],
  ];
  for (const [name, bytes, expected] of TABLE) it(name, () => assert.equal(value(...bytes), expected));

  it('locations', () => {
    assert.deepEqual(place(0x76, 4), { kind: 'memory', address: 0x604n });
    assert.deepEqual(place(0x53), { kind: 'register', register: 3 });
    assert.deepEqual(place(0x90, 20), { kind: 'register', register: 20 });
    assert.deepEqual(place(0x35, 0x9f), { kind: 'value', value: 5n });
    assert.deepEqual(place(0x9e, 2, 7, 8), { kind: 'bytes', data: Uint8Array.of(7, 8) });
    assert.equal(place(), undefined, 'optimised away');
    const pieces = place(0x50, 0x93, 4, 0x93, 2, 0x9c, 0x93, 2);
    assert.deepEqual(pieces, {
      kind: 'pieces',
      pieces: [
        { location: { kind: 'register', register: 0 }, bits: 32, offset: 0 },
        { location: undefined, bits: 16, offset: 0 },
        { location: { kind: 'memory', address: 0x7000n }, bits: 16, offset: 0 },
      ],
    });
  });

  it('end with one message when they are wrong, or need what is gone', () => {
    assert.throws(() => value(0x2f, 0xfd, 0xff), /does not come to an end/);
    assert.throws(() => value(0x31, 0x2f, 0xfc, 0xff), /does not come to an end|grows without bounds/);
    assert.throws(() => value(0x22), /takes more from the stack/);
    assert.throws(() => value(0x31, 0x30, 0x1b), /divides by zero/);
    assert.throws(() => value(0x2f, 0xff, 0x7f), /jumps out of itself/);
    assert.throws(() => value(0x02), /unknown operation 0x2/);
    assert.throws(() => value(0x78, 0), Unavailable);
    assert.throws(() => value(0x31, 0x06), Unavailable);
    assert.throws(() => value(0xa0, 0, 0, 0, 0, 0), Unavailable);
  });
});

describe('DWARF: call-frame instructions', () => {
  const cie = (...bytes: number[]): Cie => ({
    codeAlignment: 1,
    dataAlignment: -8,
    returnColumn: 16,
    addressSize: 8,
    encoding: 0,
    augmented: false,
    signal: false,
    instructions: reader(...bytes),
  });
  // The usual start: CFA = rsp + 8, return address at CFA - 8.
  const start = [0x0c, 7, 8, 0x90, 1];
  const at = (offset: bigint, ...bytes: number[]) =>
    frameText(runCfa(cie(...start), reader(...bytes), 0x1000n, 0x1000n + offset, 0n));

  it('follow the code of a function', () => {
    const usual = [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x20, 0x0c, 7, 8];
    assert.equal(at(0n, ...usual), 'rsp+8 ra=c-8');
    assert.equal(at(1n, ...usual), 'rsp+16 ra=c-8 rbp=c-16');
    assert.equal(at(4n, ...usual), 'rbp+16 ra=c-8 rbp=c-16');
    assert.equal(at(0x24n, ...usual), 'rsp+8 ra=c-8 rbp=c-16');
  });

  // prettier-ignore
  const TABLE: [name: string, bytes: number[], text: string][] = [
    ['restore', [0x86, 2, 0xc6], 'rsp+8 ra=c-8'],
    ['restore_extended to what the common entry says', [0x05, 16, 4, 0x06, 16], 'rsp+8 ra=c-8'],
    ['undefined and same_value', [0x07, 16, 0x08, 3], 'rsp+8 rbx=s'],
    ['register', [0x09, 6, 12], 'rsp+8 ra=c-8 rbp=r12'],
    ['remember and restore the state', [0x0a, 0x0e, 32, 0x86, 2, 0x0b], 'rsp+8 ra=c-8'],
    ['def_cfa_expression, expression, val_expression', [0x0f, 1, 0x30, 0x10, 3, 1, 0x30, 0x16, 6, 1, 0x30], 'exp ra=c-8 rbp=vexp rbx=exp'],
    ['signed factors', [0x12, 6, 0x7e, 0x13, 0x7d, 0x11, 3, 0x7f], 'rbp+24 ra=c-8 rbx=c+8'],
    ['val_offset', [0x14, 7, 0, 0x15, 6, 0x7f], 'rsp+8 ra=c-8 rbp=v+8 rsp=v+0'],
    ['GNU_args_size, GNU_negative_offset_extended', [0x2e, 16, 0x2f, 3, 2], 'rsp+8 ra=c-8 rbx=c+16'],
  ];
  for (const [name, bytes, expected] of TABLE) it(name, () => assert.equal(at(0n, ...bytes), expected));

  it('refuse damage', () => {
    assert.throws(() => at(0n, 0x0b), /no state was remembered/);
    assert.throws(() => at(0n, 0x3f), /unknown call-frame instruction 0x3f/);
    assert.throws(() => at(0n, 0x07, 0xff, 0x7f), /column 16383/);
    assert.throws(() => at(0n, ...Array(100).fill(0x0a)), /too many remembered states/);
  });
});

describe('DWARF: line programs', () => {
  /** A version 2 table with one directory and two files around a program. */
  function table(...program: number[]): Uint8Array {
    const operands = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    const files = [...text('dir'), 0, ...text('a.c'), 0, 0, 0, ...text('b.c'), 1, 0, 0, 0];
    const header = [1, 1, 0xfb, 14, 13, ...operands, ...files];
    const body = [2, 0, ...u32(header.length), ...header, ...program];
    return Uint8Array.from([...u32(body.length), ...body]);
  }
  function rows(...program: number[]): string[] {
    const section = table(...program);
    const sections = { get: () => section, address: () => 0n, addressSize: 8 as const, loaded: () => true };
    const header = readLineHeader(sections, 0, () => {});
    const found: string[] = [];
    runLineProgram(section, header, sequence => {
      for (const { address, file, line, column, statement } of sequence.rows)
        found.push(`${address.toString(16)} ${header.files[file]?.name}:${line}:${column}${statement ? '' : ' -'}`);
      found.push(`${sequence.end.toString(16)} end`);
    });
    return found;
  }
  const set = (address: number) => [0, 9, 2, ...u32(address), 0, 0, 0, 0];
  const end = [0, 1, 1];

  it('every opcode', () => {
    assert.deepEqual(
      rows(...set(0x1000), 1, 3, 4, 2, 0x10, 5, 7, 1, 4, 2, 6, 1, 8, 7, 10, 11, 12, 1, 9, 4, 1, 1, 0x4b, 2, 1, ...end),
      [
        '1000 a.c:1:0',
        '1010 a.c:5:7',
        '1010 b.c:5:7 -',
        `${(0x1010 + 17 + 0x104).toString(16)} b.c:5:7 -`,
        `${(0x1010 + 17 + 0x104 + 4).toString(16)} b.c:6:7 -`,
        `${(0x1010 + 17 + 0x104 + 5).toString(16)} end`,
      ],
    );
  });

  it('sequences start anew, unknown opcodes are passed over, a narrow address is as wide as it is', () => {
    assert.deepEqual(rows(...set(0x10), 3, 9, 1, ...end, 0, 5, 2, ...u32(0x20), 1, 0, 3, 0x80, 1, 2, ...end), [
      '10 a.c:10:0',
      '10 end',
      '20 a.c:1:0',
      '20 end',
    ]);
  });

  it('damage is named with its place', () => {
    assert.throws(() => rows(...set(0), 0, 200), /\.debug_line at offset 0x[0-9a-f]+: it ends in the middle/);
    assert.throws(() => rows(2, ...Array(9).fill(0xff), 1), /beyond any file/);
  });
});

describe('DWARF: paths', () => {
  it('are joined as the build meant them', () => {
    assert.equal(joinPath('/build/kernel', '../lib/./a.c'), '/build/lib/a.c');
    assert.equal(joinPath('/build', '/usr/a.c'), '/usr/a.c');
    assert.equal(joinPath('C:\\build', 'src\\a.c'), 'C:\\build/src\\a.c');
    assert.equal(joinPath('/b', 'C:\\x\\..\\a.c'), 'C:\\a.c');
    assert.equal(joinPath('', '../a.c'), '../a.c');
    assert.equal(joinPath('/', '../../a.c'), '/a.c');
  });

  it('are mapped by the longest folder', () => {
    const map = { '/build': '/home/me', '/build/kernel/': '/work/kernel', 'C:\\src': '/src', '.': '/here' };
    assert.equal(mapPath('/build/a.c', map), '/home/me/a.c');
    assert.equal(mapPath('/build/kernel/x/a.c', map), '/work/kernel/x/a.c');
    assert.equal(mapPath('/builder/a.c', map), '/builder/a.c');
    assert.equal(mapPath('C:\\src\\a.c', map), '/src/a.c');
    assert.equal(mapPath('./a.c', map), '/here/a.c');
    assert.equal(mapPath('/build', map), '/home/me');
  });
});
