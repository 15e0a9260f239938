; The sieve of Eratosthenes, a byte for each number, in rounds. WIDE: over 32 MiB in 4-KByte pages, so that translations
; matter; otherwise over 256 KiB, which fits what processors remember. GUEST: under a hypervisor, with EPT.
; Without ROUNDS it does nothing: what is left is the time to start and end.

bits 64
org 0x100000

%ifndef ROUNDS
%define ROUNDS 0
%endif
%ifdef WIDE
NUMBERS         equ 32 << 20
%else
NUMBERS         equ 256 << 10
%endif
TABLES          equ 0x800000            ; guest-physical address of the 16 page tables
NUMBERS_AT      equ 0x1000000           ; guest-physical address of the numbers
SIEVE           equ 0x40000000          ; their linear address

%ifdef GUEST
EXIT_REASON_WANTED equ 10
PRIMARY_WANTED  equ 0
%include "hypervisor.inc"
guest_start:
%else
start:
        mov     rsp, stack_top
%endif
        mov     r15d, ROUNDS
        test    r15, r15
        jz      power_off
        call    map
round:
        call    clear
        call    sieve
        dec     r15
        jnz     round
        jmp     power_off

; 4-KByte pages for the numbers, below the loader's PML4.
map:
        mov     rdi, TABLES
        mov     eax, NUMBERS_AT | 3
        mov     ecx, NUMBERS >> 12
.page:
        mov     [rdi], rax
        add     rdi, 8
        add     rax, 4096
        dec     ecx
        jnz     .page
        mov     rdi, directory
        mov     eax, TABLES | 3
        mov     ecx, 16
.table:
        mov     [rdi], rax
        add     rdi, 8
        add     rax, 4096
        dec     ecx
        jnz     .table
        mov     rbx, cr3
        and     rbx, -4096
        mov     rbx, [rbx]              ; PML4E 0 maps the loader's page-directory-pointer table
        and     rbx, -4096
        mov     rax, directory
        or      rax, 3
        mov     [rbx + (SIEVE >> 30) * 8], rax
        mov     rax, cr3
        mov     cr3, rax
        ret

clear:
        mov     rdi, SIEVE
        mov     ecx, NUMBERS / 8
        xor     eax, eax
.next:
        mov     [rdi], rax
        add     rdi, 8
        dec     ecx
        jnz     .next
        ret

sieve:
        mov     rbx, SIEVE
        mov     esi, 2
.candidate:
        cmp     byte [rbx + rsi], 0
        jne     .composite
        mov     rdi, rsi
        imul    rdi, rsi
        cmp     rdi, NUMBERS
        jae     .done
.strike:
        mov     byte [rbx + rdi], 1
        add     rdi, rsi
        cmp     rdi, NUMBERS
        jb      .strike
.composite:
        inc     esi
        jmp     .candidate
.done:
        ret

%ifndef GUEST
%include "../../samples/include/power.inc"
%endif

align 4096
directory:      times 512 dq 0
                times 1024 db 0
stack_top:
