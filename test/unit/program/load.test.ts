import { strict as assert } from 'node:assert';
import { loadProgram, type LoadOptions } from '../../../src/program/load';
import type { Program } from '../../../src/program/program';
import { buildElf } from './elf';
import { sources } from './sources';

function loaded(path: string, content: string | Uint8Array, options?: LoadOptions): Program {
  const result = loadProgram(path, sources({ [path]: content }), options);
  if (!result.ok) assert.fail(result.errors.map(e => e.message).join('\n'));
  return result.program;
}

function refused(path: string, content: string | Uint8Array, options?: LoadOptions): string {
  const result = loadProgram(path, sources({ [path]: content }), options);
  assert.ok(!result.ok, 'expected an error');
  assert.equal(result.errors.length, 1, JSON.stringify(result.errors));
  return result.errors[0].message;
}

/** Format, start, entry and the segments as [address, bytes in the file, bytes in memory]. */
const shape = ({ format, start, entry, segments }: Program) => ({
  format,
  start,
  entry,
  segments: segments.map(s => [s.address, s.data.length, s.memoryBytes]),
});

/** A multiboot header as 32-bit words. */
function header(flags: number, ...addresses: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from([0x1badb002, flags, -(0x1badb002 + flags), ...addresses]).buffer);
}

const concat = (...parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap(part => [...part]));

describe('loading: assembly source', () => {
  it('64-bit code without org starts in long mode at 1 MiB', () => {
    assert.deepEqual(shape(loaded('a.asm', 'bits 64\nmov rax, [x]\nhlt\nx: dq 1\nsection .bss\nresb 100')), {
      format: 'asm',
      start: 'long',
      entry: 0x100000,
      segments: [[0x100000, 17, 120]],
    });
  });

  it('labels of a source without org have the address it is loaded at', () => {
    const { symbols, segments } = loaded('a.asm', 'bits 64\nnop\nl: dq l', { loadAddress: 0x200000 });
    assert.equal(symbols[0].address, 0x200001n);
    assert.deepEqual([...segments[0].data.subarray(1, 5)], [1, 0, 0x20, 0]);
  });

  it('org is the load address, and a label "start" the entry', () => {
    const program = loaded('a.asm', 'org 0x5000\nbits 64\ndq 1\nstart: hlt');
    assert.equal(program.entry, 0x5008);
    assert.equal(program.segments[0].address, 0x5000);
  });

  it('a section may run elsewhere than it is loaded', () => {
    const program = loaded('a.asm', 'bits 64\nsection .text start=0x200000 vstart=0xffffffff80000000\nf: jmp f');
    assert.equal(program.segments[0].address, 0x200000);
    assert.deepEqual(
      [program.symbols[0].address, program.lines[0].address],
      [0xffffffff80000000n, 0xffffffff80000000n],
    );
  });

  it('the mode of the first instruction decides the start', () => {
    assert.equal(loaded('a.asm', 'bits 32\nhlt').start, 'protected');
    assert.deepEqual(shape(loaded('a.asm', 'hlt')), {
      format: 'asm',
      start: 'real',
      entry: 0x7c00,
      segments: [[0x7c00, 1, 1]],
    });
  });

  it('start and entry of the options win', () => {
    const program = loaded('a.asm', 'bits 64\nnop\nhere: hlt', { start: 'protected', entry: 'here' });
    assert.deepEqual([program.start, program.entry], ['protected', 0x100001]);
  });

  it('512 bytes at 0x7c00 with the signature are a boot sector', () => {
    const program = loaded('a.asm', 'org 0x7c00\nhlt\ntimes 510-($-$$) db 0\ndw 0xaa55');
    assert.deepEqual(shape(program), {
      format: 'asm',
      start: 'boot-sector',
      entry: 0x7c00,
      segments: [[0x7c00, 512, 512]],
    });
  });

  it('a multiboot header with addresses places the program', () => {
    const program = loaded(
      'a.asm',
      `org 0x200000
       bits 32
       db 1, 2, 3, 4
       head: dd 0x1BADB002, 0x10003, -(0x1BADB002 + 0x10003), head, head, 0, end, entry
       entry: hlt
       section .bss
       resb 0x1000
       end:`,
    );
    assert.deepEqual(shape(program), {
      format: 'asm',
      start: 'multiboot',
      entry: 0x200024,
      // .bss starts at the next multiple of 4: 0x200028.
      segments: [[0x200004, 33, 0x1024]],
    });
    assert.equal(program.symbols.find(s => s.name === 'entry')!.address, 0x200024n);
  });

  it('errors are those of the assembler', () => {
    assert.match(refused('a.asm', 'bits 64\nmovv eax, 1'), /unknown instruction "movv": did you mean "mov"\?/);
    assert.match(refused('a.asm', '; nothing'), /makes no code/);
    assert.match(
      refused('a.asm', 'org 0xffffffff80000000\nbits 64\nhlt'),
      /org 0xffffffff80000000 lies beyond any memory/,
    );
    assert.match(refused('a.asm', 'bits 64\nhlt', { entry: 'begin' }), /entry "begin" is not a symbol/);
  });
});

describe('loading: multiboot images', () => {
  const code = [0xf4];

  it('address fields load a flat file', () => {
    const file = concat([0, 0, 0, 0], header(0x10000, 0x100004, 0x100000, 0, 0x101000, 0x100024), code);
    assert.deepEqual(shape(loaded('kernel', file)), {
      format: 'multiboot1',
      start: 'multiboot',
      entry: 0x100024,
      segments: [[0x100000, 37, 0x1000]],
    });
  });

  it('ELF32 and ELF64 images load by their segments, at physical addresses', () => {
    for (const elfClass of [32, 64] as const) {
      const file = buildElf(elfClass, {
        entry: 0xc010000c,
        segments: [{ virtual: 0xc0100000, physical: 0x100000, data: concat(header(3), code), memoryBytes: 0x2000 }],
        symbols: [
          { name: 'entry', address: 0xc010000c, bytes: 1, type: 2 },
          { name: 'table', address: 0xc0100000, bytes: 12, type: 1 },
        ],
      });
      const program = loaded('kernel', file);
      assert.deepEqual(shape(program), {
        format: 'multiboot1',
        start: 'multiboot',
        entry: 0x10000c,
        segments: [[0x100000, 13, 0x2000]],
      });
      assert.deepEqual(
        program.symbols.map(s => [s.name, s.address, s.bytes, s.kind]),
        [
          ['table', 0xc0100000n, 12, 'data'],
          ['entry', 0xc010000cn, 1, 'code'],
        ],
      );
    }
  });

  it('damaged headers are explained', () => {
    assert.match(refused('k', header(0x10003, 0x100000)), /truncated: flag bit 16 .*32 bytes.* ends after 16/);
    assert.match(refused('k', header(3).subarray(0, 8)), /truncated: the file ends 8 bytes into it/);
    const wrong = header(3);
    wrong[8] ^= 1;
    assert.match(refused('k', wrong), /checksum .* must be 0xe4524ffb/);
    assert.match(refused('k', header(3)), /no address fields: set flag bit 16/);
    assert.match(refused('k', header(8)), /flags 0x8/);
    assert.match(
      refused('k', header(0x10000, 0x100000, 0x100000, 0x100100, 0, 0x100020)),
      /loads up to 0x100100, but the file ends 224 bytes before/,
    );
    assert.match(refused('k', header(0x10000, 0x100000, 0x200000, 0, 0, 0x100020)), /lies at 0x100000/);
  });

  it('another start ignores the header', () => {
    assert.equal(loaded('k', concat(header(3), code), { start: 'long' }).format, 'flat');
  });
});

describe('loading: ELF executables', () => {
  const one = { virtual: 0x400000, physical: 0x400000, data: Uint8Array.of(0xf4), memoryBytes: 1 };

  it('without a multiboot header start in the mode of their class', () => {
    const elf64 = loaded('e', buildElf(64, { entry: 0x400000, segments: [one] }));
    assert.deepEqual([elf64.format, elf64.start, elf64.entry], ['elf64', 'long', 0x400000]);
    const elf32 = loaded('e', buildElf(32, { entry: 0x400000, segments: [one] }));
    assert.deepEqual([elf32.format, elf32.start], ['elf32', 'protected']);
  });

  it('damaged and unsuitable files are explained', () => {
    const good = buildElf(64, { entry: 0x400000, segments: [one] });
    assert.match(refused('e', good.subarray(0, 40)), /truncated: the ELF header/);
    assert.match(refused('e', good.subarray(0, 70)), /truncated: the program header table/);
    assert.match(refused('e', buildElf(64, { entry: 0, segments: [one], type: 1 })), /object file: link it/);
    assert.match(refused('e', buildElf(64, { entry: 0, segments: [one], machine: 183 })), /another processor/);
    assert.match(refused('e', buildElf(64, { entry: 0, segments: [] })), /nothing to load/);
  });
});

describe('loading: flat files', () => {
  it('are loaded at 1 MiB or where the options say', () => {
    assert.deepEqual(shape(loaded('f.bin', Uint8Array.of(0xf4))), {
      format: 'flat',
      start: 'long',
      entry: 0x100000,
      segments: [[0x100000, 1, 1]],
    });
    assert.equal(loaded('f.bin', Uint8Array.of(0xf4), { loadAddress: 0x8000 }).entry, 0x8000);
  });

  it('512 bytes with the signature are a boot sector', () => {
    const sector = new Uint8Array(512);
    sector.set([0x55, 0xaa], 510);
    assert.equal(loaded('f.img', sector).format, 'boot-sector');
    assert.match(refused('f.img', sector.subarray(1), { start: 'boot-sector' }), /no boot sector/);
  });

  it('missing, empty and too large files are explained', () => {
    const nothing = loadProgram('gone.bin', sources({}));
    assert.ok(!nothing.ok);
    assert.match(nothing.errors[0].message, /cannot read "gone.bin"/);
    assert.match(refused('f.bin', new Uint8Array(0)), /is empty/);
    assert.match(
      refused('f.bin', new Uint8Array(16), { loadAddress: 0x3ffff8, memoryBytes: 4 << 20 }),
      /does not fit: it needs memory up to 0x400008, the machine has 4 MiB/,
    );
    assert.match(refused('f.bin', new Uint8Array(16), { start: 'real', loadAddress: 0x100000 }), /below 1 MiB/);
  });
});
