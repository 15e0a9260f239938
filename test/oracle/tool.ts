/** Runs the tools that oracle tests need; a missing one is a failure that says so. */
import { spawnSync } from 'node:child_process';

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Runs `file`; throws when it cannot be started or does not end in `timeout` milliseconds. */
export function run(file: string, args: readonly string[], options: { cwd?: string; timeout?: number } = {}): Ran {
  const started = process.hrtime.bigint();
  const ran = spawnSync(file, args, {
    encoding: 'latin1',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    timeout: 60_000,
    ...options,
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const error = ran.error as NodeJS.ErrnoException | undefined;
  if (error?.code === 'ENOENT') throw new Error(`${file} is needed, but not installed (.ci/run lists the packages)`);
  if (error) throw new Error(`${file} ${args.join(' ')}: ${error.message}`);
  return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr, seconds };
}

/** Likewise; throws unless it succeeds. */
export function build(file: string, args: readonly string[], cwd?: string): void {
  const { status, stderr } = run(file, args, { cwd });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${stderr}`);
}
