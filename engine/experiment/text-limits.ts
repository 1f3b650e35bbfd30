/** How long may be what people say about an experiment: one place for window, command line and history. */

export const TITLE_MAX = 500;
export const TAG_MAX = 60;
export const TAGS_MAX = 50;
export const NOTES_MAX = 100_000;

/**
 * What is no letter of a text: control characters (line ends and tabs apart), the separators of lines and paragraphs, and
 * what turns the direction of writing, so that a text reads as another one.
 */
export const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]/g;
const LINE_ENDS = /[\t\n]/g;
const REPLACEMENT = "\ufffd";

/** A text of many lines as it may be shown anywhere: invalid characters become U+FFFD. */
export function someLines(text: string): string {
  return text.toWellFormed().replace(/\r\n/g, "\n").replace(UNSEEN, REPLACEMENT);
}

/** The same of a text that is one line. */
export function oneLine(text: string): string {
  return someLines(text).replace(LINE_ENDS, REPLACEMENT);
}

/** The same of every text of a JSON document, and of the names of its fields. */
export function oneLineEach(value: unknown): unknown {
  if (typeof value === "string") return oneLine(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(oneLineEach);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [oneLine(name), oneLineEach(each)]));
}

const count = (value: number): string => value.toLocaleString("en-US");

const notOneLine = (what: string): string =>
  `${what} is one line of text: it cannot hold line ends, control characters, or characters that turn the direction of writing; take them out`;

/** Why this cannot be shown as it is, in one line or in several; null where it can. */
export function shownProblem(what: string, text: string, lines: "line" | "lines"): string | null {
  if (lines === "line" ? oneLine(text) === text : someLines(text) === text) return null;
  return lines === "line"
    ? notOneLine(what)
    : `${what} cannot hold control characters, or characters that turn the direction of writing; take them out`;
}

/** Why this cannot be a title, and what to do; null where it can. */
export function titleProblem(title: string): string | null {
  const { length } = title.trim();
  if (length === 0) return "A title cannot be empty";
  if (oneLine(title.trim()) !== title.trim()) return notOneLine("A title");
  if (length <= TITLE_MAX) return null;
  return `A title has at most ${TITLE_MAX} characters and this one has ${count(length)}: shorten it, or put the rest into the notes`;
}

/** Why this cannot be a tag, and what to do; null where it can. */
export function tagProblem(tag: string): string | null {
  const name = tag.trim();
  if (name === "") return "A tag cannot be empty";
  if (oneLine(name) !== name) return notOneLine("A tag");
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
  return `An experiment has at most ${TAGS_MAX} tags and these are ${count(tags.length)}: remove some`;
}

/** Why these cannot be the notes, and what to do; null where they can. */
export function notesProblem(notes: string): string | null {
  if (notes.length <= NOTES_MAX) return null;
  return `Notes have at most ${count(NOTES_MAX)} characters and these have ${count(notes.length)}: shorten them, or keep the rest in a file`;
}
