import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client, ROOT } from './client';

/**
 * A session as text, held against the file in test/adapter/golden. RINGSCOPE_UPDATE=1 writes the files anew: read the
 * difference before committing it.
 */
export class Transcript {
  private readonly lines: string[] = [];

  constructor(
    private readonly client: Client,
    private readonly name: string,
  ) {}

  say(line: string): void {
    this.lines.push(line.split(ROOT).join(''));
  }

  /** A request with its answer, as JSON. */
  async ask(command: string, args: object = {}): Promise<any> {
    this.say(`→ ${command} ${JSON.stringify(args)}`);
    const body = await this.client.send(command, args);
    this.say(`← ${JSON.stringify(body ?? {})}`);
    return body;
  }

  /** A request that moves the machine; the stop and the stack that a person sees. */
  async go(command: string, args: object = {}): Promise<void> {
    this.say(`→ ${command} ${JSON.stringify(args)}`);
    const { reason, description, text } = await this.client.go(command, args);
    this.say(`stopped: ${reason} | ${description}${text ? ` | ${text}` : ''}`);
    for (const frame of await this.client.stack()) this.say(`    ${frameText(frame)}`);
  }

  /** Compares with the golden file. */
  check(): void {
    const file = join(ROOT, 'test', 'adapter', 'golden', `${this.name}.txt`);
    const text = `${this.lines.join('\n')}\n`;
    if (process.env.RINGSCOPE_UPDATE) writeFileSync(file, text);
    assert.ok(existsSync(file), `${file} is missing: run with RINGSCOPE_UPDATE=1`);
    assert.equal(text, readFileSync(file, 'utf8'));
  }
}

function frameText({ name, source, line, instructionPointerReference }: DebugProtocol.StackFrame): string {
  return [name, source ? `${source.name}:${line}` : '', instructionPointerReference ?? ''].filter(Boolean).join('  ');
}
