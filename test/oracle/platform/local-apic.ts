/** Scripts for local APICs in xAPIC mode. QEMU 7.2 has no x2APIC without hardware: unit tests hold that against the manual's tables. */
import type { Random } from '../../random';
import { Handler, type Expectation, type Script } from './script';

const BASE = 0xfee00000;
const at = (register: number): number => BASE + register;
const [ID, TPR, PPR, EOI, LDR, DFR, SVR] = [0x20, 0x80, 0xa0, 0xb0, 0xd0, 0xe0, 0xf0].map(at) as number[];
const [ISR, TMR, IRR, ICR, DESTINATION] = [0x100, 0x180, 0x200, 0x300, 0x310].map(at) as number[];
const [TIMER, THERMAL, PERFORMANCE, LINT0, LINT1, ERROR] = [0x320, 0x330, 0x340, 0x350, 0x360, 0x370].map(
  at,
) as number[];
const [INITIAL, CURRENT, DIVIDE] = [0x380, 0x390, 0x3e0].map(at) as number[];
/** The bits of each local vector table entry that can be written (SDM 3A figure 10-8), remote IRR and delivery status aside. */
const LVT_BITS = new Map([
  [TIMER, 0x000700ff],
  [THERMAL, 0x000107ff],
  [PERFORMANCE, 0x000107ff],
  [LINT0, 0x0001a7ff],
  [LINT1, 0x0001a7ff],
  [ERROR, 0x000100ff],
]);
const RESERVED = 'QEMU keeps reserved bits (SDM 3A figures 10-8 and 10-12)';
const MASKED = 0x10000;
const digits = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
/** The value `wrote` reads again as `right`; QEMU keeps all that was written. */
function stored(line: Expectation, wrote: number, right: number, why = RESERVED): void {
  if (right >>> 0 !== wrote >>> 0) line.differs(why, digits(right));
}
const LOWEST = 'processor 3 has the lower priority of the two; QEMU looks at the order only (SDM 3A 10.6.2.4)';
const VIRTUAL_WIRE = "QEMU's firmware sets bit 15, which has no meaning for ExtINT and NMI (SDM 3A 10.5.1)";

/** What waits, is served, and was a level, below vector 0x80; the priority. */
function look(s: Script): void {
  for (const register of [ISR, TMR, IRR]) for (const n of [1, 2, 3]) s.load(register + n * 0x10);
  s.load(PPR);
}
const self = (s: Script, vector: number): Script => s.store(ICR, 0x40000 | vector);
function enable(s: Script): void {
  s.store(SVR, 0x1ff);
  for (let vector = 0x20; vector < 0x100; vector++) s.handler(vector, Handler.endLocal);
}

export const localApicCases: Record<string, (s: Script) => void> = {
  'what firmware leaves': s => {
    s.load(ID);
    s.load(0xfee00030);
    for (const register of [TPR, PPR, LDR, DFR, SVR, TIMER, ERROR]) s.load(register);
    s.load(LINT0).differs(VIRTUAL_WIRE, '00000700');
    s.load(LINT1).differs(VIRTUAL_WIRE, '00000400');
    look(s);
    s.rdmsr(0x1b);
  },
  'which bits can be written': s => {
    for (const value of [0xffffffff, 0, 0x5a5a5a5a]) {
      for (const register of [TPR, LDR, DFR, INITIAL, DIVIDE]) {
        s.store(register, value);
        s.load(register);
      }
      s.store(DESTINATION, value);
      stored(s.load(DESTINATION), value, value & 0xff000000);
      s.store(TPR, 0);
    }
    s.store(SVR, 0x1ff);
    for (const value of [0xffffffff, MASKED, 0x1a5a5])
      for (const [register, bits] of LVT_BITS) {
        s.store(register, value);
        stored(s.load(register), value, value & bits);
      }
    const disabled = 'with the APIC disabled by software all entries are masked, and stay so (SDM 3A 10.4.7.2)';
    for (const register of LVT_BITS.keys()) s.store(register, 0x40);
    s.store(SVR, 0xff);
    for (const register of LVT_BITS.keys()) s.load(register).differs(disabled, '00010040');
    s.store(TIMER, 0x41);
    s.load(TIMER).differs(disabled, '00010041');
    s.store(SVR, 0x1ff);
    s.load(TIMER).differs(disabled, '00010041');
  },
  'priority of tasks and of interrupts': s => {
    enable(s);
    for (const priority of [0, 0x30, 0x3f, 0x41, 0x50, 0xf0]) {
      s.store(TPR, priority);
      s.load(PPR);
      for (const vector of [0x31, 0x42, 0x45, 0x51, 0x66]) self(s, vector);
      s.window();
      look(s);
    }
    s.store(TPR, 0);
    s.window();
    look(s);
  },
  'nesting, and the order of ends': s => {
    enable(s);
    for (let vector = 0x31; vector < 0x80; vector++) s.handler(vector, 0);
    for (const vector of [0x31, 0x35, 0x42, 0x43, 0x61, 0x34]) {
      self(s, vector);
      s.window();
      look(s);
    }
    for (let n = 0; n < 7; n++) {
      s.store(EOI, 0);
      look(s);
      s.window();
    }
    for (let vector = 0x31; vector < 0x80; vector++) s.handler(vector, Handler.nests | Handler.endLocal);
    for (const vector of [0x31, 0x35, 0x42, 0x43, 0x61, 0x34]) self(s, vector);
    s.window();
    look(s);
  },
  'the timer': s => {
    enable(s);
    s.store(DIVIDE, 0xb).store(TIMER, 0x41).store(INITIAL, 1000000);
    s.window(20000);
    s.load(CURRENT);
    s.window(5000);
    s.store(TIMER, 0x20042).store(INITIAL, 20000000);
    s.load(INITIAL);
    s.load(CURRENT).loosely(value => parseInt(value, 16) <= 20000000 && parseInt(value, 16) > 0);
    s.window(110000).loosely(value => /^(42 ){3,6}\.$/.test(value));
    s.store(TIMER, 0x30042);
    s.window(50000);
    s.store(INITIAL, 0);
    s.load(CURRENT);
    s.store(TIMER, 0x43);
    s.window(2000);
  },
  'moves of IA32_APIC_BASE': s => {
    s.rdmsr(0x1b);
    s.wrmsr(0x1b, 0xfee00100n);
    s.rdmsr(0x1b);
    s.wrmsr(0x1b, 0xfee00900n);
    s.rdmsr(0x1b).differs(
      'QEMU cannot enable the APIC again; processors on the system bus can (SDM 3A 10.4.3)',
      '00000000fee00900',
    );
  },
};

export const processorCases: Record<string, (s: Script) => void> = {
  'identifiers and modes of the others': s => {
    for (const cpu of [1, 2, 3])
      s.on(cpu, () => {
        s.load(ID);
        s.load(SVR);
        s.load(LDR);
        s.load(DFR);
        s.rdmsr(0x1b);
      });
  },
  'physical destinations and shorthands': s => {
    for (const cpu of [0, 1, 2, 3]) s.on(cpu, () => s.store(SVR, 0x1ff));
    for (let vector = 0x30; vector < 0x90; vector++) s.handler(vector, Handler.endLocal);
    const send = (from: number, destination: number, low: number): void => {
      s.on(from, () => s.store(DESTINATION, (destination << 24) >>> 0).store(ICR, low));
      s.delay(1000);
      for (const cpu of [0, 1, 2, 3]) s.on(cpu, () => void s.window());
    };
    for (const destination of [0, 1, 2, 3, 4, 7, 0xff]) send(0, destination, 0x4041);
    for (const from of [0, 2]) for (const shorthand of [1, 2, 3]) send(from, 1, (shorthand << 18) | 0x4050 | from);
    send(3, 1, 0x4400);
    send(0, 0xff, 0x4400 | (3 << 18));
  },
  'logical destinations': s => {
    for (const cpu of [0, 1, 2, 3]) s.on(cpu, () => s.store(SVR, 0x1ff));
    for (let vector = 0x30; vector < 0x90; vector++) s.handler(vector, Handler.endLocal);
    const send = (destination: number, told: (line: Expectation) => void = () => undefined): void => {
      s.store(DESTINATION, (destination << 24) >>> 0).store(ICR, 0x4841);
      s.delay(1000);
      for (const cpu of [0, 1, 2, 3]) s.on(cpu, () => told(s.window()));
    };
    for (const [dfr, ids] of [
      [0xffffffff, [1, 2, 4, 0x81]],
      [0x0fffffff, [0x11, 0x12, 0x21, 0x24]],
    ] as const) {
      ids.forEach((id, cpu) => s.on(cpu, () => s.store(DFR, dfr).store(LDR, (id << 24) >>> 0)));
      for (const destination of [0, 1, 2, 3, 6, 0x80, 0x81, 0x13, 0x23, 0x25, 0x31]) send(destination);
      const broadcast = dfr >>> 28 ? undefined : 'all ones are a broadcast in the cluster model too (SDM 3A 10.6.2.2)';
      send(0xff, line => broadcast && line.differs(broadcast, '41 .'));
    }
  },
  'lowest priority goes to one': s => {
    [0x10, 0x50, 0x20, 0x40].forEach((priority, cpu) =>
      s.on(cpu, () =>
        s
          .store(SVR, 0x1ff)
          .store(LDR, (1 << (24 + cpu)) >>> 0)
          .store(TPR, priority),
      ),
    );
    for (let vector = 0x30; vector < 0x90; vector++) s.handler(vector, Handler.endLocal);
    for (const destination of [0x0a, 0x02]) {
      s.store(DESTINATION, (destination << 24) >>> 0).store(ICR, 0x4961);
      s.delay(1000);
      for (const cpu of [0, 1, 2, 3])
        s.on(cpu, () => {
          const line = s.window();
          if (destination === 0x0a && cpu & 1) line.differs(LOWEST, cpu === 3 ? '61 .' : '.');
        });
    }
  },
  'INIT and start-up again': s => {
    s.on(1, () => s.store(SVR, 0x1ff).store(TPR, 0x30).store(LDR, 0x2000000).store(LINT1, 0x400));
    s.start(1);
    s.on(1, () => {
      for (const register of [ID, SVR, TPR, LDR, DFR, LINT1]) s.load(register);
      s.rdmsr(0x1b);
    });
  },
};

/** Vectors, priorities and ends at random on one processor. */
export function randomLocalApic(s: Script, random: Random, count: number): void {
  s.store(SVR, 0x1ff);
  for (let n = 0; n < count; n++)
    switch (random.below(7)) {
      case 0:
      case 1:
        self(s, 0x20 + random.below(0x60));
        break;
      case 2:
        s.store(TPR, random.below(0x90));
        break;
      case 3:
        s.store(EOI, 0);
        break;
      case 4:
        s.handler(0x20 + random.below(0x60), random.pick([0, Handler.endLocal, Handler.endLocal | Handler.nests]));
        break;
      case 5:
        s.window();
        break;
      default:
        look(s);
    }
}
