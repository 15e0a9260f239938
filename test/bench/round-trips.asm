; VM exits and resumes: the guest executes one instruction that exits in a loop. EXIT says which: CPUID (0), OUT (1) or VMCALL (2).
; Without ROUNDS the guest leaves at once: what is left is the time to start and end.

bits 64
org 0x100000

%ifndef ROUNDS
%define ROUNDS 0
%endif
%ifndef EXIT
%define EXIT 0
%endif
%if EXIT == 0
EXIT_REASON_WANTED equ 10
PRIMARY_WANTED  equ 0
%elif EXIT == 1
EXIT_REASON_WANTED equ 30
PRIMARY_WANTED  equ 1 << 24             ; unconditional I/O exiting
%else
EXIT_REASON_WANTED equ 18
PRIMARY_WANTED  equ 0
%endif

%include "hypervisor.inc"

guest_start:
        mov     ebp, ROUNDS
        test    ebp, ebp
        jz      .done
.next:
%if EXIT == 0
        cpuid
%elif EXIT == 1
        out     0x80, al
%else
        vmcall
%endif
        dec     ebp
        jnz     .next
.done:
        ud2                             ; a triple fault, which ends the machine
