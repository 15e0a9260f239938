import * as assert from 'node:assert';
import { VmxMachine, at } from './vmx-machine';

const VALID = 0x80000000;
/** A guest whose handlers for vectors 0x0d, 0x41 and 2 report with VMCALL. */
const guest = 'here: nop\nafter: cpuid\nhandler: vmcall\nhlt';
const LENGTH = 1;

async function injected(information: number, prepare: (vm: VmxMachine) => void = () => undefined): Promise<VmxMachine> {
  const vm = await VmxMachine.create(guest);
  for (const vector of [1, 2, 3, 6, 13, 0x41]) vm.setGate(at.guestIdt, vector, vm.label('handler'));
  vm.write('ENTRY_INTERRUPTION_INFORMATION', (VALID | information) >>> 0);
  prepare(vm);
  return vm;
}
/** The frame on the guest's stack: error code if any, then RIP, CS, RFLAGS. */
const frame = (vm: VmxMachine, words: number): bigint[] =>
  Array.from({ length: words }, (_, n) => vm.memory64(Number(vm.read('GUEST_RSP')) + n * 8));

describe('event injection', () => {
  it('delivers an external interrupt through the guest’s IDT', async () => {
    const vm = await injected(0x41, vm => vm.write('GUEST_RFLAGS', 0x202));
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.deepStrictEqual(frame(vm, 5), [BigInt(at.guest), 8n, 0x202n, BigInt(at.guestStack), 0x10n]);
    assert.strictEqual(vm.read('GUEST_RFLAGS') & 0x200n, 0n);
    assert.strictEqual(vm.read('ENTRY_INTERRUPTION_INFORMATION') >> 31n, 0n, 'the valid bit is cleared');
  });

  it('delivers an exception with its error code, and RF in the frame as the VMCS has it (SDM 3C 26.6.1.1)', async () => {
    const vm = await injected(0xb0d, vm => vm.write('ENTRY_EXCEPTION_ERROR_CODE', 0x1234));
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.deepStrictEqual(frame(vm, 4), [0x1234n, BigInt(at.guest), 8n, 2n]);
  });

  it('blocks further NMIs after an injected NMI', async () => {
    const vm = await injected(0x202);
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 8n);
  });

  it('returns behind the instruction of a software interrupt or exception', async () => {
    for (const information of [0x441, 0x603]) {
      const vm = await injected(information, vm => vm.write('ENTRY_INSTRUCTION_LENGTH', LENGTH));
      assert.strictEqual(vm.launch(), 'VMCALL');
      assert.strictEqual(frame(vm, 1)[0], BigInt(at.guest + LENGTH));
    }
  });

  it('wakes a halted guest', async () => {
    const vm = await injected(0x41, vm => {
      vm.write('GUEST_RFLAGS', 0x202);
      vm.write('GUEST_ACTIVITY_STATE', 1);
    });
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(vm.read('GUEST_ACTIVITY_STATE'), 0n);
  });

  it('is not subject to the exception bitmap', async () => {
    const vm = await injected(0x306, vm => vm.write('EXCEPTION_BITMAP', 1 << 6));
    assert.strictEqual(vm.launch(), 'VMCALL');
  });

  it('reports the event in IDT-vectoring information when its delivery exits', async () => {
    const vm = await injected(0x441, vm => {
      vm.write('ENTRY_INSTRUCTION_LENGTH', 2);
      vm.write('GUEST_IDTR_LIMIT', 0xf);
      vm.write('EXCEPTION_BITMAP', 1 << 13);
    });
    assert.strictEqual(vm.launch(), 'EXCEPTION_NMI');
    assert.strictEqual(vm.read('IDT_VECTORING_INFORMATION'), 0x80000441n);
    assert.strictEqual(vm.read('EXIT_INSTRUCTION_LENGTH'), 2n);
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
    assert.strictEqual(vm.read('GUEST_RSP'), BigInt(at.guestStack));
  });

  it('becomes a double and a triple fault when nothing can be delivered', async () => {
    const vm = await injected(0xb0d, vm => vm.write('GUEST_IDTR_LIMIT', 0));
    assert.strictEqual(vm.launch(), 'TRIPLE_FAULT');
    const double = await injected(0xb0d, vm => {
      vm.write('GUEST_IDTR_LIMIT', 0);
      vm.write('EXCEPTION_BITMAP', 1 << 8);
    });
    assert.strictEqual(double.launch(), 'EXCEPTION_NMI');
    assert.strictEqual(double.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b08n);
  });
});

describe('external interrupts', () => {
  it('exit without being taken', async () => {
    const vm = await VmxMachine.create('here: jmp here');
    vm.enable('Pin', 'EXTERNAL_INTERRUPT_EXITING');
    vm.processor.core.raiseInterrupt(0x55);
    assert.strictEqual(vm.launch(), 'EXTERNAL_INTERRUPT', 'even with interrupts off');
    assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION') >> 31n, 0n);
    assert.strictEqual(vm.get('PENDING_INTERRUPT'), 0x55n, 'still pending');
  });

  it('exit with their vector when acknowledged', async () => {
    const vm = await VmxMachine.create('here: jmp here');
    vm.enable('Pin', 'EXTERNAL_INTERRUPT_EXITING');
    vm.enable('Exit', 'ACKNOWLEDGE_INTERRUPT');
    vm.processor.core.raiseInterrupt(0x55);
    assert.strictEqual(vm.launch(), 'EXTERNAL_INTERRUPT');
    assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000055n);
    assert.strictEqual(vm.get('PENDING_INTERRUPT'), 0xffffffffn);
  });

  it('end HLT by an exit that still says HLT', async () => {
    const vm = await VmxMachine.create('hlt\nafter: cpuid');
    vm.enable('Pin', 'EXTERNAL_INTERRUPT_EXITING');
    assert.strictEqual(vm.launch(), 'Halt');
    vm.processor.core.raiseInterrupt(0x55);
    assert.strictEqual(vm.run(), 'EXTERNAL_INTERRUPT');
    assert.strictEqual(vm.read('GUEST_ACTIVITY_STATE'), 1n);
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('after')));
    vm.processor.core.raiseInterrupt(0xffffffff);
    assert.strictEqual(vm.resume(), 'Halt', 'and the guest halts again');
  });

  it('reach the guest without the control', async () => {
    const vm = await VmxMachine.create('sti\nnop\nhere: jmp here\nhandler: vmcall');
    vm.setGate(at.guestIdt, 0x55, vm.label('handler'));
    vm.processor.core.raiseInterrupt(0x55);
    assert.strictEqual(vm.launch(), 'VMCALL');
    assert.strictEqual(frame(vm, 1)[0], BigInt(at.guest + 2), 'after the instruction that follows STI');
  });
});

describe('interrupt windows', () => {
  it('open when the guest enables interrupts', async () => {
    const vm = await VmxMachine.create('nop\nsti\nnop\nhere: hlt');
    vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');
    assert.strictEqual(vm.launch(), 'INTERRUPT_WINDOW');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('here')), 'one instruction after STI');
  });

  it('are open at once when interrupts are on', async () => {
    const vm = await VmxMachine.create('here: nop');
    vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');
    vm.write('GUEST_RFLAGS', 0x202);
    assert.strictEqual(vm.launch(), 'INTERRUPT_WINDOW');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
  });

  it('wait for the end of blocking by STI', async () => {
    const vm = await VmxMachine.create('nop\nhere: nop');
    vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');
    vm.write('GUEST_RFLAGS', 0x202);
    vm.write('GUEST_INTERRUPTIBILITY_STATE', 1);
    assert.strictEqual(vm.launch(), 'INTERRUPT_WINDOW');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('here')));
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 0n);
  });

  it('follow an injected event', async () => {
    const vm = await injected(0x41, vm => {
      vm.write('GUEST_RFLAGS', 0x202);
      vm.enable('Primary', 'INTERRUPT_WINDOW_EXITING');
      vm.load(at.guest, 'here: nop\nafter: cpuid\nhandler: sti\nnop\nnop');
    });
    assert.strictEqual(vm.launch(), 'INTERRUPT_WINDOW');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('handler') + 2));
  });
});

describe('non-maskable interrupts', () => {
  it('exit, and the host is then blocked', async () => {
    const vm = await VmxMachine.create('here: jmp here');
    vm.enable('Pin', 'NMI_EXITING');
    assert.strictEqual(vm.stopAtEntry(), 'entered');
    vm.processor.core.raiseNmi();
    assert.strictEqual(vm.run(), 'EXCEPTION_NMI');
    assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000202n);
    assert.strictEqual(vm.get('BLOCKING'), 8n);
  });

  it('reach the guest without the control', async () => {
    const vm = await VmxMachine.create('here: jmp here\nhandler: vmcall');
    vm.setGate(at.guestIdt, 2, vm.label('handler'));
    assert.strictEqual(vm.stopAtEntry(), 'entered');
    vm.processor.core.raiseNmi();
    assert.strictEqual(vm.run(), 'VMCALL');
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 8n);
  });

  it('with virtual NMIs, a window opens when the guest’s blocking ends', async () => {
    const vm = await VmxMachine.create('push 0x10\npush rsp\npushfq\npush 8\npush here\niretq\nhere: nop');
    vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS');
    vm.enable('Primary', 'NMI_WINDOW_EXITING');
    vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    assert.strictEqual(vm.launch(), 'NMI_WINDOW');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('here')));
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 0n);
  });

  it('with virtual NMIs, physical ones exit although the guest is blocked', async () => {
    const vm = await VmxMachine.create('here: jmp here');
    vm.enable('Pin', 'NMI_EXITING', 'VIRTUAL_NMIS');
    vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    assert.strictEqual(vm.stopAtEntry(), 'entered');
    vm.processor.core.raiseNmi();
    assert.strictEqual(vm.run(), 'EXCEPTION_NMI');
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 8n);
  });
});

describe('the VMX-preemption timer', () => {
  const counted = async (value: number): Promise<VmxMachine> => {
    const vm = await VmxMachine.create('xor eax, eax\nagain: inc eax\njmp again');
    vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER');
    vm.write('PREEMPTION_TIMER_VALUE', value);
    return vm;
  };

  it('expires after value × 32 ticks of the time-stamp counter', async () => {
    const vm = await counted(100);
    const before = vm.get('INSTRUCTIONS');
    assert.strictEqual(vm.launch(), 'PREEMPTION_TIMER');
    const retired = Number(vm.get('INSTRUCTIONS') - before);
    assert.ok(retired > 99 * 32 && retired <= 100 * 32 + 1, `${retired}`);
  });

  it('with value 0 expires before the first instruction', async () => {
    const vm = await counted(0);
    assert.strictEqual(vm.launch(), 'PREEMPTION_TIMER');
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
  });

  it('is saved on exit', async () => {
    const vm = await VmxMachine.create(`times 320 nop\ncpuid`);
    vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER');
    vm.enable('Exit', 'SAVE_PREEMPTION_TIMER');
    vm.write('PREEMPTION_TIMER_VALUE', 1000);
    assert.strictEqual(vm.launch(), 'CPUID');
    const left = Number(vm.read('PREEMPTION_TIMER_VALUE'));
    assert.ok(left === 990 || left === 989, `${left}`);
  });

  it('is not changed without the control to save it', async () => {
    const vm = await VmxMachine.create(`times 320 nop\ncpuid`);
    vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER');
    vm.write('PREEMPTION_TIMER_VALUE', 1000);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.read('PREEMPTION_TIMER_VALUE'), 1000n);
  });

  it('ends HLT', async () => {
    const vm = await VmxMachine.create('hlt\nhere: nop');
    vm.enable('Pin', 'ACTIVATE_PREEMPTION_TIMER');
    vm.write('PREEMPTION_TIMER_VALUE', 1000);
    assert.strictEqual(vm.launch(), 'PREEMPTION_TIMER');
    assert.strictEqual(vm.read('GUEST_ACTIVITY_STATE'), 1n);
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(vm.label('here')));
  });

  it('expires at the same instruction whatever slices it runs in', async () => {
    const whole = await counted(50);
    whole.launch();
    const sliced = await counted(50);
    let outcome = sliced.launch(7);
    while (outcome === 'Limit') outcome = sliced.run(7);
    assert.strictEqual(outcome, 'PREEMPTION_TIMER');
    assert.strictEqual(sliced.get('RAX'), whole.get('RAX'));
    assert.strictEqual(sliced.read('GUEST_RIP'), whole.read('GUEST_RIP'));
  });
});

describe('pending debug exceptions', () => {
  it('of the VMCS are delivered after entry', async () => {
    const vm = await VmxMachine.create('here: nop');
    vm.write('GUEST_PENDING_DEBUG', 0x4000);
    vm.write('EXCEPTION_BITMAP', 2);
    assert.strictEqual(vm.launch(), 'EXCEPTION_NMI');
    assert.strictEqual(vm.read('EXIT_QUALIFICATION'), 0x4000n);
    assert.strictEqual(vm.read('GUEST_RIP'), BigInt(at.guest));
    assert.strictEqual(vm.read('GUEST_PENDING_DEBUG'), 0n);
  });

  it('are saved when an instruction that exits comes between MOV SS and the trap', async () => {
    // TF is set; MOV SS holds the single-step trap back, and CPUID exits before it.
    const vm = await VmxMachine.create('here: mov ss, ax\ncpuid');
    vm.set('RAX', 0x10);
    vm.write('EXCEPTION_BITMAP', 2);
    vm.write('GUEST_RFLAGS', 0x102);
    assert.strictEqual(vm.launch(), 'CPUID');
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 2n);
    assert.strictEqual(vm.read('GUEST_PENDING_DEBUG'), 0x4000n);
  });
});

describe('IRET', () => {
  /** An IRET whose stack pointer is not mapped, so that it faults. */
  const faulting = async (prepare: (vm: VmxMachine) => void): Promise<VmxMachine> => {
    const vm = await VmxMachine.create('mov rsp, 0x123456789000\nhere: iretq');
    vm.write('EXCEPTION_BITMAP', 1 << 14);
    vm.write('GUEST_INTERRUPTIBILITY_STATE', 8);
    prepare(vm);
    assert.strictEqual(vm.launch(), 'EXCEPTION_NMI');
    return vm;
  };

  it('ends blocking by NMI even if it faults, and the exit says so', async () => {
    for (const pins of [[], ['NMI_EXITING', 'VIRTUAL_NMIS']]) {
      const vm = await faulting(vm => vm.enable('Pin', ...pins));
      assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80001b0en);
      assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 0n);
    }
  });

  it('does not end it when NMIs exit and are not virtual', async () => {
    const vm = await faulting(vm => vm.enable('Pin', 'NMI_EXITING'));
    assert.strictEqual(vm.read('EXIT_INTERRUPTION_INFORMATION'), 0x80000b0en);
    assert.strictEqual(vm.read('GUEST_INTERRUPTIBILITY_STATE'), 8n);
  });
});
