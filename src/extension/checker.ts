import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import * as vscode from 'vscode';

export interface CheckResponse {
  sources: string[];
  diagnostics: {
    file: string;
    line: number;
    column: number;
    endColumn?: number;
    severity: 'error' | 'warning';
    message: string;
  }[];
}

/**
 * A debug adapter of its own, kept for `ringscope/check`.
 *
 * The assembler lives below the adapter, and the extension talks DAP only: so the editor's diagnostics come by the same
 * request that any other client can send, from a process that cannot slow the editor down.
 */
export class Checker implements vscode.Disposable {
  private child: ChildProcessWithoutNullStreams | undefined;
  private readonly waiting = new Map<number, (body: CheckResponse | undefined) => void>();
  private sequence = 1;
  private pending = Buffer.alloc(0);

  constructor(private readonly adapter: string) {}

  /** Undefined when the adapter cannot answer: the editor then goes without. */
  check(args: { path: string; open: Record<string, string> }): Promise<CheckResponse | undefined> {
    if (!this.child) this.start();
    return this.request('ringscope/check', args);
  }

  dispose(): void {
    this.child?.stdin.end();
    this.child?.kill();
    this.stopped();
  }

  private start(): void {
    // In desktop VS Code the running program is Electron, which this variable makes a plain Node.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    const child = spawn(process.execPath, [this.adapter], { env, stdio: 'pipe' });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
    child.stdin.on('error', () => {}); // the exit that causes it is handled below
    child.on('error', () => this.stopped());
    child.on('exit', () => this.child === child && this.stopped());
    void this.request('initialize', { adapterID: 'ringscope' });
  }

  private stopped(): void {
    this.child = undefined;
    this.pending = Buffer.alloc(0);
    for (const resolve of this.waiting.values()) resolve(undefined);
    this.waiting.clear();
  }

  private request(command: string, args: object): Promise<CheckResponse | undefined> {
    const seq = this.sequence++;
    const body = Buffer.from(JSON.stringify({ seq, type: 'request', command, arguments: args }), 'utf8');
    return new Promise(resolve => {
      this.waiting.set(seq, resolve);
      this.child?.stdin.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
    });
  }

  private receive(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const end = this.pending.indexOf('\r\n\r\n');
      const length = end < 0 ? null : /content-length: *(\d+)/i.exec(this.pending.toString('ascii', 0, end));
      if (!length || this.pending.length < end + 4 + Number(length[1])) return;
      const stop = end + 4 + Number(length[1]);
      const message = JSON.parse(this.pending.toString('utf8', end + 4, stop));
      this.pending = this.pending.subarray(stop);
      if (message.type !== 'response') continue;
      this.waiting.get(message.request_seq)?.(message.success ? message.body : undefined);
      this.waiting.delete(message.request_seq);
    }
  }
}
