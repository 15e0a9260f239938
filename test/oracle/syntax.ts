/**
 * Generated source lines over NASM's syntax: immediates and their sizes, addresses, jumps, prefixes, data.
 * They may use the labels `lab` (before the lines) and `fwd` (behind them).
 */
import type { Bits } from './corpus';

/** Combines every element of the lists: `cross(['a', 'b'], ['1', '2'])` is a1 a2 b1 b2. */
function cross(...lists: (readonly string[])[]): string[] {
  return lists.reduce<string[]>((made, list) => made.flatMap(start => list.map(end => start + end)), ['']);
}
const words = (text: string) => text.split(' ');
const lines = (text: string) =>
  text
    .split(/[\n|]/)
    .map(line => line.trim())
    .filter(line => line !== '');

const NUMBERS = words(
  '0 1 -1 5 127 128 -128 -129 255 256 0x7fff 0x8000 0xffff 0x10000 0x7fffffff 0x80000000 0xffffffff -0x80000000 ' +
    '0xffffff80 0xffffffffffffff80 0x123456789 lab fwd fwd-lab lab+5 $ $-$$ $$',
);
const SIZES = [
  '',
  'byte ',
  'word ',
  'dword ',
  'qword ',
  'strict ',
  'strict byte ',
  'strict word ',
  'strict dword ',
  'strict qword ',
];

function immediates(bits: Bits): string[] {
  const memory = { 16: '[bx+4]', 32: '[ebx+4]', 64: '[rbx+4]' }[bits];
  const registers = words('al cl ax cx eax ecx' + (bits === 64 ? ' rax rcx r10 r10d r10w r10b' : ''));
  const targets = [...registers, memory, `byte ${memory}`, `word ${memory}`, `dword ${memory}`];
  if (bits === 64) targets.push(`qword ${memory}`);
  return [
    ...cross(words('add adc cmp and test mov xor'), [' '], targets, [', '], SIZES, NUMBERS),
    ...cross(['push '], SIZES, NUMBERS),
    ...cross(words('imul shl'), [' '], registers, [', '], NUMBERS),
    ...registers.flatMap(r => NUMBERS.map(n => `imul ${r}, ${r}, ${n}`)),
    ...registers.flatMap(r => NUMBERS.map(n => `shld ${r}, ${r}, ${n}`)),
  ];
}

function jumps(bits: Bits): string[] {
  const memory = { 16: '[bx+4]', 32: '[ebx+4]', 64: '[rbx+4]' }[bits];
  const mnemonics = words('jmp call jz jnbe loop loopne jcxz jecxz jrcxz');
  const near = ['', 'short ', 'near ', 'strict ', 'strict near ', 'strict short '];
  const sized = ['word ', 'dword ', 'near word ', 'near dword '];
  const labels = words('lab $ $+10 $-300 $+127 $+129 $+130 $+131 fwd 0x10 far_');
  return [
    ...cross(mnemonics, [' '], [...near, ...sized], labels),
    ...cross(words('jmp call'), [' '], ['', 'near '], words('ax eax rax')),
    ...cross(
      words('jmp call'),
      [' '],
      ['', 'near ', 'far ', 'word ', 'dword ', 'qword ', 'far word ', 'far dword '],
      [memory, '[lab]', '[rel lab]', '[abs lab]'],
    ),
    ...cross(['a16 ', 'a32 ', 'a64 ', 'bnd '], words('loop loope jmp call jcxz jz'), [' lab']),
    ...cross(words('loop loope loopne loopz loopnz'), [' lab, '], words('cx ecx rcx')),
    ...cross(
      words('jmp call'),
      [' '],
      lines('8:0x1234|8:lab|8:fwd|word 8:lab|dword 8:lab|far 8:lab|far word 8:lab|8:0x12345678'),
    ),
  ];
}

/** What may stand between brackets. */
function addresses(bits: Bits): string[] {
  const sixteen = words('bx bp si di bx+si bx+di bp+si bp+di si+bx di+bp si+bp');
  const wide =
    bits === 64 ? words('eax ecx esp ebp r8d r12d r13d rax rcx rsp rbp r8 r12 r13') : words('eax ecx esp ebp esi');
  const is64 = (name: string) => name[0] === 'r' && !name.endsWith('d');
  const list = lines(
    `lab | fwd | lab+4 | fwd-lab | 0 | 5 | -5 | 0x1234 | 0x12345678 | 0x123456789 | 0xffffffff | 0xffff | -0x80000000 | $
     rel lab | rel 0x1000 | rel $ | abs lab | abs 5 | byte 5 | word 5 | dword 5 | qword 5 | word lab | dword lab | qword lab
     fs:0 | fs:lab | gs:5 | es:lab | cs:lab | ds:5 | ss:lab | rel fs:lab | fs:rel lab | abs fs:lab | nosplit 5`,
  );
  const offsets = [
    '',
    ...words(
      '+0 +1 -1 +127 +128 -128 -129 +0x1234 +lab +fwd +(fwd-lab) +0x80000000 +0xffffffff -0x80000000 +0xff80 +0xffffff80',
    ),
  ];
  list.push(...cross(bits === 64 ? wide : [...sixteen, ...wide], offsets));
  if (bits !== 64)
    for (const a of sixteen) list.push(`byte ${a}`, `word ${a}`, `dword ${a}`, `byte ${a}+5`, `es:${a}`, `${a}*1`);
  for (const a of wide) {
    const mates = wide.filter(b => is64(a) === is64(b));
    for (const scale of [1, 2, 3, 4, 5, 8, 9]) {
      list.push(`${a}*${scale}`, `nosplit ${a}*${scale}`, `${a}*${scale}+4`, `2+${a}*${scale}`, `${scale}*${a}`);
      for (const b of mates)
        list.push(`${b}+${a}*${scale}`, `${a}*${scale}+${b}`, `${b}, ${a}*${scale}`, `${b}+${a}*${scale}+0x100`);
    }
    list.push(
      ...[
        `${a}+${a}`,
        `${a}+${a}*2`,
        `${a}*2+${a}`,
        `${a}+${a}+${a}`,
        `${a}-${a}+5`,
        `${a}*2-${a}`,
        `nosplit ${a}+${a}`,
      ],
      ...[`byte ${a}`, `dword ${a}`, `byte ${a}+5`, `byte ${a}+500`, `dword ${a}+5`, `es:${a}`, `fs:${a}`, `ds:${a}+5`],
    );
    for (const b of wide)
      list.push(
        `${a}+${b}`,
        `${b}+${a}*1`,
        `${a}*1+${b}`,
        `nosplit ${b}+${a}*1`,
        `${a}+5-3+${b}`,
        `${a}+(3-2)*${b}`,
        `5+3+${a}+${b}`,
        `${a}+0*${b}`,
        `nosplit ${a}*1+${b}`,
        `${a}*1+${b}*1`,
      );
  }
  return list;
}

function memory(bits: Bits): string[] {
  const all = addresses(bits);
  const few = all.slice(0, 40).filter(a => a !== 'byte 5');
  return [
    ...all.flatMap(a => [`mov cl, [${a}]`, `mov al, [${a}]`]),
    ...few.flatMap(a => words('al ax eax rax cx').flatMap(r => [`mov [${a}], ${r}`, `mov ${r}, [${a}]`])),
    ...few.flatMap(a => [
      ...[
        `lea eax, [${a}]`,
        `lea rax, [${a}]`,
        `lea ax, [${a}]`,
        `mov dword [${a}], 0x12345678`,
        `mov word [${a}], lab`,
      ],
      ...[`add dword [${a}], 5`, `jmp [${a}]`, `push qword [${a}]`, `push word [${a}]`, `fs mov eax, [${a}]`],
      ...[`a32 mov ecx, [${a}]`, `a16 mov ecx, [${a}]`],
    ]),
  ];
}

function strings(): string[] {
  const mnemonics = cross(words('movs cmps stos lods scas'), words('b w d q')).concat(
    words('insb insw insd outsb outsw outsd xlatb xlat'),
  );
  const prefixes =
    '|rep |repe |repne |repz |repnz |lock |es |fs |a16 |a32 |a64 |rep es |es rep |rep a32 |a32 rep |lock rep |rep lock |a32 rep fs ';
  return cross(prefixes.split('|'), mnemonics);
}

/** Instructions whose spelling or default size is NASM's own, forms with one right answer, and data. */
const SINGLES = `
nop | ret | retf | retn | retq | retw | retd | retfq | retfw | retfd | iret | iretw | iretd | iretq | pushf | pushfw | pushfd | pushfq
popf | popfw | popfd | popfq | pusha | pushaw | pushad | popa | popad | leave | cbw | cwde | cdqe | cwd | cdq | cqo | syscall | sysret
sysexit | sysenter | hlt | cli | sti | clc | int3 | int1 | icebp | int01 | into | wait | fwait | cpuid | rdtsc | rdtscp
rdmsr | wrmsr | rdpmc | wbinvd | invd | clts | rsm | ud2 | ud2a | ud0 | ud1 | pause | mfence | lfence | sfence | swapgs | vmcall | vmlaunch
vmresume | vmxoff | vmfunc | vmmcall | monitor | mwait | monitorx | mwaitx | xgetbv | xsetbv | aaa | aas | aam | aad | daa | das | lahf | sahf
endbr64 | endbr32 | emms | finit | fninit | fclex | fnclex | fnop | fchs | fld1 | fcompp | fadd | faddp | fmul | fmulp | fsub | fsubp | fdiv
fdivp | fcom | fcomp | fxch | fucom | fucomp | fucompp | fsubr | fsubrp | fdivr | fdivrp | ffree | rdrand ax | rdseed ecx | getsec | enclu
encls | clac | stac | xtest | xend | xabort 5 | clui | stui | uiret | wbnoinvd | serialize | rdpkru | wrpkru | cmc | stc | std | cld | skinit
clgi | stgi | vmrun | vmload | vmsave | invlpga | invlpga rax, ecx | invlpga eax, ecx | monitor rax, ecx, edx | mwait eax, ecx | clzero rax
umonitor eax | tpause ecx | prefetchnta [eax] | prefetcht0 [eax] | clflush [eax] | clflushopt [eax] | clwb [eax] | fstsw ax | fnstsw ax
fstsw [eax] | fnstcw [eax] | fstcw [eax] | fldcw [eax] | fxsave [eax] | fxrstor [eax] | fxsave64 [rax] | xsave [eax] | xsave64 [rax]
xrstor [eax] | cmpxchg8b [eax] | cmpxchg16b [rax] | lock cmpxchg8b [eax] | cmpxchg8b qword [eax] | cmpxchg16b oword [rax] | invlpg [eax]
lgdt [eax] | lidt [eax] | sgdt [eax] | sidt [eax] | o32 lgdt [eax] | o16 lgdt [eax] | o32 lidt [eax] | o16 sidt [eax] | lldt ax | lldt [eax]
str ax | str eax | str rax | str [eax] | sldt ax | sldt eax | sldt rax | sldt [eax] | ltr ax | ltr [eax] | smsw ax | smsw eax | smsw rax
smsw [eax] | lmsw ax | lmsw [eax] | lmsw word [eax] | lar ax, cx | lar eax, cx | lar eax, ecx | lar rax, cx | lar rax, ecx | lar eax, [eax]
lar eax, word [eax] | lsl ax, cx | lsl eax, cx | lsl eax, [eax] | lsl rax, cx | verr ax | verw [eax] | arpl ax, cx | arpl [eax], cx
mov eax, cr0 | mov cr0, eax | mov rax, cr0 | mov cr3, rax | mov rax, cr8 | mov cr8, rax | mov eax, cr8 | mov eax, dr7 | mov dr7, eax
mov rax, dr7 | mov dr0, rax | vmread eax, ecx | vmread rax, rcx | vmread [eax], ecx | vmread [rax], rcx | vmread qword [rax], rcx
vmwrite ecx, eax | vmwrite rcx, rax | vmwrite rcx, [rax] | vmwrite ecx, dword [eax] | vmptrld [eax] | vmptrst [eax] | vmclear [eax]
vmxon [eax] | invept eax, [eax] | invept rax, [rax] | invept rax, oword [rax] | invvpid rax, [rax] | invvpid eax, [eax] | invpcid rax, [rax]
invpcid eax, [eax] | in al, 5 | in ax, 5 | in eax, 5 | in al, dx | in ax, dx | in eax, dx | out 5, al | out 5, ax | out 5, eax | out dx, al
out dx, ax | out dx, eax | out 0x3f8, al | in al, 0x60 | int 3 | int 0x80 | int 256 | enter 5, 0 | enter 500, 3 | enter 1, 1 | o32 enter 5, 0
o16 enter 5, 0 | o32 leave | o16 leave | ret 5 | ret 500 | retf 5 | retn 4 | ret -4 | o32 ret | o16 ret | o64 ret | o32 retf | o16 retf
o64 retf | o32 iret | o16 iret | o64 iret | o32 pushf | o16 pushf | o64 sysret | o64 sysexit | o32 sysret | push es | push cs | push ss
push ds | push fs | push gs | pop es | pop ss | pop ds | pop fs | pop gs | o16 push ds | o32 push ds | o32 push fs | o16 push fs | o64 push fs
push ax | push eax | push rax | pop ax | pop eax | pop rax | o32 pop eax | push word [eax] | push dword [eax] | push qword [rax]
pop word [eax] | pop dword [eax] | pop qword [rax] | push r12 | pop r12 | push r12w | bswap eax | bswap rax | bswap r9 | bswap r9d
movzx eax, al | movzx eax, byte [eax] | movzx eax, ax | movzx eax, word [eax] | movzx ax, al | movzx ax, [eax] | movzx rax, al | movzx rax, ax
movsx rax, eax | movsx rax, dword [rax] | movsxd rax, eax | movsxd rax, [rax] | movsx ecx, cl | movsx cx, cl | movbe eax, [eax]
movbe [eax], ax | popcnt eax, ecx | lzcnt eax, [eax] | tzcnt ax, cx | bsf eax, ecx | bsr rax, rcx | bt eax, 5 | bt eax, ecx
bt dword [eax], 5 | bt [eax], ecx | bts word [eax], 31 | btr eax, -1 | btc rax, 63 | xadd [eax], ecx | xadd al, cl | cmpxchg [eax], ecx
cmpxchg al, cl | lock cmpxchg [eax], ecx | xchg [eax], al | xchg al, [eax] | xchg ax, cx | xchg cx, ax | xchg eax, ecx | xchg ecx, eax
xchg ecx, edx | xchg rax, r9 | xchg r9, rax | xchg r9, r10 | xchg r8, rax | xchg r8d, eax | xchg ax, ax | xchg rax, rax | xchg al, cl
xchg eax, eax | xchg ah, bh | lock xchg [eax], ecx | inc eax | inc ax | inc al | inc dword [eax] | dec ecx | dec rcx | dec r9b | neg eax
not byte [eax] | mul cl | mul dword [eax] | imul ecx | imul ecx, [eax] | div r9 | idiv word [eax] | test eax, ecx | test [eax], ecx
test ecx, [eax] | test cl, [eax] | setz al | setnz byte [eax] | setc [eax] | cmovz eax, ecx | cmovne ax, [eax] | cmovg rax, rcx | shl eax, 1
shl eax, cl | shl dword [eax], 1 | shl byte [eax], cl | shl eax, byte 1 | shl eax, 5 | sal eax, 3 | rcl ax, 1 | ror r9, 63 | shld eax, ecx, cl
shrd ax, cx, 5 | shld [eax], ecx, 5 | shrd dword [eax], ecx, cl | les ax, [eax] | lds eax, [eax] | lss eax, [eax] | lfs ax, [eax]
lgs rax, [rax] | bound eax, [eax] | bound ax, [eax] | mov ax, es | mov es, [eax] | mov [eax], es | mov word [eax], es | mov fs, eax
mov r8, fs | mov r8w, ds | mov gs, r9w | mov ds, rax | nop eax | nop dword [eax] | nop word [eax] | xbegin lab | crc32 eax, cl
crc32 eax, byte [eax] | crc32 eax, ecx | crc32 rax, rcx | crc32 rax, cl | adcx eax, ecx | adox rax, rcx | andn eax, ecx, edx
bextr eax, [eax], ecx | rorx eax, ecx, 5 | pdep rax, rcx, [rax] | mulx eax, ecx, edx | rdfsbase eax | wrgsbase rax | rdfsbase r9
movnti [eax], ecx | movd xmm0, eax | movd eax, xmm1 | movd xmm0, [eax] | movd [eax], xmm3 | movd mm0, eax | movd rax, xmm1 | movq xmm0, rax
movq rax, xmm0 | movq xmm0, xmm1 | movq xmm0, [eax] | movq [eax], xmm1 | movq mm0, mm1 | movq mm0, [eax] | movq mm1, rax | movsd xmm0, xmm1
movsd xmm0, [eax] | movsd [eax], xmm0 | movss xmm0, [eax] | movups [eax], xmm0 | cvtsi2sd xmm0, eax | cvtsi2sd xmm0, rax
cvtsi2sd xmm0, [eax] | cvtsi2ss xmm0, dword [eax] | cvttsd2si eax, xmm0 | cvttsd2si rax, [eax] | pinsrw xmm0, eax, 5 | pinsrw xmm0, [eax], 5
pinsrw mm1, si, 3 | pinsrb xmm1, cl, 2 | pextrw eax, xmm0, 3 | pextrw [eax], xmm0, 3 | insertps xmm0, dword xmm1, 2 | cmpeqps xmm0, xmm1
cmpltsd xmm0, [eax] | cmpps xmm0, xmm1, 3 | vcmpeqps xmm0, xmm1, xmm2 | vcmpnltpd ymm0, ymm1, [eax] | vcmpeq_uqps xmm0, xmm1, xmm2
vcmptrue_ussd xmm1, xmm2, xmm3 | vcmpge_oqpd ymm1, ymm2, ymm3 | pclmullqlqdq xmm0, xmm1 | pclmulhqhqdq xmm0, [eax]
vpclmullqhqdq xmm0, xmm1, xmm2 | blendvps xmm1, xmm2, xmm0 | pblendvb xmm1, [eax], xmm0 | sha256rnds2 xmm1, xmm2, xmm0
vaddps xmm0, xmm1 | vaddps ymm0, [eax] | vmovd xmm0, eax | vmovq xmm0, [eax] | vpcmpltd k1, zmm0, [eax] | vpcmpleub k2{k1}, zmm0, zmm1
vaddps zmm0{k1}{z}, zmm1, [eax]{1to16} | vaddps zmm0, zmm1, dword [eax]{1to16} | vaddps zmm0, zmm1, zmm2, {rn-sae}
vcvtps2udq zmm0, zmm1, {rz-sae} | vcmpps k1, zmm0, zmm1, {sae}, 5 | vaddpd xmm0, xmm1, [eax]{1to2} | {evex} vaddps xmm0, xmm1, xmm2
{vex} vaddps xmm0, xmm1, xmm2 | {vex3} vaddps xmm0, xmm1, xmm2 | {vex2} vaddps xmm0, xmm1, xmm2 | {vex3} vmovaps xmm0, [eax]
kmovw k1, eax | kmovb k1, [eax] | kandw k1, k2, k3 | fld st1 | fld dword [eax] | fld qword [eax] | fld tword [eax] | fadd st1 | fadd st0, st1
fadd st1, st0 | fadd to st1 | fadd st0, st0 | fadd dword [eax] | faddp st1 | faddp st1, st0 | fxch st1 | fxch st0, st2 | fxch st2, st0
fcom st1 | fcom st0, st1 | fcomi st1 | fcomi st0, st1 | fcomip st1 | fcmove st1 | fcmove st0, st1 | fst st1 | fstp st1 | fstp tword [eax]
ffree st2 | fist dword [eax] | fistp qword [eax] | fild word [eax] | fisttp dword [eax] | fiadd word [eax] | fsub to st3 | fsubr st3 | fsubp st2
fdivrp st2, st0 | fucom st1 | fucomi st1 | fucomip st0, st1 | fnsave [eax] | fsave [eax] | frstor [eax] | fldenv [eax] | fbld [eax]
fbstp [eax] | xacquire lock add dword [eax], 1 | xrelease mov [eax], ecx | xrelease mov [lab], eax | bnd jmp lab | bnd ret | bnd call lab
lock add [eax], ecx | lock inc dword [eax] | a32 mov eax, [eax] | es mov eax, [eax] | rep nop | rep ret | rep xstore | o16 nop | o32 nop
a32 | o16 | o32 | lock | rep | fs | es | wait | times 3 nop | times 2 jmp $ | times 2 jmp lab | times 2 mov al, [rel $]
db 1,2,3 | db "abc", 0 | dw "a", "ab", "abc" | dd "abcde" | dq "abc" | dw lab, fwd | dd lab-$, fwd-lab | dq lab | db -1, 255, -128, 256
dw 65536 | dd 1.5, -2.25, 1e10, 1e-45, __Infinity__ | dq 3.14159, -0.0, 1e308, __QNaN__, 4.9e-324 | dt 1.5, -1e4000, 3.14159265358979323846
dw 1.5, 65504.0 | do 1.5 | dd 0x1p3, 0x1.8p-2 | dt 1234p, -5p | db 5 dup (1) | dw 2 dup (1, 2 dup (3)) | db ? | dd ? | dq 1,2,
db 1_000 / 10, 0b1010_1010, 0o17, 17o, 0d99, 99d, 0xffh, $ff, 0ffh, 1010b, 0y11, 0t12, 77q
dd 7/2, -7/2, -7//2, 7%3, -7 % 3, -7 %% 3, 1<<31, -1>>60, 5&3, 5^3, ~0, !5, !0, 5>3, 5<3, 5==5, 5!=5, 5<>4, 5<=5, 5>=6, 5&&0, 5^^0
dq -1>>>4, 5<=>3, 1?2:3, 0 ? 2 : 3, (2+3)*4, 2+3*4, 10-2-3, 1<<2+1, 6&3==3 | db "a"+1, "ab"-1
dd __float32__(1.5), __?float32?__(2.0) | dq __float64__(-1.5) | dw __utf16__("aé€𝄞") | dd __utf32be__("aé") | resb 5 | resw 3 | resd 2
resq 1 | align 16 | align 8, db 0 | align 4, int3 | align 32, db 0xcc | alignb 8 | align 16, resb 1 | align 1`;

/*
 * Left out because NASM 2.16.01 makes code that cannot be meant: an operand-size prefix that contradicts the mnemonic
 * (`o16 movsd` becomes MOVSW) or the width of a distance or immediate that it does not change (`o32 jmp`, `o32 push`).
 */

/** All lines for a mode, without duplicates. */
export function syntaxLines(bits: Bits): string[] {
  const all = [...immediates(bits), ...jumps(bits), ...memory(bits), ...strings(), ...lines(SINGLES)];
  // Escapes hold no separator of the list above.
  all.push('db `a\\n\\x41\\u00e9\\101\\e`', 'dd 5|3, 5||0');
  return [...new Set(all)];
}
