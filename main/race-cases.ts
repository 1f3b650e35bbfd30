/** What a query of the explorer means; shared by host and worker. */
import { SERIES_POLICY } from "../engine/experiment/policies.ts";
import { type RaceCase, raceCases, SCENARIOS, scenarioNamed } from "../engine/race/race.ts";
import type { RaceQuery } from "./contract/race.ts";

/** The cases of a query: those of the series. Throws BadInputError for a scenario that does not exist. */
export function casesOf({ scenario, without }: RaceQuery): RaceCase[] {
  const scenarios = scenario === null ? SCENARIOS : [scenarioNamed(scenario)];
  if (without === null) return scenarios.map((each) => ({ scenario: each, mode: SERIES_POLICY, without }));
  return raceCases(scenarios, without === "each" ? null : without, SERIES_POLICY);
}
