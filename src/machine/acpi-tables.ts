/** The ACPI tables that firmware leaves in memory (ACPI 6.4 chapter 5): they describe the devices of platform.ts. */
import { SLEEP_TYPE_S5 } from '../devices/acpi';
import { ECAM_BASE, ECAM_BUSES, HPET_BASE, IO_APIC_BASE, PM_BASE, RESET_PORT, SCI_LINE } from './platform';

/** Where they lie: in the reserved area below 1 MiB, where RSDP is searched for (5.2.5.1). */
export const ACPI_BASE = 0xf0000;
export const ACPI_BYTES = 0x2000;
const LOCAL_APIC_BASE = 0xfee00000;
const HEADER_BYTES = 36;
const OEM = 'RINGSC';

/** A table under construction: little-endian fields after one another. */
class Table {
  private readonly bytes: number[] = [];
  get length(): number {
    return this.bytes.length;
  }
  int(size: number, ...values: number[]): this {
    for (const value of values) for (let n = 0; n < size; n++) this.bytes.push(Math.floor(value / 2 ** (8 * n)) & 0xff);
    return this;
  }
  text(value: string, size: number): this {
    for (let n = 0; n < size; n++) this.bytes.push(n < value.length ? value.charCodeAt(n) : 0x20);
    return this;
  }
  pad(to: number): this {
    while (this.bytes.length < to) this.bytes.push(0);
    return this;
  }
  raw(bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
  /** A generic address (5.2.3.2): space 0 memory, 1 I/O. */
  address(space: number, bits: number, address: number): this {
    return this.int(1, space, bits, 0, bits === 8 ? 1 : bits === 16 ? 2 : 3).int(8, address);
  }
  done(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

/** The byte that makes the sum of `bytes` zero. */
const checksum = (bytes: Uint8Array): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** A table with its header (5.2.6). */
function table(signature: string, revision: number, fill: (t: Table) => void): Uint8Array {
  const body = new Table();
  fill(body);
  const bytes = new Table()
    .text(signature, 4)
    .int(4, HEADER_BYTES + body.length)
    .int(1, revision, 0)
    .text(OEM, 6)
    .text('RINGSCOP', 8)
    .int(4, 1)
    .text('RING', 4)
    .int(4, 1)
    .raw([...body.done()])
    .done();
  bytes[9] = checksum(bytes);
  return bytes;
}

/** MADT (5.2.12): local APICs, the I/O APIC, ISA line 0 at pin 2, the SCI's level, NMI at LINT1. */
function madt(processors: number): Uint8Array {
  return table('APIC', 3, t => {
    t.int(4, LOCAL_APIC_BASE, 1);
    for (let n = 0; n < processors; n++) t.int(1, 0, 8, n, n).int(4, 1);
    t.int(1, 1, 12, 0, 0).int(4, IO_APIC_BASE, 0);
    t.int(1, 2, 10, 0, 0).int(4, 2).int(2, 0);
    t.int(1, 2, 10, 0, SCI_LINE).int(4, SCI_LINE).int(2, 0x0d);
    t.int(1, 4, 6, 0xff).int(2, 0).int(1, 1);
  });
}
/** FADT (5.2.9), revision 3. */
function fadt(facs: number, dsdt: number): Uint8Array {
  return table('FACP', 3, t => {
    t.int(4, facs, dsdt).int(1, 0, 0).int(2, SCI_LINE);
    t.int(4, 0).int(1, 0, 0, 0, 0); // no SMI command: the machine is in ACPI mode from the start
    t.int(4, PM_BASE, 0, PM_BASE + 4, 0, 0, PM_BASE + 8, 0, 0);
    t.int(1, 4, 2, 0, 4, 0, 0, 0, 0);
    t.int(2, 0xfff, 0xfff, 0, 0); // no C2, no C3, no cache flush by reading
    t.int(1, 0, 0, 0, 0, 0x32); // CMOS century
    t.int(2, 3).int(1, 0); // legacy devices, 8042
    // WBINVD, no power or sleep button as fixed hardware, reset register, a 32-bit timer.
    t.int(4, 1 | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 10));
    t.address(1, 8, RESET_PORT).int(1, 6).int(1, 0, 0, 0);
    t.int(8, facs, dsdt);
    t.address(1, 32, PM_BASE).pad(t.length + 12);
    t.address(1, 16, PM_BASE + 4).pad(t.length + 24);
    t.address(1, 32, PM_BASE + 8).pad(t.length + 24);
  });
}
/** DSDT: only the package \_S5, by which the operating system powers off (7.4.2.6). AML: Name, Package of four bytes. */
function dsdt(): Uint8Array {
  return table('DSDT', 2, t => {
    // The package's length counts itself, the number of elements and the elements.
    t.raw([0x08]).text('_S5_', 4).raw([0x12, 0x08, 0x04, 0x0a, SLEEP_TYPE_S5, 0x0a, SLEEP_TYPE_S5, 0x00, 0x00]);
  });
}
function hpet(): Uint8Array {
  return table('HPET', 1, t => {
    t.int(4, 0x8086a201).address(0, 64, HPET_BASE).int(1, 0).int(2, 128).int(1, 0);
  });
}
function mcfg(): Uint8Array {
  return table('MCFG', 1, t => {
    t.pad(8)
      .int(8, ECAM_BASE)
      .int(2, 0)
      .int(1, 0, ECAM_BUSES - 1)
      .int(4, 0);
  });
}
/** FACS (5.2.10): 64 bytes, without checksum. */
const facs = (): Uint8Array => new Table().text('FACS', 4).int(4, 64).pad(32).int(1, 2).pad(64).done();

/** The tables for `processors` processors, to be copied to ACPI_BASE. RSDP comes first. */
export function acpiTables(processors: number): Uint8Array {
  const bytes = new Uint8Array(ACPI_BYTES);
  let next = 0x40;
  const put = (content: Uint8Array): number => {
    const at = next;
    bytes.set(content, at);
    next = (at + content.length + 63) & ~63;
    return ACPI_BASE + at;
  };
  const tables = [put(fadt(put(facs()), put(dsdt()))), put(madt(processors)), put(hpet()), put(mcfg())];
  const rsdt = put(table('RSDT', 1, t => void t.int(4, ...tables)));
  const xsdt = put(table('XSDT', 1, t => void t.int(8, ...tables)));
  // RSDP (5.2.5.3): the first checksum covers 20 bytes, the second all.
  const rsdp = new Table()
    .text('RSD PTR ', 8)
    .int(1, 0)
    .text(OEM, 6)
    .int(1, 2)
    .int(4, rsdt, 36)
    .int(8, xsdt)
    .pad(36)
    .done();
  rsdp[8] = checksum(rsdp.subarray(0, 20));
  rsdp[32] = checksum(rsdp);
  bytes.set(rsdp, 0);
  return bytes;
}
