import { print } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

function named(count: number): string {
  return count === 1 ? "1 experiment" : `${count} experiments`;
}

export async function remove(given: number[], options: DbOption): Promise<void> {
  const ids = [...new Set(given)];
  await withLab(options, async (session) => {
    for (const id of ids) await session.ask("experiment.get", { id });
    const count = await session.ask("experiment.delete", { ids });
    print(`${named(count)} put in the trash; \`restore ${ids.join(" ")}\` takes ${count === 1 ? "it" : "them"} back.`);
  });
}

export async function restore(ids: number[], options: DbOption): Promise<void> {
  await withLab(options, async (session) => {
    for (const id of ids) await session.ask("experiment.get", { id });
    const count = await session.ask("experiment.restore", { ids });
    print(`${named(count)} restored from the trash.`);
  });
}
