/** The history as a whole: copies of it, what another one has, whether it is sound. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { makeFolders } from "../../db/folders.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { formatNumberOf } from "../../engine/experiment/format.ts";
import { chooseHistory, dataFolder, historyFile, ownHistory } from "../data-folder.ts";
import { requirePlace } from "./out-option.ts";
import { cell, print, printJson } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

/** "1 experiment, 2 runs, 4,002 samples". */
function contents(of: { readonly experiments: number; readonly runs: number; readonly samples: number }): string {
  return [
    formatNumberOf(of.experiments, "experiment"),
    formatNumberOf(of.runs, "run"),
    formatNumberOf(of.samples, "sample"),
  ].join(", ");
}

type JsonOption = DbOption & { readonly json?: boolean };

export async function backup(file: string, options: DbOption): Promise<void> {
  requirePlace(file, "history backup", "A history");
  await withLab(options, async (session) => {
    await session.ask("history.backup", { path: resolve(file) });
    print(`${session.where} was copied to ${resolve(file)}.`);
  });
}

export async function replace(file: string, options: DbOption): Promise<void> {
  await withLab(options, async (session) => {
    const kept = await session.ask("history.replace", { path: resolve(file) });
    print(`${session.where} is now what ${resolve(file)} is. What it was is kept in ${kept}.`);
  });
}

export async function merge(file: string, options: JsonOption): Promise<void> {
  await withLab(options, async (session) => {
    const merged = await session.ask("history.merge", { path: resolve(file) });
    if (options.json) return printJson(merged);
    const { experiments, runs, samples, known } = merged;
    print(`Added: ${contents({ experiments, runs, samples })}.`);
    if (known > 0) print(`Here already: ${formatNumberOf(known, "experiment")}.`);
  });
}

export async function check(options: JsonOption): Promise<void> {
  await withLab(options, async (session) => {
    const health = await session.ask("history.check");
    if (options.json) printJson(health);
    else {
      print(`${session.where}: ${contents(health)}.`);
      print(health.ok ? "It is sound." : health.problems.join("\n"));
    }
    if (!health.ok)
      throw new ReclaimLabError("The history is not sound", {
        where: session.where,
        why: `${formatNumberOf(health.problems.length, "problem")} found`,
        todo: "Open a backup, or save what can be read: history recover DAMAGED NEW",
      });
  });
}

/** The copies of a history, which need not open. */
export async function copies(options: JsonOption): Promise<void> {
  const { listCopies } = await import("../../db/copies.ts");
  const file = options.db === undefined ? historyFile() : resolve(options.db);
  const found = listCopies(file);
  if (options.json)
    return printJson(found.map(({ madeMs, ...copy }) => ({ ...copy, made: new Date(madeMs).toISOString() })));
  if (found.length === 0) return print(`There is no copy of ${file}; make one: history backup FILE`);
  const what = {
    migration: "kept before a migration",
    restore: "kept before a restore",
    backup: "backup",
    history: "another history",
  };
  for (const { path, kind, madeMs, experiments, runs, problem } of found) {
    const content =
      experiments === null
        ? `cannot be opened: ${cell(problem ?? "")}`
        : `${formatNumberOf(experiments, "experiment")}, ${formatNumberOf(runs ?? 0, "run")}`;
    print(
      `${new Date(madeMs).toISOString().slice(0, 16).replace("T", " ")}  ${what[kind]}, ${content}\n  ${cell(path)}`,
    );
  }
  print("Use one of them: history use --copy FILE");
}

/** From now on window and command line use another history; the one before stays as it is. */
export async function use(
  file: string | undefined,
  options: { readonly new?: boolean; readonly copy?: string; readonly own?: boolean },
): Promise<void> {
  const [{ copyTo, nextName }, { openStore }] = await Promise.all([
    import("../../db/copies.ts"),
    import("../../db/store.ts"),
  ]);
  const folder = dataFolder();
  const asked = [file, options.copy, options.own === true ? "own" : undefined].filter((each) => each !== undefined);
  if (asked.length > 1 || (options.new === true && asked.length > 0 && file === undefined))
    throw new BadInputError("Only one history can be used", { todo: "Give a FILE, or --new, --copy or --own" });
  const before = historyFile(folder);
  if (asked.length === 0 && options.new !== true) return print(before);
  const next = options.own === true ? ownHistory(folder) : file === undefined ? nextName(before) : resolve(file);
  makeFolders(folder, 0o700);
  if (options.copy !== undefined) copyTo(resolve(options.copy), next);
  const there = existsSync(next);
  if (options.new === true && there)
    throw new BadInputError("A new history needs a new file", { where: next, why: "a file with that name exists" });
  if (options.new !== true && !there)
    throw new BadInputError("There is no such history", { where: next, todo: "Add --new to start one there" });
  // It is used only if it opens.
  openStore(next).close();
  chooseHistory(folder, next);
  print(`Window and command line use ${next} from now on${next === before ? "." : `; ${before} stays as it is.`}`);
}

/** Of a file that cannot be opened any more; it is not touched. */
export async function recover(damaged: string, target: string, options: { readonly json?: boolean }): Promise<void> {
  requirePlace(target, "history recover", "A history");
  const { recoverHistory } = await import("../../db/recover.ts");
  const found = recoverHistory(resolve(damaged), resolve(target));
  if (options.json) return printJson(found);
  const { incomplete } = found;
  print(`${resolve(target)}: ${contents(found)} saved.`);
  if (incomplete.length > 0) print(`Partly lost: ${incomplete.join(", ")}.`);
  print(`${resolve(damaged)} is unchanged. To use what was saved: history use ${resolve(target)}`);
}

export async function purge(ids: number[], options: DbOption & { readonly all?: boolean }): Promise<void> {
  if (options.all !== true && ids.length === 0)
    throw new BadInputError("Nothing to remove was named", { todo: "Give ids of what is in the trash, or --all" });
  if (options.all === true && ids.length > 0)
    throw new BadInputError("Ids and --all were given", { todo: "Give ids of what is in the trash, or --all" });
  await withLab(options, async (session) => {
    const removed = await session.ask("history.purge", options.all === true ? {} : { ids });
    print(`${formatNumberOf(removed, "experiment")} removed for good.`);
  });
}
