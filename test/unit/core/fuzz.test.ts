/**
 * Random bytes as code: whatever they do, the machine stops at the limit or says why it ended, and running in one go,
 * in slices and step by step comes to the same state. Handlers skip a byte behind every fault, so that runs go far.
 */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import type { Stop } from '../../../src/machine/facts';
import { Machine } from '../../../src/machine/machine';
import { loadProgram } from '../../../src/program/load';
import type { Program, StartState } from '../../../src/program/program';
import { Random } from '../../random';
import { randomCode } from './random-code';

const CASES = Number(process.env.RINGSCOPE_FUZZ_CASES ?? 20_000);
/** Nanoseconds. */
const SLEPT_LONG = 10n ** 9n;
const LIMIT = 200;
const SLICE = 7;
/** One case in so many runs again, in slices and step by step in turn. */
const REPEATED = 20;
const MEMORY = 1 << 20;
const CODE_BYTES = 192;
const MODES = ['long', 'protected', 'real'] as const;

/** Vectors 0 to 31 go to `skip`, or to `skip_error` when they push an error code. */
const ERROR_CODES = 'vector == 8 || vector == 17 || (vector >= 10 && vector <= 14)';
const long = `
    bits 64
    org 0x10000
start:
    lidt [pointer]
    jmp random
skip_error:
    add rsp, 8
skip:
    inc qword [rsp]
    iretq
pointer: dw 32 * 16 - 1
    dq idt
align 16
idt:
%assign vector 0
%rep 32
  %if ${ERROR_CODES}
    dw (skip_error - $$ + 0x10000) & 0xffff, 8, 0x8e00, 1
  %else
    dw (skip - $$ + 0x10000) & 0xffff, 8, 0x8e00, 1
  %endif
    dq 0
%assign vector vector + 1
%endrep
align 4096
random: times ${CODE_BYTES} nop
`;
const protected_ = `
    bits 32
    org 0x10000
start:
    lgdt [gdt_pointer]
    jmp 8:.on
.on:
    lidt [pointer]
    jmp random
skip_error:
    add esp, 4
skip:
    inc dword [esp]
    iret
gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer: dw 23
    dd gdt
pointer: dw 32 * 8 - 1
    dd idt
align 16
idt:
%assign vector 0
%rep 32
  %if ${ERROR_CODES}
    dw (skip_error - $$ + 0x10000) & 0xffff, 8, 0x8e00, 1
  %else
    dw (skip - $$ + 0x10000) & 0xffff, 8, 0x8e00, 1
  %endif
%assign vector vector + 1
%endrep
align 4096
random: times ${CODE_BYTES} nop
`;
const real = `
    bits 16
    org 0x7c00
start:
    xor di, di
    mov cx, 256
.vector:
    mov ax, skip
    stosw
    xor ax, ax
    stosw
    loop .vector
    jmp random
skip:
    push bp
    mov bp, sp
    inc word [bp + 2]
    pop bp
    iret
align 16
random: times ${CODE_BYTES} nop
`;

function programOf(source: string, start: StartState): Program {
  const files = { read: () => new TextEncoder().encode(source), resolve: (_: string, name: string) => name };
  const loaded = loadProgram('fuzz.asm', files, { start, memoryBytes: MEMORY });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return loaded.program;
}

/** All that can be seen of a machine. */
function stateOf(machine: Machine) {
  return {
    registers: machine.registerNames().map(name => `${name}=${machine.register(name).toString(16)}`),
    ram: machine.readPhysical(0n, MEMORY),
  };
}

describe('random bytes as code', () => {
  const programs = {
    long: programOf(long, 'long'),
    protected: programOf(protected_, 'protected'),
    real: programOf(real, 'real'),
  };
  const core = readFileSync('dist/core.wasm');

  /** Runs a case in pieces of `slice` instructions. */
  function execute(machine: Machine, seed: number, slice: number): Stop {
    const random = new Random(seed);
    const mode = MODES[seed % MODES.length];
    const program = programs[mode];
    machine.load(program);
    const at = program.symbols.find(({ name }) => name === 'random')!.address;
    for (let offset = 0; offset < CODE_BYTES; offset += 16)
      machine.writePhysical(at + BigInt(offset), randomCode(seed * 64 + offset, 16));
    // Pointers into memory, small numbers, anything.
    for (const name of ['RAX', 'RCX', 'RDX', 'RBX', 'RBP', 'RSI', 'RDI', 'R8', 'R9', 'R10'])
      machine.setRegister(name, random.chance(0.7) ? BigInt(random.below(MEMORY)) : random.operand());
    const end = machine.instructions + BigInt(LIMIT);
    let stop = machine.run(0);
    while (machine.instructions < end) {
      const before = machine.instructions;
      const time = machine.time;
      stop = machine.run(Math.min(slice, Number(end - before)));
      assert.ok(machine.instructions <= end, 'retired more than the limit');
      if (stop.kind !== 'limit') break;
      // A processor that sleeps beside a timer retires nothing, but its time passes; some wait for ever.
      assert.ok(machine.time > time, 'stopped at the limit without progress');
      if (machine.time > SLEPT_LONG) break;
    }
    return stop;
  }
  /** Runs the case again in other pieces: the same stop, registers and memory. */
  function repeat(machine: Machine, seed: number, slice: number, stop: Stop): void {
    const { registers, ram } = stateOf(machine);
    assert.deepStrictEqual(execute(machine, seed, slice), stop, `case ${seed}`);
    const again = stateOf(machine);
    assert.deepStrictEqual(again.registers, registers, `case ${seed}`);
    assert.ok(Buffer.compare(again.ram, ram) === 0, `case ${seed}: memory differs`);
  }

  it(`never crashes nor hangs, and is the same in slices and steps: ${CASES} cases`, async function () {
    this.timeout(Math.max(120_000, CASES * 10));
    const machine = await Machine.create({ core, memoryBytes: MEMORY });
    const stops = new Map<string, number>();
    for (let seed = 1; seed <= CASES; seed++) {
      try {
        const stop = execute(machine, seed, LIMIT);
        stops.set(stop.kind, (stops.get(stop.kind) ?? 0) + 1);
        if (seed % REPEATED === 0) repeat(machine, seed, seed % (2 * REPEATED) ? SLICE : 1, stop);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        throw new Error(`case ${seed} (${MODES[seed % MODES.length]}): ${(error as Error).stack}`);
      }
    }
    // Most runs come to the limit: the handlers work.
    assert.ok((stops.get('limit') ?? 0) > CASES / 2, JSON.stringify([...stops]));
  });
});
