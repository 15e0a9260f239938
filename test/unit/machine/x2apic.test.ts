/** The registers of x2APIC mode against the manual's table (SDM 3A table 10-6): which can be read, written, and with which bits. */
import assert from 'node:assert/strict';
import { done, finish, guest } from '../core/guest';

const BEFORE = 0x800;
const END = 0x840;
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);
const READ_ONLY = [0x802, 0x803, 0x80a, 0x80d, ...range(0x810, 0x827), 0x839];
/** Bits that may be 1; all others are reserved, those of the high word too unless named. */
const WRITABLE = new Map<number, bigint>([
  [0x808, 0xffn],
  [0x80b, 0n],
  [0x80f, 0x1ffn],
  [0x828, 0n],
  // Delivery status (bit 12) is no more, but not checked either.
  [0x830, 0xffffffff000cdfffn],
  [0x832, 0x000710ffn],
  [0x833, 0x000117ffn],
  [0x834, 0x000117ffn],
  [0x835, 0x0001f7ffn],
  [0x836, 0x0001f7ffn],
  [0x837, 0x000110ffn],
  [0x838, 0xffffffffn],
  [0x83e, 0xbn],
  [0x83f, 0xffn],
]);
const WRITE_ONLY = [0x80b, 0x83f];

interface Access {
  index: number;
  value: bigint;
  write: boolean;
}
/** Whether each access completes (true) or is refused with #GP(0). */
async function outcomes(accesses: readonly Access[]): Promise<boolean[]> {
  const table = accesses.map(({ index, value, write }) => `dd ${index}, ${Number(write)}\n dq 0x${value.toString(16)}`);
  const g = await guest(
    `bits 64
    org 0x100000
    mov rsp, 0x80000
    lidt [idtr]
    mov ecx, 0x1b
    rdmsr
    or eax, 0xc00
    wrmsr
    mov rsi, table
    mov rdi, results
  .next:
    cmp rsi, table_end
    jae .end
    mov ecx, [rsi]
    mov eax, [rsi + 8]
    mov edx, [rsi + 12]
    mov bl, 1
    cmp dword [rsi + 4], 0
    je .read
    wrmsr
    jmp .told
  .read:
    rdmsr
  .told:
    mov [rdi], bl
    inc rdi
    add rsi, 16
    jmp .next
  .end:
    ${done}
  refused:
    ; A vector's error code, then RIP: behind the two bytes of the instruction.
    add rsp, 8
    add qword [rsp], 2
    mov bl, 0
    iretq
  idtr: dw 14 * 16 - 1
    dq idt
    align 16
  idt: times 13 * 16 db 0
    dw (refused - $$ + 0x100000) & 0xffff, 8
    db 0, 0x8e
    dw (refused - $$ + 0x100000) >> 16
    dd 0, 0
    align 8
  table:
    ${table.join('\n ')}
  table_end:
  results: times ${accesses.length} db 0`,
  );
  assert.equal(finish(g.machine).kind, 'exit');
  return [...g.machine.readPhysical(g.symbols.get('results')!, accesses.length)].map(byte => byte === 1);
}
async function compare(accesses: readonly Access[], allowed: (access: Access) => boolean): Promise<void> {
  const seen = await outcomes(accesses);
  const wrong = accesses.filter((access, n) => seen[n] !== allowed(access));
  assert.deepEqual(wrong.map(({ index, value }) => `0x${index.toString(16)}: 0x${value.toString(16)}`), []); // prettier-ignore
}

describe('x2APIC registers', () => {
  it('can be read, but for EOI and SELF IPI and what does not exist', async () => {
    const accesses = range(BEFORE, END - 1).map(index => ({ index, value: 0n, write: false }));
    await compare(
      accesses,
      ({ index }) => READ_ONLY.includes(index) || (WRITABLE.has(index) && !WRITE_ONLY.includes(index)),
    );
  });
  it('refuse writes to what is read-only or does not exist', async () => {
    const accesses = range(BEFORE, END - 1)
      .filter(index => !WRITABLE.has(index))
      .map(index => ({ index, value: 0n, write: true }));
    await compare(accesses, () => false);
  });
  it('refuse every reserved bit, and take every other one', async () => {
    // Masked or without effect: an interrupt command to a processor that is not there, the timer last.
    const harmless = new Map([[0x830, 0xff00000000n], [0x83f, 0x40n]]); // prettier-ignore
    const accesses = [...WRITABLE.keys()].flatMap(index =>
      range(0, 63).map(bit => ({ index, value: (1n << BigInt(bit)) | (harmless.get(index) ?? 0n), write: true })),
    );
    // Shorthands would reach this processor: those two bits are the self-IPI tests' business.
    const kept = accesses.filter(({ index, value }) => index !== 0x830 || !(value & 0xc0000n));
    await compare(kept, ({ index, value }) => (value & ~WRITABLE.get(index)!) === 0n);
  });
});
