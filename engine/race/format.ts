/** Counterexamples and verdicts as text. */

import { type PolicyId, policyOf, SERIES_POLICY } from "../experiment/policies.ts";
import { violatedWords } from "../experiment/violated-words.ts";
import type { RacePatch, RaceResult, RaceViolation, Scenario } from "./race.ts";
import type { ReplayedStep } from "./replay.ts";
import { formatSchedule } from "./schedule.ts";

/** What kernel a case is about, in words. */
export function seriesName({ mode, without }: { readonly mode: PolicyId; readonly without: RacePatch | null }): string {
  if (mode !== SERIES_POLICY) return policyOf(mode).word;
  if (without === null) return "complete";
  if (without === "617fix") return "without the fix of 6.17";
  return without === "9fix" ? "without the fix" : `without patch ${without}`;
}

/** The command that replays a counterexample. */
export function replayCommand(result: RaceResult, cpus: readonly number[]): string {
  const mode = result.mode === SERIES_POLICY ? "" : ` --mode ${result.mode}`;
  const without = result.without === null ? mode : ` --without ${result.without}`;
  return `reclaim-lab race ${result.scenario}${without} --schedule '${formatSchedule(cpus)}'`;
}

/** Rows with columns of equal width, two spaces between them. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]))
      .join("  ")
      .trimEnd(),
  );
}

/** One line a step, one column a CPU, then the state of PMD entry and tables after the step; >> marks the failing step. */
function scheduleTable(scenario: Scenario, steps: readonly ReplayedStep[]): string {
  const lanes = scenario.lanes.map((lane, cpu) => `CPU ${cpu}: ${lane.name}`);
  const rows = steps.map((step) => [
    step.failing ? ">>" : "",
    String(step.step).padStart(2),
    ...lanes.map((_, cpu) => (cpu === step.cpu ? `${step.fn}: ${step.event}` : "")),
    step.pmd,
    step.tables,
  ]);
  return columns([["", "", ...lanes, "PMD entry", "PTE tables"], ...rows]).join("\n");
}

/** What each step does, in words. */
function scheduleWords(steps: readonly ReplayedStep[]): string {
  return steps.map((step) => `${String(step.step).padStart(3)}  CPU ${step.cpu}  ${step.words}`).join("\n");
}

/** A counterexample from beginning to end: what breaks, how to see it again, the table, and the words. */
export function counterexampleText(scenario: Scenario, result: RaceResult, violation: RaceViolation): string {
  return [
    `${scenario.title}`,
    `${result.scenario}, ${seriesName(result)}: invariant violated: ${violatedWords(violation.invariant)}`,
    `${violation.detail}.`,
    `Fewest switches from one CPU to another: ${violation.switches}. Replay:`,
    `  ${replayCommand(result, violation.cpus)}`,
    "",
    scheduleTable(scenario, violation.steps),
    "",
    "In words:",
    scheduleWords(violation.steps),
  ].join("\n");
}

/** One schedule that was replayed: the table, the words, and what it came to. */
export function replayText(
  scenario: Scenario,
  result: RaceResult,
  steps: readonly ReplayedStep[],
  finished: boolean,
): string {
  const { violation } = result;
  const outcome = finished ? "Every CPU has finished, and every invariant holds." : "Every invariant holds up to here.";
  return [
    `${scenario.name}, ${seriesName(result)}, one schedule of ${steps.length} steps`,
    "",
    scheduleTable(scenario, steps),
    "",
    "In words:",
    scheduleWords(steps),
    "",
    violation === null ? outcome : `Invariant violated: ${violatedWords(violation.invariant)}: ${violation.detail}.`,
  ].join("\n");
}

/** A number of schedules, with two digits where there are many: 432, 2.8e14; empty where they were not counted. */
export function schedulesText(schedules: number): string {
  if (Number.isNaN(schedules)) return "";
  return schedules < 10_000 ? String(schedules) : schedules.toExponential(1).replace("e+", "e");
}

/** One line a case: scenario, series, verdict, numbers, and the invariant that broke. */
export function verdictTable(results: readonly RaceResult[]): string {
  const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  const rows = results.map((result) => [
    result.scenario,
    seriesName(result),
    result.verdict,
    count(result.interleavings).padStart(13),
    schedulesText(result.schedules).padStart(9),
    count(result.states).padStart(9),
    result.violation?.invariant ?? result.bound ?? "",
  ]);
  return columns([
    ["scenario", "kernel", "verdict", "interleavings", "schedules", "   states", "broken invariant"],
    ...rows,
  ]).join("\n");
}
