/** Runs a program on Bochs 2.7, without a screen, from a disk image that loader.asm boots. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assemble } from '../../../src/program/nasm/assemble';
import type { Program } from '../../../src/program/program';
import { sourceFiles } from '../sources';
import { run } from '../tool';

const LOADER = path.resolve('test/oracle/bochs/loader.asm');
const CHUNK = 32 * 1024;
const MOST_CHUNKS = 14;
/** One cylinder of the disk: 16 heads, 63 sectors. */
const CYLINDER = 16 * 63 * 512;

export interface BochsRun {
  /** What the program wrote to COM1. */
  serial: string;
  /** What it wrote to port 0xE9, between Bochs' own messages. */
  debugConsole: string;
  seconds: number;
}

/** The boot disk for `program`, whose start must be `long`. */
export function bootDisk(program: Program): Uint8Array {
  if (program.start !== 'long' || program.segments.length !== 1)
    throw new Error(`${program.path}: the boot loader starts flat programs in 64-bit mode only`);
  const [{ address, data }] = program.segments;
  const chunks = Math.ceil(data.length / CHUNK);
  if (chunks > MOST_CHUNKS) throw new Error(`${program.path} has ${data.length} bytes: too many for the boot loader`);
  const defines = { TARGET: String(address), ENTRY: String(program.entry), CHUNKS: String(chunks) };
  const loader = assemble(LOADER, sourceFiles, { defines });
  if (!loader.ok) throw new Error(loader.diagnostics.map(d => `${d.file}:${d.line}: ${d.message}`).join('\n'));
  const disk = new Uint8Array(Math.ceil((512 + chunks * CHUNK) / CYLINDER) * CYLINDER);
  disk.set(loader.bytes);
  disk.set(data, 512);
  return disk;
}

/** Runs to the shutdown word on port 0x8900. Throws when Bochs is missing or does not end in time. */
export function runOnBochs(program: Program, folder: string, timeout = 60_000): BochsRun {
  mkdirSync(folder, { recursive: true });
  const disk = bootDisk(program);
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(at('disk.img'), disk);
  writeFileSync(at('serial.txt'), '');
  writeFileSync(
    at('bochsrc'),
    [
      'cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0',
      'megs: 64',
      'romimage: file=$BXSHARE/BIOS-bochs-latest',
      'vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest',
      `ata0-master: type=disk, mode=flat, path="${at('disk.img')}", cylinders=${disk.length / CYLINDER}, heads=16, spt=63`,
      'boot: disk',
      'display_library: term',
      'port_e9_hack: enabled=1',
      `com1: enabled=1, mode=file, dev="${at('serial.txt')}"`,
      'clock: sync=none',
      'panic: action=fatal',
      `log: ${at('log.txt')}`,
      '',
    ].join('\n'),
  );
  // The debugger is compiled in: "continue" is its only command.
  writeFileSync(at('commands'), 'c\n');
  // The text display needs a terminal; `script` gives it one.
  const command = `TERM=xterm BXSHARE=\${BXSHARE:-/usr/share/bochs} bochs -q -f '${at('bochsrc')}' -rc '${at('commands')}'`;
  const { stdout, seconds } = run('script', ['-qec', command, '/dev/null'], { timeout });
  if (!stdout.includes('Bochs x86 Emulator'))
    throw new Error(`Bochs is needed, but not installed (.ci/run lists the packages): ${stdout}`);
  return { serial: readFileSync(at('serial.txt'), 'latin1'), debugConsole: stdout, seconds };
}
