/** How long may be what people say about an experiment: one place for window, command line and history. */

export const TITLE_MAX = 500;
export const TAG_MAX = 60;
export const TAGS_MAX = 50;
export const NOTES_MAX = 100_000;

const count = (value: number): string => value.toLocaleString("en-US");

/** Why this cannot be a title, and what to do; null where it can. */
export function titleProblem(title: string): string | null {
  const { length } = title.trim();
  if (length === 0) return "A title cannot be empty";
  if (length <= TITLE_MAX) return null;
  return `A title has at most ${TITLE_MAX} characters and this one has ${count(length)}: shorten it, or put the rest into the notes`;
}

/** Why this cannot be a tag, and what to do; null where it can. */
export function tagProblem(tag: string): string | null {
  const name = tag.trim();
  if (name === "") return "A tag cannot be empty";
  if (name.length <= TAG_MAX) return null;
  return `A tag has at most ${TAG_MAX} characters and “${name.slice(0, 20)}…” has ${count(name.length)}: shorten it, or put it into the notes`;
}

/** Why these cannot be the tags of an experiment, and what to do; null where they can. */
export function tagsProblem(tags: readonly string[]): string | null {
  for (const tag of tags) {
    const problem = tagProblem(tag);
    if (problem !== null) return problem;
  }
  if (tags.length <= TAGS_MAX) return null;
  return `An experiment has at most ${TAGS_MAX} tags and these are ${count(tags.length)}: take some away`;
}

/** Why these cannot be the notes, and what to do; null where they can. */
export function notesProblem(notes: string): string | null {
  if (notes.length <= NOTES_MAX) return null;
  return `Notes have at most ${count(NOTES_MAX)} characters and these have ${count(notes.length)}: shorten them, or keep the rest in a file`;
}
