/** `ringscope`: the command line. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { asmCommand } from './asm';
import { runCommand } from './run';

/** No exit status yet: the process goes on. */
const SERVING = -1;
const usage = `usage: ringscope run PROGRAM [options] | ringscope run --config NAME [--launch FILE] | ringscope asm FILE -o OUT | ringscope dap
Try "ringscope COMMAND --help".`;

async function main(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case 'run':
      return runCommand(rest);
    case 'asm':
      return asmCommand(rest);
    case 'dap':
      // The adapter is a bundle of its own beside this one: it serves stdin until the client leaves.
      createRequire(__filename)(path.join(__dirname, 'adapter.js'));
      return SERVING;
    case '--help':
    case '-h':
      process.stdout.write(`${usage}\n`);
      return 0;
    default:
      process.stderr.write(`${command ? `ringscope: there is no command "${command}".\n` : ''}${usage}\n`);
      return 2;
  }
}

main(process.argv.slice(2)).then(
  status => {
    if (status !== SERVING) process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`ringscope: ${error.message}\n`);
    process.exitCode = 2;
  },
);
