; Accesses of devices, ROUNDS of them: ACCESS 0 ends interrupts at the local APIC, 1 reads the counter of the 8254,
; 2 writes the scratch register of the UART, 3 reads the counter of the HPET.
; Without ROUNDS it does nothing: what is left is the time to start and end.

bits 64
org 0x100000

%ifndef ROUNDS
%define ROUNDS 0
%endif
%ifndef ACCESS
%define ACCESS 0
%endif

start:
        mov     r15d, ROUNDS
        test    r15, r15
        jz      power_off
        mov     ebx, 0xfee000b0
        mov     ecx, 0xfed000f0
        mov     edx, 0x40
%if ACCESS = 2
        mov     edx, 0x3ff
%endif
round:
%if ACCESS = 0
        mov     dword [rbx], 0
%elif ACCESS = 1
        in      al, dx
%elif ACCESS = 2
        out     dx, al
%else
        mov     eax, [rcx]
%endif
        dec     r15
        jnz     round
        jmp     power_off

%include "../../samples/include/power.inc"
