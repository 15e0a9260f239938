/** Everything that an image's debug information tells: lines at once, the rest when somebody asks. */
import type { LineRow } from '../program';
import { AT } from './constants';
import { CallFrames } from './frames';
import { Functions, type InlinedCall } from './functions';
import { readLines } from './lines';
import { mapPath, type SourceMap } from './paths';
import type { DebugSections } from './sections';
import { DebugInfo } from './unit';
import { Variables } from './variables';

export class DebugInformation {
  /** Sorted by linear (link) address. */
  readonly lines: LineRow[];
  /** Every source that has code here. */
  readonly sources: string[];
  readonly functions: Functions;
  readonly variables: Variables;
  readonly frames: CallFrames;
  /** Of its code: 4 for 32-bit code, 8 for 64-bit code, whatever class of ELF that is wrapped in. */
  readonly addressSize: number;
  /** What is wrong with the lines, in one sentence. */
  readonly problem: string | undefined;
  readonly info: DebugInfo;
  private readonly path: (table: number, file: number) => string | undefined;

  /**
   * @param sourceMap folders of the build, and where they are now
   * @param resolve a path that is still relative, as it is meant beside the image
   */
  constructor(sections: DebugSections, sourceMap: SourceMap = {}, resolve: (path: string) => string = path => path) {
    this.info = new DebugInfo(sections);
    const placed = new Map<string, string>();
    const place = (path: string): string => {
      let now = placed.get(path);
      if (now === undefined) placed.set(path, (now = resolve(mapPath(path, sourceMap))));
      return now;
    };
    const { rows, problem, path } = readLines(sections, this.info, place);
    this.lines = rows;
    this.path = path;
    this.sources = [...new Set(rows.map(row => row.file))];
    this.addressSize = this.info.units[0]?.addressSize ?? sections.addressSize;
    this.frames = new CallFrames(sections, this.addressSize);
    this.variables = new Variables(this.info);
    this.functions = new Functions(this.info, sections.loaded);
    this.problem = problem ?? this.info.problem;
  }

  /** What turned out to be damaged since, in what is read only when somebody asks; undefined when nothing did. */
  get damage(): string | undefined {
    return this.functions.problem ?? this.frames.problem ?? this.variables.problem;
  }

  /** Whether functions and variables are described in files of their own, which nobody gave us (gcc -gsplit-dwarf). */
  get split(): boolean {
    return this.info.units.some(unit => {
      try {
        return unit.root.has(AT.dwo_name) || unit.root.has(AT.GNU_dwo_name);
      } catch {
        return false; // its damage has been told
      }
    });
  }

  /** The source line that an inlined call stands on. */
  callSite({ die, file, line }: InlinedCall): { file: string; line: number } | undefined {
    const path = this.path(die.unit.root.number(AT.stmt_list) ?? -1, file);
    return path && line ? { file: path, line } : undefined;
  }
}
