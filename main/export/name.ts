/** A number and its unit stay one word: "50 GB" is 50gb, "3.6 s" is 3.6s, "20,000" is 20000. */
const UNIT = /(?<=\d) (?=(?:ns|us|ms|s|min|h|[kKMGT]i?B?)(?![a-z]))/giu;

/** A name to offer: the title in letters that every file system takes, and the experiment's number, or what else tells it apart. */
export function exportName(
  { id, title }: { readonly id: number | string; readonly title: string },
  format: string,
): string {
  const words = title
    .normalize("NFKD")
    .replace(/\p{Mn}+/gu, "")
    .replaceAll("μs", "us")
    .replace(/(?<=\d),(?=\d{3})/g, "")
    .replace(UNIT, "")
    .toLowerCase()
    .replace(/(?:(?<!\d)\.|\.(?!\d)|[^a-z0-9.])+/g, "-")
    .slice(0, 60)
    .replace(/^-+|-+$/g, "");
  return `${words || "experiment"}-${id}.${format}`;
}
