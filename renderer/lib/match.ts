/**
 * How well what was typed fits a name: undefined where it does not, else the higher the better.
 * Every word typed must be found; the start of a word counts more than its middle, and letters in order least.
 */
export function matchScore(typed: string, name: string): number | undefined {
  const hay = name.toLowerCase();
  let score = 0;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = hay.indexOf(word);
    if (at === 0) score += 100;
    else if (at > 0) score += /[\s\-_/(,.]/.test(hay[at - 1] ?? "") ? 80 : 50;
    else if (isSubsequence(word, hay)) score += 10;
    else return undefined;
  }
  return score - hay.length / 1000;
}

function isSubsequence(letters: string, hay: string): boolean {
  let from = 0;
  for (const letter of letters) {
    const at = hay.indexOf(letter, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}

/** The items that match, best first; all of them, in their order, where nothing is typed. */
export function rank<T>(typed: string, items: readonly T[], name: (item: T) => string): T[] {
  if (typed.trim() === "") return [...items];
  return items
    .map((item, order) => ({ item, order, score: matchScore(typed, name(item)) }))
    .filter((entry): entry is { item: T; order: number; score: number } => entry.score !== undefined)
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map((entry) => entry.item);
}
