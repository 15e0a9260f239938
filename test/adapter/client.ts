import * as assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';

export const ROOT = resolve(__dirname, '..', '..', '..');
export const fixture = (name: string) => resolve(ROOT, 'test', 'adapter', 'fixtures', name);
export const sample = (name: string) => resolve(ROOT, 'samples', name);

/** How long an event may take on a loaded machine, in milliseconds. */
const PATIENCE = 10_000;

/** A DAP client in the words of the tests: what a person does, and what they see then. */
export class Client {
  readonly dap = new DebugClient(process.execPath, resolve(ROOT, 'dist', 'adapter.js'), 'ringscope');
  readonly output: DebugProtocol.OutputEvent['body'][] = [];
  private child: ChildProcess | undefined;
  private readonly events: DebugProtocol.Event[] = [];
  private readonly waiting: { name: string; resolve: (event: DebugProtocol.Event) => void }[] = [];

  /** Talks to dist/adapter.js, or to what another command line of ours serves. */
  static async connect(...args: string[]): Promise<Client> {
    const client = new Client();
    for (const name of ['stopped', 'initialized', 'exited', 'terminated', 'invalidated', 'memory'])
      client.dap.on(name, (event: DebugProtocol.Event) => client.arrived(event));
    client.dap.on('output', (event: DebugProtocol.OutputEvent) => void client.output.push(event.body));
    if (args.length) client.serveFrom(args);
    else await client.dap.start();
    return client;
  }

  /** Initialized and launched; the client is yet to send breakpoints and configurationDone. */
  static async launched(attributes: { program: string } & Record<string, unknown>): Promise<Client> {
    const client = await Client.connect();
    await client.send('initialize', {
      adapterID: 'ringscope',
      supportsInvalidatedEvent: true,
      supportsMemoryEvent: true,
    });
    await client.send('launch', attributes);
    await client.event('initialized');
    return client;
  }

  /** Stopped at the program's first instruction. */
  static async started(attributes: { program: string } & Record<string, unknown>): Promise<Client> {
    const client = await Client.launched(attributes);
    await client.go('configurationDone');
    return client;
  }

  async close(): Promise<void> {
    await this.dap.stop();
    this.child?.kill();
  }

  /** The body of a successful response. */
  async send(command: string, args: object = {}): Promise<any> {
    return (await this.dap.send(command, args)).body;
  }

  /** The message of an error response. */
  async refused(command: string, args: object = {}): Promise<string> {
    try {
      await this.dap.send(command, args);
    } catch (error) {
      return (error as Error).message;
    }
    assert.fail(`${command} ${JSON.stringify(args)} should have been refused`);
  }

  /** The next event of that name, which may have come already. */
  event(name: string): Promise<any> {
    const index = this.events.findIndex(event => event.event === name);
    if (index >= 0) return Promise.resolve(this.events.splice(index, 1)[0]);
    return new Promise((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`no ${name} event came`)), PATIENCE);
      this.waiting.push({ name, resolve: event => (clearTimeout(timer), found(event)) });
    });
  }

  /** Sends a request that moves the machine, and waits for the stop. */
  async go(command: string, args: object = {}): Promise<DebugProtocol.StoppedEvent['body']> {
    await this.send(command, { threadId: 1, ...args });
    return (await this.event('stopped')).body;
  }

  async stack(threadId = 1): Promise<DebugProtocol.StackFrame[]> {
    return (await this.send('stackTrace', { threadId })).stackFrames;
  }

  /** `guest.asm:4` of the top frame. */
  async place(threadId = 1): Promise<string> {
    const [top] = await this.stack(threadId);
    return `${top.source?.name}:${top.line}`;
  }

  async value(expression: string, frameId?: number): Promise<string> {
    return (await this.send('evaluate', { expression, context: 'watch', ...(frameId ? { frameId } : {}) })).result;
  }

  /** Breakpoints of one file by line. */
  async breakAt(path: string, ...breakpoints: DebugProtocol.SourceBreakpoint[]): Promise<DebugProtocol.Breakpoint[]> {
    return (await this.send('setBreakpoints', { source: { path }, breakpoints })).breakpoints;
  }

  async breakOn(...names: string[]): Promise<DebugProtocol.Breakpoint[]> {
    return (await this.send('setFunctionBreakpoints', { breakpoints: names.map(name => ({ name })) })).breakpoints;
  }

  async filters(...filters: (string | { filterId: string; condition: string })[]): Promise<DebugProtocol.Breakpoint[]> {
    const body = await this.send('setExceptionBreakpoints', {
      filters: filters.filter(filter => typeof filter === 'string'),
      filterOptions: filters.filter(filter => typeof filter !== 'string'),
    });
    return body.breakpoints;
  }

  async scope(name: string, frameId?: number): Promise<DebugProtocol.Variable[]> {
    const frame = frameId ?? (await this.stack())[0].id;
    const { scopes } = await this.send('scopes', { frameId: frame });
    const scope = scopes.find((candidate: DebugProtocol.Scope) => candidate.name === name);
    assert.ok(scope, `there is no scope ${name}`);
    return this.children(scope.variablesReference);
  }

  async children(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.send('variables', { variablesReference })).variables;
  }

  text(category: string): string {
    return this.output
      .filter(event => event.category === category)
      .map(event => event.output)
      .join('');
  }

  private serveFrom(args: string[]): void {
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // DebugClient starts scripts without arguments only; connecting streams is its base class's business.
    const streams = this.dap as unknown as { connect(input: Readable, output: Writable): void };
    streams.connect(this.child.stdout!, this.child.stdin!);
  }

  private arrived(event: DebugProtocol.Event): void {
    const index = this.waiting.findIndex(({ name }) => name === event.event);
    if (index >= 0) this.waiting.splice(index, 1)[0].resolve(event);
    else this.events.push(event);
  }
}
