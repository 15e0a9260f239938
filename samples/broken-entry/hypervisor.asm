; broken-entry: a VM entry that fails, and why.
;
; This hypervisor makes one mistake in its VMCS. On a real processor all it would learn is "exit reason 0x80000021: VM
; entry failed, invalid guest state", with dozens of rules to go through by hand.
;
; Press F5, then F5 again: the session stops at VMLAUNCH and names the rule that failed, the field, its value, and the
; section of the manual. Then mend the line marked below and start again: the guest runs and prints a line.

bits 64
org 0x100000

%include "../include/vmx.inc"

EXIT_VMCALL         equ 18
ENTRY_FAILED        equ 31              ; bit 31 of the exit reason
PAGE                equ 4096

start:
        mov     rsp, host_stack_top
        call    open_serial

        ; VMX operation: fixed bits of CR0 and CR4, the revision identifier, VMXON (23.7).
        mov     ecx, IA32_VMX_CR0_FIXED0
        rdmsr
        mov     rbx, cr0
        or      rbx, rax
        mov     cr0, rbx
        mov     ecx, IA32_VMX_CR4_FIXED0
        rdmsr
        mov     rbx, cr4
        or      rbx, rax
        mov     cr4, rbx
        mov     ecx, IA32_VMX_BASIC
        rdmsr
        and     eax, 0x7fffffff
        mov     [vmxon_region], eax
        mov     [vmcs_region], eax
        vmxon   [vmxon_pointer]
        jbe     failed
        vmclear [vmcs_pointer]
        jbe     failed
        vmptrld [vmcs_pointer]
        jbe     failed

        ; Controls: no EPT, no bitmaps, only what a 64-bit guest and host need.
        mov     ecx, IA32_VMX_TRUE_PINBASED_CTLS
        xor     ebx, ebx
        call    allowed_controls
        vmcs_write PIN_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_PROCBASED_CTLS
        xor     ebx, ebx
        call    allowed_controls
        vmcs_write PRIMARY_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_EXIT_CTLS
        mov     ebx, (1 << 9) | (1 << 20) | (1 << 21)
        call    allowed_controls
        vmcs_write EXIT_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_ENTRY_CTLS
        mov     ebx, (1 << 9) | (1 << 15)
        call    allowed_controls
        vmcs_write ENTRY_CONTROLS, rbx
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

        ; The mistake: bit 1 of RFLAGS is reserved and always 1. Write 2 instead of 0 to mend it.
        vmcs_write GUEST_RFLAGS, 0

        vmlaunch
        jmp     failed                  ; reached when a check of the controls or of the host state fails

; VM exits come here, and so do VM entries that fail on the guest's state: bit 31 of the exit reason tells (26.8).
vm_exit:
%ifdef TRACE_EXITS
        call    trace_exit
%endif
        vmcs_read rbx, EXIT_REASON
        bt      rbx, ENTRY_FAILED
        jc      .entry_failed
        cmp     ebx, EXIT_VMCALL
        je      power_off               ; the guest has done its work
.entry_failed:
        mov     rsi, text_entry_failed
        call    print
        call    print_hex
        mov     rsi, end_of_line
        call    print
        jmp     power_off

failed:
        mov     rsi, text_failed
        call    print
        mov     edx, INSTRUCTION_ERROR
        xor     ebx, ebx
        vmread  rbx, rdx
        call    print_hex
        mov     rsi, end_of_line
        call    print
        jmp     power_off

guest_start:
        mov     rsi, text_guest
        call    print
        vmcall

%include "../include/vmcs-state.inc"
%include "../include/serial.inc"
%include "../include/power.inc"
%include "../include/trace-exits.inc"

text_guest:        db "guest: running", 10, 0
text_entry_failed: db "hypervisor: VM exit, or a VM entry that failed: exit reason ", 0
text_failed:       db "hypervisor: a VMX instruction failed, error ", 0
end_of_line:       db 10, 0

align 8
vmxon_pointer:     dq vmxon_region
vmcs_pointer:      dq vmcs_region

align PAGE
vmxon_region:      times PAGE db 0
vmcs_region:       times PAGE db 0
                   times PAGE db 0
host_stack_top:
                   times PAGE db 0
guest_stack_top:
