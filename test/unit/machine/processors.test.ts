/** Several logical processors: start-up, messages between them, and the same run every time. */
import * as assert from 'node:assert';
import { done, finish, guest, type Guest } from '../core/guest';

/** The boot processor starts all others by INIT and SIPI; each adds its APIC identifier to a list, then all count together. */
const PROGRAM = `bits 64
  org 0x100000
  start: mov rsp, 0x80000
  mov esi, trampoline
  mov edi, 0x8000
  mov ecx, trampoline_end - trampoline
  rep movsb
  mov ebx, 0xfee00000
  mov dword [rbx + 0xf0], 0x1ff
  mov dword [rbx + 0x300], 0xc4500
  mov dword [rbx + 0x300], 0xc4608
  .wait: cmp dword [abs 0x7000], COUNT - 1
  jb .wait
  mov ecx, 1000
  .work: lock inc dword [abs 0x7100]
  loop .work
  .all: cmp dword [abs 0x7100], COUNT * 1000
  jb .all
  ${done}
  trampoline:
  bits 16
  cli
  xor ax, ax
  mov ds, ax
  mov eax, 0x11
  lgdt [0x8000 + gdtr - trampoline]
  mov cr0, eax
  jmp 8:0x8000 + protected - trampoline
  bits 32
  protected: mov ax, 16
  mov ds, ax
  mov eax, [0xfee00020]
  shr eax, 24
  mov ecx, 1
  lock xadd [0x7000], ecx
  mov [0x7010 + ecx], al
  mov ecx, 1000
  .work: lock inc dword [0x7100]
  loop .work
  .sleep: hlt
  jmp .sleep
  align 8
  gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
  gdtr: dw 23
        dd 0x8000 + gdt - trampoline
  trampoline_end:`;
const several = (count: number): Promise<Guest> =>
  guest(PROGRAM.replaceAll('COUNT', String(count)), undefined, 16 << 20, undefined, count);

describe('logical processors', () => {
  for (const count of [2, 5, 64])
    it(`start by INIT and SIPI (${count})`, async () => {
      const { machine } = await several(count);
      assert.strictEqual(finish(machine, 100_000_000).kind, 'exit');
      const ids = [...machine.readPhysical(0x7010n, count - 1)].sort((a, b) => a - b);
      assert.deepStrictEqual(
        ids,
        Array.from({ length: count - 1 }, (_, n) => n + 1),
      );
    });

  it('run the same whatever slices they run in, and whoever is looked at in between', async () => {
    const whole = await several(3);
    finish(whole.machine);
    for (const slice of [777, 10_001]) {
      const { machine } = await several(3);
      let stop = machine.run(slice);
      for (let n = 0; stop.kind === 'limit'; n++) {
        machine.register('RIP', n % 3);
        stop = machine.run(slice);
      }
      assert.strictEqual(machine.instructions, whole.machine.instructions);
      for (const cpu of [0, 1, 2])
        for (const name of ['RIP', 'RAX', 'RCX', 'RFLAGS', 'APIC_ID'])
          assert.strictEqual(machine.register(name, cpu), whole.machine.register(name, cpu), `${name} of ${cpu}`);
    }
  });

  it('retire exactly as many instructions as asked, all together', async () => {
    const { machine } = await several(4);
    for (const limit of [1, 7, 1999, 2001, 3000]) {
      const before = machine.instructions;
      assert.strictEqual(machine.run(limit).kind, 'limit');
      assert.strictEqual(machine.instructions - before, BigInt(limit));
    }
  });

  it('wait for a start-up message, and are dead when all sleep', async () => {
    const { machine } = await guest('bits 64\ncli\nhlt', undefined, 16 << 20, undefined, 2);
    assert.strictEqual(machine.register('ACTIVITY', 1), 3n);
    assert.strictEqual(finish(machine).kind, 'dead-halt');
  });
});
