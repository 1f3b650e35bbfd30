/** One trace of a million events under all policies side by side, against the slowest of them alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { POLICY_IDS, type PolicyId } from "../engine/experiment/policies.ts";
import { REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";
import type { FileTask } from "../main/contract/worker.ts";
import { sharedFeed } from "../main/host/shared-feed.ts";
import { startWorkerRun } from "../main/host/worker-execution.ts";
import type { Row, Section } from "./harness.ts";
import { EVENTS, PID, writeTrace } from "./long-trace.ts";

/** The trace under these policies at once, from file to summaries; its time in ms. */
async function together(workload: FileTask, modes: readonly PolicyId[]): Promise<number> {
  const kernel = { seed: 1, levels: 4, profile: { ...REFERENCE_PROFILE } } as const;
  const shared = modes.length > 1 ? sharedFeed(workload, modes.length, kernel) : null;
  const began = performance.now();
  const runs = modes.map((mode) => {
    const task = { workload, source: "model" as const, mode, ...kernel, knobs: {} };
    return startWorkerRun(shared === null ? task : { ...task, feed: shared.take() }, () => undefined);
  });
  for (const { ended } of runs) {
    const ending = await ended;
    if (ending.status !== "done") throw new Error(`a run has ${ending.status}`);
  }
  return performance.now() - began;
}

async function* rows(): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
  try {
    const path = join(folder, "events.txt");
    await writeTrace(path);
    const about = { format: "perf-script" as const, process: PID, ancestors: [], follow: false, touchOnMap: false };
    const workload: FileTask = { kind: "file", path, ...about };
    let slowest = 0;
    for (const mode of POLICY_IDS) {
      const ms = Math.min(await together(workload, [mode]), await together(workload, [mode]));
      slowest = Math.max(slowest, ms);
      yield { what: `${EVENTS.toLocaleString("en")} events under ${mode} alone`, value: ms, unit: "ms" };
    }
    const all = Math.min(await together(workload, POLICY_IDS), await together(workload, POLICY_IDS));
    yield { what: `${POLICY_IDS.length} policies side by side`, value: all, unit: "ms" };
    const cores = cpus().length;
    const rounds = Math.ceil(POLICY_IDS.length / cores);
    yield {
      what: "against the slowest alone, one after the other on these cores",
      value: all / (slowest * rounds),
      unit: "x",
      budget: { atMost: 1.3 },
      note: `${cores} cores, ${rounds} rounds of them`,
    };
    yield { what: "against the slowest alone", value: all / slowest, unit: "x" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const section: Section = { title: "Policies", rows };
