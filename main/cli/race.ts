import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { counterexampleText, replayText, seriesName, verdictTable } from "../../engine/race/format.ts";
import {
  isRacePatch,
  RACE_PATCHES,
  type RacePatch,
  type RaceResult,
  raceCases,
  raceJson,
  replayResult,
  runScenario,
  SCENARIOS,
  type Scenario,
  scenarioNamed,
} from "../../engine/race/race.ts";
import { parseSchedule } from "../../engine/race/schedule.ts";
import { print, printJson } from "./print.ts";

export interface RaceOptions {
  readonly without?: string;
  readonly schedule?: string;
  readonly json?: boolean;
}

function patchNamed(name: string): RacePatch {
  if (isRacePatch(name)) return name;
  throw new BadInputError(`the explorer cannot take out patch "${name}"`, {
    where: "--without",
    todo: `use one of ${RACE_PATCHES.join(", ")}`,
  });
}

/** Needs no history, so none is opened. */
export async function race(name: string | undefined, options: RaceOptions): Promise<void> {
  const scenarios = name === undefined ? SCENARIOS : [scenarioNamed(name)];
  const without = options.without === undefined ? null : patchNamed(options.without);
  if (options.schedule !== undefined) {
    if (name === undefined)
      throw new BadInputError("a schedule needs its scenario", {
        where: "--schedule",
        todo: "name the scenario before it",
      });
    replay(scenarios[0], without, parseSchedule(options.schedule), options.json === true);
    return;
  }
  const results: RaceResult[] = [];
  for (const each of raceCases(scenarios, without)) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${each.scenario.name}, ${seriesName(each.without)} ...`);
    results.push(runScenario(each.scenario, each.without, { countSchedules: options.json !== true }));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (options.json) printJson(raceJson(results));
  else show(scenarios, results, name !== undefined);
  const unknown = results.find((result) => result.bound !== null);
  if (unknown !== undefined)
    throw new ReclaimLabError("a search was not exhaustive", { where: unknown.scenario, why: unknown.bound ?? "" });
  const broken = results.find((result) => result.without === null && result.verdict === "broken");
  if (broken !== undefined)
    throw new ReclaimLabError("the complete series is broken", {
      where: broken.scenario,
      why: broken.violation?.invariant ?? "",
    });
}

function show(scenarios: readonly Scenario[], results: readonly RaceResult[], whole: boolean): void {
  print(verdictTable(results));
  if (!whole) {
    print("\nA scenario's name shows its counterexamples: reclaim-lab race NAME");
    return;
  }
  const scenario = scenarios[0];
  print(`\n${scenario.title}\n${scenario.story}`);
  for (const result of results) {
    const finding = result.without === null ? undefined : scenario.findings[result.without];
    if (finding !== undefined) print(`\nWithout patch ${result.without}: ${finding}`);
    if (result.violation !== null) print(`\n${counterexampleText(scenario, result, result.violation)}`);
  }
}

function replay(scenario: Scenario, without: RacePatch | null, schedule: readonly number[], asJson: boolean): void {
  const { result, steps, finished } = replayResult(scenario, without, schedule);
  if (asJson) {
    printJson(raceJson([result]));
    return;
  }
  print(replayText(scenario, result, steps, finished));
}
