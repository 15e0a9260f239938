/**
 * The decoder against iced-x86: random bytes, with the opcodes and prefixes that exist preferred, in 16, 32 and 64-bit code.
 * What iced knows and this processor announces must have the same length; what iced refuses must be #UD here.
 */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { Code, CpuidFeature, Decoder, DecoderOptions, Formatter, FormatterSyntax, Mnemonic } from 'iced-x86';
import { Machine } from '../../../src/machine/machine';
import type { StartState } from '../../../src/program/program';
import { randomCode } from './random-code';

const CASES = Number(process.env.RINGSCOPE_DECODER_CASES ?? 60_000);
const CODE = 0x10000;
const LONGEST = 15;
const UNDEFINED = 0x100;
/** Instructions that a message shows, one line each. */
const SHOWN = 30;

/** CPUID features in iced's terms that the processor announces, and those older than CPUID. */
const ANNOUNCED = new Set<CpuidFeature>([
  CpuidFeature.INTEL8086,
  CpuidFeature.INTEL186,
  CpuidFeature.INTEL286,
  CpuidFeature.INTEL386,
  CpuidFeature.INTEL486,
  CpuidFeature.X64,
  CpuidFeature.CMOV,
  CpuidFeature.CMPXCHG16B,
  CpuidFeature.CPUID,
  CpuidFeature.CX8,
  CpuidFeature.FSGSBASE,
  CpuidFeature.INVEPT,
  CpuidFeature.INVVPID,
  CpuidFeature.LZCNT,
  CpuidFeature.MOVBE,
  CpuidFeature.MSR,
  CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE,
  CpuidFeature.POPCNT,
  CpuidFeature.RDPID,
  CpuidFeature.RDTSCP,
  CpuidFeature.SEP,
  CpuidFeature.SMAP,
  CpuidFeature.SYSCALL,
  CpuidFeature.TSC,
  CpuidFeature.VMX,
]);

const UNDEFINED_ON_PURPOSE = new Set([Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2]);
/** Intel processors have them in 64-bit mode only (SDM 2). */
const LONG_MODE_ONLY = new Set([Mnemonic.Syscall, Mnemonic.Sysret]);

/** What iced says of the bytes. */
function iced(bytes: Uint8Array, bits: number) {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  decoder.ip = BigInt(CODE);
  const instruction = decoder.decode();
  const { code, length } = instruction;
  const features = [...instruction.cpuidFeatures()];
  const { mnemonic } = instruction;
  const undefined_ = UNDEFINED_ON_PURPOSE.has(mnemonic) || (bits !== 64 && LONG_MODE_ONLY.has(mnemonic));
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const text = formatter.format(instruction);
  formatter.free();
  instruction.free();
  decoder.free();
  return { valid: code !== Code.INVALID, length, undefined_, announced: features.every(f => ANNOUNCED.has(f)), text };
}

async function processor(start: StartState) {
  const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: 1 << 20 });
  const segments = [{ address: CODE, data: Uint8Array.of(0x90), memoryBytes: LONGEST + 1 }];
  const common = {
    path: 'random',
    format: 'flat',
    segments,
    entry: CODE,
    symbols: [],
    lines: [],
    sources: [],
  } as const;
  machine.load({ ...common, segments, symbols: [], lines: [], sources: [], start });
  return machine;
}

const modes = [
  { bits: 64, start: 'long' },
  { bits: 32, start: 'protected' },
  { bits: 16, start: 'protected' },
] as const;
/** CS of 16 bits: D is clear. */
const CODE16_ACCESS = 0x809bn;

describe('decoder', () => {
  for (const { bits, start } of modes)
    it(`agrees with iced-x86 on ${CASES} random instructions of ${bits}-bit code`, async function () {
      this.timeout(60_000);
      const machine = await processor(start);
      if (bits === 16) machine.setRegister('CS_ACCESS', CODE16_ACCESS);
      const { core } = machine['processor'];
      const problems = new Map<string, string>();
      for (let seed = 1; seed <= CASES && problems.size < SHOWN; seed++) {
        const bytes = randomCode(seed * 3 + bits, LONGEST);
        machine.writePhysical(BigInt(CODE), bytes);
        const answer = core.instructionAt(BigInt(CODE));
        const length = answer & 0xff;
        const undefined_ = length === 0 || (answer & UNDEFINED) !== 0;
        const expected = iced(bytes, bits);
        const wrong =
          !expected.valid || expected.undefined_
            ? !undefined_ && 'must be #UD'
            : undefined_
              ? expected.announced && 'must be known'
              : length !== expected.length && `has ${expected.length} bytes, not ${length}`;
        if (wrong) {
          const text = [...bytes].map(b => b.toString(16).padStart(2, '0')).join(' ');
          problems.set(
            expected.valid ? `${expected.text.split(' ')[0]} ${wrong}` : text.slice(0, 11),
            `${text}: ${expected.text} ${wrong}`,
          );
        }
      }
      assert.ok(problems.size === 0, [...problems.values()].join('\n'));
    });
});
