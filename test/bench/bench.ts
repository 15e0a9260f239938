/**
 * npm run bench: instructions per second, VM exits per second, the debugger's response, and sizes.
 *
 * The programs run as whole processes, several times; from the median the median of a run that does nothing is taken off.
 * All simulators run the same bytes. Nothing here passes or fails.
 */
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { Machine } from '../../src/machine/machine';
import { measureAdapter } from './dap';
import { engines, program, type Engine, type Task } from './engines';
import { figure, seconds, table } from './measure';
import { measureSnapshots } from './snapshots';

const RUNS = Number(process.env.RINGSCOPE_BENCH_RUNS ?? 5);
const EXITS = 1_000_000;

interface Race extends Task {
  title: string;
  rounds: number;
  /** A hypervisor: for the engines that have VMX. */
  vmx?: boolean;
  /** What is counted: retired instructions when absent, else so many of these. */
  units?: { count: number; name: string };
}
const trips = (title: string, exit: number): Race => ({
  title,
  source: 'test/bench/round-trips.asm',
  defines: { EXIT: String(exit) },
  rounds: EXITS,
  vmx: true,
  units: { count: EXITS, name: 'round trips/s' },
});
const ACCESSES = 1_000_000;
const accesses = (title: string, access: number): Race => ({
  title,
  source: 'test/bench/accesses.asm',
  defines: { ACCESS: String(access) },
  rounds: ACCESSES,
  units: { count: ACCESSES, name: 'accesses/s' },
});
const RACES: readonly Race[] = [
  { title: 'Arithmetic, loads, stores, branches, calls', source: 'test/bench/mix.asm', rounds: 20_000 },
  { title: 'Sieve over 256 KiB', source: 'test/bench/sieve.asm', rounds: 200 },
  {
    title: 'Sieve over 32 MiB in pages of 4 KBytes',
    source: 'test/bench/sieve.asm',
    defines: { WIDE: '1' },
    rounds: 1,
  },
  {
    title: 'The same in a guest with EPT',
    source: 'test/bench/sieve.asm',
    defines: { WIDE: '1', GUEST: '1' },
    rounds: 1,
    vmx: true,
  },
  { title: 'Packed arithmetic (SSE2)', source: 'test/bench/sse.asm', rounds: 10_000 },
  trips('VM exits by CPUID', 0),
  trips('VM exits by OUT', 1),
  trips('VM exits by VMCALL', 2),
  accesses('End of interrupt at the local APIC', 0),
  accesses('Reads of the 8254', 1),
  accesses('Writes to the UART', 2),
  accesses('Reads of the HPET', 3),
];

async function instructionsOf(task: Task, rounds: number): Promise<number> {
  const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: 64 << 20 });
  machine.load(program(task, rounds));
  machine.run(1e12);
  return Number(machine.instructions);
}

/** Units per second of each engine that is there. */
async function race(all: readonly Engine[], task: Race, units: number): Promise<Map<Engine, number>> {
  const speeds = new Map<Engine, number>();
  for (const engine of all)
    try {
      const empty = await seconds(RUNS, () => engine.run(task, 0));
      const full = await seconds(RUNS, () => engine.run(task, task.rounds));
      speeds.set(engine, units / (full - empty));
    } catch (error) {
      console.log(`  ${engine.name} takes no part: ${(error as Error).message.split('\n')[0]}`);
    }
  return speeds;
}
function report(speeds: Map<Engine, number>, unit: string, scale: number): void {
  const [[, ours]] = speeds;
  table(
    [...speeds].map(([{ name }, speed]) => [
      name,
      `${figure(speed / scale)} ${unit}`,
      speed === ours ? '' : `Ringscope : ${name} = ${figure(ours / speed)}`,
    ]),
  );
}

async function main(): Promise<void> {
  console.log(
    `${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}, medians of ${RUNS} runs`,
  );
  const { folder, all } = engines();
  try {
    for (const task of RACES) {
      const work = (await instructionsOf(task, task.rounds)) - (await instructionsOf(task, 0));
      const { count, name } = task.units ?? { count: work, name: 'million/s' };
      const what = task.units
        ? `${figure(work / count)} instructions each`
        : `${figure(work / 1e6)} million instructions`;
      console.log(`\n${task.title}: ${what}`);
      const runners = all.filter(engine => engine.vmx || !task.vmx);
      report(await race(runners, task, count), name, task.units ? 1 : 1e6);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  const snapshots = await measureSnapshots(RUNS);
  console.log('\nSnapshots of a machine of 64 MiB');
  table(snapshots.map(({ name, milliseconds }) => [name, `${figure(milliseconds)} ms`]));

  const response = await measureAdapter(RUNS);
  console.log('\nDebug adapter (process of its own)');
  if (response)
    table([
      ['start to first stop', `${figure(response.firstStop)} ms`],
      ['step, request to stop', `${figure(response.step)} ms`],
      ['step, request to stack trace', `${figure(response.stepAndStack)} ms`],
    ]);
  else console.log('  dist/adapter.js has not been built');

  console.log('\nSizes');
  const files = ['dist/extension.js', 'dist/adapter.js', 'dist/cli.js', 'dist/core.wasm', 'dist/iced_x86_bg.wasm'];
  files.push(
    ...['.', 'dist'].flatMap(dir =>
      readdirSync(dir)
        .filter(name => name.endsWith('.vsix'))
        .map(name => `${dir}/${name}`),
    ),
  );
  table(files.filter(existsSync).map(file => [file, `${figure(statSync(file).size / 1024)} KiB`]));
}

main().catch(error => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
