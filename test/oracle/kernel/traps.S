/* Entries of exceptions, of INT 0x80 and of SYSCALL; the way to ring 3 and back. */
#define VECTORS 32
#define SYSTEM_CALL 0x80

        .text
        .macro save
        pushq %rax
        pushq %rcx
        pushq %rdx
        pushq %rbx
        pushq %rbp
        pushq %rsi
        pushq %rdi
        pushq %r8
        pushq %r9
        pushq %r10
        pushq %r11
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        .endm
        .macro restore
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %r11
        popq %r10
        popq %r9
        popq %r8
        popq %rdi
        popq %rsi
        popq %rbp
        popq %rbx
        popq %rdx
        popq %rcx
        popq %rax
        .endm

        /* One entry of 16 bytes for each exception; those with an error code push it themselves. */
        .balign 16
        .globl trap_entries
trap_entries:
        .set vector, 0
        .rept VECTORS
        .if vector != 8 && vector != 17 && (vector < 10 || vector > 14)
        pushq $0
        .endif
        pushq $vector
        jmp trapped
        .balign 16
        .set vector, vector + 1
        .endr

        .globl system_call_entry
system_call_entry:
        pushq $0
        pushq $SYSTEM_CALL
trapped:
        save
        cld
        movq %rsp, %rdi
        call trap
        restore
        addq $16, %rsp
        iretq

        /* SYSCALL leaves RIP in RCX and RFLAGS in R11, and the stack where it was. */
        .globl syscall_entry
syscall_entry:
        movq %rsp, user_stack(%rip)
        movq kernel_stack(%rip), %rsp
        pushq %rcx
        pushq %r11
        call system_call
        popq %r11
        popq %rcx
        movq user_stack(%rip), %rsp
        sysretq

        /* enter_user(code, stack): the value that leave_user is called with. */
        .globl enter_user
enter_user:
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, kernel_stack(%rip)
        pushq $0x23
        pushq %rsi
        pushfq
        pushq $0x2b
        pushq %rdi
        iretq

        .globl leave_user
leave_user:
        movq %rdi, %rax
        movq kernel_stack(%rip), %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        ret

        .bss
        .balign 8
user_stack:   .skip 8
kernel_stack: .skip 8
