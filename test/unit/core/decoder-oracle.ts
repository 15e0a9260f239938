/** iced-x86 as the oracle of the decoder, and a processor whose decoder is asked. */
import { readFileSync } from 'node:fs';
import { Code, CpuidFeature, Decoder, DecoderOptions, Formatter, FormatterSyntax, Mnemonic } from 'iced-x86';
import { Machine } from '../../../src/machine/machine';
import type { StartState } from '../../../src/program/program';

export const CODE = 0x10000;
export const LONGEST = 15;
/** In the answer of instructionAt(): the instruction would raise #UD. */
export const UNDEFINED = 0x100;

/** CPUID features in iced's terms that the processor announces, and those older than CPUID. */
const ANNOUNCED = new Set<CpuidFeature>([
  CpuidFeature.INTEL8086,
  CpuidFeature.INTEL186,
  CpuidFeature.INTEL286,
  CpuidFeature.INTEL386,
  CpuidFeature.INTEL486,
  CpuidFeature.X64,
  CpuidFeature.ADX,
  CpuidFeature.BMI1,
  CpuidFeature.BMI2,
  CpuidFeature.CLDEMOTE,
  CpuidFeature.CLFLUSHOPT,
  CpuidFeature.CLFSH,
  CpuidFeature.CLWB,
  CpuidFeature.INVPCID,
  CpuidFeature.MONITOR,
  CpuidFeature.MOVDIRI,
  CpuidFeature.PREFETCHW,
  CpuidFeature.RDRAND,
  CpuidFeature.RDSEED,
  CpuidFeature.WBNOINVD,
  CpuidFeature.CMOV,
  CpuidFeature.CMPXCHG16B,
  CpuidFeature.CPUID,
  CpuidFeature.CX8,
  CpuidFeature.FPU,
  CpuidFeature.FPU287,
  CpuidFeature.FPU387,
  CpuidFeature.FSGSBASE,
  CpuidFeature.FXSR,
  CpuidFeature.INVEPT,
  CpuidFeature.INVVPID,
  CpuidFeature.LZCNT,
  CpuidFeature.MOVBE,
  CpuidFeature.MMX,
  CpuidFeature.MSR,
  CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE,
  CpuidFeature.POPCNT,
  CpuidFeature.RDPID,
  CpuidFeature.RDTSCP,
  CpuidFeature.SEP,
  CpuidFeature.SMAP,
  CpuidFeature.SSE,
  CpuidFeature.SSE2,
  CpuidFeature.SSE3,
  CpuidFeature.SSE4_1,
  CpuidFeature.SSE4_2,
  CpuidFeature.SSSE3,
  CpuidFeature.SYSCALL,
  CpuidFeature.TSC,
  CpuidFeature.VMX,
  CpuidFeature.XSAVE,
  CpuidFeature.XSAVEC,
  CpuidFeature.XSAVEOPT,
  CpuidFeature.XSAVES,
]);

const UNDEFINED_ON_PURPOSE = new Set([Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2]);
/** Intel processors have them in 64-bit mode only (SDM 2). */
const LONG_MODE_ONLY = new Set([Mnemonic.Syscall, Mnemonic.Sysret]);

/** What iced says of the bytes. */
export function iced(bytes: Uint8Array, bits: number) {
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
  const announced = features.every(f => ANNOUNCED.has(f));
  return { valid: code !== Code.INVALID, length, undefined_, announced, features, text };
}

export async function processor(start: StartState) {
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
