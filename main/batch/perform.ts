/** Performs one task: the same row on every machine. */
import { ReclaimLabError } from "../../engine/error.ts";
import { profileUnder } from "../../engine/experiment/knobs.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { run } from "../../engine/experiment/run.ts";
import { type RunSummary, SAMPLE_COLUMNS, type SampleRow } from "../../engine/experiment/types.ts";
import { type Contents, describeProblem, ImportReport, survey } from "../../engine/workload/import/index.ts";
import type { WorkloadTask } from "../contract/worker.ts";
import { chooseProcess } from "../trace/choose.ts";
import { atFile, openSource } from "../trace/source.ts";
import { prepare } from "../worker/prepare.ts";
import { roomInWords } from "../worker/room.ts";
import { profileValue } from "./known.ts";
import type { PlannedTrace, PlannedWorkload } from "./plan.ts";
import type { ResultRow, TaskSamples } from "./rows.ts";
import { paramsJson, sortedJson, type Task } from "./tasks.ts";

export interface Performed {
  readonly row: ResultRow;
  readonly samples: TaskSamples | null;
  /** What its trace holds and cannot be used, in words: it may be cut off. */
  readonly problems: readonly string[];
}

interface Surveyed {
  readonly contents: Contents;
  readonly problems: readonly string[];
}

/** What a file holds, found once a thread for each trace. */
const surveyed = new Map<string, Promise<Surveyed>>();

function surveyOf({ path, sha256, name }: PlannedTrace): Promise<Surveyed> {
  let found = surveyed.get(sha256);
  if (found === undefined) {
    found = atFile(path, async () => {
      const report = new ImportReport();
      const contents = await survey(await openSource(path), report);
      return { contents, problems: report.problems().map((problem) => `${name}: ${describeProblem(problem)}`) };
    });
    surveyed.set(sha256, found);
  }
  return found;
}

async function workloadOf(workload: PlannedWorkload): Promise<WorkloadTask> {
  if (workload.kind === "preset") return { kind: "preset", name: workload.name, params: { ...workload.params } };
  const { path, name, pid, touchOnMap } = workload;
  const { format, processes, follow } = (await surveyOf(workload)).contents;
  if (format === "ops") return { kind: "file", path, format, ancestors: [], follow, touchOnMap };
  const chosen = chooseProcess(name, processes, pid ?? undefined);
  const ancestors = [...chosen.ancestors];
  return { kind: "file", path, format, process: chosen.pid, ancestors, follow: ancestors.length > 0, touchOnMap };
}

function rowOf(task: Task, engine: string, end: RunSummary | { readonly failed: string }): ResultRow {
  const { workload, policy, profile, seed, digest } = task;
  const failed = "failed" in end;
  const of = (value: (summary: RunSummary) => number | null | undefined) => (failed ? null : (value(end) ?? null));
  return {
    workload: workload.name,
    params: paramsJson(task),
    policy,
    knobs: sortedJson(task.knobs),
    profile,
    seed,
    status: failed ? "failed" : "done",
    reason: failed ? end.failed : null,
    operations: of((summary) => summary.operations),
    peak_vmpte_kb: of((summary) => summary.peak.vmpte_kb),
    average_vmpte_kb: of((summary) => summary.average_vmpte_kb),
    end_vmpte_kb: of((summary) => summary.final.vmpte_kb),
    peak_rss_kb: of((summary) => summary.peak.rss_kb),
    end_rss_kb: of((summary) => summary.final.rss_kb),
    reclaimed_pte_tables: of((summary) => summary.reclaimed_pte_tables),
    end_empty_pte_tables: of((summary) => summary.final.empty_pte_tables),
    cost_caller_ns: of((summary) => summary.cost?.caller_ns),
    cost_longest_call_ns: of((summary) => summary.cost?.longest_call_ns),
    cost_background_ns: of((summary) => summary.cost?.background_ns),
    engine_version: engine,
    trace_sha256: workload.kind === "trace" ? workload.sha256 : null,
    digest,
  };
}

/** Why a task failed, without the paths of the machine that it failed on. */
function reasonOf(error: unknown): string {
  const worded = roomInWords(error);
  if (!(worded instanceof ReclaimLabError)) return worded instanceof Error ? worded.message : String(worded);
  return worded.why === undefined ? worded.message : `${worded.message}: ${worded.why}`;
}

export function failedTask(task: Task, engine: string, reason: string): Performed {
  return { row: rowOf(task, engine, { failed: reason }), samples: null, problems: [] };
}

function flat(digest: string, rows: readonly SampleRow[]): TaskSamples {
  const width = SAMPLE_COLUMNS.length;
  const all = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return { digest, rows: all };
}

/** Never throws: what fails is a row with its reason. */
export async function perform(task: Task, engine: string): Promise<Performed> {
  try {
    const { policy, seed } = task;
    const workload = await workloadOf(task.workload);
    const prepared = await prepare({
      workload,
      source: "model",
      mode: policy as PolicyId,
      seed,
      levels: 4,
      profile: { ...profileUnder(profileValue(task.profile), task.switches) },
      knobs: { ...task.knobs, ...task.switches },
      stop: new SharedArrayBuffer(4),
    });
    // A clock that stands still: slices end with their batch, and nothing of the machine is in the row.
    const going = run({ ...prepared, now: () => 0 });
    const samples: SampleRow[] = [];
    for (;;) {
      const step = await going.next();
      if (step.done) {
        const row = rowOf(task, engine, step.value.summary);
        const problems = task.workload.kind === "trace" ? (await surveyOf(task.workload)).problems : [];
        return { row, samples: task.samples ? flat(task.digest, samples) : null, problems };
      }
      if (task.samples) for (const sample of step.value.samples) samples.push(sample);
    }
  } catch (error) {
    return failedTask(task, engine, reasonOf(error));
  }
}
