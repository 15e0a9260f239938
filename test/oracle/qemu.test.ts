/**
 * QEMU is the oracle for whole programs that other tools made: multiboot images of real nasm, and a 64-bit kernel in C that
 * gcc builds here. What they print on COM1 and the exit status must be the same, byte for byte.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runHere, runInQemu, type Boot } from './qemu/qemu';
import { build } from './tool';

const MULTIBOOT = path.resolve('test/oracle/multiboot/image.asm');
const KERNEL = path.resolve('test/oracle/kernel');
/** `v` written to the debug-exit port is exit status `v << 1 | 1`. */
const status = (value: number): number => (value << 1) | 1;

describe('programs of other tools against QEMU', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ringscope-qemu-'));
    writeFileSync(path.join(folder, 'module.txt'), 'a module\nof two lines\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** `must`: what the output shows at least, so that two equal failures do not pass. */
  function same(boot: Omit<Boot, 'cwd'>, expected: number, must: RegExp): void {
    const there = runInQemu({ ...boot, cwd: folder });
    assert.equal(there.status, expected, `QEMU: ${there.stderr}\n${there.stdout}`);
    assert.match(there.stdout, must);
    const here = runHere({ ...boot, cwd: folder });
    assert.equal(here.stdout, there.stdout, here.stderr);
    assert.equal(here.status, there.status, here.stderr);
  }

  it('nasm -f bin: a multiboot header with addresses', () => {
    build('nasm', ['-f', 'bin', '-o', 'image.bin', MULTIBOOT], folder);
    same({ image: 'image.bin', append: 'one two', module: 'module.txt' }, status(0x15), /^done$/m);
  });

  it('nasm -f elf32, linked', () => {
    build('nasm', ['-f', 'elf32', '-o', 'image.o', MULTIBOOT], folder);
    build('ld', ['-m', 'elf_i386', '-Ttext', '0x100000', '-e', 'start', '-o', 'image.elf', 'image.o'], folder);
    same({ image: 'image.elf', append: 'three', module: 'module.txt' }, status(0x15), /^done$/m);
  });

  for (const level of ['-O0', '-O2', '-Os'])
    it(`a 64-bit kernel in C, gcc ${level}`, () => {
      buildKernel(level);
      same({ image: 'kernel32.elf', append: level, module: 'module.txt' }, status(3), /^kernel: done$/m);
    });

  it('the same kernel as ELF64, which QEMU does not load', () => {
    buildKernel('-O2');
    const there = runInQemu({ image: 'kernel32.elf', module: 'module.txt', cwd: folder });
    const here = runHere({ image: 'kernel.elf', module: 'module.txt', cwd: folder });
    assert.equal(here.stdout, there.stdout, here.stderr);
    assert.equal(here.status, status(3));
  });

  function buildKernel(level: string): void {
    const sources = readdirSync(KERNEL).filter(name => /\.[cS]$/.test(name));
    const code = ['-m64', level, '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-mgeneral-regs-only'];
    code.push('-mpopcnt', '-mno-red-zone', '-fno-pic', '-fno-stack-protector');
    const link = ['-nostdlib', '-static', '-no-pie', `-Wl,-T,${path.join(KERNEL, 'link.ld')}`];
    link.push('-Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments');
    build('gcc', [...code, ...link, '-o', 'kernel.elf', ...sources.map(name => path.join(KERNEL, name))], folder);
    // QEMU loads multiboot images of ELF32 only; the kernel's addresses fit.
    build('objcopy', ['-O', 'elf32-i386', 'kernel.elf', 'kernel32.elf'], folder);
  }
});
