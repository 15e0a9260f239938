; Runs cases of protected-mode system code and prints on port 0xE9, one line each, what every processor must agree on.
; A case is code (cases.asm) that runs at CPL 0, flat, with descriptor tables, TSSs and stacks as `pristine` has them, and
; ends in an exception or in `int 0x30`. The line: vector, error code, the interrupt's frame, registers, segment registers, TR,
; LDTR, CR0, CR2, DR6, and a checksum of each page of
; tables, TSSs and stacks.
; A double fault goes through a task gate, so that a broken stack is no end.

MAGIC           equ 0x1badb002
ADDRESSES       equ 1 << 16
; What a case may use; all of it is below 1 MiB.
GDT             equ 0x20000
IDT             equ 0x21000
LDT             equ 0x22000
TSS_MAIN        equ 0x23000
TSS_RESCUE      equ 0x23400
TSS_A           equ 0x23600
TSS_B           equ 0x23800
STACK2          equ 0x25400
STACK1          equ 0x25800
STACK0          equ 0x26000
STACK3          equ 0x27000
STACK_CASE      equ 0x28000
CHECKED         equ 0x20000
CHECKED_BYTES   equ 0x8000
STACK_RUNNER    equ 0x2f000
VIRTUAL         equ 0x30000     ; virtual-8086 code of a case, segment 0x3000
TABLES          equ 0x40000     ; paging structures of a case
TABLES_BYTES    equ 0x5000
FRAME           equ 0x50000     ; what a case maps: full of `int 0x30`

CODE0           equ 0x08
DATA0           equ 0x10
SEL_MAIN        equ 0x18
SEL_RESCUE      equ 0x20
CODE3           equ 0x28 | 3
DATA3           equ 0x30 | 3
SEL_LDT         equ 0x38
SEL_A           equ 0x40
SEL_B           equ 0x48
CODE1           equ 0x50 | 1
DATA1           equ 0x58 | 1
CODE2           equ 0x60 | 2
DATA2           equ 0x68 | 2
CONFORMING      equ 0x70
CODE16          equ 0x78
DATA16          equ 0x80
DATA32LOW       equ 0x88
FREE            equ 0xc0        ; free entries from here on

; A descriptor: base, limit (20 bits), access byte, flags (G D/B L AVL in bits 3:0).
%define descriptor(base, limit, access, flags) (((limit) & 0xffff) | (((base) & 0xffffff) << 16) | ((access) << 40) | ((((limit) >> 16) & 15) << 48) | ((flags) << 52) | ((((base) >> 24) & 0xff) << 56))
%define gate(selector, offset, access, count) (((offset) & 0xffff) | ((selector) << 16) | ((count) << 32) | ((access) << 40) | ((((offset) >> 16) & 0xffff) << 48))
; A label as the plain number that arithmetic on bits wants.
%define place(label) ((label) - header + 0x100000)
; Stores a quadword constant in the tables.
%macro put 2
        mov dword [%1], (%2) & 0xffffffff
        mov dword [(%1) + 4], (%2) >> 32
%endmacro
; Leaves CPL 0 for the code at %3, with code segment %1 and stack %2:%4.
%macro outer 4
        push dword %2
        push dword %4
        push dword 0x3002
        push dword %1
        push dword %3
        iretd
%endmacro

        org 0x100000
bits 32
header: dd MAGIC, ADDRESSES, -(MAGIC + ADDRESSES)
        dd header, header, image_end, image_end, start32

bits 64
start64:
        lgdt [rel boot_gdt]
        push CODE0
        push leave64
        db 0x48, 0xcb           ; a far return
bits 32
leave64:
        mov eax, 0x11
        mov cr0, eax
        mov ecx, 0xc0000080
        xor eax, eax
        xor edx, edx
        wrmsr
        xor eax, eax
        mov cr4, eax
start32:
        cli
        lgdt [boot_gdt]
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov esp, STACK_RUNNER
        jmp CODE0:.flat
.flat:  mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov dword [number], -1
        ; Whoever jumps astray below the tables meets INT1.
        xor edi, edi
        mov eax, 0xf1f1f1f1
        mov ecx, CHECKED / 4
        rep stosd
        xor eax, eax
        mov ecx, (0x9f000 - CHECKED) / 4
        rep stosd
        mov eax, 0x30cd30cd
        mov edi, FRAME
        mov ecx, 0x1000 / 4
        rep stosd
        mov edi, 0x800000
        mov ecx, 0x400000 / 4
        rep stosd

next:   ; A task of the last case may be current.
        mov eax, 0x11
        mov cr0, eax
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK_RUNNER
        xor eax, eax
        mov cr4, eax
        mov cr3, eax
        mov dr7, eax
        mov cr2, eax
        mov eax, 0xffff0ff0
        mov dr6, eax
        push dword 2
        popfd
        cld
        mov esi, pristine
        mov edi, CHECKED
        mov ecx, CHECKED_BYTES / 4
        rep movsd
        mov edi, TABLES
        xor eax, eax
        mov ecx, TABLES_BYTES / 4
        rep stosd
        mov ecx, 0xc0000080
        xor edx, edx
        wrmsr
        lgdt [case_gdt]
        lidt [case_idt]
        mov ax, SEL_MAIN
        ltr ax
        xor eax, eax
        lldt ax
        mov fs, ax
        mov gs, ax
        mov dword [depth], 0
        inc dword [number]
        mov esi, [number]
        mov esi, [case_list + esi * 4]
        test esi, esi
        jz finished
        mov [target], esi
        mov esp, STACK_CASE
        xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        jmp [target]

finished:
        mov dx, 0x8900
        mov esi, goodbye
        mov ecx, 8
        rep outsb
        mov al, 0
        out 0xf4, al
.halt:  hlt
        jmp .halt
goodbye: db 'Shutdown'

%macro stub 1
stub_%1:
%if (%1 == 8) || (%1 >= 10 && %1 <= 14) || (%1 == 17) || (%1 == 21)
%else
        push dword 0
%endif
        push dword %1
        jmp interrupted
%endmacro
%assign n 0
%rep 0x40
        stub n
%assign n n + 1
%endrep

interrupted:
        pushad
        push ds
        push es
        push fs
        push gs
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        ; Paging off: the handler reads what only user code may.
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        inc dword [depth]
        cmp dword [depth], 1
        jne nested
        ; A 16-bit stack leaves the upper half of ESP alone.
        mov ebp, esp
        mov eax, ss
        movzx eax, ax
        lar eax, eax
        test eax, 1 << 22
        jnz .wide
        movzx ebp, bp
.wide:  mov edx, [number]
        call print
        mov edx, [ebp + 48]             ; vector
        call print
        mov edx, [ebp + 52]             ; error code
        call print
        mov edx, [ebp + 56]             ; EIP
        call print
        movzx edx, word [ebp + 60]      ; CS
        call print
        mov edx, [ebp + 64]             ; EFLAGS
        and edx, ~0x10000               ; RF is compared by the cases about it
        call print
        mov ecx, 0
        test dword [ebp + 64], 0x20000
        jz .protected
        mov ecx, 6
        jmp .frame
.protected:
        test byte [ebp + 60], 3
        jz .same
        mov ecx, 2
.frame: lea esi, [ebp + 68]
.word:  mov edx, [ss:esi]
        cmp ecx, 6                      ; selectors have 16 bits, and so has ESP of virtual-8086 code where it matters
        je .full
        lea eax, [ebp + 68]
        cmp esi, eax
        je .full
        movzx edx, dx
.full:  push ecx
        call print
        pop ecx
        add esi, 4
        loop .word
.same:  lea esi, [ebp + 44]             ; EAX first
        mov ecx, 8
.reg:   cmp ecx, 4                      ; ESP is the handler's own
        je .skip
        mov edx, [ss:esi]
        push ecx
        call print
        pop ecx
.skip:  sub esi, 4
        loop .reg
        mov ecx, 4
.seg:   movzx edx, word [ss:esi]
        push ecx
        call print
        pop ecx
        sub esi, 4
        loop .seg
        call tail
        jmp next

; The stack is none that the handler could read.
nested: mov ss, ax
        mov esp, STACK_RUNNER
        mov al, 10
        out 0xe9, al
        mov edx, [number]
        call print
        mov edx, -1
        call print
        call tail
        jmp next

; TR, LDTR, control and debug registers, checksum, end of the line.
tail:   xor edx, edx
        str dx
        call print
        sldt dx
        movzx edx, dx
        call print
        mov edx, cr0
        and edx, 0x8005003f
        call print
        mov edx, cr2
        call print
        mov edx, dr6
        call print
        mov esi, CHECKED
.page:  xor edx, edx
        mov ecx, 0x1000 / 4
.sum:   rol edx, 5
        add edx, [esi]
        add esi, 4
        loop .sum
        call print
        cmp esi, CHECKED + CHECKED_BYTES
        jb .page
        xor edx, edx
        mov esi, TABLES
.entry: rol edx, 5
        add edx, [esi]
        add esi, 4
        cmp esi, TABLES + TABLES_BYTES
        jb .entry
        call print
        mov al, 10
        out 0xe9, al
        ret

; The task of the double-fault gate.
rescue: mov edx, [number]
        call print
        mov edx, 8
        call print
        pop edx
        call print
        movzx edx, word [TSS_RESCUE]
        call print
        call tail
        jmp next

; EDX in hexadecimal, before a space.
print:  push eax
        push ecx
        mov ecx, 8
.skip:  cmp ecx, 1
        je .digit
        rol edx, 4
        test dl, 15
        jnz .show
        loop .skip
.digit: rol edx, 4
.show:  mov al, dl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .put
        add al, 'a' - '9' - 1
.put:   out 0xe9, al
        loop .digit
        mov al, ' '
        out 0xe9, al
        pop ecx
        pop eax
        ret

; The first 2 MBytes one to one by the 4-KByte entries at TABLES + 0x1000, 4 or 8 bytes each (EBX); user pages are the stack
; and the code of CPL 3.
identity:
        mov edi, TABLES + 0x1000
        mov eax, 3
        mov ecx, 512
.entry: mov edx, eax
        cmp eax, 0x26003
        je .user
        cmp eax, 0x30003
        jne .put
.user:  or edx, 4
.put:   mov [edi], edx
        add edi, ebx
        add eax, 0x1000
        loop .entry
        ret

; Virtual-8086 mode at VIRTUAL, with the code from ESI to EDI; flags in EAX.
enter_virtual:
        mov ecx, edi
        sub ecx, esi
        mov edi, VIRTUAL
        rep movsb
        push dword 0x3004               ; GS
        push dword 0x3003               ; FS
        push dword 0x3002               ; DS
        push dword 0x3001               ; ES
        push dword 0x3000               ; SS
        push dword 0x8000               ; ESP
        push eax
        push dword 0x3000
        push dword 0
        xor eax, eax
        xor ecx, ecx
        xor esi, esi
        xor edi, edi
        iretd

number: dd 0
depth:  dd 0
target: dd 0
boot_gdt:
        dw 0xff
        dd pristine, 0
case_gdt:
        dw 0x3ff
        dd GDT
case_idt:
        dw 0x7ff
        dd IDT

align 16
pristine:
        dq 0
        dq descriptor(0, 0xfffff, 0x9b, 0xc)            ; CODE0
        dq descriptor(0, 0xfffff, 0x93, 0xc)            ; DATA0
        dq descriptor(TSS_MAIN, 0x8b, 0x89, 0)
        dq descriptor(TSS_RESCUE, 0x67, 0x89, 0)
        dq descriptor(0, 0xfffff, 0xfb, 0xc)            ; CODE3
        dq descriptor(0, 0xfffff, 0xf3, 0xc)
        dq descriptor(LDT, 0xff, 0x82, 0)
        dq descriptor(TSS_A, 0x67, 0x89, 0)
        dq descriptor(TSS_B, 0x2b, 0x81, 0)
        dq descriptor(0, 0xfffff, 0xbb, 0xc)            ; CODE1
        dq descriptor(0, 0xfffff, 0xb3, 0xc)
        dq descriptor(0, 0xfffff, 0xdb, 0xc)            ; CODE2
        dq descriptor(0, 0xfffff, 0xd3, 0xc)
        dq descriptor(0, 0xfffff, 0x9f, 0xc)            ; CONFORMING
        dq descriptor(0, 0xffff, 0x9b, 0)               ; CODE16
        dq descriptor(0x20000, 0xffff, 0x93, 0)         ; DATA16
        dq descriptor(0x20000, 0xffff, 0x93, 4)         ; DATA32LOW
        times 0x1000 - ($ - pristine) db 0
pristine_idt:
%assign n 0
%rep 0x40
%if n == 8
        dq gate(SEL_RESCUE, 0, 0x85, 0)
%elif n == 3 || n == 4 || n >= 0x30
        dq gate(CODE0, place(stub_%[n]), 0xee, 0)
%else
        dq gate(CODE0, place(stub_%[n]), 0x8e, 0)
%endif
%assign n n + 1
%endrep
        times 0x3000 - ($ - pristine) db 0
; The TSS that runs a case: stacks, and ports 0x40-0x7F allowed but for some.
        dd 0, STACK0, DATA0, STACK1, DATA1, STACK2, DATA2
        times 0x3064 - ($ - pristine) db 0
        dd 0x680000
        times 8 db 0xff
        times 8 db 0
        db 0x0f, 0xf0, 0x80, 0x01
        times 0x3400 - ($ - pristine) db 0xff
%macro tss32 3                                  ; EIP, ESP, EFLAGS; segments of CPL 0
        dd 0, STACK0, DATA0, STACK1, DATA1, STACK2, DATA2, 0
        dd %1, %3
        dd 0xa1, 0xa2, 0xa3, 0xa4, %2, 0xa6, 0xa7, 0xa8
        dd DATA0, CODE0, DATA0, DATA0, 0, 0, 0, 0x680000
%endmacro
        tss32 rescue, STACK_RUNNER, 2
        times 0x3600 - ($ - pristine) db 0
        tss32 ended, 0x24800, 2
        times 0x3800 - ($ - pristine) db 0
        dw 0, STACK0 & 0xffff, DATA32LOW, STACK1 & 0xffff, DATA1, STACK2 & 0xffff, DATA2
        dw 0x1000, 2                            ; IP in FREE's 16-bit segment, FLAGS
        dw 0xb1, 0xb2, 0xb3, 0xb4, 0x4c00, 0xb6, 0xb7, 0xb8
        dw DATA0, CODE16, DATA16, DATA0, 0
        times CHECKED_BYTES - ($ - pristine) db 0
; Where a task begins, and a gate may lead, unless a case says otherwise.
ended:  int 0x30

%include "cases.asm"
image_end:
