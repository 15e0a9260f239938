/** How long the debug adapter takes to answer, seen from a DAP client in another process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { median, now } from './measure';

const ADAPTER = path.resolve('dist/adapter.js');
const SAMPLE = path.resolve('samples/first-exits/hypervisor.asm');
const STEPS = 200;

/** Just enough of DAP: requests with their answers, events by name. */
class Session {
  private readonly child: ChildProcess;
  private input = Buffer.alloc(0);
  private sequence = 0;
  private readonly answers = new Map<number, (message: { body?: unknown }) => void>();
  private readonly events = new Map<string, () => void>();

  constructor() {
    this.child = spawn(process.execPath, [ADAPTER], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout!.on('data', (bytes: Buffer) => this.received(bytes));
  }
  send(command: string, args: object = {}): Promise<{ body?: unknown }> {
    const seq = ++this.sequence;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.child.stdin!.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return new Promise(resolve => this.answers.set(seq, resolve));
  }
  /** The next event `name`: ask before causing it. */
  event(name: string): Promise<void> {
    return new Promise(resolve => this.events.set(name, resolve));
  }
  end(): void {
    this.child.kill();
  }
  private received(bytes: Buffer): void {
    this.input = Buffer.concat([this.input, bytes]);
    while (true) {
      const header = this.input.indexOf('\r\n\r\n');
      if (header < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.input.toString('latin1', 0, header))![1]);
      const start = header + 4;
      if (this.input.length < start + length) return;
      const message = JSON.parse(this.input.toString('utf8', start, start + length));
      this.input = this.input.subarray(start + length);
      if (message.type === 'response') this.answers.get(message.request_seq)?.(message);
      else if (message.type === 'event') this.events.get(message.event)?.();
    }
  }
}

export interface Response {
  /** From the start of the adapter's process to the stop on entry, in milliseconds. */
  firstStop: number;
  /** From a step request to the `stopped` event. */
  step: number;
  /** Likewise, to the answer to the stackTrace request that follows: what the editor shows. */
  stepAndStack: number;
}

/** Undefined when the adapter has not been built. */
export async function measureAdapter(times: number): Promise<Response | undefined> {
  if (!existsSync(ADAPTER)) return undefined;
  const starts: number[] = [];
  const steps: number[] = [];
  const stacks: number[] = [];
  for (let n = 0; n < times; n++) {
    const began = now();
    const session = new Session();
    const initialized = session.event('initialized');
    await session.send('initialize', { adapterID: 'ringscope', linesStartAt1: true, columnsStartAt1: true });
    await session.send('launch', { program: SAMPLE, stopOnEntry: true });
    await initialized;
    let stopped = session.event('stopped');
    await session.send('configurationDone');
    await stopped;
    starts.push((now() - began) * 1000);
    for (let step = 0; step < STEPS; step++) {
      const from = now();
      stopped = session.event('stopped');
      void session.send(step % 2 ? 'stepIn' : 'next', { threadId: 1 });
      await stopped;
      steps.push((now() - from) * 1000);
      await session.send('stackTrace', { threadId: 1 });
      stacks.push((now() - from) * 1000);
    }
    session.end();
  }
  return { firstStop: median(starts), step: median(steps), stepAndStack: median(stacks) };
}
