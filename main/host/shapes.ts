/** From what the store gives to what the contract promises. */

import * as v from "valibot";
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { oneLineEach } from "../../engine/experiment/text-limits.ts";
import { observationSchema, sweepDetailSchema } from "../contract/shapes.ts";
import type { Description, Experiment, HistoryRow, Run, StartedExperiment } from "../contract.ts";

export function toRun(run: StoredRun): Run {
  const {
    id,
    experimentId,
    label,
    source,
    mode,
    policyVersion,
    status,
    reason,
    startedAt,
    endedAt,
    sampleCount,
    facts,
  } = run;
  const { summary, kernelProfile } = run;
  const params = { ...run.params };
  return {
    id,
    experimentId,
    label,
    params,
    source,
    mode,
    policyVersion,
    status,
    reason,
    startedAt,
    endedAt,
    sampleCount,
    summary,
    facts,
    kernelProfile: kernelProfile === null ? null : { ...kernelProfile },
    ...problemOf(run),
  };
}

/** What is told where its runs begin or wait. */
export function toStarted({ id, title, runs }: StoredExperiment): StartedExperiment {
  return { id, title, runs: runs.map(({ id: runId, source, mode, status }) => ({ id: runId, source, mode, status })) };
}

export function toDescription({ id, title, tags, notes, pinned, archived }: StoredExperiment): Description {
  return { id, title, tags, notes, pinned, archived };
}

/** Said where there is one. */
function problemOf({ problem }: { readonly problem: string | null }): { problem?: string } {
  return problem === null ? {} : { problem };
}

function sweepOf({ kind, detail }: StoredExperiment): Experiment["sweep"] {
  const sweep = kind === "sweep" ? v.safeParse(sweepDetailSchema, oneLineEach(detail)) : undefined;
  return sweep?.success ? sweep.output : null;
}

function toCore(experiment: StoredExperiment) {
  const { id, uid, title, workload, workloadKind, params, seed, levels, createdAt } = experiment;
  const { tags, notes, pinned, archived, deletedAt } = experiment;
  return {
    id,
    uid,
    sweep: sweepOf(experiment),
    title,
    workload,
    workloadKind,
    params: { ...params },
    seed,
    levels,
    createdAt,
    tags,
    notes,
    pinned,
    archived,
    deletedAt,
    ...problemOf(experiment),
  };
}

const keptSchema = v.object({ observation: observationSchema });

/** What was seen of a running process, where it is one that was kept. */
export function observationOf({ workloadKind, detail }: StoredExperiment): Pick<Experiment, "observation"> {
  const kept = workloadKind === "live" ? v.safeParse(keptSchema, oneLineEach(detail)) : undefined;
  return kept?.success ? { observation: kept.output.observation } : {};
}

export function toExperiment(experiment: StoredExperiment): Experiment {
  return { ...toCore(experiment), ...observationOf(experiment), runs: experiment.runs.map(toRun) };
}

/** A summary as a row of a long list has it: without what only a page of its own shows. */
function inShort(summary: Run["summary"]): Run["summary"] {
  if (summary === null) return null;
  const { blame: _blame, processes: _processes, events: _events, ...short } = summary;
  return short;
}

export function toHistoryRow(experiment: StoredExperiment): HistoryRow {
  const runs = experiment.runs.map(({ id, label, source, mode, status, summary, sparkline, problem }) => ({
    id,
    label,
    source,
    mode,
    status,
    summary: inShort(summary),
    sparkline: [...sparkline],
    ...problemOf({ problem }),
  }));
  return { ...toCore(experiment), runs };
}
