; A Multiboot 1 image that does what a table of operations says (operations.inc, which script.ts writes) and tells, one line
; for each operation that sees something, what it saw. Lines go to memory first and to COM1 at the end, so that the UART can
; be an object of study too. Operations run on the first processor or, by a mailbox, on another one.
;
; An operation has 16 bytes: code, size in bytes, processor, 0, and three words a, b, c.

MAGIC           equ 0x1badb002
ADDRESSES       equ 1 << 16
COM1            equ 0x3f8
DEBUG_EXIT      equ 0xf4
PM_TIMER        equ 0x608
LOCAL_APIC      equ 0xfee00000
TEST_LINES      equ 0x2000
TRAMPOLINE      equ 0x8000
STACK_BYTES     equ 4096
PROCESSORS      equ 8
; Rounds between two looks at the clock: looking costs more than waiting.
SPINS           equ 2000

; At the bottom of each stack: the log of interrupts.
LOG_COUNT       equ 0
LOG             equ 4
LOG_MAX         equ 500
; What a handler does, by vector (operation 9): ends the interrupt here and there, lets others in meanwhile, lowers a line.
END_LOCAL       equ 1
END_FIRST       equ 2
END_SECOND      equ 4
NESTS           equ 8
LOWERS          equ 16
; In the log: the handler that nested others is done.
DONE            equ 0x100

        org 0x100000
        bits 32
header: dd MAGIC, ADDRESSES, -(MAGIC + ADDRESSES), header, header, image_end, memory_end, start

start:
        cli
        cld
        mov     [boot_magic], eax
        mov     [boot_information], ebx
        lgdt    [gdt_pointer]
        jmp     8:.loaded
.loaded:
        call    segments
        mov     esp, stacks + STACK_BYTES
        mov     edi, idt
        mov     eax, stubs
        mov     ecx, 256
.gate:
        mov     [edi], ax
        mov     word [edi + 2], 8
        mov     word [edi + 4], 0x8e00
        mov     edx, eax
        shr     edx, 16
        mov     [edi + 6], dx
        add     edi, 8
        add     eax, 16
        loop    .gate
        lidt    [idt_pointer]
        mov     al, 0xff
        out     0x21, al
        out     0xa1, al
        mov     dword [text_at], text
        mov     esi, operations
.next:
        cmp     byte [esi], 0
        je      finish
        movzx   ecx, byte [esi + 2]
        test    ecx, ecx
        jnz     .elsewhere
        call    execute
        jmp     .advance
.elsewhere:
        mov     [mailbox + ecx * 4], esi
.wait:
        pause
        cmp     dword [mailbox + ecx * 4], 0
        jne     .wait
.advance:
        add     esi, 16
        jmp     .next

segments:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        ret

; Prints what was seen.
finish:
        mov     dx, COM1 + 3
        mov     al, 3
        out     dx, al
        mov     dx, COM1 + 1
        mov     al, 0
        out     dx, al
        mov     dx, COM1 + 2
        out     dx, al
        mov     dx, COM1 + 4
        mov     al, 3
        out     dx, al
        mov     esi, text
.character:
        cmp     esi, [text_at]
        je      .end
        mov     dx, COM1 + 5
.busy:
        in      al, dx
        test    al, 0x20
        jz      .busy
        mov     dx, COM1
        lodsb
        out     dx, al
        jmp     .character
.end:
        ; A machine that ends at once may lose a character that has not left yet.
        mov     dx, COM1 + 5
.leaving:
        in      al, dx
        test    al, 0x40
        jz      .leaving
        mov     al, 1
        out     DEBUG_EXIT, al
        hlt

; The operation at ESI. Keeps ESI.
execute:
        movzx   eax, byte [esi]
        mov     edx, [esi + 4]
        movzx   ecx, byte [esi + 1]
        jmp     [.table + eax * 4]
        align 4
.table: dd 0, .in, .out, .load, .store, .rdmsr, .wrmsr, .window, .delay, .policy, .start, .await, .copy, .cpuid, .strings
.in:
        call    input
        jmp     hex
.out:
        mov     eax, [esi + 8]
        cmp     ecx, 2
        je      .out2
        ja      .out4
        out     dx, al
        ret
.out2:  out     dx, ax
        ret
.out4:  out     dx, eax
        ret
.load:
        cmp     ecx, 2
        je      .load2
        ja      .load4
        movzx   eax, byte [edx]
        jmp     hex
.load2: movzx   eax, word [edx]
        jmp     hex
.load4: mov     eax, [edx]
        jmp     hex
.store:
        mov     eax, [esi + 8]
        cmp     ecx, 2
        je      .store2
        ja      .store4
        mov     [edx], al
        ret
.store2: mov    [edx], ax
        ret
.store4: mov    [edx], eax
        ret
.rdmsr:
        mov     ecx, edx
        mov     dword [recover], .refused
        rdmsr
        mov     dword [recover], 0
        push    eax
        mov     eax, edx
        mov     ecx, 4
        call    digits
        pop     eax
        jmp     hex
.wrmsr:
        mov     ecx, edx
        mov     eax, [esi + 8]
        mov     edx, [esi + 12]
        mov     dword [recover], .refused
        wrmsr
        mov     dword [recover], 0
        mov     eax, 'ok'
        jmp     word_
.refused:
        mov     dword [recover], 0
        mov     eax, 'gp'
        jmp     word_
; Interrupts are let in for a rounds and b microseconds; then what came, in order.
.window:
        sti
        nop
        mov     ecx, edx
        jecxz   .still
.round: pause
        loop    .round
.still: mov     edx, [esi + 8]
        call    sleep
        cli
        mov     ebx, esp
        and     ebx, -STACK_BYTES
        xor     edi, edi
.entry: cmp     edi, [ebx + LOG_COUNT]
        je      .logged
        movzx   eax, word [ebx + LOG + edi * 2]
        mov     ecx, 1
        test    eax, DONE
        jz      .vector
        push    eax
        mov     al, '-'
        call    put
        pop     eax
.vector: call   digits
        mov     al, ' '
        call    put
        inc     edi
        jmp     .entry
.logged: mov    dword [ebx + LOG_COUNT], 0
        mov     al, '.'
        call    put
        jmp     newline
.delay: jmp     sleep
; Vector a: flags b, test device's line c.
.policy:
        mov     al, [esi + 8]
        mov     [policies + edx], al
        mov     al, [esi + 12]
        mov     [policy_lines + edx], al
        ret
; Processor a gets INIT and a start-up IPI, and is waited for.
.start:
        push    esi
        mov     [starting], edx
        mov     dword [started], 0
        mov     esi, trampoline
        mov     edi, TRAMPOLINE
        mov     ecx, trampoline_end - trampoline
        rep movsb
        shl     edx, 24
        mov     [LOCAL_APIC + 0x310], edx
        mov     dword [LOCAL_APIC + 0x300], 0x4500
        mov     edx, 10000
        call    sleep
        mov     dword [LOCAL_APIC + 0x300], 0x4600 | TRAMPOLINE >> 12
.starting:
        pause
        cmp     dword [started], 0
        je      .starting
        pop     esi
        ret
; Reads port a until value & b == c; tells when it does not come to that.
.await:
        mov     edi, 2000000
.again: mov     edx, [esi + 4]
        movzx   ecx, byte [esi + 1]
        call    input
        and     eax, [esi + 8]
        cmp     eax, [esi + 12]
        je      .came
        dec     edi
        jnz     .again
        mov     eax, 'no'
        jmp     word_
.came:  mov     eax, 'ok'
        jmp     word_
; b bytes from address a, or from the Multiboot information when c is 1.
.copy:
        mov     ebx, edx
        cmp     dword [esi + 12], 1
        jne     .bytes
        add     ebx, [boot_information]
.bytes: mov     edi, [esi + 8]
.byte:  movzx   eax, byte [ebx]
        mov     ecx, 1
        call    digits
        inc     ebx
        dec     edi
        jnz     .byte
        jmp     newline
.cpuid:
        mov     eax, edx
        mov     ecx, [esi + 8]
        cpuid
        mov     eax, ecx
        mov     ecx, 4
        jmp     hex
; b bytes from port a.
.strings:
        mov     edi, [esi + 8]
.item:  mov     edx, [esi + 4]
        in      al, dx
        movzx   eax, al
        mov     ecx, 1
        call    digits
        dec     edi
        jnz     .item
        jmp     newline

; ECX bytes from port EDX.
input:
        xor     eax, eax
        cmp     ecx, 2
        je      .two
        ja      .four
        in      al, dx
        ret
.two:   in      ax, dx
        ret
.four:  in      eax, dx
        ret

; EDX microseconds by the power-management timer, of which 24 bits count everywhere.
sleep:
        test    edx, edx
        jz      .none
        push    esi
        mov     eax, edx
        mov     ecx, 3579545
        mul     ecx
        mov     ecx, 1000000
        div     ecx
        mov     edi, eax
        mov     dx, PM_TIMER
        in      eax, dx
        mov     esi, eax
.wait:  mov     eax, SPINS
.spin:  dec     eax
        jnz     .spin
        in      eax, dx
        sub     eax, esi
        and     eax, 0xffffff
        cmp     eax, edi
        jb      .wait
        pop     esi
.none:  ret

; Text.
put:
        push    edi
        mov     edi, [text_at]
        stosb
        mov     [text_at], edi
        pop     edi
        ret
word_:
        call    put
        mov     al, ah
        call    put
newline:
        mov     al, 10
        jmp     put
hex:
        call    digits
        jmp     newline
; ECX bytes of EAX as digits.
digits:
        pushad
        mov     edx, eax
        mov     ebx, ecx
        shl     ebx, 1
.digit:
        dec     ebx
        mov     ecx, ebx
        shl     ecx, 2
        mov     eax, edx
        shr     eax, cl
        and     eax, 15
        mov     al, [numerals + eax]
        call    put
        test    ebx, ebx
        jnz     .digit
        popad
        ret
numerals: db "0123456789abcdef"

; Every interrupt and exception.
        align 16
stubs:
%assign n 0
%rep 256
        push    dword n
        jmp     strict near handler
        align 16
%assign n n + 1
%endrep
handler:
        cmp     dword [esp], 13
        jne     .interrupt
        cmp     dword [recover], 0
        je      .interrupt
        ; Vector, error code, EIP, CS, EFLAGS.
        mov     eax, [recover]
        mov     [esp + 8], eax
        add     esp, 8
        iret
.interrupt:
        pushad
        mov     eax, [esp + 32]
        mov     ebx, esp
        and     ebx, -STACK_BYTES
        call    note
        movzx   ecx, byte [policies + eax]
        test    ecx, NESTS
        jz      .line
        sti
        nop
        nop
        nop
        cli
        push    eax
        or      eax, DONE
        call    note
        pop     eax
.line:
        test    ecx, LOWERS
        jz      .second
        movzx   edx, byte [policy_lines + eax]
        add     edx, TEST_LINES
        push    eax
        mov     al, 0
        out     dx, al
        pop     eax
.second:
        test    ecx, END_SECOND
        jz      .first
        mov     al, 0x20
        out     0xa0, al
.first:
        test    ecx, END_FIRST
        jz      .local
        mov     al, 0x20
        out     0x20, al
.local:
        test    ecx, END_LOCAL
        jz      .end
        mov     dword [LOCAL_APIC + 0xb0], 0
.end:
        popad
        add     esp, 4
        iret
; EAX to the log at EBX.
note:
        mov     edx, [ebx + LOG_COUNT]
        cmp     edx, LOG_MAX
        jae     .full
        mov     [ebx + LOG + edx * 2], ax
        inc     dword [ebx + LOG_COUNT]
.full:  ret

; The other processors begin here, in real-address mode.
trampoline:
        bits 16
        cli
        o32 lgdt [cs:.pointer - trampoline]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 8:other
.pointer:
        dw      gdt_end - gdt - 1
        dd      gdt
trampoline_end:
        bits 32
other:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     ebx, [starting]
        mov     esp, ebx
        inc     esp
        imul    esp, STACK_BYTES
        add     esp, stacks
        cld
        lidt    [idt_pointer]
        mov     eax, esp
        mov     dword [eax - STACK_BYTES + LOG_COUNT], 0
        mov     dword [started], 1
.wait:
        pause
        mov     esi, [mailbox + ebx * 4]
        test    esi, esi
        jz      .wait
        push    ebx
        call    execute
        pop     ebx
        mov     dword [mailbox + ebx * 4], 0
        jmp     .wait

        align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_end:
gdt_pointer: dw gdt_end - gdt - 1
        dd gdt
idt_pointer: dw 256 * 8 - 1
        dd idt

        align 16
operations:
%include "operations.inc"
        dd 0, 0, 0, 0
image_end:

absolute image_end
        alignb STACK_BYTES
stacks: resb STACK_BYTES * PROCESSORS
idt:    resb 256 * 8
boot_magic: resd 1
boot_information: resd 1
recover: resd 1
starting: resd 1
started: resd 1
text_at: resd 1
mailbox: resd PROCESSORS
policies: resb 256
policy_lines: resb 256
text:   resb 0x80000
memory_end:
