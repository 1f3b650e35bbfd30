/** The calls about experiments: start, cancel, again, describe, delete. */
import type { Json, StoredExperiment } from "../../db/records.ts";
import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import { profileUnder, withoutKnobs } from "../../engine/experiment/knobs.ts";
import { inPolicyOrder } from "../../engine/experiment/policies.ts";
import type { Params, Source } from "../../engine/experiment/types.ts";
import type { WhatIf } from "../../engine/experiment/what-if.ts";
import type { KernelProfile } from "../../engine/mm/kernel-profile.ts";
import { requireKernel } from "../../probe/driver.ts";
import type { WorkloadTask } from "../contract/worker.ts";
import type { CallName, FullExperimentSpec, Handlers } from "../contract.ts";
import { changedWith, withReleasesChanged } from "./changed.ts";
import type { Emit } from "./emit.ts";
import { hostFacts } from "./facts.ts";
import type { FileChoice, Files } from "./files.ts";
import { keep, keptFile } from "./kept-file.ts";
import { profileAgain, profilesFor, storedProfile } from "./profiles.ts";
import { startRecordedRun } from "./recorded-run.ts";
import type { QueuedRun, Runner } from "./runner.ts";
import { toDescription, toExperiment, toStarted } from "./shapes.ts";
import { sharedFeed } from "./shared-feed.ts";
import {
  type PlannedRun,
  plannedRuns,
  type ResolvedWorkload,
  refuseMeasured,
  resolvePreset,
  withKnobs,
} from "./spec.ts";
import type { Sweeps } from "./sweeps.ts";
import { startWorkerRun } from "./worker-execution.ts";

type Names = Extract<CallName, `experiment.${string}` | "file.open">;

/** What is run, and what a worker is told of it. */
interface Planned {
  readonly workload: ResolvedWorkload;
  readonly task: WorkloadTask;
  /** What the experiment keeps of a file. */
  readonly detail?: Json;
  /** Of the kernel that a file was recorded on, which is modelled where no other is asked for. */
  readonly kernel?: KernelProfile | null;
}

function planPreset(name: string, params: Readonly<Record<string, unknown>>): Planned {
  const workload = resolvePreset(name, params);
  return { workload, task: { kind: "preset", name, params: { ...workload.params } } };
}

function planFile(files: Files, choice: FileChoice): Planned {
  const { workload, task, fingerprint, kernel } = files.resolve(choice);
  return { workload, task, detail: keep(task, fingerprint), kernel };
}

/** The same file once more, with its releases changed where that is asked for. Errors: BadInputError where it is gone or another. */
async function fileAgain(before: StoredExperiment, params: Params, whatIf: WhatIf | undefined): Promise<Planned> {
  const { workload: name, title, detail } = before;
  const { task, fingerprint } = await keptFile(name, detail);
  const again = { workload: { kind: "file", name, title, params, operationsTotal: null }, task } as const;
  if (whatIf === undefined) return { ...again, detail };
  if (task.whatIf !== undefined)
    throw new BadInputError("The releases of this experiment are changed already", {
      where: title,
      todo: "Change those of the program as it is",
    });
  const changed = withReleasesChanged(again, whatIf);
  return { ...changed, detail: keep(changed.task, fingerprint) };
}

/** Sees that every measured run is possible here; null if there is none. Errors: MeasuredUnavailableError. */
function requireSources(runs: readonly PlannedRun[]) {
  let kernel: ReturnType<typeof requireKernel> | null = null;
  for (const { source, mode } of runs) if (source === "kernel") kernel = requireKernel(mode);
  return kernel;
}

export function experimentHandlers(
  store: Store,
  runner: Runner,
  files: Files,
  sweeps: Pick<Sweeps, "again">,
  emit: Emit,
): Handlers<Names> {
  function begin(
    { workload: planned, task: workloadTask, detail = null, kernel: recordedOn = null }: Planned,
    runs: readonly PlannedRun[],
    about: Pick<FullExperimentSpec, "seed" | "levels" | "kernelProfile" | "knobs" | "title">,
  ): StoredExperiment {
    const policies = inPolicyOrder(runs.map(({ mode }) => mode));
    const workload = withKnobs(planned, about.knobs, policies);
    refuseMeasured(workload.params, runs);
    const kernel = requireSources(runs);
    const facts = hostFacts(kernel?.reclaims ?? null);
    const { seed, levels } = about;
    const profiles = profilesFor(about.kernelProfile ?? recordedOn ?? undefined, kernel !== null, levels);
    const recorded = workloadTask.kind === "file" ? (workloadTask.measured ?? null) : null;
    const { name, params, operationsTotal } = workload;
    const { knobs } = withoutKnobs(params);
    const model = profileUnder(profiles.model, params);
    const profileOf = (source: Source) => (source === "kernel" ? profiles.kernel : null) ?? model;
    const stored = store.together(() => {
      const spec = {
        title: about.title ?? workload.title,
        workload: name,
        workloadKind: workload.kind,
        params,
        seed,
        levels,
        detail,
      };
      const { id } = store.createExperiment(spec);
      for (const { source, mode } of runs)
        store.startRun(id, {
          source,
          mode,
          facts,
          kernelProfile: storedProfile(profileOf(source)),
          operationsTotal,
          status: "queued",
        });
      if (recorded !== null) {
        const { name: release } = recordedOn ?? profiles.model;
        store.startRun(id, {
          source: "kernel",
          mode: recorded.mode,
          facts: { ...facts, kernelRelease: release, ptReclaimSeen: null },
          kernelProfile: storedProfile(recordedOn ?? profiles.model),
          operationsTotal: null,
          status: "queued",
        });
      }
      return store.getExperiment(id);
    });
    emit("experiment.started", toStarted(stored));
    emit("history.changed", { ids: [stored.id] });
    const shared =
      workloadTask.kind === "file" && runs.length > 1
        ? sharedFeed(workloadTask, runs.length, { seed, levels, profile: { ...model } })
        : null;
    const queued = stored.runs.map(({ id: runId, source, mode }): QueuedRun => {
      const profile = { ...profileOf(source) };
      const task = { workload: workloadTask, source, mode, seed, levels, profile, knobs: { ...knobs } };
      // A file is never run on the kernel: what is measured of it was recorded with it.
      if (source === "kernel" && recorded !== null)
        return {
          runId,
          experimentId: stored.id,
          alone: false,
          begin: (onBatch) => startRecordedRun(recorded, onBatch),
        };
      const about = { runId, experimentId: stored.id, alone: source === "kernel" };
      if (shared === null) return { ...about, begin: (onBatch) => startWorkerRun(task, onBatch) };
      return {
        ...about,
        together: stored.id,
        begin: (onBatch) => startWorkerRun({ ...task, feed: shared.take() }, onBatch),
        dropped: shared.drop,
      };
    });
    runner.add(...queued);
    return store.getExperiment(stored.id);
  }

  /** An experiment as it is, also where the end of a run could not be stored yet. */
  const asTold = (stored: StoredExperiment): StoredExperiment => ({ ...stored, runs: stored.runs.map(runner.asTold) });

  return {
    "experiment.start": (spec) => {
      const { workload } = spec;
      const runs = plannedRuns(spec);
      if (workload.kind === "file" && runs.some(({ source }) => source === "kernel"))
        throw new BadInputError("A file cannot be measured, only modelled", {
          why: "its addresses are those of another process",
          todo: "Use --source model",
        });
      const planned = workload.kind === "file" ? planFile(files, workload) : planPreset(workload.name, workload.params);
      return toExperiment(begin(planned, runs, spec));
    },
    "experiment.estimate": async ({ preset, params, mode, seed }) => {
      const workload = resolvePreset(preset, params);
      const { estimateMs } = await import("./estimate.ts");
      return estimateMs(preset, workload.params, seed, mode);
    },
    "experiment.again": async ({ id, whatIf, mode }) => {
      const before = store.getExperiment(id);
      if (whatIf !== undefined && before.workloadKind !== "file")
        throw new BadInputError("Releases are changed of traces and workload files", {
          why: "a preset's releases are among its parameters",
          todo: "Run it again with other parameters",
        });
      if (mode !== undefined && before.workloadKind !== "file")
        throw new BadInputError("Other policies are chosen in the form of this experiment", { where: before.title });
      if (before.workloadKind === "program")
        throw new BadInputError("A trial of a program cannot be run again from the history", {
          why: "its environment and folder are not kept",
          todo: "Run the `reclaim-lab try` command again",
        });
      if (before.workloadKind === "live")
        throw new BadInputError("A look at a running process cannot be repeated", {
          why: "the process is not what it was then",
          todo: "Look at it again in the Live view, or with: reclaim-lab inspect PID --keep",
        });
      if (before.kind === "sweep") return toExperiment(sweeps.again(before));
      const { own, knobs } = withoutKnobs(before.params);
      const planned =
        before.workloadKind === "file" ? await fileAgain(before, own, whatIf) : planPreset(before.workload, own);
      const runs =
        mode === undefined
          ? before.runs
              .filter(({ source }) => before.workloadKind !== "file" || source === "model")
              .map((run) => ({ source: run.source, mode: run.mode }))
          : plannedRuns({ mode, source: "model" });
      const about = {
        title: whatIf === undefined ? before.title : planned.workload.title,
        knobs,
        seed: before.seed,
        levels: before.levels === 5 ? 5 : 4,
        kernelProfile: runs.some(({ source }) => source === "kernel")
          ? undefined
          : { ...profileAgain(before.runs[0]?.kernelProfile ?? null) },
      } as const;
      return toExperiment(begin(planned, runs, about));
    },
    "experiment.changed": ({ id }) => changedWith(store, id).map((each) => toExperiment(asTold(each))),
    "file.open": ({ path, format }) => files.open(path, format),
    "experiment.cancel": ({ id }) => {
      store.getExperiment(id);
      return runner.cancel(id);
    },
    "experiment.cancelAll": () => runner.cancel(...runner.busy()),
    "experiment.get": ({ id }) => toExperiment(asTold(store.getExperiment(id))),
    "experiment.describe": ({ id, ...change }) => {
      const changed = store.describeExperiment(id, change);
      emit("experiment.described", toDescription(changed));
      emit("history.changed", { ids: [id] });
      return toExperiment(asTold(changed));
    },
    "experiment.delete": async ({ ids }) => {
      await runner.cancel(...ids);
      const count = store.trash(ids);
      emit("history.changed", { ids });
      return count;
    },
    "experiment.restore": ({ ids }) => {
      const count = store.untrash(ids);
      emit("history.changed", { ids });
      return count;
    },
  };
}
