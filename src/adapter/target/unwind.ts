import { fromLittleEndian } from './format';
import { mapActivation, type ActivationMap } from './activation-map';
import { decode } from './code';

import type { Target } from './target';
import { activationRegister, describedCaller, type Described } from './frame-description';
import { linearRip, linearStack, type View } from './view';

/** One activation on a stack. */
export interface Activation {
  rip: bigint;
  rsp: bigint;
  /** Offset in SS of the stack slot that holds the return address; absent in the outermost one. */
  returnSlot?: bigint;
  /** Of a caller: its general-purpose registers that are known, by name. The innermost one has the processor's. */
  registers?: ReadonlyMap<string, bigint>;
  /** It did not call: an interrupt or an exception came before the instruction at `rip`. */
  interrupted?: true;
}

/** Where a stack ends: code that nobody called, with RSP at its entry. */
export interface Root {
  rip: bigint;
  rsp: bigint;
}

/** Slots to look at between one return address and the next. */
const REACH = 512;
const DEEPEST = 256;
/** Bytes of near calls: E8 with a 32-bit displacement first, then FF /2 in all its lengths. */
const CALL_LENGTHS = [5, 2, 3, 4, 6, 7, 8, 9];
const LONGEST_CALL = 9;

/**
 * The activations of a stack, innermost first.
 *
 * Where call-frame information describes a frame, it says all. Most assembly has none: a return address is a word on the stack that points into the program, right after
 * a call; that it is this activation's, and not one left over from a call long gone, shows in the code: the callee must
 * reach the current instruction, with as much pushed on the way as lies between it and that word. Where that stays open, a
 * frame pointer decides.
 */
export function unwind(target: Target, view: View, rip: bigint, rsp: bigint, root?: Root): Activation[] {
  const found: Activation[] = [{ rip, rsp }];
  const maps = new Maps(target, view);
  while (found.length < DEEPEST) {
    const inner = found[found.length - 1];
    if (root && isRoot(maps, root, inner)) break;
    const next =
      describedCaller(target, view, inner, found.length === 1) ?? codeCaller(target, view, maps, inner, root);
    if (!next || next === 'end') break;
    const { caller, returnSlot } = next;
    // Stacks grow down: a caller that lies below its callee is damage, unless it was interrupted on another stack.
    if (!caller.interrupted && caller.rsp <= inner.rsp) break;
    inner.returnSlot = returnSlot;
    found.push(caller);
  }
  return found;
}

/** The caller by what the code pushes, or by the frame pointer. */
function codeCaller(target: Target, view: View, maps: Maps, inner: Activation, root: Root | undefined): Described {
  const stack = new StackReader(target, view, inner.rsp);
  const frame = activationRegister(view, inner, 'RBP');
  const slot = returnSlot(target, view, maps, stack, inner, frame, root);
  if (slot === undefined) return undefined;
  const registers = new Map<string, bigint>();
  // With a frame pointer set up, the caller's lies where it points; the other registers are anybody's guess.
  const saved = frame !== undefined && frame + stack.width === slot ? stack.at(frame) : undefined;
  if (saved !== undefined) registers.set('RBP', saved);
  return { caller: { rip: stack.at(slot)!, rsp: slot + stack.width, registers }, returnSlot: slot };
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
  frame: bigint | undefined,
  root: Root | undefined,
): bigint | undefined {
  let likely: bigint | undefined;
  const framed = frame === undefined ? undefined : frame + stack.width;
  for (let n = 0n; n < BigInt(REACH); n++) {
    const slot = inner.rsp + n * stack.width;
    if (root && slot >= root.rsp) break;
    const value = stack.at(slot);
    if (value === undefined) break;
    const call = callBefore(target, view, value);
    if (!call) continue;
    const verdict = judge(target, view, maps, call.target, inner, slot);
    if (verdict === 'yes') return slot;
    if (verdict === 'open' && (likely === undefined || slot === framed)) likely = slot;
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

/** Where the function begins that the instruction belongs to, as an offset in CS. */
function functionStart(target: Target, view: View, rip: bigint): bigint | undefined {
  const linear = linearRip(view, rip);
  const found = target.locate(linear, view);
  const start = found?.module.functionStart(found.address);
  return found && start !== undefined ? rip - (found.address - start) : undefined;
}

/** The call that ends at `rip`, when `rip` lies in the program's code; `target` when it is a direct one. */
function callBefore(target: Target, view: View, rip: bigint): { target?: bigint } | undefined {
  if (rip === 0n) return undefined;
  const linear = linearRip(view, rip);
  if (!target.locate(linear, view)) return undefined;
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
