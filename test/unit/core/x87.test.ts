/** x87 and MMX: rows of programs with the stack they leave; pending exceptions, environments, and what refuses them. */
import * as assert from 'node:assert';
import { done, finish, guest } from './guest';

const NM = 7;
const MF = 16;
const CR0 = 0x80000031n;
const NE = 0x20n;

/** Runs a 64-bit program, which begins with FNINIT, to its end. */
async function run(source: string, registers: Record<string, bigint> = {}) {
  const program = await guest(
    `bits 64\norg 0x100000\nfninit\n${source}\n${done}\nalign 16\narea: times 576 db 0\n`,
    'long',
  );
  const { machine } = program;
  machine.setRegister('CR4', 0x40620n);
  for (const [name, value] of Object.entries(registers)) machine.setRegister(name, value);
  let raised: number | undefined;
  machine.on('exception', fact => {
    raised ??= fact.vector;
    return true;
  });
  finish(machine);
  const top = Number((machine.register('FSW') >> 11n) & 7n);
  const st = (n: number): string =>
    machine
      .register(`FPR${(top + n) % 8}`)
      .toString(16)
      .padStart(20, '0');
  return { ...program, raised, top, st };
}

const rows: [string, string[], string?][] = [
  ['fld1', ['3fff8000000000000000']],
  ['fldpi', ['4000c90fdaa22168c235']],
  // Toward zero pi ends in 234.
  ['mov word [area], 0xf7f\nfldcw [area]\nfldpi', ['4000c90fdaa22168c234']],
  ['fld1\nfld1\nfaddp', ['40008000000000000000']],
  ['fld1\nfldz\nfdivp', ['7fff8000000000000000'], 'ZE'],
  ['fldz\nfldz\nfdivp', ['ffffc000000000000000'], 'IE'],
  ['fld1\nfadd st0\nfsqrt', ['3fffb504f333f9de6484'], 'PE'],
  ['mov dword [area], -3\nfild dword [area]\nfabs', ['4000c000000000000000']],
  ['mov dword [area], 7\nfild dword [area]\nfxtract', ['3fffe000000000000000', '40008000000000000000']],
  // Single precision: 1 + 2^-30 is 1.
  [
    'mov word [area], 0x7f\nfldcw [area]\nmov dword [area], 0x30800000\nfld dword [area]\nfld1\nfaddp',
    ['3fff8000000000000000'],
    'PE',
  ],
  ['fldz\nfsin', ['00000000000000000000']],
  ['fldz\nfcos', ['3fff8000000000000000']],
  ['fld1\nfld1\nfpatan', ['3ffec90fdaa22168c235'], 'PE'],
  ['fld1\nf2xm1', ['3fff8000000000000000'], 'PE'],
  ['fld1\nfadd st0\nfadd st0\nfld1\nfxch\nfyl2x', ['40008000000000000000'], 'PE'],
];
const FLAGS: Record<string, bigint> = { IE: 1n, DE: 2n, ZE: 4n, OE: 8n, UE: 16n, PE: 32n };

describe('x87', () => {
  for (const [source, stack, flags = ''] of rows)
    it(source.replace(/\n/g, '; '), async () => {
      const { machine, st, raised } = await run(source);
      assert.strictEqual(raised, undefined);
      stack.forEach((value, n) => assert.strictEqual(st(n), value, `ST(${n})`));
      const expected = flags.split(' ').reduce((mask, name) => mask | (FLAGS[name] ?? 0n), 0n);
      assert.strictEqual(machine.register('FSW') & 0x7fn, expected);
      const valid = machine.register('FTW').toString(2).replace(/0/g, '').length;
      assert.strictEqual(valid, stack.length, 'registers that are not empty');
    });

  it('answers a stack overflow and an underflow with the indefinite', async () => {
    const over = await run('fld1\n'.repeat(9));
    assert.strictEqual(over.st(0), 'ffffc000000000000000');
    assert.strictEqual(over.machine.register('FSW') & 0x241n, 0x241n, 'IE, SF, C1');
    const under = await run('fadd st1');
    assert.strictEqual(under.st(0), 'ffffc000000000000000');
    assert.strictEqual(under.machine.register('FSW') & 0x241n, 0x41n, 'IE, SF');
  });

  describe('an unmasked exception', () => {
    const divide = 'mov word [area], 0x37b\nfldcw [area]\nfld1\nfldz\nfdivp\n';
    it('waits for the next waiting instruction', async () => {
      const { raised, machine, symbols } = await run(`${divide}nop\nafter: fld1`);
      assert.strictEqual(raised, MF);
      assert.strictEqual(machine.register('RIP'), symbols.get('after'));
      assert.strictEqual(machine.register('FSW') & 0x8084n, 0x8084n, 'B, ES, ZE');
      assert.strictEqual(machine.register('FOP'), 0x6f9n);
    });
    it('is reported by WAIT and by MMX instructions, not by FNSTSW and FNCLEX', async () => {
      assert.strictEqual((await run(`${divide}wait`)).raised, MF);
      assert.strictEqual((await run(`${divide}paddb mm0, mm1`)).raised, MF);
      assert.strictEqual((await run(`${divide}fnstsw ax\nfnclex\nfld1`)).raised, undefined);
    });
    it('is not reported while CR0.NE is clear', async () => {
      assert.strictEqual((await run(`${divide}fld1`, { CR0: CR0 & ~NE })).raised, undefined);
    });
  });

  for (const [source, cr0, vector] of [
    ['fld1', CR0 | 8n, NM],
    ['fld1', CR0 | 4n, NM],
    ['wait', CR0 | 8n, undefined],
    ['wait', CR0 | 10n, NM],
    ['wait', CR0 | 4n, undefined],
  ] as const)
    it(`${source} with CR0 0x${cr0.toString(16)}: ${vector ?? 'runs'}`, async () => {
      // FNINIT would meet the same rule: CR0 changes behind it.
      const { raised } = await run(`mov rax, ${cr0}\nmov cr0, rax\n${source}`);
      assert.strictEqual(raised, vector);
    });

  it('saves and restores its environment and registers', async () => {
    const program = await run('fldpi\nfld1\nfnsave [area]\nfldz\nfrstor [area]');
    assert.deepStrictEqual([program.st(0), program.st(1)], ['3fff8000000000000000', '4000c90fdaa22168c235']);
    // 32-bit protected-mode format: control, status, tags, each with ones above.
    assert.strictEqual(program.at('area', 4), 0xffff037fn);
    assert.strictEqual(program.at('area', 12) >> 64n, 0xffff0fffn, 'two valid registers at the top of the tag word');
  });
  it('has environments of its own in real-address mode', async () => {
    const source = 'fninit\nfld1\nwhere: fldpi\nfnstenv [area]\no32 fnstenv [area + 16]\nfld1\nfldenv [area]';
    const text = `bits 16\norg 0x7c00\n${source}\n${done}\nalign 16\narea: times 64 db 0`;
    const { machine, at, symbols } = await guest(text, 'real');
    finish(machine);
    const words = [at('area', 2), (at('area') >> 32n) & 0xffffn, at('area') >> 48n];
    assert.deepStrictEqual(words, [0x37fn, 0x0fffn, symbols.get('where')]);
    const wide = machine.readPhysical(symbols.get('area')! + 16n, 28);
    const view = new DataView(wide.buffer, wide.byteOffset);
    assert.strictEqual(view.getUint32(0, true), 0xffff037f);
    assert.strictEqual(view.getUint32(12, true), 0xffff0000 + Number(symbols.get('where')));
    assert.strictEqual(machine.register('FTW'), 0xc0n, 'as before the third load');
  });
  it('masks everything after FNSTENV, and leaves an initial state after FNSAVE', async () => {
    const { machine } = await run('mov word [area], 0x340\nfldcw [area]\nfnstenv [area]');
    assert.strictEqual(machine.register('FCW'), 0x37fn);
    const after = await run('fld1\nfnsave [area]');
    assert.deepStrictEqual([after.machine.register('FTW'), after.machine.register('FSW')], [0n, 0n]);
  });
  it('stores packed BCD', async () => {
    const { at } = await run('mov dword [area], -1234567\nfild dword [area]\nfbstp [area]');
    assert.strictEqual(at('area', 10), 0x80000000000001234567n);
  });
});

describe('MMX', () => {
  it('works on the x87 registers by number: exponents of ones, tags valid, TOP 0', async () => {
    const { machine } = await run('fld1\nmov rax, 0x0102030405060708\nmovq mm3, rax\npaddb mm3, mm3');
    assert.strictEqual(machine.register('FPR3'), 0xffff020406080a0c0e10n);
    assert.strictEqual(machine.register('MM3'), 0x020406080a0c0e10n);
    assert.strictEqual(machine.register('FTW'), 0xffn);
    assert.strictEqual(machine.register('FSW') & 0x3800n, 0n);
  });
  it('leaves an empty stack after EMMS', async () => {
    assert.strictEqual((await run('pxor mm0, mm0\nemms')).machine.register('FTW'), 0n);
  });
});
