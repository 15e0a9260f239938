/** The ACPI tables against the reference disassembler, iasl: it reads every one without a complaint, and as it was meant. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acpiTables } from '../../src/machine/acpi-tables';
import { run } from './tool';

/** What the disassembly of each table shows at least. */
const SHOWS: Record<string, RegExp[]> = {
  FACS: [/Length : 00000040/],
  DSDT: [/Name \(_S5, Package \(0x04\)[^{]*\{\s*0x05,\s*0x05,\s*Zero,\s*Zero\s*\}\)/],
  FACP: [/PM Timer Block Address : 00000608/, /Value to cause reset : 06/, /SCI Interrupt : 0009/],
  APIC: [/Local Apic ID : 03/, /Address : FEC00000/, /Interrupt : 00000002/],
  HPET: [/Address : 00000000FED00000/],
  MCFG: [/Base Address : 00000000E0000000/, /End Bus Number : FF/],
  RSDT: [/ACPI Table Address\s+3/],
  XSDT: [/ACPI Table Address\s+3/],
};

describe('the ACPI tables', () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(path.join(tmpdir(), 'ringscope-acpi-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const tables = acpiTables(4);
  const view = new DataView(tables.buffer);

  it('begin with a root pointer whose sums are zero', () => {
    const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
    assert.equal(Buffer.from(tables.subarray(0, 8)).toString(), 'RSD PTR ');
    assert.deepEqual([sum(tables.subarray(0, 20)), sum(tables.subarray(0, 36))], [0, 0]);
  });
  for (const [signature, shows] of Object.entries(SHOWS))
    it(`${signature} disassembles`, () => {
      const at = Buffer.from(tables).indexOf(signature);
      assert.ok(at > 0 && at % 64 === 0);
      writeFileSync(path.join(folder, `${signature}.dat`), tables.subarray(at, at + view.getUint32(at + 4, true)));
      const { status, stdout, stderr } = run('iasl', ['-d', `${signature}.dat`], { cwd: folder });
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stdout + stderr, /error|warning|invalid|incorrect|truncated/i);
      const text = readFileSync(path.join(folder, `${signature}.dsl`), 'latin1');
      for (const expected of shows) assert.match(text, expected);
      assert.doesNotMatch(text, /incorrect checksum|should be/i);
    });
});
