; processors: several logical processors.
;
; Press F5 with the configuration "Several processors". The Call Stack view shows a thread for each processor: CPU 0 runs,
; the others wait for a start-up message. Set a breakpoint on "lock xadd" below and continue: each processor stops there in
; its turn, with registers and a stack of its own. A step moves its own thread; the others take their turns meanwhile.
;
; The Local APIC scope in the Variables view shows what the messages do: ICR, IRR and ISR.

bits 64
org 0x100000

APIC                        equ 0xfee00000
APIC_ID                     equ 0x20
APIC_EOI                    equ 0xb0
APIC_SPURIOUS               equ 0xf0
APIC_COMMAND                equ 0x300
APIC_TIMER                  equ 0x320
APIC_TIMER_COUNT            equ 0x380
APIC_TIMER_DIVIDE           equ 0x3e0
; Interrupt commands: delivery mode, level "assert", and "all excluding self".
INIT_ALL_OTHERS             equ 0xc4500
START_UP_ALL_OTHERS         equ 0xc4600 | (TRAMPOLINE >> 12)
TIMER_VECTOR                equ 0x40
GREETING_VECTOR             equ 0x41
GREETING_ALL_OTHERS         equ 0xc4000 | GREETING_VECTOR

; Where the others begin, in real-address mode: a page below 1 MiB.
TRAMPOLINE                  equ 0x8000
STACKS                      equ 0x200000        ; a page for each processor, by the order of arrival

start:
        mov     rsp, STACKS
        call    open_serial
        mov     r15d, APIC
        mov     dword [r15 + APIC_SPURIOUS], 0x1ff      ; software enable

        ; The others take over the tables of this processor.
        sgdt    [handover.gdt]
        mov     rax, cr3
        mov     [handover.cr3], eax
        mov     rsi, section.wakeup.start
        mov     edi, TRAMPOLINE
        mov     ecx, wakeup_end - wakeup
        rep movsb
        lidt    [interrupt_table]

        mov     rsi, waking_text
        call    print
        mov     dword [r15 + APIC_COMMAND], INIT_ALL_OTHERS
        mov     dword [r15 + APIC_COMMAND], START_UP_ALL_OTHERS

        ; They get 10 milliseconds: the timer's interrupt ends the wait.
        mov     dword [r15 + APIC_TIMER_DIVIDE], 0xb    ; divide by 1
        mov     dword [r15 + APIC_TIMER], TIMER_VECTOR
        mov     dword [r15 + APIC_TIMER_COUNT], 10000000
        sti
        hlt
        cli

        mov     rsi, present_text
        call    print
        mov     ebx, [arrived]
        inc     ebx
        call    print_hex
        mov     rsi, end_of_line
        call    print

        ; One message to all others; each counts it.
        mov     dword [r15 + APIC_COMMAND], GREETING_ALL_OTHERS
.answers:
        pause
        mov     eax, [answered]
        cmp     eax, [arrived]
        jb      .answers
        mov     rsi, answered_text
        call    print
        jmp     power_off

; Every other processor comes here in 64-bit mode.
awake:
        mov     r15d, APIC
        mov     eax, 1
        lock xadd [arrived], eax                ; a ticket: 0 for the first
        inc     eax
        shl     eax, 12
        lea     rsp, [rax + STACKS]
        mov     dword [r15 + APIC_SPURIOUS], 0x1ff
        lidt    [interrupt_table]

        call    take_console
        mov     rsi, awake_text
        call    print
        mov     ebx, [r15 + APIC_ID]
        shr     ebx, 24
        call    print_hex
        mov     rsi, end_of_line
        call    print
        mov     dword [console], 0
.sleep:
        sti
        hlt
        jmp     .sleep

; One processor prints at a time.
take_console:
        mov     eax, 1
        xchg    [console], eax
        test    eax, eax
        jz      .mine
        pause
        jmp     take_console
.mine:
        ret

timer:
        mov     dword [r15 + APIC_EOI], 0
        iretq
greeting:
        lock inc dword [answered]
        mov     dword [r15 + APIC_EOI], 0
        iretq

%include "../include/serial.inc"
%include "../include/power.inc"

waking_text:    db "Waking the other processors.", 10, 0
awake_text:     db "Awake: processor ", 0
present_text:   db "Processors that are here: ", 0
answered_text:  db "All others have answered.", 10, 0
end_of_line:    db 10, 0
        align   8
arrived:        dd 0
answered:       dd 0
console:        dd 0

; Interrupt gates: offset 15:0, selector, type, offset 31:16. This program lies at 0x100000, so the upper half is 0x10.
%macro gate 1
        dw      (%1 - start) & 0xffff, 8, 0x8e00, 0x10
        dq      0
%endmacro
        align   16
gates:
        times   TIMER_VECTOR * 2 dq 0
        gate    timer
        gate    greeting
interrupt_table:
        dw      $ - gates - 1
        dq      gates

; The way from real-address mode to 64-bit mode, copied to a page below 1 MiB.
section wakeup follows=.text align=16 vstart=TRAMPOLINE
bits 16
wakeup:
        cli
        xor     ax, ax
        mov     ds, ax
        mov     eax, cr4
        or      al, 0x20                        ; physical-address extension
        mov     cr4, eax
        mov     eax, [trampoline.cr3]
        mov     cr3, eax
        mov     ecx, 0xc0000080                 ; IA32_EFER
        rdmsr
        or      ah, 1                           ; LME
        wrmsr
        o32 lgdt [trampoline.gdt]
        mov     eax, 0x80000011                 ; paging, extension type, protection: IA-32e mode begins
        mov     cr0, eax
        jmp     dword 8:awake
        align   8
trampoline:
.gdt:   dw      0
        dq      0
.cr3:   dd      0
wakeup_end:

; The same data before the copy.
handover            equ section.wakeup.start + trampoline - wakeup
handover.gdt        equ section.wakeup.start + trampoline.gdt - wakeup
handover.cr3        equ section.wakeup.start + trampoline.cr3 - wakeup
