import { MAX_INSTRUCTION_BYTES } from './code';
import { stackEffect } from './stack-effect';
import type { Target } from './target';
import { linearRip, type View } from './view';

/** Bytes pushed since the function was entered; undefined when nobody can tell. */
type Depth = bigint | undefined;

/** A function's instructions as one activation runs through them. */
export interface ActivationMap {
  /** By offset in CS. */
  depths: ReadonlyMap<bigint, Depth>;
  /** It has an indirect jump: it may go where this map does not show. */
  open: boolean;
}

/** More instructions than this are no function that people step through. */
const MOST = 4000;
const PAGE = 4096n;

/** Follows the code from `entry` (an offset in CS) over every jump, past every call, up to every return. */
export function mapActivation(target: Target, view: View, entry: bigint): ActivationMap {
  const depths = new Map<bigint, Depth>();
  const fetch = fetcher(target, view);
  const work: { ip: bigint; depth: Depth; frame: Depth }[] = [{ ip: entry, depth: 0n, frame: undefined }];
  let open = false;
  for (let state = work.pop(); state; state = work.pop()) {
    const { ip, depth, frame } = state;
    // The first path to reach an instruction decides: paths that disagree would be broken code.
    if (depths.has(ip)) continue;
    if (depths.size >= MOST) return { depths, open: true };
    depths.set(ip, depth);
    const effect = stackEffect(fetch(ip), ip, view.codeSize);
    if (!effect) continue;
    open ||= effect.open;
    const { rsp } = effect;
    const after: { depth: Depth; frame: Depth } =
      rsp.kind === 'moves'
        ? { depth: depth === undefined ? undefined : depth + rsp.down, frame }
        : rsp.kind === 'saved-to-rbp'
          ? { depth, frame: depth }
          : rsp.kind === 'restored-from-rbp'
            ? { depth: frame === undefined ? undefined : frame - rsp.up, frame }
            : { depth: undefined, frame };
    for (const next of effect.next) work.push({ ip: next, ...after });
  }
  return { depths, open };
}

/** Code bytes at an offset in CS, read a page at a time. */
function fetcher(target: Target, view: View): (ip: bigint) => Uint8Array {
  const pages = new Map<bigint, Uint8Array>();
  const length = Number(PAGE) + MAX_INSTRUCTION_BYTES;
  return ip => {
    const page = ip & ~(PAGE - 1n);
    let data = pages.get(page);
    if (!data) {
      data = target.machine.readLinear(linearRip(view, page), length, view.context);
      pages.set(page, data);
    }
    return data.subarray(Number(ip - page));
  };
}
