/** The window while 50 sweeps run over a history of 1,000 experiments: does the list still answer, is all of it cancelled at once? */
import type { LabApp } from "../../e2e/lab-app.ts";
import type { Row } from "../harness.ts";

const SWEEPS = 50;
const VALUES = 30;
const LISTS = 40;

/** Asked by the page, as the list in the window asks. */
const timed = (lab: LabApp, name: string, params: unknown): Promise<number> =>
  lab.page.evaluate(
    async ([called, given]) => {
      const start = performance.now();
      const answer = await (window.lab.call as (name: string, given: unknown) => Promise<object>)(called, given);
      if ("error" in answer) throw new Error(JSON.stringify(answer.error));
      return performance.now() - start;
    },
    [name, params] as const,
  );

/** In a window over a history of 1,000 experiments. Leaves nothing running. */
export async function* busyRows(lab: LabApp): AsyncGenerator<Row> {
  const values = Array.from({ length: VALUES }, (_, i) => (i + 1) * 2 ** 30);
  const sweep = { preset: "commit-table", params: { rounds: 1000 }, parameter: "size", seed: 1 };
  const starts: number[] = [];
  for (let i = 0; i < SWEEPS; i++)
    starts.push(await timed(lab, "sweep.start", { ...sweep, values, mode: ["none", "sync"] }));
  const note = `${SWEEPS} sweeps, ${SWEEPS * VALUES * 2} runs, under way`;
  yield { what: "start of a sweep of 60 runs, the longest of 50", value: Math.max(...starts), unit: "ms", note };
  const lists: number[] = [];
  for (let i = 0; i < LISTS; i++) {
    lists.push(await timed(lab, "history.list", { limit: 100 }));
    await lab.page.waitForTimeout(100);
  }
  lists.sort((a, b) => a - b);
  const budget = { atMost: 100 };
  yield { what: "list of 1,000 experiments, median of 40", value: lists[LISTS >> 1], unit: "ms", budget, note };
  yield { what: "the longest of these", value: Math.max(...lists), unit: "ms", budget, note };

  const cancelled = performance.now();
  await lab.call("experiment.cancelAll");
  const called = performance.now() - cancelled;
  yield { what: "all 3,000 cancelled and stored", value: called, unit: "ms", budget: { atMost: 1000 } };
  await lab.page
    .getByRole("contentinfo")
    .getByRole("button", { name: /^Cancel/ })
    .waitFor({ state: "hidden" });
  yield { what: "and the window says so", value: performance.now() - cancelled, unit: "ms", budget: { atMost: 1000 } };

  const large = { ...sweep, values: Array.from({ length: 200 }, (_, i) => (i + 1) * 2 ** 28) };
  const mode = ["none", "sync", "eager", "refcount", "async", "demand"];
  yield {
    what: "start of a sweep of 1,200 runs",
    value: await timed(lab, "sweep.start", { ...large, mode }),
    unit: "ms",
  };
  const again = performance.now();
  await lab.call("experiment.cancelAll");
  yield { what: "that one cancelled", value: performance.now() - again, unit: "ms", budget: { atMost: 1000 } };
}
