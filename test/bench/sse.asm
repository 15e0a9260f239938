; A loop of packed single-precision arithmetic and integer SIMD over 8 KBytes, in rounds, as media code has it.
; Without ROUNDS it does nothing: what is left is the time to start and end.

bits 64
org 0x100000

%ifndef ROUNDS
%define ROUNDS 0
%endif
BYTES           equ 8192

start:
        mov     rax, cr4
        or      eax, 3 << 9             ; OSFXSR, OSXMMEXCPT
        mov     cr4, rax
        mov     rax, cr0
        and     eax, ~(3 << 2)          ; EM, TS
        mov     cr0, rax
        mov     r15d, ROUNDS
        test    r15, r15
        jz      power_off
        movaps  xmm6, [third]
        movaps  xmm7, [tenths]
round:
        mov     rsi, left
        mov     rdi, right
        mov     ecx, BYTES / 16
        pxor    xmm5, xmm5
.next:
        movaps  xmm0, [rsi]
        movaps  xmm1, [rdi]
        mulps   xmm0, xmm6
        addps   xmm0, xmm7
        movaps  xmm2, xmm1
        mulps   xmm2, xmm6
        subps   xmm0, xmm2
        pshufd  xmm3, xmm0, 0x1b
        paddd   xmm5, xmm3
        pxor    xmm1, xmm3
        movaps  [rsi], xmm7
        movdqu  [rdi], xmm7
        add     rsi, 16
        add     rdi, 16
        dec     ecx
        jnz     .next
        dec     r15
        jnz     round
        jmp     power_off

%include "../../samples/include/power.inc"

align 16
third:          times 4 dd 0x3eaaaaab       ; 1/3: results are inexact, as they mostly are
tenths:         times 4 dd 0x3f8ccccd       ; 1.1
align 4096
left:           times BYTES / 4 dd 0x3f800000
right:          times BYTES / 4 dd 0x3f800000
