/** Traces: a million events imported and replayed, in constant memory. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { featuresOf } from "../engine/experiment/policies.ts";
import { run } from "../engine/experiment/run.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { ImportReport, importOperations } from "../engine/workload/import/index.ts";
import { traceKernel } from "../engine/workload/trace-kernel.ts";
import { openSource } from "../main/trace/source.ts";
import type { Row, Section } from "./harness.ts";
import { EVENTS, PID, TRACE, writeTrace } from "./long-trace.ts";

const rssMb = (): number => process.memoryUsage().rss / 2 ** 20;

interface Replay {
  readonly ms: number;
  readonly operations: number;
  readonly events: number;
  /** Resident memory after the first quarter, and the most after it. */
  readonly quarterMb: number;
  readonly peakMb: number;
}

async function replay(path: string): Promise<Replay> {
  const report = new ImportReport();
  const machine = createKernel({ features: featuresOf("sync"), ...traceKernel() });
  const batches = importOperations(await openSource(path), { pid: PID }, report);
  const start = performance.now();
  const running = run({
    machine,
    stream: { kind: "batches", batches },
    operationsTotal: null,
    now: () => performance.now(),
  });
  let quarterMb = 0;
  let peakMb = 0;
  for (;;) {
    const step = await running.next();
    if (report.events >= EVENTS / 4) {
      quarterMb ||= rssMb();
      peakMb = Math.max(peakMb, rssMb());
    }
    if (!step.done) continue;
    const ms = performance.now() - start;
    return { ms, operations: step.value.summary.operations, events: report.events, quarterMb, peakMb };
  }
}

async function* rows(): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
  try {
    const path = join(folder, "events.txt");
    await writeTrace(path);
    await replay(TRACE);
    yield* results(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function* results(path: string): AsyncGenerator<Row> {
  const cpu = process.cpuUsage();
  const result = await replay(path);
  const spent = process.cpuUsage(cpu);
  yield {
    what: "a trace of 1 M events imported and replayed",
    value: result.ms,
    unit: "ms",
    budget: { atMost: 2000 },
    note: `${result.events} events, ${result.operations} operations; ${((spent.user + spent.system) / 1000).toFixed(0)} ms of processor time`,
  };
  yield {
    what: "memory that the later three quarters added",
    value: Math.max(0, result.peakMb - result.quarterMb),
    unit: "MB",
    budget: { atMost: 64 },
    note: `${result.peakMb.toFixed(0)} MB in all`,
  };
}

export const section: Section = { title: "Traces", rows };
