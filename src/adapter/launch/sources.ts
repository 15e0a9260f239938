import type { SourceFiles } from '../../program/program';

/** Which of the program's sources are on this computer. A program may come from another one. */
export class Sources {
  /** By path: undefined when it is here, otherwise the number that clients ask for its text with. */
  private readonly known = new Map<string, number | undefined>();
  private readonly absent: string[] = [];

  constructor(private readonly files: SourceFiles) {}

  /** The reference of a source that is missing, or undefined for one that can be opened by its path. */
  missing(path: string): number | undefined {
    if (!this.known.has(path)) this.known.set(path, this.files.read(path) ? undefined : this.absent.push(path));
    return this.known.get(path);
  }

  /** The path that a reference stands for. */
  path(reference: number): string | undefined {
    return this.absent[reference - 1];
  }
}
