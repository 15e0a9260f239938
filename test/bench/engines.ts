/** The simulators that run the benchmarks' programs, each as a process of its own from its start to its end. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Program } from '../../src/program/program';
import { bootDisk, runOnBochs } from '../oracle/bochs/bochs';
import { programOf } from '../oracle/sources';
import { run } from '../oracle/tool';

export interface Engine {
  name: string;
  /** Without VMX it cannot run a hypervisor. */
  vmx: boolean;
  /** Seconds from start to end. Throws when the engine is not installed or fails. */
  run(task: Task, rounds: number): number;
}
/** An assembly source that does its work ROUNDS times, and nothing when that is 0. */
export interface Task {
  source: string;
  defines?: Record<string, string>;
}

const SHUTDOWN = 0x8900;
/** isa-debug-exit: the first byte of "Shutdown" ends QEMU with this status. */
const QEMU_STATUS = (('S'.charCodeAt(0) << 1) | 1) & 0xff;
const TIMEOUT = 120_000;

/** The assembled task. */
export const program = ({ source, defines }: Task, rounds: number): Program =>
  programOf(source, { defines: { ...defines, ROUNDS: String(rounds) } });

const here: Engine = {
  name: 'Ringscope',
  vmx: true,
  run({ source, defines }, rounds) {
    const values = Object.entries({ ...defines, ROUNDS: String(rounds) });
    const { status, stderr, seconds } = run(
      process.execPath,
      [path.resolve('dist/cli.js'), 'run', source, ...values.flatMap(([name, value]) => ['-D', `${name}=${value}`])],
      { timeout: TIMEOUT },
    );
    if (status !== 0) throw new Error(`ringscope run ended with ${status}: ${stderr}`);
    return seconds;
  },
};

const bochs = (folder: string): Engine => ({
  name: 'Bochs',
  vmx: true,
  run: (task, rounds) => runOnBochs(program(task, rounds), path.join(folder, 'bochs'), TIMEOUT).seconds,
});

/** QEMU boots the same disk as Bochs. */
const qemu = (folder: string): Engine => ({
  name: 'QEMU TCG',
  vmx: false,
  run(task, rounds) {
    const disk = path.join(folder, 'qemu.img');
    writeFileSync(disk, bootDisk(program(task, rounds)));
    const args = ['-accel', 'tcg', '-cpu', 'max', '-m', '64', '-nodefaults', '-display', 'none', '-no-reboot'];
    args.push('-drive', `file=${disk},format=raw,if=ide`, '-device', `isa-debug-exit,iobase=${SHUTDOWN},iosize=1`);
    const { status, stderr, seconds } = run('qemu-system-x86_64', args, { timeout: TIMEOUT });
    if (status !== QEMU_STATUS) throw new Error(`QEMU ended with ${status}: ${stderr}`);
    return seconds;
  },
});

/** Ours first. The folder holds disks and is the caller's to remove. */
export function engines(): { folder: string; all: Engine[] } {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringscope-bench-'));
  mkdirSync(folder, { recursive: true });
  return { folder, all: [here, bochs(folder), qemu(folder)] };
}
