/** What the two processors made of one case: where they differ, in words. */
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { Draft } from './draft';
import { AT, CASE_BYTES, DATA_BYTES, FIRST_CASE, FX_BYTES, PATH, RFLAGS, hex } from './layout';
import { fxDifferences, quietly } from './fx-compare';
import { undefinedFlags } from './undefined';

const NAMES = 'RAX RCX RDX RBX RSP RBP RSI RDI R8 R9 R10 R11 R12 R13 R14 R15'.split(' ');
/** What pushed images of faults and traps add (RF), and what the privilege level decides (IF, IOPL). */
const RF_IOPL_IF = 0x13200n;
const GENERAL_PROTECTION = 13;

/** Lines like `RAX: host 0x1, here 0x2`; none when the processors agree. */
export function differences(draft: Draft, n: number, host: Uint8Array, here: Uint8Array): string[] {
  const at = FIRST_CASE + n * CASE_BYTES;
  const a = new DataView(host.buffer, host.byteOffset + at, CASE_BYTES);
  const b = new DataView(here.buffer, here.byteOffset + at, CASE_BYTES);
  const lines: string[] = [];
  const compare = (name: string, offset: number, mask = 0xffffffffffffffffn): void => {
    const x = a.getBigUint64(offset, true) & mask;
    const y = b.getBigUint64(offset, true) & mask;
    if (x !== y) lines.push(`${name}: host ${hex(x)}, here ${hex(y)}`);
  };
  compare('path', AT.path);
  const path = Number(a.getBigUint64(AT.path, true));
  if (path >= PATH.faulted) compare('RIP of the fault', AT.rip);
  if (path === PATH.faulted + GENERAL_PROTECTION) compare('error code', AT.error);
  if (draft.undefinedResult) return lines;
  NAMES.forEach((name, r) => compare(name, AT.registers + 8 * r));
  const comparison = quietly(draft, host.subarray(at + AT.fx));
  const flags = comparison ? 0x8d5n : BigInt(undefinedFlags(draft.operation, draft.count, draft.width));
  compare('RFLAGS', AT.registers + 8 * RFLAGS, ~(RF_IOPL_IF | flags) & 0xffffffffffffffffn);
  for (const { at: from, bytes } of draft.ignored)
    for (const image of [host, here]) image.fill(0, at + AT.data + from, at + AT.data + from + bytes);
  for (let offset = 0; offset < DATA_BYTES; offset += 8) compare(`data+${offset}`, AT.data + offset);
  const fx = (bytes: Uint8Array): Uint8Array => bytes.subarray(at + AT.fx, at + AT.fx + FX_BYTES);
  lines.push(...fxDifferences(draft, fx(host), fx(here)));
  return lines;
}

/** The case for a reader: its number, bytes, text and state. */
export function describe(seed: number, draft: Draft): string {
  const { instruction } = draft.code(0, 0);
  const bytes = [...instruction].map(b => b.toString(16).padStart(2, '0')).join(' ');
  const state = draft.registers.map((value, n) => `${NAMES[n]}=${hex(value)}`).join(' ');
  return `case ${seed}: ${disassembled(instruction, draft.entry)} (${bytes}) at ${hex(draft.entry)}\n    ${state} RFLAGS=${hex(draft.flags)}`;
}
function disassembled(bytes: Uint8Array, address: number): string {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const texts: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    texts.push(formatter.format(instruction));
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return texts.join('; ');
}
