/** Instruction families as tables: source, registers and flags before, registers and flags after. */
import * as assert from 'node:assert';
import { guest } from './guest';

type Registers = Record<string, bigint>;
interface Row {
  source: string;
  before?: Registers;
  after: Registers;
  /** Arithmetic flags that must be set afterwards, out of CF PF AF ZF SF OF; unlisted ones must be clear. */
  flags?: string;
}

const BITS: Record<string, bigint> = { CF: 1n, PF: 4n, AF: 0x10n, ZF: 0x40n, SF: 0x80n, OF: 0x800n };
const ARITHMETIC = 0x8d5n;

const rows: Record<string, Row[]> = {
  'addition and subtraction': [
    { source: 'add al, bl', before: { RAX: 0x7fn, RBX: 1n }, after: { RAX: 0x80n }, flags: 'AF SF OF' },
    { source: 'add ax, bx', before: { RAX: 0xffffn, RBX: 1n }, after: { RAX: 0n }, flags: 'CF PF AF ZF' },
    { source: 'add eax, ebx', before: { RAX: ~0n, RBX: 1n }, after: { RAX: 0n }, flags: 'CF PF AF ZF' },
    { source: 'add rax, rbx', before: { RAX: 1n << 63n, RBX: 1n << 63n }, after: { RAX: 0n }, flags: 'CF PF ZF OF' },
    { source: 'sub al, bl', before: { RAX: 0x1100n, RBX: 1n }, after: { RAX: 0x11ffn }, flags: 'CF PF AF SF' },
    { source: 'cmp rax, rbx', before: { RAX: 1n, RBX: 2n }, after: { RAX: 1n }, flags: 'CF PF AF SF' },
    { source: 'stc\n adc al, bl', before: { RAX: 0xffn, RBX: 0xffn }, after: { RAX: 0xffn }, flags: 'CF PF AF SF' },
    { source: 'stc\n sbb rax, rbx', before: { RAX: 0n, RBX: ~0n }, after: { RAX: 0n }, flags: 'CF PF AF ZF' },
    { source: 'stc\n inc al', before: { RAX: 0x7fn }, after: { RAX: 0x80n }, flags: 'CF AF SF OF' },
    { source: 'clc\n dec ah', before: { RAX: 0n }, after: { RAX: 0xff00n }, flags: 'PF AF SF' },
    { source: 'neg eax', before: { RAX: 0xffffffff_80000000n }, after: { RAX: 0x80000000n }, flags: 'CF PF SF OF' },
  ],
  'partial registers': [
    { source: 'mov ah, dl', before: { RAX: 0x1122334455667788n, RDX: 0x99n }, after: { RAX: 0x1122334455669988n } },
    { source: 'mov ax, dx', before: { RAX: ~0n, RDX: 0x1234n }, after: { RAX: 0xffffffffffff1234n } },
    { source: 'mov eax, edx', before: { RAX: ~0n, RDX: ~0n }, after: { RAX: 0xffffffffn } },
    { source: 'mov sil, dl', before: { RSI: 0x1100n, RDX: 0x99n }, after: { RSI: 0x1199n } },
    { source: 'movzx eax, dh', before: { RAX: ~0n, RDX: 0xab00n }, after: { RAX: 0xabn } },
    { source: 'movsx rax, dl', before: { RDX: 0x80n }, after: { RAX: 0xffffffffffffff80n } },
    { source: 'movsxd rax, edx', before: { RDX: 0x80000000n }, after: { RAX: 0xffffffff80000000n } },
    { source: 'cmovc eax, edx', before: { RAX: ~0n, RDX: 1n }, after: { RAX: 0xffffffffn } },
    // 87 C0, not 90: a 32-bit write clears the upper half.
    { source: 'xchg eax, eax', before: { RAX: ~0n }, after: { RAX: 0xffffffffn } },
    { source: 'lea eax, [rdx - 1]', before: { RDX: 0n }, after: { RAX: 0xffffffffn } },
    { source: 'lea rax, [edx - 1]', before: { RDX: 0n }, after: { RAX: 0xffffffffn } },
  ],
  'shifts and rotates': [
    { source: 'shl al, 1', before: { RAX: 0xc0n }, after: { RAX: 0x80n }, flags: 'CF SF' },
    { source: 'shl al, 8', before: { RAX: 0x101n }, after: { RAX: 0x100n }, flags: 'CF PF ZF OF' },
    { source: 'shr rax, 63', before: { RAX: 3n << 62n }, after: { RAX: 1n }, flags: 'CF' },
    { source: 'sar al, 31', before: { RAX: 0x80n }, after: { RAX: 0xffn }, flags: 'CF PF SF' },
    { source: 'rol al, 4', before: { RAX: 0x12n }, after: { RAX: 0x21n } },
    { source: 'stc\n rcr al, 1', before: { RAX: 0n }, after: { RAX: 0x80n } },
    { source: 'stc\n rcl ax, 17', before: { RAX: 0x1234n }, after: { RAX: 0x1234n } },
    { source: 'shld eax, edx, 4', before: { RAX: 0x12345678n, RDX: 0xa0000000n }, after: { RAX: 0x2345678an } },
    { source: 'shrd rax, rdx, cl', before: { RAX: 0n, RDX: 0xfn, RCX: 4n }, after: { RAX: 0xfn << 60n } },
  ],
  'multiplication and division': [
    { source: 'mul rdx', before: { RAX: ~0n, RDX: ~0n }, after: { RAX: 1n, RDX: 0xfffffffffffffffen } },
    { source: 'imul rdx', before: { RAX: ~0n, RDX: 5n }, after: { RAX: -5n, RDX: ~0n } },
    { source: 'imul eax, edx, -3', before: { RDX: 7n }, after: { RAX: 0xffffffebn } },
    { source: 'div rbx', before: { RDX: 1n, RAX: 0n, RBX: 3n }, after: { RAX: 0x5555555555555555n, RDX: 1n } },
    { source: 'idiv bl', before: { RAX: 0xfff9n, RBX: 2n }, after: { RAX: 0xfffdn } },
  ],
  bits: [
    { source: 'bsf rax, rdx', before: { RDX: 0x100n }, after: { RAX: 8n } },
    { source: 'bsr rax, rdx', before: { RDX: 0x180n }, after: { RAX: 8n } },
    { source: 'bsf rax, rdx', before: { RAX: 7n, RDX: 0n }, after: { RAX: 7n } },
    { source: 'popcnt eax, edx', before: { RDX: 0xf0f0n }, after: { RAX: 8n }, flags: '' },
    { source: 'lzcnt ax, dx', before: { RAX: 0n, RDX: 1n }, after: { RAX: 15n } },
    { source: 'tzcnt eax, edx', before: { RDX: 0n }, after: { RAX: 32n } },
    { source: 'bts rax, 63', before: { RAX: 0n }, after: { RAX: 1n << 63n } },
    { source: 'bswap rax', before: { RAX: 0x0102030405060708n }, after: { RAX: 0x0807060504030201n } },
  ],
  exchange: [
    { source: 'xadd al, dl', before: { RAX: 1n, RDX: 2n }, after: { RAX: 3n, RDX: 1n } },
    { source: 'cmpxchg rdx, rbx', before: { RAX: 5n, RDX: 5n, RBX: 9n }, after: { RAX: 5n, RDX: 9n } },
    { source: 'cmpxchg rdx, rbx', before: { RAX: 4n, RDX: 5n, RBX: 9n }, after: { RAX: 5n, RDX: 5n } },
    { source: 'cwd', before: { RAX: 0x8000n, RDX: 0n }, after: { RDX: 0xffffn } },
    { source: 'cqo', before: { RAX: 1n << 63n }, after: { RDX: ~0n } },
  ],
};

for (const [family, list] of Object.entries(rows))
  describe(`instructions: ${family}`, () => {
    for (const row of list)
      it(row.source.replace('\n', ';'), async () => {
        const { machine } = await guest(`bits 64\norg 0x100000\n${row.source}\nmarker: hlt\n`);
        for (const [name, value] of Object.entries(row.before ?? {}))
          machine.setRegister(name, BigInt.asUintN(64, value));
        const stop = machine.run(row.source.split('\n').length);
        assert.strictEqual(stop.kind, 'limit');
        for (const [name, value] of Object.entries(row.after))
          assert.strictEqual(hex(machine.register(name)), hex(BigInt.asUintN(64, value)), name);
        if (row.flags !== undefined) {
          const wanted = row.flags.split(' ').reduce((sum, name) => sum | (BITS[name] ?? 0n), 0n);
          assert.strictEqual(flagNames(machine.register('RFLAGS') & ARITHMETIC), flagNames(wanted));
        }
      });
  });

function flagNames(value: bigint): string {
  return Object.keys(BITS)
    .filter(name => value & BITS[name])
    .join(' ');
}
const hex = (value: bigint): string => `0x${value.toString(16)}`;
