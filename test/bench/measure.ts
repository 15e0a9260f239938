/** Repeated measurements. Nothing here passes or fails: machines differ. */

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Median seconds of `times` runs. */
export async function seconds(times: number, run: () => number | Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let n = 0; n < times; n++) values.push(await run());
  return median(values);
}

export const now = (): number => Number(process.hrtime.bigint()) / 1e9;

/** Three significant digits. */
export function figure(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** Prints rows in columns, the first left-aligned. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  for (const row of rows)
    console.log(
      '  ' +
        row
          .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n])))
          .join('  ')
          .trimEnd(),
    );
}
