/** Builds small ELF executables for tests. */

export interface ElfPlan {
  entry: number;
  segments: { virtual: number; physical: number; data: Uint8Array; memoryBytes: number }[];
  symbols?: { name: string; address: number; bytes: number; type: number }[];
  type?: number;
  machine?: number;
}

export function buildElf(elfClass: 32 | 64, plan: ElfPlan): Uint8Array {
  const wide = elfClass === 64;
  const out: number[] = [];
  const u16 = (n: number) => out.push(n & 255, (n >> 8) & 255);
  const u32 = (n: number) => [0, 8, 16, 24].forEach(shift => out.push((n >>> shift) & 255));
  const word = (n: number) => {
    u32(n);
    if (wide) u32(0);
  };
  const headerBytes = wide ? 64 : 52;
  const segmentBytes = wide ? 56 : 32;
  const sectionBytes = wide ? 64 : 40;
  let data = headerBytes + segmentBytes * plan.segments.length;
  const offsets = plan.segments.map(s => (data += s.data.length) - s.data.length);

  const symbols = plan.symbols ?? [];
  const names = '\0' + symbols.map(s => s.name + '\0').join('');
  const sectionNames = '\0.symtab\0.strtab\0.shstrtab\0';
  const symbolBytes = wide ? 24 : 16;
  const symbolsAt = data;
  const namesAt = symbolsAt + symbolBytes * (symbols.length + 1);
  const sectionNamesAt = namesAt + names.length;
  const sectionsAt = sectionNamesAt + sectionNames.length;

  out.push(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  u16(plan.type ?? 2);
  u16(plan.machine ?? (wide ? 62 : 3));
  u32(1);
  word(plan.entry);
  word(headerBytes);
  word(symbols.length > 0 ? sectionsAt : 0);
  u32(0);
  [headerBytes, segmentBytes, plan.segments.length, sectionBytes, symbols.length > 0 ? 4 : 0, 3].forEach(u16);

  plan.segments.forEach((s, i) => {
    u32(1);
    if (wide) u32(7);
    [offsets[i], s.virtual, s.physical, s.data.length, s.memoryBytes].forEach(word);
    if (!wide) u32(7);
    word(4096);
  });
  for (const s of plan.segments) out.push(...s.data);
  if (symbols.length === 0) return Uint8Array.from(out);

  out.push(...new Array(symbolBytes).fill(0));
  for (const s of symbols) {
    u32(names.indexOf('\0' + s.name + '\0') + 1);
    if (!wide) [s.address, s.bytes].forEach(word);
    out.push(s.type, 0);
    u16(1);
    if (wide) [s.address, s.bytes].forEach(word);
  }
  out.push(...Buffer.from(names), ...Buffer.from(sectionNames));
  const section = (name: number, type: number, offset: number, size: number, link: number) => {
    u32(name);
    u32(type);
    [0, 0, offset, size].forEach(word);
    u32(link);
    u32(0);
    [1, type === 2 ? symbolBytes : 0].forEach(word);
  };
  section(0, 0, 0, 0, 0);
  section(1, 2, symbolsAt, namesAt - symbolsAt, 2);
  section(9, 3, namesAt, names.length, 0);
  section(17, 3, sectionNamesAt, sectionNames.length, 0);
  return Uint8Array.from(out);
}
