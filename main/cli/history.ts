/** The history as a whole: copies of it, what another one has, whether it is sound. */
import { resolve } from "node:path";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { count, print, printJson } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

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
    print(`Added: ${count(experiments)} experiments, ${count(runs)} runs, ${count(samples)} samples.`);
    if (known > 0) print(`Here already: ${count(known)} experiments.`);
  });
}

export async function check(options: JsonOption): Promise<void> {
  await withLab(options, async (session) => {
    const health = await session.ask("history.check");
    if (options.json) printJson(health);
    else {
      const { experiments, runs, samples } = health;
      print(`${session.where}: ${count(experiments)} experiments, ${count(runs)} runs, ${count(samples)} samples.`);
      print(health.ok ? "It is sound." : health.problems.join("\n"));
    }
    if (!health.ok)
      throw new ReclaimLabError("The history is not sound", {
        where: session.where,
        why: `${count(health.problems.length)} problems were found`,
        todo: "Open a backup, or save what can be read: history recover DAMAGED NEW",
      });
  });
}

/** Of a file that cannot be opened any more; it is not touched. */
export async function recover(damaged: string, target: string, options: { readonly json?: boolean }): Promise<void> {
  const { recoverHistory } = await import("../../db/recover.ts");
  const found = recoverHistory(resolve(damaged), resolve(target));
  if (options.json) return printJson(found);
  const { experiments, runs, samples, incomplete } = found;
  print(`${resolve(target)}: ${count(experiments)} experiments, ${count(runs)} runs, ${count(samples)} samples saved.`);
  if (incomplete.length > 0) print(`Something was lost of: ${incomplete.join(", ")}.`);
}

export async function purge(ids: number[], options: DbOption & { readonly all?: boolean }): Promise<void> {
  if (options.all !== true && ids.length === 0)
    throw new BadInputError("Nothing was said to be removed", { todo: "Give ids of what is in the trash, or --all" });
  await withLab(options, async (session) => {
    const removed = await session.ask("history.purge", options.all === true ? {} : { ids });
    print(`${count(removed)} experiments removed for good.`);
  });
}
