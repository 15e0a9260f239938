/** Cached translations (SDM 3A 4.10): stale ones live until they are invalidated, and what invalidates them. */
import * as assert from 'node:assert';
import { done, finish, guest } from './guest';

const VALUE_A = 0xaaaaaaaan;
const VALUE_B = 0xbbbbbbbbn;

/**
 * 64-bit code with linear 0x40000000 mapped to `page_a` by a 4-KByte entry with `flags`. The code's `read N` notes in
 * `seen + N` what the page's first word is; `remap` lets the entry point to `page_b` without telling the processor.
 */
function program(code: string, flags = 3): string {
  return `bits 64
org 0x100000
%macro read 1
  mov eax, [0x40000000]
  mov [seen + %1 * 8], rax
%endmacro
%macro remap 0
  mov qword [0x23000], page_b | ${flags}
%endmacro
page_a equ 0x24000
page_b equ 0x25000
  mov rbx, cr3
  mov rdi, [rbx]              ; PML4E 0, PDPTE 1 gets a page directory of ours
  and rdi, ~0xfff
  mov qword [rdi + 8], 0x22003
  mov qword [0x22000], 0x23003
  mov qword [0x23000], page_a | ${flags}
  mov dword [page_a], 0xaaaaaaaa
  mov dword [page_b], 0xbbbbbbbb
  ; A second set of tables, the same but for its root.
  mov rax, [rbx]
  mov [0x26000], rax
${code}
${done}
align 8
seen: times 8 dq 0
invalidation: dq 0, 0x40000000
idt:`;
}
async function seen(code: string, count: number, flags?: number): Promise<bigint[]> {
  const { machine, symbols } = await guest(program(code, flags));
  const stop = finish(machine);
  assert.strictEqual(
    stop.kind,
    'exit',
    JSON.stringify(stop, (_, v: unknown) => (typeof v === 'bigint' ? v.toString(16) : v)),
  );
  const bytes = machine.readPhysical(symbols.get('seen')!, count * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, n) => view.getBigUint64(n * 8, true));
}
const PGE = 'mov rax, cr4\nor eax, 1 << 7\nmov cr4, rax';
const PCIDE = 'mov rax, cr4\nor eax, 1 << 17\nmov cr4, rax';
const GLOBAL = 0x103;

describe('cached translations', () => {
  it('outlive a changed entry, until INVLPG', async () => {
    assert.deepStrictEqual(await seen('read 0\nremap\nread 1\ninvlpg [0x40000000]\nread 2', 3), [
      VALUE_A,
      VALUE_A,
      VALUE_B,
    ]);
  });
  it('end with MOV to CR3', async () => {
    assert.deepStrictEqual(await seen('read 0\nremap\nread 1\nmov cr3, rbx\nread 2', 3), [VALUE_A, VALUE_A, VALUE_B]);
  });
  it('of global pages do not, but with INVLPG', async () => {
    const code = `${PGE}\nread 0\nremap\nmov cr3, rbx\nread 1\nmov eax, 0x26000\nmov cr3, rax\nread 2\ninvlpg [0x40000123]\nread 3`;
    assert.deepStrictEqual(await seen(code, 4, GLOBAL), [VALUE_A, VALUE_A, VALUE_A, VALUE_B]);
  });
  it('of global pages end when CR4.PGE changes', async () => {
    const code = `${PGE}\nread 0\nremap\nmov cr3, rbx\nread 1\nmov rax, cr4\nand eax, ~(1 << 7)\nmov cr4, rax\nread 2`;
    assert.deepStrictEqual(await seen(code, 3, GLOBAL), [VALUE_A, VALUE_A, VALUE_B]);
  });
  it('without CR4.PGE no page is global', async () => {
    assert.deepStrictEqual(await seen('read 0\nremap\nmov cr3, rbx\nread 1', 2, GLOBAL), [VALUE_A, VALUE_B]);
  });
  it('a write through a global page sets the dirty bit although the page is cached', async () => {
    const code = `${PGE}\nread 0\nmov cr3, rbx\nmov dword [0x40000000], 5\nmov rax, [0x23000]\nand eax, 0x40\nmov [seen + 8], rax`;
    assert.deepStrictEqual(await seen(code, 2, GLOBAL), [VALUE_A, 0x40n]);
  });

  /** CR3 = tables at RBX with identifier 1, `keep`: with bit 63. */
  const first = (keep = false): string => `mov eax, 1\nor rax, rbx\n${keep ? 'bts rax, 63\n' : ''}mov cr3, rax`;
  const second = 'mov eax, 0x26002\nmov cr3, rax';
  it('belong to a process-context identifier: another does not see them', async () => {
    const code = `${PCIDE}\n${first()}\nread 0\nremap\n${second}\nread 1`;
    assert.deepStrictEqual(await seen(code, 2), [VALUE_A, VALUE_B]);
  });
  it('come back with their identifier if bit 63 of CR3 keeps them', async () => {
    const note = 'mov rax, cr3\nmov [seen + 16], rax';
    const code = `${PCIDE}\n${first()}\nread 0\nremap\n${second}\n${first(true)}\nread 1\n${note}\n${first()}\nread 3`;
    const [before, kept, cr3, dropped] = await seen(code, 4);
    assert.deepStrictEqual([before, kept, dropped], [VALUE_A, VALUE_A, VALUE_B]);
    assert.strictEqual(cr3 & ((1n << 63n) | 0xfffn), 1n);
  });
  for (const [type, global, expected] of [
    [0, 3, VALUE_B],
    [1, 3, VALUE_B],
    [2, 3, VALUE_B],
    [3, 3, VALUE_B],
    [1, GLOBAL, VALUE_A],
    [2, GLOBAL, VALUE_B],
    [3, GLOBAL, VALUE_A],
  ] as const)
    it(`INVPCID type ${type}, ${global === GLOBAL ? 'global' : 'not global'}`, async () => {
      const code = `${PGE}\nread 0\nremap\nmov eax, ${type}\ninvpcid rax, [invalidation]\nread 1`;
      assert.deepStrictEqual(await seen(code, 2, global), [VALUE_A, expected]);
    });

  const refused: readonly (readonly [string, string])[] = [
    ['INVPCID of type 4', 'mov eax, 4\ninvpcid rax, [invalidation]'],
    ['INVPCID with a reserved bit', 'mov qword [invalidation], 0x1000\nmov eax, 1\ninvpcid rax, [invalidation]'],
    [
      'INVPCID of an identifier without CR4.PCIDE',
      'mov qword [invalidation], 1\nmov eax, 1\ninvpcid rax, [invalidation]',
    ],
    [
      'INVPCID of a non-canonical address',
      'mov rax, 1 << 60\nmov [invalidation + 8], rax\nxor eax, eax\ninvpcid rax, [invalidation]',
    ],
    ['CR4.PCIDE while CR3 has an identifier', `mov rax, rbx\nor eax, 0x18\nmov cr3, rax\n${PCIDE}`],
    ['CR0.PG cleared with CR4.PCIDE', `${PCIDE}\nmov rax, cr0\nbtr rax, 31\nmov cr0, rax`],
    ['bit 63 of CR3 without CR4.PCIDE', 'mov rax, rbx\nbts rax, 63\nmov cr3, rax'],
  ];
  for (const [name, code] of refused)
    it(`#GP(0): ${name}`, async () => {
      const { machine } = await guest(program(code));
      const vectors: number[] = [];
      machine.on('exception', fact => {
        vectors.push(fact.vector);
        return true;
      });
      machine.run(1000);
      assert.strictEqual(vectors[0], 13);
    });
});
