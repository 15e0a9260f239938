/** `ringscope run` as a user types it. */
import * as assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import { buildTask } from '../../dwarf/build';

let folder: string;
before(() => (folder = mkdtempSync(path.join(tmpdir(), 'ringscope-run-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

function ringscope(...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, out: stdout, err: stderr };
}
function program(source: string, name = 'p.asm'): string {
  const file = path.join(folder, name);
  writeFileSync(file, source);
  return file;
}
const LONG = 'bits 64\norg 0x100000\n';

describe('ringscope run: samples', () => {
  it('hello prints and shuts down', () => {
    const { status, out, err } = ringscope('run', 'samples/hello/hello.asm');
    assert.strictEqual(
      out,
      'Hello from 64-bit mode.\n10 + 9 + ... + 1 = 0x0000000000000037\nProcessor vendor: GenuineIntel\n',
    );
    assert.deepStrictEqual([status, err], [0, '']);
  });
  it('processors wakes all others, who answer', () => {
    const { status, out } = ringscope('run', 'samples/processors/processors.asm', '--cpus', '5');
    const ids = [1, 2, 3, 4].map(n => `Awake: processor 0x${String(n).padStart(16, '0')}\n`);
    for (const line of ids) assert.ok(out.includes(line), out);
    assert.match(out, /here: 0x0{15}5\nAll others have answered\.\n$/);
    assert.strictEqual(status, 0);
  });
  it('first-exits causes each exit once or twice, and traces them', () => {
    const json = path.join(folder, 'exits.json');
    const { status, out, err } = ringscope(
      'run',
      'samples/first-exits/hypervisor.asm',
      '--trace',
      'exits',
      '--json',
      json,
    );
    assert.strictEqual(status, 0);
    assert.match(out, /guest: hello through a hypercall/);
    assert.match(out, /the guest is done after 0x0000000000000008 VM exits/);
    const names = err
      .trim()
      .split('\n')
      .map(line => line.split(' ')[3]);
    assert.deepStrictEqual(names, ['CPUID', 'IO', 'IO', 'RDMSR', 'VMCALL', 'EPT_VIOLATION', 'HLT', 'VMCALL']);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepStrictEqual(report.exits, { CPUID: 1, IO: 2, RDMSR: 1, VMCALL: 2, EPT_VIOLATION: 1, HLT: 1 });
    assert.strictEqual(report.stop.kind, 'exit');
    assert.ok(report.instructions > 1000 && report.seconds > 0);
  });
  it('broken-entry fails its VM entry', () => {
    const { status, out } = ringscope('run', 'samples/broken-entry/hypervisor.asm');
    assert.deepStrictEqual(
      [status, out],
      [0, 'hypervisor: VM exit, or a VM entry that failed: exit reason 0x0000000080000021\n'],
    );
  });
  it('every configuration of the samples runs headless', () => {
    const { configurations } = parse(readFileSync('samples/.vscode/launch.json', 'utf8')) as {
      configurations: { name: string; program: string; preLaunchTask?: string }[];
    };
    assert.ok(configurations.length >= 3);
    // A copy: what a configuration's task builds must not appear in the working tree.
    const samples = path.join(folder, 'samples');
    cpSync('samples', samples, { recursive: true });
    rmSync(path.join(samples, 'c-kernel', 'kernel.elf'), { force: true });
    const launch = path.join(samples, '.vscode', 'launch.json');
    for (const { name, program: file, preLaunchTask } of configurations) {
      const go = () => ringscope('run', '--config', name, '--launch', launch, '--max-instructions', '50000000');
      if (preLaunchTask) {
        assert.match(go().err, /kernel\.elf": there is no such file \(if a build makes it, build it first\)/);
        buildTask(samples, preLaunchTask);
      }
      const { status, err } = go();
      if (file === '${file}') assert.match(err, /only an editor knows/);
      else assert.strictEqual(status, 0, `${name}: ${err}`);
    }
  });
});

describe('ringscope run: how it ends', () => {
  it('with (v << 1) | 1 after a write of v to the debug-exit port', () => {
    assert.strictEqual(ringscope('run', program(`${LONG}mov al, 21\nout 0xf4, al`)).status, 43);
  });
  it('with 124 at a limit', () => {
    const file = program(`${LONG}jmp $`);
    const byCount = ringscope('run', file, '--max-instructions', '1000');
    assert.deepStrictEqual(
      [byCount.status, byCount.err],
      [124, 'ringscope: the instruction limit (--max-instructions) was reached\n'],
    );
    assert.strictEqual(ringscope('run', file, '--timeout', '0.2').status, 124);
  });
  it('after a triple fault and after a dead HLT with one line that says so', () => {
    const triple = ringscope('run', program(`${LONG}ud2`));
    assert.strictEqual(triple.status, 3);
    assert.match(triple.err, /^ringscope: Triple fault: .*shutdown\.\n$/);
    const halt = ringscope('run', program(`${LONG}cli\nhlt`));
    assert.strictEqual(halt.status, 3);
    assert.match(halt.err, /^ringscope: HLT with interrupts disabled/);
  });
  it('names each port without a device once', () => {
    const { err } = ringscope('run', program(`${LONG}in al, 0x18\nin al, 0x18\nout 0x1f, al\nmov al, 0\nout 0xf4, al`));
    assert.match(err, /port 0x18 was read, but this machine has no device there\n/);
    assert.match(err, /port 0x1f was written, but this machine has no device there\n/);
    assert.strictEqual(err.match(/0x18/g)?.length, 1);
  });
});

describe('ringscope run: multiboot', () => {
  const HEADER = `bits 32
    org 0x100000
    header: dd 0x1badb002, 0x10003, -(0x1badb002 + 0x10003)
    dd header, 0x100000, 0, 0, start
    print: lodsb
    test al, al
    jz .end
    mov dx, 0x3f8
    out dx, al
    jmp print
    .end: mov al, 10
    out dx, al
    ret
    start: mov esp, 0x80000
    mov ebp, ebx
    `;
  it('passes the command line and modules', () => {
    const module = path.join(folder, 'module.txt');
    writeFileSync(module, 'module content\0');
    const file = program(
      `${HEADER} cmp eax, 0x2badb002
       jne $
       mov esi, [ebp + 16]
       call print
       mov ecx, [ebp + 24]
       mov esi, [ecx + 8]
       call print
       mov ecx, [ebp + 24]
       mov esi, [ecx]
       call print
       mov al, 0
       out 0xf4, al`,
      'mb.asm',
    );
    const { status, out } = ringscope('run', file, '--append', 'quiet root=/', '--module', `${module}=first one`);
    assert.deepStrictEqual([status, out], [1, 'mb.asm quiet root=/\nfirst one\nmodule content\n']);
  });
  it('tells the size of memory', () => {
    const file = program(`${HEADER} mov eax, [ebp + 8]\n shr eax, 10\n inc eax\n out 0xf4, al`, 'memory.asm');
    assert.strictEqual(ringscope('run', file, '--memory', '32M').status, 65);
  });
});

describe('ringscope run: wrong input ends with status 2 and one line', () => {
  const cases: [name: string, args: () => string[], message: RegExp][] = [
    ['a missing file', () => ['nowhere.asm'], /nowhere\.asm/],
    ['an unknown mnemonic', () => [program(`${LONG}mvo eax, 1`)], /p\.asm:3:1: error: .*mvo/],
    ['an image that does not fit', () => [program('bits 64\norg 0x3000000\nnop'), '--memory', '16M'], /memory/],
    [
      'a memory size that is none',
      () => [program(`${LONG}nop`), '--memory', 'lots'],
      /"memory" is "lots"; write a size such as "64M"/,
    ],
    ['too much memory', () => [program(`${LONG}nop`), '--memory', '5G'], /"memory" is 5G; it may be 1M to 3G/],
    ['an unknown option', () => ['--fast'], /--fast/],
    [
      'an unknown start',
      () => [program(`${LONG}nop`), '--start', 'sideways'],
      /"start" is "sideways"; it may be long, protected/,
    ],
    [
      'a missing module',
      () => [program(`${LONG}nop`), '--module', 'nope.bin'],
      /nope\.bin: there is no such module file/,
    ],
    ['an unknown configuration', () => ['--config', 'nope'], /has no configuration "nope"; it has "/],
    [
      'a missing launch file',
      () => ['--config', 'x', '--launch', 'nope.json'],
      /nope\.json: there is no such launch file/,
    ],
  ];
  for (const [name, args, message] of cases)
    it(name, () => {
      const { status, err } = ringscope('run', ...args());
      assert.strictEqual(status, 2, err);
      assert.match(err, message);
      assert.doesNotMatch(err, /\n\s+at /, 'no stack trace');
    });
  it('an unknown command', () => {
    const { status, err } = ringscope('fly');
    assert.strictEqual(status, 2);
    assert.match(err, /there is no command "fly"/);
  });
  it('a launch.json with a wrong attribute', () => {
    const file = path.join(folder, '.vscode');
    spawnSync('mkdir', ['-p', file]);
    writeFileSync(path.join(file, 'launch.json'), '{"configurations": [{"name": "a", "program": 5}]}');
    const { status, err } = ringscope('run', '--config', 'a', '--launch', path.join(file, 'launch.json'));
    assert.strictEqual(status, 2);
    assert.match(err, /configuration "a": launch attribute "program" is 5; it must be a string/);
    assert.ok(existsSync(file));
  });
});

describe('ringscope run: serial input', () => {
  const echo = (input: string, ...options: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['dist/cli.js', 'run', 'test/adapter/fixtures/echo.asm', ...options], {
      encoding: 'utf8',
      timeout: 60_000,
      input,
    });
  it('comes from standard input', () => {
    const { status, stdout } = echo('one two\nq');
    assert.deepStrictEqual([status, stdout], [1, 'one two\nq']);
  });
  it('that ends leaves a program that waits for it dead', () => {
    const { status, stdout, stderr } = echo('one');
    assert.deepStrictEqual([status, stdout], [3, 'one']);
    assert.match(stderr, /waits for input on the serial port.*standard input has ended/);
  });
});
