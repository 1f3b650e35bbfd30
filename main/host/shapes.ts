/** From what the store gives to what the contract promises. */
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import type { Experiment, HistoryRow, Run } from "../contract.ts";

export function toRun(run: StoredRun): Run {
  const { id, experimentId, source, mode, status, reason, startedAt, endedAt, sampleCount, facts } = run;
  const { summary } = run;
  return { id, experimentId, source, mode, status, reason, startedAt, endedAt, sampleCount, summary, facts };
}

function toCore(experiment: StoredExperiment) {
  const { id, title, workload, workloadKind, params, seed, levels, createdAt } = experiment;
  const { tags, notes, pinned, archived, deletedAt } = experiment;
  return {
    id,
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
  };
}

export function toExperiment(experiment: StoredExperiment): Experiment {
  return { ...toCore(experiment), runs: experiment.runs.map(toRun) };
}

export function toHistoryRow(experiment: StoredExperiment): HistoryRow {
  const runs = experiment.runs.map(({ id, source, mode, status, summary, sparkline }) => ({
    id,
    source,
    mode,
    status,
    summary,
    sparkline: [...sparkline],
  }));
  return { ...toCore(experiment), runs };
}
