/** Interrupt controllers and timers, programmed as kernels do it. Each program reports in memory what its handlers saw. */
import * as assert from 'node:assert';
import { done, finish, guest, type Guest } from '../core/guest';

/** 64-bit code with an IDT whose handlers count, by vector, in `counts`; %1 of `vector` ends the interrupt. */
const PRELUDE = `bits 64
  org 0x100000
  %macro pic 2
    mov al, %2
    out %1, al
  %endmacro
  %macro apic 2
    mov dword [r15 + %1], %2
  %endmacro
  start: mov rsp, 0x80000
  mov r15d, 0xfee00000
  mov r14d, 0xfec00000
  mov r13d, 0xfed00000
  lidt [idtr]
  jmp main
  idtr: dw 0xfff
        dq idt
  %macro gate 2
    times %1 * 16 - ($ - idt) db 0
    dw (%2 - $$ + 0x100000) & 0xffff, 8
    db 0, 0x8e
    dw (%2 - $$ + 0x100000) >> 16
    dd 0, 0
  %endmacro
  align 16
  idt:
  gate 0x30, h30
  gate 0x38, h38
  gate 0x40, h40
  gate 0x41, h41
  gate 0xff, hff
  times 4096 - ($ - idt) db 0
  counts: times 5 dq 0
  h30: inc qword [abs counts]
    push rax
    pic 0x20, 0x20
    pop rax
    iretq
  h38: inc qword [abs counts + 8]
    push rax
    pic 0xa0, 0x20
    pic 0x20, 0x20
    pop rax
    iretq
  h40: inc qword [abs counts + 16]
    apic 0xb0, 0
    iretq
  h41: inc qword [abs counts + 24]
    ; The test device's line 20 falls at the fifth.
    cmp qword [abs counts + 24], 5
    jne .end
    push rax
    push rdx
    mov dx, 0x2000 + 20
    mov al, 0
    out dx, al
    pop rdx
    pop rax
    .end:
    apic 0xb0, 0
    iretq
  hff: inc qword [abs counts + 32]
    iretq
  setup_pic:
    pic 0x20, 0x11
    pic 0x21, 0x30
    pic 0x21, 4
    pic 0x21, 1
    pic 0xa0, 0x11
    pic 0xa1, 0x38
    pic 0xa1, 2
    pic 0xa1, 1
    pic 0xa1, 0xff
    ret
  main:
`;
const run = async (source: string): Promise<Guest> => {
  const g = await guest(PRELUDE + source);
  assert.deepStrictEqual(finish(g.machine, 50_000_000).kind, 'exit');
  return g;
};
const count = (g: Guest, n: number): number =>
  Number(g.machine.readPhysical(g.symbols.get('counts')! + BigInt(8 * n), 4)[0]);

describe('the 8254 through the 8259', () => {
  it('wakes HLT ten times; time passes while the processor sleeps', async () => {
    // 11,932 ticks are 10 ms.
    const g = await run(`call setup_pic
      pic 0x21, 0xfe
      pic 0x43, 0x34
      pic 0x40, 11932 & 0xff
      pic 0x40, 11932 >> 8
      rdtsc
      mov [abs first], eax
      sti
      .wait: hlt
      cmp qword [abs counts], 10
      jb .wait
      cli
      rdtsc
      sub eax, [abs first]
      mov [abs first], eax
      ${done}
      first: dq 0`);
    assert.strictEqual(count(g, 0), 10);
    const nanoseconds = Number(g.at('first', 4));
    assert.ok(Math.abs(nanoseconds - 100e6) < 1e5, `ten ticks of 10 ms took ${nanoseconds} ns`);
    assert.ok(g.machine.instructions < 1000n);
  });

  it('reads back its status and counts down; channel 2 obeys its gate', async () => {
    const g = await run(`pic 0x61, 1
      pic 0x43, 0xb0
      pic 0x42, 100
      pic 0x42, 0
      xor ecx, ecx
      .wait: inc ecx
      in al, 0x61
      test al, 0x20
      jz .wait
      mov [abs waited], ecx
      pic 0x43, 0xe8
      in al, 0x42
      mov [abs status], al
      ${done}
      waited: dq 0
      status: dq 0`);
    // 100 ticks of 838 ns, four instructions a round.
    const waited = Number(g.at('waited', 4));
    assert.ok(waited > 20000 && waited < 22000, `${waited} rounds`);
    assert.strictEqual(g.at('status', 1), 0xb0n);
  });

  it('gives the spurious vector 7 when the request is masked before its acknowledgement', async () => {
    const g = await run(`call setup_pic
      pic 0x43, 0x30
      pic 0x40, 10
      pic 0x40, 0
      pic 0x21, 0xfe
      mov ecx, 20000
      .wait: loop .wait
      pic 0x20, 0x0a
      in al, 0x20
      mov [abs irr], al
      pic 0x21, 0xff
      sti
      nop
      nop
      cli
      ${done}
      irr: dq 0`);
    assert.strictEqual(g.at('irr', 1), 1n);
    assert.strictEqual(count(g, 0), 0);
  });
});

describe('the real-time clock', () => {
  it('interrupts 1,024 times a second on line 8', async () => {
    const g = await run(`call setup_pic
      pic 0x21, 0xfb
      pic 0xa1, 0xfe
      pic 0x70, 0x0b
      pic 0x71, 0x42
      .wait: sti
      hlt
      cli
      pic 0x70, 0x0c
      in al, 0x71
      cmp qword [abs counts + 8], 16
      jb .wait
      ${done}`);
    assert.strictEqual(count(g, 1), 16);
    const expected = (16 * 1e9) / 1024;
    assert.ok(Math.abs(Number(g.machine.time) - expected) < 1e5, `${g.machine.time} ns`);
  });
});

describe('the local APIC timer', () => {
  const mode = (lvt: string, more: string, wanted: number): string => `apic 0xf0, 0x1ff
    apic 0x3e0, 0xb
    apic 0x320, ${lvt}
    ${more}
    .wait: sti
    hlt
    cli
    cmp qword [abs counts + 16], ${wanted}
    jb .wait
    mov eax, [r15 + 0x390]
    mov [abs left], eax
    ${done}
    left: dq 0`;
  it('fires once', async () => {
    const g = await run(mode('0x40', 'apic 0x380, 100000', 1));
    assert.strictEqual(count(g, 2), 1);
    assert.strictEqual(g.at('left', 4), 0n);
    assert.ok(Number(g.machine.time) >= 100000 && Number(g.machine.time) < 100300);
  });
  it('fires periodically', async () => {
    const g = await run(mode('0x20040', 'apic 0x380, 100000', 7));
    assert.ok(Number(g.machine.time) >= 700000 && Number(g.machine.time) < 700300, `${g.machine.time}`);
  });
  it('counts on when it turns from periodic to one-shot, and stays at zero then', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      apic 0x3e0, 0xb
      apic 0x320, 0x30040
      apic 0x380, 100000
      mov ecx, 130000
      .wait: loop .wait
      apic 0x320, 0x10040
      mov eax, [r15 + 0x390]
      mov [abs counting], eax
      mov ecx, 130000
      .more: loop .more
      apic 0x320, 0x30040
      mov eax, [r15 + 0x390]
      mov [abs stopped], eax
      ${done}
      counting: dq 0
      stopped: dq 0`);
    const counting = Number(g.at('counting', 4));
    assert.ok(counting > 65000 && counting < 70010, `${counting}`);
    assert.strictEqual(g.at('stopped', 4), 0n);
  });
  it('fires at a time-stamp', async () => {
    const deadline = `mov ecx, 0x6e0
      mov eax, 123456
      xor edx, edx
      wrmsr`;
    const g = await run(mode('0x40040', deadline, 1));
    assert.ok(Number(g.machine.time) >= 123456 && Number(g.machine.time) < 123700);
  });
});

describe('the local APIC', () => {
  it('holds back what the task priority forbids, and takes the higher vector first', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      sti
      apic 0x80, 0x50
      apic 0x300, 0x44040
      apic 0x300, 0x44041
      nop
      mov rax, [abs counts + 16]
      mov [abs held], rax
      mov rax, [abs counts + 24]
      add [abs held], rax
      xor eax, eax
      mov cr8, rax
      nop
      cli
      ${done}
      held: dq 0`);
    assert.strictEqual(g.at('held'), 0n);
    assert.deepStrictEqual([count(g, 2), count(g, 3)], [1, 1]);
  });
  it('takes a self-IPI exactly behind the instruction that sent it', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      sti
      nop
      apic 0x300, 0x44040
      mov rax, [abs counts + 16]
      mov [abs seen], rax
      ${done}
      seen: dq 0`);
    assert.strictEqual(g.at('seen'), 1n);
  });
  it('has x2APIC registers as MSRs, with #GP for what is reserved', async () => {
    const g = await run(`mov ecx, 0x1b
      rdmsr
      or eax, 0xc00
      wrmsr
      mov ecx, 0x802
      rdmsr
      mov [abs id], eax
      mov ecx, 0x80f
      mov eax, 0x1ff
      xor edx, edx
      wrmsr
      sti
      mov ecx, 0x83f
      mov eax, 0x41
      wrmsr
      mov rax, [abs counts + 24]
      mov [abs seen], rax
      ${done}
      id: dq 1
      seen: dq 0`);
    assert.strictEqual(g.at('id'), 0n);
    // The handler's EOI went to memory that is the APIC's no more.
    assert.strictEqual(g.at('seen'), 1n);
  });
});

describe('the I/O APIC', () => {
  const entry = (pin: number, low: string): string => `mov dword [r14 + 0x00], 0x${(0x10 + 2 * pin).toString(16)}
    mov dword [r14 + 0x10], ${low}`;
  it('delivers an edge of the 8254 on pin 2', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      ${entry(2, '0x41')}
      pic 0x43, 0x30
      pic 0x40, 200
      pic 0x40, 0
      sti
      hlt
      cli
      ${done}`);
    assert.strictEqual(count(g, 3), 1);
  });
  it('delivers a level again after EOI, until the line falls', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      ${entry(20, '0x8041')}
      mov dx, 0x2000 + 20
      mov al, 1
      sti
      out dx, al
      nop
      cli
      ${done}`);
    assert.strictEqual(count(g, 3), 5);
  });
});

describe('the HPET', () => {
  it('counts at 100 MHz and interrupts through legacy replacement', async () => {
    const g = await run(`apic 0xf0, 0x1ff
      mov dword [r14 + 0x00], 0x14
      mov dword [r14 + 0x10], 0x40
      mov dword [r13 + 0x100], 0x14c
      mov dword [r13 + 0x108], 5000
      mov dword [r13 + 0x108], 5000
      mov dword [r13 + 0x010], 3
      .wait: sti
      hlt
      cli
      cmp qword [abs counts + 16], 4
      jb .wait
      mov eax, [r13 + 0x0f0]
      mov [abs counter], eax
      ${done}
      counter: dq 0`);
    const counter = Number(g.at('counter', 4));
    assert.ok(counter >= 20000 && counter < 20030, `${counter}`);
  });
});

describe('the UART', () => {
  it('interrupts for input and for the empty transmitter', async () => {
    const g = await guest(
      PRELUDE +
        `call setup_pic
      mov dx, 0x3fc
      mov al, 8
      out dx, al
      mov dx, 0x3f9
      mov al, 3
      out dx, al
      mov dx, 0x3fa
      in al, dx
      mov [abs first], al
      in al, dx
      mov [abs second], al
      ready: in al, dx
      cmp al, 4
      jne ready
      mov dx, 0x3f8
      in al, dx
      mov [abs got], al
      ${done}
      first: dq 0
      second: dq 0
      got: dq 0`,
    );
    assert.strictEqual(g.machine.run(5000).kind, 'limit');
    g.machine.sendSerial(Uint8Array.of(0x41));
    assert.strictEqual(finish(g.machine).kind, 'exit');
    assert.deepStrictEqual([g.at('first', 1), g.at('second', 1), g.at('got', 1)], [2n, 1n, 0x41n]);
  });
});

describe('a processor that sleeps', () => {
  it('is dead when nothing can wake it, masked timers included', async () => {
    const g = await guest(`${PRELUDE} apic 0xf0, 0x1ff
      apic 0x320, 0x30040
      apic 0x380, 1000
      sti
      hlt
      ${done}`);
    assert.strictEqual(finish(g.machine).kind, 'dead-halt');
  });

  for (const processors of [1, 2])
    it(`is dead with interrupts off, though the timer that firmware left on goes on (${processors})`, async () => {
      const kernel = `bits 32
        org 0x100000
        header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, header, 0, 0, start
        start: cli
        hlt`;
      const g = await guest(kernel, undefined, 16 << 20, undefined, processors);
      const stop = g.machine.run(1000);
      assert.ok(stop.kind === 'dead-halt', stop.kind);
      assert.match(stop.detail, /interrupts disabled/);
    });
});
