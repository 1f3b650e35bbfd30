/** Runs scenarios and says what became of them: `reclaim-lab race`, the window's Races view and docs/races. */

import { BadInputError } from "../error.ts";
import { featuresOf, POLICY_IDS, type PolicyId, SERIES_POLICY } from "../experiment/policies.ts";
import { patchesWithout } from "../mm/features.ts";
import { type ExploreOptions, explore } from "./explore.ts";
import { type MachineProgram, machine } from "./machine.ts";
import { type ReplayedStep, replaySchedule } from "./replay.ts";
import { RACE_PATCHES, type RacePatch, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { shortestViolation } from "./shortest.ts";

export { RACE_PATCHES, type RacePatch, type Scenario } from "./scenario.ts";
export { SCENARIOS } from "./scenarios/index.ts";

export interface RaceViolation {
  readonly invariant: string;
  readonly detail: string;
  /** Times that one CPU takes over from another: the fewest with which the invariant breaks. */
  readonly switches: number;
  /** The CPU of each step: what replays it. */
  readonly cpus: readonly number[];
  readonly steps: readonly ReplayedStep[];
}

export interface RaceResult {
  readonly scenario: string;
  readonly mode: PolicyId;
  readonly without: RacePatch | null;
  /** `unknown`: a bound was hit before the search was over. */
  readonly verdict: "holds" | "broken" | "unknown";
  /** Complete interleavings run, each a class of schedules that differ in the order of independent steps only. */
  readonly interleavings: number;
  /** Schedules that these stand for, every order of every step; NaN where they were not counted. */
  readonly schedules: number;
  /** States reached, counted in the same way; the invariants were checked in each. */
  readonly states: number;
  /** Runs that ended early because all they could still do had been seen, and steps of all runs. */
  readonly cut: number;
  readonly steps: number;
  readonly bound: string | null;
  readonly violation: RaceViolation | null;
}

export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}

/** Errors: BadInputError where there is no such scenario. */
export function scenarioNamed(name: string): Scenario {
  const scenario = findScenario(name);
  if (scenario !== undefined) return scenario;
  throw new BadInputError(`There is no scenario "${name}"`, {
    todo: `Use one of ${SCENARIOS.map((each) => each.name).join(", ")}`,
  });
}

export function isRacePatch(name: string): name is RacePatch {
  return (RACE_PATCHES as readonly string[]).includes(name);
}

/** The scenario's program under a policy; of the series, a patch can be taken out. */
export function scenarioProgram(
  scenario: Scenario,
  without: RacePatch | null,
  mode: PolicyId = SERIES_POLICY,
): MachineProgram {
  const features = featuresOf(mode);
  const patches = without === null ? features.patches : patchesWithout(without);
  return machine(scenario, { features, patches, batchFails: scenario.batchFails });
}

/** Explores one scenario exhaustively; where an invariant breaks, looks for the schedule that shows it best. */
export function runScenario(
  scenario: Scenario,
  without: RacePatch | null,
  options: ExploreOptions = {},
  mode: PolicyId = SERIES_POLICY,
): RaceResult {
  const program = scenarioProgram(scenario, without, mode);
  const found = explore(program, options);
  let violation: RaceViolation | null = null;
  if (found.violation !== null && found.schedule !== null) {
    const best = shortestViolation(program) ?? { violation: found.violation, schedule: found.schedule };
    const { steps } = replaySchedule(program, best.schedule);
    violation = { ...best.violation, ...shape(best.schedule), steps };
  }
  return {
    scenario: scenario.name,
    mode,
    without,
    verdict: found.verdict,
    interleavings: found.interleavings,
    schedules: found.schedules,
    states: found.states,
    cut: found.cut,
    steps: found.steps,
    bound: found.bound,
    violation,
  };
}

/**
 * Runs one schedule. The result is that of a search that tried this one interleaving. Errors: BadInputError for a step that its
 * CPU cannot take.
 */
export function replayResult(
  scenario: Scenario,
  without: RacePatch | null,
  schedule: readonly number[],
  mode: PolicyId = SERIES_POLICY,
): { readonly result: RaceResult; readonly steps: readonly ReplayedStep[]; readonly finished: boolean } {
  const program = scenarioProgram(scenario, without, mode);
  const { steps, violation, finished } = replaySchedule(program, schedule);
  const result: RaceResult = {
    scenario: scenario.name,
    mode,
    without,
    verdict: violation !== null ? "broken" : finished ? "holds" : "unknown",
    interleavings: 1,
    schedules: 1,
    states: steps.length + 1,
    cut: 0,
    steps: steps.length,
    bound: violation === null && !finished ? "the schedule ends before the operations do" : null,
    violation: violation === null ? null : { ...violation, ...shape(schedule.slice(0, steps.length)), steps },
  };
  return { result, steps, finished };
}

function shape(cpus: readonly number[]): { readonly switches: number; readonly cpus: readonly number[] } {
  return { switches: cpus.filter((cpu, at) => at > 0 && cpus[at - 1] !== cpu).length, cpus };
}

/** One search: a scenario under a policy; of the series, with a patch taken out or complete (null). */
export interface RaceCase {
  readonly scenario: Scenario;
  readonly mode: PolicyId;
  readonly without: RacePatch | null;
}

/**
 * What `race` runs: each scenario with the complete series and without each patch that it is about, then under every other policy.
 * `without`: without this patch alone. `mode`: under this policy alone.
 */
export function raceCases(
  scenarios: readonly Scenario[],
  without: RacePatch | null,
  mode: PolicyId | null = null,
): RaceCase[] {
  if (without !== null) return scenarios.map((scenario) => ({ scenario, mode: SERIES_POLICY, without }));
  return scenarios.flatMap((scenario) => {
    const series = [null, ...scenario.patches].map((patch) => ({ scenario, mode: SERIES_POLICY, without: patch }));
    const others = POLICY_IDS.filter((id) => id !== SERIES_POLICY).map((id) => ({ scenario, mode: id, without: null }));
    return [...series, ...others].filter((each) => mode === null || each.mode === mode);
  });
}

/** The document that `race --json` prints. */
export function raceJson(results: readonly RaceResult[]): unknown {
  return results.map(({ scenario, mode, without, verdict, interleavings, violation }) => ({
    scenario,
    mode,
    without,
    verdict,
    interleavings,
    violation:
      violation === null
        ? null
        : {
            invariant: violation.invariant,
            schedule: violation.steps.map((step) => ({
              step: step.step,
              cpu: step.cpu,
              function: step.fn,
              event: step.event,
            })),
          },
  }));
}
