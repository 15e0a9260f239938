/** Scripts for the pair of 8259s: their lines are those of the test device. */
import type { Random } from '../../random';
import { Handler, type Script } from './script';

const FIRST = 0x20;
const SECOND = 0xa0;
const LEVELS = 0x4d0;
const LINES = 0x2000;
const VECTORS = 0x40;

/** ICW1 to ICW4 of both; everything masked. `fourth`: ICW4's bits beside the mode of the processor. */
export function initialize(s: Script, fourth = 0, trigger = 0): void {
  const chip = (port: number, vector: number, cascade: number): void => {
    s.out(port, 0x11 | trigger);
    for (const word of [vector, cascade, 1 | fourth, 0xff]) s.out(port + 1, word);
  };
  // Edges, also on the lines that firmware gave to PCI.
  s.out(LEVELS, 0).out(LEVELS + 1, 0);
  chip(FIRST, VECTORS, 4);
  chip(SECOND, VECTORS + 8, 2);
}
const line = (s: Script, n: number, level: number): Script => s.out(LINES + n, level);
const pulse = (s: Script, n: number): Script => line(line(s, n, 1), n, 0);

/** IRR, ISR and IMR of both. */
export function look(s: Script): void {
  for (const port of [FIRST, SECOND]) {
    s.out(port, 0x0a).in(port);
    s.out(port, 0x0b).in(port);
    s.in(port + 1);
  }
}
function masks(s: Script, first: number, second: number): void {
  s.out(FIRST + 1, first).out(SECOND + 1, second);
}

export const picCases: Record<string, (s: Script) => void> = {
  'reset values, masks and requests': s => {
    initialize(s);
    look(s);
    for (const n of [1, 3, 5, 6, 7, 10, 12, 15]) {
      line(s, n, 1);
      look(s);
      line(s, n, 0);
      look(s);
    }
    for (const mask of [0, 0x55, 0xaa, 0xff]) {
      masks(s, mask, mask ^ 0xff);
      look(s);
    }
  },
  'priority, service and specific ends': s => {
    initialize(s);
    for (const n of [5, 3, 6, 11, 9, 14]) pulse(s, n);
    masks(s, 0, 0);
    for (let n = 0; n < 7; n++) {
      s.window();
      look(s);
      s.out(SECOND, 0x20);
      s.out(FIRST, 0x20);
    }
    for (const n of [7, 6, 5]) pulse(s, n);
    s.window();
    pulse(s, 3);
    s.window();
    look(s);
    s.out(FIRST, 0x65);
    look(s);
    s.out(FIRST, 0x63);
    look(s);
    s.window();
  },
  rotation: s => {
    initialize(s);
    masks(s, 0, 0);
    for (const command of [0xa0, 0xc3, 0xe4, 0xc7]) {
      for (const n of [1, 3, 4, 5, 6]) pulse(s, n);
      for (let n = 0; n < 6; n++) {
        s.window();
        look(s);
        s.out(FIRST, command === 0xc3 || command === 0xc7 ? 0x20 : command);
        if (command === 0xc3) s.out(FIRST, command);
      }
      s.out(FIRST, 0x20).out(FIRST, 0x20).out(FIRST, 0xc7);
      look(s);
    }
  },
  'automatic end, with rotation': s => {
    initialize(s, 2);
    masks(s, 0, 0);
    for (const n of [1, 3, 4, 5, 6, 9, 15]) pulse(s, n);
    s.window();
    look(s);
    s.out(FIRST, 0x80);
    for (const n of [1, 3, 4, 5, 6]) pulse(s, n);
    s.window();
    for (const n of [1, 3, 4, 5, 6]) pulse(s, n);
    s.window();
    s.out(FIRST, 0);
    look(s);
  },
  poll: s => {
    initialize(s);
    masks(s, 0, 0);
    for (const n of [5, 3, 11]) pulse(s, n);
    for (let n = 0; n < 3; n++) {
      s.out(FIRST, 0x0c).in(FIRST);
      look(s);
      s.out(SECOND, 0x0c).in(SECOND + 1);
      look(s);
      s.out(FIRST, 0x20);
    }
  },
  'special mask mode': s => {
    initialize(s);
    masks(s, 0, 0);
    pulse(s, 3);
    s.window();
    pulse(s, 5);
    s.window();
    s.out(FIRST, 0x68);
    s.out(FIRST + 1, 8);
    s.window();
    look(s);
    s.out(FIRST, 0x48);
    look(s);
    s.window();
  },
  'edge and level': s => {
    initialize(s);
    for (const port of [LEVELS, LEVELS + 1]) {
      s.in(port);
      s.out(port, 0xff).in(port);
      s.out(port, 0).in(port);
    }
    s.out(LEVELS, 0x28).out(LEVELS + 1, 0x0c);
    masks(s, 0, 0);
    // Not on the second chip: QEMU's first one keeps a request that the second withdrew, and answers it with the spurious vector.
    for (const n of [5, 3]) {
      s.handler(VECTORS + n, Handler.endFirst | (n > 7 ? Handler.endSecond : 0) | Handler.lowers, n);
      line(s, n, 1);
      s.window();
      look(s);
      line(s, n, 1);
      line(s, n, 0);
      look(s);
      s.window();
      // A level is a request for as long as it lasts.
      s.handler(VECTORS + n, 0);
      line(s, n, 1);
      s.window();
      look(s);
      s.out(SECOND, 0x20).out(FIRST, 0x20);
      s.window();
      line(s, n, 0);
      s.out(SECOND, 0x20).out(FIRST, 0x20);
      look(s);
    }
  },
  'nesting in handlers': s => {
    initialize(s);
    masks(s, 0, 0);
    const both = Handler.endFirst | Handler.endSecond;
    for (let n = 0; n < 16; n++) s.handler(VECTORS + n, Handler.nests | (n > 7 ? both : Handler.endFirst));
    for (const n of [7, 6, 12, 10, 4, 3, 1]) pulse(s, n);
    s.window();
    look(s);
  },
};

/**
 * `count` accesses, most of them sensible, of the first chip. (QEMU's second one cannot withdraw a request that the first
 * has latched, as ours and the data sheet's can; and QEMU looks at a level only when the line changes.)
 */
export function randomPic(s: Script, random: Random, count: number): void {
  // The 8254 would tick in its own time.
  s.out(0x43, 0x30).delay(60000);
  initialize(s);
  s.out(LEVELS, random.u32() & 0xe8);
  const lines = [1, 3, 5, 6, 7];
  for (let n = 0; n < count; n++) {
    switch (random.below(7)) {
      case 0:
      case 1:
        line(s, random.pick(lines), random.below(2));
        break;
      case 2:
        s.out(FIRST + 1, random.u32() & random.u32() & 0xff);
        break;
      case 3: {
        const end = random.pick([0x20, 0x20, 0x60, 0xa0, 0xe0, 0xc0]);
        s.out(FIRST, end | (end & 0x40 ? random.below(8) : 0));
        break;
      }
      case 4:
        s.out(FIRST, random.pick([0x0c, 0x0a, 0x0b])).in(FIRST);
        break;
      case 5:
        s.window();
        break;
      default:
        look(s);
    }
  }
}
