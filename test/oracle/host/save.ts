/** FXSAVE, FXRSTOR and the XSAVE family with the x87 and SSE states: images and what comes back from them. */
import { Draft, RAX, RDX } from './draft';
import { FxImage } from './fx';
import type { Family } from './families';
import { DATA_BYTES, FX_BYTES } from './layout';

interface Form {
  name: string;
  opcode: number[];
  extension: number;
  bytes: number;
  alignment: number;
  restores: boolean;
}
const HEADER_BYTES = 64;
const fx = (name: string, extension: number, restores: boolean): Form => ({
  name,
  opcode: [0x0f, 0xae],
  extension,
  bytes: FX_BYTES,
  alignment: 16,
  restores,
});
const x = (name: string, opcode: number, extension: number, restores: boolean): Form => ({
  name,
  opcode: [0x0f, opcode],
  extension,
  bytes: FX_BYTES + HEADER_BYTES,
  alignment: 64,
  restores,
});
const forms: Form[] = [
  fx('fxsave', 0, false),
  fx('fxrstor', 1, true),
  x('xsave', 0xae, 4, false),
  x('xrstor', 0xae, 5, true),
  x('xsaveopt', 0xae, 6, false),
  x('xsavec', 0xc7, 4, false),
];
const COMPACTED = 1n << 63n;

/** An area to restore from: a random image, and a header that is mostly sound. */
function image(d: Draft, at: number, form: Form): void {
  const { random } = d;
  d.data.set(new FxImage(random).bytes, at);
  const view = new DataView(d.data.buffer, at);
  if (random.chance(0.05)) view.setUint32(24, random.u32(), true);
  if (form.bytes === FX_BYTES) return;
  d.data.fill(0, at + FX_BYTES, at + form.bytes);
  const compact = random.chance(0.4) ? COMPACTED | BigInt(random.below(4)) : 0n;
  const states = BigInt(random.below(4)) & (compact && random.chance(0.9) ? compact : 3n);
  view.setBigUint64(FX_BYTES, states, true);
  view.setBigUint64(FX_BYTES + 8, compact, true);
  if (random.chance(0.05)) d.data[at + FX_BYTES + 16 + random.below(48)] = 1;
}

function save(d: Draft): void {
  const { random } = d;
  const form = random.pick(forms);
  d.operation = form.name;
  d.opcode(...form.opcode);
  d.extension(form.extension);
  if (random.chance(0.5)) d.sized([64]);
  d.fix(RAX, BigInt(random.below(4)));
  d.fix(RDX, 0n);
  let at = random.below((DATA_BYTES - form.bytes) / form.alignment + 1) * form.alignment;
  if (random.chance(0.05)) at = Math.min(at + 1 + random.below(form.alignment - 1), DATA_BYTES - form.bytes - 1);
  if (form.restores) image(d, at, form);
  else if (random.chance(0.5)) d.data.fill(0, at, at + form.bytes);
  d.memory(8 * form.bytes, { at });
  if (random.chance(0.1)) d.fx.initial();
  // The pointers and the opcode, which some processors keep for pending exceptions only, and MXCSR_MASK.
  if (!form.restores) d.ignored.push({ at: at + 6, bytes: 18 }, { at: at + 28, bytes: 4 });
}

export const saves: Family[] = [{ weight: 10, make: save }];
