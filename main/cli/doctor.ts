import { resolve } from "node:path";
import { describeError } from "../../engine/error.ts";
import type { Fact } from "../contract.ts";
import { dataFolder, historyFile, ownHistory } from "../data-folder.ts";
import { lookAround } from "../host/doctor.ts";
import { print, printJson } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

const SIGNS = { ok: "ok", missing: "--", note: "  " } as const;

/** The history that is used; the data folder's own where it cannot be read which that is. */
function chosenHistory(): string {
  const folder = dataFolder();
  try {
    return historyFile(folder);
  } catch {
    return ownHistory(folder);
  }
}

/** What this machine has; a history that cannot be opened is one of the facts. */
async function look(options: DbOption): Promise<Fact[]> {
  try {
    return await withLab(options, (session) => session.ask("doctor.look"));
  } catch (error) {
    const facts = await lookAround(options.db === undefined ? chosenHistory() : resolve(options.db));
    return facts.map((fact) =>
      fact.id === "history" ? { ...fact, state: "missing", todo: describeError(error) } : fact,
    );
  }
}

export async function doctor(options: DbOption & { readonly json?: boolean }): Promise<void> {
  const facts = await look(options);
  if (options.json) return printJson(facts);
  for (const { label, value, state, todo } of facts) {
    print(`${SIGNS[state]}  ${label}: ${value}`);
    if (todo !== undefined) print(`      ${todo}`);
  }
}
