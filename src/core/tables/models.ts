/** CPU models that can be chosen at launch. Each has all features of the older ones; `full` has everything implemented. */
import { featureNamed, features } from './features';

/** Oldest first. */
const names = ['pentium3', 'core2', 'westmere', 'skylake', 'full'] as const;
export type ModelName = (typeof names)[number];

export interface Model {
  name: ModelName;
  description: string;
  /** CPUID.1:EAX: stepping, model, family. */
  signature: number;
  /** CPUID.80000002-80000004, at most 47 characters. */
  brand: string;
  /** Highest basic leaf of CPUID. */
  leaves: number;
}

export const models: readonly Model[] = [
  {
    name: 'pentium3',
    description: 'a 32-bit processor of 1999: no 64-bit mode, no VMX',
    signature: 0x68a,
    brand: 'Ringscope simulated Pentium III',
    leaves: 2,
  },
  {
    name: 'core2',
    description: 'a 64-bit processor of 2006: VMX without EPT and VPID',
    signature: 0x6fb,
    brand: 'Ringscope simulated Core 2',
    leaves: 0xa,
  },
  {
    name: 'westmere',
    description: 'a processor of 2010: EPT, VPID, unrestricted guests',
    signature: 0x206c2,
    brand: 'Ringscope simulated Westmere',
    leaves: 0xb,
  },
  {
    name: 'skylake',
    description: 'a processor of 2015: SMEP, SMAP, FSGSBASE',
    signature: 0x50654,
    brand: 'Ringscope simulated Skylake',
    leaves: 0x16,
  },
  {
    name: 'full',
    description: 'everything that this processor implements (the default)',
    signature: 0x50654,
    brand: 'Ringscope simulated Intel 64 processor',
    leaves: 0x16,
  },
];

export const DEFAULT_MODEL: ModelName = 'full';

/** The model that a user means by `name`, in any case. */
export function modelNamed(name: string): Model | undefined {
  return models.find(model => model.name === name.toLowerCase());
}

/** A processor as launched: a model, and the names of the features that it has. */
export interface Cpu {
  model: Model;
  features: ReadonlySet<string>;
}

/** A feature switched on or off against its model. */
export interface FeatureChange {
  name: string;
  on: boolean;
}

/**
 * `model` with `changes` applied in order. A feature switched on brings what it needs; one switched off takes along what
 * needs it. Throws RangeError for a feature that does not exist.
 */
export function cpuOf(model: Model, changes: readonly FeatureChange[] = []): Cpu {
  const age = names.indexOf(model.name);
  const selected = new Set(features.filter(row => names.indexOf(row.since) <= age).map(row => row.name));
  const add = (name: string): void => {
    selected.add(name);
    featureNamed(name)?.needs?.forEach(add);
  };
  for (const { name, on } of changes) {
    const row = featureNamed(name);
    if (!row) throw new RangeError(`There is no processor feature "${name}".`);
    if (on) add(row.name);
    else selected.delete(row.name);
    for (let size = -1; size !== selected.size;) {
      size = selected.size;
      for (const { name: dependent, needs } of features)
        if (needs?.some(needed => !selected.has(needed))) selected.delete(dependent);
    }
  }
  return { model, features: selected };
}

/** The default model with everything that it has. */
export const defaultCpu: Cpu = cpuOf(modelNamed(DEFAULT_MODEL)!);
