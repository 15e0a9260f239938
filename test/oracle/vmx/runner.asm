; Runs VMX cases in 64-bit mode and prints on port 0xE9 what came of each.
; The cases are a stream of records that follows this code (see program.ts):
;   1 memory   u32 length, u64 address, data padded to 8     2 field    u32 encoding, u64 value
;   3 registers u32 0, 16 x u64 RAX RCX RDX RBX RSP ... R15  4 launch   u32 number of the case
;   5 reset    u32 0: zero the low memory, replay the base   6 end of the base   0 end of everything
; Each record starts with its u32 tag.

CR0_BASE equ 0x80000031
CR4_BASE equ 0x2020
EFER_BASE equ 0xd01

bits 64
org 0xc00000                    ; above everything that a case uses
        cli
        mov al, 0xff            ; no interrupts from the timer
        out 0x21, al
        out 0xa1, al
        ; Own paging: four 1-GByte pages.
        mov edi, tables
        xor eax, eax
        mov ecx, 1024
        rep stosq
        mov qword [tables], tables + 0x1003
        mov qword [tables + 0x1000], 0x83
        mov qword [tables + 0x1008], 0x40000083
        mov rax, 0x80000083
        mov [tables + 0x1010], rax
        mov rax, 0xc0000083
        mov [tables + 0x1018], rax
        mov eax, CR4_BASE
        mov cr4, rax
        mov eax, tables
        mov cr3, rax
        mov ecx, 0xc0000080
        mov eax, EFER_BASE
        xor edx, edx
        wrmsr
        mov eax, CR0_BASE
        mov cr0, rax
        lgdt [gdt64]
        push 8
        push reloaded
        db 0x48, 0xcb           ; a far return
reloaded:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov rsp, stack
        mov ax, 0x18
        ltr ax
        mov ecx, 0x3a
        rdmsr
        test al, 1
        jnz .locked
        or eax, 5
        wrmsr
.locked: mov ecx, 0x480
        rdmsr
        and eax, 0x7fffffff
        mov [revision], eax
        mov [0x1000], eax
        vmxon [vmxon_pointer]
        mov al, 'X'
        jbe die
        mov rsi, cases

next:   mov eax, [rsi]
        add rsi, 4
        cmp eax, 1
        je memory
        cmp eax, 2
        je field
        cmp eax, 3
        je registers
        cmp eax, 4
        je launch
        cmp eax, 5
        je reset
        cmp eax, 6
        je replayed
        mov al, 'E'
        jmp die

memory: mov ecx, [rsi]
        mov rdi, [rsi + 4]
        add rsi, 12
        mov edx, ecx
        rep movsb
        neg edx
        and edx, 7
        add rsi, rdx
        jmp next

field:  mov eax, [rsi]
        mov rdx, [rsi + 4]
        add rsi, 12
        vmwrite rax, rdx
        jmp next

registers:
        add rsi, 4
        mov edi, wanted
        mov ecx, 16
        rep movsq
        jmp next

; Low memory becomes zero, the VMCS clear and current; then the base is replayed.
reset:  add rsi, 4
        mov [after_base], rsi
        xor eax, eax
        mov edi, 0x3000
        mov ecx, (0xa0000 - 0x3000) / 8
        rep stosq
        mov edi, 0x100000
        mov ecx, 0x900000 / 8
        rep stosq
        vmclear [vmcs_pointer]
        mov edi, 0x2000
        mov ecx, 0x1000 / 8
        rep stosq
        mov eax, [revision]
        mov [0x2000], eax
        vmclear [vmcs_pointer]
        vmptrld [vmcs_pointer]
        mov rsi, cases
        jmp next
replayed:
        cmp qword [after_base], 0
        je next                           ; the first pass over the base itself
        mov rsi, [after_base]
        jmp next

launch: mov eax, [rsi]
        mov [number], eax
        add rsi, 4
        mov [position], rsi
        ; A host RIP of 0 stands for this program's.
        mov eax, 0x6c16
        vmread rdx, rax
        test rdx, rdx
        jnz .keep
        mov edx, exited
        vmwrite rax, rdx
.keep:  mov eax, 0x10000
        mov cr3, rax
        lgdt [fixture_gdt]
        lidt [fixture_idt]
        mov rax, [wanted]
        mov rcx, [wanted + 8]
        mov rdx, [wanted + 16]
        mov rbx, [wanted + 24]
        mov rbp, [wanted + 40]
        mov rsi, [wanted + 48]
        mov rdi, [wanted + 56]
        mov r8, [wanted + 64]
        mov r9, [wanted + 72]
        mov r10, [wanted + 80]
        mov r11, [wanted + 88]
        mov r12, [wanted + 96]
        mov r13, [wanted + 104]
        mov r14, [wanted + 112]
        mov r15, [wanted + 120]
        vmlaunch
        mov [seen], rax
        mov rsp, stack
        pushfq
        mov al, 'F'
        jmp report

exited: mov [seen], rax
        mov rsp, stack
        push 0
        mov al, 'V'

; AL says how it ended, on the stack are the flags of a failed VMLAUNCH.
report: mov [seen + 8], rcx
        mov [seen + 16], rdx
        mov [seen + 24], rbx
        mov [seen + 40], rbp
        mov [seen + 48], rsi
        mov [seen + 56], rdi
        mov [seen + 64], r8
        mov [seen + 72], r9
        mov [seen + 80], r10
        mov [seen + 88], r11
        mov [seen + 96], r12
        mov [seen + 104], r13
        mov [seen + 112], r14
        mov [seen + 120], r15
        pop r15
        mov bl, al
        mov rax, CR0_BASE
        mov cr0, rax
        mov eax, tables
        mov cr3, rax
        mov eax, CR4_BASE
        mov cr4, rax
        lgdt [gdt64]
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov ecx, 0xc0000080
        mov eax, EFER_BASE
        xor edx, edx
        wrmsr
        mov ecx, 0x277
        mov eax, 0x00070406
        mov edx, 0x00070406
        wrmsr
        mov rax, rsp
        push 0x10
        push rax
        push 2
        push 8
        push unblocked
        iretq                   ; ends blocking by NMI
unblocked:
        mov al, bl
        out 0xe9, al
        mov rdx, r15
        call print
        mov edx, [number]
        call print
        mov esi, seen
.register:
        mov rdx, [rsi]
        call print
        add rsi, 8
        cmp esi, seen + 128
        jb .register
        mov esi, read_list
.field: mov ecx, [rsi]
        add rsi, 4
        cmp ecx, -1
        je .done
        xor edx, edx
        vmread rdx, rcx
        call print
        jmp .field
.done:  mov al, 10
        out 0xe9, al
        mov rsi, [position]
        jmp next

; RDX in hexadecimal, after a space.
print:  mov al, ' '
        out 0xe9, al
        mov ecx, 16
.skip:  cmp ecx, 1
        je .digit
        rol rdx, 4
        test dl, 15
        jnz .show
        loop .skip
.digit: rol rdx, 4
.show:  mov al, dl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .put
        add al, 'a' - '9' - 1
.put:   out 0xe9, al
        loop .digit
        ret

die:    out 0xe9, al
        mov al, 10
        out 0xe9, al
        mov dx, 0x8900
        mov esi, goodbye
        mov ecx, 8
        rep outsb
.halt:  hlt
        jmp .halt
goodbye: db 'Shutdown'

times (8 - ($ - $$) % 8) % 8 db 0
vmxon_pointer: dq 0x1000
vmcs_pointer:  dq 0x2000
after_base:    dq 0
position:      dq 0
revision:      dd 0
number:        dd 0
wanted: times 16 dq 0
; RAX to R15 after the exit; RSP is among the fields.
seen:   times 16 dq 0
gdt64:  dw 0x37
        dq gdt64_table
fixture_gdt: dw 0x37
        dq 0x12000
fixture_idt: dw 0xfff
        dq 0x14000
times (8 - ($ - $$) % 8) % 8 db 0
; As the fixture's, with the TSS available for LTR.
gdt64_table:
        dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff
        dq 0x0000890000000067 | (0x15000 << 16), 0
        dq 0x00cff3000000ffff, 0x00affb000000ffff
times (4096 - ($ - $$) % 4096) % 4096 db 0
tables: times 0x2000 db 0
        times 4096 db 0
stack:
read_list:
        incbin "fields.bin"
times (8 - ($ - $$) % 8) % 8 db 0
cases:  incbin "cases.bin"
