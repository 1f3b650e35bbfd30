/** What experiments are called where several stand side by side. */
import type { Experiment } from "../../main/contract.ts";

/** Titles as they are, numbered by experiment where several have the same. */
export function distinctLabels(experiments: readonly Pick<Experiment, "id" | "title">[]): Map<number, string> {
  const uses = new Map<string, number>();
  for (const { title } of experiments) uses.set(title, (uses.get(title) ?? 0) + 1);
  return new Map(experiments.map(({ id, title }) => [id, (uses.get(title) ?? 0) > 1 ? `${title} (no. ${id})` : title]));
}

/** Cut in the middle: titles of one workload differ at their ends. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail).trimEnd()}…${text.slice(-tail).trimStart()}`;
}
