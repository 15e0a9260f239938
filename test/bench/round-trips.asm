; A hypervisor that does the least there is to do: its guest executes CPUID in a loop, the handler steps over it.
; Without ROUNDS the guest leaves at once: what is left is the time to start and end.

bits 64
org 0x100000

%include "../../samples/include/vmx.inc"

%ifndef ROUNDS
%define ROUNDS 0
%endif
EXIT_CPUID      equ 10
PAGE            equ 4096

start:
        mov     rsp, host_stack_top
        mov     ecx, IA32_FEATURE_CONTROL
        rdmsr
        test    eax, 1
        jnz     .locked
        or      eax, 5
        wrmsr
.locked:
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
        jbe     power_off
        vmclear [vmcs_pointer]
        jbe     power_off
        vmptrld [vmcs_pointer]
        jbe     power_off

        ; EPT as hypervisors use it: 32 MiB one to one, and a VPID, so that transitions need not flush.
        mov     rax, ept_pdpt + 7
        mov     [ept_pml4], rax
        mov     rax, ept_pd + 7
        mov     [ept_pdpt], rax
        mov     rdi, ept_pd
        mov     eax, 0xb7
        mov     ecx, 16
.map:
        mov     [rdi], rax
        add     rdi, 8
        add     rax, 0x200000
        loop    .map

        mov     ecx, IA32_VMX_TRUE_PINBASED_CTLS
        xor     ebx, ebx
        call    allowed_controls
        vmcs_write PIN_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_PROCBASED_CTLS
        mov     ebx, 1 << 31            ; secondary controls
        call    allowed_controls
        vmcs_write PRIMARY_CONTROLS, rbx
        mov     ecx, IA32_VMX_PROCBASED_CTLS2
        mov     ebx, (1 << 1) | (1 << 5) ; EPT, VPID
        call    allowed_controls
        vmcs_write SECONDARY_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_EXIT_CTLS
        mov     ebx, (1 << 9) | (1 << 20) | (1 << 21)
        call    allowed_controls
        vmcs_write EXIT_CONTROLS, rbx
        mov     ecx, IA32_VMX_TRUE_ENTRY_CTLS
        mov     ebx, (1 << 9) | (1 << 15)
        call    allowed_controls
        vmcs_write ENTRY_CONTROLS, rbx
        vmcs_write VPID, 1
        vmcs_write EPTP, ept_pml4 + 0x1e
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
        vmlaunch
        jmp     power_off

vm_exit:
        vmcs_read rax, EXIT_REASON
        cmp     eax, EXIT_CPUID
        jne     power_off
        vmcs_read rax, GUEST_RIP
        vmcs_read rbx, EXIT_INSTRUCTION_LENGTH
        add     rax, rbx
        mov     edx, GUEST_RIP
        vmwrite rdx, rax
        vmresume
        jmp     power_off

guest_start:
        mov     ebp, ROUNDS
        test    ebp, ebp
        jz      .done
.next:
        cpuid
        dec     ebp
        jnz     .next
.done:
        vmcall

%include "../../samples/include/vmcs-state.inc"
%include "../../samples/include/power.inc"

align 8
vmxon_pointer:  dq vmxon_region
vmcs_pointer:   dq vmcs_region
align PAGE
vmxon_region:   times PAGE db 0
vmcs_region:    times PAGE db 0
ept_pml4:       times PAGE db 0
ept_pdpt:       times PAGE db 0
ept_pd:         times PAGE db 0
                times PAGE db 0
host_stack_top:
                times PAGE db 0
guest_stack_top:
