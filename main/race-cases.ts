/** The scenarios that there are, the user's own among them, and what a query of the explorer means; shared by host and worker. */
import { basename } from "node:path";
import { BadInputError } from "../engine/error.ts";
import { type RaceCase, raceCases, SCENARIOS, type Scenario, scenarioNamed } from "../engine/race/race.ts";
import { parseScenario } from "../engine/race/scenario-file.ts";
import type { OwnScenario, RaceQuery } from "./contract/race.ts";
import { openSource } from "./trace/source.ts";

const FILE_BYTES_MAX = 1 << 16;
const NAME_LENGTH_MAX = 120;

/** Reads a scenario's file. Errors: BadInputError with the file, the line and what is wrong with it. */
export async function readScenarioFile(path: string): Promise<OwnScenario> {
  let text = "";
  const decoder = new TextDecoder("utf-8");
  for await (const chunk of await openSource(path)) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > FILE_BYTES_MAX)
      throw new BadInputError("This scenario is too long", { where: path, why: "it has more than 64 KiB" });
  }
  const own = { name: basename(path).slice(-NAME_LENGTH_MAX), text };
  ownScenario(own, path);
  return own;
}

/** It is called after its file, so that the command that replays a schedule names it. */
export function ownScenario({ name, text }: OwnScenario, where = name): Scenario {
  return parseScenario(text, where, name);
}

/** A scenario of the user's own, or of the explorer. Throws BadInputError if there is none of that name. */
export function scenarioAmong(own: readonly OwnScenario[], name: string): Scenario {
  const found = own.find((each) => each.name === name);
  return found === undefined ? scenarioNamed(name) : ownScenario(found);
}

/** The cases of a query. Throws BadInputError for a scenario that does not exist. */
export function casesOf({ scenario, kernel }: RaceQuery, own: readonly OwnScenario[]): RaceCase[] {
  const scenarios =
    scenario === null ? [...own.map((each) => ownScenario(each)), ...SCENARIOS] : [scenarioAmong(own, scenario)];
  if (kernel === null) return raceCases(scenarios, null);
  return scenarios.map((each) => ({ scenario: each, ...kernel }));
}
