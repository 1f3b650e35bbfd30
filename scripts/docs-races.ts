/** `npm run docs:races`: writes docs/races.md from what the explorer finds. */
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { racesDocument } from "../engine/race/document.ts";
import { raceCases, runScenario, SCENARIOS } from "../engine/race/race.ts";

/** The page as it must be now. */
export function currentRaces(): string {
  return racesDocument(
    raceCases(SCENARIOS, null).map(({ scenario, mode, without }) =>
      runScenario(scenario, without, { countSchedules: true }, mode),
    ),
  );
}

export const RACES_PAGE = new URL("../docs/races.md", import.meta.url);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(new URL(".", RACES_PAGE), { recursive: true });
  writeFileSync(RACES_PAGE, currentRaces());
}
