/** The x87 register stack, and its status and tag words (SDM 1 8.1). */
import { State } from '../generated/state.generated';

/** Status word: any unmasked exception is pending; TOP in bits 13:11; busy repeats ES. */
export const ES_BIT: u16 = 0x80;
export const TOP_MASK: u16 = 0x3800;
export const STACK_FAULT: u16 = 0x40;
export const C0: u16 = 0x100;
export const C1: u16 = 0x200;
export const C2: u16 = 0x400;
export const C3: u16 = 0x4000;
export const BUSY: u16 = 0x8000;

@inline export function top(): u32 { return <u32>(load<u16>(State.FSW) >> 11) & 7; }
export function setTop(n: u32): void { store<u16>(State.FSW, (load<u16>(State.FSW) & ~TOP_MASK) | <u16>((n & 7) << 11)); }
/** Address of ST(i). */
@inline export function stAt(i: u32): usize { return <usize>State.FPR0 + (<usize>((top() + i) & 7) << 4); }
@inline export function isEmpty(i: u32): bool { return !((load<u8>(State.FTW) >> <u8>((top() + i) & 7)) & 1); }
export function setValid(i: u32): void { store<u8>(State.FTW, load<u8>(State.FTW) | <u8>(<u32>1 << ((top() + i) & 7))); }
export function setEmpty(i: u32): void { store<u8>(State.FTW, load<u8>(State.FTW) & ~<u8>(<u32>1 << ((top() + i) & 7))); }

/** ES and B follow the exceptions that are flagged and not masked. */
export function summarize(): void {
  const status = load<u16>(State.FSW);
  const pending = (status & ~load<u16>(State.FCW) & 0x3f) != 0;
  store<u16>(State.FSW, (status & ~(ES_BIT | BUSY)) | (pending ? ES_BIT | BUSY : 0));
}
/** Control word as stored: bit 6 reads 1, the upper reserved bits 0 (SDM 1 8.1.5). */
@inline export function controlWord(value: u16): u16 { return (value & 0x1f7f) | 0x40; }
export function setControlWord(value: u16): void {
  store<u16>(State.FCW, controlWord(value));
  summarize();
}
/** FNINIT. */
export function initialize(): void {
  store<u16>(State.FCW, 0x37f);
  store<u16>(State.FSW, 0);
  store<u8>(State.FTW, 0);
  store<u16>(State.FOP, 0);
  store<u64>(State.FIP, 0);
  store<u64>(State.FDP, 0);
}
