import { existsSync } from "node:fs";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { type PolicyId, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { violatedWords } from "../../engine/experiment/violated-words.ts";
import { counterexampleText, replayText, seriesName, verdictTable } from "../../engine/race/format.ts";
import {
  findScenario,
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
import { ownScenario, readScenarioFile } from "../race-cases.ts";
import { print, printJson } from "./print.ts";

export interface RaceOptions {
  readonly without?: string;
  readonly mode?: PolicyId;
  readonly schedule?: string;
  readonly json?: boolean;
}

function patchNamed(name: string): RacePatch {
  if (isRacePatch(name)) return name;
  throw new BadInputError(`The explorer cannot remove patch "${name}"`, {
    where: "--without",
    todo: `Use one of ${RACE_PATCHES.join(", ")}`,
  });
}

/** A scenario by its name, or of a file. */
async function scenarioOf(name: string): Promise<Scenario> {
  if (findScenario(name) !== undefined || !(/[/.]/.test(name) || existsSync(name))) return scenarioNamed(name);
  return ownScenario(await readScenarioFile(name));
}

/** Needs no history, so none is opened. */
export async function race(name: string | undefined, options: RaceOptions): Promise<void> {
  const scenarios = name === undefined ? SCENARIOS : [await scenarioOf(name)];
  const without = options.without === undefined ? null : patchNamed(options.without);
  const mode = options.mode ?? null;
  if (without !== null && mode !== null && mode !== SERIES_POLICY)
    throw new BadInputError(`Patches belong to the series, and ${mode} is another policy`, {
      where: "--without",
      todo: `Omit --mode, or use --mode ${SERIES_POLICY}`,
    });
  if (options.schedule !== undefined) {
    if (name === undefined)
      throw new BadInputError("A schedule needs its scenario", {
        where: "--schedule",
        todo: "Name the scenario before it",
      });
    replay(scenarios[0], without, mode ?? SERIES_POLICY, parseSchedule(options.schedule), options.json === true);
    return;
  }
  const results: RaceResult[] = [];
  for (const each of raceCases(scenarios, without, mode)) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${each.scenario.name}, ${seriesName(each)} ...`);
    results.push(runScenario(each.scenario, each.without, { countSchedules: options.json !== true }, each.mode));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (options.json) printJson(raceJson(results));
  else show(scenarios, results, name !== undefined);
  const unknown = results.find((result) => result.bound !== null);
  if (unknown !== undefined)
    throw new ReclaimLabError("a search was not exhaustive", { where: unknown.scenario, why: unknown.bound ?? "" });
  const broken = results.find(
    (result) => result.mode === SERIES_POLICY && result.without === null && result.verdict === "broken",
  );
  if (broken !== undefined)
    throw new ReclaimLabError("the complete series is broken", {
      where: broken.scenario,
      why: broken.violation ? violatedWords(broken.violation.invariant) : "",
    });
}

function show(scenarios: readonly Scenario[], results: readonly RaceResult[], whole: boolean): void {
  print(verdictTable(results));
  if (!whole) {
    print("\nA scenario's name shows its counterexamples: reclaim-lab race NAME");
    return;
  }
  const scenario = scenarios[0];
  print(`\n${scenario.title}${scenario.story === "" ? "" : `\n${scenario.story}`}`);
  for (const result of results) {
    const finding = result.without === null ? undefined : scenario.findings[result.without];
    if (finding !== undefined) print(`\nWithout patch ${result.without}: ${finding}`);
    if (result.violation !== null) print(`\n${counterexampleText(scenario, result, result.violation)}`);
  }
}

function replay(
  scenario: Scenario,
  without: RacePatch | null,
  mode: PolicyId,
  schedule: readonly number[],
  asJson: boolean,
): void {
  const { result, steps, finished } = replayResult(scenario, without, schedule, mode);
  if (asJson) {
    printJson(raceJson([result]));
    return;
  }
  print(replayText(scenario, result, steps, finished));
}
