/*
 * Multiboot 1 entry of the test kernel: 32-bit protected mode without paging, to 64-bit mode with page tables of our own
 * (the first GiB one to one, in 2-MByte pages), then kernel_main(multiboot information).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define LOADER_MAGIC 0x2badb002
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
        cmpl $LOADER_MAGIC, %eax
        jne stop
        movl $stack_top, %esp
        movl %ebx, %esi                 /* multiboot information; kept for kernel_main */

        movl $page_directory_pointers + 7, page_map
        movl $page_directory + 7, page_directory_pointers
        movl $0x87, %eax                /* 2 MByte, user, writable, present */
        movl $page_directory, %edi
        movl $512, %ecx
1:      movl %eax, (%edi)
        addl $0x200000, %eax
        addl $8, %edi
        loop 1b

        movl %cr4, %eax
        orl $0x20, %eax                 /* PAE */
        movl %eax, %cr4
        movl $page_map, %eax
        movl %eax, %cr3
        movl $IA32_EFER, %ecx
        rdmsr
        orl $0x901, %eax                /* NXE, LME, SCE */
        wrmsr
        movl %cr0, %eax
        orl $0x80010000, %eax           /* PG, WP */
        movl %eax, %cr0
        lgdt gdt_pointer
        ljmp $CODE_SELECTOR, $long_mode

stop:   hlt
        jmp stop

        .code64
long_mode:
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        xorl %eax, %eax
        movl %eax, %fs
        movl %eax, %gs
        movl %esi, %edi
        movq $stack_top, %rsp
        xorl %ebp, %ebp
        call kernel_main
2:      hlt
        jmp 2b

        .data
        .align 8
        .globl gdt, gdt_tss
gdt:    .quad 0
        .quad 0x00af9b000000ffff        /*  8: code, ring 0 */
        .quad 0x00cf93000000ffff        /* 10: data, ring 0 */
        .quad 0                         /* 18: SYSRET to 32-bit code; not used */
        .quad 0x00cff3000000ffff        /* 20: data, ring 3 */
        .quad 0x00affb000000ffff        /* 28: code, ring 3 */
gdt_tss:
        .quad 0, 0                      /* 30: TSS */
gdt_pointer:
        .word . - gdt - 1
        .quad gdt

        .bss
        .align 4096
        .globl page_map
page_map:               .skip 4096
page_directory_pointers: .skip 4096
page_directory:         .skip 4096
        .skip 16384
        .globl stack_top
stack_top:
