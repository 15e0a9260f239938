; A Multiboot 1 image for real nasm, as `-f bin` (its header has the addresses) and as `-f elf32` (the linker knows them).
; It prints on COM1 what must be the same on every processor: what the loader left, decimal adjustments in all their
; inputs, exceptions in 32-bit protected mode, paging with 4-MByte and with PAE tables, 16-bit and real-address mode.

MAGIC           equ 0x1badb002
LOADER_MAGIC    equ 0x2badb002
ADDRESSES       equ 1 << 16
COM1            equ 0x3f8
DEBUG_EXIT      equ 0xf4
CODE32          equ 0x08
DATA32          equ 0x10
CODE16          equ 0x18
DATA16          equ 0x20
; Flags that AAA, AAS, DAA, DAS, AAM and AAD define between them (SDM 2).
CARRY_ADJUST    equ 0x11
SIGN_ZERO_PARITY equ 0xc4
; Real-address mode needs code below 1 MiB.
LOW             equ 0x8000

%ifidn __OUTPUT_FORMAT__, bin
FLAGS           equ ADDRESSES
        org 0x100000
%else
FLAGS           equ 0
%endif

        bits 32
section .text
        align 4
header: dd MAGIC, FLAGS, -(MAGIC + FLAGS)
%ifidn __OUTPUT_FORMAT__, bin
        dd header, header, image_end, memory_end, start
%endif

global start
start:
        mov     esp, stack_top
        push    ebx
        push    eax
        lgdt    [gdt_pointer]
        jmp     CODE32:.loaded
.loaded:
        mov     eax, DATA32
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        call    open_serial
        mov     esi, text_magic
        call    print
        pop     eax
        call    print_hex
        pop     ebx
        mov     esi, text_command
        call    print
        mov     esi, [ebx + 16]
        call    print
        mov     esi, text_module
        call    print
        mov     edi, [ebx + 24]         ; the first module
        mov     esi, [edi]
.module:
        cmp     esi, [edi + 4]
        jae     .module_end
        lodsb
        call    put
        jmp     .module
.module_end:
        call    decimal
        call    exceptions
        call    paging
        call    real_mode
        mov     esi, text_done
        call    print
        ; A machine that ends at once may lose a character that has not left yet.
        mov     edx, COM1 + 5
.leaving:
        in      al, dx
        test    al, 0x40
        jz      .leaving
        mov     al, 0x15
        out     DEBUG_EXIT, al
        cli
        hlt

; ---------------------------------------------------------------------------------------------------------------------
; Each decimal adjustment for every AX below 0x400 and every CF and AF, folded into one number.
%macro adjust_all 3                     ; instruction, defined flags, name
        mov     esi, %3
        call    print
        xor     ebx, ebx
        xor     ecx, ecx                ; CL = AL, CH: bits 1:0 AH, bit 2 CF, bit 3 AF
%%next:
        mov     eax, ecx
        shr     eax, 10
        mov     edx, eax
        and     eax, 1                  ; CF
        and     edx, 2
        shl     edx, 3                  ; AF
        or      eax, edx
        or      eax, 2
        push    eax
        mov     eax, ecx
        and     eax, 0x3ff
        popfd
        %1
        pushfd
        pop     edx
        and     edx, %2
        add     ebx, eax
        imul    ebx, ebx, 0x01000193
        xor     ebx, edx
        inc     ecx
        cmp     ecx, 0x1000
        jb      %%next
        mov     eax, ebx
        call    print_hex
%endmacro
decimal:
        adjust_all aaa, CARRY_ADJUST, text_aaa
        adjust_all aas, CARRY_ADJUST, text_aas
        adjust_all daa, CARRY_ADJUST | SIGN_ZERO_PARITY, text_daa
        adjust_all das, CARRY_ADJUST | SIGN_ZERO_PARITY, text_das
        adjust_all aam, SIGN_ZERO_PARITY, text_aam
        adjust_all aad, SIGN_ZERO_PARITY, text_aad
        adjust_all {aam 7}, SIGN_ZERO_PARITY, text_aam
        adjust_all {aad 0x1b}, SIGN_ZERO_PARITY, text_aad
        ret

; ---------------------------------------------------------------------------------------------------------------------
; Exceptions: each handler prints vector, error code and where it came from, then goes on at [recover].
exceptions:
        mov     edi, idt
        mov     eax, stubs
        mov     ecx, 32
.gate:
        mov     [edi], ax
        mov     word [edi + 2], CODE32
        mov     edx, eax
        mov     dx, 0x8e00
        mov     [edi + 4], edx
        add     edi, 8
        add     eax, stub_bytes
        loop    .gate
        lidt    [idt_pointer]
%macro try 1+
        mov     dword [recover], %%on
        %1
%%on:
%endmacro
        try     int3
        try     ud2
        try     div dword [zero]
        mov     eax, 5
        try     bound eax, [limits]
        mov     al, 0x7f
        add     al, 1
        try     into
        try     aam 0
        mov     eax, 0x28
        try     mov ds, ax
        mov     eax, CODE32
        try     mov ss, ax
        try     jmp 0x30:0
        try     int 0x55

        ret

; ---------------------------------------------------------------------------------------------------------------------
; 4-MByte pages, then PAE: the page at 0x40000000 is mapped to `window`, the one behind is missing.
WINDOW_ADDRESS  equ 0x40000000
paging:
        mov     esi, text_paging
        call    print
        mov     eax, cr4
        or      eax, 0x10               ; PSE
        mov     cr4, eax
        mov     dword [directory], 0x83
        mov     dword [directory + 4], 0x400083
        mov     eax, table
        or      eax, 3
        mov     [directory + (WINDOW_ADDRESS >> 22) * 4], eax
        mov     eax, window
        or      eax, 3
        mov     [table], eax
        mov     eax, window
        or      eax, 1                  ; read-only
        mov     [table + 8], eax
        mov     eax, directory
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000         ; PG, WP
        mov     cr0, eax
        mov     dword [WINDOW_ADDRESS + 0xffc], 0x12345678
        mov     eax, [window + 0xffc]
        call    print_hex
        mov     eax, [table]
        and     eax, 0xfff              ; accessed, dirty
        call    print_hex
        ; A read-modify-write instruction would fault as a write on processors, as a read in QEMU.
        try     mov ebx, [WINDOW_ADDRESS + 0x1004]
        try     mov eax, [WINDOW_ADDRESS + 0xffd]
        try     mov [WINDOW_ADDRESS + 0x2008], eax
        mov     eax, [WINDOW_ADDRESS + 0x2ffc]
        call    print_hex

        mov     eax, cr0
        and     eax, 0x7fffffff
        mov     cr0, eax
        mov     edi, pointers
        mov     eax, directory
        xor     edx, edx
        mov     dword [pointers], directory_pae_0
        or      dword [pointers], 1
        mov     dword [pointers + 8], directory_pae_1
        or      dword [pointers + 8], 1
        mov     dword [directory_pae_0], 0x83
        mov     dword [directory_pae_0 + 8], 0x200083
        mov     dword [directory_pae_1], table_pae
        or      dword [directory_pae_1], 3
        mov     dword [table_pae], window
        or      dword [table_pae], 3
        mov     eax, cr4
        or      eax, 0x20               ; PAE
        mov     cr4, eax
        mov     eax, pointers
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        mov     eax, [WINDOW_ADDRESS + 0xffc]
        call    print_hex
        try     mov [WINDOW_ADDRESS + 0xfff], ax
        try     mov al, [0x80000000]
        mov     eax, [table_pae]
        and     eax, 0xfff
        call    print_hex
        mov     eax, cr0
        and     eax, 0x7ffeffff
        mov     cr0, eax
        mov     eax, cr4
        and     eax, ~0x30
        mov     cr4, eax
        ret

; ---------------------------------------------------------------------------------------------------------------------
; Down to real-address mode, where a software interrupt prints, and back.
real_mode:
        mov     esi, text_real
        call    print
        mov     esi, low_code
        mov     edi, LOW
        mov     ecx, low_bytes
        rep movsb
        mov     [saved_stack], esp
        sidt    [saved_idt]
        mov     eax, DATA16
        jmp     CODE16:LOW
.back:
        mov     eax, DATA32
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, [saved_stack]
        lidt    [saved_idt]
        ret

low_code:
        bits 16
%define low(label) (LOW + (label) - low_code)
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:low(.real)
.real:
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, LOW
        lidt    [low(.vectors)]
        mov     word [0x40 * 4], low(.service)
        mov     word [0x40 * 4 + 2], ax
        mov     bx, 0x1200
        mov     es, bx
        mov     cx, 5
        mov     di, 0xfffe
        mov     al, '!'
        ; A word at offset 0xfffe ends at the segment's end; STOSB wraps around it.
        rep stosb
        mov     ax, [es:0]
        int     0x40
        mov     ax, [es:bx + di - 0x1203]
        int     0x40
        ; Segment arithmetic: 0x1200:0x0012 and 0x1201:0x0002 are the same byte.
        mov     word [es:0x12], 'OK'
        mov     dx, 0x1201
        mov     fs, dx
        mov     ax, [fs:2]
        int     0x40
        call    0:low(.far)
        mov     eax, 0x12345
        a32 mov [es:eax - 0x12345 + 0x40], eax
        mov     al, [es:0x41]
        sub     al, 0x23 - 'S'
        mov     ah, 10
        int     0x40
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword CODE32:real_mode.back
.far:
        mov     bp, sp
        mov     ax, [bp]                ; the return offset
        sub     ax, low(.far)
        mov     ax, 'FA'
        int     0x40
        retf
; Prints AL and AH.
.service:
        push    dx
        mov     dx, COM1
        out     dx, al
        xchg    al, ah
        out     dx, al
        pop     dx
        iret
.vectors:
        dw 0x3ff
        dd 0
low_bytes       equ $ - low_code
        bits 32

; ---------------------------------------------------------------------------------------------------------------------
align 16
stubs:
%assign vector 0
%rep 32
%if vector != 8 && vector != 17 && (vector < 10 || vector > 14)
        push    0
%endif
        push    vector
        jmp     near caught
        align   16
%if vector == 0
stub_bytes      equ $ - stubs
%endif
%assign vector vector + 1
%endrep

caught:
        pushad
        mov     ebp, esp                ; eight registers, vector, error code, EIP, CS, EFLAGS
        mov     eax, DATA32
        mov     ds, eax
        mov     esi, text_exception
        call    print
        mov     eax, [ebp + 32]
        call    print_hex
        mov     eax, [ebp + 36]
        call    print_hex
        cmp     dword [ebp + 32], 14
        jne     .go_on
        mov     eax, cr2
        call    print_hex
.go_on:
        mov     eax, [recover]
        mov     [ebp + 40], eax
        popad
        add     esp, 8
        iret

open_serial:
        mov     edx, COM1 + 3
        mov     al, 3
        out     dx, al
        ret
print:
        lodsb
        test    al, al
        jz      .done
        call    put
        jmp     print
.done:
        ret
; Prints EAX and a new line.
print_hex:
        push    ecx
        mov     ecx, 8
.digit:
        rol     eax, 4
        push    eax
        and     al, 15
        cmp     al, 10
        sbb     al, 0x69                ; with DAS: the digit in ASCII
        das
        call    put
        pop     eax
        loop    .digit
        mov     al, 10
        call    put
        pop     ecx
        ret
put:
        push    edx
        push    eax
        mov     edx, COM1 + 5
.wait:
        in      al, dx
        test    al, 0x20
        jz      .wait
        pop     eax
        mov     edx, COM1
        out     dx, al
        pop     edx
        ret

section .data
text_magic:     db "magic ", 0
text_command:   db "command line: ", 0
text_module:    db 10, "module: ", 0
text_aaa:       db "aaa ", 0
text_aas:       db "aas ", 0
text_daa:       db "daa ", 0
text_das:       db "das ", 0
text_aam:       db "aam ", 0
text_aad:       db "aad ", 0
text_exception: db "exception ", 0
text_paging:    db "paging", 10, 0
text_real:      db "real-address mode: ", 0
text_done:      db "done", 10, 0
zero:           dd 0
limits:         dd 6, 9
recover:        dd 0
saved_stack:    dd 0
saved_idt:      dw 0
                dd 0
align 8
gdt:            dq 0
                dq 0x00cf9b000000ffff
                dq 0x00cf93000000ffff
                dq 0x00009b000000ffff
                dq 0x000093000000ffff
gdt_pointer:    dw $ - gdt - 1
                dd gdt
idt_pointer:    dw 32 * 8 - 1
                dd idt
image_end:

section .bss
alignb 4096
directory:      resb 4096
table:          resb 4096
pointers:       resb 4096
directory_pae_0: resb 4096
directory_pae_1: resb 4096
table_pae:      resb 4096
window:         resb 4096
idt:            resb 32 * 8
                resb 4096
stack_top:
memory_end:
