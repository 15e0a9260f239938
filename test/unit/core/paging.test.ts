/** The page walker: rights, accessed and dirty bits, page sizes, and its record without side effects. */
import * as assert from 'node:assert';
import type { AddressContext } from '../../../src/machine/walk';
import { Machine } from '../../../src/machine/machine';
import { guest } from './guest';

const P = 1n;
const W = 2n;
const U = 4n;
const A = 0x20n;
const D = 0x40n;
const PS = 0x80n;
const NX = 1n << 63n;

/** Tables at 0x200000: one PML4, PDPT, PD and PT for linear 0x40000000 upwards; nothing else is mapped there. */
const LINEAR = 0x40000000n;
const TABLES = { pml4: 0x200000n, pdpt: 0x201000n, pd: 0x202000n, pt: 0x203000n };

interface Entries {
  pml4e?: bigint;
  pdpte?: bigint;
  pde?: bigint;
  pte?: bigint;
}

async function machineWith(entries: Entries): Promise<Machine> {
  const { machine } = await guest('bits 64\norg 0x100000\nhlt');
  const put = (address: bigint, value: bigint): void => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    assert.strictEqual(machine.writePhysical(address, bytes), 8);
  };
  put(TABLES.pml4, entries.pml4e ?? TABLES.pdpt | P | W | U);
  put(TABLES.pdpt + 8n, entries.pdpte ?? TABLES.pd | P | W | U);
  put(TABLES.pd, entries.pde ?? TABLES.pt | P | W | U);
  put(TABLES.pt, entries.pte ?? 0x5000n | P | W | U);
  return machine;
}
function context(more: Partial<AddressContext> = {}): AddressContext {
  return { cr0: 0x80010011n, cr3: TABLES.pml4, cr4: 0x20n, efer: 0xd00n, rflags: 2n, eptp: 0n, cpl: 0, ...more };
}

describe('4-level paging', () => {
  const rights: [
    name: string,
    entries: Entries,
    access: 'read' | 'write' | 'execute',
    cpl: number,
    error: bigint | undefined,
    more?: Partial<AddressContext>,
  ][] = [
    ['a supervisor reads a user page', {}, 'read', 0, undefined],
    ['a user writes a user page', {}, 'write', 3, undefined],
    ['a user may not read a supervisor page', { pte: 0x5000n | P | W }, 'read', 3, 5n],
    ['U/S counts at every level', { pdpte: TABLES.pd | P | W }, 'read', 3, 5n],
    ['a user may not write a read-only page', { pte: 0x5000n | P | U }, 'write', 3, 7n],
    ['nor a supervisor with CR0.WP', { pte: 0x5000n | P | U }, 'write', 0, 3n],
    ['but without CR0.WP it may', { pte: 0x5000n | P | U }, 'write', 0, undefined, { cr0: 0x80000011n }],
    ['XD forbids fetching', { pte: 0x5000n | P | W | U | NX }, 'execute', 0, 0x11n],
    ['XD in an upper level too', { pml4e: TABLES.pdpt | P | W | U | NX }, 'execute', 3, 0x15n],
    ['XD without EFER.NXE is a reserved bit', { pte: 0x5000n | P | NX }, 'read', 0, 9n, { efer: 0x500n }],
    ['an address beyond 39 bits is a reserved bit', { pde: (1n << 40n) | P }, 'read', 0, 9n],
    ['PS in a PML4E is reserved', { pml4e: TABLES.pdpt | P | PS }, 'read', 0, 9n],
    ['SMEP keeps a supervisor from user code', {}, 'execute', 0, 0x11n, { cr4: 0x100020n }],
    ['SMAP keeps a supervisor from user data', {}, 'read', 0, 1n, { cr4: 0x200020n }],
    ['unless AC is set', {}, 'read', 0, undefined, { cr4: 0x200020n, rflags: 0x40002n }],
    ['not present', { pte: 0n }, 'write', 3, 6n],
  ];
  for (const [name, entries, access, cpl, error, more] of rights)
    it(name, async () => {
      const machine = await machineWith(entries);
      const { result } = machine.walk(LINEAR + 0x123n, 'linear', access, context({ cpl, ...more }));
      if (error === undefined) assert.deepStrictEqual(result, { ok: true, guestPhysical: 0x5123n, address: 0x5123n });
      else assert.strictEqual(!result.ok && result.fault.kind === 'page-fault' && result.fault.code, error);
    });

  it('maps 2-MByte and 1-GByte pages', async () => {
    const two = await machineWith({ pde: 0x600000n | P | PS });
    const record = two.walk(LINEAR + 0x12345n, 'linear', 'read', context());
    assert.deepStrictEqual(record.result, { ok: true, guestPhysical: 0x612345n, address: 0x612345n });
    assert.deepStrictEqual(
      record.steps.map(({ level, verdict, pageSize }) => [level, verdict, pageSize]),
      [
        [4, 'next', undefined],
        [3, 'next', undefined],
        [2, 'page', 0x200000],
      ],
    );
    const one = await machineWith({ pdpte: 0x40000000n | P | PS });
    assert.deepStrictEqual(one.walk(LINEAR + 0x765432n, 'linear', 'read', context()).result, {
      ok: true,
      guestPhysical: 0x40765432n,
      address: 0x40765432n,
    });
  });

  it('walks of the debugger change nothing; those of the processor set A and D', async () => {
    const { machine, symbols } = await guest(
      `bits 64
       org 0x100000
       mov rax, 0x200000
       mov cr3, rax
       mov rbx, [rel value]
       mov rcx, 0x40000000
       mov rdx, [rcx]
       read_done: mov [rcx], rdx
       write_done: hlt
       value: dq 1`,
    );
    const view = (address: bigint): bigint =>
      machine.readPhysical(address, 8).reduceRight((v, b) => (v << 8n) | BigInt(b), 0n);
    const put = (address: bigint, value: bigint): void => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      machine.writePhysical(address, bytes);
    };
    put(TABLES.pml4, TABLES.pdpt | P | W);
    put(TABLES.pdpt, 0n | P | W | PS); // the program itself: a 1-GByte page
    put(TABLES.pdpt + 8n, TABLES.pd | P | W);
    put(TABLES.pd, TABLES.pt | P | W);
    put(TABLES.pt, 0x5000n | P | W);
    machine.walk(LINEAR, 'linear', 'write', context());
    assert.strictEqual(view(TABLES.pt), 0x5000n | P | W);
    machine.watchCode([symbols.get('read_done')!]);
    assert.strictEqual(machine.run(100).kind, 'code');
    assert.strictEqual(view(TABLES.pt), 0x5000n | P | W | A);
    assert.strictEqual(view(TABLES.pd), TABLES.pt | P | W | A);
    machine.watchCode([symbols.get('write_done')!]);
    machine.run(100);
    assert.strictEqual(view(TABLES.pt), 0x5000n | P | W | A | D);
  });

  it('refuses non-canonical addresses', async () => {
    const machine = await machineWith({});
    const { result } = machine.walk(1n << 60n, 'linear', 'read', context());
    assert.strictEqual(!result.ok && result.fault.kind, 'non-canonical');
  });
});

describe('legacy paging', () => {
  it('32-bit: two levels, and 4-MByte pages with CR4.PSE', async () => {
    const { machine } = await guest('bits 64\norg 0x100000\nhlt');
    const put = (address: bigint, value: number): void => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, value, true);
      machine.writePhysical(address, bytes);
    };
    put(0x200000n + 4n, 0x201003);
    put(0x201000n + 4n * 5n, 0x7003);
    put(0x200000n + 8n, 0x800083);
    const legacy = context({ cr3: 0x200000n, cr4: 0x10n, efer: 0n });
    assert.deepStrictEqual(machine.walk(0x405678n, 'linear', 'read', legacy).result, {
      ok: true,
      guestPhysical: 0x7678n,
      address: 0x7678n,
    });
    assert.deepStrictEqual(machine.walk(0x812345n, 'linear', 'write', legacy).result, {
      ok: true,
      guestPhysical: 0x812345n,
      address: 0x812345n,
    });
    assert.strictEqual(machine.walk(0xc00000n, 'linear', 'read', legacy).result.ok, false);
  });
});

describe('EPT', () => {
  const EPT_RWX = 7n;
  /** EPT at 0x300000: 4-KByte pages, guest-physical = host-physical for the first 2 MiB and the tables of machineWith. */
  async function nested(): Promise<{ machine: Machine; context: AddressContext; leaf(page: bigint): bigint }> {
    const machine = await machineWith({});
    const put = (address: bigint, value: bigint): void => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      machine.writePhysical(address, bytes);
    };
    put(0x300000n, 0x301000n | EPT_RWX);
    put(0x301000n, 0x302000n | EPT_RWX);
    put(0x302000n, 0x303000n | EPT_RWX);
    put(0x302008n, 0x304000n | EPT_RWX);
    for (let n = 0n; n < 512n; n++) {
      put(0x303000n + n * 8n, (n << 12n) | 0x30n | EPT_RWX);
      put(0x304000n + n * 8n, (0x200000n + (n << 12n)) | 0x30n | EPT_RWX);
    }
    return {
      machine,
      context: context({ eptp: 0x300000n | 0x1en }),
      leaf: page => (page < 0x200000n ? 0x303000n + (page >> 12n) * 8n : 0x304000n + ((page - 0x200000n) >> 12n) * 8n),
    };
  }

  it('a 4-KByte page under 4-level EPT takes 24 references: 4 guest, 20 EPT', async () => {
    const { machine, context: nestedContext } = await nested();
    const record = machine.walk(LINEAR, 'linear', 'read', nestedContext);
    assert.deepStrictEqual(record.result, { ok: true, guestPhysical: 0x5000n, address: 0x5000n });
    assert.deepStrictEqual([record.references, record.guestReferences, record.eptReferences], [24, 4, 20]);
    assert.deepStrictEqual(
      record.steps.map(step => step.reference),
      [...Array(24).keys()].map(n => n + 1),
    );
  });

  const faults: [string, (leaf: (page: bigint) => bigint) => [bigint, bigint], string, bigint][] = [
    ['the page itself is missing', leaf => [leaf(0x5000n), 0n], 'ept-violation', 0x182n],
    ['the page is read-only', leaf => [leaf(0x5000n), 0x5031n], 'ept-violation', 0x18an],
    [
      'a guest table is missing: the access is a read of a table',
      leaf => [leaf(TABLES.pt), 0n],
      'ept-violation',
      0x81n,
    ],
    ['writable but not readable', leaf => [leaf(0x5000n), 0x5032n], 'ept-misconfiguration', 0n],
    ['memory type 2', leaf => [leaf(0x5000n), 0x5017n], 'ept-misconfiguration', 0n],
    ['a reserved address bit', leaf => [leaf(0x5000n), (1n << 45n) | 0x5037n], 'ept-misconfiguration', 0n],
  ];
  for (const [name, entry, kind, code] of faults)
    it(name, async () => {
      const { machine, context: nestedContext, leaf } = await nested();
      const [address, value] = entry(leaf);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      machine.writePhysical(address, bytes);
      const { result } = machine.walk(LINEAR, 'linear', 'write', nestedContext);
      assert.ok(!result.ok);
      assert.deepStrictEqual([result.fault.kind, result.fault.code], [kind, code]);
    });
});
