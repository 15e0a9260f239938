/** Mode switches, interrupts and exceptions in every mode, as programs that also run on real hardware. */
import * as assert from 'node:assert';
import { done, finish, guest } from './guest';

/** Prints the zero-terminated string at SI, ESI or RSI. */
const PRINT = `
print: lodsb
       test al, al
       jz .end
       mov dx, 0x3f8
       out dx, al
       jmp print
.end:  ret
`;

describe('real-address mode', () => {
  it('delivers interrupts through the vector table and returns', async () => {
    const g = await guest(
      `bits 16
       org 0x7c00
       start: xor ax, ax
       mov ds, ax
       mov ss, ax
       mov sp, 0x7000
       mov word [0x21 * 4], handler
       mov [0x21 * 4 + 2], ax
       mov bx, 5
       int 0x21
       mov si, text
       call print
       ${done}
       handler: add bx, 10
       iret
       ${PRINT}
       text: db 'back', 0
       times 510 - ($ - $$) db 0
       dw 0xaa55`,
    );
    const stop = finish(g.machine);
    assert.deepStrictEqual(stop.kind === 'exit' && stop.status, 1);
    assert.strictEqual(g.serial(), 'back');
    assert.strictEqual(g.machine.register('BX'), 15n);
    assert.strictEqual(g.machine.register('SP'), 0x7000n);
  });

  it('raises #DE and #UD with the address of the faulting instruction', async () => {
    const g = await guest(
      `bits 16
       org 0x7c00
       xor ax, ax
       mov ds, ax
       mov ss, ax
       mov sp, 0x7000
       mov word [0], on_de
       mov [2], ax
       mov word [6 * 4], on_ud
       mov [6 * 4 + 2], ax
       xor cx, cx
       faulting: div cx
       bad: ud2
       ${done}
       on_de: pop word [saved_de]
       push word bad
       iret
       on_ud: pop word [saved_ud]
       push word bad + 2
       iret
       saved_de: dw 0
       saved_ud: dw 0
       times 510 - ($ - $$) db 0
       dw 0xaa55`,
    );
    finish(g.machine);
    assert.strictEqual(g.at('saved_de', 2), g.symbols.get('faulting'));
    assert.strictEqual(g.at('saved_ud', 2), g.symbols.get('bad'));
  });

  it('goes to protected mode, to 64-bit mode, to compatibility mode and back', async () => {
    const g = await guest(
      `bits 16
       org 0x7c00
       xor ax, ax
       mov ds, ax
       lgdt [gdtr]
       mov eax, cr0
       or al, 1
       mov cr0, eax
       jmp 8:protected
       bits 32
       protected: mov ax, 0x10
       mov ds, ax
       mov es, ax
       mov ss, ax
       mov esp, 0x7000
       mov dword [0x1000], 0x2003
       mov dword [0x2000], 0x83
       mov eax, 0x20
       mov cr4, eax
       mov eax, 0x1000
       mov cr3, eax
       mov ecx, 0xc0000080
       rdmsr
       or eax, 0x100
       wrmsr
       mov eax, cr0
       or eax, 0x80000000
       mov cr0, eax
       jmp 0x18:long
       bits 64
       long: mov rax, 0x123456789abcdef0
       push rax
       pop rbx
       mov r15, rbx
       push qword 8
       push qword compatible
       retfq
       bits 32
       compatible: mov esi, 0x11111111
       push esi
       pop edi
       jmp 0x18:again
       bits 64
       again: mov rcx, r15
       ${done}
       align 8
       gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
       gdtr: dw 31
       dd gdt
       times 510 - ($ - $$) db 0
       dw 0xaa55`,
      undefined,
    );
    const stop = finish(g.machine);
    assert.strictEqual(stop.kind, 'exit');
    assert.strictEqual(g.machine.register('RCX'), 0x123456789abcdef0n);
    assert.strictEqual(g.machine.register('RDI'), 0x11111111n);
    assert.strictEqual(g.machine.codeSize('current'), 64);
  });
});

/** A 64-bit program with an IDT whose handlers note vector, error code and CR2, and then skip to `resume`. */
function faulting(body: string, more = ''): string {
  return `bits 64
  org 0x100000
  start: mov rsp, 0x80000
  %assign n 0
  %rep 32
    mov rax, stub %+ n
    mov rdi, idt + n * 16
    call gate
  %assign n n + 1
  %endrep
  lidt [idtr]
  lgdt [gdtr]
  mov ax, tss_selector
  ltr ax
  mov [resume_rsp], rsp
  mov qword [resume], finished
  ${body}
  finished: ${done}
  gate: mov [rdi], ax
  mov word [rdi + 2], 8
  mov word [rdi + 4], 0x8e00
  shr rax, 16
  mov [rdi + 6], ax
  shr rax, 16
  mov [rdi + 8], eax
  ret
  %macro stub 1
  stub%1: mov byte [vector], %1
    %if %1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17
      pop qword [error]
    %endif
    jmp common
  %endmacro
  %assign n 0
  %rep 32
    stub n
  %assign n n + 1
  %endrep
  common: mov [sp_inside], rsp
  mov rbx, [rsp]
  mov [rip_saved], rbx
  mov rbx, [rsp + 8]
  mov [cs_saved], rbx
  mov rbx, [rsp + 24]
  mov [rsp_saved], rbx
  mov rbx, cr2
  mov [cr2_saved], rbx
  mov rsp, [resume_rsp]
  jmp [resume]
  ${more}
  align 16
  idt: times 32 * 16 db 0
  idtr: dw 32 * 16 - 1
  dq idt
  gdt: dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
  tss_selector equ 0x28
  dw 0x67, tss - $$, 0x8910, 0
  dq 0
  gdtr: dw $ - gdt - 1
  dq gdt
  align 16
  tss: dd 0
  dq 0x70000, 0, 0, 0, 0x60000, 0, 0, 0, 0, 0, 0
  times 8 db 0
  vector: dq 0xff
  error: dq 0xffff
  rip_saved: dq 0
  cs_saved: dq 0
  rsp_saved: dq 0
  cr2_saved: dq 0
  sp_inside: dq 0
  resume: dq 0
  resume_rsp: dq 0
  `;
}

describe('exceptions in 64-bit mode', () => {
  const table: [name: string, code: string, vector: number, error?: bigint, cr2?: bigint][] = [
    ['#DE on division by zero', 'xor ecx, ecx\n at: div rcx', 0],
    ['#UD on an undefined encoding', 'at: ud2', 6],
    ['#UD on LOCK with a register', 'at: db 0xf0, 0x01, 0xc0', 6],
    ['#GP on a non-canonical address', 'mov rax, 1 << 60\n at: mov rbx, [rax]', 13, 0n],
    ['#SS on a non-canonical stack', 'mov rbp, 1 << 60\n at: mov rbx, [rbp]', 12, 0n],
    ['#GP on a bad selector', 'mov ax, 0x123\n at: mov ds, ax', 13, 0x120n],
    ['#GP on reserved CR4 bits', 'mov rax, cr4\n bts rax, 63\n at: mov cr4, rax', 13, 0n],
    ['#GP on an unknown MSR', 'mov ecx, 0x12345\n at: rdmsr', 13, 0n],
    ['#GP on clearing PG in 64-bit mode', 'mov rax, cr0\n btr rax, 31\n at: mov cr0, rax', 13, 0n],
    ['#PF on a page that is not present', 'mov rax, 0x8000000000\n at: mov rbx, [rax]', 14, 0n, 0x8000000000n],
    ['#PF on a write there', 'mov rax, 0x8000000008\n at: mov [rax], rbx', 14, 2n, 0x8000000008n],
    ['#PF on a fetch', 'mov qword [resume], finished\n mov rax, 0x8000000000\n jmp rax', 14, 16n, 0x8000000000n],
    ['#BP traps behind INT3', 'int3\n at: nop', 3],
    ['#GP on an instruction of 16 bytes', 'at: times 15 db 0x66\n nop', 13, 0n],
  ];
  for (const [name, code, vector, error, cr2] of table)
    it(name, async () => {
      const g = await guest(faulting(code));
      const stop = finish(g.machine);
      assert.strictEqual(stop.kind, 'exit');
      assert.strictEqual(Number(g.at('vector', 1)), vector);
      if (error !== undefined) assert.strictEqual(g.at('error'), error);
      if (cr2 !== undefined) assert.strictEqual(g.at('cr2_saved'), cr2);
      if (g.symbols.has('at')) assert.strictEqual(g.at('rip_saved'), g.symbols.get('at'));
    });

  it('aligns the stack and pushes SS and RSP always', async () => {
    const g = await guest(faulting('mov rsp, 0x7fff5\n ud2'));
    finish(g.machine);
    assert.strictEqual(g.at('rsp_saved'), 0x7fff5n);
    assert.strictEqual(g.at('sp_inside'), 0x7fff0n - 40n);
  });

  it('switches to the interrupt-stack-table entry of the gate', async () => {
    const g = await guest(faulting('mov byte [idt + 6 * 16 + 4], 1\n ud2'));
    finish(g.machine);
    assert.strictEqual(g.at('sp_inside'), 0x60000n - 40n);
  });

  it('goes to user mode with IRETQ, faults there, and takes the stack of privilege level 0', async () => {
    const user = `
      push qword 0x18 | 3
      push qword 0x50000
      push qword 2
      push qword 0x20 | 3
      push qword user
      ${mapUser()}
      iretq`;
    const g = await guest(faulting(user, 'user: mov rax, cs\n mov r12, rax\n at: cli'));
    finish(g.machine);
    assert.strictEqual(Number(g.at('vector', 1)), 13);
    assert.strictEqual(g.machine.register('R12'), 0x23n);
    assert.strictEqual(g.at('cs_saved'), 0x23n);
    assert.strictEqual(g.at('rsp_saved'), 0x50000n);
    assert.strictEqual(g.at('sp_inside'), 0x70000n - 40n);
    assert.strictEqual(g.at('rip_saved'), g.symbols.get('at'));
  });

  it('SYSCALL and SYSRET change privilege, flags and stack segment', async () => {
    const body = `
      ${mapUser()}
      mov ecx, 0xc0000080
      rdmsr
      or eax, 1
      wrmsr
      mov ecx, 0xc0000081
      xor eax, eax
      mov edx, 8 | (0x13 << 16)
      wrmsr
      mov ecx, 0xc0000082
      mov rax, kernel
      mov rdx, rax
      shr rdx, 32
      wrmsr
      mov ecx, 0xc0000084
      mov eax, 0x200
      xor edx, edx
      wrmsr
      mov rcx, user
      mov r11, 0x202
      o64 sysret`;
    const more = `
      kernel: mov r13, rcx
      pushfq
      pop r14
      mov rax, cs
      mov r15, rax
      jmp finished
      user: mov rax, cs
      mov r12, rax
      mov rax, ss
      mov r10, rax
      syscall
      after:`;
    const g = await guest(faulting(body, more));
    const stop = finish(g.machine);
    assert.strictEqual(stop.kind, 'exit');
    assert.strictEqual(g.machine.register('R12'), 0x23n);
    assert.strictEqual(g.machine.register('R10'), 0x1bn);
    assert.strictEqual(g.machine.register('R13'), g.symbols.get('after'));
    assert.strictEqual(g.machine.register('R14') & 0x200n, 0n);
    assert.strictEqual(g.machine.register('R15'), 8n);
  });

  it('a fault while a page fault is delivered becomes a double fault', async () => {
    // The gate of #PF names a bad code segment: #GP during delivery of #PF.
    const g = await guest(faulting('mov word [idt + 14 * 16 + 2], 0x123\n mov rax, 0x8000000000\n mov [rax], al'));
    finish(g.machine);
    assert.strictEqual(Number(g.at('vector', 1)), 8);
    assert.strictEqual(g.at('error'), 0n);
  });

  it('a fault without an IDT is a triple fault: shutdown', async () => {
    const g = await guest('bits 64\norg 0x100000\nud2');
    const stop = finish(g.machine);
    assert.strictEqual(stop.kind, 'shutdown');
    assert.match(stop.kind === 'shutdown' ? stop.detail : '', /Triple fault/);
    assert.deepStrictEqual(g.machine.run(10), stop);
  });
});

/** Makes the first 2 MiB accessible at CPL 3: sets U/S in the identity tables of the start state. */
function mapUser(): string {
  return `mov rax, cr3
      or byte [rax], 4
      or byte [rax + 0x1000], 4
      or byte [rax + 0x2000], 4
      mov cr3, rax`;
}

describe('interrupts', () => {
  it('STI keeps interrupts off for one more instruction; HLT wakes up', async () => {
    const g = await guest(
      faulting(
        'mov rax, on_irq\n mov rdi, idt + 16 * 20\n call gate\n cli\n sti\n shadow: mov r12, 1\n after: mov r13, 1',
        'on_irq: mov [irq_r12], r12\n mov [irq_r13], r13\n mov r9, [rsp]\n iretq\n irq_r12: dq 0\n irq_r13: dq 0',
      ),
    );
    g.machine.raiseInterrupt(20);
    finish(g.machine);
    assert.strictEqual(g.at('irq_r12'), 1n);
    assert.strictEqual(g.at('irq_r13'), 0n);
    assert.strictEqual(g.machine.register('R9'), g.symbols.get('after'));
  });

  it('HLT with interrupts off, or without any source, is a dead halt that says so', async () => {
    const off = await guest('bits 64\norg 0x100000\ncli\nhlt');
    const stop = finish(off.machine);
    assert.strictEqual(stop.kind, 'dead-halt');
    assert.match(stop.kind === 'dead-halt' ? stop.detail : '', /interrupts disabled/);
    const on = await guest('bits 64\norg 0x100000\nsti\nnop\nhlt');
    assert.match((finish(on.machine) as { detail: string }).detail, /no device/);
  });

  it('TF traps after each instruction', async () => {
    const g = await guest(
      faulting(
        'mov rax, on_trap\n mov rdi, idt + 16\n call gate\n pushfq\n or qword [rsp], 0x100\n popfq\n nop\n nop\n nop\n pushfq\n and qword [rsp], ~0x100\n popfq',
        'on_trap: inc r12\n mov rax, dr6\n or r11, rax\n iretq',
      ),
    );
    finish(g.machine);
    assert.strictEqual(g.machine.register('R12'), 6n);
    assert.strictEqual(g.machine.register('R11') & 0x4000n, 0x4000n);
  });
});

describe('32-bit protected mode', () => {
  it('takes an interrupt from CPL 3 over the stack of the TSS, and faults on segment limits', async () => {
    const g = await guest(
      `bits 32
       org 0x100000
       start: mov esp, 0x80000
       lgdt [gdtr]
       jmp 8:.here
       .here: mov ax, 0x10
       mov ds, ax
       mov es, ax
       mov ss, ax
       lidt [idtr]
       mov ax, 0x28
       ltr ax
       mov ax, 0x30
       mov fs, ax
       push dword 0x20 | 3
       push dword 0x50000
       push dword 2
       push dword 0x18 | 3
       push dword user
       iretd
       user: mov bx, cs
       at: mov eax, [fs:0x1000]
       handler: mov ax, 0x10
       mov ds, ax
       pop dword [error]
       pop dword [eip]
       pop dword [cs_saved]
       add esp, 4
       pop dword [esp_saved]
       pop dword [ss_saved]
       mov [esp_inside], esp
       ${done}
       align 8
       gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
       dw 0x67, tss - $$, 0x8910, 0
       dw 0xfff, 0, 0xf300, 0x0040
       gdtr: dw $ - gdt - 1
       dd gdt
       idt: times 13 * 8 db 0
       dw handler - $$, 8, 0x8e00, 0x10
       idtr: dw $ - idt - 1
       dd idt
       tss: dd 0, 0x70000, 0x10
       times 104 - 12 db 0
       error: dd 0xffff
       eip: dd 0
       cs_saved: dd 0
       esp_saved: dd 0
       ss_saved: dd 0
       esp_inside: dd 0`,
      'protected',
    );
    const stop = finish(g.machine);
    assert.strictEqual(stop.kind, 'exit', JSON.stringify(stop));
    assert.strictEqual(g.at('error', 4), 0n);
    assert.strictEqual(g.at('eip', 4), g.symbols.get('at'));
    assert.strictEqual(g.at('cs_saved', 4), 0x1bn);
    assert.strictEqual(g.at('esp_saved', 4), 0x50000n);
    assert.strictEqual(g.at('ss_saved', 4), 0x23n);
    assert.strictEqual(g.at('esp_inside', 4), 0x70000n);
  });
});
