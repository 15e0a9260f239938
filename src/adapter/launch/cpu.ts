/** The processor that a launch asks for: a model, and features switched on and off against it. */
import { features } from '../../core/tables/features';
import { DEFAULT_MODEL, cpuOf, modelNamed, models, type Cpu, type FeatureChange } from '../../core/tables/models';
import { closest } from '../../program/nasm/suggest';

/** What is wrong with a processor's description, for the user. */
export interface CpuError {
  error: string;
}

/** `MODEL,-FEATURE,+FEATURE`: the model may be left out. `more`: further changes, applied afterwards. */
export function readCpu(text: string, more: readonly FeatureChange[] = []): Cpu | CpuError {
  const [first, ...rest] = text.split(',').map(part => part.trim());
  const named = first !== '' && !/^[+-]/.test(first);
  const model = modelNamed(named ? first : DEFAULT_MODEL);
  if (!model) {
    const names = models.map(row => row.name);
    return { error: `names no processor model "${first}"${hint(first, names)}; there are ${names.join(', ')}` };
  }
  const changes: FeatureChange[] = [];
  for (const part of named ? rest : [first, ...rest].filter(word => word !== '')) {
    const sign = part[0];
    if (sign !== '+' && sign !== '-') return { error: `has "${part}"; write +FEATURE or -FEATURE after the model` };
    changes.push({ name: part.slice(1), on: sign === '+' });
  }
  const known = features.map(row => row.name.toLowerCase());
  for (const { name } of [...changes, ...more])
    if (!known.includes(name.toLowerCase()))
      return { error: `names no processor feature "${name}"${hint(name, known)}; there are ${known.join(', ')}` };
  return cpuOf(model, [...changes, ...more]);
}

function hint(word: string, names: readonly string[]): string {
  const near = closest(word, names);
  return near ? `: did you mean "${near}"?` : '';
}
