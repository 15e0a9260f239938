/**
 * npm run bench: instructions per second, VM exits per second, the debugger's response, and sizes.
 *
 * The programs run as whole processes, several times; from the median the median of a run that does nothing is taken off.
 * All simulators run the same bytes. Nothing here passes or fails.
 */
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { Machine } from '../../src/machine/machine';
import { programOf } from '../oracle/sources';
import { measureAdapter } from './dap';
import { engines, type Engine } from './engines';
import { figure, seconds, table } from './measure';

const MIX = 'test/bench/mix.asm';
const ROUND_TRIPS = 'test/bench/round-trips.asm';
const RUNS = Number(process.env.RINGSCOPE_BENCH_RUNS ?? 5);
const MIX_ROUNDS = 20_000;
const EXITS = 1_000_000;

async function instructionsOf(source: string, rounds: number): Promise<number> {
  const machine = await Machine.create({ core: readFileSync('dist/core.wasm'), memoryBytes: 64 << 20 });
  machine.load(programOf(source, { defines: { ROUNDS: String(rounds) } }));
  machine.run(1e12);
  return Number(machine.instructions);
}

/** Units per second of each engine that is there. */
async function race(
  all: readonly Engine[],
  source: string,
  rounds: number,
  units: number,
): Promise<Map<Engine, number>> {
  const speeds = new Map<Engine, number>();
  for (const engine of all)
    try {
      const empty = await seconds(RUNS, () => engine.run(source, 0));
      const full = await seconds(RUNS, () => engine.run(source, rounds));
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
    const work = (await instructionsOf(MIX, MIX_ROUNDS)) - (await instructionsOf(MIX, 0));
    console.log(`\nInstructions: ${figure(work / 1e6)} million of arithmetic, loads, stores, branches, calls`);
    report(await race(all, MIX, MIX_ROUNDS, work), 'million/s', 1e6);

    const each = ((await instructionsOf(ROUND_TRIPS, EXITS)) - (await instructionsOf(ROUND_TRIPS, 0))) / EXITS;
    console.log(`\nVM exits: ${figure(EXITS)} CPUID exits and resumes, ${figure(each)} instructions each`);
    report(
      await race(
        all.filter(engine => engine.vmx),
        ROUND_TRIPS,
        EXITS,
        EXITS,
      ),
      'round trips/s',
      1,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

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
