; hello: a guest alone.
;
; Press F5. The program starts in 64-bit mode with all memory mapped one to one (linear = physical), interrupts off, and
; nothing else running. Step with F10 and F11, hover over registers and labels, and look at the Registers, Flags and
; Control scopes in the Variables view.

bits 64
org 0x100000
default rel

start:
        mov     rsp, stack_top          ; PUSH, CALL and RET need a stack

        call    open_serial
        mov     rsi, greeting
        call    print                   ; F10 steps over the call, F11 into it

        ; A loop with a condition: set a breakpoint on "add" with the condition rcx == 5.
        xor     ebx, ebx
        mov     ecx, 10
.sum:
        add     rbx, rcx                ; 10 + 9 + ... + 1
        loop    .sum

        mov     rsi, sum_text
        call    print
        call    print_hex               ; prints RBX
        mov     rsi, end_of_line
        call    print

        ; CPUID tells who the processor is. In a guest under a hypervisor this very instruction causes a VM exit.
        xor     eax, eax
        cpuid
        mov     [vendor], ebx
        mov     [vendor + 4], edx
        mov     [vendor + 8], ecx
        mov     rsi, vendor_text
        call    print

        jmp     power_off

%include "../include/serial.inc"
%include "../include/power.inc"

greeting:    db "Hello from 64-bit mode.", 10, 0
sum_text:    db "10 + 9 + ... + 1 = ", 0
vendor_text: db "Processor vendor: "
vendor:      db "------------"
end_of_line: db 10, 0

align 16
        times 1024 db 0
stack_top:
