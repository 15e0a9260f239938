import { fromLittleEndian } from './format';
import { mapActivation, type ActivationMap } from './activation-map';
import { decode } from './code';

import type { Target } from './target';
import { linearRip, linearStack, type View } from './view';

/** One activation on a stack. */
export interface Activation {
  rip: bigint;
  rsp: bigint;
  /** Offset in SS of the stack slot that holds the return address; absent in the outermost one. */
  returnSlot?: bigint;
}

/** Where a stack ends: code that nobody called, with RSP at its entry. */
export interface Root {
  rip: bigint;
  rsp: bigint;
}

/** Slots to look at between one return address and the next. */
const REACH = 512;
const DEEPEST = 64;
/** Bytes of near calls: E8 with a 32-bit displacement first, then FF /2 in all its lengths. */
const CALL_LENGTHS = [5, 2, 3, 4, 6, 7, 8, 9];
const LONGEST_CALL = 9;

/**
 * The activations of a stack, innermost first.
 *
 * Assembly has no frame descriptions. A return address is a word on the stack that points into the program, right after
 * a call; that it is this activation's, and not one left over from a call long gone, shows in the code: the callee must
 * reach the current instruction, with as much pushed on the way as lies between it and that word.
 */
export function unwind(target: Target, view: View, rip: bigint, rsp: bigint, root?: Root): Activation[] {
  const found: Activation[] = [{ rip, rsp }];
  const stack = new StackReader(target, view, rsp);
  const maps = new Maps(target, view);
  while (found.length < DEEPEST) {
    const inner = found[found.length - 1];
    if (root && isRoot(maps, root, inner)) break;
    const slot = returnSlot(target, view, maps, stack, inner, root);
    if (slot === undefined) break;
    inner.returnSlot = slot;
    found.push({ rip: stack.at(slot)!, rsp: slot + stack.width });
  }
  return found;
}

/** Whether the activation is the one that began at `root`. */
function isRoot(maps: Maps, root: Root, { rip, rsp }: Activation): boolean {
  const depth = maps.of(root.rip).depths.get(rip);
  return depth !== undefined && root.rsp - depth === rsp;
}

function returnSlot(
  target: Target,
  view: View,
  maps: Maps,
  stack: StackReader,
  inner: Activation,
  root: Root | undefined,
): bigint | undefined {
  let likely: bigint | undefined;
  for (let n = 0n; n < BigInt(REACH); n++) {
    const slot = inner.rsp + n * stack.width;
    if (root && slot >= root.rsp) break;
    const value = stack.at(slot);
    if (value === undefined) break;
    const call = callBefore(target, view, value);
    if (!call) continue;
    const verdict = judge(target, view, maps, call.target, inner, slot);
    if (verdict === 'yes') return slot;
    if (verdict === 'open') likely ??= slot;
  }
  return likely;
}

/** Whether the activation of `inner` can have begun with a call of `callee` that left its return address in `slot`. */
function judge(
  target: Target,
  view: View,
  maps: Maps,
  callee: bigint | undefined,
  inner: Activation,
  slot: bigint,
): 'yes' | 'no' | 'open' {
  const entry = callee ?? functionStart(target, view, inner.rip);
  if (entry === undefined) return 'open';
  const map = maps.of(entry);
  if (!map.depths.has(inner.rip)) return map.open || callee === undefined ? 'open' : 'no';
  const depth = map.depths.get(inner.rip);
  if (depth === undefined) return 'open';
  return inner.rsp + depth === slot ? 'yes' : 'no';
}

/** The label that the instruction belongs to, as an offset in CS. */
function functionStart(target: Target, view: View, rip: bigint): bigint | undefined {
  const linear = linearRip(view, rip);
  const nearest = target.symbols.nearest(target.programAddress(linear, view));
  return nearest && rip - nearest.offset;
}

/** The call that ends at `rip`, when `rip` lies in the program's code; `target` when it is a direct one. */
function callBefore(target: Target, view: View, rip: bigint): { target?: bigint } | undefined {
  if (rip === 0n) return undefined;
  const linear = linearRip(view, rip);
  const address = target.programAddress(linear, view);
  if (!target.symbols.nearest(address) && !target.lines.at(address)) return undefined;
  const bytes = target.machine.readLinear(linear - BigInt(LONGEST_CALL), LONGEST_CALL, view.context);
  if (bytes.length < LONGEST_CALL) return undefined;
  for (const length of CALL_LENGTHS) {
    const call = decode(bytes.subarray(LONGEST_CALL - length), rip - BigInt(length), view.codeSize);
    if (call?.flow === 'call' && call.bytes.length === length)
      return call.target === undefined ? {} : { target: call.target };
  }
  return undefined;
}

/** Maps of functions, made once for each stop. */
class Maps {
  private readonly made = new Map<bigint, ActivationMap>();

  constructor(
    private readonly target: Target,
    private readonly view: View,
  ) {}

  of(entry: bigint): ActivationMap {
    let map = this.made.get(entry);
    if (!map) this.made.set(entry, (map = mapActivation(this.target, this.view, entry)));
    return map;
  }
}

/** Words of the stack. One read serves for many: every word would be a page walk of its own otherwise. */
class StackReader {
  readonly width: bigint;
  private readonly data: Uint8Array;

  constructor(
    target: Target,
    view: View,
    private readonly base: bigint,
  ) {
    this.width = BigInt(view.codeSize / 8);
    this.data = target.machine.readLinear(linearStack(view, base), REACH * Number(this.width) * 4, view.context);
  }

  at(slot: bigint): bigint | undefined {
    const offset = Number(slot - this.base);
    const end = offset + Number(this.width);
    return end <= this.data.length ? fromLittleEndian(this.data.subarray(offset, end)) : undefined;
  }
}
