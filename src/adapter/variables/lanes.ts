import { hexOf } from '../target/format';
import type { Container, Variable } from './container';

/** How a vector register can be read: lane width in bits, and the lane as text. */
const views = [
  { name: 'f64', width: 64, type: 'two double-precision numbers', text: double },
  { name: 'f32', width: 32, type: 'four single-precision numbers', text: single },
  { name: 'u64', width: 64, type: 'two quadwords', text: (lane: bigint) => hexOf(lane, 64) },
  { name: 'u32', width: 32, type: 'four doublewords', text: (lane: bigint) => hexOf(lane, 32) },
  { name: 'u16', width: 16, type: 'eight words', text: (lane: bigint) => hexOf(lane, 16) },
  { name: 'u8', width: 8, type: 'sixteen bytes', text: (lane: bigint) => hexOf(lane, 8) },
] as const;
type LaneView = (typeof views)[number];

const REGISTER_BITS = 128;

function double(lane: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, lane);
  return numberText(view.getFloat64(0));
}
function single(lane: bigint): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(lane));
  return numberText(view.getFloat32(0));
}
/** -0 keeps its sign. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A vector register opened: one row for each way to read it. */
export class VectorContainer implements Container {
  constructor(
    private readonly read: () => bigint | undefined,
    private readonly write: (value: bigint) => void,
  ) {}

  variables(): Variable[] {
    const value = this.read();
    if (value === undefined) return [];
    return views.map(view => ({
      name: view.name,
      value: `{${lanesOf(value, view).map(view.text).join(', ')}}`,
      type: view.type,
      children: new LaneContainer(this.read, this.write, view),
      readOnly: true,
    }));
  }
}

/** One lane a row. What is written is the lane's bits, also of a floating-point view. */
class LaneContainer implements Container {
  constructor(
    private readonly read: () => bigint | undefined,
    private readonly write: (value: bigint) => void,
    private readonly view: LaneView,
  ) {}

  variables(): Variable[] {
    const value = this.read();
    if (value === undefined) return [];
    return lanesOf(value, this.view).map((lane, n) => {
      const text = this.view.text(lane);
      const bits = hexOf(lane, this.view.width);
      return { name: `[${n}]`, value: text === bits ? bits : `${bits} [${text}]`, type: `lane ${n}` };
    });
  }

  set(name: string, value: bigint): void {
    const { width } = this.view;
    if (value >> BigInt(width)) throw new RangeError(`a lane of ${this.view.name} has ${width} bits`);
    const at = BigInt(width * Number(name.slice(1, -1)));
    const mask = ((1n << BigInt(width)) - 1n) << at;
    this.write(((this.read() ?? 0n) & ~mask) | (value << at));
  }
}

function lanesOf(value: bigint, { width }: LaneView): bigint[] {
  return Array.from({ length: REGISTER_BITS / width }, (_, n) => BigInt.asUintN(width, value >> BigInt(n * width)));
}
