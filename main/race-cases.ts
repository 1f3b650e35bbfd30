/** What a query of the explorer means; shared by host and worker. */
import { raceCases, SCENARIOS, scenarioNamed } from "../engine/race/race.ts";
import type { RaceQuery } from "./contract/race.ts";

/** The cases of a query. Throws BadInputError for a scenario that does not exist. */
export function casesOf({ scenario, without }: RaceQuery): ReturnType<typeof raceCases> {
  const scenarios = scenario === null ? SCENARIOS : [scenarioNamed(scenario)];
  if (without === null) return scenarios.map((each) => ({ scenario: each, without }));
  return raceCases(scenarios, without === "each" ? null : without);
}
