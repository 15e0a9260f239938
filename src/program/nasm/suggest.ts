/** The nearest known word to a mistyped one. */

/** Edits (insert, delete, replace, swap neighbours) from a to b, at most `limit` + 1. */
export function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      let d = Math.min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2] + 1);
      current.push(d);
    }
    before = row;
    row = current;
  }
  return Math.min(row[b.length], limit + 1);
}

/** The word nearest to `word`, if one is near enough to be meant; of equals, the first. */
export function closest(word: string, words: Iterable<string>): string | undefined {
  let limit = word.length <= 3 ? 1 : word.length <= 6 ? 2 : 3;
  let best: string | undefined;
  const lower = word.toLowerCase();
  for (const candidate of words) {
    const d = distance(lower, candidate.toLowerCase(), limit);
    if (d <= limit) {
      best = candidate;
      limit = d - 1;
      if (limit < 0) break;
    }
  }
  return best;
}
