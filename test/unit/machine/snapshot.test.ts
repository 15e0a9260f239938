/** Snapshots: what comes back is the machine, bit for bit, and a chain holds only what changed. */
import * as assert from 'node:assert';
import { createHash } from 'node:crypto';
import { snapshotBytes } from '../../../src/machine/snapshot';
import { guest, type Guest } from '../core/guest';

/** Writes a new page every few hundred instructions, with a timer that interrupts on the way. */
const PROGRAM = `bits 64
  org 0x100000
  start: mov rsp, 0x80000
  lidt [idtr]
  mov ebx, 0xfee00000
  mov dword [rbx + 0xf0], 0x1ff
  mov dword [rbx + 0x3e0], 0xb
  mov dword [rbx + 0x320], 0x20040
  mov dword [rbx + 0x380], 1777
  sti
  mov rdi, 0x400000
  .more: mov ecx, 100
  .fill: mov [rdi + rcx * 8], rax
  imul rax, rax, 31
  add rax, rcx
  loop .fill
  add rdi, 0x1000
  and rdi, 0x7fffff
  or rdi, 0x400000
  jmp .more
  handler: inc qword [abs ticks]
  mov dword [rbx + 0xb0], 0
  iretq
  ticks: dq 0
  idtr: dw 0xfff
        dq 0x108000
  section idt start=0x108000 vstart=0x108000
  times 0x400 db 0
  dw (0x100000 + (handler - start)) & 0xffff, 8
  db 0, 0x8e
  dw 0x10
  dd 0, 0
  times 0x1000 - ($ - $$) db 0`;

const image = ({ machine }: Guest): string => {
  const registers = ['RIP', 'RAX', 'RCX', 'RDI', 'RFLAGS', 'IA32_TSC_DEADLINE', 'APIC_IRR2'].map(name =>
    machine.register(name),
  );
  return (
    [machine.instructions, machine.time, ...registers].join() +
    createHash('sha256')
      .update(machine.readPhysical(0n, 8 << 20))
      .digest('hex')
  );
};

describe('a snapshot', () => {
  it('is come back to from wherever the machine went', async () => {
    const g = await guest(PROGRAM);
    g.machine.run(50_000);
    const first = g.machine.capture();
    const atFirst = image(g);
    g.machine.run(30_000);
    const second = g.machine.capture(first);
    const atSecond = image(g);
    g.machine.run(123_456);
    const later = image(g);
    assert.notStrictEqual(later, atSecond);

    g.machine.restore(first);
    assert.strictEqual(image(g), atFirst);
    g.machine.run(30_000);
    assert.strictEqual(image(g), atSecond);
    g.machine.restore(second);
    g.machine.run(123_456);
    assert.strictEqual(image(g), later);
  });

  it('holds what changed since its parent', async () => {
    const g = await guest(PROGRAM);
    g.machine.run(500_000);
    const full = g.machine.capture();
    g.machine.run(1_000);
    const next = g.machine.capture(full);
    assert.ok(full.pages.length > 500);
    assert.ok(next.pages.length > 1 && next.pages.length < 10, `${next.pages.length} pages`);
    assert.ok(snapshotBytes(next) < 100_000);
  });

  it('of a machine of 3 GiB costs what it touched', async () => {
    const g = await guest(PROGRAM, undefined, 3 * 2 ** 30);
    g.machine.run(10_000);
    const full = g.machine.capture();
    assert.ok(full.pages.length < 200, `${full.pages.length} pages`);
    // The top of memory is there, and nobody paid for it.
    g.machine.writePhysical(0xbffffff8n, Uint8Array.of(1, 2, 3));
    assert.deepStrictEqual([...g.machine.readPhysical(0xbffffff8n, 3)], [1, 2, 3]);
    assert.strictEqual(g.machine.capture(full).pages.length, 1);
  });
});
