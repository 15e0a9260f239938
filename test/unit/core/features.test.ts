/** CPUID, CR4, EFER, MSRs, VMX capabilities and #UD follow from the features that were selected (SDM 2A CPUID). */
import * as assert from 'node:assert';
import { readCpu } from '../../../src/adapter/launch/cpu';
import { allowed1, controlMask, controlWord } from '../../../src/core/tables/controls';
import { features } from '../../../src/core/tables/features';
import { cpuOf, defaultCpu, modelNamed, models, type Cpu } from '../../../src/core/tables/models';
import { done, finish, guest } from './guest';

const registers = ['eax', 'ebx', 'ecx', 'edx'] as const;
const without = (name: string): Cpu => cpuOf(defaultCpu.model, [{ name, on: false }]);

/** A 32-bit program that notes CPUID's answers to `leaves`. */
const asking = (leaves: readonly (readonly [number, number])[]): string => `
bits 32
org 0x100000
${leaves
  .map(
    ([leaf, subleaf], n) => `mov eax, ${leaf}
mov ecx, ${subleaf}
cpuid
mov [answers + ${n * 16}], eax
mov [answers + ${n * 16 + 4}], ebx
mov [answers + ${n * 16 + 8}], ecx
mov [answers + ${n * 16 + 12}], edx`,
  )
  .join('\n')}
${done}
align 8
answers: times ${leaves.length * 16} db 0
`;
async function ask(cpu: Cpu, ...leaves: (readonly [number, number])[]): Promise<number[][]> {
  const { machine, symbols } = await guest(asking(leaves), 'protected', undefined, cpu);
  finish(machine);
  const bytes = machine.readPhysical(symbols.get('answers')!, leaves.length * 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return leaves.map((_, n) => registers.map((__, m) => view.getUint32(n * 16 + m * 4, true)));
}

/** What an instruction raises in 32- or 64-bit mode: the vector, or undefined when it completes. */
async function raised(code: string, cpu: Cpu, bits: 32 | 64 = 64): Promise<number | undefined> {
  const { machine } = await guest(
    `bits ${bits}\norg 0x100000\n${code}\n${done}`,
    bits === 64 ? 'long' : 'protected',
    undefined,
    cpu,
  );
  let vector: number | undefined;
  machine.on('exception', fact => {
    vector ??= fact.vector;
    return true;
  });
  machine.run(1000);
  return vector;
}
const UD = 6;
const GP = 13;
const readMsr = (index: number): string => `mov ecx, 0x${index.toString(16)}\nrdmsr`;

describe('processor features', () => {
  for (const row of features.filter(({ cpuid }) => cpuid))
    it(`CPUID announces ${row.name} exactly when it is there`, async () => {
      const { leaf, subleaf, register, bit } = row.cpuid!;
      const value = async (cpu: Cpu): Promise<number> =>
        ((await ask(cpu, [leaf, subleaf]))[0][registers.indexOf(register)] >>> bit) & 1;
      assert.strictEqual(await value(defaultCpu), 1);
      assert.strictEqual(await value(without(row.name)), 0);
    });

  it('CR4 and IA32_EFER accept the bits of the features that are there', async () => {
    for (const { name, cr4 = 0n, efer = 0n } of features) {
      for (let bit = 0n; bit < 64n; bit++) {
        // PCIDE and LA57 have rules of their own; VMXE, PAE, LME are no different here.
        if ((cr4 >> bit) & 1n && bit !== 17n && bit !== 12n) {
          const code = `mov eax, cr4\nor eax, 1 << ${bit}\nmov cr4, eax`;
          assert.strictEqual(await raised(code, defaultCpu, 32), undefined, `CR4 bit of ${name}`);
          assert.strictEqual(await raised(code, without(name), 32), GP, `CR4 bit without ${name}`);
        }
        // LMA is the processor's own.
        if ((efer >> bit) & 1n && bit !== 10n) {
          const code = `${readMsr(0xc0000080)}\nor eax, 1 << ${bit}\nwrmsr`;
          assert.strictEqual(await raised(code, defaultCpu, 32), undefined, `EFER bit of ${name}`);
          assert.strictEqual(await raised(code, without(name), 32), GP, `EFER bit without ${name}`);
        }
      }
    }
  });

  it('MSRs exist with a feature that brings them', async () => {
    for (const index of [0x10, 0x3a, 0x3b, 0x174, 0x277, 0x480, 0xc0000081, 0xc0000102]) {
      const owners = features.filter(({ msrs }) => msrs?.some(([first, last]) => first <= index && index <= last));
      const none = cpuOf(
        defaultCpu.model,
        owners.map(({ name }) => ({ name, on: false })),
      );
      assert.strictEqual(await raised(readMsr(index), defaultCpu, 32), undefined, index.toString(16));
      assert.strictEqual(await raised(readMsr(index), none, 32), GP, index.toString(16));
    }
    // IA32_TSC_AUX comes with RDTSCP or with RDPID.
    assert.strictEqual(await raised(readMsr(0xc0000103), without('RDTSCP'), 32), undefined);
  });

  const instructions: readonly (readonly [string, string])[] = [
    ['CMOV', 'cmovz eax, ebx'],
    ['CX8', 'cmpxchg8b [0x8000]'],
    ['CMPXCHG16B', 'cmpxchg16b [0x8000]'],
    ['MOVBE', 'movbe eax, [0x8000]'],
    ['POPCNT', 'popcnt eax, ebx'],
    ['SMAP', 'clac'],
    ['SMAP', 'stac'],
    ['RDTSCP', 'rdtscp'],
    ['RDPID', 'rdpid rax'],
    ['TSC', 'rdtsc'],
    ['MSR', 'mov ecx, 0x1a0\nrdmsr'],
    ['LAHF', 'lahf'],
    ['LAHF', 'sahf'],
    ['BMI1', 'andn eax, ebx, ecx'],
    ['BMI1', 'blsi eax, ebx'],
    ['BMI2', 'pdep rax, rbx, rcx'],
    ['BMI2', 'rorx eax, ebx, 3'],
    ['ADX', 'adcx eax, ebx'],
    ['ADX', 'adox rax, rbx'],
    ['SSE4.2', 'crc32 eax, bl'],
    ['RDRAND', 'rdrand eax'],
    ['RDSEED', 'rdseed rax'],
    ['INVPCID', 'xor eax, eax\nmov [0x8000], rax\nmov [0x8008], rax\ninvpcid rax, [0x8000]'],
    ['MONITOR', 'xor ecx, ecx\nxor edx, edx\nmov eax, 0x8000\nmonitor'],
    ['MONITOR', 'xor ecx, ecx\nmwait'],
    ['CLFSH', 'clflush [0x8000]'],
    ['CLFLUSHOPT', 'clflushopt [0x8000]'],
    ['CLWB', 'clwb [0x8000]'],
    ['MOVDIRI', 'movdiri [0x8000], eax'],
  ];
  it('an instruction whose feature is off raises #UD', async () => {
    for (const [name, code] of instructions) {
      assert.strictEqual(await raised(code, defaultCpu), undefined, `${code} with ${name}`);
      assert.strictEqual(await raised(code, without(name)), UD, `${code} without ${name}`);
    }
    // LZCNT was BSR on processors that did not have it.
    const { machine } = await guest(
      `bits 64\norg 0x100000\nmov eax, 16\nlzcnt ebx, eax\n${done}`,
      'long',
      undefined,
      without('LZCNT'),
    );
    finish(machine);
    assert.strictEqual(machine.register('RBX'), 4n);
  });

  it('VMX capabilities follow', async () => {
    for (const { name, controls } of features)
      for (const { word, name: control } of controls ?? []) {
        const { machine } = await guest(
          `bits 64\norg 0x100000\n${readMsr(controlWord(word).msr)}\nmov ebx, edx\n${done}`,
          'long',
          undefined,
          without(name),
        );
        finish(machine);
        const allowed = Number(machine.register('EBX'));
        assert.strictEqual((allowed & controlMask(word, control)) >>> 0, 0, `${control} without ${name}`);
        assert.notStrictEqual(allowed1(controlWord(word)) & controlMask(word, control), 0, control);
      }
    const fixed = `bits 64\norg 0x100000\n${readMsr(0x489)}\nmov ebx, eax\n${done}`;
    const { machine } = await guest(fixed, 'long', undefined, without('SMEP'));
    finish(machine);
    assert.strictEqual(Number(machine.register('EBX')) & ((1 << 20) | (1 << 21)), 1 << 21);
  });

  it('a feature that is switched off takes along what needs it, one switched on brings it', () => {
    const off = readCpu('full,-lm');
    assert.ok(!('error' in off));
    for (const name of ['LM', 'SYSCALL', 'CMPXCHG16B', 'FSGSBASE']) assert.ok(!off.features.has(name), name);
    const on = readCpu('pentium3,+syscall');
    assert.ok(!('error' in on));
    assert.ok(on.features.has('LM') && on.features.has('SYSCALL') && !on.features.has('NX'));
  });

  it('models: each has what older ones have; highest leaf and brand are theirs', async () => {
    for (const [n, model] of models.entries()) {
      const cpu = cpuOf(model);
      if (n) for (const name of cpuOf(models[n - 1]).features) assert.ok(cpu.features.has(name), name);
      const [basic, extended, first] = await ask(cpu, [0, 0], [0x80000000, 0], [1, 0]);
      assert.strictEqual(basic[0], model.leaves);
      assert.strictEqual(extended[0], 0x80000008);
      assert.strictEqual(first[0], model.signature);
      const words = (await ask(cpu, [0x80000002, 0], [0x80000003, 0], [0x80000004, 0])).flat();
      assert.strictEqual(
        Buffer.from(Uint32Array.from(words).buffer).toString('latin1').replace(/\0+$/, ''),
        model.brand,
      );
    }
  });

  it('leaves above the highest are answered as the highest basic leaf; the topology repeats what was asked', async () => {
    const [high, beyond, extended, level] = await ask(
      defaultCpu,
      [0x16, 0],
      [0x4000_0000, 0],
      [0x8000_1234 | 0, 0],
      [0xb, 5],
    );
    assert.deepStrictEqual(beyond, high);
    assert.deepStrictEqual(extended, high);
    assert.deepStrictEqual(level.slice(0, 3), [0, 0, 5]);
  });

  it('a wrong name is answered with the nearest legal one', () => {
    assert.match(
      (readCpu('skylak') as { error: string }).error,
      /^names no processor model "skylak": did you mean "skylake"\?/,
    );
    assert.match((readCpu('full,-smepp') as { error: string }).error, /feature "smepp": did you mean "smep"\?/);
    assert.match((readCpu('full,smep') as { error: string }).error, /write \+FEATURE or -FEATURE/);
    assert.strictEqual(modelNamed('SKYLAKE')?.name, 'skylake');
  });

  it('64-bit programs are refused by a processor without 64-bit mode, in words', async () => {
    await assert.rejects(guest('bits 64\nnop', 'long', undefined, without('LM')), /needs 64-bit mode \(LM\)/);
  });
});
