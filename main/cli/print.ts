/** How text and tables look on a terminal. */

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

/** Prints a line on stderr for whoever watches the command. */
export function warn(text: string): void {
  process.stderr.write(`${harmless(`reclaim-lab: ${text}`)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
