/** What people say about an experiment: title, tags, notes, pin, archive. */
import { BadInputError } from "../../engine/error.ts";
import { requireNone } from "./effect.ts";
import { print } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

/** Adds tags (or takes them away) and prints those it then has. */
export async function tag(
  id: number,
  names: readonly string[],
  options: DbOption & { readonly remove?: boolean },
): Promise<void> {
  if (names.length === 0) requireNone({ "--remove": options.remove }, "without tags", "Name the tags to remove");
  await withLab(options, async (session) => {
    const before = (await session.ask("experiment.get", { id })).tags;
    const missing = names.filter((name) => !before.includes(name));
    if (options.remove === true && missing.length > 0)
      throw new BadInputError(`Experiment ${id} does not have the tag ${missing.join(", ")}`, {
        todo: before.length === 0 ? "It has none" : `It has ${before.join(", ")}`,
      });
    const tags = options.remove === true ? before.filter((name) => !names.includes(name)) : [...before, ...missing];
    const { tags: after } =
      names.length === 0 ? { tags: before } : await session.ask("experiment.describe", { id, tags });
    print(after.length === 0 ? "no tags" : after.join("\n"));
  });
}

/** Sets the notes, adds a line to them, or prints them where there is nothing to set. */
export async function note(
  id: number,
  words: readonly string[],
  options: DbOption & { readonly append?: boolean; readonly clear?: boolean },
): Promise<void> {
  const text = words.join(" ").trim();
  if (options.clear === true && text !== "")
    throw new BadInputError("Notes can be cleared or written, not both", { todo: "Omit --clear or the text" });
  if (text === "") requireNone({ "--append": options.append }, "without text", "Give the text, or omit it");
  await withLab(options, async (session) => {
    const { notes } = await session.ask("experiment.get", { id });
    if (text === "" && options.clear !== true) return print(notes);
    const added = options.append === true && notes !== "" ? `${notes}\n${text}` : text;
    await session.ask("experiment.describe", { id, notes: added });
  });
}

export async function rename(id: number, words: readonly string[], options: DbOption): Promise<void> {
  await withLab(options, async (session) => {
    const { title } = await session.ask("experiment.describe", { id, title: words.join(" ") });
    print(`${id}: ${title}`);
  });
}

/** Pins or archives experiments, or undoes it. */
export async function mark(
  ids: readonly number[],
  what: "pinned" | "archived",
  options: DbOption & { readonly off?: boolean },
): Promise<void> {
  await withLab(options, async (session) => {
    for (const id of ids) await session.ask("experiment.get", { id });
    for (const id of ids) {
      const { title } = await session.ask("experiment.describe", { id, [what]: options.off !== true });
      print(`${id}: ${title}: ${options.off === true ? `not ${what}` : what}`);
    }
  });
}
