/** All instruction families, and one random case of one of them. */
import { arithmetic } from './arithmetic';
import { bits } from './bits';
import { control } from './control';
import { Draft } from './draft';
import { movement } from './movement';
import { saves } from './save';
import { simd } from './simd';
import { x87 } from './x87';
import { Random } from '../../random';

export interface Family {
  /** How often it is chosen, relative to the others. */
  weight: number;
  /** Completes the draft: encoding, operation, and the state that it needs. */
  make(draft: Draft): void;
}

const families = [...arithmetic, ...bits, ...movement, ...control, ...simd, ...x87, ...saves];
const total = families.reduce((sum, family) => sum + family.weight, 0);

function chosen(random: Random): Family {
  let left = random.below(total);
  return families.find(family => (left -= family.weight) < 0)!;
}

/** CS, DS, ES and SS overrides mean nothing in 64-bit mode. */
const IGNORED = [0x2e, 0x36, 0x3e, 0x26];

/** The case with number `seed`: the same one every time. */
export function draftOf(seed: number): Draft {
  const random = new Random(seed);
  const draft = new Draft(random);
  chosen(random).make(draft);
  if (random.chance(0.03)) draft.prefix(random.pick(IGNORED));
  if (random.chance(0.35) && !draft.showsFlags) draft.precede();
  draft.complete();
  return draft;
}
