/** Breakpoints of the debug registers, as a guest sets them for itself (SDM 3B 17.2), and RFLAGS.RF. */
import * as assert from 'node:assert';
import { done, finish, guest } from './guest';

/** A 64-bit program with #DB, #BP, #DE and #UD handlers; every #DB stores DR6 and RIP as a row of `log`. */
const frame = (body: string): string => `
    bits 64
    org 0x100000
%macro gate 2
    mov rax, %2
    mov [idt + %1 * 16], ax
    mov word [idt + %1 * 16 + 2], 8
    mov word [idt + %1 * 16 + 4], 0x8e00
    shr rax, 16
    mov [idt + %1 * 16 + 6], ax
%endmacro
start:
    gate 0, on_fault
    gate 1, on_debug
    gate 3, on_breakpoint
    gate 6, on_fault
    lidt [idt_pointer]
    mov rbx, log
    ${body}
    ${done}
on_debug:
    mov rax, dr6
    mov [rbx], rax
    mov rax, [rsp]
    mov [rbx + 8], rax
    add rbx, 16
    mov eax, 0xffff0ff0
    mov dr6, rax
    or dword [rsp + 16], 0x10000      ; RF: do not meet an execution breakpoint again
    iretq
on_breakpoint:
    mov rax, [rsp + 16]
    mov [rbx], rax
    add rbx, 16
    iretq
on_fault:                             ; of an instruction of two bytes
    add qword [rsp], 2
    iretq
align 16
idt:          times 32 * 16 db 0
idt_pointer:  dw 32 * 16 - 1
              dq idt
log:          times 64 dq 0
align 4096
datum:        dq 0
              times 4088 db 0
behind:       dq 0
`;

/** DR6 (the breakpoints that were met) and RIP of every #DB. */
async function debugExceptions(
  body: string,
): Promise<{ met: bigint[]; at: (label: string) => bigint; rips: bigint[] }> {
  const g = await guest(frame(body));
  assert.strictEqual(finish(g.machine).kind, 'exit');
  const log = g.symbols.get('log')!;
  const count = Number(g.machine.register('RBX') - log) / 16;
  const word = (n: number): bigint =>
    g.machine.readPhysical(log + BigInt(8 * n), 8).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const rows = Array.from({ length: count }, (_, n) => n);
  return {
    met: rows.map(n => word(2 * n) & 0xfn),
    rips: rows.map(n => word(2 * n + 1)),
    at: label => g.symbols.get(label)!,
  };
}

const enable = (dr7: number, ...addresses: string[]): string =>
  [...addresses.map((at, n) => `mov rax, ${at}\n mov dr${n}, rax`), `mov eax, ${dr7}\n mov dr7, rax`].join('\n');

describe('breakpoints of the debug registers', () => {
  it('trap behind the instruction that writes a watched datum, not one that reads it', async () => {
    const { met, rips, at } = await debugExceptions(`
      ${enable(0x400 | 2 | (1 << 16) | (2 << 18), 'datum')}
      mov rcx, [datum]
      mov byte [datum + 7], 1
      first: mov qword [datum - 4], 0
      second: mov byte [datum + 8], 1
      inc dword [datum]
      third:`);
    assert.deepStrictEqual(met, [1n, 1n, 1n]);
    assert.deepStrictEqual(rips, ['first', 'second', 'third'].map(at));
  });

  it('with R/W 3 meet reads too, however often the page was read before', async () => {
    const { met } = await debugExceptions(`
      mov rcx, [datum]
      mov [datum], rcx
      ${enable(0x400 | 8 | (3 << 20) | (1 << 22), '0', 'datum + 2')}
      mov al, [datum + 1]
      mov al, [datum + 3]
      mov ax, [datum + 3]
      mov eax, 0x400
      mov dr7, rax
      mov al, [datum + 3]`);
    assert.deepStrictEqual(met, [2n, 2n]);
  });

  it('see accesses that cross a page, and say all that were met', async () => {
    const { met } = await debugExceptions(`
      ${enable(0x400 | 0x22 | (1 << 16) | (3 << 24), 'behind - 1', '0', 'behind')}
      mov [behind - 4], rax`);
    assert.deepStrictEqual(met, [5n]);
  });

  it('are not met by an instruction that faults', async () => {
    const { met } = await debugExceptions(`
      ${enable(0x400 | 2 | (3 << 16) | (2 << 18), 'datum')}
      mov edx, datum
      div byte [rdx]
      clc`);
    assert.deepStrictEqual(met, []);
  });

  it('stop before execution, once', async () => {
    const { met, rips, at } = await debugExceptions(`
      ${enable(0x400 | 2, 'here')}
      mov ecx, 2
      here: nop
      loop here`);
    assert.deepStrictEqual(met, [1n, 1n]);
    assert.deepStrictEqual(rips, [at('here'), at('here')]);
  });

  it('on ports exist with CR4.DE', async () => {
    const body = (de: number): string => `
      mov rax, cr4
      or eax, ${de}
      mov cr4, rax
      ${enable(0x400 | 2 | (2 << 16) | (1 << 18), '0x3fe')}
      mov edx, 0x3ff
      in al, dx
      dec edx
      dec edx
      in al, dx
      mov edx, 0xe9`;
    assert.deepStrictEqual((await debugExceptions(body(8))).met, [1n]);
    assert.deepStrictEqual((await debugExceptions(body(0))).met, []);
  });

  it('RF is set for one instruction: the next trap does not show it', async () => {
    const g = await guest(frame('ud2\n nop\n int3'));
    assert.strictEqual(finish(g.machine).kind, 'exit');
    assert.strictEqual(g.at('log') & 0x10000n, 0n);
  });
});
