; Boot sector that starts a program as the machine's start state `long` does: 64-bit mode, the first 4 GiB mapped one to
; one by tables at 0x1000, GDT (null, code, data) at 0x7000, stack at 0x80000, interrupts off, all registers zero.
;
; The program follows on the disk. Defined by the test: TARGET and ENTRY (physical addresses), CHUNKS (of 32 KiB, 14 at most).

bits 16
org 0x7c00

PML4            equ 0x1000
PDPT            equ 0x2000
DIRECTORIES     equ 0x3000
GDT             equ 0x7000
BUFFER          equ 0x10000
CHUNK_SECTORS   equ 64
STACK           equ 0x80000
IA32_EFER       equ 0xc0000080

        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, PML4

        mov     bx, CHUNKS
read:
        mov     si, packet
        mov     ah, 0x42                ; extended read
        mov     dl, 0x80
        int     0x13
        jc      failed
        add     word [packet.segment], CHUNK_SECTORS * 512 / 16
        add     word [packet.sector], CHUNK_SECTORS
        dec     bx
        jnz     read

        in      al, 0x92                ; address line 20
        or      al, 2
        out     0x92, al

        xor     eax, eax
        mov     edi, PML4
        mov     ecx, 0x6000 / 4
        rep stosd
        mov     dword [PML4], PDPT | 3
        mov     edi, PDPT
        mov     eax, DIRECTORIES | 3
.pdpt:
        mov     [di], eax
        add     di, 8
        add     ax, 0x1000
        cmp     di, PDPT + 4 * 8
        jb      .pdpt
        mov     edi, DIRECTORIES
        mov     eax, 0x83               ; 2 MByte, writable, present
.directory:
        mov     [di], eax
        add     di, 8
        add     eax, 0x200000
        jnc     .directory              ; until 4 GiB

        mov     si, descriptors
        mov     di, GDT
        mov     cx, 12
        rep movsw

        lgdt    [gdt_pointer]
        lidt    [idt_pointer]
        mov     eax, 0x20               ; PAE
        mov     cr4, eax
        mov     eax, PML4
        mov     cr3, eax
        mov     ecx, IA32_EFER
        mov     eax, 0x900              ; NXE, LME
        xor     edx, edx
        wrmsr
        mov     eax, 0x80000031         ; PG, NE, ET, PE
        mov     cr0, eax
        jmp     8:long_mode

failed:
        mov     al, '!'
        out     0xe9, al
        hlt

bits 64
long_mode:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     esi, BUFFER
        mov     edi, TARGET
        mov     ecx, CHUNKS * CHUNK_SECTORS * 512 / 8
        rep movsq
        mov     esp, STACK
        push    2
        popfq
        mov     eax, 0
        mov     ebx, 0
        mov     edx, 0
        mov     esi, 0
        mov     edi, 0
        mov     ebp, 0
        jmp     ENTRY

align 4
packet:         db 16, 0
                dw CHUNK_SECTORS
                dw 0
.segment:       dw BUFFER / 16
.sector:        dq 1

gdt_pointer:    dw 23
                dd GDT
idt_pointer:    dw 0
                dd 0
descriptors:    dq 0
                dq 0x00af9b000000ffff
                dq 0x00cf93000000ffff

        times 510 - ($ - $$) db 0
        dw 0xaa55
