/** The explorer: every scenario with the complete series, exhaustively. */
import { runScenario, SCENARIOS } from "../engine/race/race.ts";
import type { Row, Section } from "./harness.ts";

function* rows(): Generator<Row> {
  let interleavings = 0;
  let total = 0;
  for (const scenario of SCENARIOS) {
    const start = performance.now();
    const result = runScenario(scenario, null);
    const ms = performance.now() - start;
    interleavings += result.interleavings;
    total += ms;
    const note = `${result.verdict}, ${result.interleavings} interleavings`;
    yield { what: `${scenario.name}, exhaustively`, value: ms, unit: "ms", budget: { atMost: 10_000 }, note };
  }
  const value = (interleavings / total) * 1000;
  yield { what: "interleavings a second", value, unit: "/s", budget: { atLeast: 200_000 } };
}

export const section: Section = { title: "Race explorer", rows };
