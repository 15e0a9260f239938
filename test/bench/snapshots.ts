/** How long snapshots take: a first one of a machine whose whole RAM was written, later ones with few pages changed. */
import { readFileSync } from 'node:fs';
import { Machine } from '../../src/machine/machine';
import { program } from './engines';
import { median, now } from './measure';

const MIB = 1 << 20;
const RAM = 64 * MIB;
const PAGE = 4096;
const CHANGED_PAGES = 300;
/** No two changed pages are neighbours. */
const STRIDE = 13 * PAGE;
const LEGACY_VIDEO = { from: 0xa0000, to: 0xc0000 };

/** Medians of `times` snapshots of each kind. */
export async function measureSnapshots(times: number): Promise<{ name: string; milliseconds: number }[]> {
  const full: number[] = [];
  const incremental: number[] = [];
  const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: RAM });
  machine.load(program({ source: 'test/bench/mix.asm' }, 0));
  for (let at = 0; at < RAM; at += PAGE)
    if (at < LEGACY_VIDEO.from || at >= LEGACY_VIDEO.to) machine.writePhysical(BigInt(at), Uint8Array.of(at >> 12));
  for (let n = 0; n < times; n++) {
    let began = now();
    const first = machine.capture();
    full.push((now() - began) * 1000);
    for (let page = 0; page < CHANGED_PAGES; page++)
      machine.writePhysical(BigInt(MIB + page * STRIDE), Uint8Array.of(n));
    began = now();
    const second = machine.capture(first);
    incremental.push((now() - began) * 1000);
    if (second.pages.length !== CHANGED_PAGES) throw new Error(`${second.pages.length} pages changed`);
  }
  return [
    { name: 'full, every page written', milliseconds: median(full) },
    { name: `incremental, ${CHANGED_PAGES} pages changed`, milliseconds: median(incremental) },
  ];
}
