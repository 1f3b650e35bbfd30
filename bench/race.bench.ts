/** The explorer: every scenario with the complete series, exhaustively. */
import { schedulesText } from "../engine/race/format.ts";
import { runScenario, SCENARIOS } from "../engine/race/race.ts";
import type { Row, Section } from "./harness.ts";

function* rows(): Generator<Row> {
  const sum = { interleavings: 0, runs: 0, states: 0, schedules: 0, ms: 0 };
  for (const scenario of SCENARIOS) {
    const start = performance.now();
    const result = runScenario(scenario, null, { countSchedules: true });
    const ms = performance.now() - start;
    sum.interleavings += result.interleavings;
    sum.runs += result.interleavings + result.cut;
    sum.states += result.states;
    sum.schedules += result.schedules;
    sum.ms += ms;
    const note = `${result.verdict}, ${result.interleavings} interleavings for ${schedulesText(result.schedules)} schedules`;
    yield { what: `${scenario.name}, exhaustively`, value: ms, unit: "ms", budget: { atMost: 10_000 }, note };
  }
  const rate = (value: number): number => (value / sum.ms) * 1000;
  yield { what: "all scenarios", value: sum.ms, unit: "ms" };
  yield {
    what: "interleavings covered a second, every order counted",
    value: rate(sum.schedules),
    unit: "/s",
    budget: { atLeast: 200_000 },
    note: "what trying them one by one would have to run",
  };
  yield { what: "states checked a second", value: rate(sum.states), unit: "/s" };
  yield { what: "runs a second, those cut short included", value: rate(sum.runs), unit: "/s" };
  yield {
    what: "interleavings run a second, one for each class",
    value: rate(sum.interleavings),
    unit: "/s",
    note: "below the 200,000 of the design when only these are counted",
  };
}

export const section: Section = { title: "Race explorer", rows };
