import type { Mode } from "../../engine/experiment/types.ts";
import type { EventPayload, Run, StartedExperiment } from "../../main/contract.ts";

/** What is under way in one run, for progress bars. */
export interface RunUnderWay {
  readonly runId: number;
  readonly mode: Mode;
  readonly source: Run["source"];
  readonly operations: number;
  readonly operationsTotal: number | null;
  readonly operationsPerSecond: number;
}

export interface ExperimentUnderWay {
  readonly id: number;
  readonly title: string;
  readonly runs: readonly RunUnderWay[];
}

/** Share done, 0..1, of all runs of an experiment together; undefined where a length is not known. */
export function shareDone(runs: readonly RunUnderWay[], ended: number): number | undefined {
  let share = ended;
  for (const run of runs) {
    if (run.operationsTotal === null) return undefined;
    share += run.operationsTotal === 0 ? 0 : Math.min(1, run.operations / run.operationsTotal);
  }
  return runs.length + ended === 0 ? undefined : share / (runs.length + ended);
}

/** Milliseconds until the slowest run is through; undefined where that cannot be known. */
export function msLeft(runs: readonly RunUnderWay[]): number | undefined {
  let longest = 0;
  for (const run of runs) {
    if (run.operationsTotal === null || run.operationsPerSecond <= 0) return undefined;
    longest = Math.max(longest, ((run.operationsTotal - run.operations) / run.operationsPerSecond) * 1000);
  }
  return runs.length === 0 ? undefined : longest;
}

/** All experiments that are under way, whatever view is open. */
class Running {
  list = $state.raw<readonly ExperimentUnderWay[]>([]);
  #endedRuns = new Map<number, number>();

  started(experiment: StartedExperiment): void {
    const runs = experiment.runs
      .filter((run) => run.status === "running" || run.status === "queued")
      .map((run) => ({
        runId: run.id,
        mode: run.mode,
        source: run.source,
        operations: 0,
        operationsTotal: null,
        operationsPerSecond: 0,
      }));
    if (runs.length === 0) return;
    this.#endedRuns.set(experiment.id, experiment.runs.length - runs.length);
    this.list = [
      ...this.list.filter((entry) => entry.id !== experiment.id),
      { id: experiment.id, title: experiment.title, runs },
    ];
  }

  sampled(event: EventPayload<"run.sampled">): void {
    this.list = this.list.map((entry) =>
      entry.id !== event.experimentId
        ? entry
        : {
            ...entry,
            runs: entry.runs.map((run) => (run.runId === event.runId ? { ...run, ...event.progress } : run)),
          },
    );
  }

  ended(runs: readonly Pick<Run, "id" | "experimentId">[]): void {
    const ids = new Set(runs.map(({ id }) => id));
    const experiments = new Set(runs.map(({ experimentId }) => experimentId));
    for (const { experimentId } of runs)
      this.#endedRuns.set(experimentId, (this.#endedRuns.get(experimentId) ?? 0) + 1);
    this.list = this.list
      .map((entry) =>
        experiments.has(entry.id) ? { ...entry, runs: entry.runs.filter((other) => !ids.has(other.runId)) } : entry,
      )
      .filter((entry) => entry.runs.length > 0);
    for (const id of experiments) if (!this.of(id)) this.#endedRuns.delete(id);
  }

  of(experimentId: number): ExperimentUnderWay | undefined {
    return this.list.find((entry) => entry.id === experimentId);
  }

  share(entry: ExperimentUnderWay): number | undefined {
    return shareDone(entry.runs, this.#endedRuns.get(entry.id) ?? 0);
  }

  /** The lab host is gone, and with it all that was under way. */
  clear(): void {
    this.list = [];
    this.#endedRuns.clear();
  }
}

export const running = new Running();
