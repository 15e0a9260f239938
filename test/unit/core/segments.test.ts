/** What the system-code oracles cannot tell: where Bochs is wrong, and the rest of the segment instructions. */
import * as assert from 'node:assert';
import { done, finish, guest } from './guest';

const GDT = `
align 8
gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
     dq 0x0000930000000fff | (stack16 - $$ + 0x100000) << 16   ; 0x18: 16-bit stack
     dq 0x00cf91000000ffff                                     ; 0x20: read-only data
gdtr: dw $ - gdt - 1
      dd gdt
stack16: times 64 db 0
`;
const protectedMode = (code: string): string =>
  `bits 32\norg 0x100000\nlgdt [gdtr]\njmp 8:.on\n.on:\n${code}\n${done}\n${GDT}`;

describe('segment instructions', () => {
  it('POP SS adds to the stack pointer of the old stack', async () => {
    const { machine } = await guest(
      protectedMode(
        'mov ax, 0x18\nmov ss, ax\nmov esp, 0x1000\nsub sp, 0x1000\nmov sp, 0x20\npush dword 0x10\npop ss\nmov ebx, esp',
      ),
      'protected',
    );
    finish(machine);
    // ESP's upper half belongs to nobody while the stack is a 16-bit one.
    assert.strictEqual(machine.register('RBX'), 0x20n);
    assert.strictEqual(machine.register('SS'), 0x10n);
  });
  it('POP SS from a wrapped 16-bit stack', async () => {
    const { machine } = await guest(
      protectedMode(
        'mov ax, 0x18\nmov ss, ax\nmov esp, 0x2fffc\nmov ax, 0x10\nmov ds, ax\nmov dword [stack16 + 0xfffc], 0x10\npop ss\nmov ebx, esp',
      ),
      'protected',
    );
    // The segment's limit is 0xFFF: #SS.
    const vectors: number[] = [];
    machine.on('exception', fact => {
      vectors.push(fact.vector);
      return true;
    });
    machine.run(100);
    assert.strictEqual(vectors[0], 12);
    assert.strictEqual(machine.register('ESP'), 0x2fffcn);
  });
  it('ARPL writes its operand only when it changes it', async () => {
    const { machine } = await guest(
      protectedMode('mov word [0x8000], 0xfff3\nmov ax, 0x20\nmov es, ax\nmov bx, 2\narpl [es:0x8000], bx\nsetz cl'),
      'protected',
    );
    finish(machine);
    assert.strictEqual(machine.register('CL'), 0n);
  });
  it('ARPL that must write a read-only segment is #GP(0)', async () => {
    const { machine } = await guest(
      protectedMode('mov word [0x8000], 0xfff0\nmov ax, 0x20\nmov es, ax\nmov bx, 2\narpl [es:0x8000], bx'),
      'protected',
    );
    const seen: (number | undefined)[] = [];
    machine.on('exception', fact => {
      seen.push(fact.vector, fact.errorCode);
      return true;
    });
    machine.run(100);
    assert.deepStrictEqual(seen.slice(0, 2), [13, 0]);
  });
});

describe('debug hardware', () => {
  /** 64-bit code with an #DB handler that counts in R8 and notes DR6 in R9 and RIP in R10. */
  const debugged = (code: string): string => `bits 64
org 0x100000
mov rax, handler
mov [idt + 16], ax
shr rax, 16
mov [idt + 22], ax
lidt [idtr]
${code}
stopped:
${done}
handler:
  inc r8
  mov r9, dr6
  mov r10, [rsp]
  mov rax, 0xffff0ff0
  mov dr6, rax
  bts qword [rsp + 16], 16      ; RF: an instruction breakpoint is not met again
  iretq
times 128 db 0
align 8
datum: dq 0
idtr: dw 0xff
      dq idt
idt: dq 0, 0
     dw 0, 8, 0x8e00, 0
     dq 0
     times 0x100 db 0`;
  async function run(code: string): Promise<{ count: bigint; dr6: bigint; rip: bigint; symbols: Map<string, bigint> }> {
    const { machine, symbols } = await guest(debugged(code));
    finish(machine);
    return { count: machine.register('R8'), dr6: machine.register('R9'), rip: machine.register('R10'), symbols };
  }
  const TF = 'pushfq\nor qword [rsp], 0x100\npopfq';
  const NO_TF = 'pushfq\nand qword [rsp], ~0x100\npopfq';

  it('TF traps after each instruction that follows POPF', async () => {
    const { count, dr6 } = await run(`${TF}\nnop\nnop\n${NO_TF}`);
    // Two NOPs, PUSHF, AND; POPF clears TF but still traps for the TF it began with.
    assert.deepStrictEqual([count, dr6 & 0xe00fn], [5n, 0x4000n]);
  });
  it('BTF traps after taken branches only, once', async () => {
    const { count, rip, symbols } = await run(
      `mov ecx, 0x1d9\nrdmsr\nor eax, 2\nwrmsr\n${TF}\nnop\nxor ebx, ebx\njnz away\njmp there\naway: nop\nthere:\n${NO_TF}`,
    );
    // The branch trap clears BTF: from then on every instruction traps.
    assert.strictEqual(count, 4n);
    assert.ok(rip > symbols.get('there')!);
  });
  it('MOV SS holds back the single-step trap for one instruction', async () => {
    const { count } = await run(`mov bx, ss\n${TF}\nmov ss, bx\nnop\n${NO_TF}`);
    assert.strictEqual(count, 4n);
  });
  for (const [name, access, dr7] of [
    ['a write', 'mov qword [datum], 1', 0x90401],
    ['a push', 'mov rsp, datum + 8\npush rax\nmov rsp, 0x80000', 0x90401],
    ['a string store', 'mov edi, datum\nstosb', 0x90401],
    ['a read', 'mov rax, [datum]', 0xb0401],
    ['a read and write', 'inc qword [datum]', 0x90401],
  ] as const)
    it(`data breakpoints see ${name}`, async () => {
      const { count, dr6 } = await run(
        `mov eax, datum\nmov dr0, rax\nmov eax, ${dr7}\nmov dr7, rax\n${access}\nxor eax, eax\nmov dr7, rax`,
      );
      assert.deepStrictEqual([count, dr6 & 0xe00fn], [1n, 1n]);
    });
  it('a code breakpoint is a fault before its instruction; MOV SS before it suppresses it', async () => {
    const set = 'mov eax, watched\nmov dr1, rax\nmov eax, 4\nmov dr7, rax\nmov bx, ss';
    const clear = 'xor eax, eax\nmov dr7, rax';
    const met = await run(`${set}\nwatched: nop\n${clear}`);
    assert.deepStrictEqual([met.count, met.dr6 & 0xfn, met.rip], [1n, 2n, met.symbols.get('watched')!]);
    const held = await run(`${set}\nmov ss, bx\nwatched: nop\n${clear}`);
    assert.strictEqual(held.count, 0n);
  });
  it('DR6 and DR7 keep their fixed bits; DR4 and DR5 are DR6 and DR7 without CR4.DE', async () => {
    const { machine } = await guest(
      debugged(
        'xor eax, eax\nmov dr6, rax\nmov dr7, rax\ndb 0x0f, 0x21, 0xe3\ndb 0x0f, 0x21, 0xe9\nmov eax, 0xffffffff\nmov dr6, rax\nmov rdx, dr6',
      ),
    );
    finish(machine);
    assert.deepStrictEqual(
      ['RBX', 'RCX', 'RDX'].map(name => machine.register(name)),
      [0xffff0ff0n, 0x400n, 0xffffefffn],
    );
  });
});
