import type { DebugProtocol } from '@vscode/debugprotocol';

export type Message = DebugProtocol.ProtocolMessage;

/** A message as bytes on the wire: `Content-Length: N`, an empty line, N bytes of JSON in UTF-8. */
export function frame(message: Message): Uint8Array {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, 'ascii'), body]);
}

/** Cuts a byte stream into messages. Bytes that are no DAP at all go to `onError`, once per header. */
export class Unframer {
  private pending: Buffer = Buffer.alloc(0);

  constructor(
    private readonly onMessage: (message: Message) => void,
    private readonly onError: (reason: string) => void,
  ) {}

  push(chunk: Uint8Array): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const end = this.pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const header = this.pending.toString('ascii', 0, end);
      const length = /content-length: *(\d+)/i.exec(header);
      if (!length) {
        this.onError(`expected a Content-Length header, got ${JSON.stringify(header.slice(0, 80))}`);
        this.pending = this.pending.subarray(end + 4);
        continue;
      }
      const start = end + 4;
      const stop = start + Number(length[1]);
      if (this.pending.length < stop) return;
      const text = this.pending.toString('utf8', start, stop);
      this.pending = this.pending.subarray(stop);
      let message: Message;
      try {
        message = JSON.parse(text) as Message;
      } catch {
        this.onError(`a message of ${length[1]} bytes is not JSON`);
        continue;
      }
      this.onMessage(message);
    }
  }
}
