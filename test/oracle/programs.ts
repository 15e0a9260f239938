/** Whole programs that use what single lines cannot: macros, conditions, sections, structures, jump sizes. */
export const PROGRAMS: Record<string, string> = {
  'a boot sector': `
    org 0x7c00
    bits 16
    start: xor ax, ax
      mov ds, ax
      mov si, message
    .next: lodsb
      test al, al
      jz .done
      mov ah, 0x0e
      int 0x10
      jmp .next
    .done: hlt
      jmp short .done
    message: db "Hello", 13, 10, 0
    %if ($ - $$) > 510
      %error too long
    %endif
    times 510-($-$$) db 0
    dw 0xaa55`,

  'from real mode to 64-bit mode': `
    org 0x8000
    bits 16
      lgdt [gdt.pointer]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      jmp dword 0x08:protected
    bits 32
    protected:
      mov ax, 0x10
      mov ds, ax
      mov esp, stack.top
      mov ecx, 0xc0000080
      rdmsr
      bts eax, 8
      wrmsr
      jmp 0x18:wide
    bits 64
    default rel
    wide:
      lea rdi, [stack]
      mov rax, [gdt]
      mov rbx, [abs gdt]
      mov rcx, gdt
      call near [.vector]
      jmp $
    .vector: dq wide
    align 8
    gdt: dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00af9a000000ffff
    .pointer: dw $ - gdt - 1
      dd gdt
    stack: resb 64
    .top:`,

  'jumps that grow because others grow': `
    bits 64
    %assign i 0
    %rep 200
      %assign far (i * 37 + 11) % 200
      l%[i]: jnz l%[far]
      %if i % 3 == 0
        times i % 7 nop
      %endif
      %assign far (i * 53 + 7) % 200
      jmp l%[far]
      %assign i i + 1
    %endrep
    size equ $ - $$
    mov eax, size
    add ebx, later
    push later
    mov rax, [rbx + later]
    later equ 100`,

  'macros with ranges, defaults, local labels and rotation': `
    bits 32
    %macro each 1-*
      %assign n 0
      %rep %0
        db %1, n
        dw $ - $$
        %rotate 1
        %assign n n + 1
      %endrep
    %endmacro
    %macro fill 1-3 0x11, 0x22
      db %1, %2, %3
    %endmacro
    %macro text 2+
      %1: db %2
      %1_size equ $ - %1
    %endmacro
    %macro branch 1
      j%+1 %%skip
      j%-1 %%skip
      %%skip:
    %endmacro
    %macro nop 0
      db 0xaa
      nop
    %endmacro
    %macro both 1
      db %1
    %endmacro
    %macro both 2
      both %1
      both %2
    %endmacro
    %imacro Prologue 0
      push ebp
      mov ebp, esp
    %endmacro
    each 1, 2, 3
    each {4, 5}
    fill 1
    fill 1, 2
    fill 1, 2, 3
    text hello, "hello", 13, 10, 0
    mov ecx, hello_size
    branch nz
    branch ge
    nop
    both 1, 2
    prologue
    %push loop
      %$top: nop
      %push inner
        %$top: jmp %$top
        jmp %$$top
      %pop
    %pop`,

  'definitions, conditions and strings': `
    %define one 1
    %define two one + one
    %xdefine fixed two
    %define one 10
    %define twice(x) ((x) * 2)
    %define pair(a, b) a, b
    %idefine Mixed 7
    %define self self
    %assign count 5 * twice(3)
    db two, fixed, twice(two), pair(1, 2), mIxEd, count
    %undef one
    %ifdef one
      db 0xff
    %elifdef two
      db 1
    %else
      db 2
    %endif
    %ifidn abc, abc
      db 3
    %endif
    %ifidni 'ABC', 'abc'
      db 4
    %endif
    %ifnum 123
      db 5
    %endif
    %ifnid 123
      db 6
    %endif
    %ifstr "x"
      db 7
    %endif
    %ifempty
      db 8
    %endif
    %ifn 1 == 2 && 3 < 4 || 0
      db 9
    %endif
    %strlen length "five!"
    %substr part "abcdef" 2, 3
    %strcat joined "ab", 'cd'
    %defstr named some name
    %deftok token "count"
    db length, part, joined, named, token
    %define prefix_ 1
    name%+count: db name30 - $$
    %rep 10
      %if count == 25
        %exitrep
      %endif
      db count
      %assign count count - 1
    %endrep
    db __LINE__, __BITS__
    %ifmacro nothing 1
      db 0xee
    %endif`,

  'sections of a flat binary': `
    org 0x100000
    section .data align=16
    value: dq code, zeros, value, section..text.start, section.extra.vstart
    section .bss
    zeros: resb 100
    section .text
    bits 64
    code: mov rax, [value]
      mov rbx, [rel value]
      lea rcx, [rel zeros]
      call far_away
      mov eax, second - far_away
    section extra vstart=0x5000 align=32
    far_away: ret
    second: jmp code
    section .data
      dd $ - $$, second
    section aligned valign=64
      dd $$
    section more vfollows=extra
      dd $$
    section tail follows=.text
      db 1, 2, 3
    align 16`,

  structures: `
    struc point
      .x: resd 1
      .y: resd 1
      .name: resb 10
      alignb 8
    endstruc
    struc moved, 0x40
      .a: resw 1
      .b: resq 2
    endstruc
    bits 32
    mov eax, [ebx + point.y]
    mov ecx, [ebx + moved.b]
    mov edx, point_size
    mov edx, moved_size
    origin: istruc point
      at point.x, dd 1
      at point.name, db "origin"
    iend
    istruc point
      at .y, dd 5
    iend
    db 0xff
    absolute 0x500
    buffer: resb 16
    .end:
    section .text
    mov esi, buffer
    mov edi, buffer.end`,

  'labels and constants': `
    bits 64
    a: nop
    .b: nop
    c equ 5
    .d: jmp .b
    ..@special: nop
    .e: jmp .d
      jmp a.b
      jmp ..@special
    $rax: mov rax, $rax
    %define nothing
    nothing
    label_without_colon mov eax, c
    x1 db 1
    x2: times 3 dw 2
    m: equ $ - a
    db m, c, a.d - a
    dq forward, forward - a
    jmp forward
    times 130 db 0x90
    forward:`,
};
