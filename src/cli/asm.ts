/** `ringscope asm FILE -o OUT [-D NAME[=VALUE]]... [-l LISTING]`: assembles as `nasm -f bin` does. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { assemble } from '../program/nasm/assemble';
import { fileSources } from './files';

const USAGE = 'usage: ringscope asm FILE -o OUT [-D NAME[=VALUE]]... [-l LISTING]';

/** Exit status: 0, or 2 for a usage or input error, with one line for each error on stderr. */
export async function asmCommand(args: string[]): Promise<number> {
  const complain = (message: string): number => {
    process.stderr.write(message + '\n');
    return 2;
  };
  let options: { output?: string; define?: string[]; listing?: string };
  let files: string[];
  try {
    const parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        define: { type: 'string', short: 'D', multiple: true },
        listing: { type: 'string', short: 'l' },
      },
    });
    options = parsed.values;
    files = parsed.positionals;
  } catch (e) {
    return complain(`ringscope asm: ${(e as Error).message}\n${USAGE}`);
  }
  if (files.length !== 1 || options.output === undefined) return complain(USAGE);

  const defines: Record<string, string> = {};
  for (const define of options.define ?? []) {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(define)!;
    if (name === '') return complain(`ringscope asm: "-D ${define}" names nothing to define`);
    defines[name] = value;
  }
  const result = assemble(files[0], fileSources, { defines });
  for (const { file, line, column, severity, message } of result.diagnostics)
    process.stderr.write(`${file}:${line}:${column}: ${severity}: ${message}\n`);
  if (!result.ok) return 2;
  for (const [path, content] of [
    [options.output, result.bytes],
    [options.listing, options.listing === undefined ? undefined : result.listing()],
  ] as const) {
    if (path === undefined || content === undefined) continue;
    try {
      writeFileSync(path, content);
    } catch (e) {
      return complain(`${path}: error: cannot write this file (${(e as NodeJS.ErrnoException).code})`);
    }
  }
  return 0;
}
