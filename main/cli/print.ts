/** How numbers and tables look on a terminal. */

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return GROUPED.format(value);
}

export function kb(value: number): string {
  return `${GROUPED.format(value)} kB`;
}

export function ms(value: number): string {
  return value < 100
    ? `${value.toFixed(1)} ms`
    : value < 10_000
      ? `${value.toFixed(0)} ms`
      : `${(value / 1000).toFixed(1)} s`;
}

/** What has become less, as a share: "99.8 % less", "12.0 % more", "the same". */
export function change(before: number, after: number): string {
  if (before === after) return "the same";
  if (before === 0) return "";
  const share = Math.abs(after - before) / before;
  return `${(share * 100).toFixed(1)} % ${after < before ? "less" : "more"}`;
}

/** Lines with columns of equal width; `right`: the columns that are numbers. */
export function table(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** Control characters other than tab and line end, and those that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of files and of other people's histories as it may go to a terminal: what would act there is shown instead. */
export function harmless(text: string): string {
  return text.replace(UNSEEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function print(text: string): void {
  process.stdout.write(`${harmless(text)}\n`);
}

/** A line for who watches, on stderr. */
export function warn(text: string): void {
  process.stderr.write(`${harmless(`reclaim-lab: ${text}`)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
