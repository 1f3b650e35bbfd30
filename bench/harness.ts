/** What a section of the benchmarks is made of. */

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "/s" | "MB" | "x" | "fps" | "";
  /** The design's budget, in the same unit. */
  readonly budget?: { readonly atMost?: number; readonly atLeast?: number };
  /** How it was measured, or why it was not. */
  readonly note?: string;
}

export interface Section {
  readonly title: string;
  rows(): AsyncIterable<Row> | Iterable<Row>;
}

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function verdict({ value, budget }: Row): string {
  if (budget?.atMost !== undefined)
    return value <= budget.atMost ? `within ${NUMBER.format(budget.atMost)}` : `OVER ${NUMBER.format(budget.atMost)}`;
  if (budget?.atLeast !== undefined)
    return value >= budget.atLeast
      ? `above ${NUMBER.format(budget.atLeast)}`
      : `BELOW ${NUMBER.format(budget.atLeast)}`;
  return "";
}

/** One line of the report. */
export function shown(row: Row): string {
  const value = Number.isNaN(row.value) ? "-" : `${NUMBER.format(row.value)}${row.unit === "" ? "" : ` ${row.unit}`}`;
  const parts = [`  ${row.what.padEnd(56)}`, value.padStart(16), `  ${verdict(row).padEnd(18)}`, row.note ?? ""];
  return parts.join("").trimEnd();
}

/** The smallest of several timings in ms: the one that the machine disturbed least. The first is thrown away. */
export async function best(times: number, body: () => unknown): Promise<number> {
  await body();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await body();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** The same of two things in turns, so that what disturbs the machine disturbs both. */
export async function bestOfTwo(
  times: number,
  one: () => unknown,
  other: () => unknown,
): Promise<readonly [number, number]> {
  let least: readonly [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < times; i++)
    least = [Math.min(least[0], await best(1, one)), Math.min(least[1], await best(1, other))];
  return least;
}
