/** Physical memory: RAM, its page map, and the devices behind the host's imports. Addresses are host-physical. */
import { PAGES, PAGE_CODE, PAGE_DIRTY, PAGE_RAM, RAM } from './layout';
import { invalidateCode } from './blocks';
import { apicRead, apicWrite, inApicPage } from './apic';
import { memoryRead, memoryWrite } from './host';
import { publishTime } from './stop';

let ramBytes: u64 = 0;

/** Declares `bytes` of RAM from address 0, with the hole of the legacy video memory (0xA0000-0xBFFFF). */
export function setRam(bytes: u64): void {
  ramBytes = bytes;
  const pages = <usize>(bytes >> 12);
  memory.fill(PAGES, 0, 0x100000);
  memory.fill(PAGES, PAGE_RAM, pages);
  memory.fill(PAGES + 0xa0, 0, 0x20);
}

@inline export function pageFlags(address: u64): u8 {
  return address >> 32 ? 0 : load<u8>(PAGES + <usize>(address >> 12));
}
/** Whether `bytes` from `address` lie in RAM, within one page or consecutive RAM pages. */
export function inRam(address: u64, bytes: u64): bool {
  return address + bytes <= ramBytes && (pageFlags(address) & PAGE_RAM) != 0 && (pageFlags(address + bytes - 1) & PAGE_RAM) != 0;
}
/** Host pointer of a RAM address. */
@inline export function ramPointer(address: u64): usize { return RAM + <usize>address; }

/** Before a write of `bytes` bytes within a RAM page: notes it dirty and forgets what was decoded from them. */
@inline export function touch(address: u64, bytes: u32): void {
  const at = PAGES + <usize>(address >> 12);
  const flags = load<u8>(at);
  if (flags & PAGE_CODE && !invalidateCode(address, bytes)) store<u8>(at, (flags & ~PAGE_CODE) | PAGE_DIRTY);
  else store<u8>(at, flags | PAGE_DIRTY);
}

/** Reads 1, 2, 4 or 8 bytes that do not cross a page; where nothing answers, all ones. */
@inline export function readPhysical<T>(address: u64): T {
  if (pageFlags(address) & PAGE_RAM) return load<T>(ramPointer(address));
  return <T>busRead(address, sizeof<T>());
}
export function writePhysical<T>(address: u64, value: T): void {
  if (pageFlags(address) & PAGE_RAM) {
    touch(address, sizeof<T>());
    store<T>(ramPointer(address), value);
  } else busWrite(address, sizeof<T>(), <u64>value);
}

/** An access of 1 to 8 bytes to what is not RAM: the processor's own APIC, else a device. */
export function busRead(address: u64, size: u32): u64 {
  if (inApicPage(address)) return apicRead(address, size);
  publishTime();
  return memoryRead(address, size);
}
export function busWrite(address: u64, size: u32, value: u64): void {
  if (inApicPage(address)) { apicWrite(address, size, value); return; }
  publishTime();
  memoryWrite(address, size, value);
}
