/** Sizes as people write them. */

const UNITS: Record<string, number> = { '': 1, K: 1 << 10, M: 1 << 20, G: 1 << 30 };

/** Bytes of "64M", "512K", "1G", "0x100000" or a plain number; undefined when it is none of these. */
export function parseMemory(text: string): number | undefined {
  const match = /^(0x[0-9a-f]+|\d+)\s*([KMG]?)i?B?$/i.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * UNITS[match[2].toUpperCase()];
}
