/** What GNU readelf says of debug information. */
import { execFileSync } from 'node:child_process';

function readelf(...args: string[]): string[] {
  return execFileSync('readelf', ['--wide', ...args], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).split('\n');
}

/** Every row of every line table: `0x100000 12 statement`, and `0x100040 end` behind a sequence. */
export function lineRows(file: string): string[] {
  const row = /^\S.*?\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\[\d+\])?(?:\s+\d+)?(\s+x)?(?:\s+END)?\s*$/;
  return readelf('--debug-dump=decodedline', file).flatMap(text => {
    const match = row.exec(text);
    if (!match) return [];
    const [, line, address, statement] = match;
    return [`0x${BigInt(address).toString(16)} ${line === '-' ? 'end' : line}${statement ? ' statement' : ''}`];
  });
}

/** Every row of .eh_frame and .debug_frame; of several at one address the last. */
export function frameRows(file: string): { address: bigint; text: string }[] {
  const found = new Map<bigint, string>();
  const ends = new Map<bigint, bigint>();
  let columns: string[] | undefined;
  let end = 0n;
  let described = false;
  for (const line of readelf('--debug-dump=frames-interp', file)) {
    const range = /FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(line);
    if (range) {
      described = true;
      end = BigInt(`0x${range[2]}`);
      columns = undefined;
    } else if (/ CIE /.test(line)) described = false;
    else if (/^\s+LOC\s/.test(line)) columns = line.trim().split(/\s+/).slice(2);
    else if (described && columns && /^[0-9a-f]{8,16} (?!ZERO)/.test(line)) {
      // A rule that is another register is told twice: `rdx (rdx)`.
      const [location, cfa, ...rules] = line
        .trim()
        .replace(/ \(\w+\)/g, '')
        .split(/\s+/);
      const address = BigInt(`0x${location}`);
      // Padding behind a function may have a row of its own; no code is there.
      if (address >= end) continue;
      const texts = rules.map((rule, n) => (rule === 'u' ? '' : `${columns![n]}=${rule}`));
      // One section may describe again what another did; the first counts.
      if (ends.has(address) && ends.get(address) !== end) continue;
      ends.set(address, end);
      found.set(address, [cfa, ...texts.filter(Boolean).sort()].join(' '));
    }
  }
  return [...found].map(([address, text]) => ({ address, text }));
}
