/** Runs multiboot images in QEMU's own translator (TCG), without a screen, and in `ringscope run`. */
import path from 'node:path';
import { run, type Ran } from '../tool';

export interface Boot {
  /** Multiboot image, in `cwd`: its name is the first word of the command line. */
  image: string;
  append?: string;
  module?: string;
  cwd: string;
}

/** Ends when the program writes the debug-exit port. */
export function runInQemu({ image, append, module, cwd }: Boot): Ran {
  const args = ['-accel', 'tcg', '-cpu', 'max', '-m', '64', '-nodefaults', '-display', 'none', '-no-reboot'];
  args.push('-serial', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', image);
  if (append !== undefined) args.push('-append', append);
  if (module !== undefined) args.push('-initrd', module);
  return run('qemu-system-x86_64', args, { cwd });
}

export function runHere({ image, append, module, cwd }: Boot): Ran {
  const args = [path.resolve('dist/cli.js'), 'run', image, '--memory', '64M', '--timeout', '60'];
  if (append !== undefined) args.push(`--append=${append}`);
  if (module !== undefined) args.push('--module', module);
  return run(process.execPath, args, { cwd });
}
