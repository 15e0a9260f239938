/** Cases of 64-bit mode: segment loads, gates, returns, system calls, canonical addresses, and 4-level paging. */
import { Random } from '../../random';
import type { Case } from './program';

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const bit = (n: number): bigint => 1n << BigInt(n);
const END = 'int 0x30';
const LEVELS = [0, 3] as const;
const NOT_CANONICAL = '0x800000000000';

/** `code` at CPL 0, or moved to CPL 3. */
function atLevel(level: number, code: string): string {
  if (level === 0) return code;
  return `mov r8, rax\nuser .user, .userend, CODE3, DATA3\n.user: mov rax, r8\n${code}\n.userend:`;
}
function anyDescriptor(random: Random, at: string): string {
  const type = random.chance(0.75) ? 0x80 | random.below(256) : random.below(256);
  const limit = random.pick([0xfffff, 0xfffff, 0xfff, 0x67, 0]);
  const high = random.chance(0.8) ? 0 : random.pick([0xffffffff, 0x8000, 0x1f00, 0x100]);
  return `put GDT + ${at}, descriptor(${random.pick(['0', '0x20000'])}, ${hex(limit)}, ${hex(type)}, ${random.below(16)})
put GDT + ${at} + 8, ${hex(high)}`;
}

function loads(random: Random): Case {
  const level = random.pick(LEVELS);
  const rpl = random.below(4);
  const instruction = random.pick([
    'mov ds, ax',
    'mov es, ax',
    'mov fs, ax',
    'mov gs, ax',
    'mov ss, ax',
    'lar rbx, rax',
    'lsl ebx, eax',
    'verr ax',
    'verw ax',
    'lldt ax',
    'ltr ax',
  ]);
  const selector = random.chance(0.8)
    ? `FREE | ${rpl}`
    : random.pick(['0', '1', '2', '3', 'DATA0', 'DATA3', '0x3f8', '0x400', '4']);
  const code = `${instruction}\nmov ecx, ds\nmov edx, ss`;
  // SS with a foreign selector is put right before the end.
  const end = instruction === 'mov ss, ax' ? `mov ax, ${level ? 'DATA3' : 'DATA0'}\nmov ss, ax\n${END}` : END;
  return {
    name: `${instruction} of ${selector} at CPL ${level}`,
    code: `${anyDescriptor(random, 'FREE')}\nmov eax, ${selector}\n${atLevel(level, `${code}\n${end}`)}`,
  };
}

function transfers(random: Random): Case {
  const level = random.pick(LEVELS);
  const rpl = random.below(4);
  const call = random.pick(['call', 'jmp']);
  const wide = random.chance(0.6);
  const target = random.pick(['CODE0', 'CODE3', 'CODE1', 'CONFORMING', 'COMPATIBLE0', 'COMPATIBLE3', 'DATA0', '0']);
  const type = random.pick([0x8c, 0x8c, 0x8c, 0x0c, 0x84, 0x85, 0x89]) | (random.below(4) << 5);
  const high = random.chance(0.85) ? 0 : random.pick([0x8000, 0xffff8000, 0x100]);
  const reserved = random.chance(0.9) ? 0 : random.pick([0x100, 0x1f00, 0xc00]);
  const direct = random.chance(0.3);
  const selector = direct ? `${target} | ${rpl}` : `FREE | ${rpl}`;
  // The pointer lies on the user's stack page.
  return {
    name: `${call} far ${wide ? 'm16:64' : 'm16:32'} ${direct ? selector : `through gate ${hex(type)} to ${target}`} at CPL ${level}`,
    code: `put GDT + FREE, gate(${target}, place(ended), ${hex(type)}, 0)
put GDT + FREE + 8, ${hex(high)} | (${hex(reserved)} << 32)
mov dword [STACK3 - 0x100], ended
mov dword [STACK3 - 0xfc], ${wide ? 0 : selector}
mov word [STACK3 - 0xf8], ${selector}
${atLevel(level, `push 0x1111\n${wide ? 'db 0x48\n' : ''}db 0xff, ${call === 'call' ? '0x1c' : '0x2c'}, 0x25\ndd STACK3 - 0x100\n${END}`)}`,
  };
}

function returns(random: Random): Case {
  const level = random.pick(LEVELS);
  const iret = random.chance(0.6);
  // A null SS of RPL 3 is #GP in the manual (SDM 2B RET, "RETURN-TO-OUTER-PRIVILEGE-LEVEL"); Bochs takes it.
  const stacks = ['DATA0', 'DATA3', 'DATA3', 'DATA1', '0', '1', '2', 'CODE3', 'FREE | 3'];
  const rip = random.pick(['LANDING', 'LANDING', 'LANDING', NOT_CANONICAL]);
  // Bochs cuts RIP to 32 bits before it compares it with the limit of compatibility-mode code.
  const compatible = rip === 'LANDING' ? ['COMPATIBLE3', 'COMPATIBLE0', 'FREE | 3', 'FREE'] : [];
  const selectors = ['CODE0', 'CODE3', 'CODE1', 'CONFORMING', 'CONFORMING | 3', '0', 'DATA0', ...compatible];
  const flags = (random.u32() & 0x247dd7 & ~0x4100) | 2;
  const nt = iret && random.chance(0.05) ? 'pushfq\nor dword [rsp], 0x4000\npopfq\n' : '';
  return {
    name: `${iret ? 'iretq' : 'retfq'} at CPL ${level} to ${rip}`,
    code: `${anyDescriptor(random, 'FREE')}
mov ax, ${random.pick(['DATA0', 'DATA3'])}
mov fs, ax
mov word [LANDING], 0x30cd
${atLevel(
  level,
  `mov rax, ${rip}\npush ${random.pick(stacks)}\npush 0x26800\n${iret ? `push ${hex(flags)}\n` : ''}push ${random.pick(selectors)}\npush rax\n${nt}${iret ? 'iretq' : 'db 0x48, 0xcb'}`,
)}`,
  };
}

function interrupts(random: Random): Case {
  const level = random.pick(LEVELS);
  const target = random.pick(['CODE0', 'CODE0', 'CODE1', 'CODE3', 'CONFORMING', 'COMPATIBLE0', 'FREE', '0', 'DATA0']);
  const type = random.chance(0.85)
    ? random.pick([0x8e, 0x8f, 0x86, 0x0e, 0x85]) | (random.pick([0, 3, 3]) << 5)
    : random.below(256);
  // Bochs pushes as a supervisor when conforming code of CPL 3 gets a stack by IST; no rule of SDM 3A 4.6.1 makes it one.
  const ist = target === 'CONFORMING' ? 0 : random.pick([0, 0, 2]);
  // Bochs has written the frame when it finds the target not canonical; it shows where no second frame covers it.
  const high = ist || target === 'CODE1' || random.chance(0.9) ? 0 : 0x8000;
  const instruction = random.pick(['int 0x20', 'int 0x20', 'int3', 'int 0x41', 'db 0xf1']);
  const vector = instruction === 'int3' ? 3 : instruction.startsWith('db') ? 1 : 0x20;
  return {
    name: `${instruction} at CPL ${level} through gate ${hex(type)} to ${target}`,
    code: `${anyDescriptor(random, 'FREE')}
put IDT + ${vector * 16}, gate(${target}, place(ended), ${hex(type)}, ${ist})
put IDT + ${vector * 16 + 8}, ${hex(high)}
${atLevel(level, `${instruction}\n${END}`)}`,
  };
}

function systemCalls(random: Random): Case {
  const level = random.pick(LEVELS);
  const instruction = random.pick(['syscall', 'o64 sysret', 'sysret', 'sysenter', 'o64 sysexit', 'sysexit']);
  const rip = random.pick(['LANDING', 'LANDING', NOT_CANONICAL]);
  const efer = random.chance(0.85) ? '' : 'write_msr 0xc0000080, 0xd00, 0\n';
  const enter = random.chance(0.85) ? '' : 'write_msr 0x174, 0, 0\n';
  const flags = hex((random.u32() & 0x3f7ed5 & ~0x30100) | 2);
  const registers = instruction.includes('sysret')
    ? `mov rcx, ${rip}\nmov r11d, ${flags}`
    : `mov rdx, ${rip}\nmov rcx, ${random.pick(['STACK3', 'STACK3', NOT_CANONICAL])}`;
  return {
    name: `${instruction} at CPL ${level}, ${rip}`,
    code: `${efer}${enter}mov word [LANDING], 0x30cd\n${atLevel(level, `${registers}\nmov eax, ${flags}\n${instruction}\n${END}`)}`,
  };
}

const SINGLE: readonly string[] = [
  `mov rbx, ${NOT_CANONICAL}\nmov al, [rbx]`,
  `mov rbx, ${NOT_CANONICAL}\nmov [rbx], rax`,
  `mov rbp, ${NOT_CANONICAL}\nmov al, [rbp]`,
  `mov rbx, ${NOT_CANONICAL}\njmp rbx`,
  `mov rbx, ${NOT_CANONICAL}\npush rbx\nret`,
  'mov rbx, 0x7ffffffffffc\nmov rax, [rbx]',
  'swapgs',
  'mov rax, cr0',
  'mov rax, cr8\nmov cr8, rax',
  'rdmsr',
  'rdfsbase rax',
  'wrgsbase rax',
  'mov rax, cr4\nbts rax, 16\nmov cr4, rax\nmov rax, 0x123456789a\nwrfsbase rax\nrdfsbase rbx',
  'mov rax, cr4\nbts rax, 16\nmov cr4, rax\nmov rax, 0x800000000000\nwrgsbase rax',
  'mov rax, cr4\nbts rax, 40\nmov cr4, rax',
  'mov rax, cr0\nbtr rax, 31\nmov cr0, rax',
  'mov rax, cr0\nbtr rax, 0\nmov cr0, rax',
  'mov rax, cr4\nbtr rax, 5\nmov cr4, rax',
  'mov ecx, 0xc0000080\nxor edx, edx\nmov eax, 0xc01\nwrmsr',
  'mov ecx, 0xc0000080\nxor edx, edx\nmov eax, 0x2d01\nwrmsr',
  'mov ecx, 0xc0000100\nmov edx, 0x8000\nxor eax, eax\nwrmsr',
  'mov ecx, 0xc0000082\nmov edx, 0x8000\nxor eax, eax\nwrmsr',
  'mov ecx, 0x277\nmov edx, 2\nxor eax, eax\nwrmsr',
  'mov rax, cr3\nbts rax, 63\nmov cr3, rax',
  'mov rax, cr3\nbts rax, 50\nmov cr3, rax',
  'mov eax, 1\nshl rax, 32\nmov dr7, rax',
  'mov rax, cr4\nor eax, 8\nmov cr4, rax\ndb 0x0f, 0x21, 0xe0',
  'mov eax, 0x2400\nmov dr7, rax\nmov rbx, dr0',
  'clts',
  'invlpg [0]',
  'invlpg [rax]',
  'cli',
  'sti\ncli',
  'in al, 0x48',
  'pushfq\npop rbx',
  'push 0x247fd7\npopfq\npushfq\npop rbx\npush 2\npopfq',
  `mov rax, ${NOT_CANONICAL}\nmov [rsp - 0x3e], rax\nlgdt [rsp - 0x40]`,
  'sgdt [rsp - 0x40]',
  'mov rax, cr4\nbts rax, 11\nmov cr4, rax\nsidt [rsp - 0x40]',
  'str ax',
  'smsw rbx',
  'ud2',
  'xor edx, edx\ndiv edx',
  'db 0x06',
  'db 0x9a, 0, 0, 0, 0, 8, 0',
  'mov cs, ax',
  'lock nop',
  'cmpxchg16b [rsp - 0x48]',
];
function single(random: Random): Case {
  const level = random.pick(LEVELS);
  const code = random.pick(SINGLE);
  return { name: `${code.replace(/\n/g, '; ')} at CPL ${level}`, code: atLevel(level, `${code}\n${END}`) };
}

function flags(random: Random, reserved: readonly number[]): bigint {
  let value = random.chance(0.95) ? bit(0) : 0n;
  if (random.chance(0.8)) value |= bit(1);
  if (random.chance(0.8)) value |= bit(2);
  for (const n of [3, 4, 5, 6, 8, 9, 10, 11, 52, 58, 62]) if (random.chance(0.2)) value |= bit(n);
  if (random.chance(0.12)) value |= bit(63);
  if (random.chance(0.03)) value |= bit(random.pick(reserved));
  return value;
}
const ACCESSES = {
  read: 'mov al, [rdi]',
  'read of 8 bytes': 'mov rax, [rdi]',
  write: 'mov byte [rdi], 0xcd',
  'read and write': 'or dword [rdi], 0',
  execute: 'jmp rdi',
} as const;
/** One access through PML4 entry 1 or 256. */
function paging(random: Random): Case {
  const upper = random.chance(0.5) ? 256 : 1;
  const nxe = random.chance(0.75);
  const reserved = [45, 50, ...(nxe ? [] : [63])];
  const size = random.below(8);
  const huge = size === 0;
  const large = size === 1 || size === 2;
  const index = huge || large ? 0 : random.below(512);
  const offset = random.pick([0, 0x123, 0x800, 0xffc, 0xffe]) & ~1;
  const linear =
    (BigInt(upper) << 39n) +
    (upper === 256 ? 0xffff000000000000n : 0n) +
    BigInt((huge ? 0x50000 : index * 0x1000) + offset);
  const pml4e = flags(random, [...reserved, 7]) | 0x44000n;
  const pdpte = huge ? flags(random, [...reserved, 13, 20]) | bit(7) : flags(random, reserved) | 0x45000n;
  const pde = large ? flags(random, [...reserved, 13, 20]) | bit(7) | 0x800000n : flags(random, reserved) | 0x46000n;
  const pte = flags(random, reserved) | 0x50000n | (random.chance(0.2) ? bit(7) : 0n);
  const cr4 =
    0x20 | (random.chance(0.4) ? 1 << 20 : 0) | (random.chance(0.4) ? 1 << 21 : 0) | (random.chance(0.3) ? 0x80 : 0);
  const wp = random.chance(0.6);
  const level = random.pick(LEVELS);
  const ac = level === 0 && random.chance(0.4);
  // A 1-GByte page maps low memory, which is nothing to write to.
  const access = huge ? 'read' : random.pick(Object.keys(ACCESSES) as (keyof typeof ACCESSES)[]);
  const entry = (at: number, value: bigint): string => `put ${hex(at)}, ${hex(value)}`;
  const body = `mov rdi, ${hex(linear)}\n${ACCESSES[access]}\n${END}`;
  return {
    name: `4-level paging: ${access} of ${hex(linear)} at CPL ${level}: ${[pml4e, pdpte, pde, pte].map(hex).join(' ')}, CR4 ${hex(cr4)}${wp ? ', WP' : ''}${nxe ? ', NXE' : ''}${ac ? ', AC' : ''}`,
    code: `${entry(0x40000 + upper * 8, pml4e)}
${entry(0x44000, pdpte)}
${entry(0x45000, pde)}
${entry(0x46000 + index * 8, pte)}
${nxe ? '' : 'write_msr 0xc0000080, 0x501, 0'}
${level ? 'mov esi, .user\nmov edi, VIRTUAL\nmov ecx, .userend - .user\nrep movsb\nxor edi, edi' : ''}
mov eax, ${hex(cr4)}
mov cr4, rax
mov eax, ${hex(0x80000031 + (wp ? 0x10000 : 0))}
mov cr0, rax
mov eax, TABLES
mov cr3, rax
xor eax, eax
xor ecx, ecx
${ac ? 'push 0x40002\npopfq' : ''}
${level ? `push DATA3\npush STACK3\npush 0x3002\npush CODE3\npush VIRTUAL\niretq\n.user:\n${body}\n.userend:` : body}`,
  };
}

const makers = [loads, transfers, returns, interrupts, systemCalls, single, paging, paging, paging];

/** `count` random cases; the same for the same seed. */
export function longCases(seed: number, count: number): Case[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, n) => makers[n % makers.length](random));
}
