/** Paths as compilers write them: of POSIX or of Windows, whatever this computer has. */

export const isAbsolute = (path: string): boolean => /^([/\\]|[A-Za-z]:[/\\])/.test(path);

/** `path` as meant in `directory`, without `.` and `..` steps. Relative when both are. */
export function joinPath(directory: string, path: string): string {
  return clean(isAbsolute(path) || !directory ? path : `${directory.replace(/[/\\]$/, '')}/${path}`);
}

function clean(path: string): string {
  // A plain path is by far the most common: nothing to do.
  if (!/(^|[/\\])\.\.?([/\\]|$)|[/\\]{2}/.test(path)) return path;
  const separator = /^[A-Za-z]:\\/.test(path) ? '\\' : '/';
  const root = /^([/\\]|[A-Za-z]:[/\\])/.exec(path)?.[0] ?? '';
  const steps: string[] = [];
  for (const step of path.slice(root.length).split(/[/\\]+/)) {
    if (step === '' || step === '.') continue;
    if (step === '..' && steps.length && steps[steps.length - 1] !== '..') steps.pop();
    else if (step !== '..' || !root) steps.push(step);
  }
  return root + steps.join(separator);
}

/** Where sources are now: folders of the build, and what stands in their place here. */
export type SourceMap = Readonly<Record<string, string>>;

/** `path` with the longest prefix of whole steps that the map knows replaced. */
export function mapPath(path: string, map: SourceMap): string {
  const plain = (text: string) => text.replace(/\\/g, '/').replace(/\/$/, '');
  const wanted = plain(path);
  let best: string | undefined;
  for (const from of Object.keys(map)) {
    const prefix = plain(from);
    if (wanted !== prefix && !wanted.startsWith(`${prefix}/`)) continue;
    if (best === undefined || prefix.length > plain(best).length) best = from;
  }
  if (best === undefined) return path;
  const rest = path.slice(plain(best).length).replace(/^[/\\]/, '');
  return rest ? joinPath(map[best], rest) : map[best];
}
