; first-exits: a small hypervisor and its first VM exits.
;
; The hypervisor turns VMX on, describes a virtual processor in a VMCS, gives its guest a view of memory through extended
; page tables (EPT), and starts it with VMLAUNCH. The guest (guest.asm) then does six things that it may not do by
; itself. Each one comes back here as a VM exit: to `vm_exit`, with the reason in the VMCS.
;
; Try this:
;   1. F5. The machine stops at the first instruction.
;   2. Tick "VM exits" in the Breakpoints view and press F5 again: the arrow stands on the guest's CPUID.
;   3. F11 enters this hypervisor's handler. Shift+F11 leaves it: back in the guest. F10 at the exit does both.
;   4. Open VMCS in the Variables view: what the guest was, what this hypervisor asked for, why the guest came back.
;
; It runs on any processor with VMX, EPT and 2-MByte pages; it only assumes a loader that leaves 64-bit mode with memory
; mapped one to one. Section numbers are those of the Intel SDM, volume 3C.

bits 64
org 0x100000

%include "../include/vmx.inc"

; Basic exit reasons that are handled below (appendix C).
EXIT_CPUID          equ 10
EXIT_HLT            equ 12
EXIT_VMCALL         equ 18
EXIT_IO             equ 30
EXIT_RDMSR          equ 31
EXIT_EPT_VIOLATION  equ 48

PAGE                equ 4096

; The guest's registers as `vm_exit` saves them, from the top of the stack.
struc saved
.rax:   resq 1
.rbx:   resq 1
.rcx:   resq 1
.rdx:   resq 1
.rsi:   resq 1
.rdi:   resq 1
.rbp:   resq 1
endstruc

start:
        mov     rsp, host_stack_top
        call    open_serial
        mov     rsi, text_hello
        call    print

; ---------------------------------------------------------------------------------------------------------------------
; VMX operation (23.7): the processor must have VMX, CR4.VMXE must be set, CR0 and CR4 must have the fixed bits, and
; firmware must allow it in IA32_FEATURE_CONTROL.
enable_vmx:
        mov     eax, 1
        cpuid
        bt      ecx, 5                  ; CPUID.1:ECX.VMX
        jnc     no_vmx

        mov     ecx, IA32_FEATURE_CONTROL
        rdmsr
        and     eax, 5
        cmp     eax, 5                  ; locked, and VMXON allowed outside SMX
        je      .allowed
        test    eax, 1
        jnz     no_vmx                  ; locked without VMX: firmware says no
        or      eax, 5
        wrmsr
.allowed:
        mov     ecx, IA32_VMX_CR0_FIXED0
        rdmsr
        mov     rbx, cr0
        or      rbx, rax
        mov     cr0, rbx
        mov     ecx, IA32_VMX_CR4_FIXED0
        rdmsr                           ; contains CR4.VMXE
        mov     rbx, cr4
        or      rbx, rax
        mov     cr4, rbx

        ; The VMXON region and every VMCS begin with the processor's revision identifier (24.2).
        mov     ecx, IA32_VMX_BASIC
        rdmsr
        and     eax, 0x7fffffff
        mov     [vmxon_region], eax
        mov     [vmcs_region], eax

        vmxon   [vmxon_pointer]
        jbe     vmx_failed              ; CF: VMfailInvalid, ZF: VMfailValid (30.2)

        vmclear [vmcs_pointer]          ; launch state "clear"
        jbe     vmx_failed
        vmptrld [vmcs_pointer]          ; the current VMCS from now on
        jbe     vmx_failed

; ---------------------------------------------------------------------------------------------------------------------
; Extended page tables (28.2): guest-physical to host-physical addresses. The first 32 MiB are mapped one to one with
; 2-MByte pages, except the page at 6 MiB: the guest's first write there is an EPT violation.
build_ept:
        mov     rax, ept_pdpt
        or      rax, 7                  ; readable, writable, executable
        mov     [ept_pml4], rax
        mov     rax, ept_pd
        or      rax, 7
        mov     [ept_pdpt], rax
        mov     rdi, ept_pd
        mov     eax, 0xb7               ; 2-MByte page, write-back, readable, writable, executable
        mov     ecx, 16
.map:
        mov     [rdi], rax
        add     rdi, 8
        add     rax, 0x200000
        loop    .map
        mov     qword [ept_pd + 3 * 8], 0

; ---------------------------------------------------------------------------------------------------------------------
; The VMCS (24.3): controls, host state, guest state.
fill_vmcs:
        ; Intercept port 0x3f8 and MSR 0x3a; all other ports and MSRs are the guest's own.
        or      byte [io_bitmap_a + COM1 / 8], 1 << (COM1 % 8)
        or      byte [msr_bitmaps + IA32_FEATURE_CONTROL / 8], 1 << (IA32_FEATURE_CONTROL % 8)

        mov     ecx, IA32_VMX_TRUE_PINBASED_CTLS
        xor     ebx, ebx
        call    allowed_controls
        vmcs_write PIN_CONTROLS, rbx

        mov     ecx, IA32_VMX_TRUE_PROCBASED_CTLS
        mov     ebx, (1 << 7) | (1 << 25) | (1 << 28) | (1 << 31) ; HLT exiting, I/O bitmaps, MSR bitmaps, secondary controls
        call    allowed_controls
        vmcs_write PRIMARY_CONTROLS, rbx

        mov     ecx, IA32_VMX_PROCBASED_CTLS2
        mov     ebx, (1 << 1) | (1 << 5) ; EPT, VPID
        call    allowed_controls
        vmcs_write SECONDARY_CONTROLS, rbx

        mov     ecx, IA32_VMX_TRUE_EXIT_CTLS
        mov     ebx, (1 << 9) | (1 << 20) | (1 << 21) ; 64-bit host; save and load IA32_EFER
        call    allowed_controls
        vmcs_write EXIT_CONTROLS, rbx

        mov     ecx, IA32_VMX_TRUE_ENTRY_CTLS
        mov     ebx, (1 << 9) | (1 << 15) ; 64-bit guest; load IA32_EFER
        call    allowed_controls
        vmcs_write ENTRY_CONTROLS, rbx

        vmcs_write VPID, 1
        mov     rcx, ept_pml4
        or      rcx, 0x1e               ; write-back, four levels
        vmcs_write EPTP, rcx
        vmcs_write IO_BITMAP_A, io_bitmap_a
        vmcs_write IO_BITMAP_B, io_bitmap_b
        vmcs_write MSR_BITMAPS, msr_bitmaps
        vmcs_write EXCEPTION_BITMAP, 0
        vmcs_write CR3_TARGET_COUNT, 0
        vmcs_write EXIT_MSR_STORE_COUNT, 0
        vmcs_write EXIT_MSR_LOAD_COUNT, 0
        vmcs_write ENTRY_MSR_LOAD_COUNT, 0
        vmcs_write ENTRY_INTERRUPTION_INFORMATION, 0
        vmcs_write CR0_MASK, 0
        vmcs_write CR4_MASK, 0

        call    fill_host_state
        call    fill_guest_state

; ---------------------------------------------------------------------------------------------------------------------
; Into the guest. VMLAUNCH does not come back unless it fails: the guest's exits go to `vm_exit`.
launch:
        mov     rsi, text_launch
        call    print
        vmlaunch
        jmp     vmx_failed

; ---------------------------------------------------------------------------------------------------------------------
; Every VM exit begins here, with the stack of HOST_RSP. The processor has saved RIP, RSP, RFLAGS and the segments of the
; guest in the VMCS; the general-purpose registers still hold the guest's values, so save them first.
vm_exit:
        sub     rsp, saved_size
        mov     [rsp + saved.rax], rax
        mov     [rsp + saved.rbx], rbx
        mov     [rsp + saved.rcx], rcx
        mov     [rsp + saved.rdx], rdx
        mov     [rsp + saved.rsi], rsi
        mov     [rsp + saved.rdi], rdi
        mov     [rsp + saved.rbp], rbp
        mov     rbp, rsp                ; RBP -> the guest's registers from here on

        inc     qword [exit_count]
%ifdef TRACE_EXITS
        call    trace_exit
%endif
        vmcs_read rax, EXIT_REASON
        cmp     eax, EXIT_CPUID
        je      on_cpuid
        cmp     eax, EXIT_IO
        je      on_io
        cmp     eax, EXIT_RDMSR
        je      on_rdmsr
        cmp     eax, EXIT_VMCALL
        je      on_vmcall
        cmp     eax, EXIT_EPT_VIOLATION
        je      on_ept_violation
        cmp     eax, EXIT_HLT
        je      on_hlt
        jmp     unexpected_exit

; CPUID always exits. Execute it for the guest, but clear the VMX feature: this guest has no nested VMX.
on_cpuid:
        mov     eax, [rbp + saved.rax]
        mov     ecx, [rbp + saved.rcx]
        cpuid
        cmp     dword [rbp + saved.rax], 1
        jne     .give
        btr     ecx, 5
.give:
        mov     [rbp + saved.rax], rax
        mov     [rbp + saved.rbx], rbx
        mov     [rbp + saved.rcx], rcx
        mov     [rbp + saved.rdx], rdx
        jmp     next_instruction

; The guest writes a character to the serial port: the qualification holds port, direction and size (27.2.1). Print it.
on_io:
        vmcs_read rax, EXIT_QUALIFICATION
        shr     rax, 16
        cmp     eax, COM1
        jne     unexpected_exit
        mov     al, [rbp + saved.rax]
        call    put_character
        jmp     next_instruction

; The guest asks whether it may use VMX. Say: locked, no.
on_rdmsr:
        mov     qword [rbp + saved.rax], 1
        mov     qword [rbp + saved.rdx], 0
        jmp     next_instruction

; VMCALL is the guest's call to the hypervisor: a hypercall. RAX is its number, by our own convention:
;   1: print the string at RSI    0: the guest is done
on_vmcall:
        cmp     qword [rbp + saved.rax], 0
        je      guest_done
        mov     rsi, [rbp + saved.rsi]  ; the guest's memory is mapped one to one here, too
        call    print
        jmp     next_instruction

; The guest touched the page that EPT leaves out. Map it, and let the guest try again: RIP stays where it is.
on_ept_violation:
        mov     rsi, text_violation
        call    print
        vmcs_read rbx, GUEST_PHYSICAL_ADDRESS
        mov     rdi, rbx
        call    print_hex
        mov     rsi, end_of_line
        call    print
        shr     rdi, 21                 ; index of the 2-MByte page
        mov     rax, rdi
        shl     rax, 21
        or      eax, 0xb7
        mov     [ept_pd + rdi * 8], rax
        ; An EPT violation invalidates the translation that caused it (28.3.3.1): no INVEPT is needed to add a page.
        jmp     resume_guest

; The guest has nothing to do and waits for an interrupt. None will come: go on behind the HLT.
on_hlt:
        mov     rsi, text_hlt
        call    print
        jmp     next_instruction

; The instruction has been dealt with: the guest goes on behind it.
next_instruction:
        vmcs_read rax, GUEST_RIP
        vmcs_read rcx, EXIT_INSTRUCTION_LENGTH
        add     rax, rcx
        mov     edx, GUEST_RIP
        vmwrite rdx, rax

resume_guest:
        mov     rax, [rbp + saved.rax]
        mov     rbx, [rbp + saved.rbx]
        mov     rcx, [rbp + saved.rcx]
        mov     rdx, [rbp + saved.rdx]
        mov     rsi, [rbp + saved.rsi]
        mov     rdi, [rbp + saved.rdi]
        mov     rsp, rbp
        mov     rbp, [rsp + saved.rbp]
        add     rsp, saved_size
        vmresume
        jmp     vmx_failed

guest_done:
        mov     rsi, text_done
        call    print
        mov     rbx, [exit_count]
        call    print_hex
        mov     rsi, text_exits
        call    print
        vmxoff
        jmp     power_off

unexpected_exit:
        mov     rsi, text_unexpected
        call    print
        vmcs_read rbx, EXIT_REASON
        call    print_hex
        mov     rsi, end_of_line
        call    print
        jmp     power_off

; A VMX instruction failed. With a current VMCS the error number says why (30.4).
vmx_failed:
        mov     rsi, text_failed
        call    print
        mov     edx, INSTRUCTION_ERROR
        xor     ebx, ebx
        vmread  rbx, rdx
        call    print_hex
        mov     rsi, end_of_line
        call    print
        jmp     power_off

no_vmx:
        mov     rsi, text_no_vmx
        call    print
        jmp     power_off

%include "guest.asm"
%include "../include/vmcs-state.inc"
%include "../include/serial.inc"
%include "../include/power.inc"
%include "../include/trace-exits.inc"

; ---------------------------------------------------------------------------------------------------------------------
text_hello:      db "hypervisor: turning VMX on", 10, 0
text_launch:     db "hypervisor: VMLAUNCH", 10, 0
text_violation:  db "hypervisor: EPT violation, mapping ", 0
text_hlt:        db "hypervisor: the guest halts; waking it", 10, 0
text_done:       db "hypervisor: the guest is done after ", 0
text_exits:      db " VM exits", 10, 0
text_unexpected: db "hypervisor: unexpected VM exit, reason ", 0
text_failed:     db "hypervisor: a VMX instruction failed, error ", 0
text_no_vmx:     db "hypervisor: this processor has no VMX, or firmware locked it off", 10, 0
end_of_line:     db 10, 0

align 8
vmxon_pointer:   dq vmxon_region
vmcs_pointer:    dq vmcs_region
exit_count:      dq 0

; Structures that the processor reads by physical address: each a page of its own.
align PAGE
vmxon_region:    times PAGE db 0
vmcs_region:     times PAGE db 0
io_bitmap_a:     times PAGE db 0
io_bitmap_b:     times PAGE db 0
msr_bitmaps:     times PAGE db 0
ept_pml4:        times PAGE db 0
ept_pdpt:        times PAGE db 0
ept_pd:          times PAGE db 0

                 times PAGE db 0
host_stack_top:
                 times PAGE db 0
guest_stack_top:
