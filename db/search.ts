/** How texts are compared in a search: case, accents and width do not count. */
import type { Params } from "../engine/experiment/types.ts";

function fold(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mn}+/gu, "")
    .toLowerCase();
}

/** All that a search looks at in one experiment, folded. */
export function searchText(
  experiment: { readonly title: string; readonly workload: string; readonly params: Params; readonly notes: string },
  tags: readonly string[],
): string {
  const { title, workload, params, notes } = experiment;
  const set = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  return fold([title, workload, ...set, ...tags, notes].join("\n"));
}

/** The words of a search, each of which must be found; at most 20. */
export function searchWords(search: string): string[] {
  return fold(search).split(/\s+/).filter(Boolean).slice(0, 20);
}
