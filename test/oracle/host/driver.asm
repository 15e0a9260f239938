; Runs a batch of cases, each one instruction with a given state, and stores what the instruction made of it.
;
; The same bytes run on the simulated processor (entry `start`, 64-bit mode without an operating system) and on the host
; (entry `native`, called by runner.c): only what fields a fault differs. The test defines the addresses and the layout
; of a case (layout.ts): DRIVER, CASES, CODE_BYTES, DATA, DATA_BYTES, CASE_BYTES.

bits 64
org DRIVER

; What runner.c needs to know.
        dq native
        dq caught
        dq now

; A case begins with the address where its code goes; path, rip and error are results, the others input and result.
struc case
.entry:         resq 1
.path:          resq 1                  ; 0: fell through, 1: branched, 0x100 + vector: faulted
.rip:           resq 1                  ; of a fault
.error:         resq 1
.code:          resb CODE_BYTES
.registers:     resq 17                 ; RAX RCX RDX RBX RSP RBP RSI RDI R8-R15 RFLAGS
.data:          resb DATA_BYTES
.fx:            resb FX_BYTES           ; x87 and SSE state as FXSAVE64 lays it out
endstruc

%macro each_register 1
        %1 rax, 0
        %1 rcx, 1
        %1 rdx, 2
        %1 rbx, 3
        %1 rbp, 5
        %1 rsi, 6
        %1 rdi, 7
        %1 r8, 8
        %1 r9, 9
        %1 r10, 10
        %1 r11, 11
        %1 r12, 12
        %1 r13, 13
        %1 r14, 14
        %1 r15, 15
%endmacro
%macro load_register 2
        mov     %1, [now + 8 * %2]
%endmacro
%macro save_register 2
        mov     [now + 8 * %2], %1
%endmacro

RSP_INDEX       equ 4
RFLAGS_INDEX    equ 16
TOUCHED         equ 1                   ; case.path of a taken branch
FAULTED         equ 0x100

start:
        lgdt    [gdt_pointer]
        mov     eax, TSS_SELECTOR
        ltr     ax
        ; Every fault has a stack of its own (IST 1): the case's RSP may be anything.
        mov     rdi, idt
        mov     rsi, stubs
        mov     ecx, 32
.gate:
        mov     rax, rsi
        mov     [rdi], ax
        mov     word [rdi + 2], CODE_SELECTOR
        mov     word [rdi + 4], 0x8e01  ; present, interrupt gate, IST 1
        shr     rax, 16
        mov     [rdi + 6], ax
        add     rsi, STUB_BYTES
        add     rdi, 16
        loop    .gate
        lidt    [idt_pointer]
        mov     byte [bare], 1
        mov     rax, cr0
        or      eax, 1 << 1 | 1 << 5    ; MP, NE
        mov     cr0, rax
        mov     rax, cr4
        or      eax, 1 << 9 | 1 << 10 | 1 << 18 ; OSFXSR, OSXMMEXCPT, OSXSAVE
        mov     cr4, rax
        mov     eax, 3                  ; x87 and SSE state
        xor     edx, edx
        xor     ecx, ecx
        xsetbv
        jmp     run

; Called as a C function: void native(void).
native:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [host_stack], rsp
        ; falls through

run:
        mov     rax, [CASES]
        mov     [left], rax
        mov     qword [current], CASES + 256
next:
        cmp     qword [left], 0
        je      finished
        dec     qword [left]
        mov     rbx, [current]
        mov     qword [now_path], 0
        mov     rdi, [rbx + case.entry]
        mov     [now_entry], rdi
        lea     rsi, [rbx + case.code]
        mov     ecx, CODE_BYTES / 8
        rep movsq
        lea     rsi, [rbx + case.registers]
        mov     edi, now
        mov     ecx, 17
        rep movsq
        lea     rsi, [rbx + case.data]
        mov     edi, DATA
        mov     ecx, DATA_BYTES / 8
        rep movsq
        lea     rsi, [rbx + case.fx]
        mov     edi, now_fx
        mov     ecx, FX_BYTES / 8
        rep movsq
        fxrstor64 [now_fx]
        mov     rsp, driver_stack
        push    qword [now + 8 * RFLAGS_INDEX]
        popfq
        each_register load_register
        mov     rsp, [now + 8 * RSP_INDEX]
        jmp     [now_entry]

; The code of a case ends with a jump to one of these.
branched:
        mov     qword [now_path], TOUCHED
fell_through:
        each_register save_register
        mov     [now + 8 * RSP_INDEX], rsp
        mov     rsp, driver_stack
        pushfq
        pop     qword [now + 8 * RFLAGS_INDEX]

; Registers, flags and path are saved.
caught:
        mov     rsp, driver_stack
        cld
        fxsave64 [now_fx]
        fninit                          ; no exception may stay pending
        mov     rbx, [current]
        mov     rax, [now_path]
        mov     [rbx + case.path], rax
        mov     rax, [now_rip]
        mov     [rbx + case.rip], rax
        mov     rax, [now_error]
        mov     [rbx + case.error], rax
        lea     rdi, [rbx + case.registers]
        mov     esi, now
        mov     ecx, 17
        rep movsq
        lea     rdi, [rbx + case.data]
        mov     esi, DATA
        mov     ecx, DATA_BYTES / 8
        rep movsq
        lea     rdi, [rbx + case.fx]
        mov     esi, now_fx
        mov     ecx, FX_BYTES / 8
        rep movsq
        add     qword [current], CASE_BYTES
        jmp     next

finished:
        cmp     byte [bare], 0
        jne     .end_machine
        mov     rsp, [host_stack]
        ldmxcsr [default_mxcsr]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end_machine:
        xor     eax, eax
        out     0xf4, al

; Without an operating system: one stub for each vector, each with an error code and the vector on the stack.
align 16
stubs:
%assign vector 0
%rep 32
  %if vector != 8 && vector != 17 && (vector < 10 || vector > 14)
        push    0
  %endif
        push    vector
        jmp     near bare_fault
        align   16
  %if vector == 0
STUB_BYTES      equ $ - stubs
  %endif
  %assign vector vector + 1
%endrep

bare_fault:
        each_register save_register
        pop     rax
        add     rax, FAULTED
        mov     [now_path], rax
        pop     qword [now_error]
        pop     qword [now_rip]
        pop     rax                     ; CS
        pop     qword [now + 8 * RFLAGS_INDEX]
        pop     qword [now + 8 * RSP_INDEX]
        jmp     caught

align 8
; The registers of the running case, then path, RIP and error code: runner.c knows this order.
now:            times 17 dq 0
now_path:       dq 0
now_rip:        dq 0
now_error:      dq 0
now_entry:      dq 0
current:        dq 0
left:           dq 0
host_stack:     dq 0
bare:           dq 0
default_mxcsr:  dd 0x1f80
align 16
now_fx:         times FX_BYTES db 0

CODE_SELECTOR   equ 8
TSS_SELECTOR    equ 0x18
gdt:            dq 0
                dq 0x00af9b000000ffff   ; 64-bit code
                dq 0x00cf93000000ffff   ; data
                dw 0x67, (tss - $$ + DRIVER) & 0xffff
                db ((tss - $$ + DRIVER) >> 16) & 0xff, 0x89, 0, ((tss - $$ + DRIVER) >> 24) & 0xff
                dq 0
gdt_pointer:    dw $ - gdt - 1
                dq gdt
idt_pointer:    dw 32 * 16 - 1
                dq idt
align 16
idt:            times 32 * 16 db 0
tss:            times 0x24 db 0
                dq fault_stack          ; IST 1
                times 0x68 - 0x2c db 0
align 16
                times 256 db 0
driver_stack:   times 256 db 0
fault_stack:    times 16 db 0
