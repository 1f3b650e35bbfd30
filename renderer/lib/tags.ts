const TAG_MAX = 60;
const TAGS_MAX = 50;

/** "canary, 6.18 , canary" -> ["canary", "6.18"]. */
export function readTags(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "");
}

/** Why these cannot be the tags of an experiment; undefined where they can. */
export function tagsProblem(tags: readonly string[]): string | undefined {
  const long = tags.find((tag) => tag.length > TAG_MAX);
  if (long !== undefined) return `“${long.slice(0, 20)}…” is longer than ${TAG_MAX} letters`;
  return tags.length > TAGS_MAX ? `More than ${TAGS_MAX} tags` : undefined;
}
