/** How text and tables look on a terminal. */
import { UNSEEN } from "../../engine/experiment/text-limits.ts";

/** Lines with columns of equal width, a line a row whatever the cells hold; `right`: the columns that are numbers. */
export function table(texts: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const rows = texts.map((row) => row.map(cell));
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

/** Text of files and of other people's histories as it may go to a terminal: what would act there is shown instead. */
export function harmless(text: string): string {
  return text.replace(UNSEEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same as one cell of a line. */
export function cell(text: string): string {
  return harmless(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

export function print(text: string): void {
  process.stdout.write(`${harmless(text)}\n`);
}

/** Prints a line on stderr for whoever watches the command. */
export function warn(text: string): void {
  process.stderr.write(`${cell(`reclaim-lab: ${text}`)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
