/** Programs that compilers make, built anew for each run: no binary is part of this project. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Bundled tests lie at different depths below the project. */
const ROOT = (function find(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : find(dirname(folder));
})(__dirname);
export const fixture = (name: string) => join(ROOT, 'test', 'dwarf', 'fixtures', name);

/** A folder for what is built; `remove` when the tests are over. */
export class BuildFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'ringscope-built-'));

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  /** Compiles and links a freestanding program for 1 MiB. */
  gcc(name: string, source: string, ...flags: string[]): string {
    const output = join(this.path, name);
    const common = ['-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-mgeneral-regs-only', '-w'];
    const link = ['-Wl,--build-id=none,-Ttext=0x100000,--no-warn-rwx-segments,-N'];
    execFileSync('gcc', [...common, ...link, ...flags, '-o', output, fixture(source)], { stdio: 'pipe' });
    return output;
  }

  /** What an ELF file loads, as a flat file. */
  flat(elf: string): string {
    execFileSync('objcopy', ['-O', 'binary', elf, `${elf}.bin`], { stdio: 'pipe' });
    return `${elf}.bin`;
  }

  /** A copy of an ELF file that objcopy has changed. */
  copied(elf: string, name: string, ...flags: string[]): string {
    const output = join(this.path, name);
    execFileSync('objcopy', [...flags, elf, output], { stdio: 'pipe' });
    return output;
  }

  /** The address of a symbol, as nm tells it. */
  symbol(elf: string, name: string): bigint {
    const line = execFileSync('nm', [elf], { encoding: 'utf8' })
      .split('\n')
      .find(text => text.endsWith(` ${name}`));
    return BigInt(`0x${line!.split(' ')[0]}`);
  }

  /** The first line of a fixture that contains a text. */
  lineOf(source: string, text: string): number {
    return (
      readFileSync(fixture(source), 'utf8')
        .split('\n')
        .findIndex(line => line.includes(text)) + 1
    );
  }

  /** Likewise with clang. */
  clang(name: string, source: string, ...flags: string[]): string {
    const output = join(this.path, name);
    const common = ['-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-w', '-fuse-ld=bfd'];
    execFileSync('clang', [...common, '-Wl,-Ttext=0x100000', ...flags, '-o', output, fixture(source)], {
      stdio: 'pipe',
    });
    return output;
  }

  /** A freestanding Rust program. */
  rustc(name: string, source: string, ...flags: string[]): string {
    const output = join(this.path, name);
    const link = ['-nostartfiles', '-nostdlib', '-static', '-Wl,--image-base=0x100000'].map(flag => `link-arg=${flag}`);
    const options = ['panic=abort', 'relocation-model=static', 'target-feature=+crt-static', ...link];
    const args = ['-g', ...options.flatMap(option => ['-C', option]), ...flags, '-o', output, fixture(source)];
    execFileSync('rustc', args, { stdio: 'pipe' });
    return output;
  }

  /** A program for this computer's own system, C or C++ by the source's name. */
  hosted(name: string, source: string, ...flags: string[]): string {
    const output = join(this.path, name);
    execFileSync(source.endsWith('.c') ? 'gcc' : 'g++', [...flags, '-o', output, fixture(source)], { stdio: 'pipe' });
    return output;
  }

  /** The sample kernel, by the command of the samples' build task; its sources lie beside it. */
  sampleKernel(): string {
    const folder = join(this.path, 'c-kernel');
    cpSync(join(ROOT, 'samples', 'c-kernel'), folder, { recursive: true });
    cpSync(join(ROOT, 'samples', '.vscode'), join(this.path, '.vscode'), { recursive: true });
    buildTask(this.path, 'build c-kernel');
    return join(folder, 'kernel.elf');
  }
}

/** Runs a build task of the samples as an editor would, in a copy of the samples' folder. */
export function buildTask(workspaceFolder: string, label: string): void {
  const { tasks } = JSON.parse(readFileSync(join(workspaceFolder, '.vscode', 'tasks.json'), 'utf8'));
  const task = tasks.find((one: { label: string }) => one.label === label);
  const cwd = task.options.cwd.replace('${workspaceFolder}', workspaceFolder);
  execFileSync('sh', ['-c', task.command], { cwd, stdio: 'pipe' });
}
