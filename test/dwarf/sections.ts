import { readElf } from '../../src/program/elf';
import type { DebugSections } from '../../src/program/dwarf/sections';

/** The debug sections of an ELF file, all of whose addresses count as loaded. */
export function sectionsOf(file: Uint8Array): DebugSections {
  const elf = readElf(file);
  if ('problem' in elf) throw new Error(elf.problem);
  return {
    get(name) {
      const found = elf.image.section(name);
      if (found && 'problem' in found) throw new Error(found.problem);
      return found?.data ?? new Uint8Array();
    },
    address: elf.image.sectionAddress,
    addressSize: elf.image.class === 64 ? 8 : 4,
    loaded: () => true,
  };
}
