import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dispatcher } from './dispatcher';
import { nodeFiles } from './launch/files';
import { frame, Unframer } from './protocol/framing';

/** Serves one session on two streams; resolves when the client is gone. `folder` is where core.wasm lies. */
export function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, folder: string): Promise<void> {
  const host = { files: nodeFiles, core: () => readFile(join(folder, 'core.wasm')) };
  return new Promise(resolve => {
    const dispatcher = new Dispatcher(host, message => output.write(frame(message)));
    // One request after the other: a client may send the next before it has the answer.
    let queue = Promise.resolve();
    const unframer = new Unframer(
      message => {
        queue = queue
          .then(() => dispatcher.receive(message))
          .then(() => {
            if (dispatcher.session.over) resolve();
          });
      },
      reason => process.stderr.write(`ringscope: ${reason}\n`),
    );
    input.on('data', (chunk: Uint8Array) => unframer.push(chunk));
    input.on('end', () => void queue.then(resolve));
  });
}
