; As runner.asm, for 64-bit mode: cases begin at CPL 0 in 64-bit code, paged one to one by the entries at TABLES, and end in an
; exception or `int 0x30`. The line: vector, error code, RIP, CS, RFLAGS, RSP, SS, RAX to RDI and R8, DS, ES, FS, GS, the bases of
; FS and GS and KERNEL_GS, TR, LDTR, CR2, DR6, and checksums of the tables, stacks and paging structures.

MAGIC           equ 0x1badb002
ADDRESSES       equ 1 << 16
GDT             equ 0x20000
IDT             equ 0x21000
LDT             equ 0x22000
TSS_MAIN        equ 0x23000
STACK2          equ 0x25400
STACK1          equ 0x25800
STACK0          equ 0x26000
STACK3          equ 0x27000
STACK_CASE      equ 0x28000
STACK_IST1      equ 0x2e000
STACK_IST2      equ 0x24c00
CHECKED         equ 0x20000
CHECKED_BYTES   equ 0x8000
STACK_RUNNER    equ 0x2f000
VIRTUAL         equ 0x30000     ; code of CPL 3
LANDING         equ 0x30800     ; where it may return to
TABLES          equ 0x40000
TABLES_BYTES    equ 0x8000
FRAME           equ 0x50000
BASE_CR3        equ 0x1000      ; as the program was started

CODE0           equ 0x08
DATA0           equ 0x10
SEL_MAIN        equ 0x18
CODE3           equ 0x28 | 3
DATA3           equ 0x30 | 3
COMPATIBLE3     equ 0x38 | 3
COMPATIBLE0     equ 0x40
CONFORMING      equ 0x48
SEL_LDT         equ 0x50
CODE1           equ 0x60 | 1
DATA1           equ 0x68 | 1
FREE            equ 0xc0

%define descriptor(base, limit, access, flags) (((limit) & 0xffff) | (((base) & 0xffffff) << 16) | ((access) << 40) | ((((limit) >> 16) & 15) << 48) | ((flags) << 52) | ((((base) >> 24) & 0xff) << 56))
%define gate(selector, offset, access, count) (((offset) & 0xffff) | ((selector) << 16) | ((count) << 32) | ((access) << 40) | ((((offset) >> 16) & 0xffff) << 48))
%define place(label) ((label) - header + 0x100000)
%macro put 2
        mov dword [%1], (%2) & 0xffffffff
        mov dword [(%1) + 4], (%2) >> 32
%endmacro
; Copies the code from %1 to %2 to where CPL 3 may run it, and goes there with code segment %3 and stack %4.
%macro user 4
        mov esi, %1
        mov edi, VIRTUAL
        mov ecx, %2 - %1
        rep movsb
        xor esi, esi
        xor edi, edi
        push %4
        push STACK3
        push 0x3002
        push %3
        push VIRTUAL
        iretq
%endmacro
%macro write_msr 3
        mov ecx, %1
        mov eax, %2
        mov edx, %3
        wrmsr
%endmacro

        org 0x100000
bits 32
header: dd MAGIC, ADDRESSES, -(MAGIC + ADDRESSES)
        dd header, header, image_end, image_end, header

bits 64
start64:
        cli
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov dword [number], -1
        mov edi, 0x8000
        mov eax, 0xf1f1f1f1
        mov ecx, (CHECKED - 0x8000) / 4
        rep stosd
        xor eax, eax
        mov ecx, (0x9f000 - CHECKED) / 4
        rep stosd
        mov eax, 0x30cd30cd
        mov edi, FRAME
        mov ecx, 0x1000 / 4
        rep stosd
        mov edi, 0x800000
        mov ecx, 0x400000 / 4
        rep stosd

next:   mov eax, BASE_CR3
        mov cr3, rax
        mov eax, 0x20
        mov cr4, rax
        mov eax, 0x80000031
        mov cr0, rax
        xor eax, eax
        mov dr7, rax
        mov cr2, rax
        mov eax, 0xffff0ff0
        mov dr6, rax
        mov esp, STACK_RUNNER
        push 2
        popfq
        mov esi, pristine
        mov edi, CHECKED
        mov ecx, CHECKED_BYTES / 8
        rep movsq
        mov edi, TABLES
        xor eax, eax
        mov ecx, TABLES_BYTES / 8
        rep stosq
        ; The first 2 MBytes one to one; user pages are the stack and the code of CPL 3.
        mov dword [TABLES], TABLES + 0x1007
        mov dword [TABLES + 0x1000], TABLES + 0x2007
        mov dword [TABLES + 0x2000], TABLES + 0x3007
        mov edi, TABLES + 0x3000
        mov eax, 3
        mov ecx, 512
.entry: mov [rdi], rax
        add edi, 8
        add eax, 0x1000
        loop .entry
        or byte [TABLES + 0x3000 + 0x26 * 8], 4
        or byte [TABLES + 0x3000 + 0x30 * 8], 4
        write_msr 0xc0000080, 0xd01, 0
        write_msr 0xc0000081, 0, 0x00230008
        write_msr 0xc0000082, ended, 0
        write_msr 0xc0000084, 0x47700, 0
        write_msr 0xc0000102, 0x5678, 0x1234
        write_msr 0x174, 8, 0
        write_msr 0x175, 0x25c00, 0
        write_msr 0x176, ended, 0
        lgdt [case_gdt]
        lidt [case_idt]
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov ax, SEL_MAIN
        ltr ax
        xor eax, eax
        lldt ax
        mov fs, ax
        mov gs, ax
        push CODE0
        push .flat
        db 0x48, 0xcb
.flat:  mov eax, TABLES
        mov cr3, rax
        mov dword [depth], 0
        inc dword [number]
        mov esi, [number]
        mov esi, [case_list + esi * 4]
        test esi, esi
        jz finished
        mov [target], rsi
        mov esp, STACK_CASE
        xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        xor r8d, r8d
        jmp [target]

finished:
        mov dx, 0x8900
        mov esi, goodbye
        mov ecx, 8
        rep outsb
        mov al, 0
        out 0xf4, al
.halt:  hlt
        jmp .halt
goodbye: db 'Shutdown'

%macro stub 1
stub_%1:
%if (%1 == 8) || (%1 >= 10 && %1 <= 14) || (%1 == 17) || (%1 == 21)
%else
        push 0
%endif
        push %1
        jmp interrupted
%endmacro
%assign n 0
%rep 0x40
        stub n
%assign n n + 1
%endrep

interrupted:
        push rax
        push rcx
        push rdx
        push rbx
        push rbp
        push rsi
        push rdi
        push r8
        mov rbp, rsp
        mov rax, cr2
        mov r15, rax
        mov eax, 0x20                   ; no SMAP
        mov cr4, rax
        inc dword [depth]
        cmp dword [depth], 1
        jne nested
        mov edx, [number]
        call print
        mov rdx, [rbp + 64]
        call print
        mov rdx, [rbp + 72]
        call print
        mov rdx, [rbp + 80]
        call print
        mov rdx, [rbp + 88]
        call print
        mov rdx, [rbp + 96]
        and edx, ~0x10000
        call print
        mov rdx, [rbp + 104]
        call print
        mov rdx, [rbp + 112]
        call print
        lea rsi, [rbp + 56]
.reg:   mov rdx, [rsi]
        call print
        sub rsi, 8
        cmp rsi, rbp
        jae .reg
        mov edx, ds
        call print
        mov edx, es
        call print
        mov edx, fs
        call print
        mov edx, gs
        call print
        call tail
        jmp next

nested: mov esp, STACK_RUNNER
        mov al, 10
        out 0xe9, al
        mov edx, [number]
        call print
        mov rdx, -1
        call print
        call tail
        jmp next

tail:   mov ecx, 0xc0000100
        call msr
        mov ecx, 0xc0000101
        call msr
        mov ecx, 0xc0000102
        call msr
        xor edx, edx
        str dx
        call print
        xor edx, edx
        sldt dx
        call print
        mov rdx, r15
        call print
        mov rdx, dr6
        call print
        mov esi, CHECKED
.page:  xor edx, edx
        mov ecx, 0x1000 / 8
.sum:   rol rdx, 5
        add rdx, [rsi]
        add esi, 8
        loop .sum
        call print
        cmp esi, CHECKED + CHECKED_BYTES
        jb .page
        xor edx, edx
        mov esi, TABLES
.entry: rol rdx, 5
        add rdx, [rsi]
        add esi, 8
        cmp esi, TABLES + TABLES_BYTES
        jb .entry
        call print
        mov al, 10
        out 0xe9, al
        ret
msr:    rdmsr
        shl rdx, 32
        or rdx, rax
        ; falls into print
; RDX in hexadecimal, before a space.
print:  push rax
        push rcx
        mov ecx, 16
.skip:  cmp ecx, 1
        je .digit
        rol rdx, 4
        test dl, 15
        jnz .show
        loop .skip
.digit: rol rdx, 4
.show:  mov al, dl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .put
        add al, 'a' - '9' - 1
.put:   out 0xe9, al
        loop .digit
        mov al, ' '
        out 0xe9, al
        pop rcx
        pop rax
        ret

number: dd 0
depth:  dd 0
target: dq 0
case_gdt:
        dw 0x3ff
        dq GDT
case_idt:
        dw 0x3ff
        dq IDT
; Where gates lead unless a case says otherwise.
ended:  int 0x30

align 16
pristine:
        dq 0
        dq descriptor(0, 0xfffff, 0x9b, 0xa)            ; CODE0
        dq descriptor(0, 0xfffff, 0x93, 0xc)            ; DATA0
        dq descriptor(TSS_MAIN, 0x67, 0x89, 0), 0
        dq descriptor(0, 0xfffff, 0xfb, 0xa)            ; CODE3
        dq descriptor(0, 0xfffff, 0xf3, 0xc)
        dq descriptor(0, 0xfffff, 0xfb, 0xc)            ; COMPATIBLE3
        dq descriptor(0, 0xfffff, 0x9b, 0xc)
        dq descriptor(0, 0xfffff, 0x9f, 0xa)            ; CONFORMING
        dq descriptor(LDT, 0xff, 0x82, 0), 0
        dq descriptor(0, 0xfffff, 0xbb, 0xa)            ; CODE1
        dq descriptor(0, 0xfffff, 0xb3, 0xc)
        times 0x1000 - ($ - pristine) db 0
%assign n 0
%rep 0x40
%if n == 8
        dq gate(CODE0, place(stub_%[n]), 0x8e, 1), 0
%elif n == 3 || n == 4 || n >= 0x30
        dq gate(CODE0, place(stub_%[n]), 0xee, 0), 0
%else
        dq gate(CODE0, place(stub_%[n]), 0x8e, 0), 0
%endif
%assign n n + 1
%endrep
        times 0x3000 - ($ - pristine) db 0
        dd 0
        dq STACK0, STACK1, STACK2, 0, STACK_IST1, STACK_IST2
        times CHECKED_BYTES - ($ - pristine) db 0

%include "cases.asm"
image_end:
