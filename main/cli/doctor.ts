import { print, printJson } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

const SIGNS = { ok: "ok", missing: "--", note: "  " } as const;

export async function doctor(options: DbOption & { readonly json?: boolean }): Promise<void> {
  await withLab(options, async (session) => {
    const facts = await session.ask("doctor.look");
    if (options.json) return printJson(facts);
    for (const { label, value, state, todo } of facts) {
      print(`${SIGNS[state]}  ${label}: ${value}`);
      if (todo !== undefined) print(`      ${todo}`);
    }
  });
}
