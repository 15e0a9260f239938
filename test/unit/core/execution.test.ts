/** The run loop: exactness, self-modifying code, watches, determinism. */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import * as hostLayout from '../../../src/core/layout';
import { STATE_BYTES } from '../../../src/core/layout';
import { stateSchema } from '../../../src/core/schema';
import { done, finish, guest, type Guest } from './guest';

/** Everything architectural: registers of all groups but `internal`, and RAM. */
function stateHash({ machine }: Guest): string {
  const hash = createHash('sha256');
  for (const field of stateSchema)
    if (field.group !== 'internal') hash.update(`${field.name}=${machine.register(field.name)};`);
  hash.update(machine.readPhysical(0n, machine.memoryBytes));
  return hash.digest('hex');
}

const WORK = `bits 64
  org 0x100000
  start: mov rsp, 0x80000
  mov rdi, 0x200000
  mov ecx, 20000
  mov al, 0x5a
  rep stosb
  mov ecx, 300
  .loop: push rcx
  call mix
  pop rcx
  cmp ecx, 100
  cmovb rbx, rdx
  dec ecx
  jnz .loop
  mov rsi, 0x200000
  mov rdi, 0x300007
  mov ecx, 9000
  rep movsw
  ${done}
  mix: imul rax, rcx, 31
  xor [0x200000 + rcx * 8], rax
  rol rax, 7
  adc rdx, rax
  ret`;

describe('run', () => {
  it('retires exactly as many instructions as asked', async () => {
    const g = await guest('bits 64\norg 0x100000\nagain: inc rax\n jmp again');
    for (const limit of [1, 2, 3, 7, 1000, 1]) {
      const before = g.machine.instructions;
      assert.strictEqual(g.machine.run(limit).kind, 'limit');
      assert.strictEqual(g.machine.instructions - before, BigInt(limit));
    }
  });

  it('reaches the same state whatever slices it runs in', async () => {
    const whole = await guest(WORK);
    finish(whole.machine);
    const total = Number(whole.machine.instructions);
    for (const slice of [1, 3, 64, 1001]) {
      const g = await guest(WORK);
      while (g.machine.run(slice).kind === 'limit');
      assert.strictEqual(Number(g.machine.instructions), total, `slices of ${slice}`);
      assert.strictEqual(stateHash(g), stateHash(whole), `slices of ${slice}`);
    }
    // An arbitrary instant, reached in two ways.
    const a = await guest(WORK);
    a.machine.run(total >> 1);
    const b = await guest(WORK);
    for (let n = 0; n < total >> 1; n++) b.machine.run(1);
    assert.strictEqual(stateHash(a), stateHash(b));
  });

  it('reports a store beyond RAM once, and goes on', async () => {
    const g = await guest(
      `bits 64\norg 0x100000\nmov edi, 0xfff000\nmov ecx, 0x2000\nmov al, 1\nat: rep stosb\n${done}`,
    );
    // RAM ends at 16 MiB: the rest goes to no device, which is reported, and the program goes on.
    const messages: string[] = [];
    g.machine.onUnclaimed(message => messages.push(message));
    finish(g.machine);
    assert.deepStrictEqual(messages, [
      'physical address 0x1000000 was written, but this machine has neither RAM nor a device there',
    ]);
    assert.strictEqual(g.machine.register('RDI'), 0x1001000n);
  });
});

describe('self-modifying code', () => {
  it('changes the instruction behind the store', async () => {
    const g = await guest(
      `bits 64\norg 0x100000\nmov byte [target + 1], 0xc3\nnop\ntarget: mov al, 1\nmov bl, al\n${done}`,
    );
    finish(g.machine);
    assert.strictEqual(g.machine.register('BL'), 0xc3n);
  });
  it('changes a loop that has run already, also through another linear address', async () => {
    const g = await guest(
      `bits 64
       org 0x100000
       start: mov rsp, 0x80000
       ; linear 0x80000000 -> the first 1 GiB again
       mov rax, cr3
       mov rbx, [rax]
       and rbx, ~0xfff
       mov qword [rbx + 16], 0x83
       mov ecx, 50
       .first: call f
       loop .first
       mov r12, rax
       mov rdi, f + 1 + 0x80000000
       mov dword [rdi], 77
       call f
       ${done.replace('xor eax, eax', 'mov r13, rax\n xor eax, eax')}
       f: mov eax, 33
       ret`,
    );
    finish(g.machine);
    assert.strictEqual(g.machine.register('R12'), 33n);
    assert.strictEqual(g.machine.register('R13'), 77n);
  });
});

describe('instructions across pages', () => {
  it('execute, and fault with the address of the second page', async () => {
    const g = await guest(
      `bits 64
       org 0x100000
       jmp last
       times 0x1000 - 3 - ($ - $$) nop
       last: mov eax, 0x12345678
       ${done.replace('xor eax, eax', 'mov r13, rax\n xor eax, eax')}`,
    );
    finish(g.machine);
    assert.strictEqual(g.machine.register('R13'), 0x12345678n);
  });
});

describe('watches', () => {
  it('stop before the code, and a run that starts there executes it', async () => {
    const g = await guest('bits 64\norg 0x100000\nmov eax, 1\nat: inc eax\ninc eax\njmp at');
    g.machine.watchCode([g.symbols.get('at')!]);
    assert.deepStrictEqual(g.machine.run(100), { kind: 'code', linear: g.symbols.get('at') });
    assert.strictEqual(g.machine.register('EAX'), 1n);
    assert.strictEqual(g.machine.run(100).kind, 'code');
    assert.strictEqual(g.machine.register('EAX'), 3n);
    g.machine.watchCode([]);
    assert.strictEqual(g.machine.run(100).kind, 'limit');
  });
  for (const space of ['linear', 'guest-physical', 'host-physical'] as const)
    it(`stop behind the instruction that touched a datum (${space})`, async () => {
      const g = await guest(
        `bits 64\norg 0x100000\nmov dword [0x200000], 1\nmov eax, [0x200008]\nmov [0x200004], eax\nafter: nop\nnop\n${done}`,
      );
      g.machine.run(1);
      g.machine.watchData([{ id: 7, space, address: 0x200005n, length: 1, access: 'write' }]);
      const stop = g.machine.run(100);
      assert.strictEqual(stop.kind, 'data');
      assert.ok(stop.kind === 'data');
      assert.deepStrictEqual([stop.watch, stop.linear, stop.size, stop.write], [7, 0x200004n, 4, true]);
      assert.strictEqual(g.machine.register('RIP'), g.symbols.get('after'));
    });
});

describe('the state schema', () => {
  it('has no two fields at one place, and lies within the state', () => {
    const used = new Map<number, string>();
    for (const field of stateSchema)
      for (let n = field.offset; n < field.offset + field.width / 8; n++) {
        assert.ok(n < STATE_BYTES);
        assert.ok(!used.has(n), `${field.name} and ${used.get(n)} share byte 0x${n.toString(16)}`);
        used.set(n, field.name);
      }
  });
  it('the host uses the same memory layout as the core', () => {
    const core =
      readFileSync('src/core/assembly/layout.ts', 'utf8') + readFileSync('src/core/assembly/walk.ts', 'utf8');
    for (const [name, value] of Object.entries(hostLayout)) {
      const match = new RegExp(`export const ${name}: \\w+ = (\\w+);`).exec(core);
      if (name === 'WASM_PAGE') continue; // WebAssembly's own constant
      assert.ok(match, `${name} is not in the core's layout`);
      assert.strictEqual(Number(match[1]), value, name);
    }
  });
});
