/** The history as a whole: copies of it, what another one has, whether it is sound. */
import { resolve } from "node:path";
import { formatNumberOf } from "../../chart/format.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { print, printJson } from "./print.ts";
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

/** Of a file that cannot be opened any more; it is not touched. */
export async function recover(damaged: string, target: string, options: { readonly json?: boolean }): Promise<void> {
  const { recoverHistory } = await import("../../db/recover.ts");
  const found = recoverHistory(resolve(damaged), resolve(target));
  if (options.json) return printJson(found);
  const { incomplete } = found;
  print(`${resolve(target)}: ${contents(found)} saved.`);
  if (incomplete.length > 0) print(`Something was lost of: ${incomplete.join(", ")}.`);
}

export async function purge(ids: number[], options: DbOption & { readonly all?: boolean }): Promise<void> {
  if (options.all !== true && ids.length === 0)
    throw new BadInputError("Nothing was said to be removed", { todo: "Give ids of what is in the trash, or --all" });
  await withLab(options, async (session) => {
    const removed = await session.ask("history.purge", options.all === true ? {} : { ids });
    print(`${formatNumberOf(removed, "experiment")} removed for good.`);
  });
}
