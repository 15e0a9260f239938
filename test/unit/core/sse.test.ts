/** SSE: rows of source, registers before and after; and what stops it: CR0, CR4, alignment, pages, unmasked exceptions. */
import * as assert from 'node:assert';
import type { Machine } from '../../../src/machine/machine';
import { done, guest } from './guest';

type Registers = Record<string, bigint>;
interface Row {
  source: string;
  before?: Registers;
  after: Registers;
}

const OSFXSR = 1n << 9n;
const OSXMMEXCPT = 1n << 10n;
const DEFAULT_CR4 = 0x20n | OSFXSR | OSXMMEXCPT;
const UD = 6;
const NM = 7;
const GP = 13;
const PF = 14;
const XM = 19;

const ALL = 2n ** 64n - 1n;
/** Two 64-bit lanes, the upper first. */
const pair = (high: bigint, low: bigint): bigint => (high << 64n) | low;
function double(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
function single(value: number): bigint {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}
const PE = 0x20n;
const MASKED = 0x1f80n;

const rows: Record<string, Row[]> = {
  moves: [
    { source: 'movss xmm0, xmm1', before: { XMM0: ~0n, XMM1: 5n }, after: { XMM0: pair(ALL, 0xffffffff00000005n) } },
    { source: 'movd xmm0, eax', before: { XMM0: ~0n, RAX: ~0n }, after: { XMM0: 0xffffffffn } },
    { source: 'movhlps xmm0, xmm1', before: { XMM0: 0n, XMM1: pair(7n, 8n) }, after: { XMM0: 7n } },
    { source: 'movlhps xmm0, xmm1', before: { XMM0: 1n, XMM1: pair(7n, 8n) }, after: { XMM0: pair(8n, 1n) } },
    { source: 'movq xmm0, xmm1', before: { XMM0: ~0n, XMM1: pair(7n, 8n) }, after: { XMM0: 8n } },
    { source: 'pextrw eax, xmm1, 2', before: { RAX: ~0n, XMM1: 0x123400005678n }, after: { RAX: 0x1234n } },
    { source: 'pmovmskb eax, xmm1', before: { RAX: ~0n, XMM1: 0x80ff7fn }, after: { RAX: 6n } },
  ],
  integers: [
    { source: 'paddusb xmm0, xmm1', before: { XMM0: 0xf0n, XMM1: 0x20n }, after: { XMM0: 0xffn } },
    { source: 'psubq xmm0, xmm1', before: { XMM0: 0n, XMM1: pair(0n, 1n) }, after: { XMM0: pair(0n, ALL) } },
    { source: 'pmulhrsw xmm0, xmm1', before: { XMM0: 0x8000n, XMM1: 0x8000n }, after: { XMM0: 0x8000n } },
    { source: 'psllw xmm0, 16', before: { XMM0: ~0n }, after: { XMM0: 0n } },
    { source: 'psrad xmm0, 200', before: { XMM0: 0x80000000n }, after: { XMM0: 0xffffffffn } },
    { source: 'pslldq xmm0, 15', before: { XMM0: 0x12n }, after: { XMM0: 0x12n << 120n } },
    {
      source: 'pshufb xmm0, xmm1',
      before: { XMM0: 0xaan, XMM1: 0x80ff00n },
      after: { XMM0: pair(0xaaaaaaaaaaaaaaaan, 0xaaaaaaaaaa0000aan) },
    },
    { source: 'palignr xmm0, xmm1, 8', before: { XMM0: 1n, XMM1: pair(2n, 3n) }, after: { XMM0: pair(1n, 2n) } },
    {
      source: 'phminposuw xmm0, xmm1',
      before: { XMM1: pair(ALL, 0xffff000300090007n) },
      after: { XMM0: 0x20003n },
    },
    { source: 'pcmpistri xmm0, xmm1, 0', before: { XMM0: 0x62n, XMM1: 0x636261n, RCX: ~0n }, after: { RCX: 1n } },
  ],
  arithmetic: [
    {
      source: 'addsd xmm0, xmm1',
      before: { XMM0: double(1), XMM1: double(2) },
      after: { XMM0: double(3), MXCSR: MASKED },
    },
    {
      source: 'addsd xmm0, xmm1',
      before: { XMM0: double(0.1), XMM1: double(0.2) },
      after: { XMM0: double(0.1 + 0.2), MXCSR: MASKED | PE },
    },
    {
      source: 'divss xmm0, xmm1',
      before: { XMM0: single(1), XMM1: 0n },
      after: { XMM0: single(Infinity), MXCSR: MASKED | 4n },
    },
    {
      source: 'sqrtsd xmm0, xmm1',
      before: { XMM1: double(-1) },
      after: { XMM0: 0xfff8000000000000n, MXCSR: MASKED | 1n },
    },
    // Toward zero: one unit below the nearest.
    {
      source: 'divsd xmm0, xmm1',
      before: { XMM0: double(2), XMM1: double(3), MXCSR: 0x7f80n },
      after: { XMM0: double(2 / 3), MXCSR: 0x7f80n | PE },
    },
    {
      source: 'mulss xmm0, xmm1',
      before: { XMM0: 0x00800001n, XMM1: single(0.5) },
      after: { XMM0: 0x00400000n, MXCSR: MASKED | 0x30n },
    },
    // Flushed to zero, with both flags.
    {
      source: 'mulss xmm0, xmm1',
      before: { XMM0: 0x00800000n, XMM1: single(0.5), MXCSR: 0x9f80n },
      after: { XMM0: 0n, MXCSR: 0x9f80n | 0x30n },
    },
    // Denormals are zeros, and not reported.
    {
      source: 'addss xmm0, xmm1',
      before: { XMM0: 1n, XMM1: single(1), MXCSR: 0x1fc0n },
      after: { XMM0: single(1), MXCSR: 0x1fc0n },
    },
    {
      source: 'maxss xmm0, xmm1',
      before: { XMM0: 0n, XMM1: 0x80000000n },
      after: { XMM0: 0x80000000n, MXCSR: MASKED },
    },
    {
      source: 'cvttsd2si rax, xmm0',
      before: { XMM0: double(-1.9) },
      after: { RAX: ALL, MXCSR: MASKED | PE },
    },
    {
      source: 'cvtsd2si eax, xmm0',
      before: { XMM0: double(2 ** 31) },
      after: { RAX: 0x80000000n, MXCSR: MASKED | 1n },
    },
    { source: 'roundsd xmm0, xmm1, 1 | 8', before: { XMM1: double(-1.5) }, after: { XMM0: double(-2), MXCSR: MASKED } },
  ],
};

/** Reserved bits of MXCSR, as an operand. */
const BAD_MXCSR = 0x200000n;

/** Executes the instruction `source`; `prepare` may change memory before. */
async function run(source: string, before: Registers, bits: 32 | 64 = 64, prepare?: (machine: Machine) => void) {
  const { machine } = await guest(`bits ${bits}\norg 0x100000\n${source}\n${done}`, bits === 64 ? 'long' : 'protected');
  machine.setRegister('CR4', bits === 64 ? DEFAULT_CR4 : DEFAULT_CR4 & ~0x20n);
  for (const [name, value] of Object.entries(before))
    machine.setRegister(name, BigInt.asUintN(name.startsWith('XMM') ? 128 : 64, value));
  let raised: number | undefined;
  machine.on('exception', fact => {
    raised ??= fact.vector;
    return true;
  });
  machine.writePhysical(BAD_MXCSR, Uint8Array.of(0, 0, 1, 0));
  prepare?.(machine);
  machine.run(1);
  return { machine, raised: () => raised };
}

describe('SSE', () => {
  for (const [name, list] of Object.entries(rows))
    describe(name, () => {
      for (const { source, before = {}, after } of list)
        it(source, async () => {
          const { machine, raised } = await run(source, before);
          assert.strictEqual(raised(), undefined);
          for (const [register, value] of Object.entries(after))
            assert.strictEqual(`0x${machine.register(register).toString(16)}`, `0x${value.toString(16)}`, register);
        });
    });

  describe('is refused', () => {
    const CR0 = 0x80000031n;
    const cases: [string, Registers, number][] = [
      ['addps xmm0, xmm1', { CR4: 0x20n }, UD],
      ['addps xmm0, xmm1', { CR0: CR0 | 4n }, UD],
      ['addps xmm0, xmm1', { CR0: CR0 | 8n }, NM],
      // #UD comes before #NM.
      ['addps xmm0, xmm1', { CR0: CR0 | 8n, CR4: 0x20n }, UD],
      ['movaps xmm0, [0x200008]', {}, GP],
      ['addps xmm0, [0x200001]', {}, GP],
      ['movaps xmm0, [rax]', { RAX: 0x100000000n }, PF],
      ['ldmxcsr [rax]', { RAX: 0x200000n }, GP],
      ['paddb mm0, mm1', { CR0: CR0 | 4n }, UD],
      ['paddb mm0, mm1', { CR0: CR0 | 8n }, NM],
      ['lock addps xmm0, xmm1', {}, UD],
    ];
    for (const [source, before, vector] of cases)
      it(`${source} with ${
        Object.entries(before)
          .map(([n, v]) => `${n} 0x${v.toString(16)}`)
          .join(', ') || 'a bad address'
      }: vector ${vector}`, async () => {
        const { machine, raised } = await run(source, { XMM0: 5n, ...before });
        assert.strictEqual(raised(), vector);
        assert.strictEqual(machine.register('XMM0'), 5n, 'nothing was written');
      });
  });

  it('does not need alignment or SSE state for MOVNTI', async () => {
    const { machine, raised } = await run('movnti [0x200001], eax', { RAX: 0x12345678n, CR0: 0x80000035n, CR4: 0x20n });
    assert.strictEqual(raised(), undefined);
    assert.deepStrictEqual([...machine.readPhysical(0x200001n, 4)], [0x78, 0x56, 0x34, 0x12]);
  });

  describe('exceptions', () => {
    it('raise #XM with the flag set and the destination kept', async () => {
      const { machine, raised } = await run('divpd xmm0, xmm1', {
        XMM0: pair(double(1), double(1)),
        XMM1: pair(double(3), 0n),
        MXCSR: 0x1d80n,
      });
      assert.strictEqual(raised(), XM);
      assert.strictEqual(machine.register('XMM0'), pair(double(1), double(1)));
      // Those found before the operation come alone: no PE of the other lane.
      assert.strictEqual(machine.register('MXCSR'), 0x1d84n);
    });
    it('are #UD while CR4.OSXMMEXCPT is clear', async () => {
      const { raised } = await run('divsd xmm0, xmm1', { XMM0: double(1), MXCSR: 0x1d80n, CR4: 0x20n | OSFXSR });
      assert.strictEqual(raised(), UD);
    });
    it('of a comparison leave the flags', async () => {
      const { machine, raised } = await run('comisd xmm0, xmm1', {
        XMM0: 0x7ff8000000000000n,
        MXCSR: 0x1f00n,
        RFLAGS: 0x8d7n,
      });
      assert.strictEqual(raised(), XM);
      assert.strictEqual(machine.register('RFLAGS') & 0x8d5n, 0x8d5n);
    });
  });

  it('faults on the second page of an operand before it writes the first', async () => {
    // The page directory of the start state: the entry of the 2-MByte page at 4 MiB is cleared.
    const { machine, raised } = await run('movups [0x3ffff8], xmm0', { XMM0: pair(ALL, ALL) }, 64, m =>
      m.writePhysical(0x3010n, new Uint8Array(8)),
    );
    assert.strictEqual(raised(), PF);
    assert.deepStrictEqual([...machine.readPhysical(0x3ffff8n, 8)], [0, 0, 0, 0, 0, 0, 0, 0]);
  });
  it('stores only the selected bytes of MASKMOVDQU', async () => {
    const { machine } = await run('maskmovdqu xmm0, xmm1', {
      RDI: 0x200ff8n,
      XMM0: pair(0x1817161514131211n, 0x0807060504030201n),
      XMM1: pair(0x80n, 0x8000n),
    });
    assert.deepStrictEqual([...machine.readPhysical(0x200ff8n, 10)], [0, 2, 0, 0, 0, 0, 0, 0, 0x11, 0]);
  });
  it('has eight registers outside 64-bit mode', async () => {
    const { machine } = await run('paddd xmm7, xmm6', { XMM7: 1n, XMM6: 2n }, 32);
    assert.strictEqual(machine.register('XMM7'), 3n);
  });
});
