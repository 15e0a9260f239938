; The guest of first-exits: six instructions that leave it, each in its own way.
;
; It believes that it has a machine of its own. Nothing here knows about the hypervisor except VMCALL, which is meant to
; call it.

UNMAPPED            equ 0x600000        ; EPT leaves this guest-physical page out

guest_start:
        ; CPUID exits unconditionally (25.1.2). The hypervisor answers, and hides VMX.
        mov     eax, 1
        cpuid

        ; A character for the serial port: the I/O bitmap makes OUT exit.
        mov     edx, 0x3f8
        mov     al, 'G'
        out     dx, al
        mov     al, 10
        out     dx, al

        ; Reading IA32_FEATURE_CONTROL exits because of the MSR bitmap.
        mov     ecx, IA32_FEATURE_CONTROL
        rdmsr
        mov     rbx, rax                ; 1: locked, VMX not allowed

        ; A hypercall with an argument.
        mov     eax, 1
        mov     rsi, guest_text
        vmcall

        ; The first touch of a page that is not there. The hypervisor maps it, then this instruction runs again.
        mov     qword [UNMAPPED], 42
        mov     rbx, [UNMAPPED]         ; no exit: the page is there now

        ; Nothing to do: wait for an interrupt. HLT exiting gives the processor back to the hypervisor.
        hlt

        xor     eax, eax                ; hypercall 0: done
        vmcall
        jmp     guest_start

guest_text:         db "guest: hello through a hypercall", 10, 0
