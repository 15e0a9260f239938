/** FXSAVE, XSAVE and kin, XCR0, and what CPUID says of them (SDM 1 chapter 13). */
import * as assert from 'node:assert';
import { cpuOf, defaultCpu } from '../../../src/core/tables/models';
import { done, finish, guest } from './guest';

const UD = 6;
const GP = 13;
const CR4 = 0x40620n;
const MASK3 = 'mov eax, 3\nxor edx, edx\n';
/** The instructions write the first 16 bytes of the header only, and the rest must be zeros. */
const CLEAN = 'mov edi, area + 512\nmov ecx, 8\nxor eax, eax\nrep stosq\n';
const ENABLE = `xor ecx, ecx\n${MASK3}xsetbv\n`;

async function run(source: string, { cr4 = CR4, cpu = defaultCpu, registers = {} as Record<string, bigint> } = {}) {
  const text = `bits 64\norg 0x100000\nfninit\n${source}\n${done}\nalign 64\narea: times 640 db 0x55\nother: times 640 db 0\n`;
  const program = await guest(text, 'long', undefined, cpu);
  const { machine } = program;
  machine.setRegister('CR4', cr4);
  for (const [name, value] of Object.entries(registers)) machine.setRegister(name, value);
  let raised: number | undefined;
  machine.on('exception', fact => {
    raised ??= fact.vector;
    return true;
  });
  finish(machine);
  return { ...program, raised };
}
const field = ({ machine, symbols }: Awaited<ReturnType<typeof run>>, offset: number, bytes: number): bigint =>
  machine
    .readPhysical(symbols.get('area')! + BigInt(offset), bytes)
    .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

describe('FXSAVE', () => {
  it('lays out the x87 and SSE state', async () => {
    const ran = await run('fldpi\nfxsave64 [area]', { registers: { XMM1: 0x1111n, XMM15: 0xffffn, MXCSR: 0x1fa0n } });
    assert.strictEqual(field(ran, 0, 2), 0x37fn, 'FCW');
    assert.strictEqual(field(ran, 2, 2), 0x3800n, 'FSW');
    assert.strictEqual(field(ran, 4, 1), 0x80n, 'FTW');
    assert.strictEqual(field(ran, 8, 8), 0x100002n, 'FIP: FLDPI behind FNINIT');
    assert.strictEqual(field(ran, 24, 8), 0xffff00001fa0n, 'MXCSR and its mask');
    assert.strictEqual(field(ran, 32, 10), 0x4000c90fdaa22168c235n, 'ST0');
    assert.strictEqual(field(ran, 160 + 16, 16), 0x1111n, 'XMM1');
    assert.strictEqual(field(ran, 160 + 240, 16), 0xffffn, 'XMM15');
    assert.strictEqual(field(ran, 464, 8), 0x5555555555555555n, 'bytes 511:464 are software’s');
  });
  it('is taken back by FXRSTOR', async () => {
    const clear = 'fninit\npxor xmm1, xmm1\nfxrstor64 [area]';
    const { machine } = await run(`fld1\nfxsave64 [area]\n${clear}`, { registers: { XMM1: 7n } });
    assert.deepStrictEqual([machine.register('XMM1'), machine.register('FTW')], [7n, 0x80n]);
    assert.strictEqual(machine.register('FPR7'), 0x3fff8000000000000000n);
  });
  it('demands alignment to 16 bytes, and a legal MXCSR', async () => {
    assert.strictEqual((await run('fxsave [area + 8]')).raised, GP);
    assert.strictEqual((await run('fxrstor [area + 8]')).raised, GP);
    assert.strictEqual((await run('fxsave [area]\nmov dword [area + 24], 0x10000\nfxrstor [area]')).raised, GP);
  });
});

describe('XSAVE', () => {
  it('writes what is asked for, and notes it in the header', async () => {
    const ran = await run(`${ENABLE}fld1\nmov qword [area + 512], 0\n mov eax, 1\nxsave [area]`, {
      registers: { XMM1: 7n },
    });
    assert.strictEqual(ran.raised, undefined);
    assert.strictEqual(field(ran, 512, 8), 1n, 'XSTATE_BV');
    assert.strictEqual(field(ran, 0, 2), 0x37fn);
    assert.strictEqual(field(ran, 24, 4), 0x55555555n, 'MXCSR belongs to the SSE state');
    assert.strictEqual(field(ran, 176, 8), 0x5555555555555555n);
  });
  it('does not mark a state in its initial configuration', async () => {
    const ran = await run(`${ENABLE}mov qword [area + 512], 0\n${MASK3}xsave [area]`, { registers: { XMM1: 7n } });
    assert.strictEqual(field(ran, 512, 8), 2n);
  });
  it('is compacted by XSAVEC, which skips initial states', async () => {
    const ran = await run(`${ENABLE}${MASK3}xsavec [area]`, { registers: { XMM1: 7n } });
    assert.strictEqual(field(ran, 512, 8), 2n, 'XSTATE_BV');
    assert.strictEqual(field(ran, 520, 8), 0x8000000000000003n, 'XCOMP_BV');
    assert.strictEqual(field(ran, 0, 8), 0x5555555555555555n, 'x87 is not written');
    assert.strictEqual(field(ran, 176, 8), 7n);
  });
  it('is taken back by XRSTOR, which initializes what is not there', async () => {
    const { machine } = await run(`${ENABLE}${CLEAN}${MASK3}xsavec [area]\nfld1\npcmpeqb xmm1, xmm1\nxrstor [area]`, {
      registers: { XMM1: 7n },
    });
    assert.strictEqual(machine.register('XMM1'), 7n);
    assert.deepStrictEqual([machine.register('FTW'), machine.register('FPR7')], [0n, 0n]);
  });
  it('and XSAVES with XRSTORS do the same for the supervisor', async () => {
    const { machine, raised } = await run(
      `${ENABLE}${CLEAN}${MASK3}xsaves [area]\npcmpeqb xmm1, xmm1\nxrstors [area]`,
      {
        registers: { XMM1: 7n },
      },
    );
    assert.deepStrictEqual([raised, machine.register('XMM1')], [undefined, 7n]);
  });
  for (const [name, code] of [
    ['states that XCR0 does not enable', 'mov qword [area + 512], 4'],
    ['a standard header that is not clean', 'mov qword [area + 528], 1'],
    [
      'compacted states without their bit in XCOMP_BV',
      'mov qword [area + 520], 1\nbts qword [area + 520], 63\nmov qword [area + 512], 2',
    ],
  ])
    it(`refuses to restore ${name}`, async () => {
      assert.strictEqual((await run(`${ENABLE}${CLEAN}${code}\n${MASK3}xrstor [area]`)).raised, GP);
    });
  it('needs CR4.OSXSAVE, alignment to 64 bytes, and the feature', async () => {
    assert.strictEqual((await run('xsave [area]', { cr4: 0x620n })).raised, UD);
    assert.strictEqual((await run(`${ENABLE}xsave [area + 16]`)).raised, GP);
    const cpu = cpuOf(defaultCpu.model, [{ name: 'XSAVE', on: false }]);
    assert.strictEqual((await run('xsave [area]', { cr4: 0x620n, cpu })).raised, UD);
  });
});

describe('XCR0', () => {
  for (const [value, index, vector] of [
    [1, 0, undefined],
    [3, 0, undefined],
    [2, 0, GP],
    [0, 0, GP],
    [7, 0, GP],
    [1, 1, GP],
  ] as const)
    it(`XSETBV ${index} with ${value}: ${vector ?? 'is taken'}`, async () => {
      const { raised, machine } = await run(`mov ecx, ${index}\nmov eax, ${value}\nxor edx, edx\nxsetbv`);
      assert.strictEqual(raised, vector);
      if (vector === undefined) assert.strictEqual(machine.register('XCR0'), BigInt(value));
    });
  it('is read by XGETBV, with the states in use at index 1', async () => {
    const { at } = await run(`${ENABLE}xgetbv\nmov [other], eax\nmov ecx, 1\nxgetbv\nmov [other + 4], eax`, {
      registers: { XMM1: 7n },
    });
    assert.strictEqual(at('other'), 0x200000003n);
  });
  it('CPUID tells the size of its states, and OSXSAVE', async () => {
    const source = `mov eax, 0xd\nxor ecx, ecx\ncpuid\nmov [other], eax\nmov [other + 4], ebx\nmov eax, 1\ncpuid\nmov [other + 8], ecx`;
    const { at } = await run(source);
    assert.strictEqual(at('other'), (576n << 32n) | 3n);
    assert.strictEqual((at('other', 12) >> (64n + 27n)) & 1n, 1n);
    assert.strictEqual(((await run(source, { cr4: 0x620n })).at('other', 12) >> (64n + 27n)) & 1n, 0n);
  });
});
