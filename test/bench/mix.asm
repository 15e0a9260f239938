; What compiled programs do, in rounds: integer arithmetic, loads, stores, branches that depend on data, calls.
; Without ROUNDS it does nothing: what is left is the time to start and end.

bits 64
org 0x100000

%ifndef ROUNDS
%define ROUNDS 0
%endif
NUMBERS         equ 64
TEXT_BYTES      equ 256
FIBONACCI       equ 12

start:
        mov     rsp, stack_top
        mov     r15d, ROUNDS
        mov     r14, 0x2545f4914f6cdd1d
        test    r15, r15
        jz      power_off
round:
        call    fill
        call    sort
        call    hash
        mov     edi, FIBONACCI
        call    fibonacci
        add     r14, rax
        call    multiply
        dec     r15
        jnz     round
        jmp     power_off

; Random numbers (xorshift) into memory.
fill:
        mov     rdi, numbers
        mov     ecx, NUMBERS
.next:
        mov     rax, r14
        shl     rax, 13
        xor     r14, rax
        mov     rax, r14
        shr     rax, 7
        xor     r14, rax
        mov     rax, r14
        shl     rax, 17
        xor     r14, rax
        mov     [rdi], r14
        add     rdi, 8
        dec     ecx
        jnz     .next
        ret

; Insertion sort: loads, stores, and branches that no one foresees.
sort:
        mov     ecx, 1
.outer:
        mov     rax, [numbers + rcx * 8]
        lea     edx, [rcx - 1]
.inner:
        mov     rbx, [numbers + rdx * 8]
        cmp     rbx, rax
        jle     .place
        mov     [numbers + rdx * 8 + 8], rbx
        sub     edx, 1
        jns     .inner
.place:
        movsxd  rdx, edx
        mov     [numbers + rdx * 8 + 8], rax
        inc     ecx
        cmp     ecx, NUMBERS
        jne     .outer
        ret

; FNV-1a over bytes.
hash:
        mov     rsi, numbers
        lea     rdi, [rsi + TEXT_BYTES]
        mov     eax, 0x811c9dc5
.next:
        movzx   ecx, byte [rsi]
        xor     eax, ecx
        imul    eax, eax, 0x01000193
        inc     rsi
        cmp     rsi, rdi
        jb      .next
        add     [sums], rax
        ret

; The recursive definition: calls, pushes, pops.
fibonacci:
        cmp     edi, 2
        jb      .small
        push    rbx
        push    rdi
        dec     edi
        call    fibonacci
        mov     rbx, rax
        pop     rdi
        sub     edi, 2
        call    fibonacci
        add     rax, rbx
        pop     rbx
        ret
.small:
        mov     eax, edi
        ret

; An 8 by 8 matrix with itself.
multiply:
        xor     r8d, r8d                ; row
.row:
        xor     r9d, r9d                ; column
.column:
        xor     r10d, r10d              ; sum
        xor     ecx, ecx
        mov     rsi, r8
        shl     rsi, 6
        lea     rdi, [numbers + r9 * 8]
.sum:
        mov     rax, [numbers + rsi + rcx * 8]
        imul    rax, [rdi]
        add     r10, rax
        add     rdi, 64
        inc     ecx
        cmp     ecx, 8
        jb      .sum
        add     [sums], r10
        inc     r9d
        cmp     r9d, 8
        jb      .column
        inc     r8d
        cmp     r8d, 8
        jb      .row
        ret

%include "../../samples/include/power.inc"

align 4096
numbers:        times NUMBERS dq 0
sums:           dq 0
                times 1024 db 0
stack_top:
