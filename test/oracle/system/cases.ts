/** Cases about segments, gates, tasks and virtual-8086 mode: fixed ones, and random ones from a seed. */
import { Random } from '../../random';
import type { Case } from './program';

const hex = (value: number): string => `0x${value.toString(16)}`;
const access = (random: Random): number => random.below(256);

/** A descriptor of any type at FREE; its base and limit are harmless. */
function anyDescriptor(random: Random, at: string): string {
  const type = random.chance(0.7) ? 0x80 | access(random) : access(random);
  const base = random.pick([0, 0, 0x20000, 0x24000, 0xfffff000]);
  // Elsewhere than at 0 no segment reaches any code: a jump there faults instead of running what is no program.
  const limit = base
    ? random.pick([0xfff, 0x67, 0x2b, 0x2a, 0])
    : random.pick([0xfffff, 0xfffff, 0xfff, 0x67, 0x2b, 0]);
  const flags = base ? random.pick([0, 4]) : random.pick([0xc, 0xc, 0x4, 0, 0x8, 0xe]);
  return `put GDT + ${at}, descriptor(${hex(base)}, ${hex(limit)}, ${hex(type)}, ${hex(flags)})`;
}

const LEVELS = [0, 1, 2, 3] as const;
/** Code at privilege level `level`, then `code` there. */
function atLevel(level: number, code: string): string {
  return level === 0 ? code : `outer CODE${level}, DATA${level}, .inner, STACK3\n.inner:\n${code}`;
}
const END = 'int 0x30';

/** Loading a data segment register, or probing, with a random descriptor. */
function loads(random: Random): Case {
  const level = random.pick(LEVELS);
  const rpl = random.below(4);
  const instruction = random.pick([
    'mov ds, ax',
    'mov es, ax',
    'mov fs, ax',
    'mov gs, ax',
    'mov ss, ax',
    'lar ebx, eax',
    'lsl ebx, eax',
    'verr ax',
    'verw ax',
    'lldt ax',
    'ltr ax',
  ]);
  const table = random.below(8) ? 0 : 4;
  const code = `${anyDescriptor(random, 'FREE')}
mov eax, FREE | ${rpl | table}
${atLevel(level, `${instruction}\nmov ecx, ds\nmov edx, ss\nmov ax, DATA${level}\nmov ss, ax\n${END}`)}`;
  return { name: `${instruction} at CPL ${level}, RPL ${rpl}`, code };
}

/** An access through a data segment with limits. */
function accesses(random: Random): Case {
  const type = random.pick([0x91, 0x93, 0x95, 0x97, 0x9b, 0x99, 0x9f]);
  const limit = random.pick([0, 1, 3, 7, 0xff, 0xfff, 0xffff, 0xfffff]);
  const flags = random.pick([0x0, 0x4, 0xc, 0x8]);
  const scaled = flags & 8 ? limit * 0x1000 + 0xfff : limit;
  const offset = Math.max(0, scaled + random.below(12) - 8) >>> 0;
  const segment = random.pick(['ds', 'es', 'fs', 'gs']);
  const instruction = random.pick([
    `mov al, [${segment}:edi]`,
    `mov ax, [${segment}:edi]`,
    `mov eax, [${segment}:edi]`,
    `cmp [${segment}:edi], ebx`,
    `push dword [${segment}:edi]`,
    `inc dword [${segment}:edi]`,
    `mov [${segment}:edi], al`,
    `mov [${segment}:edi], eax`,
  ]);
  // Only reads go far beyond the tables.
  const base = random.pick([0x24000, 0x24800]);
  const writes = /^mov \[|^inc/.test(instruction);
  const at = writes && offset > 0xf00 && offset < 0xfffff000 ? random.below(0x300) : offset;
  return {
    name: `${instruction} with offset ${hex(at)}, limit ${hex(scaled)}, type ${hex(type)}, flags ${flags}`,
    code: `put GDT + FREE, descriptor(${hex(base)}, ${hex(limit)}, ${hex(type)}, ${hex(flags)})
mov ax, FREE
mov ${segment}, ax
mov edi, ${hex(at)}
${instruction}
mov ax, DATA0
mov ds, ax
${END}`,
  };
}

/** Far CALL or JMP to a code segment or gate. */
function transfers(random: Random): Case {
  const level = random.pick(LEVELS);
  const rpl = random.below(4);
  const call = random.pick(['call', 'jmp']);
  const kind = random.below(5);
  const target = random.pick(['CODE0', 'CODE1', 'CODE2', 'CODE3', 'CONFORMING', 'FREE + 8', 'FREE + 8', 'DATA0', '0']);
  let descriptor: string;
  if (kind === 0) descriptor = anyDescriptor(random, 'FREE');
  else {
    const type = random.pick([0x8c, 0x8c, 0x84, 0x0c]) | (random.below(4) << 5);
    const offset = random.chance(0.9) ? 'place(ended)' : '0xf8000000';
    descriptor = `put GDT + FREE, gate(${target}, ${offset}, ${hex(type)}, ${random.chance(0.5) ? 0 : random.below(32)})`;
  }
  const other = `put GDT + FREE + 8, descriptor(0, ${random.pick(['0xfffff', '0xff'])}, ${hex((random.chance(0.8) ? 0x98 : 0x18) | random.below(8) | (random.below(4) << 5))}, 0xc)`;
  const stack = random.chance(0.15)
    ? random.pick([
        'mov word [TSS_MAIN + 8], DATA3',
        'mov word [TSS_MAIN + 8], 0',
        'mov word [TSS_MAIN + 8], CODE0',
        'mov word [TSS_MAIN + 16], DATA0',
        'mov word [TSS_MAIN + 16], FREE + 16 + 1\nput GDT + FREE + 16, descriptor(0, 0x25, 0xb3, 0x4)',
        'mov word [TSS_MAIN + 16], FREE + 16 + 1\nput GDT + FREE + 16, descriptor(0, 0xfffff, 0x33, 0xc)',
        'mov byte [GDT + SEL_MAIN], 0xb',
      ])
    : '';
  const reload = stack.includes('SEL_MAIN') ? 'and byte [GDT + SEL_MAIN + 5], ~2\nmov ax, SEL_MAIN\nltr ax\n' : '';
  return {
    name: `${call} far at CPL ${level}, RPL ${rpl}: ${descriptor} ${stack}`,
    code: `${descriptor}\n${other}\n${stack}\n${reload}
${atLevel(level, `push dword 0x11111111\npush dword 0x22222222\n${call} FREE | ${rpl}:ended\n${END}`)}`,
  };
}

/** Far RET and IRET with random targets and stacks. */
function returns(random: Random): Case {
  const level = random.pick(LEVELS);
  const selectors = [
    'CODE0',
    'CODE1',
    'CODE2',
    'CODE3',
    'CONFORMING',
    'CONFORMING | 3',
    'FREE | 3',
    'FREE',
    '0',
    'DATA0',
  ];
  const stacks = ['DATA0', 'DATA1', 'DATA2', 'DATA3', 'DATA3', 'FREE + 8 | 3', '0', 'CODE3'];
  const iret = random.chance(0.5);
  const flags = (random.u32() & 0x247dd7 & ~0x4100) | 2;
  const eip = random.chance(0.95) ? 'ended' : '0xf8000000';
  return {
    name: `${iret ? 'iretd' : 'retf 8'} at CPL ${level}`,
    code: `${anyDescriptor(random, 'FREE')}\n${anyDescriptor(random, 'FREE + 8')}
mov ax, ${random.pick(['DATA3', 'DATA0', 'CONFORMING'])}
mov fs, ax
${atLevel(
  level,
  `push dword ${random.pick(stacks)}
push dword 0x26800
${iret ? '' : 'push dword 0x55\npush dword 0x66'}
${iret ? `push dword ${hex(flags)}` : ''}
push dword ${random.pick(selectors)}
push dword ${eip}
${iret ? 'iretd' : 'retf 8'}`,
)}`,
  };
}

/** Software interrupts through gates of every kind. */
function interrupts(random: Random): Case {
  const level = random.pick(LEVELS);
  const target = random.pick(['CODE0', 'CODE0', 'CODE1', 'CODE3', 'CONFORMING', 'FREE', '0', 'DATA0']);
  const type = random.chance(0.8)
    ? random.pick([0x8e, 0x8f, 0x86, 0x87, 0x0e]) | (random.pick([0, 3, 3, 1]) << 5)
    : access(random) & ~0x5;
  const offset = random.chance(0.95) ? 'place(ended)' : '0xf8000000';
  const instruction = random.pick(['int 0x20', 'int 0x20', 'int 0x70', 'int 0xff', 'int3', 'int 3']);
  const vector = instruction.includes('3') ? 3 : 0x20;
  return {
    name: `${instruction} at CPL ${level} through gate ${hex(type)} to ${target}`,
    code: `${anyDescriptor(random, 'FREE')}
put IDT + ${vector * 8}, gate(${target}, ${offset}, ${hex(type)}, 0)
${atLevel(level, `${instruction}\n${END}`)}`,
  };
}

/** Task switches by CALL, JMP, IRET, interrupt and exception, to a TSS or through a gate, with one thing out of order. */
function tasks(random: Random): Case {
  const level = random.pick([0, 0, 0, 3]);
  const wide = random.chance(0.7);
  const tss = wide ? 'TSS_A' : 'TSS_B';
  const selector = wide ? 'SEL_A' : 'SEL_B';
  const fields = wide
    ? { es: 0x48, cs: 0x4c, ss: 0x50, ds: 0x54, fs: 0x58, gs: 0x5c, ldt: 0x60, ip: 0x20, flags: 0x24, trap: 0x64 }
    : { es: 0x22, cs: 0x24, ss: 0x26, ds: 0x28, ldt: 0x2a, ip: 0x0e, flags: 0x10 };
  const names = Object.keys(fields).filter(name => !['ip', 'flags', 'trap'].includes(name));
  const patches: string[] = [];
  if (!wide) patches.push('put GDT + CODE16, descriptor(place(ended) - 0x1000, 0xffff, 0x9b, 0)');
  const selectors = [
    'DATA0',
    'DATA3',
    'DATA1',
    'CODE0',
    'CODE3',
    'CONFORMING',
    'FREE',
    'FREE | 3',
    '0',
    'SEL_LDT',
    '4',
    '0x3f8',
    '0x400',
  ];
  if (random.chance(0.7)) {
    const name = random.pick(names) as keyof typeof fields;
    // The 16-bit task's ESP is good for a small segment only.
    const choice = random.pick(
      name === 'ss' && !wide ? selectors.filter(s => s !== 'DATA0' && s !== 'FREE') : selectors,
    );
    patches.push(`mov word [${tss} + ${fields[name]}], ${choice}`);
  }
  if (random.chance(0.3)) patches.push(`mov word [${tss} + ${fields.ldt}], SEL_LDT`);
  if (random.chance(0.3))
    patches.push(
      `mov word [${tss} + ${fields.cs}], CODE3\nmov word [${tss} + ${fields.ss}], DATA3\nmov word [${tss} + ${fields.ds}], DATA3\nmov word [${tss} + ${fields.es}], DATA3`,
    );
  if (random.chance(0.1)) patches.push(`mov word [${tss} + ${fields.flags}], ${hex((random.u32() & 0x7ed5) | 2)}`);
  if (wide && random.chance(0.1))
    patches.push(`or dword [TSS_A + 0x24], 0x20000\nmov dword [TSS_A + 0x20], 0\nmov byte [VIRTUAL], 0xcc`);
  if (wide && random.chance(0.1)) patches.push('mov word [TSS_A + 0x64], 1');
  if (random.chance(0.05)) patches.push(`mov dword [${tss} + ${fields.ip}], 0xfff0ffff`);
  const type = (wide ? 0x89 : 0x81) | (level << 5);
  if (random.chance(0.9)) patches.push(`mov byte [GDT + ${selector} + 5], ${hex(type)}`);
  else patches.push(`mov byte [GDT + ${selector} + 5], ${hex(random.pick([type | 2, type & 0x7f, 0xe9, 0x82, 0x8c]))}`);
  if (random.chance(0.08)) patches.push(`mov byte [GDT + ${selector}], ${wide ? 0x66 : 0x2a}`);
  const how = random.pick(['call', 'jmp', 'call gate', 'jmp gate', 'int', 'fault', 'iret']);
  const rpl = random.chance(0.8) ? level : 3;
  const gateType = random.chance(0.9) ? 0x85 | (level << 5) : 0x05;
  const target = random.chance(0.9) ? selector : random.pick(['0', `${selector} | 4`, 'DATA0', '0x400']);
  const back = random.chance(0.3) ? 'back' : 'end';
  let code: string;
  switch (how) {
    case 'call':
    case 'jmp':
      code = `${how} ${selector} | ${rpl}:0`;
      break;
    case 'call gate':
    case 'jmp gate':
      patches.push(`put GDT + FREE + 24, gate(${target}, 0, ${hex(gateType)}, 0)`);
      code = `${how.split(' ')[0]} FREE + 24 | ${rpl}:0`;
      break;
    case 'int':
      patches.push(`put IDT + 0x20 * 8, gate(${target}, 0, ${hex(gateType)}, 0)`);
      code = 'int 0x20';
      break;
    case 'fault':
      patches.push(`put IDT + 13 * 8, gate(${target}, 0, 0x85, 0)`);
      code = 'mov dx, 0x3fb\nmov ss, dx';
      break;
    default:
      patches.push(`mov word [TSS_MAIN], ${target}`);
      if (random.chance(0.8)) patches.push(`or byte [GDT + ${selector} + 5], 2`);
      code = 'pushfd\nor dword [esp], 0x4000\npopfd\niretd';
  }
  if (back === 'back' && how !== 'jmp' && how !== 'jmp gate' && how !== 'iret' && how !== 'fault' && wide)
    // The nested task returns at once.
    patches.push('mov dword [TSS_A + 0x20], returning');
  return {
    name: `task switch by ${how} to a ${wide ? 32 : 16}-bit TSS at CPL ${level}: ${patches.slice(wide ? 0 : 1).join('; ')}`,
    code: `${anyDescriptor(random, 'FREE')}\nput LDT + 0, descriptor(0, 0xfffff, 0x93, 0xc)\n${patches.join('\n')}
mov ebx, 0x1234
${atLevel(level, `${code}\nmov ecx, 0x77\n${END}`)}`,
  };
}

/** Virtual-8086 mode: sensitive instructions under both IOPL extremes, and the way out by interrupts. */
function virtual(random: Random): Case {
  const iopl = random.pick([0, 3]);
  const instruction = random.pick([
    'int 0x31',
    'int 0x20',
    'int3',
    'cli',
    'sti',
    'pushf',
    'pushfd',
    'popf',
    'push word 0x7002\npopf\npushf\npop ax',
    'push dword 0x244ed7\npopfd\npushfd\npop eax',
    // Ports where there is nothing: 0x40-0x7F are allowed, of those above some.
    'in al, 0x4a',
    'in ax, 0x5a',
    'in al, 0x9a',
    'in ax, 0x9b',
    'mov dx, 0x11e\nin eax, dx',
    'mov dx, 0x11f\nin al, dx',
    'mov dx, 0x3ff\nin al, dx',
    'hlt',
    'mov ax, 0x1234\nmov ds, ax\nmov es, ax',
    'mov ax, 0x2000\nmov es, ax\nmov bx, [es:0x10]',
    'call 0x3000:.far\n.far:',
    'push word 0x3000\npush word .far - .code\nretf\n.far:',
    'push word 0x7102\npush word 0x3000\npush word .far - .code\niret\n.far: pushf\npop ax',
    'push dword 0x27002\npush dword 0x3000\npush dword .far - .code\niretd\n.far: pushfd\npop eax',
    'mov eax, cr0',
    'smsw ax',
    'sgdt [0x100]',
    'str ax',
    'lldt ax',
    'arpl ax, bx',
    'lar ax, bx',
    'mov eax, [0xfffe]',
    'mov ax, [bx + 0xffff]',
    'mov sp, 1\npush ax',
    'jmp dword 0x3000:0x12345',
    'into',
    'db 0xf1',
    'lgdt [0x100]',
    'clts',
    'rdmsr',
    'mov dr0, eax',
    'db 0x0f, 0x0b',
  ]);
  const gates = random.chance(0.25)
    ? `put IDT + 0x20 * 8, gate(${random.pick(['CODE0', 'CODE3', 'CONFORMING', 'CODE1', 'CODE16'])}, place(ended), ${random.pick(['0xee', '0xef', '0x8e', '0xe6', '0xe7'])}, 0)`
    : 'put IDT + 0x20 * 8, gate(CODE0, place(ended), 0xee, 0)';
  return {
    name: `virtual-8086 mode, IOPL ${iopl}: ${instruction}`,
    code: `${gates}
put GDT + CODE16, descriptor(place(ended) - 0x1000, 0xffff, 0x9b, 0)
mov eax, ${hex(0x20002 | (iopl << 12) | (random.chance(0.5) ? 0x200 : 0))}
mov esi, .code
mov edi, .codeend
jmp enter_virtual
bits 16
.code:
${instruction.replace(/call 0x3000:\.far/, 'call 0x3000:.far - .code')}
int3
.codeend:
bits 32`,
  };
}

const makers = [loads, accesses, transfers, returns, interrupts, tasks, tasks, tasks, virtual];

/** `count` random cases; the same for the same seed. */
export function segmentCases(seed: number, count: number): Case[] {
  const random = new Random(seed);
  const cases = Array.from({ length: count }, (_, n) => makers[n % makers.length](random));
  cases[0].code = `jmp first_case\nreturning: iretd\nmov ebp, 0x99\nint 0x30\nfirst_case:\n${cases[0].code}`;
  return cases;
}
