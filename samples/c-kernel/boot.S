/*
 * Multiboot 1 entry: 32-bit protected mode without paging, to 64-bit mode with the first 2 MiB mapped one to one.
 * Then kernel_main(). Below it, the entry of the page-fault handler.
 */
/* The descriptions of frames go where a debugger looks for them, not into a table that the program could read. */
        .cfi_sections .debug_frame

#define MULTIBOOT_MAGIC 0x1badb002
#define IA32_EFER 0xc0000080
#define CODE_SELECTOR 8

        .section .multiboot, "a"
        .align 4
        .long MULTIBOOT_MAGIC
        .long 0
        .long -MULTIBOOT_MAGIC

        .text
        .code32
        .globl _start
_start:
        cli
        cld
        movl $stack_top, %esp

        movl $pdpt + 3, pml4                    /* present, writable */
        movl $page_directory + 3, pdpt
        movl $0x83, page_directory              /* 2 MiB page: present, writable, large */

        movl %cr4, %eax
        orl $0x20, %eax                         /* PAE */
        movl %eax, %cr4
        movl $pml4, %eax
        movl %eax, %cr3
        movl $IA32_EFER, %ecx
        rdmsr
        orl $0x100, %eax                        /* LME */
        wrmsr
        movl %cr0, %eax
        orl $0x80010000, %eax                   /* PG, WP */
        movl %eax, %cr0
        lgdt gdt_pointer
        ljmp $CODE_SELECTOR, $long_mode

        .code64
long_mode:
        .cfi_startproc
        .cfi_undefined rip                      /* nobody called this: the call stack ends here */
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movq $stack_top, %rsp
        xorl %ebp, %ebp
        call kernel_main
1:      hlt
        jmp 1b
        .cfi_endproc

/*
 * #PF: the processor has pushed SS, RSP, RFLAGS, CS, RIP and an error code. The .cfi lines tell the debugger so: the call
 * stack goes on from the handler to the instruction that faulted.
 */
        .globl page_fault_entry
        .type page_fault_entry, @function
page_fault_entry:
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa rsp, 48
        .cfi_offset rip, -40
        .cfi_offset rsp, -16
        .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
        push %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endr
        cld
        movq 72(%rsp), %rdi                     /* error code */
        movq %cr2, %rsi
        call page_fault
        .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
        pop %\register
        .cfi_adjust_cfa_offset -8
        .cfi_same_value \register
        .endr
        addq $8, %rsp
        .cfi_adjust_cfa_offset -8
        iretq
        .cfi_endproc
        .size page_fault_entry, . - page_fault_entry

        .data
        .align 8
gdt:    .quad 0
        .quad 0x00af9b000000ffff                /*  8: code, 64-bit */
        .quad 0x00cf93000000ffff                /* 16: data */
gdt_pointer:
        .word . - gdt - 1
        .quad gdt

        .bss
        .align 4096
        .globl pml4
pml4:           .skip 4096
pdpt:           .skip 4096
page_directory: .skip 4096
                .skip 16384
stack_top:

        .section .note.GNU-stack, "", @progbits
