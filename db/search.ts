/** How texts are compared in a search: case, accents and width do not count. */

function fold(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mn}+/gu, "")
    .toLowerCase();
}

/** All that a search looks at in one experiment, folded. `params` is its JSON. */
export function searchText(
  row: { readonly title: string; readonly workload: string; readonly params: string; readonly notes: string },
  tags: readonly string[],
): string {
  const params = Object.entries(JSON.parse(row.params) as Record<string, unknown>).map(([k, value]) => `${k}=${value}`);
  return fold([row.title, row.workload, ...params, ...tags, row.notes].join("\n"));
}

/** The words of a search, each of which must be found; at most 20. */
export function searchWords(search: string): string[] {
  return fold(search).split(/\s+/).filter(Boolean).slice(0, 20);
}
