/** `ringscope`: the command line. */
import { asmCommand } from './asm';
import { runCommand } from './run';

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
      await import('../adapter/main');
      return -1;
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
    if (status >= 0) process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`ringscope: ${error.message}\n`);
    process.exitCode = 2;
  },
);
